"""Bank cards (ISO/IEC 7812): 15 to 19 digits with Luhn's check digit; their mask."""

from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

SHORTEST: Final = 15
LONGEST: Final = 19
_SHOWN: Final = 4
_DIGITS: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def is_bank_card(text: str) -> bool:
    """Say whether a text is digits of a card's length whose check digit holds."""
    if not (SHORTEST <= len(text) <= LONGEST and text.isascii() and text.isdigit()):
        return False
    digits = text.encode()
    return (sum(digits[-1::-2].translate(_DIGITS)) + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def mask_bank_card(value: Value, _around: Surroundings) -> object:
    """Show the last four digits; the number of stars says nothing of the card's length."""
    if not isinstance(value, str) or not is_bank_card(value):
        return HIDDEN
    return "****" + value[-_SHOWN:]
