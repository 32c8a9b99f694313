"""What is asked of whoever counts the requests of callers: in this process, or in Redis for several."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from gateway.callers import CallerId
from gateway.limits.settings import CallerLimits

CONCURRENCY_RETRY_SECONDS: Final = 1  # requests end in milliseconds


class Limit(StrEnum):
    """Which limit has no room."""

    RATE = "rate"
    CONCURRENCY = "concurrency"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverLimit:
    """A limit that has no room, and in how many whole seconds it will have some, if nobody else comes."""

    limit: Limit
    retry_after_seconds: int


class LimitStore(Protocol):
    """Counts the requests of each caller; what is refused is not counted.

    In any time at most ``burst + rate_per_second × seconds`` requests are let in (GCRA), at most ``concurrency`` are
    inside at once, and at most ``daily_quota`` are let in on one day in China. Where several have no room the first of
    these three is named. Nothing here fails: a store that cannot be asked counts as well as it can.
    """

    async def enter(
        self, caller: CallerId, limits: CallerLimits, *, place: bytes | None, at: datetime, hold_seconds: float
    ) -> OverLimit | None:
        """Let a request in under an id of its own, ``place``; or return why not.

        Whoever was let in calls `leave` with the same place, whatever happens; after ``hold_seconds``, the longest that
        the request may take, a place may be given up by itself. None: the request is part of another one that has a
        place, and takes none.
        """
        ...

    def leave(self, caller: CallerId, place: bytes | None) -> None:
        """Take note that a request is over; a place that was not taken, or left already, is none. Never waits."""
        ...
