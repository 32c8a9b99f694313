"""Citizen numbers (公民身份号码, GB 11643): 18 characters, or the old 15 digits; their masks.

A number whose check character or birth date does not hold is no number, and a mask shows nothing of it.
"""

import re
from datetime import date
from typing import Final

from policies.forms.known import Mask
from policies.forms.scheme import HIDDEN, Apply, Surroundings, Value

LENGTH: Final = 18
OLD_LENGTH: Final = 15
_CHECKS: Final = "1X864209753"  # by the number in base 13, modulo 11
_AREA: Final = "[1-689][0-9]{5}"  # 81 to 83: residents of Hong Kong, Macao, Taiwan; 9: foreigners
_CENTURY: Final = "(?:1[89]|20)"  # 1800 to 2099: numbers of the dead stay in licences
_DAY: Final = (  # of every year: up to the 28th, the 29th and 30th but in February, the 31st
    "(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
)
_LEAP: Final = "(?:0[48]|[2468][048]|[13579][26])"  # of a century's years; its first is one in 2000 only
_IS_NEW: Final = re.compile(
    f"{_AREA}(?:{_CENTURY}[0-9]{{2}}{_DAY}|{_CENTURY}{_LEAP}0229|20000229)[0-9]{{3}}[0-9X]"
).fullmatch
_IS_OLD: Final = re.compile(f"{_AREA}(?:[0-9]{{2}}{_DAY}|{_LEAP}0229)[0-9]{{3}}").fullmatch

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
    weigh half of what the standard asks.
    """
    return _CHECKS[int(first, 13) % 11]


def is_citizen_number(text: str) -> bool:
    """Say whether a text is a citizen number of 18 or 15 characters, with a birth date that exists."""
    return is_new_number(text) or is_old_number(text)


def is_new_number(text: str) -> bool:
    """Say whether a text is a citizen number of 18 characters."""
    return _IS_NEW(text) is not None and _CHECKS[int(text[:17], 13) % 11] == text[17]


def is_old_number(text: str) -> bool:
    """Say whether a text is a citizen number of 15 digits, as given until 1999."""
    return _IS_OLD(text) is not None


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
    """Return what masks a citizen number; an old one as the new one of the same person, so that none is told apart."""
    head, tail = mask
    stars, end = "*" * (LENGTH - head - tail), LENGTH - tail

    def apply(value: Value, _around: Surroundings) -> object:
        if not isinstance(value, str):
            return HIDDEN
        if not is_new_number(value):
            if not is_old_number(value):
                return HIDDEN
            value = widen(value)
        return value[:head] + stars + value[end:]

    return apply
