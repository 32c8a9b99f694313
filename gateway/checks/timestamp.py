"""When a signature was made: the signer's claim, or a time stamp that proves it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from adapters.document import DocumentSignature, Note
from adapters.errors import MalformedDocumentError
from adapters.timestamp import TimestampToken, parse_timestamp_token
from gateway.checks.answers import invalid, next_of, unknown, valid
from gateway.checks.signed_part import read_companions
from gateway.checks.trust import find_path_end
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome
from keys.certificate import Certificate, is_timestamping_certificate, parse_certificate
from keys.chain import build_chain
from keys.digest import DIGESTS
from keys.errors import ChainError, ChainFault, MalformedCertificateError, SignatureFault, SignatureVerificationError
from keys.ocsp import OcspResponse
from keys.revocation import RevocationState, revocation_status
from keys.second_opinion import SecondOpinion
from keys.signature import verify_signature
from keys.trust import Purpose, TrustStore

# How far the clock of a signer may run ahead of ours before we speak of the future.
CLOCK_TOLERANCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenTimes:
    """By when signature and seal existed, in UTC, as far as time stamps prove it; None: nothing proves it.

    The seal is inside what is signed, so a time stamp over the signature proves the seal too.
    """

    signature: datetime | None = None
    seal: datetime | None = None


class _UnacceptableTokenError(Exception):
    """Why a time stamp proves nothing: not readable or not trusted (unknown), or false (invalid)."""

    def __init__(self, outcome: Outcome, detail: str, ends_at: datetime | None = None) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome = outcome
        self.detail = detail
        self.ends_at = ends_at


class _Proof(NamedTuple):
    """By when something existed, and until when what proves it holds."""

    moment: datetime
    ends_at: datetime | None


def check_timestamp(
    signature: DocumentSignature,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None = None,
    stapled: Sequence[OcspResponse] = (),
) -> tuple[Check | None, ProvenTimes]:
    """Decide when the signature was made; returns the check, and what time stamps prove.

    Without a time stamp the signer's claim stands, unless it lies in the future. A time stamp that cannot be read or
    whose authority is not trusted is unknown; one that belongs to another signature, does not verify, or lies before
    what it is said to follow, is invalid.
    None when no time is stated at all. A time stamp on the seal (GM/T 0031-2025) is held to the same.
    """
    check = CheckName.TIMESTAMP
    if Note.TIMESTAMP_IN_TIME_INFO in signature.notes:
        # GM/T 0031-2014 puts it inside the signed bytes, so it cannot be over the signature; over what, is not known.
        return unknown(check, Reason.TIMESTAMP_UNUSABLE, "a time stamp inside the signed bytes"), ProvenTimes()
    if signature.signed_at is not None and signature.signed_at > at + CLOCK_TOLERANCE:
        begins = signature.signed_at - CLOCK_TOLERANCE
        return replace(invalid(check, Reason.TIMESTAMP_IN_FUTURE), ends_at=begins), ProvenTimes()
    seal = signature.seal
    stamps = [(signature.timestamp, signature.signed.signature, signature.signed_at)]
    if seal is not None:
        stamps.append((seal.timestamp, seal.maker.signature, seal.created))
    try:
        proofs = [
            None
            if token is None
            else _prove(token, stamped, claimed, store=store, at=at, opinion=opinion, stapled=stapled)
            for token, stamped, claimed in stamps
        ]
    except _UnacceptableTokenError as error:
        answer = (
            invalid(check, Reason.TIMESTAMP_BAD, error.detail)
            if error.outcome is Outcome.INVALID
            else unknown(check, Reason.TIMESTAMP_UNUSABLE, error.detail)
        )
        return replace(answer, ends_at=error.ends_at), ProvenTimes()
    moments = [None if proof is None else proof.moment for proof in proofs]
    ends_at = next_of(at, *(proof.ends_at for proof in proofs if proof is not None))
    proven = ProvenTimes(signature=moments[0], seal=min(filter(None, moments), default=None))
    if any(moment > at + CLOCK_TOLERANCE for moment in moments if moment is not None):
        return invalid(check, Reason.TIMESTAMP_IN_FUTURE), ProvenTimes()
    if proven.signature is not None:
        return replace(valid(check, "proven by a time stamp"), ends_at=ends_at), proven
    if signature.signed_at is None:
        return None, proven
    return replace(valid(check, "the signer's own claim"), ends_at=ends_at), proven


def _prove(
    token: bytes,
    stamped: bytes,
    claimed: datetime | None,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None,
    stapled: Sequence[OcspResponse],
) -> _Proof:
    """Return the moment by which ``stamped`` existed, and refuse one that lies before the ``claimed`` moment."""
    proof = _verify_token(token, stamped, store=store, at=at, opinion=opinion, stapled=stapled)
    if claimed is not None and claimed > proof.moment + CLOCK_TOLERANCE:
        raise _UnacceptableTokenError(Outcome.INVALID, "the time stamp lies before the time that is claimed")
    return proof


def _verify_token(
    token: bytes,
    stamped: bytes,
    *,
    store: TrustStore,
    at: datetime,
    opinion: SecondOpinion | None,
    stapled: Sequence[OcspResponse],
) -> _Proof:
    """Return the moment that a time stamp over ``stamped`` proves (RFC 3161 section 2.3 and 2.4), accuracy included.

    Signature, digests and path must count at ``at``, the present: nothing proves when the token itself was made, and
    whoever can forge what has ended would write an earlier time.

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
    verify = verify_signature if opinion is None else opinion.verify_signature
    try:
        verify(
            message=parsed.signed.message,
            signature=parsed.signed.signature,
            algorithm=parsed.signed.algorithm,
            spki=authority.spki,
        )
    except SignatureVerificationError as error:
        outcome = Outcome.UNKNOWN if error.fault is SignatureFault.DISPUTED else Outcome.INVALID
        raise _UnacceptableTokenError(outcome, f"signature {error.fault}") from error
    stated = (parsed.imprint_algorithm, parsed.content_digest_algorithm)
    ends = [store.algorithms.digest_end(one) for one in stated]
    until = min(store.algorithms.signature_end(parsed.signed.algorithm, authority.spki), *ends)
    if at >= until:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, str(ChainFault.ALGORITHM_SUNSET))
    if not authority.not_before <= parsed.generated_at <= authority.not_after:
        raise _UnacceptableTokenError(Outcome.INVALID, "authority's certificate not valid at that time")
    try:
        chain = build_chain(
            authority,
            store=store,
            purpose=Purpose.TIMESTAMP,
            at=parsed.generated_at,
            extra=read_companions(parsed.certificates, authority),
            trusted_at=at,
        )
    except ChainError as error:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, f"authority: {error.fault}") from error
    if opinion is not None and opinion.find_disputed_link(chain) is not None:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, f"authority: {SignatureFault.DISPUTED}")
    status = revocation_status(chain, store=store, now=at, trusted_time=None, stapled=stapled)
    ends_at = next_of(at, status.ends_at, find_path_end(chain, store, at), until)
    if status.state is not RevocationState.GOOD:
        outcome = Outcome.INVALID if status.state is RevocationState.REVOKED else Outcome.UNKNOWN
        raise _UnacceptableTokenError(outcome, f"authority: revocation {status.state}", ends_at)
    return _Proof(parsed.generated_at + parsed.accuracy, ends_at)


def _require_digest(algorithm: str, content: bytes, expected: bytes, what: str) -> None:
    digest = DIGESTS.get(algorithm)
    if digest is None or not digest.acceptable:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, f"{what}: digest {algorithm[:60]}")
    if digest.compute(content) != expected:
        raise _UnacceptableTokenError(Outcome.INVALID, f"{what} mismatch")


def _read_authority(parsed: TimestampToken) -> Certificate:
    """Return the certificate that signed the token.

    It must be one for time stamps only (RFC 3161 section 2.3), and the one that the token names under its signature
    (RFC 5816): otherwise a token could be moved to another certificate of the same key.
    """
    if parsed.critical_extensions:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, "critical extension that is not known")
    if parsed.signed.certificate is None:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, "no certificate of the authority")
    if not parsed.certificate_digests:
        raise _UnacceptableTokenError(Outcome.UNKNOWN, "the token does not name its authority's certificate")
    for named in parsed.certificate_digests:
        # SHA-1 is what the older attribute (RFC 2634) means; nobody can find a second certificate for a given one.
        digest = DIGESTS.get(named.algorithm)
        if digest is None or digest.compute(parsed.signed.certificate) != named.digest:
            raise _UnacceptableTokenError(Outcome.INVALID, "the token names another certificate")
    try:
        authority = parse_certificate(parsed.signed.certificate)
    except MalformedCertificateError as error:
        raise _UnacceptableTokenError(Outcome.INVALID, "certificate of the authority is not readable") from error
    if not is_timestamping_certificate(authority):
        raise _UnacceptableTokenError(Outcome.INVALID, "certificate is not one for time stamps")
    return authority
