"""The extensions of certificates, lists and answers (RFC 5280 sections 4.2 and 5.2): which there are, what they say.

The same few extensions stand in all three; what is not read here is judged by whether it is critical.
DEFAULT values that were written out are read, because real CAs write "CA FALSE" (DER forbids it).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.der import SEQUENCE, encode_header
from keys.memo import remember_short

MAX_EXTENSIONS: Final = 64  # real certificates have 3 to 15
MAX_USAGES: Final = 32  # extended usages of one certificate; real ones have up to six
_MAX_PATH_LENGTH: Final = 2**31 - 1  # "no limit", as some CAs write it

BASIC_CONSTRAINTS: Final = "2.5.29.19"
KEY_USAGE: Final = "2.5.29.15"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"


class KeyUsage(StrEnum):
    """What a key may do (RFC 5280 section 4.2.1.3), in the order of the bits."""

    DIGITAL_SIGNATURE = "digitalSignature"
    NON_REPUDIATION = "nonRepudiation"
    KEY_ENCIPHERMENT = "keyEncipherment"
    DATA_ENCIPHERMENT = "dataEncipherment"
    KEY_AGREEMENT = "keyAgreement"
    KEY_CERT_SIGN = "keyCertSign"
    CRL_SIGN = "cRLSign"
    ENCIPHER_ONLY = "encipherOnly"
    DECIPHER_ONLY = "decipherOnly"


_USAGES: Final = tuple(KeyUsage)
_FIRST_BIT: Final = 0x80


@asn1.sequence
class Extension:
    """One extension; ``critical`` None means that it was left out, as DER wants for FALSE."""

    oid: ObjectIdentifier
    critical: bool | None
    value: bytes


@asn1.sequence
class _BasicConstraints:
    ca: bool | None
    path_length: int | None


@asn1.sequence
class _ExtendedUsages:
    purposes: list[ObjectIdentifier]


@asn1.sequence
class _AuthorityKeyIdentifier:
    key_id: Annotated[bytes | None, asn1.Implicit(0)]
    issuer: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    serial: Annotated[int | None, asn1.Implicit(2)]


def read_extensions(extensions: Iterable[Extension] | None) -> tuple[dict[str, bytes], frozenset[str]]:
    """Read the values by dotted OID, and which are critical; the same extension twice is refused (RFC 5280 4.2)."""
    values: dict[str, bytes] = {}
    critical = set()
    for extension in extensions or ():
        oid = extension.oid.dotted_string
        if oid in values:
            raise ValueError("an extension occurs twice")
        values[oid] = extension.value
        if extension.critical:
            critical.add(oid)
    if len(values) > MAX_EXTENSIONS:
        raise ValueError(f"at most {MAX_EXTENSIONS} extensions were expected, got {len(values)}")
    return values, frozenset(critical)


def read_basic_constraints(value: bytes | None) -> tuple[bool, int | None]:
    """Read whether it is a CA, and how many more may be below it (None: any number); each reader raises ValueError."""
    return (False, None) if value is None else _read_constraints(value)


@remember_short
def _read_constraints(value: bytes) -> tuple[bool, int | None]:
    constraints = asn1.decode_der(_BasicConstraints, value)
    length = constraints.path_length
    if length is not None and not 0 <= length <= _MAX_PATH_LENGTH:
        raise ValueError("a path length of 0 or more was expected")
    return bool(constraints.ca), length


def read_key_usage(value: bytes | None) -> frozenset[KeyUsage] | None:
    """Read what the key may do; None: it is not limited."""
    return None if value is None else _read_usages(value)


@remember_short
def _read_usages(value: bytes) -> frozenset[KeyUsage]:
    bits = asn1.decode_der(asn1.BitString, value).as_bytes()
    return frozenset(
        usage
        for place, usage in enumerate(_USAGES)
        if place // 8 < len(bits) and bits[place // 8] & _FIRST_BIT >> place % 8
    )


def read_extended_key_usage(value: bytes | None) -> frozenset[str]:
    """Read the extended usages as dotted OIDs; empty: they are not limited."""
    return frozenset() if value is None else _read_extended_usages(value)


@remember_short
def _read_extended_usages(value: bytes) -> frozenset[str]:
    # The declarative decoder wants a SEQUENCE of its own around a SEQUENCE OF.
    usages = asn1.decode_der(_ExtendedUsages, encode_header(SEQUENCE, len(value)) + value)
    if len(usages.purposes) > MAX_USAGES:
        raise ValueError(f"at most {MAX_USAGES} extended usages were expected")
    return frozenset(purpose.dotted_string for purpose in usages.purposes)


def read_subject_key_id(value: bytes | None) -> bytes | None:
    """Read the key identifier, or None where it cannot be read: it only tells candidates apart and proves nothing."""
    try:
        return None if value is None else asn1.decode_der(bytes, value)
    except ValueError:
        return None


def read_authority_key_id(value: bytes | None) -> bytes | None:
    """Read the issuer's key identifier, or None, as `read_subject_key_id` does."""
    return None if value is None else _read_authority_key_id(value)


@remember_short
def _read_authority_key_id(value: bytes) -> bytes | None:
    try:
        return asn1.decode_der(_AuthorityKeyIdentifier, value).key_id
    except ValueError:
        return None
