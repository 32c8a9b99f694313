"""The cache in the shared Redis, with a copy of what was asked lately in the process: a hit there asks nobody.

The copy is kept right by Redis, which pushes every change under our prefix (`gateway.shared.tracking`).
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from gateway.cache.cache import MAX_VALUE_BYTES, NO_TALLY, CacheFault, CacheTally, keeping_seconds
from gateway.cache.local import LocalCache
from gateway.shared.connection import SharedRedis
from gateway.shared.fault import SharedError
from gateway.shared.metrics import SharedMetrics
from gateway.shared.tracking import Tracking

_PART: Final = b"cache"
_GONE: Final = -2  # what PTTL says of a key that is not there


class RedisCache:
    """A `Cache` of several processes and machines; ``local`` is its copy, which nobody else writes to."""

    def __init__(
        self, shared: SharedRedis, *, local: LocalCache, metrics: SharedMetrics, tally: CacheTally = NO_TALLY
    ) -> None:
        """Ask nothing yet; without `running` there is no copy, and every `get` asks Redis."""
        self._shared = shared
        self._local = local
        self._tally = tally
        self._prefix = shared.key(_PART, b"")
        # The values that are on their way into the copy: one that changes meanwhile must not get there.
        self._filling: dict[bytes, object] = {}
        self._tracking = Tracking(
            shared, self._prefix, metrics=metrics, on_change=self._changed, on_loss=self._drop_copy
        )

    @property
    def has_copy(self) -> bool:
        """Whether changes are pushed by every server, so that what is asked twice is asked of Redis once."""
        return self._tracking.is_whole

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the copy right during the block."""
        async with self._tracking.running():
            yield

    def get_now(self, name: bytes) -> bytes | None:
        """Return the value under a name from the copy; None: it is not in it, and may be in Redis."""
        return self._local.get_now(name)

    async def get(self, name: bytes) -> bytes | None:
        """Return the value under a name, from the copy where it is there."""
        value = self._local.get_now(name)
        if value is not None:
            return value
        key, token = self._prefix + name, object()
        self._filling[name] = token
        try:
            found = await self._fetch(key)
            if found is None:
                self._tally.miss()
                return None
            self._tally.hit()
            value, seconds = found
            if self._filling.get(name) is token and self._tracking.covers(key):
                self._local.put_now(name, value, seconds=seconds)
            return value
        finally:
            if self._filling.get(name) is token:
                del self._filling[name]

    async def put(self, name: bytes, value: bytes, *, seconds: float) -> None:
        """Keep a value for so many seconds; where that fails, the one before it may stay."""
        milliseconds = int(keeping_seconds(seconds) * 1000)
        if len(value) > MAX_VALUE_BYTES:
            self._tally.fault(CacheFault.TOO_LARGE)
            milliseconds = 0
        if not milliseconds:
            await self.forget(name)
            return
        self._forget_copy(name)
        key = self._prefix + name
        await self._tell("SET", key, value, "PX", milliseconds, key=key)

    async def forget(self, name: bytes) -> None:
        """Drop the value under a name; where that fails, it stays."""
        self._forget_copy(name)
        key = self._prefix + name
        await self._tell("DEL", key, key=key)

    async def _fetch(self, key: bytes) -> tuple[bytes, float] | None:
        """Return a value and the seconds that it has left; None: there is none that we put there."""
        try:
            value, left = await self._shared.ask_all([("GET", key), ("PTTL", key)], key=key)
        except SharedError as error:
            self._tally.fault(CacheFault(error.fault.value))
            return None
        if value is None or left == _GONE:
            return None
        if not isinstance(value, bytes) or len(value) > MAX_VALUE_BYTES or not isinstance(left, int) or left < 0:
            self._tally.fault(CacheFault.ODD)
            return None
        return value, left / 1000

    async def _tell(self, *command: bytes | str | int, key: bytes) -> None:
        try:
            await self._shared.ask(*command, key=key)
        except SharedError as error:
            self._tally.fault(CacheFault(error.fault.value))

    def _changed(self, key: bytes) -> None:
        self._forget_copy(key.removeprefix(self._prefix))

    def _forget_copy(self, name: bytes) -> None:
        self._filling.pop(name, None)
        self._local.forget_now(name)

    def _drop_copy(self) -> None:
        self._filling.clear()
        self._local.clear()
