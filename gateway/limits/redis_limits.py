"""Requests of callers counted in Redis, by all processes and machines of a site together."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Final

from gateway.callers import CallerId
from gateway.limits.memory import CHINA_OFFSET_SECONDS, DAY_SECONDS, MemoryLimits
from gateway.limits.metrics import LimitMetrics
from gateway.limits.names import KeyedNames
from gateway.limits.settings import CallerLimits
from gateway.limits.store import CONCURRENCY_RETRY_SECONDS, Limit, OverLimit
from gateway.shared.connection import Script, SharedRedis
from gateway.shared.fault import SharedError, SharedFault

if TYPE_CHECKING:
    from gateway.shared.command import Argument

_MAX_LEAVING: Final = 1024  # places of one process that are on their way out; more wait for the next request
# Of one caller, besides as many as may be inside at once: requests of which nobody knows whether Redis let them in, as
# many as come until three in a row found it away. The oldest of more end by themselves.
_MAX_IN_DOUBT: Final = 256
_MAX_TOLD: Final = 1000  # places that are left in one step: Lua takes some 8,000 values
PAY_SECONDS: Final = 1.0  # between two times that Redis is told of what is owed, while anything is
# For so long a request that nobody waited for may still reach Redis: a server that was stopped takes what lay before it
# when it goes on, and TCP sends anew what a network lost, seconds after that is back.
_LATE_SECONDS: Final = 30.0

# One caller: KEYS 1 what was let in (a hash), 2 who is inside (a sorted set of places by their ends).
# ARGV 1 rate, 2 burst, 3 concurrency, 4 quota or 0, 5 the place or "", 6 how long it may be held, 7 now or "", and from
# 8 on the places that are left first, whatever becomes of the request.
# The moment is that of Redis, so that no clock of a gateway matters. Returns {0, 0}, or what has
# no room (1 the rate, 2 the places, 3 the quota) and the seconds to wait.
_ENTER: Final = Script(
    """
local rate, burst, most, quota = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if #ARGV > 7 then
  redis.call('ZREM', KEYS[2], unpack(ARGV, 8))
end
local now = tonumber(ARGV[7])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local known = redis.call('HMGET', KEYS[1], 'paid_until', 'day', 'used')
local step = 1 / rate
local room = burst * step
local paid_until = math.max(tonumber(known[1]) or now, now) + step
if paid_until > now + room + step then -- more ahead than a burst: the burst was larger, or the clock was set back
  paid_until = now + room + step
  redis.call('HSET', KEYS[1], 'paid_until', string.format('%.6f', now + room))
end
if paid_until - now > room + 0.000001 then
  return {1, math.max(1, math.ceil(paid_until - room - now - 0.000001))}
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if ARGV[5] ~= '' and redis.call('ZCARD', KEYS[2]) >= most then
  return {2, 0}
end
local day = math.floor((now + OFFSET) / DAY)
local used = tonumber(known[3]) or 0
local begun = tonumber(known[2]) or day
if day ~= begun and day ~= begun - 1 then
  used, begun = 0, day
end
if quota > 0 and used >= quota then
  return {3, math.max(1, math.ceil((day + 1) * DAY - OFFSET - now))}
end
redis.call('HSET', KEYS[1], 'paid_until', string.format('%.6f', paid_until), 'day', begun, 'used', used + 1)
redis.call('EXPIRE', KEYS[1], math.ceil(room) + 2 * DAY)
if ARGV[5] ~= '' then
  redis.call('ZADD', KEYS[2], string.format('%.6f', now + tonumber(ARGV[6])), ARGV[5])
  redis.call('EXPIRE', KEYS[2], math.max(redis.call('TTL', KEYS[2]), math.ceil(tonumber(ARGV[6])) + 60))
end
return {0, 0}
""".replace("OFFSET", str(CHINA_OFFSET_SECONDS)).replace("DAY", str(DAY_SECONDS))
)


@dataclass(slots=True)
class _Row:
    """The places of one caller that Redis has, or may have.

    ``inside``: of requests that it let in and that go on. ``owed``: of no request any more, by the moment until which
    Redis is told so again and again; a place that was there need be left once, one that is still on its way may come.
    """

    inside: set[bytes] = field(default_factory=set)
    owed: dict[bytes, float] = field(default_factory=dict)
    most: int = 0  # of the caller's requests at once

    def owe(self, place: bytes, *, until: float = 0.0) -> None:
        self.inside.discard(place)
        self.owed.setdefault(place, until)
        if len(self.owed) > self.most + _MAX_IN_DOUBT:
            del self.owed[next(iter(self.owed))]

    def pay(self, places: Iterable[bytes], now: float) -> None:
        """Note that Redis was told of these."""
        for place in places:
            until = self.owed.get(place)
            if until is not None and until <= now:
                del self.owed[place]


class RedisLimits:
    """A `LimitStore` of several processes. One round trip lets a request in; nobody waits for its leaving.

    A place that nobody leaves, since its process died, ends by itself after the longest time that its request may take.
    One that could not be left, or of which nobody knows whether it was taken, is left as soon as Redis is there: with
    the caller's next request, within a second, or when the process ends, whichever comes first. While Redis cannot be
    asked each process counts for itself, so that a caller has up to its limits in each of them.
    """

    def __init__(
        self,
        redis: SharedRedis,
        names: KeyedNames,
        *,
        metrics: LimitMetrics,
        own: MemoryLimits | None = None,
        clock: bool = True,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Count in Redis under these names.

        ``clock``: by the clock of Redis; tests say when it is. ``steady`` returns seconds by a clock that nobody sets.
        """
        self._redis = redis
        self._names = names
        self._metrics = metrics
        self._own = MemoryLimits() if own is None else own
        self._by_its_clock = clock
        self._steady = steady
        self._rows: dict[CallerId, _Row] = {}  # as many as in `MemoryLimits`
        self._leaving: set[asyncio.Task[None]] = set()
        self._paying: asyncio.Task[None] | None = None  # while anything is owed

    async def enter(
        self, caller: CallerId, limits: CallerLimits, *, place: bytes | None, at: datetime, hold_seconds: float
    ) -> OverLimit | None:
        """Let a request in, or return why not."""
        keys, row = self._keys(caller), self._rows.get(caller)
        if row is None:
            row = self._rows[caller] = _Row()
        row.most = limits.concurrency
        owed = tuple(islice(row.owed, _MAX_TOLD))
        arguments: tuple[Argument, ...] = (
            f"{limits.rate_per_second:.9g}",
            limits.burst,
            limits.concurrency,
            limits.daily_quota or 0,
            place or b"",
            f"{hold_seconds:.3f}",
            "" if self._by_its_clock else f"{at.timestamp():.6f}",
            *owed,
        )
        is_asked, is_answered = self._redis.asks(keys[0]), False
        try:
            reply = await self._redis.evaluate(_ENTER, keys=keys, arguments=arguments)
            over = _parse_reply(reply, limits)
            is_answered = True
        except SharedError:
            self._metrics.unshared.inc()
            return await self._own.enter(caller, limits, place=place, at=at, hold_seconds=hold_seconds)
        finally:
            if is_asked and not is_answered and place is not None:  # also where the request gave up meanwhile
                self._owe(row, place, until=self._steady() + _LATE_SECONDS)
        row.pay(owed, self._steady())
        if over is None and place is not None:
            row.inside.add(place)
        return over

    def leave(self, caller: CallerId, place: bytes | None) -> None:
        """Take note that a request is over, in Redis soon after."""
        self._own.leave(caller, place)
        row = self._rows.get(caller)
        if row is None or place is None or (place not in row.inside and place not in row.owed):
            return  # Redis never heard of it
        key = self._keys(caller)[1]
        if len(self._leaving) < _MAX_LEAVING and self._redis.asks(key):
            row.inside.discard(place)
            self._begin(self._leave(row, key, place))
        else:
            self._owe(row, place)

    async def settle(self) -> None:
        """Wait until those that left have left in Redis too, as far as it is there: as the process ends."""
        if self._leaving:
            await asyncio.wait(self._leaving)
        await self._pay()

    async def _leave(self, row: _Row, key: bytes, place: bytes) -> None:
        try:
            await self._redis.ask("ZREM", key, place, key=key)
        except SharedError:
            self._owe(row, place)

    def _owe(self, row: _Row, place: bytes, *, until: float = 0.0) -> None:
        row.owe(place, until=until)
        if self._paying is None or self._paying.done():
            self._paying = asyncio.create_task(self._keep_paying())

    async def _keep_paying(self) -> None:
        """Tell Redis of what is owed until nothing is, for the caller's next request may come to another process."""
        while any(row.owed for row in self._rows.values()):
            await asyncio.sleep(PAY_SECONDS)
            await self._pay()

    async def _pay(self) -> None:
        owing = [(caller, row) for caller, row in self._rows.items() if row.owed]
        for caller, row in owing:
            key, owed = self._keys(caller)[1], tuple(row.owed)
            for first in range(0, len(owed), _MAX_TOLD):
                if not self._redis.asks(key):
                    break
                some = owed[first : first + _MAX_TOLD]
                try:
                    await self._redis.ask("ZREM", key, *some, key=key)
                except SharedError:
                    break
                row.pay(some, self._steady())

    def _begin(self, leaving: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(leaving)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _keys(self, caller: CallerId) -> tuple[bytes, bytes]:
        """Return the keys of a caller, in one slot of a cluster."""
        tag = b"{" + self._names.of("caller", caller).hex().encode() + b"}"
        return self._redis.key(b"limits", tag), self._redis.key(b"inside", tag)


def _parse_reply(reply: object, limits: CallerLimits) -> OverLimit | None:
    """Return what the script says of these limits; raises SharedError where it is nothing that the script says."""
    match reply:
        case [0, 0]:
            return None
        case [2, 0]:
            return OverLimit(limit=Limit.CONCURRENCY, retry_after_seconds=CONCURRENCY_RETRY_SECONDS)
        case [1, int(seconds)] if 0 < seconds <= ceil(1 / limits.rate_per_second) + 1:  # one is let in by then
            return OverLimit(limit=Limit.RATE, retry_after_seconds=seconds)
        case [3, int(seconds)] if limits.daily_quota is not None and 0 < seconds <= DAY_SECONDS:
            return OverLimit(limit=Limit.QUOTA, retry_after_seconds=seconds)
        case _:
            raise SharedError(SharedFault.ODD)
