"""Where presentations lie until their codes are used: in this process, or in Redis for several."""

import heapq
from datetime import datetime
from typing import Final, Protocol

from gateway.limits.marks import MarksUnavailableError, NoMark
from gateway.presentations.code import PresentationCode
from gateway.presentations.presentation import Presentation

MAX_PRESENTATIONS: Final = 50_000  # of 600 seconds at most: 80 a second; about 1 kB each, 50 MB


class PresentationStore(Protocol):
    """Keeps presentations by their codes; each is taken once, and none is forgotten before its end."""

    async def put(self, code: PresentationCode, presentation: Presentation, *, at: datetime) -> None:
        """Keep a presentation under a new code.

        Raises:
            MarksUnavailableError: it is not kept, as far as anybody knows.

        """
        ...

    async def take(self, code: PresentationCode, *, at: datetime) -> Presentation | None:
        """Return what a code stands for, and forget it; None: nothing, or nothing any more.

        Raises:
            MarksUnavailableError: that cannot be told; the code may be used up.

        """
        ...


class MemoryPresentations:
    """A `PresentationStore` of one process; nobody else knows its codes, and none outlives it."""

    def __init__(self, *, most: int = MAX_PRESENTATIONS) -> None:
        """Begin with none."""
        self._most = most
        self._kept: dict[PresentationCode, Presentation] = {}
        self._ends: list[tuple[datetime, PresentationCode]] = []  # a heap: what ends first is in front

    @property
    def size(self) -> int:
        """Return how many codes take room: those that were used do so until their end."""
        return len(self._ends)

    async def put(self, code: PresentationCode, presentation: Presentation, *, at: datetime) -> None:
        """Keep a presentation while there is room; nothing here waits."""
        while self._ends and self._ends[0][0] <= at:
            self._kept.pop(heapq.heappop(self._ends)[1], None)
        if len(self._ends) >= self._most:
            raise MarksUnavailableError(NoMark.FULL)
        self._kept[code] = presentation
        heapq.heappush(self._ends, (presentation.ends_at, code))

    async def take(self, code: PresentationCode, *, at: datetime) -> Presentation | None:
        """Return what a code stands for; nobody else can come in between, because nothing here waits."""
        presentation = self._kept.pop(code, None)
        return None if presentation is None or presentation.ends_at <= at else presentation
