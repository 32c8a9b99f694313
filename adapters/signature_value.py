"""The signature value as found: which of the spellings in use it is, so that leniency is reported.

Whether r and s are in range, and whether they verify, is not decided here.
"""

from typing import Final

from adapters.document import Note
from adapters.strict.der import INTEGER, SEQUENCE

_RAW_LENGTH: Final = 64  # r and s of 32 bytes each, for every 256-bit curve
_SIGN_BIT: Final = 0x80
_NUMBERS: Final = 2  # r and s


def notes_of_signature(value: bytes) -> frozenset[Note]:
    """Say what is unusual in the spelling of a signature value.

    Exactly 64 bytes are always the raw form (smart cards and some seal makers), so that length alone decides.
    An INTEGER with a needless zero octet in front is not DER, yet in real use.
    """
    if len(value) == _RAW_LENGTH:
        return frozenset({Note.RAW_SIGNATURE})
    numbers = _integers(value)
    if numbers is None:
        return frozenset()
    if any(len(number) > 1 and number[0] == 0 and number[1] < _SIGN_BIT for number in numbers):
        return frozenset({Note.NON_CANONICAL_INTEGER})
    return frozenset()


def is_signature_value(value: bytes) -> bool:
    """Say whether the bytes are r and s and nothing else: 64 raw bytes or a SEQUENCE of two INTEGERs."""
    return len(value) == _RAW_LENGTH or _integers(value) is not None


def _integers(value: bytes) -> tuple[bytes, bytes] | None:
    """Return the contents of the two INTEGERs, or None; short lengths suffice for curves up to 384 bits."""
    if len(value) < 2 or value[0] != SEQUENCE or value[1] != len(value) - 2:  # noqa: PLR2004 - tag and length
        return None
    numbers = []
    position = 2
    while position < len(value):
        if position + 2 > len(value) or value[position] != INTEGER or value[position + 1] == 0:
            return None
        end = position + 2 + value[position + 1]
        if end > len(value):
            return None
        numbers.append(value[position + 2 : end])
        position = end
    return (numbers[0], numbers[1]) if len(numbers) == _NUMBERS else None
