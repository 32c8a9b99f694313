"""Checking the index: by the seals of the days, and by the entries whose private parts can be opened.

1. Every entry is the one of the tree. What its private part says is looked up: each word of it leads to the entry, and
   its owners have the data keys that sealed it.
2. The digest of every sealed day is the one that was sealed last. So what nobody can open is not missed either, and
   nothing was added.

A deletion that goes on meanwhile, or was cut short, differs from its seals until it is done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.audit.committed import is_committed
from gateway.audit.entry import EntryDraft
from gateway.audit.forgetting.retention_terms import LEAST_PROVISION_DAYS, least_days
from gateway.audit.leaf import NO_COMMITS, Leaf, LeafError, LeafKind, parse_leaf
from gateway.audit.lookup import KeyOwner, LookupKeys, Marks, make_marks
from gateway.audit.private import KeyNumber, OpenedPart, PrivatePartError, SealedPart, open_private, split_private
from gateway.audit.reader import LogReader
from gateway.audit.said import is_saying, read_said
from gateway.audit.seal.days import find_due_days
from gateway.audit.seal.digest import digest_spans
from gateway.audit.seal.sealed import SealedDay, aged_from, read_salt, read_sealed
from gateway.audit.store.store import StoredEntry
from gateway.audit.tlog.merkle import HASH_SIZE, leaf_hash
from gateway.audit.tlog.tile import TILE_WIDTH
from gateway.audit.verify.chains import SEAL_DAY, SEAL_RESEAL
from gateway.audit.verify.part import DAY_MS

MAX_FINDINGS: Final = 1_000  # kept; beyond, they are counted: one lost table makes one for each entry

Progress = Callable[[int, int], None]


class IndexFault(StrEnum):
    """What is wrong."""

    ENTRY = "entry-differs"
    PRIVATE = "private-damaged"
    ROWS = "rows-missing"
    OWNER = "owner-differs"
    SEAL = "seal-malformed"
    SALT = "salt-missing"
    DAY = "day-differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFinding:
    """One fault: of an entry, or of a day and the entry that seals it."""

    kind: IndexFault
    entry: int
    day: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedIndex:
    """What was checked: entries in all, those that could be opened, days that were compared; and what is wrong.

    ``past``: days that cannot be compared any more, for their salts are past their time with all that they sealed;
    ``due``: days that are over and not sealed, more than one where nobody seals.
    """

    log: str
    size: int
    opened: int
    days: int
    past: int
    due: int
    findings: tuple[IndexFinding, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """An entry taken apart; ``sealed`` and ``part`` are None where there is no private part, or it was changed."""

    leaf: Leaf
    is_private: bool
    sealed: SealedPart | None
    part: OpenedPart | None

    def marks(self, keys: LookupKeys) -> Marks:
        private = None if self.part is None else self.part.part
        return make_marks(EntryDraft(leaf=self.leaf.content, private=private), t=self.leaf.t, keys=keys)


def check_index(log: LogReader, *, now_ms: int, progress: Progress = lambda _done, _total: None) -> CheckedIndex:
    """Check the index of a log as far as it goes now; blocks. ``progress`` is told steps done and in all.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    head = log.head()
    check = _Check(log, now_ms)
    size = 0 if head is None else head.size
    for first in range(0, size, TILE_WIDTH):
        end = min(first + TILE_WIDTH, size)
        check.check_entries(first, end)  # 1
        progress(end, 2 * size)
    check.check_days(size, lambda done, total: progress(size + done * size // max(total, 1), 2 * size))  # 2
    return check.result(size)


class _Check:
    """One check; the steps are those of the module."""

    def __init__(self, log: LogReader, now_ms: int) -> None:
        self._log = log
        self._now_ms = now_ms
        self._epochs = [LookupKeys({epoch: key}) for epoch, key in sorted(log.lookup.keys.items(), reverse=True)]
        self._seals: dict[tuple[int, int], SealedDay] = {}  # the last of each day
        self._findings: list[IndexFinding] = []
        self._more = self._opened = self._days = self._past = 0

    def result(self, size: int) -> CheckedIndex:
        return CheckedIndex(
            log=self._log.origin,
            size=size,
            opened=self._opened,
            days=self._days,
            past=self._past,
            due=sum(1 for _ in find_due_days(self._log, self._now_ms)),
            findings=tuple(self._findings),
            more=self._more,
        )

    def _add(self, kind: IndexFault, entry: int, *, day: str = "", detail: str = "") -> None:
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append(IndexFinding(kind=kind, entry=entry, day=day, detail=detail))
        else:
            self._more += 1

    # --- 1: entries ---------------------------------------------------------------------------------------------------

    def check_entries(self, first: int, end: int) -> None:
        """Check the entries of a tile, or of its beginning."""
        hashes = self._log.store.tile(0, first // TILE_WIDTH) or b""
        picked = self._log.store.pick(range(first, end))
        leaves: dict[int, Leaf] = {}
        for entry in range(first, end):
            expected = hashes[(entry - first) * HASH_SIZE : (entry - first + 1) * HASH_SIZE]
            try:
                if leaf_hash(picked[entry].leaf) == expected:
                    leaves[entry] = parse_leaf(picked[entry].leaf)
            except (KeyError, LeafError):
                pass
            if entry not in leaves:
                self._add(IndexFault.ENTRY, entry)
            elif leaves[entry].content.kind is LeafKind.SEAL:
                self._note_seal(entry, leaves[entry])
        entries = self._open(leaves, picked)
        marks = self._check_rows(entries)
        self._check_owners(entries, marks)

    def _note_seal(self, entry: int, leaf: Leaf) -> None:
        if leaf.content.more.get("action") not in {SEAL_DAY, SEAL_RESEAL}:
            return
        sealed = read_sealed(entry, leaf.content)
        if sealed is None or not 0 <= sealed.first < sealed.next <= entry:
            self._add(IndexFault.SEAL, entry)
        else:
            self._seals[sealed.span] = sealed

    def _open(self, leaves: Mapping[int, Leaf], picked: Mapping[int, StoredEntry]) -> dict[int, _Opened]:
        """Open the private parts as far as their keys still exist."""
        sealed = {entry: _split(picked[entry].private) for entry in leaves if picked[entry].private}
        numbers = {number for one in sealed.values() if one is not None for number in _numbers(one)}
        keys = self._log.keys.read(numbers)
        entries: dict[int, _Opened] = {}
        for entry, leaf in leaves.items():
            part = _open_part(sealed.get(entry), entry, keys)
            one = _Opened(leaf=leaf, is_private=entry in sealed, sealed=sealed.get(entry), part=part)
            if self._is_lost(one) or _is_unsaid(one):
                self._add(IndexFault.PRIVATE, entry)
            self._opened += part is not None and not (part.subject_erased and part.official_erased)
            entries[entry] = one
        return entries

    def _is_lost(self, one: _Opened) -> bool:
        """Answer whether a private part was changed, or is gone before its time though the leaf commits to it."""
        if one.is_private:
            return one.part is None or not is_committed(one.part, one.leaf.content.commits)
        return one.leaf.content.commits != NO_COMMITS and not self._may_be_past(one)

    def _check_rows(self, entries: Mapping[int, _Opened]) -> dict[int, Marks]:
        """Look up the words of entries; return their marks of the epoch that the index has most of them from."""
        marks = {entry: [one.marks(keys) for keys in self._epochs] for entry, one in entries.items()}
        rows = {(word, entry) for entry, several in marks.items() for one in several for word in one.words}
        missing = set(self._log.store.missing_rows(rows))
        chosen: dict[int, Marks] = {}
        for entry, several in marks.items():
            lost, at = min((sum((word, entry) in missing for word in one.words), at) for at, one in enumerate(several))
            chosen[entry] = several[at]
            if lost and not (lost == len(several[at].words) and self._may_be_past(entries[entry])):
                self._add(IndexFault.ROWS, entry, detail=f"{lost} / {len(several[at].words)}")
        return chosen

    def _may_be_past(self, one: _Opened) -> bool:
        """Answer whether an entry may have lost its private part and all its rows by its age."""
        return not one.is_private and aged_from(one.leaf) < self._now_ms - least_days(one.leaf.content.kind) * DAY_MS

    def _check_owners(self, entries: Mapping[int, _Opened], marks: Mapping[int, Marks]) -> None:
        owned: list[tuple[int, KeyOwner, KeyNumber]] = []
        for entry, one in entries.items():
            if one.sealed is None or one.part is None:
                continue
            if not one.part.subject_erased:
                subjects = zip(marks[entry].subjects, one.sealed.subject_keys, strict=False)
                owned += [(entry, owner, number) for owner, number in subjects]
            if not one.part.official_erased:
                owned += [(entry, marks[entry].official, number) for number in one.sealed.official_keys]
        found = self._log.store.owners({owner for _, owner, _ in owned})
        for entry in dict.fromkeys(entry for entry, owner, number in owned if found.get(owner) != number):
            self._add(IndexFault.OWNER, entry)

    # --- 2: days ------------------------------------------------------------------------------------------------------

    def check_days(self, size: int, progress: Progress) -> None:
        """Compare the index of each sealed day with its last seal."""
        days = self._separate(size)
        digests = digest_spans(self._log.store, [sealed.span for sealed in days], progress=progress)
        for sealed, (digest,) in zip(days, digests, strict=True):
            salt = read_salt(self._log, sealed)
            if salt is None and sealed.end_ms < self._now_ms - LEAST_PROVISION_DAYS * DAY_MS:
                self._past += 1
            elif salt is None:
                self._add(IndexFault.SALT, sealed.seal, day=sealed.day)
            else:
                self._days += 1
                if not sealed.is_of(digest, salt):
                    self._add(IndexFault.DAY, sealed.seal, day=sealed.day, detail=f"[{sealed.first}, {sealed.next})")

    def _separate(self, size: int) -> Sequence[SealedDay]:
        """Return the sealed days in order, without those that meet an earlier one; `verify` shows what led to them."""
        days: list[SealedDay] = []
        for span in sorted(self._seals):
            sealed = self._seals[span]
            if sealed.next > size or (days and days[-1].next > sealed.first):
                self._add(IndexFault.SEAL, sealed.seal, day=sealed.day)
            else:
                days.append(sealed)
        return days


def _is_unsaid(one: _Opened) -> bool:
    """Answer whether an entry that says something, such as alarms, says another text than its leaf commits to."""
    leaf, part = one.leaf.content, one.part
    return is_saying(leaf) and part is not None and not part.subject_erased and read_said(leaf, part) is None


def _split(data: bytes) -> SealedPart | None:
    try:
        return split_private(data)
    except PrivatePartError:
        return None


def _open_part(sealed: SealedPart | None, entry: int, keys: Mapping[KeyNumber, bytes]) -> OpenedPart | None:
    try:
        return None if sealed is None else open_private(sealed, entry=entry, keys=keys)
    except PrivatePartError:
        return None


def _numbers(part: SealedPart) -> tuple[KeyNumber, ...]:
    return (*part.subject_keys, *part.official_keys)
