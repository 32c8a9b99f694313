"""The certificates inside a SignedData, as far as a signer names them; whether they are good is for others to say."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from adapters.errors import MalformedDocumentError
from adapters.strict.der import (
    BIT_STRING,
    CONTEXT_0,
    CONTEXT_3,
    INTEGER,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    Element,
    decode,
    peek_header,
)

_KEY_IDENTIFIER_EXTENSION: Final = bytes.fromhex("551d0e")  # 2.5.29.14, content octets
_OUTER: Final = (SEQUENCE, SEQUENCE, BIT_STRING)  # RFC 5280 section 4.1: what is signed, algorithm, signature
_INNER: Final = (INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE)  # serial number to public key


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateEntry:
    """One certificate and the names that a signer can give it; None for what it has not.

    ``is_whole`` says that it has the outline of a certificate from its first to its last element.
    """

    encoded: bytes
    issuer: bytes | None
    serial: int | None
    key_identifier: bytes | None
    is_whole: bool


def index_certificates(elements: Iterable[Element]) -> tuple[CertificateEntry, ...]:
    """Take the names out of each certificate, once, however many signers will ask for them."""
    return tuple(_read_entry(element) for element in elements)


def select_certificate(
    certificates: tuple[CertificateEntry, ...], issuer: bytes | None, serial: int | None, key_identifier: bytes | None
) -> bytes | None:
    """Return the first certificate that the signer's identifier names; what has not the shape of one is passed over.

    Names are compared by bytes (seals of one vendor share subject and issuer, so nothing less will do).
    """
    for one in certificates:
        if key_identifier is not None:
            if one.key_identifier == key_identifier:
                return one.encoded
        elif one.serial is not None and (one.issuer, one.serial) == (issuer, serial):
            return one.encoded
    return None


def _read_entry(certificate: Element) -> CertificateEntry:
    parts = certificate.children()
    fields = parts[0].children() if parts else ()
    if fields and fields[0].tag == CONTEXT_0:  # version; the names stand behind it
        fields = fields[1:]
    issuer, serial = None, None
    if len(fields) > 2:  # noqa: PLR2004 - serial, signature, issuer
        try:
            serial = decode(int, fields[0].encoded, "serialNumber")
            issuer = fields[2].encoded
        except MalformedDocumentError:
            pass  # no certificate, and nobody's
    return CertificateEntry(
        encoded=certificate.encoded,
        issuer=issuer,
        serial=serial,
        key_identifier=_key_identifier(fields),
        is_whole=tuple(part.tag for part in parts) == _OUTER
        and tuple(field.tag for field in fields[: len(_INNER)]) == _INNER,
    )


def _key_identifier(fields: tuple[Element, ...]) -> bytes | None:
    """Return the subject key identifier extension of a certificate, or None."""
    for field in fields:
        if field.tag != CONTEXT_3:
            continue
        for extensions in field.children():
            for extension in extensions.children():
                parts = extension.children()
                if len(parts) > 1 and _is_key_identifier(parts[0]):
                    inner = peek_header(parts[-1].content, 0)
                    return None if inner is None else parts[-1].content[inner[1] : inner[2]]
    return None


def _is_key_identifier(identifier: Element) -> bool:
    return identifier.tag == OBJECT_IDENTIFIER and identifier.content == _KEY_IDENTIFIER_EXTENSION
