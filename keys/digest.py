"""Digests: SM3, and the identifiers under which CMS names digests, with whether we rely on them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives import hashes

from keys.errors import LibraryUnusableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A digest algorithm; ``acceptable`` says whether anything may be called valid on the strength of it."""

    name: str
    compute: Callable[[bytes], bytes]
    acceptable: bool


def _sm3_by_hashlib(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def _sm3_by_cryptography(data: bytes) -> bytes:
    context = hashes.Hash(hashes.SM3())
    context.update(data)
    return context.finalize()


def _select_sm3() -> Callable[[bytes], bytes]:
    """Select hashlib, which is faster, unless Python was built without SM3; prove the choice (GB/T 32905 annex A)."""
    try:
        hashlib.new("sm3")
    except ValueError:
        chosen = _sm3_by_cryptography
    else:
        chosen = _sm3_by_hashlib
    if chosen(b"abc").hex() != "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0":
        raise LibraryUnusableError("SM3 of this machine gives a wrong answer for the test vector of GB/T 32905")
    return chosen


_compute_sm3: Final = _select_sm3()


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest (GB/T 32905), 32 bytes."""
    return _compute_sm3(data)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sha384(data: bytes) -> bytes:
    return hashlib.sha384(data).digest()


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


SM3_OID: Final = "1.2.156.10197.1.401"
SHA256_OID: Final = "2.16.840.1.101.3.4.2.1"
SHA384_OID: Final = "2.16.840.1.101.3.4.2.2"
SHA512_OID: Final = "2.16.840.1.101.3.4.2.3"

_SM3: Final = Digest(name="SM3", compute=sm3, acceptable=True)
_SHA256: Final = Digest(name="SHA256", compute=_sha256, acceptable=True)
# Strong, but no document we accept may state its digest with them; RSA signatures use them inside.
_SHA384: Final = Digest(name="SHA384", compute=_sha384, acceptable=False)
_SHA512: Final = Digest(name="SHA512", compute=_sha512, acceptable=False)
# Known, so that they can be refused by name.
_SHA1: Final = Digest(name="SHA1", compute=_sha1, acceptable=False)
_MD5: Final = Digest(name="MD5", compute=_md5, acceptable=False)

# Keyed by dotted OID, as CMS and time stamps state them; what OFD states as @CheckMethod is for the reader of OFD.
DIGESTS: Final = MappingProxyType(
    {
        SM3_OID: _SM3,
        SHA256_OID: _SHA256,
        SHA384_OID: _SHA384,
        SHA512_OID: _SHA512,
        "1.3.14.3.2.26": _SHA1,
        "1.2.840.113549.2.5": _MD5,
    }
)
