"""Dates: as licences write them, and coarser: the year, the month, the age band."""

import re
from datetime import date, datetime
from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

LONG_TERM: Final = "长期"  # valid without end, as licences print it
_ENDLESS: Final = date(9999, 12, 31)  # how systems store it; 2099-12-31 is a day that will come
_DATE: Final = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|([0-9]{2})([0-9]{2})|[/.]([0-9]{1,2})[/.]([0-9]{1,2})|"
    r"年([0-9]{1,2})月([0-9]{1,2})日)(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?"
).fullmatch
_ISO_LENGTH: Final = 10
_FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 2199

_MONTHS: Final = ("", *(f"{month:02}" for month in range(1, 13)))
_BAND_YEARS: Final = 10
_LAST_BAND: Final = 90  # and older: few people are, and their exact age tells who they are
OLDEST: Final = 130  # years; nobody has been older
_BANDS: Final = tuple(
    f"{_LAST_BAND}+" if age >= _LAST_BAND else f"{age - age % _BAND_YEARS}–{age - age % _BAND_YEARS + _BAND_YEARS - 1}"
    for age in range(OLDEST + 1)
)


def parse_day(value: Value) -> date | None:
    """Return the date that a value is, whichever way it is written, or None."""
    if isinstance(value, date):
        if isinstance(value, datetime):  # is a date, too, and not comparable with one
            value = value.date()
        return value if _FIRST_YEAR <= value.year <= _LAST_YEAR or value == _ENDLESS else None
    try:
        if len(value) == _ISO_LENGTH and value[4] == value[7] == "-":  # the usual spelling
            parsed = date.fromisoformat(value)
        else:
            found = _DATE(value)
            if found is None:
                return None
            year, month, day = (int(part) for part in found.groups() if part is not None)
            parsed = date(year, month, day)
    except ValueError:
        return None
    return parsed if _FIRST_YEAR <= parsed.year <= _LAST_YEAR or parsed == _ENDLESS else None


def is_endless(value: Value) -> bool:
    """Say whether an end of validity says that there is none."""
    return value == LONG_TERM or parse_day(value) == _ENDLESS


def age_on(birth: date, today: date) -> int:
    """Return the full years of age (周岁); who was born on 29 February has a birthday on 1 March in other years.

    A year of age is full when the birthday begins. Criminal law counts from the day after it (法释〔2006〕1号 art. 2);
    whether the law of an item does is for the item's owner to verify.
    """
    # As numbers, 20260301 less 19900412: the last four digits carry exactly while this year's birthday lies ahead.
    return ((today.year - birth.year) * 10_000 + (today.month - birth.month) * 100 + today.day - birth.day) // 10_000


def year_of(value: Value, _around: Surroundings) -> object:
    """Return the year, `2024`."""
    parsed = parse_day(value)
    return _not_a_day(value) if parsed is None else str(parsed.year)


def month_of(value: Value, _around: Surroundings) -> object:
    """Return the year and the month, `2024-03`."""
    parsed = parse_day(value)
    return _not_a_day(value) if parsed is None else f"{parsed.year}-{_MONTHS[parsed.month]}"


def mask_day(value: Value, around: Surroundings) -> object:
    """Show the year of a date, `2024-**-**`."""
    year = year_of(value, around)
    return year if year in {HIDDEN, LONG_TERM} else f"{year}-**-**"


def age_band_of(value: Value, around: Surroundings) -> object:
    """Return the band of ten years of age in which the holder is today, `30–39`; from ninety on, `90+`."""
    birth = parse_day(value)
    if birth is None:
        return HIDDEN
    age = age_on(birth, around.today)
    return _BANDS[age] if 0 <= age <= OLDEST else HIDDEN


def _not_a_day(value: Value) -> str:
    """Return the one text that says something about the end of validity without a date."""
    return LONG_TERM if value == LONG_TERM else HIDDEN
