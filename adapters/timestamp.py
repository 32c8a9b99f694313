"""RFC 3161 time stamp tokens: when some bytes existed, by whose word; nothing is verified here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from adapters.cms import parse_signed_data, signed_part
from adapters.cms_signer import CertificateDigest
from adapters.document import SignedPart, Standard
from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_ATTRIBUTES, MAX_DIGEST, MAX_TIMESTAMP, MAX_TIMESTAMP_ELEMENTS
from adapters.strict.der import decode

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"  # id-ct-TSTInfo, RFC 3161 section 2.4.2
_VERSION: Final = 1
_MAX_ACCURACY_SECONDS: Final = 86_400  # a clock that may be off by more than a day proves no time
_MAX_FRACTION: Final = 999  # RFC 3161 section 2.4.2


@asn1.sequence
class _AlgorithmIdentifier:
    algorithm: ObjectIdentifier
    parameters: asn1.Null | None  # digests have none; NULL and absent are both in use


@asn1.sequence
class _MessageImprint:
    algorithm: _AlgorithmIdentifier
    digest: bytes


@asn1.sequence
class _Accuracy:
    seconds: int | None
    milliseconds: Annotated[int | None, asn1.Implicit(0)]
    microseconds: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class _Authority:
    """``[0] GeneralName``: as a CHOICE its tag is explicit, so the [0] reads like a SEQUENCE of one element."""

    name: asn1.TLV


@asn1.sequence
class _Extension:
    identifier: ObjectIdentifier
    critical: bool | None
    value: bytes


@asn1.sequence
class _TstInfo:
    version: int
    policy: ObjectIdentifier
    imprint: _MessageImprint
    serial: int
    generated_at: asn1.GeneralizedTime
    accuracy: _Accuracy | None
    ordering: bool | None  # DEFAULT FALSE, also met written out
    nonce: int | None
    authority: Annotated[_Authority | None, asn1.Implicit(0)]
    extensions: Annotated[list[_Extension] | None, asn1.Implicit(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampToken:
    """A time stamp token as read; it is worth something only when ``signed`` verifies and ``content_digest`` fits.

    ``accuracy`` is by how much the moment may be off; ``critical_extensions`` are dotted OIDs that must be understood.
    ``imprint`` is the digest, by ``imprint_algorithm`` (dotted OID), of the bytes that are said to have existed at
    ``generated_at`` (UTC). ``content_digest`` is what the signed attributes claim ``content`` (the TSTInfo, DER)
    hashes to by ``content_digest_algorithm``. ``certificate_digests`` are how the token itself names the certificate
    of its authority (ESSCertID, RFC 5816); empty: it does not. ``certificates`` are all that came along, DER.
    """

    standard: Standard
    policy: str
    serial: int
    generated_at: datetime
    accuracy: timedelta
    critical_extensions: frozenset[str]
    imprint_algorithm: str
    imprint: bytes
    signed: SignedPart
    content: bytes
    content_digest: bytes
    content_digest_algorithm: str
    certificate_digests: tuple[CertificateDigest, ...]
    certificates: tuple[bytes, ...]


def parse_timestamp_token(data: bytes) -> TimestampToken:
    """Read a time stamp token in a SignedData of either standard.

    One signer with signed attributes is required (RFC 3161 section 2.4.2); what stands in seals in place of a token
    (a time as text, a hash, a whole response) is no token.

    Raises:
        MalformedDocumentError: ``DER``, ``STRUCTURE`` or ``TOO_LARGE``.
    """
    if len(data) > MAX_TIMESTAMP:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "time stamp")
    signed_data = parse_signed_data(data, max_signers=1, max_elements=MAX_TIMESTAMP_ELEMENTS, bare=True)
    content = signed_data.content
    if signed_data.content_type != TST_INFO or content is None or len(signed_data.signers) != 1:
        raise MalformedDocumentError(Malformed.STRUCTURE, "time stamp")
    signer = signed_data.signers[0]
    if signer.timestamp is not None:  # a time stamp over a time stamp, which nobody asks for and nobody reads
        raise MalformedDocumentError(Malformed.STRUCTURE, "time stamp with unsigned attributes")
    if signer.message_digest is None:
        raise MalformedDocumentError(Malformed.STRUCTURE, "time stamp without signed attributes")
    info = decode(_TstInfo, content, "TSTInfo")
    if info.version != _VERSION or not 0 < len(info.imprint.digest) <= MAX_DIGEST:
        raise MalformedDocumentError(Malformed.STRUCTURE, "TSTInfo")
    if info.extensions is not None and len(info.extensions) > MAX_ATTRIBUTES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "TSTInfo.extensions")
    return TimestampToken(
        standard=signed_data.standard,
        policy=info.policy.dotted_string,
        serial=info.serial,
        generated_at=info.generated_at.as_datetime(),
        accuracy=_accuracy(info.accuracy),
        critical_extensions=frozenset(
            extension.identifier.dotted_string for extension in info.extensions or () if extension.critical
        ),
        certificate_digests=signer.certificate_digests,
        imprint_algorithm=info.imprint.algorithm.algorithm.dotted_string,
        imprint=info.imprint.digest,
        signed=signed_part(signer, content),
        content=content,
        content_digest=signer.message_digest,
        content_digest_algorithm=signer.digest_algorithm,
        certificates=signed_data.certificates,
    )


def _accuracy(accuracy: _Accuracy | None) -> timedelta:
    """Return the accuracy that a token states; none at all is taken for exact (RFC 3161 leaves it to policy)."""
    if accuracy is None:
        return timedelta()
    parts = (accuracy.seconds or 0, accuracy.milliseconds or 0, accuracy.microseconds or 0)
    if min(parts) < 0 or parts[0] > _MAX_ACCURACY_SECONDS or max(parts[1:]) > _MAX_FRACTION:
        raise MalformedDocumentError(Malformed.STRUCTURE, "TSTInfo.accuracy")
    return timedelta(seconds=parts[0], milliseconds=parts[1], microseconds=parts[2])
