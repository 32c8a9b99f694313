"""The characters that codes are made of, and what each counts in a check character."""

from typing import Final

DIGITS: Final = frozenset("0123456789")
ALPHABET_36: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
VALUES_36: Final = {character: value for value, character in enumerate(ALPHABET_36)}


def is_number(text: str) -> bool:
    """Whether a text is ASCII digits and nothing else; an empty one is not."""
    return bool(text) and DIGITS.issuperset(text)
