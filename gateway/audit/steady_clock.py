"""The clock of the log, held against one that nobody sets: a clock that was set far ahead is not believed.

A time in the log cannot be taken back: whatever is written under a time of next year keeps the log from taking entries
until then, and begins half-years that are not due. So what counts is what was written: a clock is far ahead if it is,
by the steady clock, of the highest time under which something was. Before anything was it is believed, as whoever
started the process does; a clock that is behind is the log's own affair, and may be set right at any time.
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
        """Watch a wall clock.

        ``steady`` tells seconds since some moment and is never set; it should count the time that a machine sleeps.
        """
        self._wall = wall
        self._steady = steady
        self._lock = Lock()
        # When the steady clock began, as the wall clock had it: the last time it was told, and the highest by which
        # something was written.
        self._told: datetime | None = None
        self._written: datetime | None = None

    def __call__(self) -> datetime:
        """Tell the time.

        Raises:
            LogUnavailableError: CLOCK_WENT_AHEAD; until the clock is set right, or the process is started again.

        """
        with self._lock:
            now = self._wall()
            begin = now - timedelta(seconds=self._steady())
            if self._written is not None and begin - self._written > MAX_AHEAD:
                detail = f"by {int((begin - self._written).total_seconds())} seconds"
                raise LogUnavailableError(Unavailable.CLOCK_WENT_AHEAD, detail)
            self._told = begin
            return now

    def note_written(self) -> None:
        """Note that something was written under the time that was told last, and cannot be taken back."""
        with self._lock:
            if self._told is not None:
                self._written = self._told if self._written is None else max(self._written, self._told)
