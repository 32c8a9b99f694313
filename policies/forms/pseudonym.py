"""Pseudonyms: the same value gets the same name for one partner and one purpose, and another one for anybody else.

Every partner and purpose has a key of its own, derived from a master key; without it nobody can compute or compare.
"""

import hashlib
from base64 import b32encode
from datetime import date
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from policies.forms.citizen import is_citizen_number, widen
from policies.forms.normal import UnfitTextError, normalise
from policies.forms.scheme import Apply, Surroundings, Value

SHORTEST_MASTER: Final = 32  # bytes
_KEY_BYTES: Final = 64  # the longest key that BLAKE2b takes
_PSEUDONYM_BYTES: Final = 15  # 120 bits: 24 characters of base32 without padding
_SALT: Final = b"tongban pseudonym 1"


class Pseudonyms:
    """The pseudonyms of one partner and one purpose in one epoch.

    A new epoch gives new pseudonyms; the old epoch's are made as long as a case is open that knows them.
    """

    __slots__ = ("_key",)

    def __init__(self, *, master: bytes, partner: str, purpose: str, epoch: int) -> None:
        """Derive the key by HKDF (RFC 5869).

        Raises:
            ValueError: the master key is shorter than `SHORTEST_MASTER`, or the epoch is negative.

        """
        if len(master) < SHORTEST_MASTER:
            raise ValueError(f"a master key of {SHORTEST_MASTER} bytes or more was expected, got {len(master)}")
        if epoch < 0:
            raise ValueError("an epoch of 0 or more was expected")
        # Each part is preceded by its length, so that no two askers share their parts' sum.
        parts = [partner.encode(), purpose.encode(), str(epoch).encode()]
        info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        self._key = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=_SALT, info=info).derive(master)

    def of(self, domain: str, value: Value) -> str | None:
        """Return the pseudonym of a value in a domain: a field, or fields that hold the same thing.

        None for a text that says nothing or cannot be read: all of those would get the same pseudonym.
        """
        text = _subject(value)
        if text is None:
            return None
        digest = hashlib.blake2b(
            text.encode(), digest_size=_PSEUDONYM_BYTES, key=self._key, person=_person(domain)
        ).digest()
        return b32encode(digest).decode("ascii")


def pseudonym_in(domain: str) -> Apply:
    """Return what makes pseudonyms in a domain; without a key for the request they are not known."""

    def apply(value: Value, around: Surroundings) -> object:
        return None if around.pseudonyms is None else around.pseudonyms.of(domain, value)

    return apply


def _subject(value: Value) -> str | None:
    """Return one spelling for one thing; an old citizen number and the new one are the same person."""
    if isinstance(value, date):
        return value.isoformat()
    try:
        text = normalise(value)
    except UnfitTextError:
        return None
    return widen(text) if text is not None and is_citizen_number(text) else text


@lru_cache(maxsize=1024)  # domains are named by policies: a handful
def _person(domain: str) -> bytes:
    """Return BLAKE2b's personalisation, 16 bytes, for a domain of any length."""
    return hashlib.blake2b(domain.encode(), digest_size=16).digest()
