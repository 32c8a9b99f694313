"""How long a witness that gave no cosignature is left alone: counted in rounds, so that no clock is needed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

LONGEST_SECONDS: Final = 600  # a partner that was repaired is asked again within ten minutes
_DOUBLINGS: Final = 10  # beyond it every wait is the longest

Random = Callable[[], float]  # gives numbers from 0 to 1


@dataclass(slots=True)
class _Absent:
    failures: int = 0
    rounds: int = 0  # still to be left out


class Absences:
    """The witnesses that failed, and how many rounds each is still left out."""

    def __init__(self, *, interval_seconds: int, random: Random) -> None:
        """Wait at most `LONGEST_SECONDS`, which is so many rounds of ``interval_seconds``."""
        self._most = LONGEST_SECONDS // interval_seconds
        self._random = random
        self._absent: dict[str, _Absent] = {}

    def begin_round(self) -> Collection[str]:
        """Return whom to leave out in the round that begins."""
        out = [name for name, absent in self._absent.items() if absent.rounds]
        for name in out:
            self._absent[name].rounds -= 1
        return frozenset(out)

    def failed(self, name: str) -> None:
        """Leave it out for twice as many rounds as the last time; half of them are by chance.

        The first failure costs nothing: a lost packet is over by the next round.
        """
        absent = self._absent.setdefault(name, _Absent())
        absent.failures += 1
        rounds = min(2 ** min(absent.failures - 1, _DOUBLINGS) - 1, self._most)
        absent.rounds = rounds - round(rounds / 2 * self._random())

    def answered(self, name: str) -> None:
        """Ask it in every round again."""
        self._absent.pop(name, None)
