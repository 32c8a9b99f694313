"""What the sign-in gave: kept as long as it is good, asked for once however many questions need it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.ended import look_at
from keys.payload.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, good while ``at < until``; repr shows nothing of it."""

    secret: Secret = field(repr=False)
    until: datetime


class TokenKeeper:
    """Keeps the token of one system; a sign-in that failed is not remembered."""

    def __init__(self, sign_in: Callable[[], Awaitable[Token]]) -> None:
        """Sign in with a function that keeps to a time limit of its own: no waiter's deadline stops it."""
        self._sign_in = sign_in
        self._token: Token | None = None
        self._running: asyncio.Task[Token] | None = None

    async def get(self, at: datetime, *, but: Token | None = None) -> Token:
        """Return a token that is good at a moment and is not ``but``, which the system no longer takes.

        Raises:
            AskError: whatever the sign-in raises.

        """
        token = self._token
        if token is not None and token is not but and at < token.until:
            return token
        if self._running is None:
            self._running = asyncio.create_task(self._renew())
            self._running.add_done_callback(self._forget)
            self._running.add_done_callback(look_at)
        return await asyncio.shield(self._running)

    async def close(self) -> None:
        """Stop a sign-in that nobody waits for any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _renew(self) -> Token:
        token = await self._sign_in()
        self._token = token
        return token

    def _forget(self, _: asyncio.Task[Token]) -> None:
        self._running = None
