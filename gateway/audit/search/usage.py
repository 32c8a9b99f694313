"""Who looked at mine: the entries about a holder over all shards. The official's name stays with the auditor.

Newest first. What a rule of secrecy hides is passed over and counted; a page is filled all the same, so that neither
its length nor its cursor tells that something is missing. As much is read at a time for a short page as for a long one,
and the place in a cursor is sealed, since it may be that of an entry that is hidden.
"""

import base64
import binascii
import hmac
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.entry import SubjectId
from gateway.audit.leaf import Leaf, LeafError, LeafKind, parse_leaf
from gateway.audit.lookup import LookupKeys
from gateway.audit.reader import LogReader
from gateway.audit.search.query import Query, QueryError, QueryFlaw, encode_cursor, encode_query, parse_cursor
from gateway.audit.search.search import MAX_PAGE, USUAL_PAGE, FoundEntry, LogSearch
from gateway.audit.unavailable import LogUnavailableError, Unavailable

USAGE_KINDS: Final = frozenset({LeafKind.ACCESS, LeafKind.MATCH, LeafKind.DENY})
MAX_LOOKED: Final = 10_000  # entries that are looked at for one answer, of any length; some 0.15 ms each
_NEWEST: Final = 2**63 - 1  # above every entry
_NONCE_SIZE: Final = 12  # random; nobody asks for the 2^32 pages that GCM allows under one key
_INDEX_SIZE: Final = 8
_LABEL: Final = b"tongban access log: place of a holder's page\0"

SelectRule = Callable[[Leaf], str | None]  # the rule that hides an entry, None: it is shown


class Shards(Protocol):
    """The log of a site, one shard after the other."""

    def shards(self) -> tuple[str, ...]:
        """Return the shards, the oldest first."""
        ...

    def reader(self, shard: str | None = None) -> LogReader:
        """Return a shard for reading; raises LogUnavailableError where it cannot be opened."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One use of somebody's licences: entry ``index`` of the log ``origin``, and the facts that decided it.

    ``facts`` are the values that the policy decided by; () where they are erased, damaged or were never there.
    """

    shard: str
    origin: str
    index: int
    data: bytes
    leaf: Leaf
    facts: tuple[str, ...]
    is_damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePage:
    """Uses; the log tells of the time from ``period_from`` to ``heartbeat`` (ms since 1970; None: it is empty).

    ``withheld`` counts by rule what was passed over between this page and the next.
    """

    uses: tuple[Usage, ...]
    cursor: str | None
    period_from: int | None
    heartbeat: int | None
    withheld: Mapping[str, int]


class _Place(NamedTuple):
    """Where a search goes on: in a shard, below entry ``before``."""

    shard: str
    before: int = _NEWEST


def usage_query(subject: SubjectId, *, since: int | None = None, until: int | None = None) -> Query:
    """Return the search for uses in ``since <= t < until`` (ms since 1970); raises QueryError (TIME)."""
    return Query(subject=subject, kinds=USAGE_KINDS, since=since, until=until)


def find_usage(
    log: Shards, query: Query, *, select_rule: SelectRule, cursor: str | None = None, limit: int = USUAL_PAGE
) -> UsagePage:
    """Return who looked at somebody's licences; blocks.

    A page is shorter than ``limit`` at the end, and where `MAX_LOOKED` entries were looked at for it.

    Raises:
        QueryError: CURSOR.
        LogUnavailableError: as `LogSearch.find`.

    """
    shards = log.shards()
    uses: list[Usage] = []
    withheld: Counter[str] = Counter()
    passed: Counter[str] = Counter()  # since the last use: for the page that shows the next one
    place = _first_place(log, query, cursor)
    looked = 0
    while place is not None and looked < MAX_LOOKED:
        reader = log.reader(place.shard)
        behind = encode_cursor(query, place.before, reader.lookup)
        page = LogSearch.of(reader).find(query, cursor=behind, limit=MAX_PAGE)
        looked += page.looked
        for found in page.entries:
            rule = select_rule(found.leaf)
            if rule is not None:
                passed[rule] += 1
            elif len(uses) < limit:
                uses.append(_use(place.shard, reader.origin, found))
                withheld += passed
                passed.clear()
            else:  # there is another one, for the next page
                return _page(log, query, uses, withheld, _Place(uses[-1].shard, uses[-1].index))
        if page.cursor is None:
            place = _older(shards, place.shard)
        else:
            place = _Place(place.shard, parse_cursor(page.cursor, query, reader.lookup))
    return _page(log, query, uses, withheld + passed, place)


def _page(log: Shards, query: Query, uses: list[Usage], withheld: Mapping[str, int], place: _Place | None) -> UsagePage:
    heads = [(reader, head) for shard in log.shards() if (head := (reader := log.reader(shard)).head()) is not None]
    return UsagePage(
        uses=tuple(uses),
        cursor=None if place is None else _seal_place(place, query, _keys(log)),
        period_from=_first_time(heads[0][0]) if heads else None,
        heartbeat=heads[-1][1].t if heads else None,
        withheld=dict(withheld),
    )


def _first_time(log: LogReader) -> int:
    try:
        return parse_leaf(log.leaf(0)).t
    except LeafError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, f"entry 0: {error}") from error


def _first_place(log: Shards, query: Query, cursor: str | None) -> _Place | None:
    """Return where a search begins, or goes on."""
    shards = log.shards()
    if cursor is None:
        return _Place(shards[-1]) if shards else None
    place = _open_place(cursor, query, _keys(log)) if shards else None
    if place is None or place.shard not in shards:
        raise QueryError(QueryFlaw.CURSOR, "cursor")
    return place


def _older(shards: tuple[str, ...], shard: str) -> _Place | None:
    place = shards.index(shard)
    return _Place(shards[place - 1]) if place else None


# --- cursors ----------------------------------------------------------------------------------------------------------


def _keys(log: Shards) -> LookupKeys:
    """Return the keys of the newest shard: as a new one begins, the cursors before it end."""
    return log.reader(log.shards()[-1]).lookup


def _seal_place(place: _Place, query: Query, keys: LookupKeys) -> str:
    """Return the cursor of a place, good for this search only; nothing can be read from it, its length neither."""
    nonce = secrets.token_bytes(_NONCE_SIZE)
    said = place.before.to_bytes(_INDEX_SIZE) + place.shard.encode()
    return base64.urlsafe_b64encode(nonce + _cipher(keys).encrypt(nonce, said, encode_query(query))).decode()


def _open_place(cursor: str, query: Query, keys: LookupKeys) -> _Place | None:
    """Return the place of a cursor; None for one that is not ours, or of another search."""
    try:
        data = base64.b64decode(cursor.encode("ascii"), b"-_", validate=True)
        said = _cipher(keys).decrypt(data[:_NONCE_SIZE], data[_NONCE_SIZE:], encode_query(query))
    except (binascii.Error, ValueError, InvalidTag):
        return None
    return _Place(said[_INDEX_SIZE:].decode(), int.from_bytes(said[:_INDEX_SIZE]))


def _cipher(keys: LookupKeys) -> AESGCM:
    return AESGCM(hmac.digest(keys.keys[keys.current], _LABEL, "sha256"))


def _use(shard: str, origin: str, found: FoundEntry) -> Usage:
    return Usage(
        shard=shard,
        origin=origin,
        index=found.index,
        data=found.data,
        leaf=found.leaf,
        facts=() if found.private is None else found.private.part.context,
        is_damaged=found.is_damaged,
    )
