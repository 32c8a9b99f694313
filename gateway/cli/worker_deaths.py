"""How often a worker may die: it is started again, soon after another death a little later, but not for ever."""

from collections import deque
from typing import Final

MOST_DEATHS: Final = 5  # within a minute, of all workers: then it is no accident, and whoever supervises us has to know
MINUTE: Final = 60.0
AGAIN_SECONDS: Final = 1.0  # until the second of a minute is started; whoever connected to its socket waits


class WorkerDeaths:
    """Those of the last minute."""

    def __init__(self) -> None:
        """Begin without any."""
        self._at: deque[float] = deque()

    def note(self, at: float) -> float | None:
        """Note that one died; returns after how many seconds it is started again, None: not any more."""
        while self._at and self._at[0] <= at - MINUTE:
            self._at.popleft()
        if len(self._at) >= MOST_DEATHS:
            return None
        self._at.append(at)
        return 0.0 if len(self._at) == 1 else AGAIN_SECONDS
