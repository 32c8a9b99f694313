"""Verifying a finding with nothing but its file, and whom the auditor believes.

1. It is a package in its one spelling, or a folder with its files (`gateway.audit.finding.package`).
2. The log signed for the manifest; every file has its digest, and there are no others.
3. The log signed the checkpoint, and enough witnesses cosigned it.
4. Each entry has the form of entries, a proof that leads to the checkpoint, and openings that fit its commitments.
5. The search behind it is in the log, with the opening that let private parts be seen: of this search of this log, in
   time, and seen by enough witnesses. Each entry is one that this search finds, and is opened or erased as a whole.
6. The policy bundles that entries name are there; where the facts were opened, plan and forms follow from them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.audit.errors import LogFault, MalformedLogDataError, UnprovenError
from gateway.audit.finding.entry import MAX_ENTRIES, MAX_ENTRIES_FILE, FindingEntry, parse_entry
from gateway.audit.finding.fields import select_type
from gateway.audit.finding.fitting import find_differing, find_unsettled, is_factless
from gateway.audit.finding.making import MAX_BUNDLES_SIZE
from gateway.audit.finding.manifest import (
    ENTRIES_FILE,
    FINDING_FILE,
    MAX_FINDING,
    NOTE_FILE,
    QUERY_FILE,
    FindingManifest,
    parse_finding,
    verify_finding_note,
)
from gateway.audit.finding.package import MAX_PACKAGE, parse_package
from gateway.audit.finding.query import MAX_QUERY, SearchBehind, verify_search
from gateway.audit.finding.replay import decides, is_replayable, replay
from gateway.audit.leaf import Leaf, LeafError, parse_leaf
from gateway.audit.search.query import Query
from gateway.audit.tlog.checkpoint import Checkpoint, parse_checkpoint
from gateway.audit.tlog.merkle import leaf_hash, verify_inclusion
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.tlog.quorum import MAX_POLICY, NO_QUORUM, Policy, parse_policy, verify_witnessed
from gateway.audit.verify.finding import Finding, FindingKind, Findings
from gateway.audit.verify.source import BUNDLES_FOLDER, CHECKPOINT_FILE, POLICY_FILE, FolderSource, Source
from gateway.audit.verify.verifier import NoPolicyError
from gateway.trust.files import read_file
from policies.bundle import Bundle, MalformedBundleError, parse_bundle
from policies.catalogue import LicenceType

_PREFIX: Final = "sha256:"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingVerification:
    """What was found. ``opened``: entries with opened values; ``replayed``: decisions that were computed again.

    ``types``: whose fields the form of an entry speaks of, by its number, as far as that can be told. ``has_quorum``:
    the policy asks for witnesses.
    ``is_own_policy``: the finding itself said whom to believe, so a forger could have said it too.
    """

    log: str
    size: int
    entries: tuple[tuple[FindingEntry, Leaf], ...]
    types: Mapping[int, LicenceType]
    has_quorum: bool
    cosigned: Mapping[str, int]
    search: SearchBehind | None
    opened: int
    replayed: int
    policies: int
    is_own_policy: bool
    findings: tuple[Finding, ...]
    more: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class PackageSource:
    """The files of a package."""

    files: Mapping[str, bytes]

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a file, of a longer one the first ``limit`` + 1 bytes."""
        data = self.files.get(path)
        return None if data is None else data[: limit + 1]

    def paths(self) -> Iterator[str]:
        """Name every file."""
        return iter(self.files)

    def close(self) -> None:
        """Do nothing."""


def open_finding(place: Path) -> Source:
    """Return the files of a finding.

    Raises:
        MalformedLogDataError: it is no package in its one spelling.
        SourceError, OSError: it cannot be read.

    """
    return FolderSource(place) if place.is_dir() else PackageSource(parse_package(read_file(place, MAX_PACKAGE)))


def verify_finding(
    source: Source, *, policy: Policy | None = None, progress: Progress = lambda _done, _total: None
) -> FindingVerification:
    """Verify a finding; ``policy``: whom the auditor believes, None: whom the finding itself names.

    ``progress`` is told entries done and in all. Whatever is wrong with the finding is a fault that is returned.

    Raises:
        SourceError: it cannot be read.
        NoPolicyError: nobody is named to be believed.

    """
    verifier = _Verifier(source, policy)
    verifier.run(progress)
    return verifier.result()


def refuse_package(error: MalformedLogDataError) -> FindingVerification:
    """Return the verification of a file that could not be taken apart."""
    fault = Finding(kind=FindingKind.PACKAGE, detail=str(error))
    return FindingVerification(
        log="",
        size=0,
        entries=(),
        types={},
        has_quorum=False,
        cosigned={},
        search=None,
        opened=0,
        replayed=0,
        policies=0,
        is_own_policy=False,
        findings=(fault,),
        more=0,
    )


class _Verifier:
    """One verification; the steps are those of the module."""

    def __init__(self, source: Source, policy: Policy | None) -> None:
        self._source = source
        self._findings = Findings()
        own = source.read(POLICY_FILE, MAX_POLICY)
        try:
            self._own = parse_policy(own or b"")
        except MalformedLogDataError as error:
            if policy is None:
                raise NoPolicyError(error.flaw, f"{POLICY_FILE}: {error.detail}") from error
            self._own = Policy()
        self._is_own_policy = policy is None
        self._policy = self._own if policy is None else policy
        self._log = ""
        self._listed: Collection[str] = ()  # the files of the manifest
        self._size = 0
        self._cosigned: Mapping[str, int] = {}
        self._entries: list[tuple[FindingEntry, Leaf]] = []
        self._search: SearchBehind | None = None
        self._bundles: dict[str, Bundle] = {}
        self._types: dict[int, LicenceType] = {}
        self._opened = self._replayed = 0

    def run(self, progress: Progress) -> None:
        self._check_files()  # 2
        checkpoint = self._read_checkpoint()  # 3
        if checkpoint is None:
            self._findings.add(FindingKind.SEARCH, path=QUERY_FILE, detail="no tree to prove it by")
        else:
            self._check_entries(checkpoint, progress)  # 4
            self._check_search(checkpoint)  # 5
        self._check_policies()  # 6

    def result(self) -> FindingVerification:
        return FindingVerification(
            log=self._log,
            size=self._size,
            entries=tuple(self._entries),
            types=self._types,
            has_quorum=self._policy.quorum != NO_QUORUM,
            cosigned=self._cosigned,
            search=self._search,
            opened=self._opened,
            replayed=self._replayed,
            policies=len(self._bundles),
            is_own_policy=self._is_own_policy,
            findings=tuple(self._findings.kept),
            more=self._findings.more,
        )

    # --- files --------------------------------------------------------------------------------------------------------

    def _check_files(self) -> None:
        data = self._read(FINDING_FILE, MAX_FINDING)
        note = self._read(NOTE_FILE, MAX_NOTE)
        if data is None or note is None:
            return
        try:
            manifest = parse_finding(data)
        except MalformedLogDataError as error:
            self._findings.add(FindingKind.MALFORMED, path=FINDING_FILE, detail=str(error))
            return
        self._log, self._listed = manifest.log, manifest.files
        own, given = ([log.key for log in policy.logs] for policy in (self._own, self._policy))
        try:
            verify_finding_note(note, data, manifest.log, own=own, given=given)
        except MalformedLogDataError as error:
            self._findings.add(FindingKind.MALFORMED, path=NOTE_FILE, detail=str(error))
        except UnprovenError as error:
            self._findings.add(FindingKind.SIGNATURE, path=NOTE_FILE, detail=str(error))
        self._check_digests(manifest)

    def _check_digests(self, manifest: FindingManifest) -> None:
        for path, digest in sorted(manifest.files.items()):
            content = self._read(path, MAX_ENTRIES_FILE)
            if content is not None and sha256(content).hexdigest() != digest:
                self._findings.add(FindingKind.DIGEST, path=path)
        for path in (CHECKPOINT_FILE, ENTRIES_FILE, POLICY_FILE, QUERY_FILE):
            if path not in manifest.files:
                self._findings.add(FindingKind.MANIFEST, path=path, detail="not in the manifest")
        expected = {FINDING_FILE, NOTE_FILE, *manifest.files}
        for path in self._source.paths() or ():
            if path not in expected:
                self._findings.add(FindingKind.SURPLUS, path=path)

    def _read(self, path: str, limit: int) -> bytes | None:
        """Return a file; None after a fault."""
        data = self._source.read(path, limit)
        if data is None:
            self._findings.add(FindingKind.MISSING, path=path)
        return data

    # --- the tree -----------------------------------------------------------------------------------------------------

    def _read_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint that entries are proven against; None after a fault."""
        data = self._source.read(CHECKPOINT_FILE, MAX_NOTE) or b""
        try:
            signed = parse_checkpoint(data)
        except MalformedLogDataError as error:
            self._findings.add(FindingKind.MALFORMED, path=CHECKPOINT_FILE, detail=str(error))
            return None
        try:
            self._cosigned = verify_witnessed(signed, self._policy).cosigned
        except UnprovenError as error:
            kind = FindingKind.QUORUM if error.fault is LogFault.TOO_FEW_WITNESSES else FindingKind.CHECKPOINT
            self._findings.add(kind, path=CHECKPOINT_FILE, detail=str(error))
            if kind is FindingKind.CHECKPOINT:
                return None
        checkpoint = signed.checkpoint
        self._size = checkpoint.size
        if checkpoint.origin != self._log:
            self._findings.add(FindingKind.CHECKPOINT, path=CHECKPOINT_FILE, detail="of another log")
            return None
        return checkpoint

    def _check_entries(self, checkpoint: Checkpoint, progress: Progress) -> None:
        data = self._source.read(ENTRIES_FILE, MAX_ENTRIES_FILE) or b""
        lines = data.split(b"\n")
        if lines.pop() or len(lines) > MAX_ENTRIES:
            detail = f"up to {MAX_ENTRIES} whole lines were expected"
            self._findings.add(FindingKind.MALFORMED, path=ENTRIES_FILE, detail=detail)
            return
        last = -1
        for done, line in enumerate(lines, 1):
            try:
                entry = parse_entry(line)
                hashes = entry.hashes()
            except MalformedLogDataError as error:
                detail = f"line {done}: {error}"
                self._findings.add(FindingKind.MALFORMED, path=ENTRIES_FILE, detail=detail)
                continue
            if entry.index <= last:
                self._findings.add(FindingKind.MALFORMED, entry=entry.index, path=ENTRIES_FILE, detail="out of order")
            last = entry.index
            self._check_entry(entry, hashes, checkpoint)
            progress(done, len(lines))

    def _check_entry(self, entry: FindingEntry, hashes: Sequence[bytes], checkpoint: Checkpoint) -> None:
        leaf = entry.leaf.encode()
        try:
            verify_inclusion(
                leaf=leaf_hash(leaf), index=entry.index, size=checkpoint.size, proof=hashes, root=checkpoint.root
            )
            parsed = parse_leaf(leaf)
        except UnprovenError as error:
            self._findings.add(FindingKind.PROOF, entry=entry.index, detail=str(error))
            return
        except LeafError as error:
            self._findings.add(FindingKind.LEAF, entry=entry.index, detail=str(error))
            return
        if entry.opened is not None:
            self._opened += 1
            for name in entry.opened.differing(parsed.content.commits):
                self._findings.add(FindingKind.OPENED, entry=entry.index, detail=name)
        if entry.damaged:
            self._findings.add(FindingKind.OPENED, entry=entry.index, detail="the gateway found it damaged")
        self._entries.append((entry, parsed))

    # --- the search ---------------------------------------------------------------------------------------------------

    def _check_search(self, checkpoint: Checkpoint) -> None:
        data = self._source.read(QUERY_FILE, MAX_QUERY)
        if data is None:
            return
        try:
            self._search = search = verify_search(data, self._policy, checkpoint)
        except MalformedLogDataError as error:
            self._findings.add(FindingKind.MALFORMED, path=QUERY_FILE, detail=str(error))
            return
        except UnprovenError as error:
            self._findings.add(FindingKind.SEARCH, path=QUERY_FILE, detail=str(error))
            return
        if search.search.content.more.get("count") != len(self._entries) and self._findings.is_empty:
            self._findings.add(FindingKind.SEARCH, path=QUERY_FILE, detail="another number of entries was found")
        shows = any(entry.opened or entry.context or entry.erased for entry, _ in self._entries)
        if shows and search.request is None:
            self._findings.add(FindingKind.SEARCH, path=QUERY_FILE, detail="private parts without an opening")
        if search.is_opening_unseen:
            self._findings.add(FindingKind.QUORUM, path=QUERY_FILE, detail="the entries of the opening")
        if search.query is not None:
            self._check_found(search.query)

    def _check_found(self, query: Query) -> None:
        """Hold what was opened against what was searched for."""
        for entry, leaf in self._entries:
            if entry.damaged:  # a fault already, and nothing of it is opened
                continue
            for name in find_differing(query, entry, leaf):
                self._findings.add(FindingKind.SEARCH, entry=entry.index, detail=f"another {name} was searched for")
            for detail in find_unsettled(entry, leaf.content.commits):
                self._findings.add(FindingKind.OPENED, entry=entry.index, detail=detail)
            if is_factless(entry, leaf.content):
                self._findings.add(FindingKind.REPLAY, entry=entry.index, detail="the facts that decided are missing")

    # --- policies -----------------------------------------------------------------------------------------------------

    def _check_policies(self) -> None:
        self._read_bundles()
        named = {leaf.content.policy for _, leaf in reversed(self._entries)}
        for digest in sorted(named - self._bundles.keys() - {""}):
            first = next(entry.index for entry, leaf in self._entries if leaf.content.policy == digest)
            path = f"{BUNDLES_FOLDER}/{digest.removeprefix(_PREFIX)}.json"
            self._findings.add(FindingKind.POLICY_MISSING, entry=first, path=path)
        deciding = {digest: decides(bundle) for digest, bundle in self._bundles.items()}
        for entry, leaf in self._entries:
            bundle = self._bundles.get(leaf.content.policy)
            if bundle is None:
                continue
            if licence_type := select_type(bundle, leaf.content, entry.context):
                self._types[entry.index] = licence_type
            if not is_replayable(leaf.content, entry.context):
                continue
            self._replayed += 1
            if differs := replay(leaf.content, entry.context, deciding[leaf.content.policy]):
                self._findings.add(FindingKind.REPLAY, entry=entry.index, detail=differs)

    def _read_bundles(self) -> None:
        for path in sorted(self._listed):
            if not path.startswith(f"{BUNDLES_FOLDER}/"):
                continue
            data = self._source.read(path, MAX_BUNDLES_SIZE) or b""
            digest = sha256(data).hexdigest()
            if path != f"{BUNDLES_FOLDER}/{digest}.json":
                self._findings.add(FindingKind.DIGEST, path=path)
                continue
            try:
                self._bundles[_PREFIX + digest] = parse_bundle(data)
            except MalformedBundleError as error:
                self._findings.add(FindingKind.MALFORMED, path=path, detail=str(error.flaw))
