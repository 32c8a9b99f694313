"""How the gateway's own store answered last, in a process: counted where it fails, and told to operators."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from prometheus_client import Counter

from gateway.metrics import begin_at_zero
from gateway.sources.source import SourceFault, SourceUnavailableError

_FAULTS: Final = tuple(one for one in SourceFault if one is not SourceFault.ABSENT)  # that there is none is no failure


class StoreState(StrEnum):
    """How the store answered last: or that nobody asked it yet, or by the words of `SourceFault` why it did not."""

    NOT_ASKED = "not-asked"
    ANSWERS = "answers"
    ABSENT = "absent"
    BUSY = "busy"
    CORRUPT = "corrupt"
    UNUSABLE = "unusable"
    NEWER = "newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """How the store answered last, and since when it does so; ``since`` is None where nobody asked."""

    state: StoreState
    since: datetime | None


class StoreWatch:
    """Counts what the store cannot say, and remembers since when."""

    def __init__(self, failures: Counter, clock: Callable[[], datetime]) -> None:
        """Count from 0 on."""
        begin_at_zero(failures, _FAULTS)
        self._failures, self._clock = failures, clock
        self._report = StoreReport(state=StoreState.NOT_ASKED, since=None)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Note how a question to the store ends; one that is broken off says nothing."""
        try:
            yield
        except SourceUnavailableError as error:
            if error.fault is not SourceFault.ABSENT:
                self._failures.labels(fault=error.fault).inc()
            self._note(StoreState(error.fault.value))
            raise
        self._note(StoreState.ANSWERS)

    def report(self) -> StoreReport:
        """Return how it answered last."""
        return self._report

    def _note(self, state: StoreState) -> None:
        if state is not self._report.state:
            self._report = StoreReport(state=state, since=self._clock())
