"""Whether a server of Redis is asked: not while it does not answer, so that no question waits for it."""

from collections.abc import Callable
from typing import Final

FAILURES: Final = 3  # in a row: one may be a lost connection, three are the server
# Between two probes. While the server is up they find out that it went when nobody asks; while it is away, that it is
# back.
PROBE_SECONDS: Final = 1.0


class Health:
    """A small circuit breaker: open after `FAILURES` in a row, and closed by a probe alone, never by a question.

    It begins open, so that the first question finds a server that answered, or does not wait.
    """

    def __init__(self, *, on_turn: Callable[[], None]) -> None:
        """Begin away; ``on_turn`` is told each time that the server goes or comes back."""
        self._on_turn = on_turn
        self._is_up = False
        self._failures = 0

    @property
    def is_up(self) -> bool:
        """Whether the server is asked."""
        return self._is_up

    @property
    def is_doubtful(self) -> bool:
        """Whether it is asked although it did not answer the last time, so that a probe soon would tell."""
        return self._is_up and self._failures > 0

    def answered(self) -> None:
        """Note that the server answered a question, whatever it said."""
        self._failures = 0

    def failed(self) -> None:
        """Note that it did not answer, or is no Redis."""
        self._failures += 1
        if self._is_up and self._failures >= FAILURES:
            self._turn(is_up=False)

    def declined(self) -> None:
        """Note that it says itself that it cannot do what it is for, or answers a probe with something else."""
        self._failures = 0
        if self._is_up:
            self._turn(is_up=False)

    def recovered(self) -> None:
        """Note that a probe found it well."""
        self._failures = 0
        if not self._is_up:
            self._turn(is_up=True)

    def _turn(self, *, is_up: bool) -> None:
        self._is_up, self._failures = is_up, 0
        self._on_turn()
