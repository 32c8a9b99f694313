"""Marks in Redis, so that what one process let in is let in by no other."""

from datetime import datetime
from typing import Final

from gateway.limits.marks import CLOCKS_APART, MAX_MARKS, MarksUnavailableError, NoMark
from gateway.limits.names import KeyedNames
from gateway.limits.one_key import OneKey
from gateway.shared.connection import Script, SharedRedis
from gateway.shared.fault import SharedError, SharedFault

# The marks of one owner: KEYS 1, a sorted set by their ends.
# ARGV 1 the mark, 2 its end, 3 how many there may be, 4 "1": what ends first may go, 5 the
# moment of the gateway, 6 how far from it Redis may be, 7 now or "": by the clock of Redis.
# Returns 1: it is the first time; 0: it was there; -1: there is no room; -2: the clocks are too far apart.
_ADMIT: Final = Script(
    """
local now = tonumber(ARGV[7])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1])
end
if math.abs(now - tonumber(ARGV[5])) > tonumber(ARGV[6]) then
  return -2
end
local ended = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000)
if #ended > 0 then
  redis.call('ZREM', KEYS[1], unpack(ended))
end
local found = redis.call('ZSCORE', KEYS[1], ARGV[1])
if found and tonumber(found) > now then
  return 0
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  if ARGV[4] ~= '1' then
    return -1
  end
  redis.call('ZPOPMIN', KEYS[1])
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('EXPIRE', KEYS[1], math.ceil(tonumber(last[2]) - now) + 60)
return 1
"""
)


class RedisMarks:
    """A `MarkStore` of several processes; what is kept are keyed hashes. Without Redis nothing can be told.

    Nor can it while others count there under another key, whose marks have other names, or while that is not known.
    What is over is told by the clock of Redis; a gateway whose clock is further from it than `CLOCKS_APART` would use
    what was forgotten, and is refused.
    """

    def __init__(
        self,
        redis: SharedRedis,
        names: KeyedNames,
        *,
        one_key: OneKey,
        max_marks: int = MAX_MARKS,
        clock: bool = True,
    ) -> None:
        """Remember in Redis under these names, while ``one_key`` says that others have the same.

        ``clock``: by the clock of Redis; tests say when it is.
        """
        self._redis = redis
        self._names = names
        self._one_key = one_key
        self._max_marks = max_marks
        self._by_its_clock = clock

    async def admit(self, owner: str, mark: str, *, until: datetime, at: datetime, may_push_out: bool = False) -> bool:
        """Remember a mark, or find that it is there."""
        await self._one_key.settle()
        key = self._redis.key(b"marks", self._names.of("owner", owner).hex().encode())
        arguments = (
            self._names.of("mark", owner, mark),
            f"{(until + CLOCKS_APART).timestamp():.3f}",
            self._max_marks,
            int(may_push_out),
            f"{at.timestamp():.3f}",
            int(CLOCKS_APART.total_seconds()),
            "" if self._by_its_clock else f"{at.timestamp():.3f}",
        )
        try:
            reply = await self._redis.evaluate(_ADMIT, keys=[key], arguments=arguments)
        except SharedError as error:
            why = NoMark.FULL if error.fault is SharedFault.FULL else NoMark.AWAY
            raise MarksUnavailableError(why) from error
        match reply:
            case 0 | 1:
                return reply == 1
            case -1:
                raise MarksUnavailableError(NoMark.FULL)
            case -2:
                raise MarksUnavailableError(NoMark.CLOCK)
            case _:
                raise MarksUnavailableError(NoMark.AWAY)
