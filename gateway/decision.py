"""The id of a decision: 26 characters that sort by time, and that nobody can guess."""

import secrets
from datetime import datetime
from typing import Final, NewType

DecisionId = NewType("DecisionId", str)

DECISION_ID_PATTERN: Final = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
RANDOM_BYTES: Final = 10  # 80 bits, as in the ULID scheme: no two of a trillion a second collide

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_CHARACTERS: Final = 26  # 130 bits for 48 of time and 80 of randomness


def make_decision_id(at: datetime, randomness: bytes | None = None) -> DecisionId:
    """Return the id of a decision made at ``at``: 48 bits of milliseconds since 1970, then 80 random bits."""
    if randomness is None:
        randomness = secrets.token_bytes(RANDOM_BYTES)
    milliseconds = int(at.timestamp() * 1000)
    number = milliseconds << (8 * RANDOM_BYTES) | int.from_bytes(randomness, "big")
    return DecisionId("".join(_ALPHABET[number >> (5 * place) & 31] for place in reversed(range(_CHARACTERS))))
