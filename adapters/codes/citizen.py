"""Citizen IDs (公民身份号码), GB 11643: 18 characters, or the 15 digits given until 1999."""

from datetime import date
from typing import Final

from adapters.codes.alphabet import DIGITS
from adapters.codes.fault import CodeFault

# GB 11643-1999: weights of positions 1 to 17; check character by remainder.
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
LENGTH: Final = 18
OLD_LENGTH: Final = 15

# GB 11643-1989 kept these orders for those who were a hundred then: the century of their birth is not stated.
_OF_UNSTATED_CENTURY: Final = ("996", "997", "998", "999")


def citizen_id_check_character(first: str) -> str | None:
    """Return the check character for the first 17 digits of a citizen ID (GB 11643), or None if they are not that."""
    if len(first) != len(_WEIGHTS) or not DIGITS.issuperset(first):
        return None
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first, strict=True))
    return _CHECKS[total % 11]


def citizen_id_fault(code: str) -> CodeFault | None:
    """Return what is wrong with a citizen ID (公民身份号码), or None.

    A lower-case x is accepted; so is the old form of 15 digits, which has a date (1900s) but no check character.
    Area codes are not judged: they were valid at issue, and residence permits use 81 to 83.
    """
    old = len(code) == OLD_LENGTH
    digits = code if old else code[:-1]
    if len(code) not in {OLD_LENGTH, LENGTH} or not DIGITS.issuperset(digits):
        return CodeFault.FORM
    if not old and code[-1] not in "0123456789Xx":
        return CodeFault.FORM
    born = f"19{code[6:12]}" if old else code[6:14]
    try:
        date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        return CodeFault.DATE
    if not old and citizen_id_check_character(digits) != code[-1].upper():
        return CodeFault.CHECK
    return None


def widen_citizen_id(code: str) -> str:
    """Return the 18 characters that stand for an old number of 15 digits: century 19, and the check character.

    Every other text comes back as it is; so does an old number whose order (996 to 999) leaves the century open.
    """
    if len(code) != OLD_LENGTH or citizen_id_fault(code) is not None or code.endswith(_OF_UNSTATED_CENTURY):
        return code
    first = f"{code[:6]}19{code[6:]}"
    return f"{first}{citizen_id_check_character(first)}"
