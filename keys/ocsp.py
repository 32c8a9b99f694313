"""Asking by OCSP, and whether an answer may say what it says (RFC 6960).

Requests carry a nonce (RFC 9654). An answer without one is accepted unless it is required, because responders that
answer ahead of time have none; an answer with another nonce never is.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keys.certificate import Certificate
from keys.certificate_extensions import (
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    SUBJECT_KEY_IDENTIFIER,
    Extension,
    KeyUsage,
)
from keys.der import OCTET_STRING, encode_header
from keys.memo import Memo
from keys.name import name_key
from keys.ocsp_certificate_id import CertificateId, EncodedCertificateId, IdDigest, encode_certificate_id, is_named
from keys.ocsp_errors import OcspError, OcspFault
from keys.ocsp_response import NONCE, OcspResponse, OcspState, OcspStatus, parse_ocsp_response
from keys.signature import is_signed
from keys.spki import parse_spki

__all__ = [
    "CertificateId",
    "IdDigest",
    "OcspError",
    "OcspFault",
    "OcspResponse",
    "OcspState",
    "OcspStatus",
    "encode_ocsp_request",
    "find_responder",
    "parse_ocsp_response",
    "rank_status",
    "select_status",
    "verify_ocsp_response",
]

MIN_NONCE: Final = 1  # bytes, RFC 9654 section 2.1
MAX_NONCE: Final = 128
_RESPONSES: Final = 8_192  # remembered pairs of answer and issuer: the signers that a province sees in a day

OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
_DELEGATE_KNOWN: Final = frozenset(
    {BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_KEY_IDENTIFIER, AUTHORITY_KEY_IDENTIFIER}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Who signed an answer; ``delegate`` None: the issuer itself."""

    delegate: Certificate | None


@asn1.sequence
class _RequestItem:
    certificate_id: EncodedCertificateId


@asn1.sequence
class _RequestData:
    requests: list[_RequestItem]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(2)]


@asn1.sequence
class _Request:
    tbs: _RequestData


def encode_ocsp_request(
    certificate: Certificate, issuer: Certificate, *, digest: IdDigest = IdDigest.SHA1, nonce: bytes | None = None
) -> bytes:
    """Encode the question about one certificate; ``nonce`` are 1 to 128 unpredictable bytes, 32 by RFC 9654.

    Raises:
        ValueError: a nonce of another length.

    """
    extensions = None
    if nonce is not None:
        if not MIN_NONCE <= len(nonce) <= MAX_NONCE:
            raise ValueError(f"a nonce of {MIN_NONCE} to {MAX_NONCE} bytes was expected, got {len(nonce)}")
        value = encode_header(OCTET_STRING, len(nonce)) + nonce
        extensions = [Extension(oid=ObjectIdentifier(NONCE), critical=None, value=value)]
    item = _RequestItem(certificate_id=encode_certificate_id(certificate, issuer, digest))
    return asn1.encode_der(_Request(tbs=_RequestData(requests=[item], extensions=extensions)))


_SEVERITY: Final = {OcspState.GOOD: 0, OcspState.UNKNOWN: 1, OcspState.REVOKED: 2}


def rank_status(status: OcspStatus) -> tuple[datetime, int, float]:
    """Return what orders statuses: the newest is greatest; of one moment, revoked beats unknown, and that good.

    Of two revocations the earlier is greater. So the order within an answer, or of several answers, never decides.
    """
    earliest = 0.0 if status.revocation is None else -status.revocation.revoked_at.timestamp()
    return status.this_update, _SEVERITY[status.state], earliest


def select_status(response: OcspResponse, *, certificate: Certificate, issuer: Certificate) -> OcspStatus | None:
    """Return the greatest status (`rank_status`) about exactly this certificate; None: the answer is about others."""
    found = [one for one in response.statuses if is_named(certificate, issuer, one.certificate_id)]
    return max(found, key=rank_status, default=None)


def verify_ocsp_response(
    response: OcspResponse,
    *,
    certificate: Certificate,
    issuer: Certificate,
    at: datetime,
    nonce: bytes | None = None,
    nonce_required: bool = False,
) -> OcspStatus:
    """Verify an answer about ``certificate`` and return what it says; ``issuer`` issued the certificate.

    1. It is about this certificate.
    2. With ``nonce`` (the one that we sent), it carries the same; none at all counts where it is not required.
    3. The issuer signed it, or a delegate that the issuer signed for this purpose, whose period includes ``at``.
    4. this_update <= at < next_update.

    Raises:
        OcspError: the first that fails.

    """
    status = select_status(response, certificate=certificate, issuer=issuer)
    if status is None:
        raise OcspError(OcspFault.OTHER_CERTIFICATE, f"an answer about serial {certificate.serial:X} was expected")
    if nonce is not None:
        if response.nonce is None:
            if nonce_required:
                raise OcspError(OcspFault.NONCE_MISSING)
        elif response.nonce != nonce:
            raise OcspError(OcspFault.NONCE_MISMATCH)
    delegate = find_responder(response, issuer=issuer).delegate
    if delegate is not None and not delegate.not_before <= at < delegate.valid_until:
        raise OcspError(OcspFault.RESPONDER_EXPIRED, f"delegate of serial {delegate.serial:X}")
    if at < status.this_update:
        raise OcspError(OcspFault.NOT_YET, f"issued at {status.this_update.isoformat()}")
    if status.next_update is None or at >= status.next_update:
        raise OcspError(OcspFault.STALE)
    return status


def find_responder(response: OcspResponse, *, issuer: Certificate) -> Responder:
    """Verify who signed the answer, whatever the time: ``issuer``, or its delegate; remembered for the pair.

    A delegate carries id-kp-OCSPSigning and is signed by the very key of the issuer (RFC 6960 section 4.2.2.2); it
    must be the responder that the answer names. Nobody else may speak, whoever trusts him otherwise.

    Raises:
        OcspError: RESPONDER_NOT_AUTHORISED or BAD_SIGNATURE.

    """
    found = _verified.get((response.fingerprint, issuer.fingerprint), lambda: _find_responder(response, issuer=issuer))
    if isinstance(found, OcspFault):
        raise OcspError(found)
    return found


_verified: Final[Memo[tuple[bytes, bytes], "Responder | OcspFault"]] = Memo(_RESPONSES)


def _find_responder(response: OcspResponse, *, issuer: Certificate) -> Responder | OcspFault:
    fault = OcspFault.RESPONDER_NOT_AUTHORISED
    if _is_responder(response, issuer):
        if _is_signed(response, issuer.spki):
            return Responder(delegate=None)
        fault = OcspFault.BAD_SIGNATURE
    for delegate in response.certificates:
        if not _is_responder(response, delegate) or not _is_delegate(delegate, issuer):
            continue
        if _is_signed(response, delegate.spki):
            return Responder(delegate=delegate)
        fault = OcspFault.BAD_SIGNATURE
    return fault


def _is_responder(response: OcspResponse, certificate: Certificate) -> bool:
    if response.responder_name is not None:
        return name_key(response.responder_name) == name_key(certificate.subject)
    try:
        _, key = parse_spki(certificate.spki)
    except ValueError:
        return False
    # RFC 6960 section 4.2.1 says SHA-1 of the key; it only selects, the signature proves.
    return response.responder_key_hash == hashlib.sha1(key, usedforsecurity=False).digest()


def _is_delegate(delegate: Certificate, issuer: Certificate) -> bool:
    """Return whether ``issuer`` made ``delegate`` speak for it, and may do so."""
    if (
        OCSP_SIGNING not in delegate.extended_key_usage
        or (delegate.key_usage is not None and KeyUsage.DIGITAL_SIGNATURE not in delegate.key_usage)
        or delegate.critical_extensions - _DELEGATE_KNOWN
        or name_key(delegate.issuer) != name_key(issuer.subject)
    ):
        return False
    return is_signed(
        message=delegate.tbs,
        signature=delegate.signature,
        algorithm=delegate.signature_algorithm,
        spki=issuer.spki,
    )


def _is_signed(response: OcspResponse, spki: bytes) -> bool:
    return is_signed(
        message=response.tbs,
        signature=response.signature,
        algorithm=response.signature_algorithm,
        spki=spki,
    )
