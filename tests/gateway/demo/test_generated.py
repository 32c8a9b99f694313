"""Generated licences: what the register states of one is what its document says, and an interrupted run goes on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.limits import MAX_LICENCES
from gateway.demo import filling
from gateway.demo.filling import fill_store
from gateway.demo.generated import Generation, Press
from gateway.pipeline import verify_document
from gateway.sources.intake import read_new_licence
from gateway.sources.licence_store import Selection
from gateway.sources.source import (
    NotReady,
    SourceFault,
    SourceUnavailableError,
    StoredLicence,
    by_identifier,
    by_number,
)
from gateway.sources.store import SqliteLicenceStore
from gateway.trust.place import find_trust
from gateway.verdict import Outcome
from policies.dimension import LicenceStatus
from tests.support.demo import NOW

SECRET = b"s" * 32


def plan(count: int = 64, documents: int = 16, seed: int = 0) -> Generation:
    return Generation(count=count, documents=documents, seed=seed, at=NOW)


@pytest.fixture(scope="module")
def press() -> Press:
    return Press(plan(), secret=SECRET)


def test_documents_are_genuine_and_say_what_the_register_states(press: Press, tmp_path: Path) -> None:
    """Of every kind and province: valid under the authority's anchors, and found by the same keys and holders."""
    press.authority.write_trust_folder(tmp_path / "trust", NOW)
    trust = find_trust(tmp_path).read(NOW).state.store_at(NOW)
    for place in range(16):
        document, record = press.issue(place).document, plan().record(place)
        found = read_new_licence(document)
        assert (found.index.identifier, found.index.number) == (record.identifier, record.number)
        assert (found.index.type_code, found.index.name) == (record.type_code, record.name)
        assert found.index.holders == record.holders
        assert found.issued_on is not None
        assert found.issued_on.isoformat() == record.issued_on
        assert verify_document(document, store=trust, at=NOW).outcome is Outcome.VALID


@given(
    places=st.sets(st.integers(0, MAX_LICENCES - 1), min_size=2, max_size=2),
    seeds=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_no_two_are_the_same(places: set[int], seeds: tuple[int, int]) -> None:
    """Each place of each seed has a licence of its own, the same whenever it is asked for."""
    one, other = (plan(seed=seed).record(place) for place, seed in zip(sorted(places), seeds, strict=True))
    assert one.identifier != other.identifier
    assert (one.type_code, one.number) != (other.type_code, other.number)
    assert plan(seed=seeds[0]).record(min(places)) == one


@given(count=st.integers(1, 10_000), documents=st.integers(0, 10_000))
def test_documents_are_spread(count: int, documents: int) -> None:
    """As many licences have a document as were wanted, or all, and none outside of the store."""
    documents = min(count, documents)
    places = plan(count, documents).document_places
    assert len(places) == documents
    assert all(place < count for place in places[-1:])


def test_a_store_is_filled_and_an_interrupted_run_goes_on(
    press: Press, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash at any place the store ends with the same licences, each once, with its document or without."""
    monkeypatch.setattr(filling, "BATCH", 24)
    store = SqliteLicenceStore(tmp_path / "licences.sqlite", create=True)
    add, done = store.add, [0]

    def crash(*arguments: object, **named: object) -> object:
        monkeypatch.setattr(store, "add", add)
        add(*arguments, **named)  # type: ignore[arg-type]  # as they came
        raise SourceUnavailableError(SourceFault.UNUSABLE, "told to")

    monkeypatch.setattr(store, "add", crash)
    with pytest.raises(SourceUnavailableError):
        fill_store(store, plan(), press, advance=done.append)
    fill_store(store, plan(), press, begin=done[-1], advance=done.append)
    assert done == [0, 24, 48, 64]
    entries = list(store.entries(Selection()))
    assert len({one.identifier for one in entries}) == len(entries) == 64
    assert {one.versions for one in entries} == {1}
    for place in range(64):
        record = plan().record(place)
        for key in (by_identifier(record.identifier), by_number(record.number, record.type_code)):
            assert isinstance(store.find(key), StoredLicence if plan().has_document(place) else NotReady)
    assert {one.status for one in entries} > {LicenceStatus.ACTIVE}
    store.close()
