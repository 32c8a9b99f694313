"""Why a check is not valid: an enum, and for each reason a sentence a clerk can act on, in Chinese and English."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources


class Reason(StrEnum):
    """``<check>.<slug>``; verdicts, metrics, logs and tests read the same word."""

    FORMAT_MALFORMED = "format.malformed"
    FORMAT_TOO_LARGE = "format.too-large"
    FORMAT_UNRECOGNISED = "format.unrecognised"
    FORMAT_UNSIGNED = "format.unsigned"
    FORMAT_NO_DOCUMENT = "format.no-document"
    FORMAT_DOCUMENT_UNAVAILABLE = "format.document-unavailable"
    FORMAT_NO_METADATA = "format.no-metadata"
    REFERENCES_MISMATCH = "references.mismatch"
    REFERENCES_WEAK_DIGEST = "references.weak-digest"
    REFERENCES_NO_VALUE = "references.no-value"
    REFERENCES_MISSING_MEMBER = "references.missing-member"
    REFERENCES_RELOCATED = "references.relocated"
    REFERENCES_PLACE_NOT_STATED = "references.place-not-stated"
    COVERAGE_UNCOVERED_CONTENT = "coverage.uncovered-content"
    COVERAGE_UNCOVERED_METADATA = "coverage.uncovered-metadata"
    DATA_HASH_MISMATCH = "data-hash.mismatch"
    DATA_HASH_WEAK_DIGEST = "data-hash.weak-digest"
    DATA_HASH_NOT_AT_HAND = "data-hash.not-at-hand"
    SIGNATURE_BAD = "signature.bad"
    SIGNATURE_MALFORMED = "signature.malformed"
    SIGNATURE_UNSUPPORTED_ALGORITHM = "signature.unsupported-algorithm"
    SIGNATURE_SIGNER_UNKNOWN = "signature.signer-unknown"
    SIGNATURE_UNUSABLE_CERTIFICATE = "signature.unusable-certificate"
    SIGNATURE_WRONG_KEY_USAGE = "signature.wrong-key-usage"
    SIGNATURE_ALGORITHM_SUNSET = "signature.algorithm-sunset"
    SIGNATURE_DISPUTED = "signature.second-opinion-disagrees"
    SIGNER_LISTED_ABSENT = "signer-listed.absent"
    SIGNER_LISTED_NO_SEAL = "signer-listed.no-seal"
    SEAL_SIGNATURE_BAD = "seal-signature.bad"
    SEAL_SIGNATURE_MALFORMED = "seal-signature.malformed"
    SEAL_SIGNATURE_UNSUPPORTED_ALGORITHM = "seal-signature.unsupported-algorithm"
    SEAL_SIGNATURE_UNUSABLE_CERTIFICATE = "seal-signature.unusable-certificate"
    SEAL_SIGNATURE_WRONG_KEY_USAGE = "seal-signature.wrong-key-usage"
    SEAL_SIGNATURE_CRITICAL_EXTENSION = "seal-signature.critical-extension"
    SEAL_SIGNATURE_ALGORITHM_SUNSET = "seal-signature.algorithm-sunset"
    SEAL_SIGNATURE_DISPUTED = "seal-signature.second-opinion-disagrees"
    SEAL_PERIOD_EXPIRED = "seal-period.expired-at-signing"
    SEAL_PERIOD_NOT_YET = "seal-period.not-yet-valid-at-signing"
    SEAL_PERIOD_NO_TIME = "seal-period.no-signing-time"
    MAKER_PERIOD_EXPIRED = "maker-period.expired-at-creation"
    MAKER_PERIOD_NOT_YET = "maker-period.not-yet-valid-at-creation"
    MAKER_CHAIN_UNKNOWN_ISSUER = "maker-chain.unknown-issuer"
    MAKER_CHAIN_REFUSED = "maker-chain.refused"
    MAKER_CHAIN_EXPIRED_ISSUER = "maker-chain.expired-issuer"
    MAKER_CHAIN_NOT_AUTHORISED = "maker-chain.not-authorised"
    MAKER_CHAIN_OUT_OF_SCOPE = "maker-chain.out-of-scope"
    MAKER_CHAIN_SCOPE_NOT_STATED = "maker-chain.scope-not-stated"
    MAKER_CHAIN_OUTSIDE_TRUST_PERIOD = "maker-chain.outside-trust-period"
    MAKER_CHAIN_ALGORITHM_SUNSET = "maker-chain.algorithm-sunset"
    MAKER_CHAIN_DISPUTED = "maker-chain.second-opinion-disagrees"
    SIGNER_PERIOD_EXPIRED = "signer-period.expired-at-signing"
    SIGNER_PERIOD_NOT_YET = "signer-period.not-yet-valid-at-signing"
    SIGNER_PERIOD_NO_TIME = "signer-period.no-signing-time"
    SIGNER_CHAIN_UNKNOWN_ISSUER = "signer-chain.unknown-issuer"
    SIGNER_CHAIN_REFUSED = "signer-chain.refused"
    SIGNER_CHAIN_EXPIRED_ISSUER = "signer-chain.expired-issuer"
    SIGNER_CHAIN_NOT_AUTHORISED = "signer-chain.not-authorised"
    SIGNER_CHAIN_OUT_OF_SCOPE = "signer-chain.out-of-scope"
    SIGNER_CHAIN_SCOPE_NOT_STATED = "signer-chain.scope-not-stated"
    SIGNER_CHAIN_OUTSIDE_TRUST_PERIOD = "signer-chain.outside-trust-period"
    SIGNER_CHAIN_ALGORITHM_SUNSET = "signer-chain.algorithm-sunset"
    SIGNER_CHAIN_DISPUTED = "signer-chain.second-opinion-disagrees"
    REVOCATION_REVOKED = "revocation.revoked"
    REVOCATION_UNAVAILABLE = "revocation.unavailable"
    TIMESTAMP_IN_FUTURE = "timestamp.in-future"
    TIMESTAMP_UNUSABLE = "timestamp.unusable"
    TIMESTAMP_BAD = "timestamp.bad"
    STATUS_SUSPENDED = "status.suspended"
    STATUS_EXPIRED = "status.expired"
    STATUS_REVOKED = "status.revoked"
    STATUS_CANCELLED = "status.cancelled"
    STATUS_SUPERSEDED = "status.superseded"
    STATUS_UNKNOWN = "status.unknown"
    STATUS_NOT_READY = "status.not-ready"
    STATUS_NOT_FOUND = "status.not-found"
    STATUS_UNAVAILABLE = "status.unavailable"
    STATUS_DENIED = "status.denied"
    STATUS_NOT_PROVIDED = "status.not-provided"
    STATUS_UNUSABLE_ANSWER = "status.unusable-answer"
    STATUS_PARTIAL = "status.partial"
    STATUS_RECORD_DIFFERS = "status.record-differs"
    VALIDITY_PERIOD_EXPIRED = "validity-period.expired"
    VALIDITY_PERIOD_NOT_YET = "validity-period.not-yet-valid"
    VALIDITY_PERIOD_COPY_EXPIRED = "validity-period.copy-expired"
    VALIDITY_PERIOD_UNREADABLE = "validity-period.unreadable"
    VALIDITY_PERIOD_NOT_STATED = "validity-period.not-stated"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What happened and what to do next, in both languages."""

    zh: str
    en: str
    next_zh: str
    next_en: str


def _read_sentences() -> dict[Reason, Sentence]:
    """Read reasons.toml; a reason without a sentence stops the start, not a request (KeyError)."""
    table = tomllib.loads(resources.files("gateway").joinpath("reasons.toml").read_text(encoding="utf-8"))
    steps = table["next"]
    return {
        reason: Sentence(
            zh=entry["zh"], en=entry["en"], next_zh=steps[entry["next"]]["zh"], next_en=steps[entry["next"]]["en"]
        )
        for reason in Reason
        for entry in (table["reason"][reason.value],)
    }


SENTENCES: dict[Reason, Sentence] = _read_sentences()
