"""Budgets counted in this process: bounded in memory, forgotten when it ends, not shared with other workers."""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from math import ceil
from typing import Final

from gateway.budget.store import MAX_LOOKED_AROUND, PARTS, Charge, CountersUnavailableError, Exceeded

MAX_COUNTS: Final = 400_000  # about 600 bytes each, 240 MB
MAX_MEMBERS: Final = 1_000_000  # about 80 bytes each, 80 MB
MAX_DISORDER_SECONDS: Final = 600  # questions overtake each other by less; more is a clock that was set back

_Name = tuple[bytes, int]  # key and window


class MemoryBudgets:
    """A `BudgetStore`. A caller that has filled its share cannot be counted until something of it has ended."""

    def __init__(self, *, max_counts: int = MAX_COUNTS, max_members: int = MAX_MEMBERS) -> None:
        """Count nothing yet."""
        self._counts: dict[_Name, _Count] = {}
        self._room = _Room(max_counts)
        self._member_room = _Room(max_members)
        self._ends: list[tuple[float, _Name]] = []  # a heap, one entry for each count; an end may lie later by now
        self._latest = float("-inf")
        self._ahead_seconds = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Return how many counts and how many members are kept."""
        return len(self._counts), self._member_room.taken

    async def spend(self, charges: Sequence[Charge], *, at: datetime, asks_yes_or_no: bool = True) -> Exceeded | None:  # noqa: ARG002 - it counts for itself anyway
        """Count all charges or none; nothing else runs meanwhile, because nothing here waits."""
        now = self._tell(at)
        self._drop_ended(now)
        costs: dict[_Name, int] = {}
        looked_around: set[bytes] = set()
        known: list[tuple[Charge, _Name, _Count | None]] = []
        for charge in charges:
            name = charge.key, charge.window_seconds
            count = self._counts.get(name)
            if count is not None:
                self._member_room.leave(count.forget(now))
            known.append((charge, name, count))
            cost = _cost(charge, count, looked_around)
            spent = costs.setdefault(name, 0)
            if (cost or charge.is_free) and (0 if count is None else count.value) + spent >= charge.limit:
                wait = 1 if count is None else max(1, ceil(count.room_at(charge.limit) - now))
                return Exceeded(budget=charge.budget, retry_after_seconds=wait)
            costs[name] = spent + cost
        self._check_room(known)
        for charge, name, _ in known:
            if not charge.is_free:
                self._touch(charge, name, now)
        for name, cost in costs.items():
            if cost:
                self._counts[name].add(cost, now)
        return None

    def _tell(self, at: datetime) -> float:
        """Return the moment by which is counted: it never goes back, and a clock that is set back does not stop it."""
        now = at.timestamp() + self._ahead_seconds
        if now < self._latest - MAX_DISORDER_SECONDS:
            self._ahead_seconds += self._latest - now
        self._latest = max(self._latest, now)
        return self._latest

    def _check_room(self, known: Sequence[tuple[Charge, _Name, "_Count | None"]]) -> None:
        """Let free uses need room as well, so that a lack of it tells nothing about them."""
        counts: dict[_Name, bytes] = {}
        members: dict[tuple[_Name, bytes], bytes] = {}
        for one, name, count in known:
            if count is None and not one.is_fixed:
                counts[name] = one.owner
            if one.member is not None and (count is None or not count.has(one.member)):
                members[name, one.member] = one.owner
        if not (self._room.is_for(counts.values()) and self._member_room.is_for(members.values())):
            raise CountersUnavailableError

    def _touch(self, charge: Charge, name: _Name, now: float) -> None:
        """Make the count if it is not there, and remember a member."""
        count = self._counts.get(name)
        if count is None:
            count = self._counts[name] = _Count(name[1], None if charge.is_fixed else charge.owner)
            heapq.heappush(self._ends, (count.latest_end(now), name))
            self._room.enter(count.owners)
        if charge.member is not None and count.remember(charge.member, charge.owner, now):
            self._member_room.enter((charge.owner,))

    def _drop_ended(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, name = heapq.heappop(self._ends)
            count = self._counts[name]
            self._member_room.leave(count.forget(now))
            if count.is_empty:
                del self._counts[name]
                self._room.leave(count.owners)
            else:
                heapq.heappush(self._ends, (count.latest_end(now), name))


class _Room:
    """So many places, of which nobody holds more than are left for all others."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._held: Counter[bytes] = Counter()
        self.taken = 0

    def is_for(self, owners: Collection[bytes]) -> bool:
        """Say whether there is a place for each of these, one of whom may want several."""
        if not owners:
            return True
        left = self._places - self.taken - len(owners)
        return all(self._held[owner] + number <= left for owner, number in Counter(owners).items())

    def enter(self, owners: Iterable[bytes]) -> None:
        """Take a place for each."""
        for owner in owners:
            self._held[owner] += 1
            self.taken += 1

    def leave(self, owners: Iterable[bytes]) -> None:
        """Give up a place of each."""
        for owner in owners:
            self.taken -= 1
            if self._held[owner] == 1:
                del self._held[owner]
            else:
                self._held[owner] -= 1


def _cost(charge: Charge, count: "_Count | None", looked_around: set[bytes]) -> int:
    """Return what a use costs; note around which members was looked."""
    if charge.is_free:
        return 0
    if charge.member is None:
        return 1
    if charge.near is None:
        return int(count is None or not count.has(charge.member))
    if count is None or count.has(charge.member):
        return 0
    if charge.member not in looked_around and len(looked_around) >= MAX_LOOKED_AROUND:
        return 0
    looked_around.add(charge.member)
    return int(count.has_any(charge.near()))


class _Count:
    """What was counted, and who was seen, in each part of a window; parts are numbered from 1970."""

    __slots__ = ("_first", "_numbers", "_owner", "_part_seconds", "_seen")

    def __init__(self, window_seconds: int, owner: bytes | None) -> None:
        self._part_seconds = window_seconds / PARTS
        self._owner = owner
        self._first: int | None = None  # the first part that is kept; None: nothing was ever dropped
        self._numbers: dict[int, int] = {}
        self._seen: dict[int, dict[bytes, bytes]] = {}  # members, each with the owner of its place

    @property
    def owners(self) -> tuple[bytes, ...]:
        """Return whose place the count itself takes: nobody's when it is fixed."""
        return () if self._owner is None else (self._owner,)

    @property
    def value(self) -> int:
        return sum(self._numbers.values())

    @property
    def is_empty(self) -> bool:
        return not self._numbers and not self._seen

    def has(self, member: bytes) -> bool:
        for seen in self._seen.values():  # noqa: SIM110 -- any() with a generator takes three times as long
            if member in seen:
                return True
        return False

    def has_any(self, members: frozenset[bytes]) -> bool:
        return not all(seen.keys().isdisjoint(members) for seen in self._seen.values())

    def forget(self, now: float) -> list[bytes]:
        """Drop what is older than the window; return the owners of members that were."""
        first = int(now // self._part_seconds) - PARTS  # the oldest part of which something may still be within it
        if first == self._first:
            return []
        self._first = first
        for part in [part for part in self._numbers if part < first]:
            del self._numbers[part]
        ended = [part for part in self._seen if part < first]
        return [owner for part in ended for owner in self._seen.pop(part).values()]

    def add(self, number: int, now: float) -> None:
        part = int(now // self._part_seconds)
        self._numbers[part] = self._numbers.get(part, 0) + number

    def remember(self, member: bytes, owner: bytes, now: float) -> bool:
        """Note that a member was seen now; say whether it is a new one, for which a place of the owner is taken."""
        before = [found for seen in self._seen.values() if (found := seen.pop(member, None)) is not None]
        self._seen.setdefault(int(now // self._part_seconds), {})[member] = before[0] if before else owner
        return not before

    def room_at(self, limit: int) -> float:
        """Return when less than the limit counts, if nothing more is added."""
        left, at = self.value, 0.0
        for part in sorted(self._numbers):
            if left < limit:
                break
            left -= self._numbers[part]
            at = (part + PARTS + 1) * self._part_seconds
        return at

    def latest_end(self, now: float) -> float:
        """Return when nothing of it counts any more, if it was last used now."""
        return (int(now // self._part_seconds) + PARTS + 1) * self._part_seconds
