"""Budgets counted in Redis, by all processes and machines of a site together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Final

import msgspec

from gateway.budget.memory import MemoryBudgets
from gateway.budget.redis_script import SPEND
from gateway.budget.store import PARTS, Charge, CountersUnavailableError, Exceeded
from gateway.limits.metrics import LimitMetrics
from gateway.shared.connection import SharedRedis
from gateway.shared.fault import SharedError

MAX_PLACES: Final = 200_000  # counts and members of one caller, some 60 MB; those that are fixed take none
# All budgets are in one slot of a cluster, see below.
_TAG: Final = b"{budgets}"
# Others may spend between the answer that asks for neighbours and the next try, so that it asks for those of others.
_TRIES: Final = 4

# Of texts and numbers alone: the reader of Redis knows no bytes.
_encode = msgspec.msgpack.Encoder().encode


class RedisBudgets:
    """A `BudgetStore` of several processes: one script counts all charges of a question, or none.

    What belongs to a person is counted for all callers together, so any two counts may meet in one question: all
    budgets of a site lie in one slot of a cluster, and one server of it counts them: a question with four budgets
    takes it some 0.15 ms.

    The moment is that of Redis, whatever the clocks of gateways say; it never goes back, as in `MemoryBudgets`. A
    caller has `MAX_PLACES`; what all have together is bounded by the memory that Redis is given, which must not evict.

    Budgets protect people, so they are never skipped: while Redis cannot be asked, or does not answer in time, a
    question that asks yes or no about a holder is refused, and any other is counted in this process alone. One that
    Redis did not answer may have been counted there all the same.
    """

    def __init__(
        self,
        redis: SharedRedis,
        *,
        metrics: LimitMetrics | None = None,
        max_places: int = MAX_PLACES,
        clock: bool = True,
    ) -> None:
        """Count in Redis; ``clock``: by its clock. Tests say when it is."""
        self._redis = redis
        self._alone = MemoryBudgets()
        self._metrics = metrics
        self._max_places = max_places
        self._by_its_clock = clock

    async def spend(self, charges: Sequence[Charge], *, at: datetime, asks_yes_or_no: bool = True) -> Exceeded | None:
        """Count all charges or none; where neighbours of a number matter, a second round trip brings them."""
        if not charges:
            return None
        try:
            return await self._spend(charges, at)
        except SharedError as error:
            if asks_yes_or_no:
                raise CountersUnavailableError from error
        if self._metrics is not None:
            self._metrics.budgets_unshared.inc()
        return await self._alone.spend(charges, at=at)

    async def _spend(self, charges: Sequence[Charge], at: datetime) -> Exceeded | None:
        """Count in Redis.

        Raises:
            SharedError: it could not be asked.
            CountersUnavailableError: the caller has no room there, or what it says is none of ours.

        """
        near: dict[int, list[str]] = {}
        for _ in range(_TRIES):
            match await self._run(charges, near, at):
                case [b"spent"]:
                    return None
                case [b"exceeded", int(place), int(seconds)] if 0 < place <= len(
                    charges
                ) and 0 < seconds <= _longest_wait(charges[place - 1]):
                    return Exceeded(budget=charges[place - 1].budget, retry_after_seconds=seconds)
                case [b"near", *places] if len(places) <= len(charges):
                    near |= _neighbours(charges, places)
                case _:
                    break  # no room, or an answer that is none of ours
        raise CountersUnavailableError

    async def _run(self, charges: Sequence[Charge], near: Mapping[int, list[str]], at: datetime) -> object:
        """Return what the script says.

        Raises:
            SharedError: nothing.

        """
        keys = _Keys(self._redis)
        asked = [
            {
                "count": keys.place(b"count", charge.key, str(charge.window_seconds).encode()),
                "members": keys.place(b"members", charge.key, str(charge.window_seconds).encode()),
                "owner": keys.place(b"owner", charge.owner),
                "limit": charge.limit,
                "window": charge.window_seconds,
                "fixed": charge.is_fixed,
                "free": charge.is_free,
                "member": None if charge.member is None else charge.member.hex(),
                "looks": charge.near is not None,
                "near": near.get(place),
            }
            for place, charge in enumerate(charges, 1)
        ]
        now = "" if self._by_its_clock else f"{at.timestamp():.6f}"
        return await self._redis.evaluate(SPEND, keys=keys.names, arguments=[_encode(asked), self._max_places, now])


class _Keys:
    """The keys that a script is told of, each once; the first is that of the clock."""

    def __init__(self, redis: SharedRedis) -> None:
        self._redis = redis
        self._places: dict[bytes, int] = {}
        self.place(b"clock")

    @property
    def names(self) -> list[bytes]:
        return list(self._places)

    def place(self, kind: bytes, *parts: bytes) -> int:
        """Return the place of a key among all, from 1."""
        name = self._redis.key(_TAG, kind, *(part.hex().encode() for part in parts))
        return self._places.setdefault(name, len(self._places) + 1)


def _longest_wait(charge: Charge) -> int:
    """Return after how many seconds there is room for certain: what counts now is older than the window then."""
    return ceil(charge.window_seconds * (PARTS + 1) / PARTS)


def _neighbours(charges: Sequence[Charge], places: Sequence[object]) -> dict[int, list[str]]:
    """Return what is near the members of the charges at these places, from 1; other places are none."""
    found: dict[int, list[str]] = {}
    for place in places:
        if isinstance(place, int) and 0 < place <= len(charges):
            near = charges[place - 1].near
            found[place] = [] if near is None else [one.hex() for one in near()]
    return found
