"""Passports and permits: capital letters and digits; their mask. What is no number of a document is hidden."""

import re
from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

LONGEST: Final = 15  # an old residence permit of a foreigner; the new one is numbered like a citizen and masked so

# Ordinary passports E + 8 digits or E + letter + 7; permits H, M or C + 8 or 10 digits, or 8 digits; old residence
# permits of foreigners 3 letters + 12 digits. Foreign passports: ICAO Doc 9303, up to 9 letters and digits.
# The first branch is the usual part of the second, which takes three times as long.
_IS_NUMBER: Final = re.compile(
    r"[A-Z]{0,2}[0-9]{6,10}|(?=(?:[A-Z]*[0-9]){4})[A-Z0-9]{6,12}|[A-Z]{3}[0-9]{12}"
).fullmatch
_STARS: Final = tuple("*" * (length - 2) for length in range(2, LONGEST + 1))


def mask_passport(value: Value, _around: Surroundings) -> object:
    """Show the first and the last character."""
    if not isinstance(value, str) or not _IS_NUMBER(value):
        return HIDDEN
    return value[0] + _STARS[len(value) - 2] + value[-1]
