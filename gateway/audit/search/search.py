"""Searching the log: newest first, page by page, each entry checked against the tree before it is shown.

A term that the index knows leads the search: the decision, the case, the licence, the subject, the official, the days
of a caller, or kinds that are no answers; other such terms are looked up for each candidate. Everything else is
compared with the leaf. Without a term of the index the leaves themselves are read backwards, up to a bound for one
page; the next page goes on there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import count, islice
from typing import Final

from gateway.audit.committed import is_committed
from gateway.audit.data_keys import DataKeys
from gateway.audit.entry import split_names
from gateway.audit.leaf import ANSWERS, Leaf, LeafError, parse_leaf
from gateway.audit.lookup import LookupKeys, LookupKind, caller_day, spell_value
from gateway.audit.private import KeyNumber, OpenedPart, PrivatePartError, SealedPart, open_private, split_private
from gateway.audit.reader import LogReader
from gateway.audit.search.query import PUBLIC_TERMS, Query, encode_cursor, parse_cursor
from gateway.audit.store.store import LogStore, StoredHead
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.tile import TILE_WIDTH
from gateway.audit.unavailable import LogUnavailableError, Unavailable

USUAL_PAGE: Final = 20
MAX_PAGE: Final = 200  # entries; each takes about 0.1 ms
MAX_CANDIDATES: Final = 2_000  # of the index, for one page
MAX_SCANNED: Final = 80  # bundles of 256 leaves that are read for one page without the index, some tenths of a second
_FETCHED: Final = 64  # rows of the index that are fetched at a time, fewer for a shorter page: each may be a batch
DAY_MS: Final = 86_400_000
# The terms that the index knows, those first that lead to the fewest entries.
_INDEXED: Final = (
    ("decision", LookupKind.REQUEST),
    ("case", LookupKind.CASE),
    ("licence", LookupKind.LICENCE),
    ("subject", LookupKind.SUBJECT),
    ("official", LookupKind.OFFICIAL),
)
_OF_LEAF: Final = (("req", "decision"), *((name, name) for name in PUBLIC_TERMS if name != "decision"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEntry:
    """An entry that was found: its leaf as it stands in the tree, and its private part.

    ``private`` is None where there is none, and where it was changed (``is_damaged``).
    """

    index: int
    data: bytes
    leaf: Leaf
    private: OpenedPart | None
    is_damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries, the newest first; ``cursor`` leads to older ones, None: there are no more.

    A page may be shorter than it was asked for, even empty, and still have a cursor: so much was looked at for it.
    ``reached``: all entries from this number on were looked at.
    """

    entries: tuple[FoundEntry, ...]
    cursor: str | None
    reached: int
    size: int  # of the log that was searched
    looked: int  # at how many candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """The entries [low, before) that a search looks at; all are earlier than ``until`` (milliseconds since 1970)."""

    low: int
    before: int
    until: int
    since: int | None  # none of them is earlier; None: that is not known, as the log begins later than was asked for
    fetched: int  # rows of the index at a time


_Steps = Iterator[tuple[int, Sequence[int]]]  # (reached, candidates): all entries from ``reached`` on were looked at


class LogSearch:
    """Searches one log; blocks, and is for threads."""

    def __init__(self, store: LogStore, keys: DataKeys, lookup: LookupKeys) -> None:
        """Use the store of a log, its data keys and the keys of its index."""
        self._store = store
        self._keys = keys
        self._lookup = lookup

    @classmethod
    def of(cls, log: LogReader) -> "LogSearch":
        """Search a log that is open."""
        return cls(log.store, log.keys, log.lookup)

    def find(self, query: Query, *, cursor: str | None = None, limit: int = USUAL_PAGE) -> Page:
        """Return a page of what was searched for; ValueError for a limit that is no page.

        Raises:
            QueryError: CURSOR.
            LogUnavailableError: the log cannot be read; CORRUPT, an entry is not the one that stands in the tree.

        """
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"1 to {MAX_PAGE} entries were expected, got {limit}")
        head = self._store.head()
        place = None if cursor is None else parse_cursor(cursor, query, self._lookup)
        if head is None:
            return Page(entries=(), cursor=None, reached=0, size=0, looked=0)
        within = self._range(query, head, place, min(limit, _FETCHED))
        led = self._lead(query, within)
        steps = self._scan(query, within) if led is None else _group(led, limit)
        most = MAX_SCANNED if led is None else -(-MAX_CANDIDATES // limit)
        found: list[FoundEntry] = []
        looked = 0
        for step, (reached, candidates) in enumerate(steps, 1):
            found += self._read(query, candidates)
            looked += len(candidates)
            if len(found) >= limit:
                found = found[:limit]
                reached = found[-1].index  # noqa: PLW2901 - what is behind it is for the next page
            elif step < most:
                continue
            onward = encode_cursor(query, reached, self._lookup) if reached > within.low else None
            return Page(entries=tuple(found), cursor=onward, reached=reached, size=head.size, looked=looked)
        return Page(entries=tuple(found), cursor=None, reached=within.low, size=head.size, looked=looked)

    def follow(self, kind: LookupKind, value: str, query: Query, *, before: int | None = None) -> Iterator[FoundEntry]:
        """Yield what one word of the index leads to and a search fits, the newest first, below entry ``before``.

        Raises:
            LogUnavailableError: as `find` does.

        """
        head = self._store.head()
        if head is None:
            return
        within = self._range(query, head, before, _FETCHED)
        for _, candidates in _group(self._follow(self._lookup.words(kind, value), within), _FETCHED):
            yield from self._read(query, candidates)

    def _range(self, query: Query, head: StoredHead, place: int | None, fetched: int) -> _Range:
        low = 0 if query.since is None else self._first_at(query.since, head.size)
        end = head.size if query.until is None else self._first_at(query.until, head.size)
        before = min(end, head.size if place is None else place)
        until = head.t + 1 if query.until is None else min(query.until, head.t + 1)
        since = query.since if low else None
        return _Range(low=low, before=before, until=until, since=since, fetched=fetched)

    def _first_at(self, t: int, size: int) -> int:
        first = self._store.first_at(t)
        return size if first is None else min(first, size)

    # --- candidates ---------------------------------------------------------------------------------------------------

    def _lead(self, query: Query, within: _Range) -> Iterator[int] | None:
        """Return the entries that the first term of the index leads to; None where it knows none of the terms."""
        for name, kind in _INDEXED:
            if value := getattr(query, name):
                return self._follow(self._lookup.words(kind, value), within)
        if query.caller:
            return self._follow_days(query.caller, within)
        if query.kinds and query.kinds.isdisjoint(ANSWERS):
            words = [word for kind in query.kinds for word in self._lookup.words(LookupKind.KIND, kind)]
            return self._follow(words, within)
        return None

    def _follow(self, words: Sequence[int], within: _Range) -> Iterator[int]:
        """Merge what the words of all epochs lead to; the latest first."""
        return merge(*(self._follow_word(word, within) for word in words), reverse=True)

    def _follow_word(self, word: int, within: _Range) -> Iterator[int]:
        before = within.before
        while before > within.low:
            found = self._store.find(word, before=before, since=within.low, limit=within.fetched)
            yield from found
            if len(found) < within.fetched:
                return
            before = found[-1]

    def _follow_days(self, caller: str, within: _Range) -> Iterator[int]:
        """Go back day by day; a shard has 184."""
        since = within.since
        if since is None:
            first = self._store.pick([within.low]).get(within.low)
            since = within.until if first is None else _parse(first.leaf).t
        first_day, day = caller_day(caller, since), ""
        for t in count(within.until - 1, -DAY_MS):
            if day == first_day or t < since - DAY_MS:
                return
            day = caller_day(caller, t)
            yield from self._follow(self._lookup.words(LookupKind.CALLER_DAY, day), within)

    def _scan(self, query: Query, within: _Range) -> _Steps:
        """Read the leaves backwards; only those that have all the texts somewhere are taken apart."""
        needles = [f'"{name}":"{text}"'.encode() for name, term in _OF_LEAF if (text := getattr(query, term))]
        kinds = [f'"kind":"{kind}"'.encode() for kind in query.kinds]
        end = within.before
        while end > within.low:
            first = max((end - 1) // TILE_WIDTH * TILE_WIDTH, within.low)
            leaves = self._store.leaves(first, end)
            yield (
                first,
                [
                    index
                    for index, leaf in zip(range(end - 1, first - 1, -1), reversed(leaves), strict=False)
                    if all(needle in leaf for needle in needles) and (not kinds or any(kind in leaf for kind in kinds))
                ],
            )
            end = first

    # --- entries ------------------------------------------------------------------------------------------------------

    def _read(self, query: Query, candidates: Sequence[int]) -> list[FoundEntry]:
        """Return those of the candidates that all terms fit, in their order."""
        picked = self._store.pick(candidates)
        kept: list[tuple[int, bytes, Leaf]] = []
        sealed: dict[int, SealedPart | None] = {}
        for index in candidates:
            if index not in picked:
                raise LogUnavailableError(Unavailable.CORRUPT, f"entry {index} is missing")
            leaf = _parse(picked[index].leaf)
            if fits_leaf(query, leaf) and self._is_led_to(query, index):
                if picked[index].hash != leaf_hash(picked[index].leaf):
                    raise LogUnavailableError(Unavailable.CORRUPT, f"entry {index} is not the one of the tree")
                kept.append((index, picked[index].leaf, leaf))
                if picked[index].private:
                    sealed[index] = _split(picked[index].private)
        keys = self._keys.read({number for part in sealed.values() if part is not None for number in _numbers(part)})
        found = []
        for index, data, leaf in kept:
            private = _open(sealed.get(index), index, leaf, keys)
            if private is None or not _contradicts(query, private):
                is_damaged = index in sealed and private is None
                found.append(FoundEntry(index=index, data=data, leaf=leaf, private=private, is_damaged=is_damaged))
        return found

    def _is_led_to(self, query: Query, index: int) -> bool:
        """Answer whether the terms behind the first lead to the entry too, also where its private part is erased."""
        others = [(kind, value) for name, kind in _INDEXED if (value := getattr(query, name))][1:]
        return all(
            any(
                self._store.find(word, before=index + 1, since=index, limit=1)
                for word in self._lookup.words(kind, value)
            )
            for kind, value in others
        )


def _group(entries: Iterator[int], size: int) -> _Steps:
    while group := list(islice(entries, size)):
        yield group[-1], group


def _parse(data: bytes) -> Leaf:
    try:
        return parse_leaf(data)
    except LeafError as error:
        raise LogUnavailableError(Unavailable.CORRUPT, f"an entry: {error}") from error


def fits_leaf(query: Query, leaf: Leaf) -> bool:
    """Answer whether the leaf has what was searched for, as far as leaves tell."""
    content = leaf.content
    return (
        all(getattr(content, name) == text for name, term in _OF_LEAF if (text := getattr(query, term)))
        and (not query.kinds or content.kind in query.kinds)
        and (query.since is None or leaf.t >= query.since)
        and (query.until is None or leaf.t < query.until)
    )


def _contradicts(query: Query, opened: OpenedPart) -> bool:
    """Answer whether another value was meant: two of 10^9 values may share a word of the index."""
    part = opened.part
    said: list[tuple[str, tuple[str, ...]]] = []
    if not opened.subject_erased:
        said += [(query.subject, part.subjects), (query.licence, split_names(part.licence))]
    if not opened.official_erased:
        for kind, text, value in (
            (LookupKind.OFFICIAL, query.official, part.official),
            (LookupKind.CASE, query.case, part.case),
        ):
            said.append((spell_value(kind, text), (spell_value(kind, value),)))
    return any(asked and asked not in values for asked, values in said)


def _split(data: bytes) -> SealedPart | None:
    try:
        return split_private(data)
    except PrivatePartError:
        return None


def _numbers(part: SealedPart) -> tuple[KeyNumber, ...]:
    return (*part.subject_keys, *part.official_keys)


def _open(part: SealedPart | None, index: int, leaf: Leaf, keys: Mapping[KeyNumber, bytes]) -> OpenedPart | None:
    """Return the private part; None where there is none, and where it is not the one that the leaf commits to."""
    try:
        opened = None if part is None else open_private(part, entry=index, keys=keys)
    except PrivatePartError:
        return None
    return opened if opened is not None and is_committed(opened, leaf.content.commits) else None
