"""When a source is asked next: at its interval, sooner before an answer ends, later and later while it fails."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

FIRST_RETRY_SECONDS: Final = 5.0  # a restart or a lost packet is over by then
SHORTEST_SECONDS: Final = 1.0
_JITTER: Final = 0.1  # a tenth, so that the gateways of 34 provinces do not ask at the same second
_DOUBLINGS: Final = 20  # beyond it every interval is reached


def next_delay_seconds(
    *,
    interval_seconds: float,
    failures: int,
    now: datetime,
    ends_at: datetime | None,
    random: Callable[[], float],
) -> float:
    """Return how long to wait after an attempt, in seconds.

    ``failures`` in a row double the wait from 5 seconds up to the interval; ``ends_at`` is when the answer at hand
    ends: at most half of what is left is waited. ``random`` gives numbers from 0 to 1.
    """
    delay = interval_seconds
    if failures:
        delay = min(delay, FIRST_RETRY_SECONDS * 2 ** min(failures - 1, _DOUBLINGS))
    elif ends_at is not None:
        delay = min(delay, (ends_at - now).total_seconds() / 2)
    return max(SHORTEST_SECONDS, delay * (1 - _JITTER + 2 * _JITTER * random()))
