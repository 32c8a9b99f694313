"""Something that several use at once, closed after the last of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Held(Generic[_Value]):
    """A value with those who hold it, counted; used on the event loop only."""

    def __init__(self, value: _Value, *, close: Callable[[], Awaitable[None]]) -> None:
        """Be held once, by whoever makes this."""
        self.value = value
        self._close = close
        self._holders = 1
        self._closing: asyncio.Task[None] | None = None

    def hold(self) -> "Held[_Value]":
        """Hold it once more, until `release`."""
        self._holders += 1
        return self

    def release(self) -> None:
        """Hold it once less; the last to do so has it closed."""
        self._holders -= 1
        if self._holders == 0:
            self._closing = asyncio.get_running_loop().create_task(_run(self._close))

    @property
    def is_closed(self) -> bool:
        """Whether nobody holds it any more, and it was closed."""
        return self._closing is not None and self._closing.done()

    async def closed(self) -> None:
        """Return once it is closed, if it is being closed."""
        if self._closing is not None:
            await asyncio.wait([self._closing])


async def _run(close: Callable[[], Awaitable[None]]) -> None:
    await close()
