"""The memory that bodies may take together: refuse at once rather than be killed later."""

from types import TracebackType
from typing import Final, Self

from gateway.http.problems import ProblemError, ProblemKind
from gateway.metrics import Metrics
from gateway.settings import charged_bytes

MEMORY_RETRY_AFTER_SECONDS: Final = 1  # bodies come and go in seconds


class BodyBudget:
    """Counts what all bodies take that are being received or worked on; used from the event loop only."""

    def __init__(self, limit_bytes: int, metrics: Metrics) -> None:
        self._limit = limit_bytes
        self._used = 0
        self._metrics = metrics

    @property
    def used_bytes(self) -> int:
        """Return how much is taken."""
        return self._used

    def share(self) -> "BodyShare":
        """Return the share of one request, which is taken back when its block is over, however it ends."""
        return BodyShare(self)

    def take(self, size: int) -> None:
        """Take (or, with a negative size, give back) memory.

        Raises:
            ProblemError: 503, there is no room now; nothing was taken.

        """
        if size > 0 and self._used + size > self._limit:
            headers = {"Retry-After": str(MEMORY_RETRY_AFTER_SECONDS)}
            raise ProblemError(ProblemKind.BUSY, headers=headers, close=True)
        self._used += size
        self._metrics.buffered_bytes.set(self._used)


class BodyShare:
    """What one request has taken of the budget."""

    __slots__ = ("_budget", "_taken")

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._taken = 0

    def __enter__(self) -> Self:
        """Begin with nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give everything back."""
        self.keep(0)

    def resize(self, body_bytes: int) -> None:
        """Take what a body of this size needs with its decoded copy, or raise as `BodyBudget.take` does."""
        self.keep(charged_bytes(body_bytes))

    def keep(self, size: int) -> None:
        """Hold exactly so many bytes from now on: fewer when the body was let go, none at the end."""
        if size != self._taken:
            self._budget.take(size - self._taken)
            self._taken = size
