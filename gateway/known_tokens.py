"""Tokens whose signatures were verified a moment ago, so that a caller that uses one again costs no verification."""

import hashlib
from collections import deque
from datetime import datetime
from typing import Final

from gateway.callers import Caller, CallerRegistry, CallerRole, TokenUse
from gateway.tokens import SignedIn, SignInError, authenticate, check_times

MAX_OF_CALLER: Final = 32  # tokens: one for each process of a business system; who makes one each time gains nothing
MAX_KNOWN: Final = 20_000  # about 1.5 kB each, 30 MB

# What an identity platform's tokens say of people is not kept, and each is used about once.
_REMEMBERED: Final = frozenset({CallerRole.BUSINESS, CallerRole.AUDITOR})


class KnownTokens:
    """Signs callers in as `authenticate` does, by what it knows where it can.

    A token is found by its SHA-256. What is known counts for the registry of callers and the audience by which it was
    verified, and for no others; times are checked each time. A token that works once is never known.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[bytes, SignedIn] = {}
        self._of_caller: dict[tuple[str, str], deque[bytes]] = {}
        self._callers: CallerRegistry | None = None
        self._audience = ""

    def __len__(self) -> int:
        """Return how many tokens are known, those that are over included."""
        return len(self._known)

    def authenticate(self, token: str, *, callers: CallerRegistry, audience: str, at: datetime) -> SignedIn:
        """Return the caller that signed the token, as of ``at``.

        Raises:
            SignInError: anything at all is wrong with it.

        """
        if callers is not self._callers or audience != self._audience:
            self._forget_all()
            self._callers, self._audience = callers, audience
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None:
            signed_in = authenticate(token, callers=callers, audience=audience, at=at)
            if signed_in.caller.role in _REMEMBERED and signed_in.caller.tokens is TokenUse.REUSABLE:
                self._remember(digest, signed_in)
            return signed_in
        try:
            check_times(known, at=at)
        except SignInError:
            self._known.pop(digest)
            raise
        return known

    def _remember(self, digest: bytes, signed_in: SignedIn) -> None:
        if len(self._known) >= MAX_KNOWN:
            self._forget_all()
        own = self._of_caller.setdefault(_name(signed_in.caller), deque())
        if len(own) >= MAX_OF_CALLER:
            self._known.pop(own.popleft(), None)
        own.append(digest)
        self._known[digest] = signed_in

    def _forget_all(self) -> None:
        """Begin anew: those that are used are known again after one verification each."""
        self._known.clear()
        self._of_caller.clear()


def _name(caller: Caller) -> tuple[str, str]:
    return caller.id, caller.key_id
