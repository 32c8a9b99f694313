"""The chains that go through a whole log: numbers of callers, times, activated policies and trust stores, seals.

* A policy entry with action ``activate`` names the bundle (``policy``) and the one before (``previous``), which the
  last such entry put in force; no answer names a bundle before it was activated. Entries about the trust store
  (``trust``) are followed in the same way. Where the entries before the first are not here, what is used before the
  first activation that is here is believed to have been activated there.
* A seal with action ``day`` covers [first, next): all entries after the last sealed one, up to the end of its day in
  China. One with action ``reseal`` covers a day that was sealed, anew, and names the shred entry (``previous``) for
  which something of that day's index was deleted; once for each. Whether no more was deleted than that, no export
  shows. One with action ``open`` is the first entry and names the shard before (``previous``), and the keys that sign
  this one are the next; ``close``: the last, but for seals of its last days, and shred entries with what these let be
  sealed anew.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Final

from gateway.audit.leaf import LeafDraft, LeafKind
from gateway.audit.verify.finding import FindingKind, Findings
from gateway.audit.verify.part import CHINA_MS, PartFound, add_gap

ACTIVATE: Final = "activate"
SEAL_DAY: Final = "day"
SEAL_RESEAL: Final = "reseal"
SEAL_OPEN: Final = "open"
SEAL_CLOSE: Final = "close"
KEY_BEGIN: Final = "begin"  # of a key: it signs from here on

_EPOCH: Final = date(1970, 1, 1)
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}")  # up to 2^53 - 1, as numbers of a leaf are

_Sealed = tuple[str | int | None, str | int | None, str | int | None]  # day, first, next


class Chains:
    """What was followed so far; parts are taken in their order, from entry ``start`` on."""

    def __init__(self, start: int, findings: Findings) -> None:
        """Begin; a log that is exported from its middle may go on from any number."""
        self._start = start
        self._findings = findings
        self._numbers: dict[str, int] = {}
        self.first_t: int | None = None  # in milliseconds since 1970; None: no entry was read
        self._last_t = 0
        self._days: list[tuple[int, int]] = []
        self._others: list[tuple[int, LeafDraft]] = []
        self.policies: dict[str, int] = {}
        self._trusts: dict[str, int] = {}
        self.seals = 0
        self.resealed = 0

    @property
    def last_t(self) -> int | None:
        """The latest time; None: no entry was read."""
        return None if self.first_t is None else self._last_t

    @property
    def callers(self) -> int:
        """How many callers have entries."""
        return len(self._numbers)

    def take(self, part: PartFound) -> None:
        """Go on with the next part."""
        for caller, (first, entry) in part.firsts.items():
            last = self._numbers.get(caller, 0 if self._start == 0 else None)
            if last is not None and first != last + 1:
                add_gap(self._findings, caller, entry=entry, expected=last + 1, got=first)
        self._numbers |= part.lasts
        if part.first_t is not None:
            self.first_t = part.first_t if self.first_t is None else self.first_t
            if part.first_t < self._last_t:
                self._findings.add(FindingKind.TIME, entry=part.first_entry)
            self._last_t = max(part.last_t, self._last_t)
        last_day = self._days[-1][0] if self._days else -1
        self._days += [(day, entry) for day, entry in part.days if day > last_day]
        for known, more in ((self.policies, part.policies), (self._trusts, part.trusts)):
            for name, entry in more.items():
                known.setdefault(name, entry)
        self._others += part.others

    def finish(self, end: int) -> None:
        """Check the entries that refer to others; the log's last entry is ``end`` - 1."""
        self._follow_activated(LeafKind.POLICY, attrgetter("policy"), self.policies, FindingKind.POLICY_CHAIN)
        self._follow_activated(LeafKind.TRUST, attrgetter("trust"), self._trusts, FindingKind.TRUST_CHAIN)
        self._follow_seals(end)

    def _follow_activated(
        self, kind: LeafKind, named: Callable[[LeafDraft], str], used: dict[str, int], fault: FindingKind
    ) -> None:
        """Follow the activations of a kind, and hold against them by which entry each was ``used`` first."""
        in_force: str | None = None
        activated: dict[str, int] = {}  # since which entry
        known_from = 0 if self._start == 0 else None  # from here on every activation is here
        for entry, content in self._others:
            if content.kind is not kind or content.more.get("action") != ACTIVATE:
                continue
            name, previous = named(content), str(content.more.get("previous", ""))
            if not name or (in_force is not None and previous != in_force):
                self._findings.add(fault, entry=entry, detail="another was in force before")
            used.setdefault(name, entry)
            if known_from is None:
                known_from, activated[previous] = entry, self._start
            activated.setdefault(name, entry)
            in_force = name
        for name, entry in used.items():
            if known_from is not None and entry >= known_from and activated.get(name, entry + 1) > entry:
                self._findings.add(fault, entry=entry, detail="used, and not yet activated")

    def _follow_seals(self, end: int) -> None:
        shreds = {entry for entry, content in self._others if content.kind is LeafKind.SHRED}
        sealed: int | None = 0 if self._start == 0 else None
        days: set[_Sealed] = set()
        anew: set[tuple[_Sealed, int]] = set()
        for entry, content in self._others:
            if content.kind is not LeafKind.SEAL:
                continue
            self.seals += 1
            more = content.more
            match more.get("action"):
                case action if action == SEAL_DAY:
                    fault = self._judge_day(entry, more, sealed)
                    following = more.get("next")
                    sealed = following if isinstance(following, int) else sealed
                    days.add(_sealed(more))
                case action if action == SEAL_RESEAL:
                    fault = self._judge_reseal(entry, more, days, shreds, anew)
                    self.resealed += 1
                case action if action == SEAL_OPEN:
                    fault = self._judge_open(entry, more, end)
                case action if action == SEAL_CLOSE:
                    fault = "" if self._is_end(entry, end) else "entries after the shard was closed"
                case _:
                    fault = "an action of a seal was expected"
            if fault:
                self._findings.add(FindingKind.SEAL_CHAIN, entry=entry, detail=fault)

    def _judge_day(self, entry: int, more: Mapping[str, str | int], sealed: int | None) -> str:
        """Return what is wrong with the seal of a day, in a phrase; "": nothing."""
        first, following, day = more.get("first"), more.get("next"), _parse_day(str(more.get("day", "")))
        if not isinstance(first, int) or not isinstance(following, int) or day is None or not more.get("digest"):
            return "day, digest, first and next were expected"
        if not first <= following <= entry:
            return "a range before the seal was expected"
        if sealed is not None and first != sealed:
            return f"entries from {sealed} on were expected, got {first}"
        after = next((start for later, start in self._days if later > day), None)
        if following >= self._start and following != after:
            return f"entries up to the end of its day were expected, got up to {following}"
        return ""

    def _judge_open(self, entry: int, more: Mapping[str, str | int], end: int) -> str:
        """Return what is wrong with the seal that opens a shard, in a phrase; "": nothing."""
        if entry != 0 or not more.get("previous"):
            return "a shard is opened by its first entry"
        following = next((content for other, content in self._others if other == 1), None)
        is_key = following is not None and following.kind is LeafKind.KEY and following.more.get("action") == KEY_BEGIN
        return "" if is_key or end == 1 else "the keys of the shard were expected behind the seal that opens it"

    def _judge_reseal(
        self,
        entry: int,
        more: Mapping[str, str | int],
        days: set[_Sealed],
        shreds: set[int],
        anew: set[tuple[_Sealed, int]],
    ) -> str:
        """Return what is wrong with a day that was sealed anew; what stands before the export is believed."""
        day, shred, following = _sealed(more), _parse_number(str(more.get("previous", ""))), more.get("next")
        if not more.get("digest") or shred is None or not isinstance(following, int):
            return "day, digest, first, next and a shred entry were expected"
        if day not in days and (self._start == 0 or following > self._start):
            return "a day that was sealed before was expected"
        if shred >= entry or (shred >= self._start and shred not in shreds):
            return f"entry {shred} is no shred entry before it"
        if (day, shred) in anew:
            return f"it was sealed anew for entry {shred} already"
        anew.add((day, shred))
        return ""

    def _is_end(self, entry: int, end: int) -> bool:
        """Answer whether nothing stands behind an entry but what a closed shard takes."""
        behind = [content for other, content in self._others if other > entry]
        return len(behind) == end - 1 - entry and all(map(may_follow_close, behind))


def _sealed(more: Mapping[str, str | int]) -> _Sealed:
    return more.get("day"), more.get("first"), more.get("next")


def may_follow_close(content: LeafDraft) -> bool:
    """Answer whether a closed shard takes this: seals of its last days, and what the law wants to be deleted."""
    return content.kind is LeafKind.SHRED or (
        content.kind is LeafKind.SEAL and content.more.get("action") in {SEAL_DAY, SEAL_RESEAL}
    )


def day_of(t: int) -> str:
    """Return the day in China of a time in milliseconds, as a seal names it."""
    return datetime.fromtimestamp((t + CHINA_MS) // 1000, tz=UTC).date().isoformat()


def _parse_day(text: str) -> int | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return (day - _EPOCH).days if day.isoformat() == text else None


def _parse_number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None
