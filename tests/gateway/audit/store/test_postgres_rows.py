"""What is PostgreSQL's own: rows of single entries, owners in two numbers, versions of the tables."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.lookup import KeyOwner
from gateway.audit.private import KeyNumber
from gateway.audit.store.postgres import PostgresStore
from gateway.audit.store.postgres_link import PostgresLink
from gateway.audit.store.postgres_owners import join_owner, split_owners
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.gateway.audit.store.batches import Writer
from tests.support.audit import ORIGIN
from tests.support.postgres import PostgresServer, running_postgres

owners = st.binary(min_size=12, max_size=12).map(KeyOwner)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def dsn(server: PostgresServer) -> str:
    return server.new_database()


@pytest.fixture
def store(dsn: str) -> Iterator[PostgresStore]:
    store = PostgresStore(dsn, origin=ORIGIN)
    yield store
    store.close()


def ask(dsn: str, query: str, *values: object) -> Any:
    """Return the first value that the server answers on a connection of its own."""
    link = PostgresLink(dsn)
    try:
        return link.run(lambda connection: connection.fetchval(query, *values))
    finally:
        link.close()


@given(several=st.lists(owners, min_size=1, max_size=5))
def test_owners_come_back_in_their_order(several: list[KeyOwner]) -> None:
    """Two numbers stand for the bytes of an owner, and are sorted as these are."""
    numbers = list(zip(*split_owners(several), strict=True))
    assert [join_owner(*pair) for pair in numbers] == several
    assert [join_owner(*pair) for pair in sorted(numbers)] == sorted(several)


def test_owners_that_share_the_first_number_are_told_apart(store: PostgresStore) -> None:
    """Each is found, replaced and erased alone."""
    one, two, writer = KeyOwner(b"o" * 12), KeyOwner(b"o" * 11 + b"x"), Writer()
    for named in ({one: KeyNumber(1), two: KeyNumber(2)}, {two: KeyNumber(3)}):
        store.commit(replace(writer.batch(), owners=named), expected=writer.before)
    assert store.owners([one, two, KeyOwner(b"o" * 11 + b"y")]) == {one: 1, two: 3}
    assert [(row.owner, row.number, row.first) for page in store.owner_rows([(0, 9)]) for row in page] == [
        (one, 1, 0),
        (two, 3, 3),
    ]
    store.erase_owners([two])
    assert store.owners([one, two]) == {one: 1}


@pytest.mark.parametrize("counts", [(1,) * 16, (15, 1), (3, 13), (5, 40, 3), (7, 256, 9), (1, 15, 256)])
def test_a_group_that_is_full_leaves_nothing_behind(store: PostgresStore, dsn: str, counts: tuple[int, ...]) -> None:
    """Rows hold whole groups; nothing of an entry stays in two places, where it might be forgotten in one."""
    writer = Writer()
    for count in counts:
        writer.write(store, count, words=(9,))
    assert ask(dsn, "SELECT count(*) FROM audit_entries WHERE length(hashes) = 512") == sum(counts) // 16
    assert ask(dsn, "SELECT count(*) FROM audit_entries WHERE length(hashes) <> 512") == 0
    assert ask(dsn, "SELECT sum(cardinality(words)) FROM audit_words") == sum(counts) // 16 * 16
    left = "SELECT count(*) FROM audit_open WHERE NOT (first, hashes, leaves, privates) IS NULL"
    assert ask(dsn, left) == sum(counts) % 16
    assert ask(dsn, "SELECT coalesce(sum(cardinality(words)), 0) FROM audit_open") == sum(counts) % 16


def test_rows_of_single_entries_do_not_grow(store: PostgresStore, dsn: str) -> None:
    """They are changed in place, so that a log whose entries come one at a time leaves nothing to be vacuumed."""
    ask(dsn, "ALTER TABLE audit_open SET (autovacuum_enabled = off)")
    writer = Writer()
    for _ in range(320):
        writer.write(store, 1, words=tuple(range(7)))
    assert ask(dsn, "SELECT pg_total_relation_size('audit_open')") <= 12 * 8192


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE audit_open SET first = NULL WHERE place = 1",
        "UPDATE audit_open SET leaves = 'x' WHERE place = 1",
        "UPDATE audit_open SET privates = NULL WHERE place = 1",
        "UPDATE audit_open SET words = NULL WHERE place = 1",
        "UPDATE audit_open SET hashes = hashes || hashes WHERE place = 1",
    ],
)
def test_a_damaged_row_of_a_single_entry_is_corrupt(store: PostgresStore, dsn: str, damage: str) -> None:
    """Nothing is written that would be put together from it."""
    writer = Writer()
    head = writer.write(store, 3).head
    ask(dsn, damage)
    store.reconnect()
    with pytest.raises(LogUnavailableError) as caught:
        writer.write(store, 13)
    assert caught.value.reason is Unavailable.CORRUPT
    assert store.head() == head


def test_what_was_erased_of_single_entries_does_not_come_back(store: PostgresStore) -> None:
    """The group that is put together later has what was left, though the store remembers what it wrote."""
    writer = Writer()
    writer.write(store, 4, words=(8, 9))
    store.replace_privates({0: b"", 2: b"instead"})
    writer.write(store, 1, words=(8, 9))
    store.erase_words([8])
    writer.write(store, 1, words=(8, 9))
    store.erase_entry_words([1, 5])
    writer.write(store, 10, words=(9,))
    assert [store.private(entry) for entry in range(5)] == [None, None, b"instead", None, b"private 4"]
    assert list(store.find(8, before=99, limit=99)) == []
    assert list(store.find(9, before=99, limit=99)) == [*range(15, 5, -1), 4, 3, 2, 0]


def test_a_second_writer_is_noticed_where_a_group_is_not_full(store: PostgresStore) -> None:
    """Entries that somebody else wrote in between are not taken for damage."""
    writer, late = Writer(), Writer()
    writer.write(store, 3)
    writer.write(store, 5)
    late.batch(3)
    with pytest.raises(LogUnavailableError) as caught:
        late.write(store, 1)
    assert caught.value.reason is Unavailable.SECOND_WRITER


@pytest.mark.parametrize(("version", "reason"), [(1, Unavailable.OLDER), (99, Unavailable.NEWER)])
def test_tables_of_another_version_are_refused(
    store: PostgresStore, dsn: str, version: int, reason: Unavailable
) -> None:
    """Whoever opens the log is told whether the program or the log is behind."""
    store.close()
    ask(dsn, "UPDATE audit_version SET version = $1", version)
    with pytest.raises(LogUnavailableError) as caught:
        PostgresStore(dsn, origin=ORIGIN)
    assert caught.value.reason is reason
