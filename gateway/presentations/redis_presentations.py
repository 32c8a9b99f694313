"""Presentations in Redis, so that a code that one process gave is taken by any other, and by one alone."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from gateway.cache.sealed import Sealing
from gateway.limits.marks import MarksUnavailableError, MemoryMarks, NoMark
from gateway.limits.one_key import OneKey
from gateway.presentations.code import PresentationCode
from gateway.presentations.presentation import (
    Presentation,
    PresentationError,
    encode_presentation,
    parse_presentation,
)
from gateway.shared.connection import Script, SharedRedis
from gateway.shared.fault import SharedError, SharedFault

_KIND: Final = "presentation 1"  # of what is sealed, and its form
_SECRET_BYTES: Final = 32
_OWNER: Final = "presentations"  # of the marks of codes that this process took
# In one step, so that of two gateways one has it. Not GETDEL, which the user of a site's Redis need not have.
_TAKE: Final = Script(
    """
local found = redis.call('GET', KEYS[1])
if found then
  redis.call('DEL', KEYS[1])
end
return found
"""
)


class RedisPresentations:
    """A `PresentationStore` of several processes. Without Redis no code is given, and none is taken.

    Nor while others count there under another key, who find no code of ours, or while that is not known.

    Keys are HMACs of codes, and values are sealed under them: whoever reads Redis finds neither a code nor a number,
    and whoever writes to it makes no presentation. Whoever puts back what was deleted makes no code good again in the
    process that took it; in another one it works until its end.
    """

    def __init__(self, redis: SharedRedis, secret: bytes | None = None, *, one_key: OneKey) -> None:
        """Keep them there while ``one_key`` says that others do alike; until `open` under a secret of nobody else."""
        self._redis = redis
        self._one_key = one_key
        self._taken = MemoryMarks()
        self._sealing = Sealing(secret or secrets.token_bytes(_SECRET_BYTES), kind=_KIND)

    def open(self, secret: bytes) -> None:
        """Seal under the secret that all gateways of a site have."""
        self._sealing = Sealing(secret, kind=_KIND)

    async def put(self, code: PresentationCode, presentation: Presentation, *, at: datetime) -> None:
        """Keep a presentation until its end."""
        await self._one_key.settle()
        place = self._sealing.place(code)
        key = self._key(place)
        sealed = self._sealing.seal(place, encode_presentation(presentation))
        milliseconds = max(1, (presentation.ends_at - at) // timedelta(milliseconds=1))
        try:
            reply = await self._redis.ask("SET", key, sealed, "PX", milliseconds, key=key)
        except SharedError as error:
            raise _unavailable(error) from error
        if reply != b"OK":
            raise MarksUnavailableError(NoMark.AWAY)

    async def take(self, code: PresentationCode, *, at: datetime) -> Presentation | None:
        """Return what a code stands for; what was not sealed here was never given."""
        await self._one_key.settle()
        place = self._sealing.place(code)
        try:
            reply = await self._redis.evaluate(_TAKE, keys=[self._key(place)])
        except SharedError as error:
            raise _unavailable(error) from error
        if reply is None:
            return None
        if not isinstance(reply, bytes):
            raise MarksUnavailableError(NoMark.AWAY)
        value = self._sealing.open(place, reply)
        try:
            presentation = None if value is None else parse_presentation(value)
        except PresentationError:  # of another version of this program
            return None
        if presentation is None or presentation.ends_at <= at:
            return None
        is_first = await self._taken.admit(_OWNER, place.hex(), until=presentation.ends_at, at=at, may_push_out=True)
        return presentation if is_first else None

    def _key(self, place: bytes) -> bytes:
        return self._redis.key(b"presentations", place.hex().encode())


def _unavailable(error: SharedError) -> MarksUnavailableError:
    return MarksUnavailableError(NoMark.FULL if error.fault is SharedFault.FULL else NoMark.AWAY)
