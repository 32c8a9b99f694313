"""Citizen numbers (公民身份号码, GB 11643): 18 characters, or the old 15 digits; their masks.

A number whose check character or birth date does not hold is no number, and a mask shows nothing of it.
"""

from datetime import date
from typing import Final, NamedTuple

from policies.forms.scheme import HIDDEN, Apply, Surroundings, Value

LENGTH: Final = 18
OLD_LENGTH: Final = 15
_CHECKS: Final = "10X98765432"  # by the weighted sum modulo 11
_LAST_DAYS: Final = {"02": 28, **dict.fromkeys(("04", "06", "09", "11"), 30)}
_MONTHS: Final = tuple(f"{month:02}" for month in range(1, 13))
_MONTH_DAYS: Final = frozenset(  # without 29 February, which depends on the year
    f"{month}{day:02}" for month in _MONTHS for day in range(1, _LAST_DAYS.get(month, 31) + 1)
)
_CENTURIES: Final = frozenset({"18", "19", "20"})  # 1800 to 2099: numbers of the dead stay in licences
_AREA_BEGINS: Final = frozenset("12345689")  # 81 to 83: residents of Hong Kong, Macao, Taiwan; 9: foreigners


class Mask(NamedTuple):
    """How many characters stay at the head and at the tail of 18."""

    head: int
    tail: int


MASKS: Final[dict[str, Mask]] = {
    "id-1-1": Mask(1, 1),
    "id-1-2": Mask(1, 2),
    "id-0-4": Mask(0, 4),
    "id-6-0": Mask(6, 0),
    "id-3-4": Mask(3, 4),
    "id-6-4": Mask(6, 4),
    "id-14-0": Mask(14, 0),
}


def check_character(first: str) -> str:
    """Return the check character over 17 decimal digits.

    The weight of position i is 2 to the power 18 - i, modulo 11, and 13 is 2 modulo 11: read in base 13, the digits
    weigh as the standard asks, up to one last doubling.
    """
    return _CHECKS[int(first, 13) * 2 % 11]


def is_citizen_number(text: str) -> bool:
    """Say whether a text is a citizen number of 18 or 15 characters, with a birth date that exists."""
    if len(text) == LENGTH:
        digits = text[:17]
        return (
            text.isascii()
            and digits.isdigit()
            and _CHECKS[int(digits, 13) * 2 % 11] == text[17]
            and text[0] in _AREA_BEGINS
            and text[6:8] in _CENTURIES
            and (text[10:14] in _MONTH_DAYS or (text[10:14] == "0229" and _is_leap(int(text[6:10]))))
        )
    return (
        len(text) == OLD_LENGTH
        and text.isascii()
        and text.isdigit()
        and text[0] in _AREA_BEGINS
        and (text[8:12] in _MONTH_DAYS or (text[8:12] == "0229" and _is_leap(1900 + int(text[6:8]))))
    )


def widen(text: str) -> str:
    """Return the 18 characters of a valid number: an old one gets its century, 19, and its check character."""
    if len(text) != OLD_LENGTH:
        return text
    digits = f"{text[:6]}19{text[6:]}"
    return digits + check_character(digits)


def birth_date(text: str) -> date:
    """Return the birth date in a valid number."""
    digits = widen(text)
    return date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))


def mask_of(mask: Mask) -> Apply:
    """Return what masks a citizen number.

    An old number loses the two digits that it does not have from the head, where that goes into the birth date.
    """
    head, tail = mask
    old_head = head if head <= 6 else head - 2  # noqa: PLR2004 -- the area has six digits in both
    stars = "*" * (LENGTH - head - tail)
    old_stars = "*" * (OLD_LENGTH - old_head - tail)

    def apply(value: Value, _around: Surroundings) -> object:
        if not isinstance(value, str) or not is_citizen_number(value):
            return HIDDEN
        if len(value) == LENGTH:
            return value[:head] + stars + value[LENGTH - tail :]
        return value[:old_head] + old_stars + value[OLD_LENGTH - tail :]

    return apply


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
