"""Licences that a register states, recorded many at a time: as one after the other would be, and never better news."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.sources.licence_store import Added, Selection
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import LicenceIndex, NotReady, by_identifier, by_number
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.support.demo import NOW

LATER = NOW + timedelta(days=1)


def licence(identifier: str = "1.2", number: str = "N", **more: object) -> RecordedLicence:
    """Return a licence; everything else is the same for all."""
    values: dict[str, object] = {"type_code": "T", "name": "", "holders": ("H",), "issued_on": "2024-02-29"}
    values |= {"status": LicenceStatus.ACTIVE, "is_under_objection": False, **more}
    return RecordedLicence(identifier=identifier, number=number, **values)  # type: ignore[arg-type]  # by name


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteLicenceStore]:
    """Return an empty store."""
    kept = SqliteLicenceStore(tmp_path / "licences.sqlite", create=True)
    yield kept
    kept.close()


def record(store: SqliteLicenceStore, *licences: RecordedLicence, later: bool = False) -> list[Added]:
    return store.record(licences, reason="import: test", at=LATER if later else NOW)


def shown(store: SqliteLicenceStore) -> list[object]:
    """Return everything that the store says of its licences, in an order that does not depend on their ids."""
    entries = store.entries(Selection())
    return [store.history(one.identifier) for one in entries if one.identifier]


def test_what_is_new_is_known_and_not_ready(store: SqliteLicenceStore) -> None:
    """A recorded licence is found by both keys, without a document, with the status that the register states."""
    assert record(store, licence(status=LicenceStatus.SUSPENDED)) == [Added.NEW]
    for key in (by_identifier("1.2"), by_number("N", "T")):
        found = store.find(key)
        assert isinstance(found, NotReady)
        assert found.status is LicenceStatus.SUSPENDED
    assert store.index("1.2") == LicenceIndex(identifier="1.2", number="N", type_code="T", name="", holders=("H",))
    assert [change.reason for change in store.history("1.2").changes] == ["import: test"]


def test_the_same_record_twice_changes_nothing(store: SqliteLicenceStore) -> None:
    """In one batch or in two."""
    assert record(store, licence(), licence()) == [Added.NEW, Added.ALREADY_THERE]
    before = shown(store)
    assert record(store, licence(), later=True) == [Added.ALREADY_THERE]
    assert shown(store) == before


def test_the_worst_status_counts(store: SqliteLicenceStore) -> None:
    """A cancelled copy cancels the licence, whatever the other copy says, before or after."""
    cancelled = licence("1.3", status=LicenceStatus.CANCELLED)
    assert record(store, licence(), cancelled, licence()) == [Added.NEW, Added.NEW_STATUS, Added.ALREADY_THERE]
    record(store, licence(), later=True)
    assert store.history("1.2").entry.status is LicenceStatus.CANCELLED


def test_unknown_is_worse_than_active(store: SqliteLicenceStore) -> None:
    """A status code that nobody wrote down takes "active" away, and an objection stays."""
    record(store, licence(is_under_objection=True))
    assert record(store, licence(status=LicenceStatus.UNKNOWN), later=True) == [Added.NEW_STATUS]
    entry = store.history("1.2").entry
    assert (entry.status, entry.is_under_objection) == (LicenceStatus.UNKNOWN, True)


def test_a_later_issue_is_a_new_version(store: SqliteLicenceStore) -> None:
    """Another identifier on another day is a version, and the latest is the current one."""
    record(store, licence())
    assert record(store, licence("1.4", issued_on="2025-01-01"), later=True) == [Added.NEW_VERSION]
    found = store.find(by_identifier("1.2"))
    assert isinstance(found, NotReady)
    assert found.status is LicenceStatus.SUPERSEDED
    assert store.history("1.4").entry.identifier == "1.4"


EXPIRED = licence("1.1", issued_on="2010-01-01", status=LicenceStatus.EXPIRED)
RENEWED = licence("1.2", issued_on="2020-01-01")


@pytest.mark.parametrize("licences", [(EXPIRED, RENEWED), (RENEWED, EXPIRED), (EXPIRED, RENEWED, EXPIRED)])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_renewed_licence_is_not_as_the_version_before(
    store: SqliteLicenceStore, licences: tuple[RecordedLicence, ...], *, at_once: bool
) -> None:
    """That a version ended says nothing of the one that took its place, whichever of them comes first."""
    for batch in [licences] if at_once else [(one,) for one in licences]:
        record(store, *batch)
    assert store.history("1.2").entry.status is LicenceStatus.ACTIVE
    found = store.find(by_identifier("1.1"))
    assert isinstance(found, NotReady)
    assert found.status is LicenceStatus.SUPERSEDED


def test_a_renewal_lifts_nothing_that_an_operator_set(store: SqliteLicenceStore) -> None:
    """What was set by hand stays, and what was lifted by hand is set by no older record."""
    record(store, EXPIRED)
    store.set_status("1.1", LicenceStatus.SUSPENDED, is_under_objection=False, reason="by hand", at=NOW)
    record(store, RENEWED)
    assert store.history("1.2").entry.status is LicenceStatus.SUSPENDED
    store.set_status("1.2", LicenceStatus.ACTIVE, is_under_objection=False, reason="by hand", at=NOW)
    record(store, EXPIRED)
    assert store.history("1.2").entry.status is LicenceStatus.ACTIVE


def test_a_status_is_as_of_the_import_that_stated_it(store: SqliteLicenceStore) -> None:
    """An import that says the same again makes it newer, and so does an operator; what nobody imported is as of now."""
    index = LicenceIndex(identifier="1.2", number="N", type_code="T", name="", holders=("H",))

    def as_of() -> set[datetime | None]:
        found, registered = store.find(by_number("N", "T")), store.find_status(index, issued_on=None)
        assert isinstance(found, NotReady)
        assert registered is not None
        return {found.as_of, registered.as_of}

    store.announce(index, at=NOW)
    assert as_of() == {None}
    record(store, licence(issued_on=""))
    assert as_of() == {NOW}
    record(store, licence(issued_on=""), later=True)
    assert as_of() == {LATER}
    last = LATER + timedelta(days=1)
    store.set_status("1.2", LicenceStatus.SUSPENDED, is_under_objection=False, reason="by hand", at=last)
    assert as_of() == {last}


def test_an_earlier_schema_is_brought_up(tmp_path: Path) -> None:
    """A store from before registers were told apart keeps what it has, and takes imports."""
    path = tmp_path / "licences.sqlite"
    store = SqliteLicenceStore(path, create=True)
    record(store, licence(status=LicenceStatus.SUSPENDED))
    store._connection.executescript("DROP TABLE stated; PRAGMA user_version = 1")
    store.close()
    store = SqliteLicenceStore(path)
    assert record(store, licence("1.5", issued_on="2025-01-01")) == [Added.NEW_VERSION]
    assert store.history("1.5").entry.status is LicenceStatus.SUSPENDED
    store.close()


def test_an_identifier_belongs_to_one_licence(store: SqliteLicenceStore) -> None:
    """A record of another number with it is refused, in the same batch too."""
    results = record(store, licence(), licence(number="OTHER"), licence(number=""))
    assert results == [Added.NEW, Added.IDENTIFIER_IN_USE, Added.ALREADY_THERE]


LICENCES = st.lists(
    st.builds(
        licence,
        st.sampled_from(["", "1.1", "1.2", "1.3"]),
        st.sampled_from(["", "N1", "N2"]),
        type_code=st.sampled_from(["", "T"]),
        name=st.sampled_from(["", "NAME"]),
        issued_on=st.sampled_from(["", "2024-01-01", "2025-01-01"]),
        status=st.sampled_from(list(LicenceStatus)),
        is_under_objection=st.booleans(),
    ).filter(lambda one: one.has_key),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(licences=LICENCES)
def test_a_batch_is_one_after_the_other(
    licences: list[RecordedLicence], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where the batches end makes no difference to the store, nor to what is answered."""
    folder = tmp_path_factory.mktemp("stores")
    together = SqliteLicenceStore(folder / "together.sqlite", create=True)
    apart = SqliteLicenceStore(folder / "apart.sqlite", create=True)
    try:
        results = record(together, *licences)
        assert results == [record(apart, one)[0] for one in licences]
        assert list(together.entries(Selection())) == list(apart.entries(Selection()))
        assert shown(together) == shown(apart)
    finally:
        together.close()
        apart.close()
