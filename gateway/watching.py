"""A watch over what may change: looked at again and again, at once when it is woken, and never given up."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

POLL_SECONDS: Final = 1.0


class Look(Protocol):
    """Looks once; ``forced``: somebody asked for it, changed or not."""

    def __call__(self, *, forced: bool) -> Awaitable[object]:
        """Look, and do what is to be done about it; what is returned does not matter."""


class Watch:
    """Looks whenever it is woken, and ``seconds`` after the last look; used on the event loop only."""

    def __init__(
        self, subject: str, look: Look, *, fail: Callable[[], None], logger: logging.Logger, seconds: float
    ) -> None:
        """Prepare it; nothing is looked at before `run`.

        What a look raises goes to ``logger`` under the name ``subject``, then ``fail`` says so in its own words.
        """
        self._subject, self._look, self._fail = subject, look, fail
        self._logger = logger
        self._seconds = seconds
        self._wake = asyncio.Event()
        self._is_forced = False

    def wake(self) -> None:
        """Look now, changed or not; during a look: once more, right after it."""
        self._is_forced = True
        self._wake.set()

    async def run(self) -> None:
        """Look for ever; cancel to stop."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._wake.wait()
            self._wake.clear()
            forced, self._is_forced = self._is_forced, False
            try:
                await self._look(forced=forced)
            except Exception:  # whatever nobody foresaw must not end the watch
                self._logger.exception("%s", self._subject)
                self._fail()
