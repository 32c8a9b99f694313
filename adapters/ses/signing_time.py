"""The signing time as vendors write it where a time stamp or a DER time should stand; always returned in UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from cryptography.hazmat import asn1

from adapters.china_time import CHINA_STANDARD_TIME
from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.der import GENERALIZED_TIME, UTC_TIME, decode

# Fixed widths: reading by a pattern like %Y%m%d%H%M%S alone would take a UTCTime of 2020 for one of the year 2004.
# ASCII digits only, since other digits would give one moment many spellings.
_FORM: Final = re.compile(
    r"""(?:
        ([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})   # 2020-10-23 19:45:37, also with T
      | ([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})           # 20201023194537
    )
    (?:\.([0-9]{1,9}))?                                                        # fraction of a second
    (Z|[+-][0-9]{2}:?[0-9]{2})?                                                # zone
    """,
    re.VERBOSE,
)
_LONGEST: Final = 40  # characters; the longest form has 35
_DER_TIME_LENGTH: Final = 2
_FRACTION_DIGITS: Final = 6  # what a datetime holds; further digits are cut off


def parse_signing_time(text: str) -> datetime:
    """Read one of the forms in use: with dashes and colons or fourteen digits, with or without fraction and zone.

    Text without a zone is China Standard Time (UTC+8). Seconds are required, a leap second is refused.

    Raises:
        MalformedDocumentError: ``DATE``.
    """
    match = _FORM.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise MalformedDocumentError(Malformed.DATE, "signing time")
    groups = match.groups()
    year, month, day, hour, minute, second = (int(part) for part in (groups[:6] if groups[0] else groups[6:12]))
    fraction, zone = groups[12], groups[13]
    microsecond = int((fraction or "0")[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=_zone(zone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedDocumentError(Malformed.DATE, "signing time") from error


def parse_time_octets(octets: bytes) -> datetime:
    """Read the bytes of a timeInfo BIT STRING that hold no time stamp: a DER UTCTime or GeneralizedTime, or text.

    Raises:
        MalformedDocumentError: ``DATE`` or ``DER``.
    """
    if len(octets) > _DER_TIME_LENGTH and octets[0] == UTC_TIME:
        return decode(asn1.UTCTime, octets, "timeInfo").as_datetime()
    if len(octets) > _DER_TIME_LENGTH and octets[0] == GENERALIZED_TIME:
        return decode(asn1.GeneralizedTime, octets, "timeInfo").as_datetime()
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(Malformed.DATE, "signing time") from error
    return parse_signing_time(text)


def _zone(text: str | None) -> timezone:
    """Return the offset that is written, or China Standard Time; ``timezone`` refuses a day or more."""
    if text is None:
        return CHINA_STANDARD_TIME
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if minutes >= 60:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
