"""The contract of every store of the log: memory, SQLite, PostgreSQL."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.data_keys import KeyStore
from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.group import (
    join_hashes,
    make_groups,
    pack_leaves,
    pick_entries,
    read_group,
    unpack_leaves,
    unpack_privates,
)
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.store.postgres import PostgresStore
from gateway.audit.store.postgres_keys import PostgresKeys
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.sqlite_keys import SqliteKeys
from gateway.audit.store.store import (
    Batch,
    LogStore,
    OwnerRow,
    StoredEntry,
    StoredHead,
)
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.tlog.tile import TileWriter
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import ORIGIN
from tests.support.postgres import PostgresServer, running_postgres

OWNER = KeyOwner(b"o" * 12)
LAST = 2**62


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


class Writer:
    """Batches for a store, one behind the other."""

    def __init__(self) -> None:
        self.tree = TileWriter()
        self.head: StoredHead | None = None
        self.seq = 0

    def batch(self, count: int = 3, *, words: tuple[int, ...] = (), t: int = 1_000) -> Batch:
        """Return the next batch, of entries by one caller, whose words lead to each of them."""
        first = self.tree.size
        leaves = [b"leaf %d" % entry for entry in range(first, first + count)]
        for leaf in leaves:
            self.tree.append(leaf_hash(leaf))
        self.seq += count
        head = StoredHead(size=first + count, root=self.tree.root(), t=t, checkpoint=b"note %d" % (first + count))
        self.before, self.head = self.head, head
        return Batch(
            first=first,
            leaves=leaves,
            privates=[b"" if entry % 2 else b"private %d" % entry for entry in range(first, first + count)],
            words=[(word, entry) for entry in range(first, first + count) for word in words],
            epoch=Epoch(1),
            owners={OWNER: KeyNumber(7)} if not first else {},
            seqs={"caller": self.seq},
            tiles=self.tree.take(),
            head=head,
        )

    def write(self, store: LogStore, count: int = 3, *, words: tuple[int, ...] = (), t: int = 1_000) -> Batch:
        """Commit the next batch and return it."""
        batch = self.batch(count, words=words, t=t)
        store.commit(batch, expected=self.before)
        return batch


class TestStore:
    """What every store of the log promises."""

    @pytest.fixture(params=["memory", "sqlite", "postgres"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogStore]:
        """Return an empty store of each kind."""
        store: LogStore = MemoryStore()
        if request.param == "sqlite":
            store = SqliteStore(tmp_path / "log.sqlite")
        elif request.param == "postgres":
            store = PostgresStore(request.getfixturevalue("postgres").new_database(), origin=ORIGIN)
        yield store
        store.close()

    def test_a_new_store_is_empty(self, store: LogStore) -> None:
        """Without entries there is no head, no number, no tile, and nothing to find."""
        assert store.head() is None
        assert store.seqs() == {}
        assert store.tile(0, 0) is None
        assert (list(store.leaves(0, 10)), store.private(0), store.first_at(0)) == ([], None, None)
        assert list(store.find(1, before=LAST, limit=10)) == []

    def test_what_is_committed_is_read(self, store: LogStore) -> None:
        """All parts of a batch are there together, also after the store was opened again."""
        batch = Writer().write(store, 3, words=(5, -6))
        store.reconnect()
        if not isinstance(store, MemoryStore):
            assert store.head() == batch.head
        assert store.seqs() == {"caller": 3}
        assert list(store.leaves(0, 3)) == batch.leaves
        assert [store.private(entry) for entry in range(4)] == [b"private 0", None, b"private 2", None]
        assert store.tile(0, 0) == batch.tiles[0].hashes
        assert store.owners([OWNER, KeyOwner(b"x" * 12)]) == {OWNER: 7}
        assert [list(store.find(word, before=LAST, limit=9)) for word in (5, -6, 6)] == [[2, 1, 0], [2, 1, 0], []]

    def test_ranges_cross_batches(self, store: LogStore) -> None:
        """Leaves are found whatever batch they came in, full tiles included."""
        writer = Writer()
        for count in (1, 255, 256, 2, 100):
            writer.write(store, count)
        assert list(store.leaves(254, 259)) == [b"leaf %d" % entry for entry in range(254, 259)]
        assert list(store.leaves(0, 614)) == [b"leaf %d" % entry for entry in range(614)]
        assert list(store.leaves(613, 700)) == [b"leaf 613"]
        assert [len(store.tile(level, index) or b"") // 32 for level, index in ((0, 0), (0, 1), (0, 2), (1, 0))] == [
            *(256, 256, 102, 2)
        ]

    def test_words_lead_back_page_by_page(self, store: LogStore) -> None:
        """The latest entries come first; below an entry the search goes on."""
        writer = Writer()
        for _ in range(4):
            writer.write(store, 3, words=(9,))
        assert list(store.find(9, before=LAST, limit=5)) == [11, 10, 9, 8, 7]
        assert list(store.find(9, before=7, limit=5)) == [6, 5, 4, 3, 2]
        assert list(store.find(9, before=1, limit=5)) == [0]
        assert list(store.find(9, before=9, limit=5, since=7)) == [8, 7]
        assert list(store.find(9, before=9, limit=1, since=8)) == [8]
        assert list(store.find(9, before=5, limit=5, since=5)) == []

    def test_a_word_twice_leads_to_an_entry_once(self, store: LogStore) -> None:
        """Two subjects may share a word."""
        Writer().write(store, 2, words=(9, 9))
        assert list(store.find(9, before=LAST, limit=5)) == [1, 0]

    def test_times_lead_to_entries(self, store: LogStore) -> None:
        """A time leads to the first entry at or after it."""
        writer = Writer()
        for t in (1_000, 2_000, 2_000, 3_000):
            writer.write(store, 2, t=t)
        assert [store.first_at(t) for t in (0, 1_000, 1_001, 2_000, 2_001, 3_000, 3_001)] == [0, 0, 2, 2, 6, 6, None]

    def test_another_head_than_expected_writes_nothing(self, store: LogStore) -> None:
        """Who writes behind another head than the stored one is told of a second writer."""
        writer = Writer()
        written = writer.write(store)
        late = Writer().batch(2)
        with pytest.raises(LogUnavailableError) as caught:
            store.commit(late, expected=None)
        assert caught.value.reason is Unavailable.SECOND_WRITER
        assert (store.head(), list(store.leaves(0, 9))) == (written.head, written.leaves)

    def test_words_and_owners_are_erased(self, store: LogStore) -> None:
        """What is erased is not found; everything else is."""
        writer = Writer()
        writer.write(store, 2, words=(1, 2))
        writer.write(store, 1, words=(1,))
        assert store.erase_words([1, 77]) == 3
        assert list(store.find(1, before=LAST, limit=5)) == []
        assert list(store.find(2, before=LAST, limit=5)) == [1, 0]
        assert store.owners_before(Epoch(1)) == {}
        assert store.owners_before(Epoch(2)) == {OWNER: 7}
        store.erase_owners([OWNER])
        assert store.owners([OWNER]) == {}

    def test_single_entries_are_picked(self, store: LogStore) -> None:
        """Entries of any batch come with their private parts; those that are not there are left out."""
        writer = Writer()
        for count in (1, 255, 3):
            writer.write(store, count)
        picked = store.pick([258, 0, 3, 2, 259, 0])
        assert {entry: (one.leaf, one.private) for entry, one in picked.items()} == {
            258: (b"leaf 258", b"private 258"),
            0: (b"leaf 0", b"private 0"),
            3: (b"leaf 3", b""),
            2: (b"leaf 2", b"private 2"),
        }

    def test_rows_of_entries_are_erased(self, store: LogStore) -> None:
        """The index leads to those entries no more, and to all others as before."""
        writer = Writer()
        writer.write(store, 3, words=(1, -(2**63), 2**63 - 1))
        writer.write(store, 2, words=(1,))
        assert store.erase_entry_words(iter([4, 1, 99])) == 4
        found = [list(store.find(word, before=LAST, limit=9)) for word in (1, -(2**63), 2**63 - 1)]
        assert found == [[3, 2, 0], [2, 0], [2, 0]]
        assert store.erase_entry_words([]) == 0

    def test_private_parts_are_replaced(self, store: LogStore) -> None:
        """Others stay as they are; a batch without any is named no more."""
        writer = Writer()
        writer.write(store, 3)
        writer.write(store, 2)
        assert {entry for first, count in store.batches_with_private(5) for entry in range(first, first + count)} >= {
            *(0, 2, 4)
        }
        store.replace_privates({0: b"other", 4: b""})
        assert [store.private(entry) for entry in range(5)] == [b"other", None, b"private 2", None, None]
        store.replace_privates({0: b"", 2: b""})
        assert list(store.batches_with_private(5)) == []
        assert list(store.leaves(0, 5)) == [b"leaf %d" % entry for entry in range(5)]

    def test_rows_of_spans_come_in_order(self, store: LogStore) -> None:
        """The rows of some entries, and the owners that came with them, are read in one order; others are not."""
        writer, words = Writer(), (5, -(2**63), 2**63 - 1, 0)
        for at, count in enumerate((3, 256, 2, 4)):
            batch = writer.batch(count, words=words)
            owners = {KeyOwner(bytes([255 - at, place]) + b"o" * 10): KeyNumber(9 * at + place + 1) for place in (0, 1)}
            store.commit(replace(batch, owners=owners), expected=writer.before)
        spans = [(0, 3), (257, 261)]
        inside = [entry for first, end in spans for entry in range(first, end)]
        rows = [row for page in store.index_rows(spans) for row in page]
        assert rows == [(word, entry) for word in sorted(words) for entry in inside]
        assert [row for page in store.owner_rows(spans) for row in page] == [
            OwnerRow(owner=KeyOwner(bytes([255 - at, place]) + b"o" * 10), number=KeyNumber(9 * at + place + 1),
                     epoch=Epoch(1), first=first)
            for at, first in ((2, 259), (0, 0))
            for place in (0, 1)
        ]  # fmt: skip
        assert [list(store.index_rows([(900, 999)])), list(store.owner_rows([(900, 999)]))] in ([[], []], [[[]], [[]]])

    def test_what_a_key_is_checked_by_is_kept(self, store: LogStore) -> None:
        """It is not there at first, and stays until it is replaced."""
        assert store.key_check() is None
        store.set_key_check(b"one")
        store.set_key_check(b"two")
        store.reconnect()
        assert store.key_check() == b"two"

    def test_what_was_erased_is_purged(self, store: LogStore) -> None:
        """Nobody reads, so nothing is left; the rest is there as before."""
        batch = Writer().write(store, words=(1, 2))
        store.erase_words([1])
        store.erase_owners([OWNER])
        assert store.purge()
        assert (store.head(), list(store.find(2, before=LAST, limit=1))) == (batch.head, [2])

    def test_rows_that_are_missing_are_named(self, store: LogStore) -> None:
        """Of rows of any batch, those that the index does not have are told."""
        writer = Writer()
        writer.write(store, 3, words=(1, 2))
        writer.write(store, 2, words=(1,))
        rows = [(1, 0), (2, 4), (1, 4), (3, 0), (1, 5), (2, 2)]
        assert sorted(store.missing_rows(rows)) == [(1, 5), (2, 4), (3, 0)]
        assert list(store.missing_rows([])) == []


class TestKeyStore:
    """What every key table promises."""

    @pytest.fixture(params=["memory", "sqlite", "postgres"])
    def keys(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
        """Return an empty key table of each kind."""
        makers: dict[str, Callable[[], KeyStore]] = {
            "memory": MemoryKeys,
            "sqlite": lambda: SqliteKeys(tmp_path / "keys.sqlite"),
            "postgres": lambda: PostgresKeys(request.getfixturevalue("postgres").new_database()),
        }
        store = makers[request.param]()
        yield store
        store.close()

    def test_keys_are_kept_and_erased(self, keys: KeyStore) -> None:
        """A key is read until it is erased."""
        keys.add({KeyNumber(1): b"one", KeyNumber(2): b"two"})
        keys.reconnect()
        assert keys.read([KeyNumber(1), KeyNumber(2), KeyNumber(3)]) == {1: b"one", 2: b"two"}
        assert keys.erase([KeyNumber(2), KeyNumber(9)]) == 1
        assert keys.read([KeyNumber(1), KeyNumber(2)]) == {1: b"one"}

    def test_what_a_key_is_checked_by_is_kept(self, keys: KeyStore) -> None:
        """It is not there at first, and erasing keys leaves it."""
        assert keys.key_check() is None
        keys.set_key_check(b"check")
        keys.add({KeyNumber(1): b"one"})
        keys.erase([KeyNumber(1)])
        assert keys.purge()
        keys.reconnect()
        assert keys.key_check() == b"check"

    def test_a_number_is_never_given_twice(self, keys: KeyStore) -> None:
        """The last number stays the last when its key is erased."""
        assert keys.last() == 0
        keys.add({KeyNumber(1): b"one", KeyNumber(2): b"two"})
        keys.erase([KeyNumber(1), KeyNumber(2)])
        keys.reconnect()
        assert keys.last() == 2


def test_erased_keys_are_not_in_the_file(tmp_path: Path) -> None:
    """After an erasure no file beside the key table holds the bytes of the key."""
    keys = SqliteKeys(tmp_path / "keys.sqlite")
    keys.add({KeyNumber(number): b"%032d" % number for number in range(1, 100)})
    keys.erase([KeyNumber(50)])
    try:
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    finally:
        keys.close()
    assert (b"%032d" % 49 in kept, b"%032d" % 50 in kept) == (True, False)


def test_a_closed_file_is_closed(tmp_path: Path) -> None:
    """Whoever still works on a store that was closed is told so, and not of damage."""
    store = SqliteStore(tmp_path / "log.sqlite")
    store.close()
    for call in (store.head, lambda: store.erase_words([1]), lambda: store.replace_privates({0: b""})):
        with pytest.raises(LogUnavailableError) as caught:
            call()
        assert (caught.value.reason, caught.value.detail) == (Unavailable.CLOSED, "log.sqlite")


def test_a_file_that_does_not_open_again_is_read_on(tmp_path: Path) -> None:
    """What was open stays open until another connection is there; the text names the file."""
    store = SqliteStore(tmp_path / "log.sqlite")
    batch = Writer().write(store)
    (tmp_path / "log.sqlite").rename(tmp_path / "gone")
    with pytest.raises(LogUnavailableError) as caught:
        store.reconnect()
    assert (caught.value.reason, caught.value.detail) == (
        Unavailable.UNUSABLE,
        f"{tmp_path / 'log.sqlite'}: there is no such file",
    )
    assert store.head() == batch.head
    (tmp_path / "gone").rename(tmp_path / "log.sqlite")
    store.reconnect()
    store.close()


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


def test_a_second_writer_of_a_postgres_log_is_refused(postgres: PostgresServer) -> None:
    """The lock belongs to a connection, and is free once that has ended."""
    dsn = postgres.new_database()
    first = PostgresStore(dsn, origin=ORIGIN)
    with pytest.raises(LogUnavailableError) as caught:
        PostgresStore(dsn, origin=ORIGIN)
    assert caught.value.reason is Unavailable.SECOND_WRITER
    first.close()
    PostgresStore(dsn, origin=ORIGIN).close()


def test_a_postgres_server_that_was_restarted_is_found_again(postgres: PostgresServer) -> None:
    """The connection breaks, the reason passes, and what was committed is there."""
    store = PostgresStore(postgres.new_database(), origin=ORIGIN)
    writer = Writer()
    writer.write(store)
    postgres.stop("immediate")
    postgres.start()
    with pytest.raises(LogUnavailableError) as caught:
        store.commit(writer.batch(), expected=writer.before)
    assert (caught.value.reason, caught.value.passes) == (Unavailable.UNREACHABLE, True)
    store.reconnect()
    found = store.head()
    assert found == writer.before
    store.close()
