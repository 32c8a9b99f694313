"""How hard this process is pressed, and which requests go first when it is too much."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import MappingProxyType, TracebackType
from typing import Any, Final

from gateway.limits.settings import SheddingSettings

SAMPLE_SECONDS: Final = 0.05
_NEWEST: Final = 0.3  # the weight of the newest sample: one pause is no overload, and an overload shows in 0.2 s


class Work(StrEnum):
    """Requests by what they cost, the costliest first; health, metrics and the API's description are none of these."""

    LARGE = "large"  # a document that takes a thread, or a body of which nobody says how long it is
    BATCH = "batch"
    DOCUMENT = "document"
    KEY = "key"  # and everything else that is small


# The share of the bounds from which a kind of work is refused, and for how long it should stay away, in seconds.
SHED_FROM: Final = MappingProxyType({Work.LARGE: 0.6, Work.BATCH: 0.7, Work.DOCUMENT: 0.85, Work.KEY: 1.0})
# The share of the bound of requests that those may take of whom nobody knows yet who sent them.
UNSIGNED_SHARE: Final = 0.25
RETRY_AFTER_SECONDS: Final = MappingProxyType({Work.LARGE: 5, Work.BATCH: 5, Work.DOCUMENT: 2, Work.KEY: 1})


class Pressure:
    """Counts what is under way, and measures how long the event loop lets everything wait."""

    def __init__(self, settings: SheddingSettings, *, note_lag: Callable[[float], None] = lambda _: None) -> None:
        """Measure nothing until `start`; ``note_lag`` is told the lag in seconds after each sample."""
        self._settings = settings
        self._note_lag = note_lag
        self._requests = 0
        self._unsigned = 0
        self._log_waiting = 0
        self._lag_seconds = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def share(self) -> float:
        """Return the largest share of its bound that anything takes now."""
        settings = self._settings
        return max(
            self._requests / settings.requests,
            self._lag_seconds * 1000 / settings.loop_lag_milliseconds,
            self._log_waiting / settings.log_waiting,
        )

    @property
    def is_calm(self) -> bool:
        """Say whether nothing at all is refused now."""
        return self.share < SHED_FROM[Work.LARGE]

    def is_too_much(self, work: Work) -> bool:
        """Say whether work of this kind is refused now."""
        return self.share >= SHED_FROM[work]

    @property
    def is_full_of_unsigned(self) -> bool:
        """Say whether there is no room for a further request of whom nobody knows yet who sent it."""
        return self._unsigned >= max(1, self._settings.requests * UNSIGNED_SHARE)

    @contextmanager
    def reading_unsigned(self) -> Iterator[None]:
        """Count one of these while it is read; it is no load for others, so that no stranger sheds them."""
        self._unsigned += 1
        try:
            yield
        finally:
            self._unsigned -= 1

    def answering(self) -> "_Answering":
        """Count one request, of somebody who signed in, that is being answered: for the length of a block."""
        return _Answering(self)

    def note_answering(self, change: int) -> None:
        """Count so many requests more."""
        self._requests += change

    def wait_for_log(self, appending: "asyncio.Future[Any]") -> None:
        """Count an entry that waits for the log until it is written or has failed, whoever waits for it."""
        self._log_waiting += 1
        appending.add_done_callback(self._log_went_on)

    def sample(self, lag_seconds: float) -> None:
        """Take note of how late the loop was."""
        self._lag_seconds += _NEWEST * (max(0.0, lag_seconds) - self._lag_seconds)
        self._note_lag(self._lag_seconds)

    def start(self) -> None:
        """Begin to measure the running loop."""
        loop = asyncio.get_running_loop()

        def look(due: float) -> None:
            now = loop.time()
            self.sample(now - due)
            self._timer = loop.call_at(now + SAMPLE_SECONDS, look, now + SAMPLE_SECONDS)

        due = loop.time() + SAMPLE_SECONDS
        self._timer = loop.call_at(due, look, due)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _log_went_on(self, _: object) -> None:
        self._log_waiting -= 1


class _Answering:
    """A request that is being answered."""

    __slots__ = ("_pressure",)

    def __init__(self, pressure: Pressure) -> None:
        self._pressure = pressure

    def __enter__(self) -> None:
        self._pressure.note_answering(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pressure.note_answering(-1)
