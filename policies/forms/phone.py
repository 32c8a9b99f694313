"""Telephone numbers: mobile, 11 digits; landline, area code and 7 or 8 digits; their masks."""

import re
from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

_MOBILE_LENGTH: Final = 11
_MOBILE_BEGINS: Final = frozenset(f"1{digit}" for digit in "3456789")
# 010 and 02x are area codes of three digits, all others have four. A number does not begin with 0 or 1.
_LANDLINE: Final = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})-?([2-9][0-9]{6,7})").fullmatch


def is_mobile(text: str) -> bool:
    """Say whether a text is a mobile number as dialled at home."""
    return len(text) == _MOBILE_LENGTH and text[:2] in _MOBILE_BEGINS and text.isascii() and text.isdigit()


def mask_phone_3_4(value: Value, around: Surroundings) -> object:
    """Show the first three and the last four digits of a mobile number; a landline as `mask_landline` does."""
    if isinstance(value, str) and is_mobile(value):
        return value[:3] + "****" + value[7:]
    return mask_landline(value, around)


def mask_phone_0_4(value: Value, _around: Surroundings) -> object:
    """Show the last four digits of a mobile number."""
    if isinstance(value, str) and is_mobile(value):
        return "*******" + value[7:]
    return HIDDEN


def mask_landline(value: Value, _around: Surroundings) -> object:
    """Show area code and the last two digits of a landline; extensions are not read, and hide all."""
    landline = _LANDLINE(value) if isinstance(value, str) else None
    if landline is None:
        return HIDDEN
    area, number = landline.groups()
    return f"{area}-{'*' * (len(number) - 2)}{number[-2:]}"
