"""What every store of consents keeps to, also when it fails."""

import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.consent.memory import Failing, MemoryConsentStore
from gateway.consent.record import CONSENT_ID_PATTERN, ConsentId, ConsentRecord, hash_holder, make_consent_id
from gateway.consent.sqlite import CONSENTS, SqliteConsentStore
from gateway.consent.store import ConsentStore
from gateway.sources.database import open_database
from gateway.sources.source import SourceFault, SourceUnavailableError
from gateway.sources.store import SqliteLicenceStore
from tests.support.sharing import ADULT, CHILD, SECRET

GIVEN = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOLDER, OTHER = hash_holder(ADULT, SECRET) or b"", hash_holder(CHILD, SECRET) or b""
RECORD = ConsentRecord(
    id=ConsentId("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    holders=frozenset({HOLDER}),
    items=frozenset({"i1", "i2"}),
    licences=frozenset({"l1"}),
    fields=frozenset({"holder_name"}),
    organisations=frozenset({"ORG"}),
    registered_by="REG",
    given_at=GIVEN,
    expires_at=GIVEN + 24 * HOUR,
)


class UnreliableSqliteStore(SqliteConsentStore):
    """A store whose commit fails, before or after it was made."""

    failing: Failing | None = None

    def _commit(self) -> None:
        when, self.failing = self.failing, None
        if when is not Failing.BEFORE:
            super()._commit()
        if when is not None:
            raise sqlite3.OperationalError("told to")


class ConsentStoreContract:
    """The contract; a subclass makes the store."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ConsentStore:
        """Make an empty store."""
        raise NotImplementedError

    @pytest.mark.parametrize(
        "record", [RECORD, replace(RECORD, fields=None, registered_by=""), replace(RECORD, withdrawn_at=GIVEN)]
    )
    def test_what_was_added_is_found(self, store: ConsentStore, record: ConsentRecord) -> None:
        """A consent is found by its id, as it was."""
        store.add(record)
        assert store.find(record.id) == record

    def test_what_was_not_added_is_not_found(self, store: ConsentStore) -> None:
        """Nobody has an id that was never given out."""
        store.add(RECORD)
        for consent in (make_consent_id(), ConsentId(""), ConsentId(RECORD.id.lower()), ConsentId("%")):
            assert store.find(consent) is None

    def test_adding_twice_changes_nothing(self, store: ConsentStore) -> None:
        """An id stands for one consent."""
        store.add(RECORD)
        store.add(replace(RECORD, items=frozenset({"i9"})))
        assert store.find(RECORD.id) == RECORD

    def test_withdrawing(self, store: ConsentStore) -> None:
        """A consent is withdrawn once; the first withdrawal counts."""
        store.add(RECORD)
        assert store.withdraw(RECORD.id, at=GIVEN + HOUR) == GIVEN + HOUR
        assert store.withdraw(RECORD.id, at=GIVEN + 2 * HOUR, organisation="REG") == GIVEN + HOUR
        assert store.find(RECORD.id) == replace(RECORD, withdrawn_at=GIVEN + HOUR)

    def test_foreign_consents_are_unknown(self, store: ConsentStore) -> None:
        """An organisation withdraws what it registered; of another's consent it hears what it hears of none."""
        store.add(RECORD)
        assert store.withdraw(RECORD.id, at=GIVEN, organisation="ORG") is None
        assert store.withdraw(make_consent_id(), at=GIVEN, organisation="ORG") is None
        assert store.find(RECORD.id) == RECORD

    @pytest.mark.parametrize("when", Failing)
    def test_failing(self, store: ConsentStore, when: Failing) -> None:
        """A failure is told, whether or not something was stored; trying again comes to the right end."""
        store.failing = when  # type: ignore[attr-defined]
        with pytest.raises(SourceUnavailableError):
            store.add(RECORD)
        assert (store.find(RECORD.id) is None) is (when is Failing.BEFORE)
        store.add(RECORD)
        store.failing = when  # type: ignore[attr-defined]
        with pytest.raises(SourceUnavailableError):
            store.withdraw(RECORD.id, at=GIVEN)
        assert store.withdraw(RECORD.id, at=GIVEN + HOUR) == (GIVEN + HOUR if when is Failing.BEFORE else GIVEN)


class TestMemory(ConsentStoreContract):
    """The store of the tests."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ConsentStore:  # noqa: ARG002
        """Make an empty store."""
        return MemoryConsentStore()


class TestSqlite(ConsentStoreContract):
    """The store of a site."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ConsentStore:
        """Make an empty store."""
        return UnreliableSqliteStore(tmp_path / "consents.sqlite", create=True)

    def test_it_lasts(self, tmp_path: Path) -> None:
        """What was reported as kept is there when the file is opened again, and nobody else may read the file."""
        path = tmp_path / "state" / "consents.sqlite"
        store = SqliteConsentStore(path, create=True)
        store.add(RECORD)
        store.close()
        assert SqliteConsentStore(path).find(RECORD.id) == RECORD
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_no_number_is_in_the_file(self, tmp_path: Path) -> None:
        """The file holds no number of a holder, and no key to find one with."""
        path = tmp_path / "consents.sqlite"
        store = SqliteConsentStore(path, create=True)
        store.add(RECORD)
        store.close()
        content = path.read_bytes()
        assert ADULT.encode() not in content
        assert SECRET not in content

    def test_another_kind_of_file(self, tmp_path: Path) -> None:
        """A store of licences is no store of consents, nor the other way round."""
        SqliteLicenceStore(tmp_path / "licences", create=True).close()
        SqliteConsentStore(tmp_path / "consents", create=True).close()
        with pytest.raises(SourceUnavailableError):
            SqliteConsentStore(tmp_path / "licences")
        with pytest.raises(SourceUnavailableError):
            SqliteLicenceStore(tmp_path / "consents")

    def test_no_file(self, tmp_path: Path) -> None:
        """Where nobody registered a consent there is no file, and none is made by looking."""
        with pytest.raises(SourceUnavailableError) as caught:
            SqliteConsentStore(tmp_path / "consents.sqlite")
        assert caught.value.fault is SourceFault.ABSENT
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("scope", "{}"),
            ("scope", "not json"),
            ("scope", '{"holders":["zz"],"items":[],"licences":[],"fields":null,"organisations":[]}'),
            ("given_at", "yesterday"),
            ("withdrawn_at", "yesterday"),
        ],
    )
    def test_damage(self, tmp_path: Path, column: str, value: str) -> None:
        """A record that cannot be read is told as damage, never taken for a consent or for none."""
        path = tmp_path / "consents.sqlite"
        store = SqliteConsentStore(path, create=True)
        store.add(RECORD)
        with_damage = open_database(path, kind=CONSENTS)
        with_damage.execute(f"UPDATE consents SET {column} = ?", (value,))  # noqa: S608 -- the test's own names
        with_damage.close()
        with pytest.raises(SourceUnavailableError) as caught:
            store.find(RECORD.id)
        assert caught.value.fault is SourceFault.CORRUPT


ASKED = {"at": GIVEN, "item": "i1", "licence": "l1", "organisation": "ORG", "holders": [HOLDER]}


@pytest.mark.parametrize(
    ("changes", "covers"),
    [
        ({}, True),
        ({"at": GIVEN - HOUR}, False),
        ({"at": GIVEN + 23 * HOUR}, True),
        ({"at": GIVEN + 24 * HOUR}, False),
        ({"item": "i3"}, False),
        ({"licence": "l2"}, False),
        ({"organisation": "REG"}, False),
        ({"holders": [OTHER]}, False),
        ({"holders": [HOLDER, OTHER]}, False),
        ({"holders": []}, False),
    ],
)
def test_covers(changes: dict[str, object], *, covers: bool) -> None:
    """A consent counts for a question when it fits all of it, and not after it was withdrawn."""
    asked = ASKED | changes
    assert RECORD.covers(**asked) is covers  # type: ignore[arg-type]
    assert not replace(RECORD, withdrawn_at=GIVEN).covers(**asked)  # type: ignore[arg-type]


def test_hashes_of_holders() -> None:
    """One holder has one hash, in every spelling of the number; another key gives others; nothing has none."""
    assert hash_holder(ADULT.lower(), SECRET) == HOLDER == hash_holder(f" {ADULT} ", SECRET)
    assert hash_holder(ADULT[:6] + ADULT[8:17], SECRET) == HOLDER
    assert len({HOLDER, OTHER, hash_holder(ADULT, b"another key")}) == 3
    assert hash_holder("无", SECRET) is None
    assert hash_holder("", SECRET) is None


def test_ids() -> None:
    """Ids are random, and have the form that requests are checked for."""
    ids = {make_consent_id() for _ in range(100)}
    assert len(ids) == 100
    for one in ids:
        assert len(one) == 26
        assert set(one) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert CONSENT_ID_PATTERN == "^[A-Z2-7]{26}$"
