"""When another system is left alone: after failures in a row, for a while, with one question now and then to try it."""

from typing import Final

FAILURES: Final = 5  # in a row: one may be the network, five are the system
# Until the next try; as long as a question may take at most, so that one try ends before the next one begins.
PAUSE_SECONDS: Final = 10.0


class Breaker:
    """A circuit breaker of one system; times are seconds on any one clock that does not go back.

    Closed, it admits every question. After `FAILURES` in a row it is open and admits none for `PAUSE_SECONDS`; then it
    is half open and admits one, and no other one for as long. An answer closes it, whenever it comes; a failure opens
    it anew. A question that was admitted and never told of needs no care: the next one is admitted after the pause.
    """

    def __init__(self) -> None:
        """Begin closed."""
        self._failures = 0
        self._until = 0.0

    def is_open(self, now: float) -> bool:
        """Say whether no question is admitted now, whoever asks."""
        return self._failures >= FAILURES and now < self._until

    def admit(self, now: float) -> bool:
        """Say whether one question may go out now, and count on its going out."""
        if self.is_open(now):
            return False
        self._until = now + PAUSE_SECONDS
        return True

    def answered(self) -> None:
        """Note that the system answered, whatever it said."""
        self._failures = 0

    def failed(self, now: float) -> None:
        """Note that the system could not be reached, or did not answer in time."""
        self._failures += 1
        self._until = now + PAUSE_SECONDS
