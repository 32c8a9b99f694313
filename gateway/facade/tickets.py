"""What a façade hands out and takes back: tokens of a sign-in, and what a step gives. Nothing is kept between the two.

Both are made with a key of the site, so that every process of the gateway takes what another one gave.
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.payload.secret import Secret

HANDED_SECONDS: Final = 600  # what a step gave is used within seconds; clients may be slow
DEFAULT_LIFETIME_SECONDS: Final = 1800  # of a token whose end the answer to the sign-in says itself
MAX_TICKET: Final = 4096  # characters of what a step gave; the words of a question are a few hundred

_NONCE: Final = 12  # bytes (NIST SP 800-38D section 8.2.2)
_TOKEN: Final = 32  # hexadecimal digits, as long as the tokens of the systems
_TIME: Final = "at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tickets:
    """Makes and judges both; ``name`` is that of the façade, so that none is good at another one."""

    name: str
    key: bytes = field(repr=False)
    lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS

    def make_token(self, at: datetime) -> tuple[Secret, datetime]:
        """Return the token of a moment, and until when it is good: its lifetime at least, twice that at most."""
        period = self._period(at)
        until = datetime.fromtimestamp((period + 2) * self.lifetime_seconds, UTC)
        return self._token(period), until

    def tokens(self, at: datetime) -> tuple[Secret, Secret]:
        """Return the tokens that are good at a moment."""
        period = self._period(at)
        return self._token(period), self._token(period - 1)

    def seal(self, step: str, words: Mapping[str, str], at: datetime) -> str:
        """Return a text that only this façade can read, with what a step was asked about."""
        content = json.dumps({**words, _TIME: str(int(at.timestamp()))}, ensure_ascii=False).encode()
        nonce = secrets.token_bytes(_NONCE)
        return urlsafe_b64encode(nonce + self._cipher().encrypt(nonce, content, step.encode())).decode()

    def open(self, step: str, text: str, at: datetime) -> Mapping[str, str] | None:
        """Return what a step was asked about; None: it is none of ours, of another step, or too old."""
        if len(text) > MAX_TICKET:
            return None
        try:
            data = urlsafe_b64decode(text.encode("ascii"))
            content: dict[str, str] = json.loads(
                self._cipher().decrypt(data[:_NONCE], data[_NONCE:], step.encode()).decode()
            )
        except (ValueError, InvalidTag):  # from here on it is one that we wrote ourselves
            return None
        age = at.timestamp() - int(content.pop(_TIME))
        return content if 0 <= age < HANDED_SECONDS else None

    def _period(self, at: datetime) -> int:
        return int(at.timestamp()) // self.lifetime_seconds

    def _token(self, period: int) -> Secret:
        return Secret(self._derive(f"token\0{period}").hex()[:_TOKEN].encode())

    def _cipher(self) -> AESGCM:
        return AESGCM(self._derive("step"))

    def _derive(self, what: str) -> bytes:
        return hmac.digest(self.key, f"tongban facade\0{self.name}\0{what}".encode(), hashlib.sha256)
