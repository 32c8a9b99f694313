"""Groups of entries at rest."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.store.group import (
    Group,
    close_groups,
    first_in_group,
    join_groups,
    join_hashes,
    make_groups,
    pack_leaves,
    pick_entries,
    read_group,
    unpack_leaves,
    unpack_privates,
)
from gateway.audit.store.store import StoredEntry
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.store.batches import Writer, make_leaf


def pieces(*counts: int, first: int = 0) -> list[Group]:
    """Return groups side by side, each of a batch and so of a time of its own, from an entry on."""
    writer = Writer()
    if first:
        writer.batch(first)
    return [group for at, count in enumerate(counts) for group in make_groups(writer.batch(count, t=1_000 + 10 * at))]


@pytest.mark.parametrize("data", [b"", b"garbage", pack_leaves([b"a"]) + b"x", pack_leaves([b"a"])[:-1]])
def test_damaged_leaves_are_corrupt(data: bytes) -> None:
    """Only what was written is read."""
    with pytest.raises(LogUnavailableError) as caught:
        unpack_leaves(data, 1)
    assert caught.value.reason is Unavailable.CORRUPT


@given(first=st.integers(0, 300), count=st.integers(1, 256))
def test_groups_hold_a_batch_and_cross_no_tile(first: int, count: int) -> None:
    """Every entry of a batch is in one group, beside its own hash, and no group goes beyond a multiple of 16."""
    writer = Writer()
    if first:
        writer.batch(first)
    batch = writer.batch(count)
    groups = make_groups(batch)
    assert all(group.first // 16 == (group.first + group.count - 1) // 16 for group in groups)
    found = pick_entries(groups, range(first + count))
    assert [found[entry] for entry in range(first, first + count)] == [
        StoredEntry(leaf=leaf, private=private, hash=leaf_hash(leaf))
        for leaf, private in zip(batch.leaves, batch.privates, strict=True)
    ]


@pytest.mark.parametrize(
    "columns", [(b"", b"", b""), (b"h" * 31, b"", b""), ("h" * 32, b"", b""), (b"h" * 32, None, 1)]
)
def test_columns_of_another_kind_are_corrupt(columns: tuple[bytes, bytes, bytes]) -> None:
    """A row that cannot be a group is told apart before anything is read from it."""
    with pytest.raises(LogUnavailableError) as caught:
        read_group(0, *columns)
    assert caught.value.reason is Unavailable.CORRUPT


@pytest.mark.parametrize("rows", [[(1, b"h" * 32)], [(0, b"h" * 32), (2, b"h" * 32)], [(0, b"h")], [(0, "h" * 32)]])
def test_a_tile_with_a_gap_is_corrupt(rows: list[tuple[int, bytes]]) -> None:
    """A group that is missing or damaged is told apart from a tile that there is not."""
    with pytest.raises(LogUnavailableError) as caught:
        join_hashes(0, rows)
    assert caught.value.reason is Unavailable.CORRUPT
    assert join_hashes(0, []) is None


@pytest.mark.parametrize(("data", "count"), [(b"", 1), (b"\0\1", 1), (b"\0\1ab", 1), (b"\0\1a", 2)])
def test_damaged_private_parts_are_corrupt(data: bytes, count: int) -> None:
    """A length that does not fit is noticed."""
    with pytest.raises(LogUnavailableError) as caught:
        unpack_privates(data, count)
    assert caught.value.reason is Unavailable.CORRUPT


@given(cuts=st.sets(st.integers(1, 15)), first=st.sampled_from([0, 16, 256]), width=st.integers(1, 16))
def test_groups_are_joined(cuts: set[int], first: int, width: int) -> None:
    """However the entries of a group came, joined they lie as if they had come together."""
    edges = [0, *sorted(cut for cut in cuts if cut < width), width]
    several = pieces(*(end - start for start, end in pairwise(edges)), first=first)
    joined, entries = join_groups(several), range(first, first + width)
    assert (joined.first, joined.count) == (first, width)
    assert pick_entries([joined], entries) == pick_entries(several, entries)
    if len(several) == 1:
        assert join_groups(several) == several[0]


@given(first=st.integers(0, 40), counts=st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_groups_are_closed(first: int, counts: list[int]) -> None:
    """Batch for batch, whole groups come together, and the entries behind them lie by themselves until the next."""
    writer = Writer()
    opened: list[Group] = []
    whole: list[Group] = []
    for count in (first // 16 * 16, first % 16, *counts):
        if count:
            closed, single = close_groups(opened, writer.batch(count))
            whole, opened = whole + closed, single if closed else opened + single
    size = first + sum(counts)
    assert [(group.first, group.count) for group in (*whole, *opened)] == [
        *((start, 16) for start in range(0, size - size % 16, 16)),
        *((entry, 1) for entry in range(size - size % 16, size)),
    ]
    found = pick_entries([*whole, *opened], range(size))
    assert {entry: one.leaf for entry, one in found.items()} == {entry: make_leaf(entry) for entry in range(size)}
    assert all(one.hash == leaf_hash(one.leaf) for one in found.values())
    assert [one.private for _, one in sorted(found.items())] == [
        b"" if entry % 2 else b"private %d" % entry for entry in range(size)
    ]


@pytest.mark.parametrize("chosen", [(), (0,), (1, 0), (0, 1, 1)])
def test_a_group_is_not_closed_without_its_entries(chosen: tuple[int, ...]) -> None:
    """What the batch goes on from has to be there, in its order."""
    writer = Writer()
    _, opened = close_groups([], writer.batch(2))
    with pytest.raises(LogUnavailableError) as caught:
        close_groups([opened[at] for at in chosen], writer.batch(1))
    assert caught.value.reason is Unavailable.CORRUPT


@given(cuts=st.sets(st.integers(1, 15)), t=st.integers(990, 1_160))
def test_times_lead_into_a_joined_group(cuts: set[int], t: int) -> None:
    """The first entry at or after a time is that of the first piece that is."""
    several = pieces(*(end - start for start, end in pairwise([0, *sorted(cuts), 16])))
    later = [group.first for at, group in enumerate(several) if 1_000 + 10 * at >= t]
    assert first_in_group(join_groups(several), t) == (later[0] if later else None)


@pytest.mark.parametrize("chosen", [(0, 2), (1, 0), (0, 0), (2, 3), (0, 1, 2, 3)])
def test_groups_that_do_not_lie_side_by_side_are_corrupt(chosen: tuple[int, ...]) -> None:
    """Nothing is left out, turned round, doubled, or joined beyond a multiple of 16."""
    several = pieces(4, 4, 8, 4)
    with pytest.raises(LogUnavailableError) as caught:
        join_groups([several[at] for at in chosen])
    assert caught.value.reason is Unavailable.CORRUPT


@pytest.mark.parametrize("column", ["leaves", "privates"])
def test_damaged_groups_are_not_joined(column: str) -> None:
    """Damage is told, and never packed with what is whole."""
    one, two = pieces(4, 4)
    broken = {"leaves": two.leaves, "privates": two.privates, column: getattr(two, column)[:-1]}
    with pytest.raises(LogUnavailableError) as caught:
        join_groups([one, Group(two.first, two.hashes, **broken)])
    assert caught.value.reason is Unavailable.CORRUPT


def test_leaves_without_a_time_are_corrupt() -> None:
    """What is no leaf has no time."""
    group = Group(0, bytes(32), pack_leaves([make_leaf(0)[:-1]]), b"\0\0")
    with pytest.raises(LogUnavailableError) as caught:
        first_in_group(group, 0)
    assert caught.value.reason is Unavailable.CORRUPT
