"""A deadline for what others have to do, which does not count against them that this process was busy."""

import asyncio
from types import TracebackType
from typing import Final, Self

# Once the time is over the loop goes round so often before the wait ends: once to read what has arrived meanwhile, once
# to hand it to whoever waits, and once more because loops differ in whether timers or sockets come first.
ROUNDS: Final = 3


class Deadline:
    """Ends what is awaited in its block with `TimeoutError`, so many seconds after it began.

    `asyncio.timeout` ends it too where the answer has arrived long ago, and the loop was just too busy to read it: with
    dozens of documents being verified a Redis that answers in a millisecond would look as if it were gone.
    """

    def __init__(self, seconds: float) -> None:
        """Begin with the block."""
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self._handle: asyncio.Handle | None = None

    def restart(self, seconds: float) -> None:
        """Count so many seconds from now, in place of what was left."""
        self._cancel()
        self._handle = self._loop.call_later(seconds, self._go_round, ROUNDS)

    async def __aenter__(self) -> Self:
        """Begin to count."""
        await self._timeout.__aenter__()
        self.restart(self._seconds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it; raises TimeoutError where the time was over."""
        self._cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _go_round(self, rounds: int) -> None:
        if rounds:
            self._handle = self._loop.call_soon(self._go_round, rounds - 1)
        else:
            self._timeout.reschedule(self._loop.time())

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
