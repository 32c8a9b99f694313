"""Entries of the log as the rules see them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.audit.alarms.observed import ObservationKey, Observed, Place
from gateway.audit.leaf import LeafError, parse_leaf
from gateway.audit.private import KeyNumber, OpenedPart, PrivatePartError, SealedPart, open_private, split_private
from gateway.audit.reader import LogReader
from gateway.audit.unavailable import LogUnavailableError, Unavailable

CHUNK: Final = 256  # entries that are read at a time


class ReadableLog(Protocol):
    """A log over its shards, as far as it is read; everything blocks."""

    def shards(self) -> tuple[str, ...]:
        """Return the shards that were begun, the oldest first."""
        ...

    def reader(self, shard: str | None = None) -> LogReader:
        """Return a shard for reading, None: the latest; raises LogUnavailableError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The entries [first, end) of one shard."""

    shard: str
    first: int
    end: int


def find_stretches(log: ReadableLog, *, since: int | None, most: int | None = None) -> tuple[Stretch, ...]:
    """Return the entries from ``since`` on (milliseconds since 1970), the oldest first: the latest ``most`` of them.

    Raises:
        LogUnavailableError: the log cannot be read.

    """
    found: list[Stretch] = []
    for shard in reversed(log.shards()):
        reader = log.reader(shard)
        head = reader.head()
        if head is None:
            continue
        first = 0 if since is None else reader.store.first_at(since)
        if first is None:  # it ended before, and so did all that are older
            break
        if most is not None:
            first = max(first, head.size - most)
            most -= head.size - first
        found.append(Stretch(shard=shard, first=first, end=head.size))
        if first > 0:
            break
    return tuple(reversed(found))


def read_stretch(log: ReadableLog, stretch: Stretch, key: ObservationKey) -> Iterator[Observed]:
    """Read entries in their order; what was pruned is left out, what was changed is seen as far as it still can be.

    Raises:
        LogUnavailableError: the log cannot be read; CORRUPT, an entry is none.

    """
    reader = log.reader(stretch.shard)
    for first in range(stretch.first, stretch.end, CHUNK):
        yield from _read_chunk(reader, stretch.shard, range(first, min(first + CHUNK, stretch.end)), key)


def _read_chunk(reader: LogReader, shard: str, entries: range, key: ObservationKey) -> Iterator[Observed]:
    stored = reader.store.pick(entries)
    sealed = {entry: _split(one.private) for entry, one in stored.items() if one.private}
    numbers = {number for part in sealed.values() if part is not None for number in _numbers(part)}
    keys = reader.keys.read(sorted(numbers)) if numbers else {}
    for entry in sorted(stored):
        try:
            leaf = parse_leaf(stored[entry].leaf)
        except LeafError as error:
            raise LogUnavailableError(Unavailable.CORRUPT, f"entry {entry}: {error}") from error
        opened = _open(sealed.get(entry), entry, keys)
        is_damaged = entry in sealed and opened is None
        yield key.observe_entry(leaf, opened, place=Place(shard, entry), is_damaged=is_damaged)


def _split(data: bytes) -> SealedPart | None:
    try:
        return split_private(data)
    except PrivatePartError:
        return None


def _numbers(part: SealedPart) -> Sequence[KeyNumber]:
    return (*part.subject_keys, *part.official_keys)


def _open(part: SealedPart | None, entry: int, keys: Mapping[KeyNumber, bytes]) -> OpenedPart | None:
    try:
        return None if part is None else open_private(part, entry=entry, keys=keys)
    except PrivatePartError:
        return None
