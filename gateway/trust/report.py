"""How the trust stands, for ``/readyz``: lists in force and held, and why the last reading was not used."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.trust.lists import Finding, TrustState
from keys.trust_list import encode_moment

MAX_SHOWN: Final = 20  # findings that are reported; the first of them is mostly the cause of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadFailure:
    """Why the folder as it is now is not in force, or not all of it; since ``at``."""

    at: datetime
    findings: tuple[tuple[str, str, str], ...] = field(default=())  # file, Chinese, English

    def report(self) -> dict[str, Any]:
        """Return it for ``/readyz``."""
        return {
            "at": encode_moment(self.at),
            "findings": [{"file": file, "zh": zh, "en": en} for file, zh, en in self.findings],
        }


def describe_findings(findings: tuple[Finding, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return file, Chinese and English of the first findings."""
    return tuple((one.file, one.sentence_zh, one.sentence) for one in findings[:MAX_SHOWN])


def describe_state(state: TrustState, at: datetime) -> dict[str, Any]:
    """Return the lists that were verified, and those that wait for approval."""
    return {
        "lists": [
            {
                "name": one.name,
                "version": one.version,
                "issued": encode_moment(one.issued),
                "expires": encode_moment(one.expires),
                "in_force": one.issued <= at < one.expires,
            }
            for one in state.lists
        ],
        "held": [
            {
                "name": one.candidate.name,
                "version": one.candidate.version,
                "in_force": one.in_force.version,
                "shrinkage": round(one.change.shrinkage, 4),
                "growth": round(one.change.growth, 4),
                "loosens_signing": one.change.loosens,
            }
            for one in state.held
        ],
    }
