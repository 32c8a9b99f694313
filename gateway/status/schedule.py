"""When one thing is fetched next: at its interval, sooner before it ends, later and later while fetching it fails.

Every list, delta, feed and watched certificate has a schedule of its own, so that one that fails makes no other late
and one that is new makes no other early.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.status.failure import StatusError

FIRST_RETRY_SECONDS: Final = 5.0  # a restart or a lost packet is over by then
SHORTEST_SECONDS: Final = 1.0
_JITTER: Final = 0.1  # a tenth, so that the gateways of 34 provinces do not ask at the same second
_DOUBLINGS: Final = 20  # beyond it every interval is reached
_SPREAD: Final = 10_000  # steps of the jitter

Random = Callable[[], float]  # gives numbers from 0 to 1


def draw() -> float:
    """Return a number from 0 to 1 by chance."""
    return secrets.randbelow(_SPREAD + 1) / _SPREAD


def next_delay_seconds(
    *, interval_seconds: float, failures: int, now: datetime, ends_at: datetime | None, random: Random
) -> float:
    """Return how long to wait after an attempt, in seconds.

    ``failures`` in a row double the wait from 5 seconds up to the interval; ``ends_at`` is when what is at hand ends:
    at most half of what is left is waited, while there is something left (after a failure at least 5 seconds).
    """
    delay = interval_seconds
    if failures:
        delay = min(delay, FIRST_RETRY_SECONDS * 2 ** min(failures - 1, _DOUBLINGS))
    if ends_at is not None and ends_at > now:
        half = (ends_at - now).total_seconds() / 2
        delay = min(delay, max(half, FIRST_RETRY_SECONDS) if failures else half)
    return max(SHORTEST_SECONDS, delay * (1 - _JITTER + 2 * _JITTER * random()))


@dataclass(slots=True)
class Schedule:
    """When one thing is fetched next, how often in a row that failed, and why it failed last."""

    interval_seconds: float
    random: Random
    failures: int = field(default=0, init=False)
    error: StatusError | None = field(default=None, init=False)
    due: datetime | None = field(default=None, init=False)  # None: at once

    def succeed(self, now: datetime, *, ends_at: datetime | None) -> None:
        """Note that it was fetched, and ends at ``ends_at``."""
        self.failures, self.error = 0, None
        self._plan(now, ends_at)

    def fail(self, error: StatusError, now: datetime, *, ends_at: datetime | None) -> None:
        """Note that it was not; ``ends_at`` is when what is at hand ends."""
        self.failures, self.error = self.failures + 1, error
        self._plan(now, ends_at)

    def make_due(self) -> None:
        """Have it fetched at once."""
        self.due = None

    def seconds_left(self, now: datetime) -> float:
        """Return how long it is until it is due, 0 when it is.

        A wait that is longer than any that is ever planned says that the clock was set back; then it is due.
        """
        if self.due is None:
            return 0.0
        left = (self.due - now).total_seconds()
        return left if 0 < left <= self.interval_seconds * (1 + 2 * _JITTER) else 0.0

    def is_due(self, now: datetime) -> bool:
        """Return whether it is to be fetched now."""
        return not self.seconds_left(now)

    def _plan(self, now: datetime, ends_at: datetime | None) -> None:
        delay = next_delay_seconds(
            interval_seconds=self.interval_seconds,
            failures=self.failures,
            now=now,
            ends_at=ends_at,
            random=self.random,
        )
        self.due = now + timedelta(seconds=delay)


def find_errors(schedules: Iterable[Schedule]) -> tuple[StatusError, ...]:
    """Return why those failed that fail now."""
    return tuple(one.error for one in schedules if one.error is not None)


def find_seconds_left(schedules: Iterable[Schedule], now: datetime) -> float | None:
    """Return how long it is until the first is due; None: there is nothing to fetch."""
    return min((one.seconds_left(now) for one in schedules), default=None)
