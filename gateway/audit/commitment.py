"""Commitments: what stands in a leaf for a value that a person could be known by.

A hash of a citizen number hides nothing, since there are only about 10^11 of them. With a salt of 16 bytes before the
value, nobody can try them all; and as each commitment has its own, opening one says nothing about its neighbours. The
salts of an entry are made from random seeds, so that fewer bytes have to be kept.
"""

import hmac
from hashlib import sha256
from typing import Final

from gateway.randomness import take_random

SALT_SIZE: Final = 16
COMMITMENT_SIZE: Final = 32
SEED_SIZE: Final = 16
_PREFIX: Final = b"\x11"  # no leaf (0x00) and no node (0x01) of the tree hashes like a commitment
_SALT_PREFIX: Final = b"\x12"  # and no commitment like a salt


def make_commitment(salt: bytes, value: bytes) -> bytes:
    """Return SHA-256(0x11 ‖ salt ‖ value); ValueError for a salt of another size."""
    if len(salt) != SALT_SIZE:
        raise ValueError(f"a salt of {SALT_SIZE} bytes was expected, got {len(salt)}")
    return sha256(_PREFIX + salt + value).digest()


def is_opened_by(commitment: bytes, *, salt: bytes, value: bytes) -> bool:
    """Answer whether the commitment was made with this salt of this value."""
    return len(salt) == SALT_SIZE and hmac.compare_digest(commitment, make_commitment(salt, value))


def make_seeds(count: int) -> tuple[bytes, ...]:
    """Return fresh random seeds."""
    return tuple(take_random(SEED_SIZE) for _ in range(count))


def derive_salt(seed: bytes, name: str) -> bytes:
    """Return the salt of the commitment with this name: the first 16 bytes of SHA-256(0x12 ‖ name ‖ seed).

    It says nothing about the seed, nor about the salts of other names.
    """
    return sha256(_SALT_PREFIX + name.encode() + seed).digest()[:SALT_SIZE]
