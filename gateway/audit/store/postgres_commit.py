"""What a batch writes to PostgreSQL: whole groups with the words of all their entries, and single entries behind them.

Entries behind the last whole group wait in rows of their own until a batch completes their group. So entries that come
one at a time take no more in the end than those that come together, and each is in the index of words once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from gateway.audit.store.group import GROUP_WIDTH, Group, close_groups, read_group
from gateway.audit.store.postgres_owners import split_owners
from gateway.audit.store.store import Batch, StoredHead, check_value
from gateway.audit.tlog.merkle import EMPTY_ROOT
from gateway.audit.unavailable import LogUnavailableError, Unavailable

LEVEL_SHIFT: Final = 56  # the row number of a tile: its level above, its index below
EMPTY: Final = StoredHead(size=0, root=EMPTY_ROOT, t=0, checkpoint=b"")


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An entry that lies by itself, with its time and its words."""

    group: Group
    t: int
    words: Sequence[int]


def read_open(first: int, hashes: bytes, leaves: bytes, privates: bytes, t: int, words: Sequence[int]) -> OpenEntry:  # noqa: PLR0917 - the columns of a row
    """Return a single entry from its row.

    Raises:
        LogUnavailableError: CORRUPT.

    """
    if type(t) is not int or words is None:
        raise LogUnavailableError(Unavailable.CORRUPT, "an entry by itself")
    return OpenEntry(read_group(first, hashes, leaves, privates), t, words)


@dataclass(frozen=True, slots=True)
class Planned:
    """The arguments of `COMMIT`, and the entries that lie by themselves when it is done."""

    arguments: tuple[object, ...]
    opened: Sequence[OpenEntry]


def plan_commit(batch: Batch, before: StoredHead, opened: Sequence[OpenEntry]) -> Planned:
    """Return how to add a batch behind ``before``, whose last group has the ``opened`` entries.

    Raises:
        LogUnavailableError: CORRUPT, as `close_groups` says.

    """
    head = batch.head
    closed, single = close_groups([one.group for one in opened], batch)
    times = [opened[0].t if opened and not at else head.t for at in range(len(closed))]
    start = batch.first - len(opened)
    end = start + len(closed) * GROUP_WIDTH
    words = [(word, one.group.first) for one in opened for word in one.words] if closed else []
    words += dict.fromkeys(row for row in batch.words if row[1] < end)
    apart: dict[int, dict[int, None]] = {group.first: {} for group in single}
    for word, entry in batch.words:
        if entry >= end:
            apart[entry][word] = None
    emptied = range(len(single), GROUP_WIDTH) if closed and (opened or single) else ()
    sizes = [len(apart[group.first]) for group in single] + [0] * len(emptied)
    ends = list(accumulate(sizes, initial=0))
    tiles = [tile for tile in batch.tiles if tile.address.level]
    nothing = [None] * len(emptied)
    arguments = (
        *(before.size, before.root, before.t, before.checkpoint, head.t),
        *([group.first for group in closed], times, [group.hashes for group in closed]),
        *([group.leaves for group in closed], [group.privates for group in closed]),
        *(start, [word for word, _ in words], bytes([entry - start for _, entry in words])),
        *(batch.first, batch.epoch, *split_owners(batch.owners), list(batch.owners.values())),
        *(list(batch.seqs), list(batch.seqs.values()), [check_value(*row) for row in batch.seqs.items()]),
        [tile.address.level << LEVEL_SHIFT | tile.address.index for tile in tiles],
        [tile.hashes for tile in tiles],
        *(head.size, head.root, head.checkpoint),
        [*(group.first % GROUP_WIDTH for group in single), *emptied],
        [*(group.first for group in single), *nothing],
        [*(group.hashes for group in single), *nothing],
        [*(group.leaves for group in single), *nothing],
        [*(group.privates for group in single), *nothing],
        [word for words_of in apart.values() for word in words_of],
        *(ends[:-1], ends[1:]),
    )
    left = [OpenEntry(group, head.t, list(apart[group.first])) for group in single]
    return Planned(arguments, left if closed else [*opened, *left])
