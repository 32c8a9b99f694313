"""The id of a decision: 26 characters that sort by time, and that nobody can guess."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NewType

from gateway.randomness import take_random

DecisionId = NewType("DecisionId", str)

DECISION_ID_PATTERN: Final = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
RANDOM_BYTES: Final = 10  # 80 bits, as in the ULID scheme: no two of a trillion a second collide

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_CHARACTERS: Final = 26  # 130 bits for 48 of time and 80 of randomness


def make_decision_id(at: datetime, randomness: bytes | None = None) -> DecisionId:
    """Return the id of a decision made at ``at``: 48 bits of milliseconds since 1970, then 80 random bits."""
    if randomness is None:
        randomness = take_random(RANDOM_BYTES)
    milliseconds = int(at.timestamp() * 1000)
    number = milliseconds << (8 * RANDOM_BYTES) | int.from_bytes(randomness, "big")
    return DecisionId("".join(_ALPHABET[number >> (5 * place) & 31] for place in reversed(range(_CHARACTERS))))


def decision_moment(decision: str) -> datetime:
    """Return when a decision was made, to the millisecond.

    Raises:
        ValueError: this is no id of a decision, or of a time after the year 9999.

    """
    if not re.fullmatch(DECISION_ID_PATTERN, decision) or decision.endswith("\n"):
        raise ValueError("the id of a decision was expected")
    number = 0
    for character in decision:
        number = number << 5 | _ALPHABET.index(character)
    try:
        return _EPOCH + timedelta(milliseconds=number >> 8 * RANDOM_BYTES)
    except OverflowError as error:
        raise ValueError("the id of a decision was expected") from error
