"""Whether all gateways that count in one Redis do so under one key: else each of them lets in what is used once."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Final

from gateway.shared.connection import Script, SharedRedis
from gateway.shared.fault import SharedError

_LOG: Final = logging.getLogger(__name__)
LOOK_SECONDS: Final = 1.0  # between two looks, as between two probes
# For so long after the last gateway with a key has gone no other key is taken: what was used under it is found under
# none of the others. Tokens are remembered for 10 minutes, signed requests with the usual tolerance for 15.
LIFE_SECONDS: Final = 15 * 60
_NAME: Final = b"counts-key"

# KEYS 1 what tells the key; ARGV 1 what tells ours, 2 for how many seconds. Returns 1: ours is the one; 0: it is not.
_CLAIM: Final = Script(
    """
local known = redis.call('GET', KEYS[1])
if known and known ~= ARGV[1] then
  return 0
end
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[2]) / 2 then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
return 1
"""
)


class KeyState(StrEnum):
    """Under which key the gateways of this Redis count, as `/readyz` says it."""

    OURS = "ours"
    ANOTHER = "another"  # another gateway came first, with a key that is not ours
    UNKNOWN = "unknown"  # Redis was not asked yet, or was away since


class OneKey:
    """Finds out, again and again, whether the key of this gateway is that of all: the first one that comes says which.

    Redis may come back empty, or be another one; so while it is away nothing is known.
    """

    def __init__(self, redis: SharedRedis) -> None:
        """Know nothing; until `running` there is no key."""
        self._redis = redis
        self._key = redis.key(_NAME)
        self._check: bytes | None = None
        self._state = KeyState.UNKNOWN

    @property
    def state(self) -> KeyState:
        """Return what the last look found."""
        return self._state

    async def settle(self) -> KeyState:
        """Return what is known, having looked if it is nothing."""
        if self._state is KeyState.UNKNOWN:
            await self.look()
        return self._state

    async def look(self) -> None:
        """Find out; one look that fails while Redis is there changes nothing."""
        if self._check is None:
            return
        try:
            reply = await self._redis.evaluate(_CLAIM, keys=[self._key], arguments=[self._check, LIFE_SECONDS])
        except SharedError:
            if not self._redis.asks(self._key):
                self._state = KeyState.UNKNOWN
            return
        before = self._state
        match reply:
            case 1:
                self._state = KeyState.OURS
            case 0:
                self._state = KeyState.ANOTHER
            case _:  # none of ours
                self._state = KeyState.UNKNOWN
        if self._state is KeyState.ANOTHER and before is not KeyState.ANOTHER:
            _LOG.warning(
                "another gateway counts in this Redis under another key, so nothing that works once is used here: give "
                "all of them one file ([cache] key)"
            )

    @contextlib.asynccontextmanager
    async def running(self, check: bytes) -> AsyncIterator[None]:
        """Look during the block; ``check`` is made of the key, and does not tell it."""
        self._check = check
        await self.look()
        looking = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()
