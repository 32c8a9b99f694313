"""The answer of a verification: outcome, checks, and how they add up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.reason import Reason
from gateway.remembered import Remembered


class Outcome(StrEnum):
    """Three answers, because "could not check" is neither yes nor no."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class CheckName(StrEnum):
    """The checks of a document in the order in which they are reported, then those of the licence itself."""

    FORMAT = "format"
    REFERENCES = "references"
    COVERAGE = "coverage"
    DATA_HASH = "data-hash"
    SIGNATURE = "signature"
    SIGNER_LISTED = "signer-listed"
    SEAL_SIGNATURE = "seal-signature"
    SEAL_PERIOD = "seal-period"
    MAKER_PERIOD = "maker-period"
    MAKER_CHAIN = "maker-chain"
    SIGNER_PERIOD = "signer-period"
    SIGNER_CHAIN = "signer-chain"
    REVOCATION = "revocation"
    TIMESTAMP = "timestamp"
    HOLDER_MATCH = "holder-match"
    STATUS = "status"
    VALIDITY_PERIOD = "validity-period"


_ORDER: Final = {check: place for place, check in enumerate(CheckName)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question and its answer; ``reason`` is None exactly when the outcome is valid.

    ``detail`` helps an engineer: member paths, serial numbers, moments. It never holds a value of a field.
    ``as_of`` is the moment of the oldest outside knowledge that was relied on; None: none was.
    ``ends_at`` is the first moment at which the same question may have another answer, by the clock alone; None: there
    is none, or (of a check that is not valid) none that is known.
    """

    check: CheckName
    outcome: Outcome
    reason: Reason | None = None
    detail: str | None = None
    as_of: datetime | None = None
    ends_at: datetime | None = None


_ALL_VALID: Final = frozenset({Outcome.VALID})


def combine(outcomes: Iterable[Outcome]) -> Outcome:
    """Invalid wins over unknown, unknown over valid; nothing at all is unknown, never valid."""
    seen = set(outcomes)
    if seen == _ALL_VALID:  # most are, and looking for each of the others takes longer
        return Outcome.VALID
    return Outcome.INVALID if Outcome.INVALID in seen else Outcome.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSummary:
    """What a verdict says of the seal: its number, its name and who made it."""

    id: str
    name: str
    maker: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureVerdict:
    """The checks of one signature (or of a bare seal) and their sum."""

    id: str
    kind: str
    standard: str
    signed_at: datetime | None
    signer: str | None
    seal: SealSummary | None
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What the checks of this signature add up to."""
        return combine(check.outcome for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer for one document; ``checks`` are those that belong to no single signature."""

    format: str | None
    checks: tuple[Check, ...]
    signatures: tuple[SignatureVerdict, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Invalid if any check of any signature is invalid, else unknown if any is unknown, else valid."""
        return _sum_up(self)[0]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every reason once, invalid ones before unknown ones, each group in the order of the checks."""
        return _sum_up(self)[1]

    @property
    def as_of(self) -> datetime | None:
        """The oldest outside knowledge that any check rests on, evidence on revocation for example; None: no check."""
        return min((check.as_of for check in self.all_checks() if check.as_of is not None), default=None)

    @property
    def ends_at(self) -> datetime | None:
        """Until when (excluded) a valid verdict holds, while trust and revocation knowledge stay what they are.

        It is the first thing that ends: a path, its anchor or a signed trust list, revocation information, a period
        judged at the present.
        """
        return min((check.ends_at for check in self.all_checks() if check.ends_at is not None), default=None)

    def all_checks(self) -> tuple[Check, ...]:
        """Every check of the document and of its signatures."""
        found = self.checks
        for signature in self.signatures:
            found += signature.checks
        return found


def _find_sum(verdict: Verdict) -> tuple[Outcome, tuple[Reason, ...]]:
    checks = verdict.all_checks()
    found = [check for check in checks if check.reason is not None]
    found.sort(key=lambda check: (check.outcome is not Outcome.INVALID, _ORDER[check.check]))
    reasons = tuple(dict.fromkeys([check.reason for check in found if check.reason is not None]))
    return combine([check.outcome for check in checks]), reasons


_sum_up: Final = Remembered(_find_sum)  # one question asks for it a dozen times
