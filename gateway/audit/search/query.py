"""What an auditor searches for, and the place that a search has reached.

All terms must hold together. Whom or what a number names is looked up by keyed hashes, so the number itself stands
nowhere but in the private part of the entry that says who searched for it.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

import msgspec

from gateway.audit.entry import MAX_PRIVATE_TEXT, SEPARATOR
from gateway.audit.errors import AuditError
from gateway.audit.leaf import MAX_NUMBER, MAX_TEXT, LeafKind
from gateway.audit.lookup import LookupKeys
from keys.canonical_json import encode_canonical

PRIVATE_TERMS: Final = ("subject", "official", "case", "licence")  # named in private parts only
PUBLIC_TERMS: Final = ("caller", "item", "form", "policy", "decision")  # named in leaves
_TAG_SIZE: Final = 16
_PLACE_SIZE: Final = 8
_LABEL: Final = b"tongban access log: cursor\0"


class QueryFlaw(StrEnum):
    """Why a search is refused."""

    EMPTY = "empty"  # neither a term nor a time: that is an export
    TEXT = "text"
    TIME = "time"
    CURSOR = "cursor"  # of another search, changed, or older than the keys of the index


class QueryError(AuditError):
    """This is no search; ``member`` names what is wrong, no value."""

    def __init__(self, flaw: QueryFlaw, member: str) -> None:
        super().__init__(f"{flaw}: {member}")
        self.flaw = flaw
        self.member = member


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Query:
    """What to search for; an empty text, no kinds and None say nothing. Times are ``since <= t < until`` in ms.

    Making one raises `QueryError` (EMPTY, TEXT, TIME).
    """

    subject: str = ""
    official: str = ""
    case: str = ""
    licence: str = ""
    caller: str = ""
    item: str = ""
    form: str = ""
    policy: str = ""
    decision: str = ""
    kinds: frozenset[LeafKind] = frozenset()
    since: int | None = None
    until: int | None = None

    def __post_init__(self) -> None:
        """Refuse what nothing can be found by."""
        for name in PRIVATE_TERMS:
            text = getattr(self, name)
            if SEPARATOR in text or not _fits(text, MAX_PRIVATE_TEXT):
                raise QueryError(QueryFlaw.TEXT, name)
        for name in PUBLIC_TERMS:
            if not _fits(getattr(self, name), MAX_TEXT):
                raise QueryError(QueryFlaw.TEXT, name)
        for time in (self.since, self.until):
            if time is not None and not 0 <= time <= MAX_NUMBER:
                raise QueryError(QueryFlaw.TIME, "since or until")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise QueryError(QueryFlaw.TIME, "since before until was expected")
        if not self.members():
            raise QueryError(QueryFlaw.EMPTY, "a term or a time was expected")

    def members(self) -> dict[str, Any]:
        """Return what is searched for, as JSON; the order of kinds says nothing."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        said["kinds"] = sorted(self.kinds)
        return {name: value for name, value in said.items() if value or value == 0}


def encode_query(query: Query) -> bytes:
    """Return the one spelling of a search: what the entry about it commits to."""
    return encode_canonical(query.members())


def parse_query(members: Mapping[str, Any]) -> Query:
    """Return the search that has these members, as `Query.members` gives them.

    Raises:
        QueryError: EMPTY, TEXT, TIME; TEXT also for members that no search has.

    """
    try:
        query = msgspec.convert(dict(members), Query)
    except msgspec.ValidationError:  # the cause may quote the content
        raise QueryError(QueryFlaw.TEXT, "the members of a search were expected") from None
    if query.members() != members:
        raise QueryError(QueryFlaw.TEXT, "the members of a search were expected")
    return query


def encode_cursor(query: Query, before: int, keys: LookupKeys) -> str:
    """Return the cursor behind which the search goes on, below entry ``before``; good for this search only."""
    place = before.to_bytes(_PLACE_SIZE)
    return base64.urlsafe_b64encode(place + _tag(query, place, keys)).decode()


def parse_cursor(text: str, query: Query, keys: LookupKeys) -> int:
    """Return the entry below which the search goes on.

    Raises:
        QueryError: CURSOR.

    """
    try:
        data = base64.b64decode(text.encode("ascii"), b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise QueryError(QueryFlaw.CURSOR, "cursor") from error
    place, tag = data[:_PLACE_SIZE], data[_PLACE_SIZE:]
    if len(data) != _PLACE_SIZE + _TAG_SIZE or not hmac.compare_digest(tag, _tag(query, place, keys)):
        raise QueryError(QueryFlaw.CURSOR, "cursor")
    return int.from_bytes(place)


def _tag(query: Query, place: bytes, keys: LookupKeys) -> bytes:
    return hmac.digest(keys.keys[keys.current], _LABEL + place + encode_query(query), "sha256")[:_TAG_SIZE]


def _fits(text: str, most: int) -> bool:
    try:
        return len(text.encode()) <= most
    except UnicodeEncodeError:  # a lone surrogate
        return False
