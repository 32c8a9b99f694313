"""A presentation code (亮证码): 128 random bits, as people read them out and as a QR code has room for them.

26 characters of Crockford's base 32, which has no I, L, O and U, in groups. A QR code takes them in its alphanumeric
mode (ISO/IEC 18004 section 7.4.4), and the name before them too.
"""

import re
from typing import Final, NewType

from gateway.randomness import take_random
from gateway.sources.source import key_text

PresentationCode = NewType("PresentationCode", bytes)

CODE_BYTES: Final = 16  # whoever tries a billion a second meets one of a million in ten thousand billion years
QR_PREFIX: Final = "URN:TONGBAN:PRESENTATION:"
CODE_PATTERN: Final = "^[0-7][0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){4}$"
QR_PATTERN: Final = f"^{QR_PREFIX}[0-7][0-9A-HJKMNP-TV-Z]{{25}}$"

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_CHARACTERS: Final = 26  # 130 bits, of which the first two are 0
_FIRST_GROUP: Final = 6  # and four groups of five
_OTHER_GROUPS: Final = 5
_BITS: Final = 5
_MISREAD: Final = str.maketrans("OIL", "011")  # what the alphabet leaves out is taken for what it looks like
_BETWEEN: Final = re.compile(r"[^0-9A-Z]")
_DIGITS: Final = re.compile(f"[0-7][{_ALPHABET}]{{{_CHARACTERS - 1}}}")


def make_code() -> PresentationCode:
    """Return a new code."""
    return PresentationCode(take_random(CODE_BYTES))


def encode_code(code: PresentationCode) -> str:
    """Write a code for people."""
    digits = _digits(code)
    ends = range(_FIRST_GROUP, _CHARACTERS, _OTHER_GROUPS)
    return "-".join([digits[:_FIRST_GROUP], *(digits[end : end + _OTHER_GROUPS] for end in ends)])


def encode_qr(code: PresentationCode) -> str:
    """Write what a QR code holds."""
    return QR_PREFIX + _digits(code)


def parse_code(text: str) -> PresentationCode | None:
    """Read a code, as it was typed in or as a QR code had it; None: no code looks like this.

    Width, case, and whatever stands between the characters do not count, nor does O for 0, and I or L for 1.
    """
    digits = _BETWEEN.sub("", key_text(text).removeprefix(QR_PREFIX)).translate(_MISREAD)
    if not _DIGITS.fullmatch(digits):
        return None
    number = 0
    for digit in digits:
        number = number << _BITS | _VALUES[digit]
    return PresentationCode(number.to_bytes(CODE_BYTES))


def _digits(code: PresentationCode) -> str:
    number = int.from_bytes(code)
    return "".join(_ALPHABET[number >> (_BITS * place) & 31] for place in reversed(range(_CHARACTERS)))
