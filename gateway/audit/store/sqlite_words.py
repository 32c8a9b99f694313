"""The index of the log in SQLite: what waits to be put into it, and the table of all the rest.

A word goes from the one to the other. So whoever reads looks first at what waits: what leaves it meanwhile is then in
the table, and what is found in both counts once.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from gateway.audit.store.sqlite_file import SqliteFile
from gateway.audit.store.sqlite_pending import erase_pending, find_pending, pending_rows

_SLICES: Final = 64  # of the index, which has 10^8 rows in a large shard; each slice then keeps a batch waiting briefly
_PAGES: Final = 1_024  # in which the whole index is read: each passes 10^5 of 10^8 rows in some hundredths of a second
_LOWEST: Final = -(2**63)
_ALL: Final = 2**64  # words
WORDS: Final = (
    "CREATE TABLE words (word INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (word, entry)) WITHOUT ROWID"
)


def find_entries(file: SqliteFile, word: int, *, before: int, since: int, limit: int) -> Sequence[int]:
    """Return the entries that a word leads to, the latest first."""
    query = "SELECT entry FROM words WHERE word = ? AND entry < ? AND entry >= ? ORDER BY entry DESC LIMIT ?"
    with file.reading() as connection:
        found = find_pending(connection, word, before=before, since=since, limit=limit)
        earlier = (word, found[-1] if found else before, since, limit - len(found))
        return found + [row[0] for row in connection.execute(query, earlier)]


def erase_words(file: SqliteFile, words: Collection[int]) -> int:
    """Delete what the index has under these words; the deleted bytes are overwritten."""
    doomed = frozenset(words)
    with file.writing() as connection:
        erased = erase_pending(connection, words=doomed)
        rows = [(word,) for word in doomed]
        erased += max(connection.executemany("DELETE FROM words WHERE word = ?", rows).rowcount, 0)
    file.purge_at_once()
    return erased


def erase_entry_words(file: SqliteFile, entries: Iterable[int]) -> int:
    """Delete every row of the index that leads to these entries, one slice of the index after the other."""
    query = "DELETE FROM words WHERE word BETWEEN ? AND ? AND entry IN (SELECT entry FROM temp.doomed)"
    late = "SELECT entry FROM temp.doomed WHERE entry >= (SELECT min(first) FROM pending)"
    with file.writing() as connection:
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (entry INTEGER PRIMARY KEY)")
        connection.execute("DELETE FROM temp.doomed")
        connection.executemany("INSERT OR IGNORE INTO temp.doomed VALUES (?)", ((entry,) for entry in entries))
        erased = erase_pending(connection, entries=frozenset(row[0] for row in connection.execute(late)))
    for low, high in _parts(_SLICES):
        with file.writing() as connection:
            erased += connection.execute(query, (low, high)).rowcount
    with file.writing() as connection:
        connection.execute("DROP TABLE temp.doomed")
    file.purge_at_once()
    return erased


def index_rows(file: SqliteFile, spans: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    """Yield rows of the index, one part of all words after the other; words are hashes, so parts are alike."""
    within, bounds = within_spans("entry", spans)
    query = f"""SELECT word, entry FROM words
        WHERE word BETWEEN ? AND ? AND ({within}) ORDER BY word, entry"""  # noqa: S608 - a name and question marks
    with file.reading() as connection:
        waiting = sorted(pending_rows(connection, spans))
    for low, high in _parts(_PAGES):
        late = waiting[bisect_left(waiting, (low,)) : bisect_left(waiting, (high + 1,))]
        with file.reading() as connection:
            rows = connection.execute(query, (low, high, *bounds)).fetchall()
        if rows or late:
            yield sorted({*rows, *late}) if late else rows


def missing_rows(file: SqliteFile, rows: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
    """Return the rows that the index does not have."""
    query = "SELECT 1 FROM words WHERE word = ? AND entry = ?"
    entries = [entry for _, entry in rows]
    with file.reading() as connection:
        waiting = pending_rows(connection, [(min(entries), max(entries) + 1)] if entries else [])
        return [row for row in rows if row not in waiting and connection.execute(query, row).fetchone() is None]


def within_spans(column: str, spans: Sequence[tuple[int, int]]) -> tuple[str, list[int]]:
    """Return the condition that a column lies in one of these spans, and what stands for its question marks."""
    return " OR ".join([f"{column} >= ? AND {column} < ?"] * len(spans)), [bound for span in spans for bound in span]


def _parts(count: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last word of so many parts of all words."""
    width = _ALL // count
    for low in range(_LOWEST, _LOWEST + _ALL, width):
        yield low, low + width - 1
