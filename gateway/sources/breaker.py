"""When another system is left alone: after failures in a row, for a while, until one question has tried it.

Each further while is longer than the one before.
"""

from collections.abc import Callable
from enum import IntEnum
from random import random
from typing import Final

FAILURES: Final = 5  # in a row: one may be the network, five are the system
PAUSE_SECONDS: Final = 10.0  # until the first try: as long as a question may take by default
# Twice as long after each further one, up to this: so soon at the latest a system that is back is noticed.
LONGEST_PAUSE_SECONDS: Final = 120.0
_MOST_PAUSES: Final = 16  # that are counted: the pause is the longest one long before
SPREAD: Final = 0.25  # of a pause, which is by chance so much longer at most: not all gateways try at one moment


class BreakerState(IntEnum):
    """How a breaker stands; the numbers are those of the metric."""

    CLOSED = 0  # every question goes out
    HALF_OPEN = 1  # one goes out, and decides
    OPEN = 2  # none goes out

    @property
    def word(self) -> str:
        """The word for people and machines."""
        return self.name.lower().replace("_", "-")


class Ticket:
    """What a question has that was admitted; it is told from all others by being itself."""

    __slots__ = ()


class Breaker:
    """A circuit breaker of one system; times are seconds on any one clock that does not go back.

    Closed, it admits every question. After `FAILURES` in a row it is open and admits none for a pause; then it is half
    open and admits one, the probe, and no other one before that has ended. An answer closes it, whoever got it; the
    failure of the probe opens it anew, for twice as long. Failures of questions that went out before say nothing new.

    Each question that is admitted ends with exactly one of `answered`, `failed` and `left`.
    """

    def __init__(self, *, chance: Callable[[], float] = random) -> None:
        """Begin closed; ``chance`` returns numbers from 0 to 1."""
        self._chance = chance
        self._failures = 0
        self._pauses = 0  # in a row; 0: closed
        self._until = 0.0
        self._probe: Ticket | None = None  # the question that tries it now

    def state(self, now: float) -> BreakerState:
        """Return how it stands."""
        if not self._pauses:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._until else BreakerState.HALF_OPEN

    def refuses(self, now: float) -> bool:
        """Say whether no question is admitted now, whoever asks."""
        state = self.state(now)
        return state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and self._probe is not None)

    def admit(self, now: float) -> Ticket | None:
        """Return the ticket of one question that may go out now, and count on its going out; None: it may not."""
        if self.refuses(now):
            return None
        ticket = Ticket()
        if self._pauses:
            self._probe = ticket
        return ticket

    def answered(self) -> None:
        """Note that the system answered a question, whatever it said."""
        self._failures = self._pauses = 0
        self._probe = None

    def failed(self, ticket: Ticket, now: float) -> None:
        """Note that the system could not be reached, or did not answer in time."""
        is_probe = ticket is self._probe
        if self._pauses and not is_probe:
            return
        self._failures += 1
        self._probe = None
        if is_probe or self._failures >= FAILURES:
            pause = min(PAUSE_SECONDS * 2**self._pauses, LONGEST_PAUSE_SECONDS)
            self._pauses = min(self._pauses + 1, _MOST_PAUSES)
            self._until = now + pause * (1 + SPREAD * self._chance())

    def left(self, ticket: Ticket) -> None:
        """Note that a question ended without a word about the system: whoever asked went away, or it never went out."""
        if ticket is self._probe:
            self._probe = None
