"""Whether the licence itself is in force: by the dates it carries, and by what a register says of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from adapters.china_time import CHINA_STANDARD_TIME
from adapters.document import Document
from adapters.licence import Licence, LicenceFlag
from gateway.checks.answers import invalid, next_of, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName, Outcome
from policies.dimension import LicenceStatus

UNREADABLE_FILE = "a file that speaks of a licence cannot be used"

_NOT_IN_FORCE: Final[Mapping[LicenceStatus, Reason]] = {
    LicenceStatus.SUSPENDED: Reason.STATUS_SUSPENDED,
    LicenceStatus.EXPIRED: Reason.STATUS_EXPIRED,
    LicenceStatus.REVOKED: Reason.STATUS_REVOKED,
    LicenceStatus.CANCELLED: Reason.STATUS_CANCELLED,
    LicenceStatus.SUPERSEDED: Reason.STATUS_SUPERSEDED,
}


def check_licence(document: Document, at: datetime) -> Check | None:
    """Decide whether the licence that a document carries is in force; None where nothing says that it carries one.

    Metadata that cannot be used make this unknown, and so do metadata that might have stood in an OFD.xml that no
    signature covers: whoever took them out would have made an expired licence look like none.
    """
    check = CheckName.VALIDITY_PERIOD
    if document.licence is not None:
        found = check_validity_period(document.licence, at)
        if found.outcome is Outcome.VALID and document.licence_unreadable:
            found = unknown(check, Reason.VALIDITY_PERIOD_UNREADABLE, UNREADABLE_FILE)
        return replace(found, ends_at=_next_turn(document.licence, at))
    if document.licence_unreadable:
        return unknown(check, Reason.VALIDITY_PERIOD_UNREADABLE, UNREADABLE_FILE)
    if _may_have_lost_metadata(document):
        return unknown(check, Reason.VALIDITY_PERIOD_NOT_STATED)
    return None


def check_validity_period(licence: Licence, at: datetime) -> Check:
    """Decide whether ``at`` lies within the printed validity; the last day counts (GB/T 36903 ZZYXQJZRQ).

    A date that cannot be read makes this unknown, and so does an end that is missing: only an empty element, the word
    长期 or a far date say that there is none. An annotated copy (加注件) has an end of its own, which it must state.
    """
    check = CheckName.VALIDITY_PERIOD
    today = at.astimezone(CHINA_STANDARD_TIME).date()
    copy = licence.copy
    if licence.valid_to is not None and today > licence.valid_to:
        return invalid(check, Reason.VALIDITY_PERIOD_EXPIRED)
    if licence.valid_from is not None and today < licence.valid_from:
        return invalid(check, Reason.VALIDITY_PERIOD_NOT_YET)
    if copy is not None and copy.valid_until is not None and at >= copy.valid_until:
        return invalid(check, Reason.VALIDITY_PERIOD_COPY_EXPIRED)
    if LicenceFlag.DATE_UNREADABLE in licence.flags:
        return unknown(check, Reason.VALIDITY_PERIOD_UNREADABLE)
    if licence.valid_to is None and not licence.long_term:
        return unknown(check, Reason.VALIDITY_PERIOD_NOT_STATED)
    if copy is not None and copy.valid_until is None:
        return unknown(check, Reason.VALIDITY_PERIOD_NOT_STATED, "annotated copy")
    return valid(check)  # without a detail: what is printed there is a field, and fields leave by a policy only


def check_status(status: LicenceStatus, *, as_of: datetime, is_ready: bool = True) -> Check:
    """Decide whether a licence with this status is in force; ``as_of`` is when the register said so.

    A licence that is in force, and whose document is not made yet, cannot be relied on before it is.
    """
    reason = _NOT_IN_FORCE.get(status)
    if reason is not None:
        return replace(invalid(CheckName.STATUS, reason), as_of=as_of)
    if status is LicenceStatus.UNKNOWN:
        return replace(unknown(CheckName.STATUS, Reason.STATUS_UNKNOWN), as_of=as_of)
    if not is_ready:
        return replace(unknown(CheckName.STATUS, Reason.STATUS_NOT_READY), as_of=as_of)
    return Check(check=CheckName.STATUS, outcome=Outcome.VALID, as_of=as_of)


def _next_turn(licence: Licence, at: datetime) -> datetime | None:
    """Return when a date of the licence is next reached."""
    begin = None if licence.valid_from is None else _start_of(licence.valid_from)
    end = None if licence.valid_to in (None, date.max) else _start_of(licence.valid_to + timedelta(days=1))
    return next_of(at, begin, end, None if licence.copy is None else licence.copy.valid_until)


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA_STANDARD_TIME)


def _may_have_lost_metadata(document: Document) -> bool:
    """Whether there are signatures over files, and none of them covers OFD.xml."""
    signed = [one.references for one in document.signatures if one.references is not None]
    covered = {entry.path for references in signed for entry in references.entries}
    return bool(signed) and document.package_index is not None and document.package_index not in covered
