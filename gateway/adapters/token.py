"""What the sign-in gave: kept as long as it is good, asked for once however many questions need it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.adapters.error import AskError, AskFault
from gateway.ended import look_at
from keys.payload.secret import Secret

# How long a refused sign-in is taken for the answer, and at most, with twice as long after each further one: systems
# lock an account after a few of them.
FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A sign-in that was refused; nobody tries again while ``at < until``."""

    error: Exception
    pause: timedelta
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, good while ``at < until``; repr shows nothing of it."""

    secret: Secret = field(repr=False)
    until: datetime


class TokenKeeper:
    """Keeps the token of one system, and for a while that there is none because the system refused.

    A token that has ended already is as good as a refusal. A sign-in that failed otherwise (nobody answered) is not
    remembered.
    """

    def __init__(self, sign_in: Callable[[], Awaitable[Token]], *, is_refusal: Callable[[Exception], bool]) -> None:
        """Sign in with a function that keeps to a time limit of its own: no waiter's deadline stops it."""
        self._sign_in, self._is_refusal = sign_in, is_refusal
        self._token: Token | None = None
        self._refusal: Refusal | None = None
        self._running: asyncio.Task[Token] | None = None

    async def get(self, at: datetime, *, but: Token | None = None) -> Token:
        """Return a token that is good at a moment and is not ``but``, which the system no longer takes.

        Raises:
            AskError: whatever the sign-in raises, or raised a moment ago.

        """
        token = self._token
        if token is not None and token is not but and at < token.until:
            return token
        refusal = self._refusal
        if refusal is not None and at < refusal.until:
            raise refusal.error.with_traceback(None)  # or it would grow with every question
        if self._running is None:
            self._running = asyncio.create_task(self._renew(at))
            self._running.add_done_callback(self._forget)
            self._running.add_done_callback(look_at)
        return await asyncio.shield(self._running)

    async def close(self) -> None:
        """Stop a sign-in that nobody waits for any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _renew(self, at: datetime) -> Token:
        try:
            token = await self._sign_in()
            _check_life(token, at)
        except Exception as error:
            if self._is_refusal(error):
                before = self._refusal
                pause = FIRST_PAUSE if before is None else min(2 * before.pause, LONGEST_PAUSE)
                self._refusal = Refusal(error=error, pause=pause, until=at + pause)
            raise
        self._token, self._refusal = token, None
        return token

    def _forget(self, _: asyncio.Task[Token]) -> None:
        self._running = None


def _check_life(token: Token, at: datetime) -> None:
    """Refuse a token that has ended already, or every question would sign in."""
    if token.until <= at:
        raise AskError(AskFault.SIGN_IN, "ends_at")
