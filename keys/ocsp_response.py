"""An OCSP answer as a value: what a responder says about certificates, read strictly, not yet verified (RFC 6960).

One declarative reader serves all algorithms, since other libraries know neither answers signed with SM2 nor
certificates named with SM3.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.certificate import Certificate, parse_certificate, read_algorithm, read_whole
from keys.certificate_extensions import Extension, read_extensions
from keys.der import GENERALIZED_TIME, SEQUENCE, expect_element, read_element
from keys.errors import MalformedCertificateError
from keys.ocsp_certificate_id import CertificateId, EncodedCertificateId, read_certificate_id
from keys.ocsp_errors import OcspError, OcspFault
from keys.revoked import INVALIDITY_DATE, Revocation, RevocationReason, reason_by_number

MAX_RESPONSE: Final = 128 * 1024  # bytes; real answers have 0.5 to 5 kB, with the delegate's certificate
MAX_STATUSES: Final = 64  # certificates in one answer; responders answer for one, rarely for a handful
MAX_CERTIFICATES: Final = 8  # certificates that come along; real answers bring up to three

NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
_ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
_STATUS_KNOWN: Final = frozenset({_ARCHIVE_CUTOFF, INVALIDITY_DATE})  # RFC 6960 sections 4.4.4 and 4.4.5
_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
_SUCCESSFUL: Final = b"\x00"
_STATUSES: Final = {1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized"}

_ENUMERATED: Final = 0x0A
_GOOD: Final = 0x80  # [0] IMPLICIT NULL
_REVOKED: Final = 0xA1  # [1] IMPLICIT RevokedInfo
_UNKNOWN: Final = 0x82  # [2] IMPLICIT UnknownInfo
_REASON: Final = 0xA0  # [0] EXPLICIT CRLReason
_BY_NAME: Final = 0xA1
_BY_KEY: Final = 0xA2


class OcspState(StrEnum):
    """What a responder says about a certificate; unknown means that it cannot say."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspStatus:
    """The state of one certificate, current while this_update <= at < next_update; None: it never said until when.

    ``archive_cutoff``: "good" is meant also of certificates that expired then or later (RFC 6960 section 4.4.4).
    """

    certificate_id: CertificateId
    state: OcspState
    revocation: Revocation | None
    this_update: datetime
    next_update: datetime | None
    archive_cutoff: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class OcspResponse:
    """A basic answer, read and not yet verified; of the responder's name and key digest one is given, not both."""

    encoded: bytes
    fingerprint: bytes  # SHA-256 of ``encoded``
    tbs: bytes
    signature_algorithm: str
    signature: bytes
    responder_name: bytes | None
    responder_key_hash: bytes | None
    produced_at: datetime
    statuses: tuple[OcspStatus, ...]
    nonce: bytes | None
    certificates: tuple[Certificate, ...]

    def __repr__(self) -> str:
        """Show which answer it is."""
        return f"OcspResponse(fingerprint={self.fingerprint.hex()}, statuses={len(self.statuses)})"

    def __eq__(self, other: object) -> bool:
        """Compare the bytes, by their digest."""
        return isinstance(other, OcspResponse) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        """Agree with equality, quickly."""
        return hash(self.fingerprint)


@asn1.sequence
class _ResponseBytes:
    type: ObjectIdentifier
    response: bytes


@asn1.sequence
class _Response:
    status: asn1.TLV
    content: Annotated[_ResponseBytes | None, asn1.Explicit(0)]


@asn1.sequence
class _Basic:
    tbs: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString
    certificates: Annotated[list[asn1.TLV] | None, asn1.Explicit(0)]


@asn1.sequence
class _Single:
    certificate_id: EncodedCertificateId
    status: asn1.TLV
    this_update: asn1.GeneralizedTime
    next_update: Annotated[asn1.GeneralizedTime | None, asn1.Explicit(0)]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(1)]


@asn1.sequence
class _Data:
    version: Annotated[int | None, asn1.Explicit(0)]
    responder: asn1.TLV
    produced_at: asn1.GeneralizedTime
    responses: list[_Single]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(1)]


def parse_ocsp_response(blob: bytes) -> OcspResponse:
    """Read an answer, fetched or stapled (RFC 6960 section 4.2.1).

    Raises:
        OcspError: MALFORMED, TOO_LARGE, or NOT_SUCCESSFUL when the responder declines to answer.

    """
    if len(blob) > MAX_RESPONSE:
        raise OcspError(OcspFault.TOO_LARGE, f"at most {MAX_RESPONSE} bytes were expected, got {len(blob)}")
    try:
        return _parse(blob)
    except (ValueError, OverflowError, MalformedCertificateError) as error:
        raise OcspError(OcspFault.MALFORMED, f"an OCSP answer was expected: {error}") from error


def _parse(blob: bytes) -> OcspResponse:
    outer = asn1.decode_der(_Response, blob)
    status = bytes(outer.status.data)
    if outer.status.tag_bytes != bytes((_ENUMERATED,)) or len(status) != 1:
        raise ValueError("a response status was expected")
    if status != _SUCCESSFUL:
        raise OcspError(OcspFault.NOT_SUCCESSFUL, _STATUSES.get(status[0], f"status {status[0]}"))
    if outer.content is None or outer.content.type.dotted_string != _BASIC:
        raise ValueError("a basic response was expected")
    encoded = outer.content.response
    basic = asn1.decode_der(_Basic, encoded)
    if basic.signature.padding_bits():
        raise ValueError("whole bytes of a signature were expected")
    data = basic.tbs.parse(_Data)
    if data.version not in (None, 0):
        raise ValueError("version 1 was expected")
    if not 1 <= len(data.responses) <= MAX_STATUSES:
        raise ValueError(f"1 to {MAX_STATUSES} statuses were expected, got {len(data.responses)}")
    values, critical = read_extensions(data.extensions)
    if critical - {NONCE}:
        raise ValueError("a critical extension that is not known")
    stated = basic.certificates or []
    if len(stated) > MAX_CERTIFICATES:
        raise ValueError(f"at most {MAX_CERTIFICATES} certificates were expected, got {len(stated)}")
    frame = expect_element(encoded, 0, len(encoded), SEQUENCE)
    signed = expect_element(encoded, frame.content, frame.end, SEQUENCE)
    by_name, by_key = _read_responder(data.responder)
    return OcspResponse(
        encoded=blob,
        fingerprint=hashlib.sha256(blob).digest(),
        tbs=encoded[signed.start : signed.end],
        signature_algorithm=read_algorithm(basic.algorithm),
        signature=basic.signature.as_bytes(),
        responder_name=by_name,
        responder_key_hash=by_key,
        produced_at=data.produced_at.as_datetime(),
        statuses=tuple(_read_status(single) for single in data.responses),
        nonce=_read_nonce(values.get(NONCE)),
        certificates=tuple(parse_certificate(read_whole(one, SEQUENCE)) for one in stated),
    )


def _read_responder(responder: asn1.TLV) -> tuple[bytes | None, bytes | None]:
    content = bytes(responder.data)
    if responder.tag_bytes == bytes((_BY_NAME,)):
        name = expect_element(content, 0, len(content), SEQUENCE)
        if name.end == len(content):
            return content, None
    elif responder.tag_bytes == bytes((_BY_KEY,)):
        return None, asn1.decode_der(bytes, content)
    raise ValueError("a responder was expected, by name or by key")


def _read_nonce(value: bytes | None) -> bytes | None:
    """Read the nonce; responders that echo it without its OCTET STRING exist, and the bytes are compared anyway."""
    if value is None:
        return None
    try:
        return asn1.decode_der(bytes, value)
    except ValueError:
        return value


def _read_status(single: _Single) -> OcspStatus:
    values, critical = read_extensions(single.extensions)
    if critical - _STATUS_KNOWN:
        raise ValueError("a critical extension that is not known")
    content = bytes(single.status.data)
    revocation = None
    tag = single.status.tag_bytes[0]
    if tag == _REVOKED:
        state, revocation = OcspState.REVOKED, _read_revocation(content, _read_moment(values.get(INVALIDITY_DATE)))
    elif tag in (_GOOD, _UNKNOWN) and not content:
        state = OcspState.GOOD if tag == _GOOD else OcspState.UNKNOWN
    else:
        raise ValueError("good, revoked or unknown was expected")
    this_update = single.this_update.as_datetime()
    next_update = None if single.next_update is None else single.next_update.as_datetime()
    if next_update is not None and next_update < this_update:
        raise ValueError("a next update after this update was expected")
    return OcspStatus(
        certificate_id=read_certificate_id(single.certificate_id),
        state=state,
        revocation=revocation,
        this_update=this_update,
        next_update=next_update,
        archive_cutoff=_read_moment(values.get(_ARCHIVE_CUTOFF)),
    )


def _read_moment(value: bytes | None) -> datetime | None:
    return None if value is None else asn1.decode_der(asn1.GeneralizedTime, value).as_datetime()


def _read_revocation(content: bytes, invalid_since: datetime | None) -> Revocation:
    moment = expect_element(content, 0, len(content), GENERALIZED_TIME)
    revoked_at = asn1.decode_der(asn1.GeneralizedTime, content[: moment.end]).as_datetime()
    reason: RevocationReason | None = None
    if moment.end != len(content):
        outer = expect_element(content, moment.end, len(content), _REASON)
        inner = read_element(content, outer.content, outer.end)
        if outer.end != len(content) or inner.end != outer.end:
            raise ValueError("the end was expected, got more bytes")
        reason = reason_by_number(content[inner.start : inner.end])
    return Revocation(revoked_at, reason, invalid_since)
