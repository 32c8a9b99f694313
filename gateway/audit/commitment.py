"""Commitments: what stands in a leaf for a value that a person could be known by.

A hash of a citizen number hides nothing, since there are only about 10^11 of them. With 16 fresh random bytes before
the value, nobody can try them all; and as each commitment has its own, opening one says nothing about its neighbours.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Final

SALT_SIZE: Final = 16
COMMITMENT_SIZE: Final = 32
_PREFIX: Final = b"\x11"  # no leaf (0x00) and no node (0x01) of the tree hashes like a commitment


def make_commitment(salt: bytes, value: bytes) -> bytes:
    """Return SHA-256(0x11 ‖ salt ‖ value); ValueError for a salt of another size."""
    if len(salt) != SALT_SIZE:
        raise ValueError(f"a salt of {SALT_SIZE} bytes was expected, got {len(salt)}")
    return sha256(_PREFIX + salt + value).digest()


def is_opened_by(commitment: bytes, *, salt: bytes, value: bytes) -> bool:
    """Answer whether the commitment was made with this salt of this value."""
    return len(salt) == SALT_SIZE and hmac.compare_digest(commitment, make_commitment(salt, value))


def make_salts(count: int) -> tuple[bytes, ...]:
    """Return fresh random salts."""
    drawn = secrets.token_bytes(SALT_SIZE * count)  # one call of the system for all
    return tuple(drawn[at : at + SALT_SIZE] for at in range(0, len(drawn), SALT_SIZE))
