"""Whose turn it is to ask: a bounded number of requests at a time, and whoever is silent waits for the silent only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from gateway.status.failure import NO_ANSWER, StatusFailure

MAX_ANSWERING: Final = 16  # requests under way to servers that answered the last time; a source has two at most
MAX_SILENT: Final = 16  # to those that did not, or were never asked; a source has one at most


@dataclass(slots=True)
class Responsiveness:
    """Whether the servers of one source answered the last time they were asked, well or not."""

    answers: bool = False
    probe: asyncio.Lock = field(default_factory=asyncio.Lock)

    def note(self, failure: StatusFailure | None) -> None:
        """Note how a request went."""
        self.answers = failure not in NO_ANSWER


class Turns:
    """Gives out turns over all sources; used on the event loop only."""

    def __init__(self) -> None:
        self._answering = asyncio.Semaphore(MAX_ANSWERING)
        self._silent = asyncio.Semaphore(MAX_SILENT)

    @asynccontextmanager
    async def take(self, source: Responsiveness) -> AsyncIterator[None]:
        """Wait for a turn and hold it; one that is found silent, or answering, meanwhile changes the queue."""
        while True:
            if source.answers:
                async with self._answering:
                    if source.answers:
                        yield
                        return
            else:
                async with source.probe:
                    if not source.answers:
                        async with self._silent:
                            yield
                            return
