"""What a credential is worth: valid, invalid or unknown, with reasons; what could not be checked is unknown.

That a licence was in force is known as of the moment of issue. Within the tolerance this is knowledge; older, or where
the credential names a place to ask that nobody asked, nobody knows whether it was revoked since.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.credential.issuers import IssuerRegistry
from gateway.verdict import Outcome
from keys.sd_jwt.claims import read_moment
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.verification import Question, VerifiedCredential, verify_sd_jwt

TOLERANCE: Final = timedelta(days=1)  # as of questions: older knowledge is no answer to "is it in force"
REASON_PREFIX: Final = "credential."
STATUS_CLAIM: Final = "licence_status"
IN_FORCE: Final = "active"


class CredentialDoubt(StrEnum):
    """Why a credential that verified is not called valid."""

    LICENCE_STATUS = "licence-status"  # says itself that the licence is not in force
    STATUS_NOT_STATED = "status-not-stated"  # says nothing about that
    STATUS_NOT_ASKED = "status-not-asked"  # names a place where its revocation is to be asked for
    STATUS_OLD = "status-old"  # was issued longer ago than is tolerated, or does not say when


class CredentialNote(StrEnum):
    """What is worth knowing and decides nothing."""

    POSSESSION_NOT_PROVEN = "possession-not-proven"  # nobody asked the presenter for a signature
    UNDER_OBJECTION = "under-objection"


# Not found out, rather than wrong: an issuer whom we do not know, a digest that we cannot compute.
_UNKNOWN: Final = frozenset({SdJwtFault.UNKNOWN_ISSUER, SdJwtFault.DIGEST_ALGORITHM})
_INVALID: Final = frozenset({CredentialDoubt.LICENCE_STATUS})


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialVerdict:
    """An outcome with its reasons; ``verified`` None: nothing that the credential says may be relied on."""

    outcome: Outcome
    fault: SdJwtFault | None = None
    doubts: tuple[CredentialDoubt, ...] = ()
    notes: tuple[CredentialNote, ...] = ()
    detail: str = ""
    verified: VerifiedCredential | None = None
    issued_at: datetime | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons, as JSON has them."""
        found = self.doubts if self.fault is None else (self.fault, *self.doubts)
        return tuple(REASON_PREFIX + one for one in found)


def judge_credential(
    text: str,
    *,
    issuers: IssuerRegistry,
    at: datetime,
    question: Question | None,
    types: Collection[str] = (),
    tolerance: timedelta = TOLERANCE,
) -> CredentialVerdict:
    """Return the verdict of a credential, or of a presentation of one, as of ``at``.

    ``question`` is what the presenter was asked to sign, None: nothing. ``types`` are those that will do, (): every one
    that its issuer is believed for.
    """
    try:
        found = verify_sd_jwt(text, issuers=issuers.find_key, types=types or issuers.types, at=at, question=question)
    except SdJwtError as error:
        outcome = Outcome.UNKNOWN if error.fault in _UNKNOWN else Outcome.INVALID
        return CredentialVerdict(outcome=outcome, fault=error.fault, detail=error.detail)
    if not issuers.may_issue(found.issuer, found.type_name):
        return CredentialVerdict(outcome=Outcome.INVALID, fault=SdJwtFault.TYPE)
    issued_at = read_moment(found.claims, "iat")
    doubts = tuple(_doubts(found, issued_at, at=at, tolerance=tolerance))
    return CredentialVerdict(
        outcome=_outcome(doubts),
        doubts=doubts,
        notes=tuple(_notes(found)),
        verified=found,
        issued_at=issued_at,
    )


def _doubts(
    found: VerifiedCredential, issued_at: datetime | None, *, at: datetime, tolerance: timedelta
) -> list[CredentialDoubt]:
    doubts = []
    status = found.claims.get(STATUS_CLAIM)
    if status is None:
        doubts.append(CredentialDoubt.STATUS_NOT_STATED)
    elif status != IN_FORCE:
        doubts.append(CredentialDoubt.LICENCE_STATUS)
    if found.status is not None:
        doubts.append(CredentialDoubt.STATUS_NOT_ASKED)
    elif issued_at is None or at - issued_at > tolerance:
        doubts.append(CredentialDoubt.STATUS_OLD)
    return doubts


def _outcome(doubts: Collection[CredentialDoubt]) -> Outcome:
    if not _INVALID.isdisjoint(doubts):
        return Outcome.INVALID
    return Outcome.UNKNOWN if doubts else Outcome.VALID


def _notes(found: VerifiedCredential) -> list[CredentialNote]:
    notes = [] if found.is_bound else [CredentialNote.POSSESSION_NOT_PROVEN]
    if found.claims.get("under_objection") is True:
        notes.append(CredentialNote.UNDER_OBJECTION)
    return notes
