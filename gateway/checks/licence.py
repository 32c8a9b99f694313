"""Whether the licence itself is in force, by the dates it carries."""

from datetime import datetime, timedelta, timezone

from adapters.licence import Licence, LicenceFlag
from gateway.checks.answers import invalid, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName

# Licences print dates of China Standard Time; nobody states the zone (domain page on provinces, section 2).
CHINA_STANDARD_TIME = timezone(timedelta(hours=8))


def check_validity_period(licence: Licence, at: datetime) -> Check:
    """Decide whether ``at`` lies within the printed validity; the last day counts (GB/T 36903 ZZYXQJZRQ).

    A date that cannot be read makes this unknown; no end at all, or a far date, is long-term validity.
    An annotated copy (加注件) has an end of its own.
    """
    check = CheckName.VALIDITY_PERIOD
    today = at.astimezone(CHINA_STANDARD_TIME).date()
    if licence.valid_to is not None and today > licence.valid_to:
        return invalid(check, Reason.VALIDITY_PERIOD_EXPIRED)
    if licence.valid_from is not None and today < licence.valid_from:
        return invalid(check, Reason.VALIDITY_PERIOD_NOT_YET)
    if licence.copy is not None and licence.copy.valid_until is not None and today > licence.copy.valid_until:
        return invalid(check, Reason.VALIDITY_PERIOD_COPY_EXPIRED)
    if LicenceFlag.DATE_UNREADABLE in licence.flags:
        return unknown(check, Reason.VALIDITY_PERIOD_UNREADABLE)
    return valid(check, "long-term" if licence.long_term else None)
