"""The desk at which codes are given and taken."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from gateway.limits.marks import MarksUnavailableError, MemoryMarks, NoMark
from gateway.presentations.code import PresentationCode, make_code, parse_code
from gateway.presentations.presentation import MAX_SECONDS, Presentation
from gateway.presentations.store import PresentationStore

# How often one holder may try to draw a code within a quarter of an hour, by each process: enough for every office of a
# morning, and for no search through the numbers of licences.
MAX_OF_HOLDER: Final = 20
_LIFE: Final = timedelta(seconds=MAX_SECONDS)  # and five minutes, for which marks are kept besides


class TooManyError(Exception):
    """A holder tried to draw too many codes lately."""


class PresentationDesk:
    """Gives codes and takes them. ``codes`` None: there are other processes, and nothing that all of them know."""

    def __init__(self, codes: PresentationStore | None, *, steady: Callable[[], float] = time.monotonic) -> None:
        """Give and take; ``steady`` returns seconds by a clock that nobody sets."""
        self._codes = codes
        self._attempts = MemoryMarks(max_marks=MAX_OF_HOLDER, steady=steady)

    async def begin(self, holder: str, presentation: str, *, at: datetime) -> None:
        """Count that a holder wants a code, whatever becomes of it.

        Raises:
            TooManyError: it is one too many.
            MarksUnavailableError: codes cannot be kept.

        """
        self._open()
        try:
            await self._attempts.admit(holder, presentation, until=at + _LIFE, at=at)
        except MarksUnavailableError as error:
            raise TooManyError from error

    async def give(self, presentation: Presentation, *, at: datetime) -> PresentationCode:
        """Return a new code for a presentation.

        Raises:
            MarksUnavailableError: there is none.

        """
        codes, code = self._open(), make_code()
        await codes.put(code, presentation, at=at)
        return code

    async def take(self, text: str, *, item: str | None, at: datetime) -> Presentation | None:
        """Return what a code stands for, which is used up by that.

        None: it was never given, was used, is over, or serves another item; which of these nobody is told. A code that
        is asked about for another item is used up too: it is not in the hands that it was meant for.

        Raises:
            MarksUnavailableError: that cannot be told; the code may be used up.

        """
        codes, code = self._open(), parse_code(text)
        found = None if code is None else await codes.take(code, at=at)
        return found if found is not None and found.serves(item, at=at) else None

    def _open(self) -> PresentationStore:
        if self._codes is None:
            raise MarksUnavailableError(NoMark.ALONE)
        return self._codes
