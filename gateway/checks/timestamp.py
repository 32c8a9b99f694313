"""When a signature was made: the signer's claim, or a time stamp that proves it."""

from datetime import datetime, timedelta

from adapters.document import DocumentSignature, Note
from adapters.errors import MalformedDocumentError
from adapters.timestamp import TimestampToken, parse_timestamp_token
from gateway.checks.answers import invalid, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome
from keys.certificate import Certificate, is_signing_certificate, parse_certificate
from keys.chain import build_chain
from keys.digest import DIGESTS
from keys.errors import ChainError, MalformedCertificateError, SignatureVerificationError
from keys.revocation import RevocationState, revocation_status
from keys.signature import verify_signature
from keys.trust import Purpose, TrustStore

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"  # id-kp-timeStamping, RFC 3161 section 2.3

# How far the clock of a signer may run ahead of ours before we speak of the future.
CLOCK_TOLERANCE = timedelta(seconds=60)


class _UnacceptableTokenError(Exception):
    """Why a time stamp proves nothing: not readable or not trusted (unknown), or false (invalid)."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome = outcome
        self.detail = detail


def check_timestamp(
    signature: DocumentSignature, *, store: TrustStore, at: datetime
) -> tuple[Check | None, datetime | None]:
    """Decide when the signature was made; returns the check, and the moment if a time stamp proves it.

    Without a time stamp the signer's claim stands, unless it lies in the future. A time stamp that cannot be read or
    whose authority is not trusted is unknown; one that belongs to another signature, or does not verify, is invalid.
    None when no time is stated at all. A time stamp on the seal (GM/T 0031-2025) is held to the same.
    """
    check = CheckName.TIMESTAMP
    if Note.TIMESTAMP_IN_TIME_INFO in signature.notes:
        # GM/T 0031-2014 puts it inside the signed bytes, so it cannot be over the signature; over what, is not known.
        return unknown(check, Reason.TIMESTAMP_UNUSABLE, "a time stamp inside the signed bytes"), None
    stamps = [(signature.timestamp, signature.signed.signature)]
    if signature.seal is not None:
        stamps.append((signature.seal.timestamp, signature.seal.maker.signature))
    proven: list[datetime | None] = []
    for token, stamped in stamps:
        try:
            proven.append(None if token is None else _verify_token(token, stamped, store=store, at=at))
        except _UnacceptableTokenError as error:
            if error.outcome is Outcome.INVALID:
                return invalid(check, Reason.TIMESTAMP_BAD, error.detail), None
            return unknown(check, Reason.TIMESTAMP_UNUSABLE, error.detail), None
    proven_at = proven[0]
    claimed = proven_at or signature.signed_at
    if claimed is None:
        return None, None
    if max(filter(None, [claimed, signature.signed_at])) > at + CLOCK_TOLERANCE:
        return invalid(check, Reason.TIMESTAMP_IN_FUTURE), proven_at
    return valid(check, "proven by a time stamp" if proven_at else "the signer's own claim"), proven_at


def _verify_token(token: bytes, stamped: bytes, *, store: TrustStore, at: datetime) -> datetime:
    """Return the moment that a time stamp over ``stamped`` proves (RFC 3161 section 2.3 and 2.4).

    Raises:
        _UnacceptableTokenError: with the outcome and what was wrong.

    """
    try:
        parsed = parse_timestamp_token(token)
    except MalformedDocumentError as error:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, "no time stamp token") from error
    _require_digest(parsed.imprint_algorithm, stamped, parsed.imprint, "imprint")
    _require_digest(parsed.content_digest_algorithm, parsed.content, parsed.content_digest, "content digest")
    authority = _read_authority(parsed)
    try:
        verify_signature(
            message=parsed.signed.message,
            signature=parsed.signed.signature,
            algorithm=parsed.signed.algorithm,
            spki=authority.spki,
        )
    except SignatureVerificationError as error:
        raise _UnacceptableTokenError(Outcome.INVALID, f"signature {error.fault}") from error
    if not authority.not_before <= parsed.generated_at <= authority.not_after:
        raise _UnacceptableTokenError(Outcome.INVALID, "authority's certificate not valid at that time")
    try:
        chain = build_chain(authority, store=store, purpose=Purpose.TIMESTAMP, at=parsed.generated_at)
    except ChainError as error:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, f"authority: {error.fault}") from error
    state = revocation_status(chain, store=store, now=at, trusted_time=None).state
    if state is not RevocationState.GOOD:
        outcome = Outcome.INVALID if state is RevocationState.REVOKED else Outcome.UNKNOWN
        raise _UnacceptableTokenError(outcome, f"authority: revocation {state}")
    return parsed.generated_at


def _require_digest(algorithm: str, content: bytes, expected: bytes, what: str) -> None:
    digest = DIGESTS.get(algorithm)
    if digest is None or not digest.acceptable:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, f"{what}: digest {algorithm[:60]}")
    if digest.compute(content) != expected:
        raise _UnacceptableTokenError(Outcome.INVALID, f"{what} mismatch")


def _read_authority(parsed: TimestampToken) -> Certificate:
    """Return the certificate that signed the token, which must be one for time stamps (RFC 3161 section 2.3)."""
    if parsed.signed.certificate is None:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, "no certificate of the authority")
    try:
        authority = parse_certificate(parsed.signed.certificate)
    except MalformedCertificateError as error:
        raise _UnacceptableTokenError(Outcome.INVALID, "certificate of the authority is not readable") from error
    if TIME_STAMPING not in authority.extended_key_usage or not is_signing_certificate(authority):
        raise _UnacceptableTokenError(Outcome.INVALID, "certificate is not one for time stamps")
    return authority
