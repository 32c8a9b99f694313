"""What several registers say of one licence: the worst status counts, and every objection."""

from dataclasses import replace
from datetime import datetime

from adapters.codes.copies import worst_status
from adapters.record.status import RecordStatus
from gateway.pipeline import UNDER_OBJECTION, Verified, is_not_in_force, judge_registered, judge_unasked, note
from gateway.reason import Reason
from gateway.sources.source import Registered
from gateway.verdict import CheckName
from policies.dimension import LicenceStatus


def is_worse(status: LicenceStatus, than: LicenceStatus) -> bool:
    """Say whether a status counts before another one."""
    worst = worst_status((RecordStatus(status.value), RecordStatus(than.value)))
    return status is not than and worst.value == status.value


def hear_registered(said: Verified, registered: Registered, *, at: datetime) -> Verified:
    """Return an answer with what another register says of the same licence, or of one that may be.

    Of what may be another licence nobody knows how this one stands where that is worse, unless it is known to have
    ended.
    """
    if registered.may_differ:
        if is_worse(registered.status, said.status) and not is_not_in_force(said):
            said = judge_unasked(without_status(said), Reason.STATUS_RECORD_DIFFERS, registered.source)
        return note(said, UNDER_OBJECTION) if registered.is_under_objection else said
    if is_worse(registered.status, said.status):
        said = judge_registered(without_status(said), registered, at=at)
    elif registered.is_under_objection:
        said = note(said, UNDER_OBJECTION)
    return said


def without_status(said: Verified) -> Verified:
    """Return an answer that leaves open how the licence stands."""
    others = tuple(check for check in said.verdict.checks if check.check is not CheckName.STATUS)
    verdict = replace(said.verdict, checks=others)
    return replace(said, verdict=verdict, status=LicenceStatus.UNKNOWN, register=None)
