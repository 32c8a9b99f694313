"""Announcements of a book, one after the other, each in a task of its own that no request which waits for it can end.

Behind one of which nobody knows whether it was stored, what the log says is read before the next: none may be there
twice, or every later verification would complain of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

Step = Callable[[], Awaitable[None]]


class Announcer:
    """The order of announcements."""

    def __init__(self, read_again: Step) -> None:
        """Begin; ``read_again`` finds out what the log says."""
        self._read_again: Final = read_again
        self._order = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_doubt = False  # the last one may be stored, though it failed

    async def announce(self, step: Step) -> None:
        """Wait for those before this one, and for this one; raises what it raises."""
        task = asyncio.create_task(self._take(step))
        self._tasks.add(task)
        task.add_done_callback(self._end)
        await asyncio.shield(task)

    async def finish(self) -> None:
        """Wait until nothing is being announced."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _take(self, step: Step) -> None:
        async with self._order:
            if self._in_doubt:
                await self._read_again()
            self._in_doubt = True
            await step()
            self._in_doubt = False

    def _end(self, done: asyncio.Task[None]) -> None:
        self._tasks.discard(done)
        if not done.cancelled():
            done.exception()  # nobody else may look, when who waited has left
