"""What every cache promises: bytes under a name, for a while, and never a failure."""

import math
from enum import StrEnum
from typing import Final, Protocol

MAX_VALUE_BYTES: Final = 1024 * 1024  # a verdict takes a few KiB; more than this is no entry of ours
MAX_SECONDS: Final = 86_400.0  # a day: what lasts longer is looked at anew once a day


class CacheTier(StrEnum):
    """Where a cache looked: a word of the metrics."""

    LOCAL = "local"
    COPY = "copy"  # in the process too, of what is in Redis
    REDIS = "redis"


class CacheFault(StrEnum):
    """Why a cache did not do what it was asked: a word of the metrics. For the caller it is a miss."""

    AWAY = "away"  # there is no connection, or the breaker is open
    SLOW = "slow"  # no answer in time
    FULL = "full"  # the server has no memory left, or too many commands are under way
    REFUSED = "refused"  # the server answered with another error: rights, a node that moves
    ODD = "odd"  # an answer that is none of ours: another type, more bytes than an entry may have, no Redis at all
    FORGED = "forged"  # bytes that were not sealed with our key, or not for the name that they lie under
    TOO_LARGE = "too-large"  # an entry that is not kept


class CacheTally(Protocol):
    """Counts what one tier of one cache did; `gateway.cache.metrics` has the one of the metrics."""

    def hit(self) -> None:
        """Count a value that was there."""

    def miss(self) -> None:
        """Count a value that was not there, or could not be had."""

    def fault(self, fault: CacheFault) -> None:
        """Count a failure; a `get` that failed is a miss as well."""


class NoTally:
    """Counts nothing."""

    def hit(self) -> None:
        """Count nothing."""

    def miss(self) -> None:
        """Count nothing."""

    def fault(self, fault: CacheFault) -> None:
        """Count nothing."""


NO_TALLY: Final = NoTally()


class Cache(Protocol):
    """Values under names, each until its end. Nothing is promised to stay, and nothing here raises.

    Whatever is odd is a miss and a metric: a store that is away, slow, full or lying. So a caller must be able to do
    without, and must authenticate what it gets: a cache says where bytes lie, not where they are from. A `put` or a
    `forget` that failed leaves what was there, so a value must say itself until when it counts, and for what.
    """

    async def get(self, name: bytes) -> bytes | None:
        """Return the value under a name; None: it is not there, has ended, or could not be had."""
        ...

    async def put(self, name: bytes, value: bytes, *, seconds: float) -> None:
        """Keep a value for so many seconds (`keeping_seconds`), in place of the one before it.

        No seconds at all: keep none. A value of more than `MAX_VALUE_BYTES` is not kept, and neither is the one before.
        """
        ...

    async def forget(self, name: bytes) -> None:
        """Drop the value under a name, if there is one."""
        ...


def keeping_seconds(seconds: float) -> float:
    """Return for how long an entry is kept that asks for ``seconds``: at most `MAX_SECONDS`; 0.0: not at all."""
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), MAX_SECONDS)
