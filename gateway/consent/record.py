"""A consent: of which holders, to which items, for which licence types and fields, to whom, from when to when."""

import hashlib
import hmac
import secrets
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NewType

from gateway.sources.source import normal_code

ConsentId = NewType("ConsentId", str)

CONSENT_ID_PATTERN: Final = "^[A-Z2-7]{26}$"
MAX_HOLDERS: Final = 16  # who declare together; a licence of more holders is rare
MAX_NAMES: Final = 100  # items, licence types, organisations of one consent
MAX_FIELDS: Final = 200  # as many as a licence type may have
MAX_LIFE: Final = timedelta(days=5 * 366)  # five years; a consent for ever is none that anybody could remember

_ID_BYTES: Final = 16  # 128 bits: nobody guesses one
_ID_CHARACTERS: Final = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """A consent as it is kept; it counts in ``given_at <= at < expires_at``, until it is withdrawn.

    ``holders`` are keyed hashes of their numbers (`hash_holder`), never the numbers. ``fields`` None: all.
    ``organisations`` are credit codes of those who may use it, ``registered_by`` is that of who registered it, and who
    may withdraw it; "": the operator.
    """

    id: ConsentId
    holders: frozenset[bytes]
    items: frozenset[str]
    licences: frozenset[str]
    fields: frozenset[str] | None
    organisations: frozenset[str]
    registered_by: str
    given_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None = None

    def covers(self, *, at: datetime, item: str, licence: str, organisation: str, holders: Iterable[bytes]) -> bool:
        """Say whether the consent counts for a question: for all of it, and from every holder of the licence."""
        asked = frozenset(holders)
        return (
            self.given_at <= at < self.expires_at
            and self.withdrawn_at is None
            and item in self.items
            and licence in self.licences
            and organisation in self.organisations
            and bool(asked)
            and asked <= self.holders
        )


def make_consent_id() -> ConsentId:
    """Draw an id."""
    return ConsentId(b32encode(secrets.token_bytes(_ID_BYTES)).decode("ascii")[:_ID_CHARACTERS])


def hash_holder(code: str, secret: bytes) -> bytes | None:
    """Return the keyed hash of a holder's number; None for a number that says nothing.

    Without the key nobody can find the number by trying all there are.
    """
    normal = normal_code(code)
    return hmac.digest(secret, normal.encode(), hashlib.sha256) if normal else None
