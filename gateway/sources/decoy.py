"""Which document is verified in place of one that is not there, so that the time of an answer tells nothing."""

import hashlib
import hmac
from typing import Final

from gateway.sources.source import ByIdentifier, LicenceKey

SECRET_BYTES: Final = 32
_SEPARATOR: Final = "\x00"  # no normal spelling holds one


def pick_decoy(key: LicenceKey, *, secret: bytes, count: int) -> int:
    """Return a number below ``count`` that is the same whenever the same licence is asked for."""
    return draw_decoy(key, secret=secret) % count


def draw_decoy(key: LicenceKey, *, secret: bytes) -> int:
    """Return a number of 63 bits, as databases have them, that is the same whenever the same licence is asked for.

    The holder does not count: were every guess of a holder answered in another time, and only for licences that do not
    exist, guessing would tell which exist. Nobody without the secret of the store can foresee the number.
    """
    parts = ("i", key.identifier) if isinstance(key, ByIdentifier) else ("n", key.number, key.type)
    digest = hmac.digest(secret, _SEPARATOR.join(parts).encode(), hashlib.sha256)
    return int.from_bytes(digest[:8]) >> 1
