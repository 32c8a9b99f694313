"""What every licence store keeps to, also when it fails."""

import os
import sqlite3
import stat
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.sources.database import SCHEMA_VERSION, open_database
from gateway.sources.licence_store import (
    Added,
    LicenceStore,
    Selection,
    UnknownLicenceError,
    index_names,
    key_names,
)
from gateway.sources.memory import Failing, MemoryLicenceStore
from gateway.sources.source import (
    LicenceIndex,
    LicenceKey,
    NotFound,
    NotReady,
    SourceFault,
    SourceUnavailableError,
    StoredHead,
    StoredLicence,
    by_identifier,
    by_number,
)
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.support.licence_stores import INDEX, STORED_AT, TYPE, index, new_licence

HOUR = timedelta(hours=1)
IDENTIFIER = by_identifier(INDEX.identifier)
NUMBER = by_number("N-1", TYPE)


class UnreliableSqliteStore(SqliteLicenceStore):
    """A store whose commit fails, before or after it was made."""

    failing: Failing | None = None

    def _commit(self) -> None:
        when, self.failing = self.failing, None
        if when is not Failing.BEFORE:
            super()._commit()
        if when is not None:
            raise sqlite3.OperationalError("told to")


def set_status(store: LicenceStore, status: LicenceStatus, reference: str = INDEX.identifier) -> None:
    store.set_status(reference, status, is_under_objection=False, reason="decision 7", at=STORED_AT + HOUR)


def stored(store: LicenceStore, key: LicenceKey) -> StoredLicence:
    found = store.find(key)
    assert isinstance(found, StoredLicence)
    return found


def status_of(store: LicenceStore, issued_on: date | None = None, **changes: Any) -> LicenceStatus | None:
    registered = store.find_status(index(**changes), issued_on=issued_on)
    assert registered is None or (registered.source, registered.is_under_objection) == ("store", False)
    return None if registered is None else registered.status


class LicenceStoreContract:
    """The contract; a subclass makes the store."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> LicenceStore:
        """Make an empty store."""
        raise NotImplementedError

    def test_an_empty_store_knows_nothing(self, store: LicenceStore) -> None:
        """Where nothing is stored nothing is found, and there is nothing to verify instead."""
        assert store.find(IDENTIFIER) == store.find(NUMBER) == NotFound(document=b"", source="store")
        assert list(store.entries(Selection())) == []

    @pytest.mark.parametrize(
        "key",
        [
            IDENTIFIER,
            by_identifier(" １.2.156.3005.2.a.b.c.001.x"),
            NUMBER,
            by_number("n-1", "食品经营许可证"),
            by_number("N-1", TYPE, "91349901MADEM3431H"),
            by_number("N-1", TYPE, "another holder"),
            by_identifier("1.2.156.3005.2.a.b.c.001.x", "another holder"),
        ],
    )
    def test_what_was_stored_is_found(self, store: LicenceStore, key: LicenceKey) -> None:
        """A licence is found by identifier, by number and type code or name, in any width and case, for any holder."""
        assert store.add([new_licence()], at=STORED_AT) == (Added.NEW,)
        assert store.find(key) == StoredLicence(
            document=b"document",
            sha256=new_licence().sha256,
            status=LicenceStatus.ACTIVE,
            status_since=STORED_AT,
            is_under_objection=False,
            stored_at=STORED_AT,
            source="store",
        )

    @pytest.mark.parametrize(
        "key",
        [
            by_identifier("1.2.156"),
            by_identifier("无"),
            by_number("N-2", TYPE),
            by_number("N-1", "another type"),
            by_number("", ""),
        ],
    )
    def test_what_was_not_stored_is_not_found(self, store: LicenceStore, key: LicenceKey) -> None:
        """Another key finds a decoy only: a document of the store, to spend the time on."""
        store.add([new_licence()], at=STORED_AT)
        assert store.find(key) == NotFound(document=b"document", source="store")

    def test_texts_that_say_nothing_are_no_keys(self, store: LicenceStore) -> None:
        """A licence without a number is not found by the empty number."""
        store.add([new_licence(number="", type_code="", name="")], at=STORED_AT)
        assert isinstance(store.find(by_number("", "")), NotFound)
        assert isinstance(store.find(IDENTIFIER), StoredLicence)

    def test_a_name_that_fits_several_types_finds_none(self, store: LicenceStore) -> None:
        """Nothing is guessed where one name stands for two types; the code of the type decides."""
        other = new_licence(b"other", type_code="OTHER", identifier="")
        store.add([new_licence(), other], at=STORED_AT)
        for look_up in (store.find, store.find_head):
            found, nothing = look_up(by_number("N-1", "食品经营许可证")), look_up(by_number("N-9", "食品经营许可证"))
            assert isinstance(found, NotFound)
            assert isinstance(nothing, NotFound)
            assert (found.is_ambiguous, nothing.is_ambiguous) == (True, False)
        assert stored(store, by_number("N-1", "other")).document == b"other"

    def test_the_decoy_of_a_key_stays_the_same(self, store: LicenceStore) -> None:
        """Whoever asks for what is not there, for any holder and as often as he likes, costs the same document."""
        many = [new_licence(bytes([n]), identifier=f"I-{n}", number=f"N-{n}") for n in range(40)]
        store.add(many, at=STORED_AT)
        decoys = {holder: store.find(by_number("nobody", TYPE, holder)).document for holder in (None, "1", "2", "3")}
        assert len(set(decoys.values())) == 1
        spread = {store.find(by_number(f"nobody-{n}", TYPE)).document for n in range(40)}
        assert len(spread) > 10

    def test_the_status_of_a_document_from_elsewhere(self, store: LicenceStore) -> None:
        """A licence is known by its identifier, else by number and type; one that is announced is known as well."""
        assert status_of(store) is None
        store.add([new_licence()], at=STORED_AT)
        store.announce(index(identifier="1.2.3", number="N-2"), at=STORED_AT)
        set_status(store, LicenceStatus.REVOKED)
        for changes in (
            {},
            {"number": "N-9"},
            {"identifier": "9.9.9"},
            {"identifier": ""},
            {"identifier": "", "type_code": ""},
            {"identifier": "", "name": "another name"},
        ):
            assert status_of(store, **changes) is LicenceStatus.REVOKED
        for changes in (
            {"identifier": "9.9.9", "number": "N-9"},
            {"identifier": "", "number": ""},
            {"identifier": "", "type_code": "another type"},
            {"identifier": "", "type_code": "", "name": "another name"},
        ):
            assert status_of(store, **changes) is None
        assert status_of(store, identifier="", number="N-2") is LicenceStatus.ACTIVE
        told = (
            store.find_status(index(identifier=one, number=""), issued_on=None) for one in ("1.2.3", IDENTIFIER.written)
        )
        assert [one is not None and one.is_announced for one in told] == [True, False]

    def test_an_earlier_document_is_superseded(self, store: LicenceStore) -> None:
        """By the identifier of an earlier version, or by a day of issue before that of the current one."""
        first, second = date(2025, 1, 1), date(2026, 1, 1)
        store.add([new_licence(issued_on=first)], at=STORED_AT)
        store.add([new_licence(b"second", issued_on=second, identifier="1.2.3")], at=STORED_AT)
        superseded, active = LicenceStatus.SUPERSEDED, LicenceStatus.ACTIVE
        assert status_of(store, second) is superseded
        assert status_of(store, second, identifier="1.2.3") is active
        assert status_of(store, identifier="1.2.3") is active
        assert status_of(store, first, identifier="1.2.3") is superseded
        assert status_of(store, first, identifier="") is superseded
        assert status_of(store, date(2026, 1, 2), identifier="9.9.9") is active
        set_status(store, LicenceStatus.REVOKED)
        assert status_of(store, first, identifier="") is LicenceStatus.REVOKED

    def test_the_same_document_is_stored_once(self, store: LicenceStore) -> None:
        """Storing again changes nothing, in one go or in two."""
        assert store.add([new_licence(), new_licence()], at=STORED_AT) == (Added.NEW, Added.ALREADY_THERE)
        before = store.history(INDEX.identifier)
        assert store.add([new_licence()], at=STORED_AT + HOUR) == (Added.ALREADY_THERE,)
        assert store.history(INDEX.identifier) == before

    @pytest.mark.parametrize("in_order", [True, False])
    def test_the_version_issued_last_counts(self, store: LicenceStore, *, in_order: bool) -> None:
        """The number means the version issued last; the identifier of an earlier one means a superseded licence."""
        old = new_licence(b"old", issued_on=date(2024, 1, 1))
        new = new_licence(b"new", issued_on=date(2025, 1, 1), identifier="I-2")
        both = [old, new] if in_order else [new, old]
        assert store.add(both, at=STORED_AT) == (Added.NEW, Added.NEW_VERSION)
        assert stored(store, NUMBER).document == stored(store, by_identifier("I-2")).document == b"new"
        earlier = stored(store, IDENTIFIER)
        assert (earlier.document, earlier.status) == (b"old", LicenceStatus.SUPERSEDED)
        assert stored(store, by_identifier("I-2")).status is LicenceStatus.ACTIVE

    def test_of_one_day_the_last_that_came_counts(self, store: LicenceStore) -> None:
        """Versions of one identifier and one day, or of no day, follow each other as they were stored."""
        store.add([new_licence(b"1"), new_licence(b"2")], at=STORED_AT)
        assert stored(store, IDENTIFIER).document == stored(store, NUMBER).document == b"2"

    def test_a_revoked_licence_stays_revoked_in_all_versions(self, store: LicenceStore) -> None:
        """A new version does not lift what was decided about the licence, and an old one does not hide it."""
        store.add([new_licence(b"1", issued_on=date(2024, 1, 1))], at=STORED_AT)
        set_status(store, LicenceStatus.REVOKED)
        store.add([new_licence(b"2", issued_on=date(2025, 1, 1), identifier="I-2")], at=STORED_AT)
        assert {stored(store, key).status for key in (NUMBER, IDENTIFIER)} == {LicenceStatus.REVOKED}

    def test_an_identifier_belongs_to_one_licence(self, store: LicenceStore) -> None:
        """A licence of another number or type with an identifier in use is not stored."""
        for other in (new_licence(b"other", number="N-2"), new_licence(b"other", type_code="OTHER", name="other")):
            store.add([new_licence()], at=STORED_AT)
            assert store.add([other], at=STORED_AT) == (Added.IDENTIFIER_IN_USE,)
            assert stored(store, IDENTIFIER).document == b"document"

    def test_without_a_number_the_identifier_is_the_licence(self, store: LicenceStore) -> None:
        """Two documents with one identifier and no number are versions of one licence."""
        versions = [new_licence(bytes([n]), number="") for n in range(2)]
        assert store.add(versions, at=STORED_AT) == (Added.NEW, Added.NEW_VERSION)

    def test_the_name_counts_where_a_code_is_missing(self, store: LicenceStore) -> None:
        """A version without a type code belongs to the licence of its number and its type's name."""
        versions = [new_licence(), new_licence(b"2", type_code=""), new_licence(b"3", type_code="", name="other")]
        versions[2] = new_licence(b"3", type_code="", name="other", identifier="")
        assert store.add(versions, at=STORED_AT) == (Added.NEW, Added.NEW_VERSION, Added.NEW)

    def test_a_head_is_a_licence_without_its_document(self, store: LicenceStore) -> None:
        """A head says what is known beside the document, which is read by its digest."""
        store.add([new_licence()], at=STORED_AT)
        set_status(store, LicenceStatus.SUSPENDED)
        store.announce(index(number="N-2", identifier="I-2"), at=STORED_AT)
        for key in (IDENTIFIER, NUMBER):
            head = store.find_head(key)
            assert isinstance(head, StoredHead)
            assert head.with_document(store.read_document(head.sha256)) == store.find(key)
        for key in (by_identifier("I-2"), by_identifier("I-3")):
            assert store.find_head(key) == store.find(key)

    def test_every_change_raises_the_revision(self, store: LicenceStore) -> None:
        """The revision stays while nothing changes, and every change raises it."""
        revisions = [store.revision()]
        for change in (
            lambda: store.add([new_licence()], at=STORED_AT),
            lambda: store.add([new_licence(b"2", identifier="I-2")], at=STORED_AT),
            lambda: store.announce(index(number="N-3", identifier="I-3"), at=STORED_AT),
            lambda: set_status(store, LicenceStatus.SUSPENDED),
            lambda: set_status(store, LicenceStatus.ACTIVE),
        ):
            change()
            revisions.append(store.revision())
            assert store.revision() == revisions[-1]
        assert revisions == sorted(set(revisions))

    def test_a_look_names_what_changed(self, store: LicenceStore) -> None:
        """Whose answer may be another one since the last look is named, by each way to it, or nothing is told apart."""
        store.add([new_licence(), new_licence(b"2", number="N-2", identifier="I-2")], at=STORED_AT)
        mark, names = store.look(None)
        assert names is None
        assert store.look(mark) == (mark, frozenset())
        changes: list[tuple[partial[Any], LicenceIndex]] = [
            (partial(set_status, store, LicenceStatus.SUSPENDED), INDEX),
            (partial(store.add, [new_licence(b"3", identifier="I-3")], at=STORED_AT), index(identifier="I-3")),
            (partial(set_status, store, LicenceStatus.REVOKED, "I-3"), INDEX),
            (partial(store.announce, index(number="N-4", identifier="I-4"), at=STORED_AT), index(number="N-4")),
        ]
        for change, changed in changes:
            change()
            mark, names = store.look(mark)
            if names is not None:
                assert index_names(changed) & names
                assert key_names(by_number(changed.number, TYPE)) <= names
                assert not key_names(by_identifier("I-2")) & names
            assert store.look(mark) == (mark, frozenset())

    def test_known_but_not_ready(self, store: LicenceStore) -> None:
        """A licence whose document is not made yet is known, with a decoy; its document makes it ready."""
        assert store.announce(INDEX, at=STORED_AT) is Added.NEW
        announced = NotReady(status=LicenceStatus.ACTIVE, document=b"", source="store", holders=INDEX.holders)
        assert store.find(NUMBER) == announced
        store.add([new_licence(b"other", number="N-2", identifier="I-2")], at=STORED_AT)
        assert store.find(IDENTIFIER) == replace(announced, document=b"other")
        store.set_status(
            INDEX.identifier, LicenceStatus.ACTIVE, is_under_objection=True, reason="decision 8", at=STORED_AT + HOUR
        )
        assert store.find(IDENTIFIER) == replace(announced, document=b"other", is_under_objection=True)
        assert store.announce(INDEX, at=STORED_AT) is Added.ALREADY_THERE
        assert store.announce(index(number="N-3"), at=STORED_AT) is Added.IDENTIFIER_IN_USE
        assert store.announce(index(number=""), at=STORED_AT) is Added.ALREADY_THERE
        assert store.add([new_licence()], at=STORED_AT) == (Added.NEW_VERSION,)
        assert stored(store, IDENTIFIER).document == b"document"

    def test_a_status_is_set_and_the_one_before_is_kept(self, store: LicenceStore) -> None:
        """Each change of status is in force at once, and stays in the history with its reason."""
        store.add([new_licence()], at=STORED_AT)
        set_status(store, LicenceStatus.SUSPENDED)
        found = stored(store, NUMBER)
        assert (found.status, found.status_since) == (LicenceStatus.SUSPENDED, STORED_AT + HOUR)
        store.set_status(
            new_licence().sha256, LicenceStatus.ACTIVE, is_under_objection=True, reason="", at=STORED_AT + 2 * HOUR
        )
        assert stored(store, NUMBER).is_under_objection
        changes = store.history(INDEX.identifier).changes
        assert [(one.status, one.since, one.reason) for one in changes] == [
            (LicenceStatus.ACTIVE, STORED_AT, ""),
            (LicenceStatus.SUSPENDED, STORED_AT + HOUR, "decision 7"),
            (LicenceStatus.ACTIVE, STORED_AT + 2 * HOUR, ""),
        ]

    @pytest.mark.parametrize("reference", ["", "1.2.156", "0" * 64, "\udc80"])
    def test_an_unknown_reference_is_refused(self, store: LicenceStore, reference: str) -> None:
        """What the store does not have can neither be changed nor shown."""
        store.add([new_licence()], at=STORED_AT)
        with pytest.raises(UnknownLicenceError):
            set_status(store, LicenceStatus.REVOKED, reference)
        for look in (store.history, store.index):
            with pytest.raises(UnknownLicenceError):
                look(reference)
        assert stored(store, NUMBER).status is LicenceStatus.ACTIVE

    def test_lists(self, store: LicenceStore) -> None:
        """Licences are listed by type, status and holder of the current version, each once however many there are."""
        many = [
            new_licence(bytes([n // 256, n % 256]), identifier=f"I-{n}", number=f"N-{n}", holders=(f"H-{n % 2}",))
            for n in range(1001)
        ]
        store.add(many, at=STORED_AT)
        set_status(store, LicenceStatus.SUSPENDED, "I-7")
        assert [one.identifier for one in store.entries(Selection())] == [f"I-{n}" for n in range(1001)]
        assert [one.identifier for one in store.entries(Selection(status=LicenceStatus.SUSPENDED))] == ["I-7"]
        assert len(list(store.entries(Selection(holder="H-1", licence_type=TYPE)))) == 500
        assert list(store.entries(Selection(licence_type="OTHER"))) == []
        store.add([new_licence(b"sold", number="N-1", identifier="I-1b", holders=("H-0",))], at=STORED_AT)
        assert len(list(store.entries(Selection(holder="H-1")))) == 499
        found = list(store.indexes(Selection(holder="H-1")))
        assert [one.identifier for one in found] == [one.identifier for one in store.entries(Selection(holder="H-1"))]
        assert store.index(found[-1].identifier) == found[-1]

    def test_what_a_licence_is_found_by(self, store: LicenceStore) -> None:
        """A licence is found by what its current version states, whichever version or document it is named by."""
        store.add([new_licence(holders=("H-1", "H-2"))], at=STORED_AT)
        later = new_licence(b"sold", identifier="I-2", holders=("H-3",), issued_on=date(2025, 1, 1))
        store.add([later], at=STORED_AT)
        for reference in (INDEX.identifier, "I-2", new_licence().sha256, later.sha256):
            assert store.index(reference) == index(identifier="I-2", holders=("H-3",))

    def test_history_names_every_version(self, store: LicenceStore) -> None:
        """The history has each version with its digest, and says which one counts."""
        store.announce(INDEX, at=STORED_AT)
        store.add([new_licence(issued_on=date(2025, 1, 1))], at=STORED_AT + HOUR)
        announced, made = store.history(INDEX.identifier).versions
        assert (announced.sha256, announced.bytes, announced.is_current) == ("", 0, False)
        assert (made.sha256, made.bytes, made.issued_on) == (new_licence().sha256, 8, "2025-01-01")
        assert (made.is_current, made.stored_at) == (True, STORED_AT + HOUR)
        assert store.history(INDEX.identifier).entry.versions == 2

    @pytest.mark.parametrize("when", Failing)
    def test_failed_or_failed_yet_stored(self, store: LicenceStore, when: Failing) -> None:
        """What is reported as failed is stored whole or not at all, and doing it again ends in the same store."""
        changes: list[Any] = [
            partial(store.add, [new_licence(), new_licence(b"2", number="N-2", identifier="I-2")], at=STORED_AT),
            partial(store.announce, index(number="N-3", identifier="I-3"), at=STORED_AT),
            partial(set_status, store, LicenceStatus.SUSPENDED),
        ]
        expected = [2, 3, 3]
        for change, count in zip(changes, expected, strict=True):
            before = len(list(store.entries(Selection())))
            store.failing = when  # type: ignore[attr-defined]  # of the two stores of this file
            with pytest.raises(SourceUnavailableError):
                change()
            assert len(list(store.entries(Selection()))) == (before if when is Failing.BEFORE else count)
            change()
            assert len(list(store.entries(Selection()))) == count
        assert stored(store, NUMBER).status is LicenceStatus.SUSPENDED


class TestMemory(LicenceStoreContract):
    """The store of tests keeps the contract."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> LicenceStore:  # noqa: ARG002 - the contract's fixture
        """Make an empty store."""
        return MemoryLicenceStore()


class TestSqlite(LicenceStoreContract):
    """The store in a file keeps the contract."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> LicenceStore:
        """Make an empty store, in a folder that is not there yet."""
        return UnreliableSqliteStore(tmp_path / "state" / "licences.sqlite", create=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "licences.sqlite"


def fault_of(path: Path) -> SourceFault:
    with pytest.raises(SourceUnavailableError) as caught:
        SqliteLicenceStore(path).find(IDENTIFIER)
    return caught.value.fault


def fill(path: Path, document: bytes = b"document") -> None:
    store = SqliteLicenceStore(path, create=True)
    store.add([new_licence(document)], at=STORED_AT)
    store.close()


def edit(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_what_was_stored_outlives_the_process(path: Path) -> None:
    """The file opened again, or made a second time, holds what was stored; its owner alone may read it."""
    fill(path)
    assert stored(SqliteLicenceStore(path), NUMBER).document == b"document"
    assert stored(SqliteLicenceStore(path, create=True), NUMBER).document == b"document"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_settings_that_keep_it_whole(path: Path) -> None:
    """The file is in WAL mode, and every commit is synchronised to disk."""
    fill(path)
    connection = open_database(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


def test_look_ups_use_an_index(path: Path) -> None:
    """No look-up reads the whole store."""
    store = SqliteLicenceStore(path, create=True)
    seen: list[str] = []
    store._connection.set_trace_callback(seen.append)
    store.add([new_licence()], at=STORED_AT)
    store.find(IDENTIFIER)
    store.find(NUMBER)
    store.find(by_number("nobody", TYPE))
    store.history(INDEX.identifier)
    store.index(INDEX.identifier)
    list(store.entries(Selection(holder="H")))
    store._connection.set_trace_callback(None)
    for statement in seen:
        if "SELECT" in statement and "FROM secret" not in statement:
            plan = [row[3] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
            scans = [step for step in plan if step.startswith("SCAN")]
            assert not scans, (statement, plan)
    store.close()


def test_no_file_is_no_store(path: Path) -> None:
    """Nothing is made by asking; an empty file is no store either."""
    assert fault_of(path) is SourceFault.ABSENT
    assert not path.exists()
    path.touch()
    assert fault_of(path) is SourceFault.ABSENT


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE documents SET content = CAST('forged' AS BLOB)",
        "UPDATE documents SET content = 'text'",
        "UPDATE licences SET status = 'splendid'",
        "UPDATE licences SET status_since = 'yesterday'",
        "DELETE FROM secret",
        "PRAGMA application_id = 1",
    ],
)
def test_a_store_that_contradicts_itself_is_corrupt(path: Path, statement: str) -> None:
    """A document that is not what was stored, and words that nobody writes, are never answered from."""
    fill(path)
    edit(path, statement)
    assert fault_of(path) is SourceFault.CORRUPT


def test_another_file_is_no_store(path: Path) -> None:
    """Neither garbage nor another program's database is read or changed."""
    path.write_bytes(b"garbage" * 1000)
    assert fault_of(path) is SourceFault.CORRUPT
    path.unlink()
    edit(path, "CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(SourceUnavailableError) as caught:
        SqliteLicenceStore(path, create=True)
    assert caught.value.fault is SourceFault.CORRUPT
    assert path.read_bytes() == before


def test_a_later_schema_is_left_alone(path: Path) -> None:
    """A store of a later version of the program is not guessed at."""
    fill(path)
    edit(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    assert fault_of(path) is SourceFault.NEWER


def test_a_damaged_page_is_corrupt(path: Path) -> None:
    """Bytes that were overwritten are found, and end in a typed error."""
    fill(path, os.urandom(200_000))
    with path.open("r+b") as file:
        file.seek(60_000)
        file.write(b"\xff" * 100_000)
    assert fault_of(path) is SourceFault.CORRUPT


def test_a_lock_is_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody else writes, reading goes on and writing says that the store is busy."""
    monkeypatch.setattr("gateway.sources.database.BUSY_SECONDS", 0.01)
    fill(path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    store = SqliteLicenceStore(path)
    assert stored(store, NUMBER).document == b"document"
    with pytest.raises(SourceUnavailableError) as caught:
        set_status(store, LicenceStatus.REVOKED)
    assert caught.value.fault is SourceFault.BUSY
    writer.execute("ROLLBACK")
    set_status(store, LicenceStatus.REVOKED)
    writer.close()
    store.close()


def test_a_folder_is_unusable(path: Path) -> None:
    """What cannot be opened at all is not absent."""
    path.mkdir()
    assert fault_of(path) is SourceFault.UNUSABLE
