"""One signer of a SignedData: attributes, algorithms, and which of the certificates is named (RFC 5652 section 5.3)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from adapters.cms_certificate import CertificateEntry, select_certificate
from adapters.cms_ocsp import read_attributed_responses
from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_ATTRIBUTES, MAX_DIGEST, MAX_SIGNATURE_VALUE, MAX_TIMESTAMP
from adapters.strict.der import (
    CONTEXT_0,
    GENERALIZED_TIME,
    SEQUENCE,
    SET,
    Element,
    decode,
    parse_element,
)

_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_TIMESTAMP: Final = "1.2.840.113549.1.9.16.2.14"  # an unsigned attribute (RFC 3161 appendix A)
_SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"  # RFC 2634 section 5.4, digest SHA-1
_SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"  # RFC 5035 section 3, any digest, SHA-256 by default
_SIGNED: Final = frozenset(
    {_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME, _SIGNING_CERTIFICATE, _SIGNING_CERTIFICATE_V2}
)
_SHA1: Final = "1.3.14.3.2.26"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_UNSIGNED: Final = frozenset({_TIMESTAMP})
_DATA: Final = frozenset({"1.2.156.10197.6.1.4.2.1", "1.2.840.113549.1.7.1"})  # GB/T 35275, RFC 5652
_BY_ISSUER: Final = 1  # CMSVersion of a SignerInfo, by how it names the certificate (RFC 5652 section 5.3)
_BY_KEY_IDENTIFIER: Final = 3
_NULL: Final = b"\x05\x00"


@asn1.sequence
class _IssuerAndSerialNumber:
    issuer: asn1.TLV
    serial: int


@asn1.sequence
class _Attribute:
    type: ObjectIdentifier
    values: asn1.TLV  # a SET OF; its order means nothing, so it is not demanded


@asn1.sequence
class _SignerInfo:
    version: int
    identifier: _IssuerAndSerialNumber | Annotated[bytes, asn1.Implicit(0)]
    digest_algorithm: asn1.TLV
    signed_attributes: Annotated[list[_Attribute] | None, asn1.Implicit(0)]
    signature_algorithm: asn1.TLV
    signature: bytes
    unsigned_attributes: Annotated[list[_Attribute] | None, asn1.Implicit(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDigest:
    """How a signer names its certificate inside what it signed: a digest over the whole certificate."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """One signer: named either by issuer (DER) and serial number, or by subject key identifier.

    ``signed_attributes`` are the bytes under the signature: the attributes as found with the tag of a SET OF (0x31)
    in place of [0]; None: the content itself is signed. With them, ``message_digest`` and ``content_type`` are there.
    ``signing_time`` is the signer's claim in UTC. ``certificate`` is the one among the certificates that the
    identifier names, or None. ``certificate_digests`` name the same certificate under the signature, first in each
    attribute; empty: the signer does not. ``timestamp`` is a token over the signature value, or anything else that
    stands there. ``ocsp_responses`` are those in its attributes.
    """

    issuer: bytes | None
    serial: int | None
    subject_key_identifier: bytes | None
    digest_algorithm: str
    signature_algorithm: str
    signed_attributes: bytes | None
    message_digest: bytes | None
    content_type: str | None
    signing_time: datetime | None
    signature: bytes
    certificate: bytes | None
    certificate_digests: tuple[CertificateDigest, ...]
    timestamp: bytes | None
    ocsp_responses: tuple[bytes, ...]


def read_signer(
    element: Element, content_type: str, certificates: tuple[CertificateEntry, ...], *, bare: bool = False
) -> SignerInfo:
    """Read one SignerInfo over content of the given type, and pick its certificate.

    ``bare`` refuses unsigned attributes other than a time stamp.

    When there are signed attributes, content type and message digest must be among them, once, and the content type
    must be that of the content (RFC 5652 section 11): otherwise the content would not be bound to the signature.
    Without them nothing binds the type, so it must be that of plain data (section 5.3).

    Raises:
        MalformedDocumentError: ``DER``, ``STRUCTURE`` or ``TOO_LARGE``.
    """
    decoded = decode(_SignerInfo, element.encoded, "SignerInfo")
    fields = element.children()
    signed_attributes = next((field for field in fields[3:4] if field.tag == CONTEXT_0), None)
    attributes = _attributes(decoded.signed_attributes, _SIGNED)
    message_digest, claimed_type = _message_digest(attributes), _claimed_content_type(attributes)
    if signed_attributes is None and content_type not in _DATA:
        raise MalformedDocumentError(Malformed.STRUCTURE, "SignerInfo without signedAttrs")
    if signed_attributes is not None and (message_digest is None or claimed_type != content_type):
        raise MalformedDocumentError(Malformed.STRUCTURE, "SignerInfo.signedAttrs")
    if len(decoded.signature) > MAX_SIGNATURE_VALUE:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SignerInfo.signature")
    unsigned = _attributes(decoded.unsigned_attributes, _UNSIGNED)
    if bare and len(unsigned) < len(decoded.unsigned_attributes or ()):
        raise MalformedDocumentError(Malformed.STRUCTURE, "SignerInfo.unsignedAttrs")
    token = unsigned.get(_TIMESTAMP)
    if token is not None and token.end - token.start > MAX_TIMESTAMP:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SignerInfo.unsignedAttrs")
    issuer, serial, key_identifier = None, None, None
    if isinstance(decoded.identifier, bytes):
        key_identifier = decoded.identifier
    else:
        issuer, serial = fields[1].child(0).encoded, decoded.identifier.serial
    if decoded.version != (_BY_ISSUER if key_identifier is None else _BY_KEY_IDENTIFIER):
        raise MalformedDocumentError(Malformed.STRUCTURE, "SignerInfo.version")
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        subject_key_identifier=key_identifier,
        digest_algorithm=algorithm_of(fields[2]),
        signature_algorithm=algorithm_of(fields[3 if signed_attributes is None else 4]),
        signed_attributes=None if signed_attributes is None else bytes((SET,)) + signed_attributes.encoded[1:],
        message_digest=message_digest,
        content_type=claimed_type,
        signing_time=_signing_time(attributes),
        signature=decoded.signature,
        certificate=select_certificate(certificates, issuer, serial, key_identifier),
        certificate_digests=_certificate_digests(attributes),
        timestamp=None if token is None else token.encoded,
        ocsp_responses=read_attributed_responses(fields),
    )


def _attributes(decoded: list[_Attribute] | None, wanted: frozenset[str]) -> dict[str, Element]:
    """Return the one value of each wanted attribute; one that repeats, or has no or several values, is refused."""
    found: dict[str, Element] = {}
    if decoded is None:
        return found
    if len(decoded) > MAX_ATTRIBUTES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SignerInfo attributes")
    for attribute in decoded:
        name = attribute.type.dotted_string
        if name not in wanted:
            continue
        if attribute.values.tag_bytes != bytes((SET,)) or name in found:
            raise MalformedDocumentError(Malformed.STRUCTURE, f"attribute {name}")
        found[name] = parse_element(bytes(attribute.values.data))
    return found


def _message_digest(attributes: dict[str, Element]) -> bytes | None:
    element = attributes.get(_MESSAGE_DIGEST)
    if element is None:
        return None
    digest = decode(bytes, element.encoded, "messageDigest")
    if not 0 < len(digest) <= MAX_DIGEST:
        raise MalformedDocumentError(Malformed.STRUCTURE, "messageDigest")
    return digest


def _claimed_content_type(attributes: dict[str, Element]) -> str | None:
    element = attributes.get(_CONTENT_TYPE)
    return None if element is None else decode(ObjectIdentifier, element.encoded, "contentType").dotted_string


def _certificate_digests(attributes: dict[str, Element]) -> tuple[CertificateDigest, ...]:
    """Return the first certificate that each SigningCertificate attribute names, which is the signer's own."""
    found = []
    for name, usual in ((_SIGNING_CERTIFICATE, _SHA1), (_SIGNING_CERTIFICATE_V2, _SHA256)):
        if name not in attributes:
            continue
        try:
            parts = attributes[name].child(0).child(0).children()
        except IndexError as error:
            raise MalformedDocumentError(Malformed.DER, "SigningCertificate") from error
        stated = name == _SIGNING_CERTIFICATE_V2 and bool(parts) and parts[0].tag == SEQUENCE
        digest = parts[1 if stated else 0] if len(parts) > stated else None
        if digest is None:
            raise MalformedDocumentError(Malformed.DER, "ESSCertID")
        found.append(
            CertificateDigest(
                algorithm=algorithm_of(parts[0]) if stated else usual,
                digest=decode(bytes, digest.encoded, "ESSCertID.certHash"),
            )
        )
    return tuple(found)


def _signing_time(attributes: dict[str, Element]) -> datetime | None:
    element = attributes.get(_SIGNING_TIME)
    if element is None:
        return None
    if element.tag == GENERALIZED_TIME:
        return decode(asn1.GeneralizedTime, element.encoded, "signingTime").as_datetime()
    return decode(asn1.UTCTime, element.encoded, "signingTime").as_datetime()


def algorithm_of(element: Element) -> str:
    """Return the object identifier of an AlgorithmIdentifier; its parameters are NULL or absent.

    Raises:
        MalformedDocumentError: ``DER``. No algorithm of ours has parameters, and nobody would read them.

    """
    fields = element.children()
    if element.tag != SEQUENCE or not 1 <= len(fields) <= 2:  # noqa: PLR2004 - algorithm, parameters
        raise MalformedDocumentError(Malformed.DER, "AlgorithmIdentifier")
    if any(parameters.encoded != _NULL for parameters in fields[1:]):
        raise MalformedDocumentError(Malformed.DER, "AlgorithmIdentifier.parameters")
    return decode(ObjectIdentifier, fields[0].encoded, "AlgorithmIdentifier").dotted_string
