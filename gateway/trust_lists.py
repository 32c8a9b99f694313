"""The signed lists of a trust folder: which of them may be relied on, and since which version.

`read_trust` reads all of it, certificates and revocation lists too; nothing here writes (`gateway.trust_publishing`).
Where what lies is said in `gateway.trust_layout`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from gateway.trust_approval import is_approved
from gateway.trust_folder import TrustFinding, read_trust_folder
from gateway.trust_layout import (
    APPROVAL_SUFFIX,
    HELD_FOLDER,
    LIST_SUFFIX,
    LISTS_FOLDER,
    ROOTS_FILE,
    archived_versions,
    held_names,
    list_names,
    place_of,
    read_file,
)
from gateway.trust_roots import MAX_LISTS, Roots, load_roots
from gateway.trust_sentences import ListFinding, ListProblem
from keys.errors import MalformedTrustListError, TrustListFault, UntrustedListError
from keys.trust import TrustStore
from keys.trust_list import ListKeys, TrustList, trust_store
from keys.trust_list_compare import growth, shrinkage
from keys.trust_list_parse import MAX_BYTES, parse_trust_list
from keys.trust_list_verify import verify_trust_list

MAX_APPROVAL_BYTES: Final = 4096
MAX_CHANGE: Final = 0.2  # of the entries; a fifth of everybody is no daily business
_TIME_FAULTS: Final = frozenset({TrustListFault.EXPIRED, TrustListFault.NOT_YET_ISSUED})


class Change(NamedTuple):
    """How much of a list is gone or not what it was, and how much is new, both for each old entry."""

    shrinkage: float
    growth: float

    @property
    def share(self) -> float:
        """The larger of the two."""
        return max(self)


def measure_change(old: TrustList, new: TrustList) -> Change:
    """Compare two versions."""
    return Change(shrinkage=shrinkage(old, new), growth=growth(old, new))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldList:
    """A version that waits for approval while ``in_force`` stays."""

    candidate: TrustList
    in_force: TrustList
    change: Change


@dataclass(frozen=True, kw_only=True)
class TrustState:
    """What a trust folder says, as of no moment: lists count only while their time lasts (`store_at`).

    ``folder`` is what lies there as certificates and revocation lists. ``lists`` were verified.
    """

    folder: TrustStore = field(default_factory=TrustStore.empty)
    lists: tuple[TrustList, ...] = ()
    held: tuple[HeldList, ...] = ()

    def in_force(self, at: datetime) -> tuple[TrustList, ...]:
        """Return the lists that count at ``at``."""
        return tuple(one for one in self.lists if one.issued <= at < one.expires)

    def store_at(self, at: datetime) -> TrustStore:
        """Return one store of folder and lists as of ``at``."""
        found = self.in_force(at)
        if not found:
            return self.folder
        together = trust_store(found, self.folder.anchors)
        return replace(self.folder, anchors=together.anchors, keys=together.keys)

    @cached_property
    def by_name(self) -> Mapping[str, TrustList]:
        """The lists by their names."""
        return {one.name: one for one in self.lists}


Finding = TrustFinding | ListFinding


class TrustReading(NamedTuple):
    """What was read, and what there is to say; with a fault among the findings the state is not to be used as it is."""

    state: TrustState
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that refuse it."""
        return tuple(finding for finding in self.findings if finding.is_fault)


def read_trust(
    folder: Path, *, at: datetime, present: TrustState | None = None, max_change: float = MAX_CHANGE
) -> TrustReading:
    """Read a trust folder as of ``at``; ``present`` is what was read before, which no list may fall behind.

    Without it, the archive tells what came before. A verified list whose time is over, or not yet come, is kept and
    said, and counts for nothing; but it does not take the place of a present one.

    Raises:
        NotADirectoryError: there is no such folder.

    """
    certificates = read_trust_folder(folder)
    reading = _Reading(folder=folder, at=at, max_change=max_change, present=present.by_name if present else {})
    reading.read()
    state = TrustState(folder=certificates.store, lists=tuple(reading.lists), held=tuple(reading.held))
    return TrustReading(state, (*certificates.findings, *reading.findings))


@dataclass(slots=True, kw_only=True)
class _Reading:
    folder: Path
    at: datetime
    max_change: float
    present: Mapping[str, TrustList]
    roots: Roots = field(default_factory=dict)
    lists: list[TrustList] = field(default_factory=list)
    held: list[HeldList] = field(default_factory=list)
    findings: list[ListFinding] = field(default_factory=list)

    def read(self) -> None:
        try:
            self.roots = load_roots(self.folder)
        except (OSError, ValueError) as error:
            detail = error.strerror or "" if isinstance(error, OSError) else str(error)
            self.findings.append(ListFinding(file=ROOTS_FILE, problem=ListProblem.ROOTS_MALFORMED, detail=detail))
            return
        names = list_names(self.folder)
        if len(names) > MAX_LISTS:
            self.findings.append(ListFinding(file=LISTS_FOLDER, problem=ListProblem.TOO_MANY, detail=f"{len(names)}"))
            return
        for name in names:
            self._take(name)
        for name in sorted(self.roots.keys() - set(names)):
            problem = ListProblem.GONE if name in self.present else ListProblem.MISSING
            self.findings.append(ListFinding(file=place_of(name), problem=problem))
        for name in held_names(self.folder):
            self._take_held(name)

    def _take(self, name: str) -> None:
        """Take one list, or find out why not."""
        try:
            data = read_file(self.folder / LISTS_FOLDER / (name + LIST_SUFFIX), MAX_BYTES)
            candidate = parse_trust_list(data)
            self._judge(candidate, name)
        except MalformedTrustListError as error:
            self.findings.append(ListFinding(file=place_of(name), problem=error.flaw, detail=error.detail))
        except UntrustedListError as error:
            self.findings.append(ListFinding(file=place_of(name), problem=error.fault, detail=error.detail))
        except _FoundError as error:
            self.findings.append(ListFinding(file=place_of(name), problem=error.problem, detail=error.detail))
        except OSError as error:
            detail = error.strerror or ""
            self.findings.append(ListFinding(file=place_of(name), problem=ListProblem.UNREADABLE, detail=detail))

    def _judge(self, candidate: TrustList, name: str) -> None:
        """Verify a list against what came before it, and put it, or that, in force.

        Raises:
            UntrustedListError: it breaks a rule.
            _FoundError: something beside it is wrong.

        """
        if candidate.name != name:
            raise _FoundError(ListProblem.WRONG_NAME, candidate.name)
        before = self.present.get(name)
        if before is not None and before.digest == candidate.digest:
            self._note_period(before)
            self.lists.append(before)
            return
        roots = self.roots.get(name)
        if roots is None:
            raise _FoundError(ListProblem.NO_ROOTS, name)
        previous = self._predecessor(candidate, before, roots)
        fault = verify_content(candidate, previous=previous, root_keys=roots, at=self.at)
        if fault is not None and before is not None:
            raise UntrustedListError(fault, f"version {candidate.version}")
        compared = before or previous
        if compared is not None and compared.digest != candidate.digest:
            change = measure_change(compared, candidate)
            if change.share > self.max_change and not self._is_approved(compared, candidate):
                self.held.append(HeldList(candidate=candidate, in_force=compared, change=change))
                detail = f"version {candidate.version}, {change.share:.0%} > {self.max_change:.0%}"
                self.findings.append(ListFinding(file=place_of(name), problem=ListProblem.HELD, detail=detail))
                candidate = compared
        self._note_period(candidate)
        self.lists.append(candidate)

    def _predecessor(self, candidate: TrustList, before: TrustList | None, roots: ListKeys) -> TrustList | None:
        """Return the version that a candidate must follow: the present one, or what the archive leads to.

        None: the root keys stand in its place.
        """
        archived = archived_versions(self.folder, candidate.name)
        if before is not None:
            between = range(before.version + 1, candidate.version)
            steps = [archived[version] for version in between if version in archived]
            return self._follow(before, steps, None) if len(steps) == len(between) else before
        newest = max(archived, default=0)
        if newest == candidate.version and self._load(archived[newest]).digest == candidate.digest:
            newest = 0  # its publisher stopped between the archive and the list
        if newest >= candidate.version:
            raise _FoundError(ListProblem.OLDER_THAN_ARCHIVE, f"version {candidate.version}, {newest} is archived")
        path: list[Path] = []
        version = candidate.version - 1
        while version in archived:  # back to one that the root keys signed themselves
            path.insert(0, archived[version])
            first = self._load(path[0])
            try:
                verify_content(first, previous=None, root_keys=roots, at=self.at)
            except UntrustedListError:
                version -= 1
                continue
            return self._follow(first, path[1:], roots)
        return None

    def _follow(self, first: TrustList, steps: list[Path], roots: ListKeys | None) -> TrustList:
        last = first
        for step in steps:
            following = self._load(step)
            verify_content(following, previous=last, root_keys=roots, at=self.at)
            last = following
        return last

    def _load(self, path: Path) -> TrustList:
        return parse_trust_list(read_file(path, MAX_BYTES))

    def _is_approved(self, in_force: TrustList, candidate: TrustList) -> bool:
        place = f"{LISTS_FOLDER}/{candidate.name}{APPROVAL_SUFFIX}"
        try:
            data = read_file(self.folder / place, MAX_APPROVAL_BYTES)
        except FileNotFoundError:
            return False
        if is_approved(data, in_force=in_force, candidate=candidate):
            return True
        self.findings.append(ListFinding(file=place, problem=ListProblem.APPROVAL_REFUSED))
        return False

    def _note_period(self, one: TrustList) -> None:
        if not one.issued <= self.at < one.expires:
            detail = f"version {one.version}, {one.issued:%Y-%m-%d} – {one.expires:%Y-%m-%d}"
            self.findings.append(ListFinding(file=place_of(one.name), problem=ListProblem.NOT_IN_FORCE, detail=detail))

    def _take_held(self, name: str) -> None:
        """Show a version that `tongban trust publish` put aside; one that is no list any more holds up nothing."""
        in_force = next((one for one in self.lists if one.name == name), None)
        try:
            candidate = self._load(self.folder / HELD_FOLDER / (name + LIST_SUFFIX))
        except (OSError, MalformedTrustListError):
            return
        if in_force is None or candidate.name != name or candidate.version <= in_force.version:
            return
        if any(one.candidate.digest == candidate.digest for one in self.held):
            return
        change = measure_change(in_force, candidate)
        self.held.append(HeldList(candidate=candidate, in_force=in_force, change=change))
        detail = f"version {candidate.version}, {change.share:.0%}"
        file = f"{HELD_FOLDER}/{name}{LIST_SUFFIX}"
        self.findings.append(ListFinding(file=file, problem=ListProblem.HELD, detail=detail))


class _FoundError(Exception):
    def __init__(self, problem: ListProblem, detail: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.detail = detail


def verify_content(
    new: TrustList, *, previous: TrustList | None, root_keys: ListKeys | None, at: datetime
) -> TrustListFault | None:
    """Verify everything but the time, and return what is wrong with that: EXPIRED, NOT_YET_ISSUED or None.

    Raises:
        UntrustedListError: any other rule is broken.

    """
    try:
        verify_trust_list(new, previous=previous, root_keys=root_keys, at=at)
    except UntrustedListError as error:
        if error.fault in _TIME_FAULTS:
            return error.fault
        raise
    return None
