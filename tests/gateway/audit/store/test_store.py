"""The contract of every store of the log: memory, SQLite, PostgreSQL."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest

from gateway.audit.data_keys import KeyStore
from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.store.postgres import PostgresStore
from gateway.audit.store.postgres_keys import PostgresKeys
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.sqlite_keys import SqliteKeys
from gateway.audit.store.store import (
    LogStore,
    OwnerRow,
)
from gateway.audit.tlog.merkle import leaf_hash
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.store.batches import OWNER, Writer, make_leaf
from tests.support.audit import ORIGIN
from tests.support.postgres import PostgresServer, running_postgres

LAST = 2**62


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


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
        assert list(store.leaves(254, 259)) == [make_leaf(entry) for entry in range(254, 259)]
        assert list(store.leaves(0, 614)) == [make_leaf(entry) for entry in range(614)]
        assert list(store.leaves(613, 700)) == [make_leaf(613)]
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

    def test_times_lead_to_entries_that_came_one_at_a_time(self, store: LogStore) -> None:
        """Whatever lies together in a row, each entry keeps its own time."""
        writer, times = Writer(), [1_000, 1_000, 1_007, *range(2_000, 2_040, 2)]
        for t in times:
            writer.write(store, 1, t=t)
        for t in range(995, 2_045):
            assert store.first_at(t) == next((entry for entry, at in enumerate(times) if at >= t), None)

    def test_entries_that_came_one_at_a_time_are_read(self, store: LogStore) -> None:
        """Before, while and after their group of 16 fills, each is found by its number, its words and its tile."""
        writer, batches = Writer(), []
        for count in (*[1] * 14, 5, *[1] * 20, 40, *[3] * 9):
            batches.append(writer.write(store, count, words=(9, -count)))
            size = writer.head.size if writer.head else 0
            leaves = [leaf for batch in batches for leaf in batch.leaves]
            assert list(store.leaves(0, size + 1)) == leaves
            assert list(store.find(9, before=LAST, limit=999)) == list(range(size))[::-1]
            assert [(one.leaf, one.private) for _, one in sorted(store.pick(range(size)).items())] == list(
                zip(leaves, (part for batch in batches for part in batch.privates), strict=True)
            )
            assert store.tile(0, 0) == b"".join([leaf_hash(leaf) for leaf in leaves])
        rows = [(word, entry) for batch in batches for word, entry in batch.words]
        assert [row for page in store.index_rows([(0, 30), (31, size)]) for row in page] == sorted(
            row for row in rows if row[1] != 30
        )
        assert not store.missing_rows(rows)
        assert store.erase_entry_words([3, 17, 18]) == 6
        assert sorted(store.missing_rows(rows)) == sorted(row for row in rows if row[1] in {3, 17, 18})

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

    def test_owners_are_read_by_pages(self, store: LogStore) -> None:
        """All owners are found in their order, some at a time, whatever is erased meanwhile."""
        owners = [KeyOwner(bytes([first]) * 8 + bytes([last]) * 4) for first in (0, 127, 128, 255) for last in (0, 200)]
        batch = replace(Writer().batch(), owners={owner: KeyNumber(n) for n, owner in enumerate(owners[::-1], 1)})
        store.commit(batch, expected=None)
        found: list[KeyOwner] = []
        while page := store.owners_before(Epoch(2), after=found[-1] if found else None, limit=3):
            assert len(page) <= 3
            found += sorted(page)
            store.erase_owners(list(page)[:1])
        assert found == owners
        assert len(store.owners(owners)) == 5

    def test_single_entries_are_picked(self, store: LogStore) -> None:
        """Entries of any batch come with their private parts; those that are not there are left out."""
        writer = Writer()
        for count in (1, 255, 3):
            writer.write(store, count)
        picked = store.pick([258, 0, 3, 2, 259, 0])
        assert {entry: (one.leaf, one.private) for entry, one in picked.items()} == {
            258: (make_leaf(258), b"private 258"),
            0: (make_leaf(0), b"private 0"),
            3: (make_leaf(3), b""),
            2: (make_leaf(2), b"private 2"),
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
        assert list(store.leaves(0, 5)) == [make_leaf(entry) for entry in range(5)]

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

    @pytest.mark.parametrize("seed", range(3))
    def test_every_store_says_the_same(self, store: LogStore, seed: int) -> None:
        """Whatever batches come, and whatever of them is erased, it reads as from the store in memory."""
        chance, writer, other = Random(seed), Writer(), MemoryStore()
        choices = [1, 1, 1, 1, 2, 7, 15, 16, 17, 40, 256]
        for step in range(60):
            words = tuple(chance.choices((9, 10, -(2**63), 2**63 - 1), k=2))
            batch = writer.batch(chance.choice(choices), words=words, t=1_000 + step // 3)
            owners = {KeyOwner(chance.randbytes(12)): KeyNumber(step + 1)}
            for one in (store, other):
                one.commit(replace(batch, owners=owners), expected=writer.before)
            size = batch.first + len(batch.leaves)
            some = chance.sample(range(size), min(size, 3))
            match chance.randrange(12):
                case 0:
                    assert store.erase_words([9]) == other.erase_words([9])
                case 1 | 2:
                    assert store.erase_entry_words(some) == other.erase_entry_words(some)
                case 3 | 4:
                    for one in (store, other):
                        one.replace_privates(dict.fromkeys(some, b"instead"))
            for word in (9, -(2**63)):
                bounds = {"before": chance.randrange(size + 2), "limit": chance.randint(1, 30)}
                since = chance.randrange(bounds["before"] + 1)
                assert store.find(word, **bounds, since=since) == other.find(word, **bounds, since=since)
            assert store.first_at(1_000 + step // 3) == other.first_at(1_000 + step // 3)
        everything, rows = range(size + 1), [(word, entry) for word in (9, 10) for entry in range(size)]
        assert dict(store.pick(everything)) == dict(other.pick(everything))
        assert list(store.leaves(5, size)) == list(other.leaves(5, size))
        assert [store.first_at(t) for t in range(999, 1_022)] == [other.first_at(t) for t in range(999, 1_022)]
        for spans in ([(0, size)], [(3, 40), (size - 5, size)]):
            assert [row for page in store.index_rows(spans) for row in page] == [
                row for page in other.index_rows(spans) for row in page
            ]
            assert [row for page in store.owner_rows(spans) for row in page] == [
                row for page in other.owner_rows(spans) for row in page
            ]
        assert sorted(store.missing_rows(rows)) == sorted(other.missing_rows(rows))
        assert [store.tile(0, index) for index in range(9)] == [other.tile(0, index) for index in range(9)]


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


def test_an_erasure_while_a_backup_reads_is_done(tmp_path: Path) -> None:
    """It is no error of whoever erases: what is committed is committed, and clearing the journal is owed."""
    keys = SqliteKeys(tmp_path / "keys.sqlite")
    keys.add({KeyNumber(1): b"1" * 32})
    with closing(sqlite3.connect(tmp_path / "keys.sqlite")) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM data_keys").fetchone()
        assert keys.erase([KeyNumber(1)]) == 1
        assert keys.read([KeyNumber(1)]) == {}
        with patch("gateway.audit.store.sqlite_file.BUSY_SECONDS", 0.0):
            assert not keys.purge()
    assert keys.purge()
    keys.close()


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


def test_a_second_writer_of_a_postgres_log_is_refused(postgres: PostgresServer) -> None:
    """The lock belongs to a connection, and is free once that has ended."""
    dsn = postgres.new_database()
    first = PostgresStore(dsn, origin=ORIGIN)
    with pytest.raises(LogUnavailableError) as caught:
        PostgresStore(dsn, origin=ORIGIN)
    assert caught.value.reason is Unavailable.SECOND_WRITER
    first.close()
    PostgresStore(dsn, origin=ORIGIN).close()


@pytest.mark.slow
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
