"""Budgets counted in this process: bounded in memory, forgotten when it ends, not shared with other workers."""

import heapq
from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Final

from gateway.budget.store import PARTS, Charge, CountersUnavailableError, Exceeded

MAX_COUNTS: Final = 200_000  # about 500 bytes each, 100 MB
MAX_MEMBERS: Final = 1_000_000  # about 100 bytes each, 100 MB

_Name = tuple[bytes, int]  # key and window


class MemoryBudgets:
    """A `BudgetStore`. When there is no room for more nothing more is counted until something has ended."""

    def __init__(self, *, max_counts: int = MAX_COUNTS, max_members: int = MAX_MEMBERS) -> None:
        """Count nothing yet."""
        self._max_counts = max_counts
        self._max_members = max_members
        self._counts: dict[_Name, _Count] = {}
        self._members = 0
        self._ends: list[tuple[float, _Name]] = []  # a heap, one entry for each count; an end may lie later by now
        self._latest = float("-inf")

    @property
    def size(self) -> tuple[int, int]:
        """Return how many counts and how many members are kept."""
        return len(self._counts), self._members

    async def spend(self, charges: Sequence[Charge], *, at: datetime) -> Exceeded | None:
        """Count all charges or none; nothing else runs meanwhile, because nothing here waits."""
        # A clock that is set back counts on from where it was: nobody gains room by it.
        now = self._latest = max(self._latest, at.timestamp())
        self._drop_ended(now)
        costs: dict[_Name, int] = {}
        for charge in charges:
            name = (charge.key, charge.window_seconds)
            count = self._counts.get(name)
            if count is not None:
                self._members -= count.forget(now)
            cost = _cost(charge, count)
            spent = costs.setdefault(name, 0)
            if (cost or charge.is_free) and (0 if count is None else count.value) + spent >= charge.limit:
                wait = 1 if count is None else max(1, ceil(count.room_at(charge.limit) - now))
                return Exceeded(budget=charge.budget, retry_after_seconds=wait)
            costs[name] = spent + cost
        members = sum(charge.member is not None for charge in charges)
        if (
            len(self._counts) + len(costs.keys() - self._counts.keys()) > self._max_counts
            or self._members + members > self._max_members
        ):
            raise CountersUnavailableError
        for charge in charges:
            self._touch((charge.key, charge.window_seconds), charge.member, now)
        for name, cost in costs.items():
            self._counts[name].add(cost, now)
        return None

    def _touch(self, name: _Name, member: bytes | None, now: float) -> None:
        """Make the count if it is not there, and remember a member."""
        count = self._counts.get(name)
        if count is None:
            count = self._counts[name] = _Count(name[1])
            heapq.heappush(self._ends, (count.latest_end(now), name))
        if member is not None:
            self._members += count.remember(member, now)

    def _drop_ended(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, name = heapq.heappop(self._ends)
            count = self._counts[name]
            self._members -= count.forget(now)
            if count.is_empty:
                del self._counts[name]
            else:
                heapq.heappush(self._ends, (count.latest_end(now), name))


def _cost(charge: Charge, count: "_Count | None") -> int:
    if charge.is_free:
        return 0
    if charge.member is None:
        return 1
    if count is not None and count.has(charge.member):
        return 0
    if charge.near is None:
        return 1
    return int(count is not None and any(map(count.has, charge.near)))


class _Count:
    """What was counted, and who was seen, in each part of a window; parts are numbered from 1970."""

    __slots__ = ("_numbers", "_part_seconds", "_seen")

    def __init__(self, window_seconds: int) -> None:
        self._part_seconds = window_seconds / PARTS
        self._numbers: dict[int, int] = {}
        self._seen: dict[int, set[bytes]] = {}

    @property
    def value(self) -> int:
        return sum(self._numbers.values())

    @property
    def is_empty(self) -> bool:
        return not self._numbers and not self._seen

    def has(self, member: bytes) -> bool:
        return any(member in seen for seen in self._seen.values())

    def forget(self, now: float) -> int:
        """Drop what is older than the window; return how many members that were."""
        first = int(now // self._part_seconds) - PARTS  # the oldest part of which something may still be within it
        for part in [part for part in self._numbers if part < first]:
            del self._numbers[part]
        return sum(len(self._seen.pop(part)) for part in [part for part in self._seen if part < first])

    def add(self, number: int, now: float) -> None:
        if number:
            part = int(now // self._part_seconds)
            self._numbers[part] = self._numbers.get(part, 0) + number

    def remember(self, member: bytes, now: float) -> int:
        """Note that a member was seen now; return how many members more there are."""
        part, before = int(now // self._part_seconds), self.has(member)
        for seen in self._seen.values():
            seen.discard(member)
        self._seen.setdefault(part, set()).add(member)
        return 0 if before else 1

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
