"""Whether all gateways that count in one Redis do so under one key: else each of them lets in what is used once."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from enum import StrEnum
from math import inf
from typing import Final

from gateway.limits.marks import MarksUnavailableError, NoMark
from gateway.shared.connection import Script, SharedRedis
from gateway.shared.fault import SharedError
from gateway.shared.slots import SLOTS, slot_of

_LOG: Final = logging.getLogger(__name__)
LOOK_SECONDS: Final = 1.0  # between two looks, as between two probes
# For so long after the last gateway with a key has gone no other key is taken: what was used under it is found under
# none of the others. Tokens are remembered for 10 minutes, signed requests with the usual tolerance for 15.
LIFE_SECONDS: Final = 15 * 60
_NAME: Final = b"counts-key"
# In a cluster there are so many of these, spread over its slots, and a key is that of all where most of them say so: of
# two keys no more than one has most, and it is found while the cluster itself has most of its servers.
_IN_CLUSTER: Final = 15

# KEYS 1 what tells the key; ARGV 1 what tells ours, 2 for how many seconds. Returns 1: ours is the one; 0: it is not.
# Its time begins anew with each look, so that it is whole when the last gateway goes.
_CLAIM: Final = Script(
    """
local known = redis.call('GET', KEYS[1])
if known and known ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
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

    Redis may come back empty, or be another one; so while it is away nothing is known. In a cluster one server that is
    away leaves what the others say.
    """

    def __init__(self, redis: SharedRedis) -> None:
        """Know nothing; until `running` there is no key."""
        self._redis = redis
        names = _names_in_cluster() if redis.is_cluster else (_NAME,)
        self._said = dict.fromkeys((redis.key(name) for name in names), KeyState.UNKNOWN)
        self._check: bytes | None = None
        self._state = KeyState.UNKNOWN
        self._asked: asyncio.Task[None] | None = None  # the last look that somebody waited for
        self._asks_from = -inf  # when there may be another, on the clock of the event loop

    @property
    def state(self) -> KeyState:
        """Return what the last look found."""
        return self._state

    async def settle(self) -> None:
        """Return if the key is ours, having looked where nothing is known: once for all who ask within a second.

        Raises:
            MarksUnavailableError: it is another, or nobody knows; so nothing that works once may be used.

        """
        if self._state is KeyState.UNKNOWN:
            await self._look_for_all()
        match self._state:
            case KeyState.ANOTHER:
                raise MarksUnavailableError(NoMark.ALONE)
            case KeyState.UNKNOWN:
                raise MarksUnavailableError(NoMark.AWAY)
            case KeyState.OURS:
                pass

    async def look(self) -> None:
        """Find out; one look that fails while Redis is there changes nothing."""
        if self._check is None:
            return
        await asyncio.gather(*(self._look_at(key, self._check) for key in self._said))
        before, said = self._state, tuple(self._said.values())
        if said.count(KeyState.OURS) * 2 > len(said):
            self._state = KeyState.OURS
        else:
            self._state = KeyState.ANOTHER if KeyState.ANOTHER in said else KeyState.UNKNOWN
        if self._state is KeyState.ANOTHER and before is not KeyState.ANOTHER:
            _LOG.warning(
                "another gateway counts in this Redis under another key, so nothing that works once is used here: give "
                "all of them one file ([cache] key)"
            )

    async def _look_for_all(self) -> None:
        """Wait for the look that is under way for others, or for a new one, unless there was one just now."""
        if self._asked is None or self._asked.done():
            now = asyncio.get_running_loop().time()
            if now < self._asks_from:
                return
            self._asks_from = now + LOOK_SECONDS
            self._asked = asyncio.create_task(self.look())
        await asyncio.shield(self._asked)

    async def _look_at(self, key: bytes, check: bytes) -> None:
        try:
            reply = await self._redis.evaluate(_CLAIM, keys=[key], arguments=[check, LIFE_SECONDS])
        except SharedError:
            if not self._redis.asks(key):
                self._said[key] = KeyState.UNKNOWN
            return
        match reply:
            case 1:
                self._said[key] = KeyState.OURS
            case 0:
                self._said[key] = KeyState.ANOTHER
            case _:  # none of ours
                self._said[key] = KeyState.UNKNOWN

    @contextlib.asynccontextmanager
    async def running(self, check: bytes) -> AsyncIterator[None]:
        """Look during the block; ``check`` is made of the key, and does not tell it."""
        self._check = check
        await self.look()
        looking = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            tasks = [task for task in (looking, self._asked) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()


def _names_in_cluster() -> list[bytes]:
    """Return names with tags of which each is in an equal part of the slots of its own."""
    names: dict[int, bytes] = {}
    number = 0
    while len(names) < _IN_CLUSTER:
        tag = b"{%d}" % number
        names.setdefault(slot_of(tag) * _IN_CLUSTER // SLOTS, b":".join((_NAME, tag)))
        number += 1
    return [names[part] for part in range(_IN_CLUSTER)]
