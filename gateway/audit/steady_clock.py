"""The clock of the log, held against one that nobody sets: a clock that was set far ahead is not believed.

A time in the log cannot be taken back: whatever is written under a time of next year keeps the log from taking entries
until then, and begins half-years that are not due. A clock that is behind is the log's own affair.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from gateway.audit.unavailable import LogUnavailableError, Unavailable

MAX_AHEAD: Final = timedelta(
    hours=1
)  # longer than a machine pauses; and an hour without answers is what an error may cost


class SteadyClock:
    """A wall clock, as long as it goes as a steady one does; safe for several threads."""

    def __init__(self, wall: Callable[[], datetime], steady: Callable[[], float]) -> None:
        """Believe the wall clock as it is now, as whoever started the process does.

        ``steady`` tells seconds since some moment and is never set; it should count the time that a machine sleeps.
        """
        self._wall = wall
        self._steady = steady
        self._lock = Lock()
        self._begin = wall() - timedelta(seconds=steady())  # of the steady clock, as the wall clock has it

    def __call__(self) -> datetime:
        """Tell the time.

        Raises:
            LogUnavailableError: CLOCK_WENT_AHEAD; until the clock is set right, or the process is started again.

        """
        with self._lock:
            now = self._wall()
            begin = now - timedelta(seconds=self._steady())
            ahead = begin - self._begin
            if ahead > MAX_AHEAD:
                detail = f"by {int(ahead.total_seconds())} seconds"
                raise LogUnavailableError(Unavailable.CLOCK_WENT_AHEAD, detail)
            self._begin = begin
            return now
