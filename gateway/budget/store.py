"""What is spent, and where it is counted: in this process, or in Redis for several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from msgspec import Struct

PARTS: Final = 16  # of a window
MAX_LOOKED_AROUND: Final = 2  # new numbers of one question; of each, some hundred others are looked for


class Charge(Struct, frozen=True, kw_only=True):  # a dozen are made for each question
    """One use of one budget: at most ``limit`` under ``key`` in any ``window_seconds``.

    ``key`` is a keyed hash: neither callers nor holders can be read from what is counted. ``owner`` is one of the
    caller, in whose share of the room it is counted; ``is_fixed``: the key is one of the few that are known beforehand,
    such as that of a caller, and always has room.

    * Plain: each use costs one.
    * With a ``member``: different members are counted; one that was seen in the window costs nothing.
    * With a member and what is ``near`` it: a use costs one when something near was seen, and the member was not.
      What is near is looked for where it may make a difference, for `MAX_LOOKED_AROUND` members of a question.
    Members are remembered, whether they cost or not.
    * ``is_free``: this use costs nothing, and still needs room for one. So the use that would have failed and the one
      that would not are refused alike.
    """

    budget: str
    key: bytes
    limit: int
    window_seconds: int
    owner: bytes
    is_fixed: bool = False
    member: bytes | None = None
    near: Callable[[], frozenset[bytes]] | None = None
    is_free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceeded:
    """A budget that has no room, and in how many whole seconds it will have some."""

    budget: str
    retry_after_seconds: int


class CountersUnavailableError(Exception):
    """What is spent cannot be counted: no room to count it in, or the store is away.

    Nothing was counted; by a store in another process that did not answer in time perhaps all of it.
    """


class BudgetStore(Protocol):
    """Counts in sliding windows.

    A window slides in `PARTS` steps: what was counted in a part counts until the whole part is older than the window.
    So no window of that length ever holds more than the limit, and room comes back at most a sixteenth of it late.

    Memory is bounded, and shared so that nobody can take it all: a caller gets more only while it holds no more than
    what is left for everybody else.
    """

    async def spend(self, charges: Sequence[Charge], *, at: datetime, asks_yes_or_no: bool = True) -> Exceeded | None:
        """Count all charges, or none and return the first that has no room.

        A question that ``asks_yes_or_no`` about a holder is counted by all processes together, or it is refused. While
        that is not possible others are counted by each process for itself.

        Raises:
            CountersUnavailableError: it cannot be counted.

        """
        ...
