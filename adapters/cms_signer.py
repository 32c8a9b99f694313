"""One signer of a SignedData: attributes, algorithms, and which of the certificates is named (RFC 5652 section 5.3)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_ATTRIBUTES, MAX_DIGEST, MAX_SIGNATURE_VALUE, MAX_TIMESTAMP
from adapters.strict.der import (
    CONTEXT_0,
    CONTEXT_3,
    GENERALIZED_TIME,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    SET,
    Element,
    decode,
    parse_element,
    peek_header,
)

_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_TIMESTAMP: Final = "1.2.840.113549.1.9.16.2.14"  # an unsigned attribute (RFC 3161 appendix A)
_SIGNED: Final = frozenset({_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME})
_UNSIGNED: Final = frozenset({_TIMESTAMP})
_KEY_IDENTIFIER_EXTENSION: Final = bytes.fromhex("551d0e")  # 2.5.29.14, content octets


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
class SignerInfo:
    """One signer: named either by issuer (DER) and serial number, or by subject key identifier.

    ``signed_attributes`` are the bytes under the signature: the attributes as found with the tag of a SET OF (0x31)
    in place of [0]; None: the content itself is signed. With them, ``message_digest`` and ``content_type`` are there.
    ``signing_time`` is the signer's claim in UTC. ``certificate`` is the one among the certificates that the
    identifier names, or None. ``timestamp`` is a token over the signature value, or anything else that stands there.
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
    timestamp: bytes | None


def read_signer(element: Element, content_type: str, certificates: tuple[Element, ...]) -> SignerInfo:
    """Read one SignerInfo over content of the given type, and pick its certificate.

    When there are signed attributes, content type and message digest must be among them, once, and the content type
    must be that of the content (RFC 5652 section 11): otherwise the content would not be bound to the signature.

    Raises:
        MalformedDocumentError: ``DER``, ``STRUCTURE`` or ``TOO_LARGE``.
    """
    decoded = decode(_SignerInfo, element.encoded, "SignerInfo")
    fields = element.children()
    signed_attributes = next((field for field in fields[3:4] if field.tag == CONTEXT_0), None)
    attributes = _attributes(decoded.signed_attributes, _SIGNED)
    message_digest, claimed_type = _message_digest(attributes), _claimed_content_type(attributes)
    if signed_attributes is not None and (message_digest is None or claimed_type != content_type):
        raise MalformedDocumentError(Malformed.STRUCTURE, "SignerInfo.signedAttrs")
    if len(decoded.signature) > MAX_SIGNATURE_VALUE:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SignerInfo.signature")
    token = _attributes(decoded.unsigned_attributes, _UNSIGNED).get(_TIMESTAMP)
    if token is not None and token.end - token.start > MAX_TIMESTAMP:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SignerInfo.unsignedAttrs")
    issuer, serial, key_identifier = None, None, None
    if isinstance(decoded.identifier, bytes):
        key_identifier = decoded.identifier
    else:
        issuer, serial = fields[1].child(0).encoded, decoded.identifier.serial
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        subject_key_identifier=key_identifier,
        digest_algorithm=_algorithm(fields[2]),
        signature_algorithm=_algorithm(fields[3 if signed_attributes is None else 4]),
        signed_attributes=None if signed_attributes is None else bytes((SET,)) + signed_attributes.encoded[1:],
        message_digest=message_digest,
        content_type=claimed_type,
        signing_time=_signing_time(attributes),
        signature=decoded.signature,
        certificate=_select_certificate(certificates, issuer, serial, key_identifier),
        timestamp=None if token is None else token.encoded,
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


def _signing_time(attributes: dict[str, Element]) -> datetime | None:
    element = attributes.get(_SIGNING_TIME)
    if element is None:
        return None
    if element.tag == GENERALIZED_TIME:
        return decode(asn1.GeneralizedTime, element.encoded, "signingTime").as_datetime()
    return decode(asn1.UTCTime, element.encoded, "signingTime").as_datetime()


def _algorithm(element: Element) -> str:
    """Return the object identifier of an AlgorithmIdentifier; parameters may be NULL, absent or anything."""
    fields = element.children()
    if element.tag != SEQUENCE or not 1 <= len(fields) <= 2:  # noqa: PLR2004 - algorithm, parameters
        raise MalformedDocumentError(Malformed.DER, "AlgorithmIdentifier")
    return decode(ObjectIdentifier, fields[0].encoded, "AlgorithmIdentifier").dotted_string


def _select_certificate(
    certificates: tuple[Element, ...], issuer: bytes | None, serial: int | None, key_identifier: bytes | None
) -> bytes | None:
    """Return the first certificate that the signer's identifier names; what has not the shape of one is passed over.

    Names are compared by bytes (seals of one vendor share subject and issuer, so nothing less will do).
    """
    for certificate in certificates:
        fields = _certificate_fields(certificate)
        if key_identifier is not None:
            if _key_identifier(fields) == key_identifier:
                return certificate.encoded
        elif len(fields) > 2 and fields[2].encoded == issuer:  # noqa: PLR2004 - serial, signature, issuer
            try:
                found = decode(int, fields[0].encoded, "serialNumber")
            except MalformedDocumentError:
                continue
            if found == serial:
                return certificate.encoded
    return None


def _certificate_fields(certificate: Element) -> tuple[Element, ...]:
    """Return the fields of a TBSCertificate from serialNumber on (RFC 5280 section 4.1)."""
    parts = certificate.children()
    fields = parts[0].children() if parts else ()
    return fields[1:] if fields and fields[0].tag == CONTEXT_0 else fields


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
