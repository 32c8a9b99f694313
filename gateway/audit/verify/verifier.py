"""The offline verifier: whether a log, or an export of it, is whole and what its checkpoints say, with nothing else.

1. The checkpoint is signed by the log that the policy names; without that, nothing else has a meaning.
2. Every bundle hashes to its tile, every leaf is canonical, numbers and times go on (`check_part`, on every core).
3. Every tile above follows from the tiles below.
4. The tree has the root of every checkpoint that is there, and enough witnesses cosigned one of them.
5. Policies and seals refer to each other without a gap (`gateway.audit.verify.chains`).
   Where the policy asks for no witnesses and none cosigned, nothing is witnessed, and nothing is wrong about that.
6. The files beside the tree have the digests of the manifest, and there are no others. A folder is an export, so it
   has a manifest; an address that serves a log has none, and then nobody says which policies should be there.

Which entries an export has, its manifest says alone, and whoever hands it on may have left some out: then it is sound
in part, and an auditor who asked for the whole log says so.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from types import MappingProxyType
from typing import Final

from gateway.audit.errors import MalformedLogDataError, UnprovenError
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.merkle import EMPTY_ROOT, HASH_SIZE, fold_hashes
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.tlog.quorum import MAX_POLICY, NO_QUORUM, Policy, parse_policy, verify_witnessed
from gateway.audit.tlog.tile import (
    MAX_LEVEL,
    TILE_WIDTH,
    TileAddress,
    bundles_of,
    encode_tile_path,
    tile_at,
    tiles_of,
)
from gateway.audit.verify.chains import Chains
from gateway.audit.verify.finding import Finding, FindingKind, Findings
from gateway.audit.verify.manifest import MAX_MANIFEST, Manifest, parse_manifest
from gateway.audit.verify.part import PART_TILES, PartFound, PartTask, check_part, check_taken_part, take_source
from gateway.audit.verify.source import (
    BUNDLES_FOLDER,
    CHECKPOINT_FILE,
    CHECKPOINTS_FOLDER,
    MANIFEST_FILE,
    POLICY_FILE,
    Source,
    SourceError,
    read_root,
    read_tile,
)

MAX_BESIDE: Final = 32 * 1024 * 1024  # bytes of a policy bundle; as many as its own reader takes
_ALONE_TILES: Final = TILE_WIDTH  # 65,536 entries are checked about as soon as another process has started
_AHEAD: Final = 2  # parts of another process: it has its next one while this process is busy with its own
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")

Progress = Callable[[int, int], None]


class NoPolicyError(MalformedLogDataError):
    """Neither the caller nor the log says whom to believe, or the log's own policy is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found. ``is_own_policy``: the log itself said whom to believe, so a forger could have said it too.

    ``is_export``: there is a manifest; without one, nothing beside the tree was looked for. ``resealed``: how often a
    day was sealed anew after something was forgotten; whether more was deleted than that, nobody can see from here.
    """

    log: str
    size: int
    root: bytes
    first: int
    end: int
    first_t: int | None  # of the first entry that is there, in milliseconds since 1970; None: there is none
    last_t: int | None
    checkpoints: int
    has_quorum: bool  # the policy asks for witnesses
    witnessed_size: int | None  # of the largest checkpoint that enough witnesses cosigned
    cosigned: Mapping[str, int]  # that checkpoint's witnesses, and when
    callers: int
    policies: int
    seals: int
    resealed: int
    is_own_policy: bool
    is_export: bool
    findings: tuple[Finding, ...]
    more: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with what is there; that need not be all (`is_whole`)."""
        return not self.findings

    @property
    def is_whole(self) -> bool:
        """Whether all entries of the log are there."""
        return (self.first, self.end) == (0, self.size)


def verify_log(
    source: Source,
    *,
    policy: Policy | None = None,
    whole: bool = False,
    workers: int = 1,
    progress: Progress = lambda _done, _total: None,
) -> Verification:
    """Verify a log; ``policy``: whom the auditor believes, None: whom the log itself names.

    ``whole``: an export of a part of the log has a fault. ``progress`` is told entries done and in all. Whatever is
    wrong with the log is a finding.

    Raises:
        SourceError: it cannot be read.
        NoPolicyError: nobody is named to be believed.

    """
    verifier = _Verifier(source, policy, whole=whole)
    verifier.run(workers, progress)
    return verifier.result()


class _Verifier:
    """One verification; the steps are those of the module."""

    def __init__(self, source: Source, policy: Policy | None, *, whole: bool) -> None:
        self._source = source
        self._is_whole_asked = whole
        self._findings = Findings()
        self._is_own_policy = policy is None
        self._policy = self._read_own_policy() if policy is None else policy
        self._manifest = self._read_manifest()
        self._head: SignedCheckpoint | None = None
        self._first = self._end = 0
        self._checkpoints: list[tuple[str, SignedCheckpoint]] = []
        self._witnessed_size: int | None = None
        self._cosigned: Mapping[str, int] = MappingProxyType({})
        self._chains = Chains(0, self._findings)

    def run(self, workers: int, progress: Progress) -> None:
        head = self._read_checkpoint(CHECKPOINT_FILE)  # 1
        if head is None:
            return
        self._head = head
        size = head.checkpoint.size
        self._first, self._end = self._range(size)
        if self._first == self._end:
            self._findings.add(FindingKind.EMPTY)
        elif self._is_whole_asked and (self._first, self._end) != (0, size):
            detail = f"{self._first} to {self._end} of {size}"
            self._findings.add(FindingKind.PART, path=MANIFEST_FILE, detail=detail)
        self._chains = Chains(self._first, self._findings)
        roots = self._check_parts(size, workers, progress)  # 2
        if self._findings.is_full:  # a signed size that no disk could hold would keep the steps below busy for ever
            return
        self._check_levels(size, roots)  # 3
        self._check_checkpoints()  # 4
        self._chains.finish(self._end)  # 5
        self._check_files(size)  # 6

    def result(self) -> Verification:
        head = None if self._head is None else self._head.checkpoint
        return Verification(
            log="" if head is None else head.origin,
            size=0 if head is None else head.size,
            root=EMPTY_ROOT if head is None else head.root,
            first=self._first,
            end=self._end,
            first_t=self._chains.first_t,
            last_t=self._chains.last_t,
            checkpoints=len(self._checkpoints),
            has_quorum=self._policy.quorum != NO_QUORUM,
            witnessed_size=self._witnessed_size,
            cosigned=self._cosigned,
            callers=self._chains.callers,
            policies=len(self._chains.policies),
            seals=self._chains.seals,
            resealed=self._chains.resealed,
            is_export=self._manifest is not None,
            is_own_policy=self._is_own_policy,
            findings=tuple(self._findings.kept),
            more=self._findings.more,
        )

    # --- what stands beside the tree ----------------------------------------------------------------------------------

    def _read_own_policy(self) -> Policy:
        data = self._source.read(POLICY_FILE, MAX_POLICY)
        try:
            return parse_policy(data or b"")
        except MalformedLogDataError as error:
            raise NoPolicyError(error.flaw, f"{POLICY_FILE}: {error.detail}") from error

    def _read_manifest(self) -> Manifest | None:
        data = self._source.read(MANIFEST_FILE, MAX_MANIFEST)
        if data is None:
            if self._source.paths() is not None:
                self._findings.add(FindingKind.MISSING, path=MANIFEST_FILE)
            return None
        try:
            return parse_manifest(data)
        except MalformedLogDataError as error:
            self._findings.add(FindingKind.MALFORMED, path=MANIFEST_FILE, detail=str(error))
            return None

    def _read_checkpoint(self, path: str) -> SignedCheckpoint | None:
        """Return a checkpoint that the log signed; None after a finding."""
        data = self._source.read(path, MAX_NOTE)
        if data is None:
            self._findings.add(FindingKind.MISSING, path=path)
            return None
        try:
            signed = parse_checkpoint(data)
            keys = [*(log.key for log in self._policy.logs), *(witness.key for witness in self._policy.witnesses)]
            verify_checkpoint(signed, keys)
        except MalformedLogDataError as error:
            self._findings.add(FindingKind.MALFORMED, path=path, detail=str(error))
            return None
        except UnprovenError as error:
            self._findings.add(FindingKind.CHECKPOINT, path=path, detail=str(error))
            return None
        self._checkpoints.append((path, signed))
        return signed

    def _range(self, size: int) -> tuple[int, int]:
        """Return which entries should be there; all of them, unless a manifest that fits says otherwise."""
        manifest, head = self._manifest, self._head
        if manifest is None or head is None:
            return 0, size
        said = (manifest.log, manifest.size, manifest.root)
        if said != (head.checkpoint.origin, size, head.checkpoint.root.hex()):
            self._findings.add(FindingKind.MANIFEST, path=MANIFEST_FILE, detail="log, size or root")
            return 0, size
        return manifest.first, manifest.end

    # --- the tree -----------------------------------------------------------------------------------------------------

    def _check_parts(self, size: int, workers: int, progress: Progress) -> list[bytes]:
        """Check all parts, in their order, and return the roots of the full tiles of level 0."""
        roots: list[bytes] = []
        for task, part in self._parts(size, workers):
            roots += part.roots
            self._chains.take(part)
            self._findings.take(part.findings, part.more)
            progress(min(task.end_tile * TILE_WIDTH, size), size)
            if self._findings.is_full:
                break
        return roots

    def _parts(self, size: int, workers: int) -> Iterator[tuple[PartTask, PartFound]]:
        tiles = -(-size // TILE_WIDTH)
        tasks = (
            PartTask(
                first_tile=first,
                end_tile=min(first + PART_TILES, tiles),
                size=size,
                start=self._first,
                end=self._end,
            )
            for first in range(0, tiles, PART_TILES)
        )
        if workers == 1 or tiles <= _ALONE_TILES:
            yield from ((task, check_part(self._source, task)) for task in tasks)
            return
        others = workers - 1  # this process is one, and has begun before another has started
        # Not by fork: a progress bar has a thread, whose locks a fork would copy as they are.
        pool = ProcessPoolExecutor(
            others, mp_context=get_context("spawn"), initializer=take_source, initargs=(self._source,)
        )
        begun: deque[tuple[PartTask, Future[PartFound]]] = deque()
        try:
            for task in tasks:
                is_busy = sum(not future.done() for _, future in begun) >= _AHEAD * others
                begun.append((task, self._check_here(task) if is_busy else pool.submit(check_taken_part, task)))
                while begun and begun[0][1].done():
                    task_done, future = begun.popleft()
                    yield task_done, future.result()
            yield from ((task_done, future.result()) for task_done, future in begun)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # they end while this process goes on

    def _check_here(self, task: PartTask) -> Future[PartFound]:
        """Check a part in this process; like another's, its outcome waits for its turn."""
        future: Future[PartFound] = Future()
        try:
            future.set_result(check_part(self._source, task))
        except SourceError as error:
            future.set_exception(error)
        return future

    def _check_levels(self, size: int, roots: list[bytes]) -> None:
        """Check that each tile above level 0 holds the roots of the tiles below."""
        for level in range(1, MAX_LEVEL + 1):
            above: list[bytes] = []
            for start in range(0, len(roots), TILE_WIDTH):
                expected = b"".join(roots[start : start + TILE_WIDTH])
                address = tile_at(level, start // TILE_WIDTH, size)
                if address is None:  # no tile of the level below is full
                    break
                self._check_tile(address, expected)
                if address.width == TILE_WIDTH:
                    above.append(fold_hashes(expected))
            roots = above

    def _check_tile(self, address: TileAddress, expected: bytes) -> None:
        hashes, path = read_tile(self._source, address), encode_tile_path(address)
        if hashes is None:
            self._findings.add(FindingKind.MISSING, entry=address.first, path=path)
        elif len(hashes) != len(expected):
            detail = f"{len(expected)} bytes were expected"
            self._findings.add(FindingKind.MALFORMED, entry=address.first, path=path, detail=detail)
        elif hashes != expected:
            at = next(at for at in range(0, len(expected), HASH_SIZE) if hashes[at : at + 32] != expected[at : at + 32])
            self._findings.add(FindingKind.TILE, entry=address.first + at // HASH_SIZE * address.span, path=path)

    # --- checkpoints --------------------------------------------------------------------------------------------------

    def _check_checkpoints(self) -> None:
        """Compare every checkpoint with the tree, and find the largest that the witnesses' quorum cosigned."""
        for path in self._further_checkpoints():
            self._read_checkpoint(path)
        head = self._checkpoints[0][1].checkpoint
        for path, signed in self._checkpoints:
            checkpoint = signed.checkpoint
            if checkpoint.origin != head.origin or checkpoint.size > head.size:
                detail = "of another log" if checkpoint.origin != head.origin else "later than the newest"
                self._findings.add(FindingKind.CHECKPOINT, path=path, detail=detail)
                continue
            if self._root_at(checkpoint.size, head.size) != checkpoint.root:
                self._findings.add(FindingKind.ROOT, entry=max(checkpoint.size - 1, 0), path=path)
                continue
            try:
                witnessed = verify_witnessed(signed, self._policy)
            except UnprovenError:
                continue
            if not witnessed.cosigned:  # the policy asks for none
                continue
            if self._witnessed_size is None or checkpoint.size > self._witnessed_size:
                self._witnessed_size, self._cosigned = checkpoint.size, witnessed.cosigned
        if self._witnessed_size is None and self._policy.quorum != NO_QUORUM:
            self._findings.add(FindingKind.QUORUM)

    def _further_checkpoints(self) -> list[str]:
        paths = set() if self._manifest is None else set(self._manifest.files)
        listed = self._source.paths()
        paths |= set(() if listed is None else listed)
        return sorted(path for path in paths if path.startswith(f"{CHECKPOINTS_FOLDER}/"))

    def _root_at(self, earlier: int, size: int) -> bytes | None:
        """Return the root of the first entries from the tiles; None where one is missing or short."""
        try:
            return read_root(partial(read_tile, self._source), earlier, size)
        except MalformedLogDataError:
            return None

    # --- files --------------------------------------------------------------------------------------------------------

    def _check_files(self, size: int) -> None:
        manifest = self._manifest
        if manifest is None:
            return
        for path, digest in sorted(manifest.files.items()):
            data = self._source.read(path, MAX_BESIDE)
            if data is None:
                self._findings.add(FindingKind.MISSING, path=path)
            elif sha256(data).hexdigest() != digest:
                self._findings.add(FindingKind.DIGEST, path=path)
        for policy, entry in self._chains.policies.items():
            matched = _DIGEST.fullmatch(policy)
            path = "" if matched is None else f"{BUNDLES_FOLDER}/{matched[1]}.json"
            if matched is None or manifest.files.get(path) != matched[1]:
                self._findings.add(FindingKind.POLICY_MISSING, entry=entry, path=path)
        for path in (CHECKPOINT_FILE, POLICY_FILE):
            if path not in manifest.files:
                self._findings.add(FindingKind.MANIFEST, path=path, detail="not in the manifest")
        self._check_surplus(size, manifest)

    def _check_surplus(self, size: int, manifest: Manifest) -> None:
        paths = self._source.paths()
        if paths is None:
            return
        expected = {MANIFEST_FILE, *manifest.files, *map(encode_tile_path, tiles_of(size))}
        expected |= {
            encode_tile_path(address)
            for address in bundles_of(size)
            if self._first <= address.index * TILE_WIDTH < self._end
        }
        for path in paths:
            if path not in expected:
                self._findings.add(FindingKind.SURPLUS, path=path)
