"""The index of a log in SQLite, whose words wait for their turn, and rows of entries that are put together."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.audit.store import sqlite_pending, sqlite_words
from gateway.audit.store.memory import MemoryStore
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.sqlite_pending import PARTS
from gateway.audit.store.store import Batch, LogStore, StoredHead
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.store.batches import Writer

LAST = 2**62
SHIFT = 56
EVERY_PART = [(part << SHIFT) + 1_000_003 * (part + 200) for part in range(-PARTS // 2, PARTS // 2)]
WORDS = [*EVERY_PART[::9], EVERY_PART[0] + 1, -1, 0, 1, -(2**63), 2**63 - 1]

words = st.sampled_from(WORDS)


class Failing(SqliteStore):
    """Fails at the end of a commit, when told to: before it counts, or behind it."""

    fails = ""  # "before", "behind" or not

    def _insert(self, connection: sqlite3.Connection, batch: Batch) -> None:
        super()._insert(connection, batch)
        if self.fails == "before":
            raise sqlite3.OperationalError("told to")

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch, and maybe deny it."""
        super().commit(batch, expected=expected)
        if self.fails == "behind":
            raise LogUnavailableError(Unavailable.WRITE_FAILED, "told to")


def _words(batch: Batch, each: list[list[int]]) -> list[tuple[int, int]]:
    entries = range(batch.first, batch.first + len(batch.leaves))
    return [(word, entry) for entry in entries for word in each[entry % len(each)]]


def index_of(store: LogStore, first: int, end: int) -> list[tuple[int, int]]:
    return list(chain.from_iterable(store.index_rows([(first, end)])))


class Machine(RuleBasedStateMachine):
    """A log in SQLite beside the same one in memory."""

    @initialize(words_a_turn=st.sampled_from([1, 8, 512]))
    def begin(self, words_a_turn: int) -> None:
        """Begin without entries; with fewer words a turn, more of them have had theirs."""
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(sqlite_pending, "_WORDS_A_TURN", words_a_turn)
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "log.sqlite"
        self.store, self.memory = Failing(self.path), MemoryStore()
        self.writer, self.t = Writer(), 1_000

    def teardown(self) -> None:
        """Leave nothing behind."""
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()
            self.patch.undo()

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.writer.tree.size

    @rule(
        counts=st.lists(st.integers(1, 20), min_size=1, max_size=6),
        each=st.lists(st.lists(words, max_size=20), min_size=1, max_size=7),
        later=st.integers(0, 2),
    )
    def write(self, counts: list[int], each: list[list[int]], later: int) -> None:
        """Add batches whose entries take turns with these words."""
        for count in counts:
            self.t += later
            self._commit(self._batch(count, each))

    @rule(
        each=st.lists(st.lists(words, max_size=20), min_size=1, max_size=7),
        others=st.lists(st.lists(words, max_size=20), min_size=1, max_size=7),
        fails=st.sampled_from(["before", "behind"]),
    )
    def fail(self, each: list[list[int]], others: list[list[int]], fails: str) -> None:
        """Have a commit fail; where it was not stored, one with other words takes its place."""
        batch = self._batch(4, each)
        before, self.store.fails = self.writer.before, fails
        with pytest.raises(LogUnavailableError):
            self.store.commit(batch, expected=before)
        self.store.fails = ""
        if fails == "before":
            batch = replace(batch, words=_words(batch, others))
            self.store.commit(batch, expected=before)
        self.memory.commit(batch, expected=before)

    @rule()
    def reopen(self) -> None:
        """Have another process go on."""
        self.store.close()
        self.store = Failing(self.path)

    @rule(doomed=st.lists(words, max_size=4))
    def erase_words(self, doomed: list[int]) -> None:
        """Erase words: as many rows go as in memory."""
        assert self.store.erase_words(doomed) == self.memory.erase_words(doomed)

    @rule(data=st.data())
    def erase_entries(self, data: st.DataObject) -> None:
        """Erase all words of entries: as many rows go."""
        doomed = data.draw(st.lists(st.integers(0, self.size), max_size=5))
        assert self.store.erase_entry_words(doomed) == self.memory.erase_entry_words(doomed)

    @rule(word=words, data=st.data())
    def find(self, word: int, data: st.DataObject) -> None:
        """Find a page: it is the same."""
        since, before = (data.draw(st.integers(0, self.size + 1)) for _ in range(2))
        limit = data.draw(st.integers(1, 20))
        assert list(self.store.find(word, before=before, since=since, limit=limit)) == list(
            self.memory.find(word, before=before, since=since, limit=limit)
        )

    @rule(data=st.data())
    def read_rows(self, data: st.DataObject) -> None:
        """Read rows: the same are there, and the same are missing."""
        first = data.draw(st.integers(0, self.size))
        end = data.draw(st.integers(first, self.size))
        assert index_of(self.store, first, end) == index_of(self.memory, first, end)
        rows = data.draw(st.lists(st.tuples(words, st.integers(0, self.size)), max_size=40))
        assert list(self.store.missing_rows(rows)) == list(self.memory.missing_rows(rows))

    @invariant()
    def every_time_leads_to_the_same_entry(self) -> None:
        """Rows that were put together still have the times of all their entries."""
        if hasattr(self, "store"):
            for t in range(max(self.t - 8, 998), self.t + 2):
                assert self.store.first_at(t) == self.memory.first_at(t)

    @invariant()
    def all_words_lead_to_the_same_entries(self) -> None:
        """Nothing is lost, nothing comes back."""
        if hasattr(self, "store"):
            for word in WORDS:
                assert list(self.store.find(word, before=LAST, limit=LAST)) == list(
                    self.memory.find(word, before=LAST, limit=LAST)
                )

    def _batch(self, count: int, each: list[list[int]]) -> Batch:
        batch = self.writer.batch(count, t=self.t)
        return replace(batch, words=_words(batch, each))

    def _commit(self, batch: Batch) -> None:
        self.store.commit(batch, expected=self.writer.before)
        self.memory.commit(batch, expected=self.writer.before)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "log.sqlite")
    yield store
    store.close()


def files_of(folder: Path) -> bytes:
    return b"\0".join(path.read_bytes() for path in sorted(folder.iterdir()))


def as_bytes(word: int) -> bytes:
    return word.to_bytes(8, signed=True)


def test_words_reach_the_index(store: SqliteStore, tmp_path: Path) -> None:
    """After as many turns as there are parts, each word of a batch is in the table, and nothing of it waits."""
    writer = Writer()
    writer.write(store, 2, words=tuple(EVERY_PART))
    for _ in range(PARTS):
        writer.write(store, 1)
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM words").fetchone()[0] == 2 * PARTS
        assert connection.execute("SELECT count(*), min(first) FROM pending").fetchone() == (PARTS, 2)


def test_a_commit_puts_few_words_away(store: SqliteStore, tmp_path: Path) -> None:
    """Words of one part only go into the index with a small batch; with a large one, words of more parts."""
    writer = Writer()

    def parts_in_the_index() -> int:
        with closing(sqlite3.connect(tmp_path / "log.sqlite")) as connection:
            query = f"SELECT count(DISTINCT word >> {SHIFT}) FROM words"  # noqa: S608 - a number
            return int(connection.execute(query).fetchone()[0])

    writer.write(store, 1, words=tuple(EVERY_PART))
    writer.write(store, 1, words=tuple(EVERY_PART))
    assert parts_in_the_index() == 1
    writer.write(store, 8, words=tuple(EVERY_PART))
    assert parts_in_the_index() == 1 + 1 + 8 * PARTS // 512


@pytest.mark.parametrize("batches", [0, 1, 40, PARTS + 1])
def test_erased_words_leave_the_files(store: SqliteStore, tmp_path: Path, batches: int) -> None:
    """Whether it waited, was carried over or both: no byte of an erased word is left, and all others are."""
    writer, (*doomed, spared) = Writer(), EVERY_PART
    writer.write(store, 2, words=tuple(EVERY_PART))
    for _ in range(batches):
        writer.write(store, 1, words=(spared, 5))
    assert store.erase_words(doomed) == 2 * len(doomed)
    left = files_of(tmp_path)
    assert [word for word in doomed if as_bytes(word) in left] == []
    assert as_bytes(spared) in left
    assert len(store.find(spared, before=LAST, limit=LAST)) == batches + 2
    for _ in range(PARTS):
        writer.write(store, 1)
    assert [word for word in doomed if store.find(word, before=LAST, limit=1)] == []


@pytest.mark.parametrize("batches", [0, 1, 40, PARTS + 1])
def test_words_of_erased_entries_leave_the_files(store: SqliteStore, tmp_path: Path, batches: int) -> None:
    """The same for all words of an entry."""
    writer, (*doomed, spared) = Writer(), EVERY_PART
    writer.write(store, 1, words=tuple(doomed))
    for _ in range(batches + 1):
        writer.write(store, 1, words=(spared,))
    assert store.erase_entry_words([0, 10_000]) == len(doomed)
    left = files_of(tmp_path)
    assert [word for word in doomed if as_bytes(word) in left] == []
    assert as_bytes(spared) in left


def test_words_that_were_carried_over_leave_their_row(store: SqliteStore, tmp_path: Path) -> None:
    """Once all of a batch is in the index, the row in which it waited is overwritten."""
    writer = Writer()
    writer.write(store, 1, words=(EVERY_PART[3], EVERY_PART[-3]))
    together = as_bytes(EVERY_PART[3]) + as_bytes(EVERY_PART[-3])
    assert together in files_of(tmp_path)
    for _ in range(PARTS):
        writer.write(store, 1)
    assert store.purge()
    assert together not in files_of(tmp_path)


def test_what_somebody_else_erased_stays_erased(store: SqliteStore, tmp_path: Path) -> None:
    """A writer that remembers what waits notices that it was erased by another connection."""
    writer = Writer()
    writer.write(store, 3, words=tuple(EVERY_PART))
    other = SqliteStore(tmp_path / "log.sqlite", create=False)
    assert other.erase_words(EVERY_PART[1:]) == 3 * (PARTS - 1)
    other.close()
    for _ in range(PARTS):
        writer.write(store, 1)
    assert index_of(store, 0, LAST) == [(EVERY_PART[0], entry) for entry in range(3)]


@pytest.mark.parametrize(
    "change", ["words = CAST(x'00' AS BLOB)", "places = CAST(x'0000' AS BLOB)", "words = 'text'", "turn = 'x'"]
)
def test_damage_to_what_waits_is_noticed(store: SqliteStore, tmp_path: Path, change: str) -> None:
    """Whoever reads such a row, and whoever goes on behind it, is told of the damage."""
    writer = Writer()
    writer.write(store, 1, words=(5,))
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as connection, connection:
        connection.execute(f"UPDATE pending SET {change}")  # noqa: S608 - one of these
    fresh = SqliteStore(tmp_path / "log.sqlite", create=False)
    for read in (
        lambda: fresh.find(5, before=LAST, limit=1),
        lambda: fresh.missing_rows([(5, 0)]),
        lambda: list(fresh.index_rows([(0, 1)])),
        lambda: fresh.erase_words([5]),
        lambda: writer.write(fresh, 1),
    ):
        with pytest.raises(LogUnavailableError) as caught:
            read()
        assert caught.value.reason is Unavailable.CORRUPT
    fresh.close()


def rows_of(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "log.sqlite")) as connection:
        return [row[0] for row in connection.execute("SELECT first FROM entries ORDER BY first")]


def test_entries_that_came_one_at_a_time_are_put_together(store: SqliteStore, tmp_path: Path) -> None:
    """The entry that completes sixteen joins three rows or more; all of them are read as before, each at its time."""
    writer, batches = Writer(), []
    for count in (*[1] * 15, 3, 13, 2, 17):
        batches.append(writer.write(store, count, t=1_000 + len(batches)))
    assert rows_of(tmp_path) == [0, 16, 32, 33, 48]
    leaves = [leaf for batch in batches for leaf in batch.leaves]
    privates = [private or None for batch in batches for private in batch.privates]
    assert list(store.leaves(0, 99)) == leaves
    assert [store.private(entry) for entry in range(len(leaves))] == privates
    assert store.tile(0, 0) == batches[-1].tiles[0].hashes
    assert [store.first_at(t) for t in (0, 1_007, 1_015, 1_016, 1_019)] == [0, 7, 15, 18, None]


def test_a_damaged_row_does_not_stop_the_log(store: SqliteStore, tmp_path: Path) -> None:
    """Rows that cannot be read are not put together, and the batch is written all the same."""
    writer = Writer()
    for _ in range(15):
        writer.write(store, 1)
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as connection, connection:
        connection.execute("UPDATE entries SET leaves = x'00' WHERE first = 4")
    writer.write(store, 2)
    assert rows_of(tmp_path) == list(range(17))
    assert store.pick([15])[15].private == b""


def test_an_older_file_is_refused(tmp_path: Path) -> None:
    """A log without a place for words that wait is left alone."""
    SqliteStore(tmp_path / "log.sqlite").close()
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(LogUnavailableError) as caught:
        SqliteStore(tmp_path / "log.sqlite")
    assert caught.value.reason is Unavailable.OLDER


def test_words_that_move_while_they_are_read_count_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits at a reader's first look, and is in the index at the second, is neither lost nor there twice."""
    writer = Writer()
    writer.write(store, 3, words=(5, 6))

    def moving(read: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            found = read(*arguments, **named)
            for _ in range(PARTS):
                writer.write(store, 1)
            writer.write(store, 3, words=(5, 6))
            return found

        return run

    monkeypatch.setattr(sqlite_words, "find_pending", moving(sqlite_words.find_pending))
    monkeypatch.setattr(sqlite_words, "pending_rows", moving(sqlite_words.pending_rows))
    assert list(store.find(5, before=LAST, limit=9)) == [2, 1, 0]
    assert index_of(store, 0, 3) == [(word, entry) for word in (5, 6) for entry in range(3)]
    assert list(store.missing_rows([(5, 0), (6, 2), (7, 0)])) == [(7, 0)]


def test_rows_that_are_joined_while_a_time_is_looked_up_hide_no_entry(store: SqliteStore) -> None:
    """An entry that has a row of its own at the first look, and none at the second, is found in the row of all."""
    writer = Writer()
    for t in range(1_000, 1_015):
        writer.write(store, 1, t=t)
    connection = store._reader._opened()
    asked: list[str] = []

    def join(statement: str) -> None:
        asked.append(statement)
        if len(asked) == 2:
            writer.write(store, 1, t=1_015)

    connection.set_trace_callback(join)
    assert store.first_at(1_007) == 7
    assert len(asked) == 2
