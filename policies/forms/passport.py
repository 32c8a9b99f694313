"""Passports and permits: capital letters and digits; their mask. What is no number of a document is hidden."""

import re
from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

# Ordinary passports E + 8 digits or E + letter + 7; permits H, M or C + 8 or 10 digits, or 8 digits; old residence
# permits of foreigners 3 letters + 12 digits (the new ones are numbered like citizens, and masked so). Foreign
# passports: ICAO Doc 9303, up to 9 letters and digits.
# The first branch is the usual part of the second, which takes three times as long.
_IS_NUMBER: Final = re.compile(
    r"[A-Z]{0,2}[0-9]{6,10}|(?=(?:[A-Z]*[0-9]){4})[A-Z0-9]{6,12}|[A-Z]{3}[0-9]{12}"
).fullmatch
_STARS: Final = "*" * 7  # as in an ordinary passport of nine characters


def mask_passport(value: Value, _around: Surroundings) -> object:
    """Show the first and the last character; the number of stars says nothing of the length."""
    if not isinstance(value, str) or not _IS_NUMBER(value):
        return HIDDEN
    return value[0] + _STARS + value[-1]
