"""MD5, for the one gateway that asks for it (Zhejiang), and for nothing of our own.

A module of its own, so that a search for MD5 ends here. Collisions are made in seconds; only the secret in the text,
which no forger can choose, stands between this signature and a forger.
"""

import hashlib


def compute_weak_md5(text: bytes, _secret: bytes) -> bytes:
    """Return MD5 of a text that holds the secret already."""
    return hashlib.md5(text, usedforsecurity=False).digest()
