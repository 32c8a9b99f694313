"""Requests of callers counted in this process: as many rows as there are callers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Final

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.callers import CallerId
from gateway.limits.settings import CallerLimits
from gateway.limits.store import CONCURRENCY_RETRY_SECONDS, Limit, OverLimit

DAY_SECONDS: Final = 86_400
CHINA_OFFSET_SECONDS: Final = int(CHINA_STANDARD_TIME.utcoffset(None).total_seconds())


@dataclass(slots=True)
class _Row:
    """``paid_until`` is the theoretical arrival time of GCRA: when all that was let in is used up by the rate."""

    paid_until: float = 0.0
    day: int = 0
    used: int = 0  # of the day's quota
    places: set[bytes] = field(default_factory=set)


class MemoryLimits:
    """A `LimitStore` of one process. It has as many rows as callers were ever registered while it ran."""

    def __init__(self, *, steady: Callable[[], float] = time.monotonic) -> None:
        """Count nothing yet; ``steady`` returns seconds by a clock that nobody sets."""
        self._steady = steady
        self._rows: dict[CallerId, _Row] = {}

    def inside(self, caller: CallerId) -> int:
        """Return how many requests of a caller are being answered."""
        row = self._rows.get(caller)
        return 0 if row is None else len(row.places)

    async def enter(
        self,
        caller: CallerId,
        limits: CallerLimits,
        *,
        place: bytes | None,
        at: datetime,
        hold_seconds: float,  # noqa: ARG002 — nobody but this process has places here
    ) -> OverLimit | None:
        """Let a request in, or return why not; nothing else runs meanwhile, because nothing here waits."""
        now = self._steady()
        row = self._rows.get(caller)
        if row is None:
            row = self._rows[caller] = _Row(paid_until=now)
        # 1. the rate
        step = 1 / limits.rate_per_second
        room = limits.burst * step
        # What was let in under a larger burst counts as a full one of today's, from now on.
        row.paid_until = min(max(row.paid_until, now), now + room)
        paid_until = row.paid_until + step
        if paid_until - now > room:
            return OverLimit(limit=Limit.RATE, retry_after_seconds=max(1, ceil(paid_until - room - now)))
        # 2. how many are inside
        if place is not None and len(row.places) >= limits.concurrency:
            return OverLimit(limit=Limit.CONCURRENCY, retry_after_seconds=CONCURRENCY_RETRY_SECONDS)
        # 3. the quota of the day; a clock that is set back begins no day anew, unless it had been far ahead
        if limits.daily_quota is not None:
            day, left_seconds = china_day_of(at)
            if day not in {row.day, row.day - 1}:
                row.day, row.used = day, 0
            if row.used >= limits.daily_quota:
                return OverLimit(limit=Limit.QUOTA, retry_after_seconds=left_seconds)
        row.paid_until = paid_until
        row.used += 1
        if place is not None:
            row.places.add(place)
        return None

    def leave(self, caller: CallerId, place: bytes | None) -> None:
        """Take note that a request is over."""
        row = self._rows.get(caller)
        if row is not None and place is not None:
            row.places.discard(place)


def china_day_of(at: datetime) -> tuple[int, int]:
    """Return the number of a day in China, counted from 1970, and how many whole seconds of it are left, at least 1."""
    seconds = at.timestamp() + CHINA_OFFSET_SECONDS
    day = int(seconds // DAY_SECONDS)
    return day, max(1, ceil((day + 1) * DAY_SECONDS - seconds))
