"""Telephone numbers: mobile, 11 digits; landline, area code and 7 or 8 digits; their masks."""

import re
from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

_IS_MOBILE: Final = re.compile("1[3-9][0-9]{9}").fullmatch  # as dialled at home
# 010 and 02x are area codes of three digits, all others have four. A number does not begin with 0 or 1.
_LANDLINE: Final = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})-?([2-9][0-9]{6,7})").fullmatch
_STARS: Final = "*" * 6  # also for numbers of seven digits


def mask_phone_3_4(value: Value, around: Surroundings) -> object:
    """Show the first three and the last four digits of a mobile number; a landline as `mask_landline` does."""
    if isinstance(value, str) and _IS_MOBILE(value):
        return value[:3] + "****" + value[7:]
    return mask_landline(value, around)


def mask_phone_0_4(value: Value, _around: Surroundings) -> object:
    """Show the last four digits of a mobile number."""
    if isinstance(value, str) and _IS_MOBILE(value):
        return "*******" + value[7:]
    return HIDDEN


def mask_landline(value: Value, _around: Surroundings) -> object:
    """Show area code and the last two digits of a landline, not its length; extensions are not read, and hide all."""
    if not isinstance(value, str):
        return HIDDEN
    landline = _LANDLINE(value)
    if landline is None:
        return HIDDEN
    return f"{landline[1]}-{_STARS}{value[-2:]}"
