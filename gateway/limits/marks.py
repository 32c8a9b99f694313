"""What was used and may be used once: ids of tokens and signed requests, in this process or in Redis for several."""

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

MAX_MARKS: Final = 100_000  # of one owner: of tokens of 5 minutes, 150 a second
MAX_ALL_MARKS: Final = 1_000_000  # about 250 bytes each, 250 MB
# Marks outlive what they stand for by this, so that no clock that differs or is set back makes it good again.
CLOCKS_APART: Final = timedelta(minutes=5)


class NoMark(StrEnum):
    """Why nobody can tell whether something was used before."""

    FULL = "full"
    AWAY = "away"
    CLOCK = "clock"  # the one of the gateway is too far from the one by which is remembered
    ALONE = "alone"  # there are other processes, and nothing that all of them know, or not under one key


class MarksUnavailableError(Exception):
    """It cannot be told whether something was used before, so it must not be used; nothing was remembered."""

    def __init__(self, why: NoMark) -> None:
        super().__init__(str(why))
        self.why = why


class MarkStore(Protocol):
    """Remembers what was used until it is too old to be used anyway; nothing is forgotten before, unless asked to."""

    async def admit(self, owner: str, mark: str, *, until: datetime, at: datetime, may_push_out: bool = False) -> bool:
        """Return whether something is used for the first time, and remember it.

        ``owner`` is whose mark it is: nobody takes the room of others. Where the owner has no room left,
        ``may_push_out`` says that what ends first may be forgotten for it.

        Raises:
            MarksUnavailableError: that cannot be told.

        """
        ...


class UnsharedMarks:
    """A `MarkStore` of a process that has others beside it, and nothing that all of them know: it lets nothing in."""

    async def admit(self, *_: object, **__: object) -> bool:
        """Say that nobody can tell."""
        raise MarksUnavailableError(NoMark.ALONE)


class _Now(NamedTuple):
    """The moment by the clock of the day, and by one that nobody sets (seconds)."""

    at: datetime
    steady: float


class _End(NamedTuple):
    """When a mark ends, by both clocks."""

    at: datetime
    steady: float
    mark: str

    def is_over(self, now: _Now) -> bool:
        """Say whether it is over by both: a clock that jumps ahead ends nothing, nor does one that is set back."""
        return self.at <= now.at and self.steady <= now.steady


@dataclass(slots=True)
class _Row:
    marks: set[str] = field(default_factory=set)
    ends: list[_End] = field(default_factory=list)  # a heap: what ends first is in front

    def drop(self) -> None:
        self.marks.discard(heapq.heappop(self.ends).mark)

    def forget(self, now: _Now) -> int:
        """Drop what is over; return how many."""
        before = len(self.ends)
        while self.ends and self.ends[0].is_over(now):
            self.drop()
        return before - len(self.ends)


class MemoryMarks:
    """A `MarkStore` of one process: another one of the same site would let the same in again."""

    def __init__(
        self,
        *,
        max_marks: int = MAX_MARKS,
        max_all_marks: int = MAX_ALL_MARKS,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with none; ``steady`` returns seconds by a clock that nobody sets."""
        self._steady = steady
        self._max_marks = max_marks
        self._max_all_marks = max_all_marks
        self._rows: dict[str, _Row] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Return how many marks there are."""
        return self._size

    async def admit(self, owner: str, mark: str, *, until: datetime, at: datetime, may_push_out: bool = False) -> bool:
        """Remember a mark, or find that it is there; nothing here waits."""
        now = _Now(at, self._steady())
        row = self._rows.get(owner) or _Row()
        self._size -= row.forget(now)
        if mark in row.marks:
            return False
        if may_push_out and len(row.marks) >= self._max_marks:
            row.drop()
            self._size -= 1
        if self._size >= self._max_all_marks:
            self._forget_all(now)
        if len(row.marks) >= self._max_marks or self._size >= self._max_all_marks:
            raise MarksUnavailableError(NoMark.FULL)
        self._rows[owner] = row  # which may have been dropped as one that has nothing
        row.marks.add(mark)
        until += CLOCKS_APART
        heapq.heappush(row.ends, _End(until, now.steady + (until - at).total_seconds(), mark))
        self._size += 1
        return True

    def _forget_all(self, now: _Now) -> None:
        """Drop what has ended of everybody, and owners that have nothing."""
        self._size -= sum(row.forget(now) for row in self._rows.values())
        self._rows = {owner: row for owner, row in self._rows.items() if row.marks}
