"""Pseudonyms: the same value gets the same name for one partner and one purpose, and another one for anybody else.

Every partner and purpose has a key of its own, derived from a master key; without it nobody can compute or compare.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from policies.catalogue import ValueType
from policies.forms.canonical import canonical_text
from policies.forms.scheme import Apply, Surroundings, Value

SHORTEST_MASTER: Final = 32  # bytes
_KEY_BYTES: Final = 64  # the longest key that BLAKE2b takes
_PSEUDONYM_BYTES: Final = 15  # 120 bits: 24 characters of base32 without padding
_MOST_DOMAINS: Final = 64  # remembered for a partner and purpose; domains are named by policies: a handful
_SALT: Final = b"tongban pseudonym 1"

_CHARACTERS: Final = 24  # five bits each
_BASE_32: Final = bytes.maketrans(bytes(range(32)), b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def _groups(width: int, distance: int) -> int:
    """Return ones for groups of bits, at the low end of every so many bits of the 24 bytes."""
    return sum(((1 << width) - 1) << at for at in range(0, 8 * _CHARACTERS, distance))


_LOW_60, _LOW_30, _LOW_15, _LOW_5 = _groups(60, 192), _groups(30, 96), _groups(15, 48), _groups(5, 24)
_HIGH_60, _HIGH_30, _HIGH_15 = _LOW_60 << 60, _LOW_30 << 30, _LOW_15 << 15
_MIDDLE_5, _HIGH_5 = _LOW_5 << 5, _LOW_5 << 10


class Pseudonyms:
    """The pseudonyms of one partner and one purpose in one epoch.

    A new epoch gives new pseudonyms; the old epoch's are made as long as a case is open that knows them.
    """

    __slots__ = ("_hashes", "_key")

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
        self._hashes: dict[str, hashlib.blake2b] = {}  # keyed, with nothing hashed yet; by domain

    def of(self, domain: str, value: Value, value_type: ValueType) -> str | None:
        """Return the pseudonym of a value in a domain: a field, or fields that hold the same thing.

        Values have the same pseudonym when a comparison would call them equal.

        None for a text that says nothing or cannot be read: all of those would get the same pseudonym.
        """
        text = canonical_text(value, value_type)
        if text is None:
            return None
        try:
            keyed = self._hashes[domain].copy()
        except KeyError:
            keyed = self._keyed(domain).copy()
        keyed.update(text.encode())
        return _in_base_32(keyed.digest())

    def _keyed(self, domain: str) -> hashlib.blake2b:
        """Return the hash of a domain with its key and nothing else in it, and keep it."""
        if len(self._hashes) >= _MOST_DOMAINS:
            self._hashes.clear()
        hashed = hashlib.blake2b(digest_size=_PSEUDONYM_BYTES, key=self._key, person=_person(domain))
        self._hashes[domain] = hashed
        return hashed


def pseudonym_in(domain: str) -> Callable[[ValueType], Apply]:
    """Return what makes pseudonyms in a domain, by type; without a key for the request they are not known."""

    def apply_to(value_type: ValueType) -> Apply:
        def apply(value: Value, around: Surroundings) -> object:
            pseudonyms = around.pseudonyms
            return None if pseudonyms is None else pseudonyms.of(domain, value, value_type)

        return apply

    return apply_to


def _person(domain: str) -> bytes:
    """Return BLAKE2b's personalisation, 16 bytes, for a domain of any length."""
    return hashlib.blake2b(domain.encode(), digest_size=16).digest()


def _in_base_32(digest: bytes) -> str:
    """Spell 120 bits in base 32 (RFC 4648), nearly three times as fast as the standard library does.

    Groups of bits are halved and moved apart, all at once, until every five bits have a byte of their own.
    """
    bits = int.from_bytes(digest, "big")
    bits = (bits & _HIGH_60) << 36 | bits & _LOW_60
    bits = (bits & _HIGH_30) << 18 | bits & _LOW_30
    bits = (bits & _HIGH_15) << 9 | bits & _LOW_15
    bits = (bits & _HIGH_5) << 6 | (bits & _MIDDLE_5) << 3 | bits & _LOW_5
    return bits.to_bytes(_CHARACTERS, "big").translate(_BASE_32).decode("ascii")
