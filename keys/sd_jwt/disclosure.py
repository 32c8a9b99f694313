"""One claim that is shown or withheld: salt, name and value, and the digest that stands in its place."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from keys.digest import sm3
from keys.sd_jwt.base64url import encode_base64url, parse_base64url
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.strict_json import Json, parse_json

DIGESTS_NAME: Final = "_sd"
ELEMENT_NAME: Final = "..."
ALGORITHM_NAME: Final = "_sd_alg"
RESERVED_NAMES: Final = frozenset({DIGESTS_NAME, ELEMENT_NAME, ALGORITHM_NAME})
SALT: Final = 16  # bytes (RFC 9901 section 9.3)
_OF_PROPERTY: Final = 3  # salt, name, value
_OF_ELEMENT: Final = 2  # salt, value


class DigestName(StrEnum):
    """The digests of ``_sd_alg`` that are secure."""

    SHA256 = "sha-256"  # the IANA registry of Named Information
    SHA384 = "sha-384"
    SHA512 = "sha-512"
    SM3 = "sm3"  # private name, for credentials whose readers may use approved algorithms only


_COMPUTE: Final[MappingProxyType[DigestName, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        DigestName.SHA256: lambda data: hashlib.sha256(data).digest(),
        DigestName.SHA384: lambda data: hashlib.sha384(data).digest(),
        DigestName.SHA512: lambda data: hashlib.sha512(data).digest(),
        DigestName.SM3: sm3,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Disclosure:
    """A claim; ``name`` is None for an element of a list, ``encoded`` is what travels and what is digested."""

    encoded: str
    name: str | None
    value: Json


def compute_digest(text: str, algorithm: DigestName) -> str:
    """Return the digest over the ASCII characters of ``text``, in base64url (RFC 9901 section 4.2.3)."""
    return encode_base64url(_COMPUTE[algorithm](text.encode("ascii")))


def make_disclosure(name: str | None, value: Json, salt: bytes) -> Disclosure:
    """Make the disclosure of a property, or of an element where there is no name."""
    content = [encode_base64url(salt), value] if name is None else [encode_base64url(salt), name, value]
    return Disclosure(encoded=encode_base64url(msgspec.json.encode(content)), name=name, value=value)


def parse_disclosure(encoded: str) -> Disclosure:
    """Read a disclosure.

    Raises:
        SdJwtError: BASE64, JSON, DISCLOSURE; RESERVED_NAME for a name that belongs to the format.

    """
    content = parse_json(parse_base64url(encoded))
    if not isinstance(content, list) or not content or not isinstance(content[0], str):
        raise SdJwtError(SdJwtFault.DISCLOSURE)
    if len(content) == _OF_ELEMENT:
        return Disclosure(encoded=encoded, name=None, value=content[1])
    if len(content) != _OF_PROPERTY or not isinstance(content[1], str):
        raise SdJwtError(SdJwtFault.DISCLOSURE)
    if content[1] in RESERVED_NAMES:
        raise SdJwtError(SdJwtFault.RESERVED_NAME)
    return Disclosure(encoded=encoded, name=content[1], value=content[2])
