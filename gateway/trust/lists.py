"""The signed lists of a trust folder: which of them may be relied on, and since which version.

`read_trust` reads all of it, certificates and revocation lists too; nothing here writes (`gateway.trust.publishing`).
Where what lies is said in `gateway.trust.layout`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from gateway.trust.approval import is_approved
from gateway.trust.files import read_file
from gateway.trust.folder import TrustFinding, read_trust_folder
from gateway.trust.layout import (
    HELD_FOLDER,
    LIST_SUFFIX,
    LISTS_FOLDER,
    ROOTS_FILE,
    approval_place,
    held_names,
    list_names,
    place_of,
)
from gateway.trust.roots import MAX_LISTS, Roots, load_roots
from gateway.trust.sentences import UNTIMELY, ListFinding, ListProblem
from gateway.trust.succession import Change, ListProblemError, find_way, measure_change
from keys.errors import MalformedTrustListError, TrustListFault, TrustListFlaw, UntrustedListError
from keys.trust import TrustStore
from keys.trust_list import TrustList, trust_store
from keys.trust_list_parse import MAX_BYTES, parse_trust_list
from keys.trust_list_verify import verify_period

MAX_APPROVAL_BYTES: Final = 4096
MAX_CHANGE: Final = 0.2  # of the entries; a fifth of everybody is no daily business


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldList:
    """A version that waits for approval while ``in_force`` stays; ``change`` is that from the version before it."""

    candidate: TrustList
    in_force: TrustList
    change: Change


@dataclass(frozen=True, kw_only=True)
class TrustState:
    """What a trust folder says, as of no moment: lists count only while their time lasts (`store_at`).

    ``folder`` is what lies there as certificates and revocation lists. ``lists`` were verified. Those that are
    ``waiting`` would follow them, were it their time already.
    """

    folder: TrustStore = field(default_factory=TrustStore.empty)
    lists: tuple[TrustList, ...] = ()
    held: tuple[HeldList, ...] = ()
    waiting: tuple[TrustList, ...] = ()

    def in_force(self, at: datetime) -> tuple[TrustList, ...]:
        """Return the lists that count at ``at``."""
        return tuple(one for one in self.lists if one.issued <= at < one.expires)

    def store_at(self, at: datetime) -> TrustStore:
        """Return one store of folder and lists as of ``at``."""
        found = self.in_force(at)
        turns = (
            *(turn for one in self.lists for turn in (one.issued, one.expires)),
            *(one.issued for one in self.waiting),
        )
        until = min((turn for turn in turns if turn > at), default=None)
        if not found:
            return replace(self.folder, until=until)
        together = trust_store(found, self.folder.anchors)
        return replace(self.folder, anchors=together.anchors, keys=together.keys, until=until)

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

    @property
    def untimely(self) -> tuple[Finding, ...]:
        """The findings about versions that were not taken because of their time alone."""
        return tuple(one for one in self.findings if isinstance(one, ListFinding) and one.problem in UNTIMELY)


def read_trust(
    folder: Path, *, at: datetime, present: Mapping[str, TrustList] | None = None, max_change: float = MAX_CHANGE
) -> TrustReading:
    """Read a trust folder as of ``at``; ``present`` are the lists in force by name, which none may fall behind.

    Of a list that is not among them, the archive tells what came before. Each step from there is judged by itself, so
    that it makes no difference who has seen which version: one that changes more than ``max_change`` takes an approval.
    A verified list whose time is over, or not yet come, is said and counts for nothing; it does not take the place of a
    present one.

    Raises:
        NotADirectoryError: there is no such folder.

    """
    certificates = read_trust_folder(folder)
    reading = _Reading(folder=folder, at=at, max_change=max_change, present=present or {})
    reading.read()
    state = TrustState(
        folder=certificates.store,
        lists=tuple(reading.lists),
        held=tuple(reading.held),
        waiting=tuple(reading.waiting),
    )
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
    waiting: list[TrustList] = field(default_factory=list)
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
        for name in sorted((self.roots.keys() | self.present.keys()) - set(names)):
            problem = ListProblem.GONE if name in self.present else ListProblem.MISSING
            self.findings.append(ListFinding(file=place_of(name), problem=problem))
        for name in held_names(self.folder):
            self._take_held(name)

    def _take(self, name: str) -> None:
        """Take one list, or find out why not."""
        try:
            candidate = parse_trust_list(read_file(self.folder / LISTS_FOLDER / (name + LIST_SUFFIX), MAX_BYTES))
            self._judge(candidate, name)
        except MalformedTrustListError as error:
            self._find(name, error.flaw, error.detail)
        except UntrustedListError as error:
            self._find(name, error.fault, error.detail)
        except ListProblemError as error:
            self._find(name, error.problem, error.detail)
        except OSError as error:
            self._find(name, ListProblem.UNREADABLE, error.strerror or "")

    def _find(self, name: str, problem: ListProblem | TrustListFault | TrustListFlaw, detail: str) -> None:
        self.findings.append(ListFinding(file=place_of(name), problem=problem, detail=detail))

    def _judge(self, candidate: TrustList, name: str) -> None:
        """Verify a list by what came before it, and put it in force, or the last version on the way that may be.

        Raises:
            UntrustedListError, MalformedTrustListError, ListProblemError: it breaks a rule.
            OSError: the archive cannot be read.

        """
        if candidate.name != name:
            raise ListProblemError(ListProblem.WRONG_NAME, candidate.name)
        roots = self.roots.get(name)
        if roots is None:
            raise ListProblemError(ListProblem.NO_ROOTS, name)
        present = self.present.get(name)
        start, steps = find_way(self.folder, candidate, present=present, roots=roots)
        reached = start
        held: tuple[TrustList, Change] | None = None
        for step in steps:
            change = self._find_unapproved(reached, step)
            if change is not None:
                held = step, change
                break
            reached = step
        in_force = self._select_timely(reached or candidate, start if present is None else present)
        if held is not None:
            self._hold(held[0], in_force, held[1], place_of(name))
        self.lists.append(in_force)

    def _find_unapproved(self, before: TrustList | None, step: TrustList) -> Change | None:
        """Return the change that somebody has still to approve; None: the step may be taken."""
        change = None if before is None else measure_change(before, step)
        if before is None or change is None or not change.needs_approval(self.max_change):
            return None
        return None if self._is_approved(before, step) else change

    def _select_timely(self, reached: TrustList, present: TrustList | None) -> TrustList:
        """Return a list whose time is now, or at least none in place of the present one whose time is not."""
        if present is not None and reached.digest != present.digest:
            try:
                verify_period(reached, self.at)
            except UntrustedListError as error:
                self._find(reached.name, error.fault, f"version {reached.version}, {error.detail}")
                if error.fault is TrustListFault.NOT_YET_ISSUED:
                    self.waiting.append(reached)
                reached = present
        if not reached.issued <= self.at < reached.expires:
            detail = f"version {reached.version}, {reached.issued:%Y-%m-%d} – {reached.expires:%Y-%m-%d}"
            self._find(reached.name, ListProblem.NOT_IN_FORCE, detail)
        return reached

    def _hold(self, candidate: TrustList, in_force: TrustList, change: Change, file: str) -> None:
        self.held.append(HeldList(candidate=candidate, in_force=in_force, change=change))
        detail = f"version {candidate.version}, {change.share:.0%}"
        if change.loosens:
            old, new = in_force.signers, candidate.signers
            detail += f", {old.threshold}/{len(old.signers)} → {new.threshold}/{len(new.signers)} keys"
        self.findings.append(ListFinding(file=file, problem=ListProblem.HELD, detail=detail))

    def _is_approved(self, in_force: TrustList, candidate: TrustList) -> bool:
        place = approval_place(candidate.name, candidate.version)
        try:
            data = read_file(self.folder / place, MAX_APPROVAL_BYTES)
        except FileNotFoundError:
            return False
        if is_approved(data, in_force=in_force, candidate=candidate):
            return True
        self.findings.append(ListFinding(file=place, problem=ListProblem.APPROVAL_REFUSED))
        return False

    def _take_held(self, name: str) -> None:
        """Show a version that `tongban trust publish` put aside; one that is no list any more holds up nothing."""
        in_force = next((one for one in self.lists if one.name == name), None)
        try:
            candidate = parse_trust_list(read_file(self.folder / HELD_FOLDER / (name + LIST_SUFFIX), MAX_BYTES))
        except (OSError, MalformedTrustListError):
            return
        if in_force is None or candidate.name != name or candidate.version <= in_force.version:
            return
        if any(one.candidate.digest == candidate.digest for one in self.held):
            return
        self._hold(candidate, in_force, measure_change(in_force, candidate), place_of(name, HELD_FOLDER))
