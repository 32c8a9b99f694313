"""Names under which what is counted lies in Redis: without the key nobody can make them, or read anything from them."""

import hashlib
import hmac
import secrets
from typing import Final

KEY_BYTES: Final = 32
_NAME_BYTES: Final = 16  # of a million names no two are equal


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Return a key of its own for a purpose, from the secret that the gateways of a site share."""
    return hmac.digest(secret, b"tongban " + purpose.encode(), hashlib.sha256)


class KeyedNames:
    """Makes names; until it is opened with the key that all gateways of a site have, with one that nobody has."""

    def __init__(self, key: bytes | None = None) -> None:
        """Begin with this key, None: one of its own."""
        self._key = secrets.token_bytes(KEY_BYTES) if key is None else key

    def open(self, key: bytes) -> None:
        """Make names with this key from now on."""
        self._key = key

    def of(self, *parts: str) -> bytes:
        """Return the name of what consists of these parts; no two lists of parts have one spelling."""
        content = b""
        for part in parts:
            data = part.encode("utf-8", "surrogatepass")
            content += len(data).to_bytes(4) + data
        return hashlib.blake2b(content, key=self._key, digest_size=_NAME_BYTES).digest()
