r"""The digest of a day's index, over its rows in one order, whatever store keeps them (docs/audit-format.md).

    SHA-256("tongban index/1\n" ‖ rows ‖ owners ‖ how many rows (8) ‖ how many owners (8))
    row: word (8, signed) ‖ entry (8); in the order of words, then entries
    owner: owner (12) ‖ number of the data key (8) ‖ first entry of its batch (8) ‖ epoch (8); in the order of owners

Numbers are big-endian. Everything is keyed hashes and numbers, yet whoever has the keys could try all citizen numbers
against a digest; so a seal does not state it, but a commitment to it (`gateway.audit.seal.sealed`).
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Final, TypeVar

from gateway.audit.lookup import OWNER_SIZE, KeyOwner
from gateway.audit.store.store import LogStore, OwnerRow
from gateway.audit.unavailable import LogUnavailableError, Unavailable

T = TypeVar("T")
LABEL: Final = b"tongban index/1\n"
MAX_ENTRIES: Final = (
    4_194_304  # whose rows are read together: 3 * 10^7, which PostgreSQL sorts on half a gigabyte of disk
)
_WORDS: Final = 2**64
_COUNT: Final = struct.Struct(">qq")
_OWNER: Final = struct.Struct(f">{OWNER_SIZE}sqqq")

Span = tuple[int, int]  # entries [first, next)
Row = tuple[int, int]  # word, entry
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What is about to be deleted of the index: all rows of these words and entries (in order), and these owners."""

    words: frozenset[int] = frozenset()
    entries: Sequence[int] = ()
    owners: frozenset[KeyOwner] = frozenset()

    def spare_rows(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the rows that are left."""
        if not self.words and not self.entries:
            return rows
        return [row for row in rows if row[0] not in self.words and not self._names(row[1])]

    def spare_owners(self, rows: Sequence[OwnerRow]) -> Sequence[OwnerRow]:
        """Return the owners that are left."""
        return [row for row in rows if row.owner not in self.owners]

    def _names(self, entry: int) -> bool:
        at = bisect_left(self.entries, entry)
        return at < len(self.entries) and self.entries[at] == entry


NOTHING: Final = Erasure()


def digest_spans(
    store: LogStore,
    spans: Sequence[Span],
    *,
    erasures: Sequence[Erasure] = (NOTHING,),
    progress: Progress = lambda _done, _total: None,
) -> list[list[bytes]]:
    """Return of each span a digest behind each erasure. Spans are in order and have no entry in common; blocks.

    ``progress`` is told entries done and in all.

    Raises:
        LogUnavailableError: the index cannot be read; CORRUPT, a row of it is none.

    """
    hashes = [[_SpanHash(erasure) for erasure in erasures] for _ in spans]
    total, done, at = sum(end - first for first, end in spans), 0, 0
    for group in _groups(spans):
        mine, count = hashes[at : at + len(group)], sum(end - first for first, end in group)
        starts = [first for first, _ in group]
        for rows in store.index_rows(_join(group)):
            for place, part in _split(rows, [entry for _, entry in rows], starts):
                for one in mine[place]:
                    one.take_rows(part)
            progress(done + (rows[-1][0] + _WORDS // 2) * count // _WORDS if rows else done, total)
        for owners in store.owner_rows(_join(group)):
            for place, owned in _split(owners, [row.first for row in owners], starts):
                for one in mine[place]:
                    one.take_owners(owned)
        done, at = done + count, at + len(group)
        progress(done, total)
    return [[one.finish() for one in several] for several in hashes]


class _SpanHash:
    """The digest of one span as far as it was read; all rows come before all owners."""

    def __init__(self, erasure: Erasure) -> None:
        self._erasure = erasure
        self._hash = sha256(LABEL)
        self._rows = self._owners = 0

    def take_rows(self, rows: Sequence[Row]) -> None:
        left = self._erasure.spare_rows(rows)
        self._rows += len(left)
        self._hash.update(_pack(struct.Struct(f">{2 * len(left)}q"), *chain.from_iterable(left)))

    def take_owners(self, owners: Sequence[OwnerRow]) -> None:
        for row in self._erasure.spare_owners(owners):
            self._owners += 1
            self._hash.update(_pack(_OWNER, row.owner, row.number, row.first, row.epoch))

    def finish(self) -> bytes:
        self._hash.update(_COUNT.pack(self._rows, self._owners))
        return self._hash.digest()


def _pack(form: struct.Struct, *values: object) -> bytes:
    try:
        return form.pack(*values)
    except struct.error as error:
        raise LogUnavailableError(Unavailable.CORRUPT, "a row of the index") from error


def _groups(spans: Sequence[Span]) -> Iterator[Sequence[Span]]:
    """Cut spans into groups that are read together, of one span at least."""
    group: list[Span] = []
    for span in spans:
        if group and sum(end - first for first, end in (*group, span)) > MAX_ENTRIES:
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _join(spans: Sequence[Span]) -> list[Span]:
    """Return the same entries in as few spans as possible."""
    joined: list[Span] = []
    for first, end in spans:
        if joined and joined[-1][1] == first:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((first, end))
    return joined


def _split(rows: Sequence[T], entries: Sequence[int], starts: Sequence[int]) -> Iterator[tuple[int, list[T]]]:
    """Sort rows by the span that their entry lies in."""
    parts: dict[int, list[T]] = {}
    for row, entry in zip(rows, entries, strict=True):
        parts.setdefault(bisect_right(starts, entry) - 1, []).append(row)
    yield from parts.items()
