"""Where a certificate says that its status can be asked for; nothing is fetched unless an operator allows."""

from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.certificate import Certificate
from keys.der import SEQUENCE, encode_header, read_element
from keys.revocation_scope import read_certificate_extensions, read_distribution_points

MAX_ADDRESS: Final = 512  # characters; real ones have 30 to 120
MAX_ADDRESSES: Final = 4  # of one kind in one certificate; real ones state one or two
_AUTHORITY_INFORMATION: Final = "1.3.6.1.5.5.7.1.1"
_OCSP: Final = "1.3.6.1.5.5.7.48.1"
_URI: Final = 0x86  # [6] IMPLICIT IA5String of a GeneralName


@asn1.sequence
class _Access:
    method: ObjectIdentifier
    location: asn1.TLV


@asn1.sequence
class _Accesses:
    accesses: list[_Access]


def read_ocsp_addresses(certificate: Certificate) -> tuple[str, ...]:
    """Return the OCSP responders that a certificate states (RFC 5280 section 4.2.2.1); none if it cannot be read."""
    try:
        value = read_certificate_extensions(certificate).get(_AUTHORITY_INFORMATION)
        if value is None:
            return ()
        accesses = asn1.decode_der(_Accesses, encode_header(SEQUENCE, len(value)) + value).accesses
    except ValueError:
        return ()
    found = (
        _read_text(bytes(one.location.data))
        for one in accesses
        if one.method.dotted_string == _OCSP and one.location.tag_bytes == bytes((_URI,))
    )
    return tuple(text for text in found if text)[:MAX_ADDRESSES]


def read_list_addresses(certificate: Certificate) -> tuple[str, ...]:
    """Return the addresses of revocation lists that a certificate states, in a stable order."""
    found = (_read_text(_content(name)) for name in sorted(read_distribution_points(certificate)) if name[0] == _URI)
    return tuple(text for text in found if text)[:MAX_ADDRESSES]


def _content(name: bytes) -> bytes:
    """Return what is in a DER GeneralName, whose header grows with its length."""
    element = read_element(name, 0, len(name))
    return name[element.content : element.end]


def _read_text(content: bytes) -> str:
    """Return an address, or "" where it is too long or not ASCII."""
    return content.decode("ascii") if content.isascii() and len(content) <= MAX_ADDRESS else ""
