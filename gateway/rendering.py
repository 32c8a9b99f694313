"""A verdict as JSON: the one shape that the command line and the HTTP interface both print."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from gateway.reason import SENTENCES, Reason
from gateway.remembered import Remembered
from gateway.verdict import Check, SealSummary, SignatureVerdict, Verdict


def verdict_to_dict(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict in the shape of the design's section 5.1: only JSON types, times in RFC 3339 with ``Z``.

    Keys are always present; what is not known is null or an empty list, so that readers need no special cases.
    """
    return {
        "format": None if verdict.format is None else str(verdict.format),
        "outcome": verdict.outcome.value,
        "reasons": [reason.value for reason in verdict.reasons],
        "checks": [_check_to_dict(check) for check in verdict.checks],
        "signatures": [_known_signature(signature) for signature in verdict.signatures],
        "notes": list(verdict.notes),
    }


def explanations_to_list(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    """Return, for every reason, what happened and what to do next, in Chinese and in English."""
    return [
        {
            "reason": reason.value,
            "zh": SENTENCES[reason].zh,
            "en": SENTENCES[reason].en,
            "next_zh": SENTENCES[reason].next_zh,
            "next_en": SENTENCES[reason].next_en,
        }
        for reason in reasons
    ]


def encode_time(moment: datetime) -> str:
    """Return an RFC 3339 time in UTC with ``Z``; fractions of a second only when there are any.

    Raises:
        ValueError: the moment has no time zone, so nobody could know what it means.

    """
    if moment.tzinfo is None:
        raise ValueError("a moment with a time zone was expected, got one without")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _signature_to_dict(signature: SignatureVerdict) -> dict[str, Any]:
    return {
        "id": signature.id,
        "kind": signature.kind,
        "standard": signature.standard,
        "signed_at": None if signature.signed_at is None else encode_time(signature.signed_at),
        "signer": signature.signer,
        "seal": None if signature.seal is None else _seal_to_dict(signature.seal),
        "outcome": signature.outcome.value,
        "checks": [_check_to_dict(check) for check in signature.checks],
        "notes": list(signature.notes),
    }


_known_signature: Final = Remembered(_signature_to_dict)  # those of a kept verdict are said in each answer


def _seal_to_dict(seal: SealSummary) -> dict[str, Any]:
    return {"id": seal.id, "name": seal.name, "maker": seal.maker}


def _check_to_dict(check: Check) -> dict[str, Any]:
    return {
        "check": check.check.value,
        "outcome": check.outcome.value,
        "reason": None if check.reason is None else check.reason.value,
        "detail": check.detail,
    }
