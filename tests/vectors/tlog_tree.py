"""RFC 6962 section 2.1 word for word: recursive definitions over lists of entries, slow and plain."""

from collections.abc import Sequence
from hashlib import sha256

Entries = Sequence[bytes]


def k_of(n: int) -> int:
    """Return the largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: Entries) -> bytes:
    """Return MTH(D[n])."""
    if not d:
        return sha256().digest()
    if len(d) == 1:
        return sha256(b"\x00" + d[0]).digest()
    k = k_of(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: Entries) -> list[bytes]:
    """Return PATH(m, D[n]), section 2.1.1."""
    if len(d) == 1:
        return []
    k = k_of(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def proof(m: int, d: Entries) -> list[bytes]:
    """Return PROOF(m, D[n]), section 2.1.2; nothing is to be proved of equal trees and of the empty one."""
    return [] if m in {0, len(d)} else subproof(m, d, whole=True)


def subproof(m: int, d: Entries, *, whole: bool) -> list[bytes]:
    """Return SUBPROOF(m, D[n], b)."""
    if m == len(d):
        return [] if whole else [mth(d)]
    k = k_of(len(d))
    if m <= k:
        return [*subproof(m, d[:k], whole=whole), mth(d[k:])]
    return [*subproof(m - k, d[k:], whole=False), mth(d[:k])]


def tile(level: int, index: int, d: Entries) -> bytes:
    """Return the tile as tlog-tiles defines it: MTH(D[(n*256+i) * 256**l : (n*256+i+1) * 256**l]) for each i."""
    span = 256**level
    starts = ((index * 256 + i) * span for i in range(256))
    return b"".join(mth(d[start : start + span]) for start in starts if start + span <= len(d))
