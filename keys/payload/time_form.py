"""How other systems write the moment of a request; each form has a fixed length, so that no digit can change sides."""

import re
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType
from typing import Final

CHINA: Final = timezone(timedelta(hours=8), "CST")  # GB/T 7408; nobody states it, and everybody means it
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COMPACT: Final = "%Y%m%d%H%M%S"


class TimeForm(StrEnum):
    """The forms in use."""

    EPOCH_SECONDS = "epoch-s"  # ten digits: 2001 to 2286
    EPOCH_MILLISECONDS = "epoch-ms"  # thirteen digits
    COMPACT = "yyyyMMddHHmmss"  # China Standard Time


_DIGITS: Final = MappingProxyType(
    {
        TimeForm.EPOCH_SECONDS: re.compile(r"[1-9][0-9]{9}"),
        TimeForm.EPOCH_MILLISECONDS: re.compile(r"[1-9][0-9]{12}"),
        TimeForm.COMPACT: re.compile(r"[12][0-9]{13}"),
    }
)
_STEPS: Final = MappingProxyType(
    {TimeForm.EPOCH_SECONDS: timedelta(seconds=1), TimeForm.EPOCH_MILLISECONDS: timedelta(milliseconds=1)}
)


def encode_time(at: datetime, form: TimeForm) -> str:
    """Write a moment, cut to the form's unit; raises ValueError for a moment that has no spelling in the form."""
    step = _STEPS.get(form)
    text = at.astimezone(CHINA).strftime(_COMPACT) if step is None else str((at - _EPOCH) // step)
    if _DIGITS[form].fullmatch(text) is None:
        raise ValueError(f"a moment that {form} can write was expected")
    return text


def parse_time(text: str, form: TimeForm) -> datetime:
    """Read a moment, in UTC; raises ValueError unless it is spelled so and exists."""
    if _DIGITS[form].fullmatch(text) is None:
        raise ValueError(f"a time {form} was expected")
    if form is TimeForm.COMPACT:
        return datetime.strptime(text, _COMPACT).replace(tzinfo=CHINA).astimezone(UTC)
    return _EPOCH + int(text) * _STEPS[form]
