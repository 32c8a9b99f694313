"""Which licences of a type a holder has."""

import asyncio
from pathlib import Path

import pytest

from gateway.sources.holder_search import HolderSearch
from gateway.sources.intake import read_new_licence
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import ByNumber, SourceFault, SourceUnavailableError, by_identifier, by_number, key_text
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.support.demo import NOW, demo_stock

LICENCES = [one for one in demo_stock().licences if one.draft.annotation is None]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a store with the demo's licences."""
    place = tmp_path / "licences.sqlite"
    store = SqliteLicenceStore(place, create=True)
    store.add([read_new_licence(one.document) for one in LICENCES], at=NOW)
    store.close()
    return place


async def test_every_holder_finds_its_licence(place: Path) -> None:
    """Each licence is found for each of its holders by the name of its type, and by another spelling of the code."""
    search = HolderSearch(place)
    for one in LICENCES:
        for holder in one.draft.holders:
            found = await search.find(holder.code.lower(), str(one.draft.kind), most=5)
            assert [key.number for key in found if isinstance(key, ByNumber)] == [key_text(one.draft.number)]
    search.close()


async def test_what_a_register_states_is_found_by_its_number(place: Path) -> None:
    """A licence that has neither an identifier nor a document is found as every other; so is one without a number."""
    record = RecordedLicence("", "N-1", "T-1", "某证", ("H",), "", LicenceStatus.ACTIVE, False)

    def fill() -> None:
        store = SqliteLicenceStore(place)
        others = record._replace(number="N-2", type_code=""), record._replace(identifier="1.2", number="")
        store.record([record, *others], reason="import: test", at=NOW)
        store.close()

    await asyncio.to_thread(fill)
    search = HolderSearch(place)
    by_numbers = by_number("N-1", "T-1", "H"), by_number("N-2", "某证", "H")
    assert await search.find("H", "某证", most=5) == (*by_numbers, by_identifier("1.2", "H"))
    search.close()


async def test_what_says_nothing_finds_nothing(place: Path) -> None:
    """Without a holder or a type, with others, and with no room, there is nothing."""
    search, draft = HolderSearch(place), LICENCES[0].draft
    holder, kind = draft.holders[0].code, str(draft.kind)
    for asked in (("", kind), (holder, ""), (" ", kind), (holder, "结婚证"), ("91379901MADEM99999", kind)):
        assert await search.find(*asked, most=5) == ()
    assert await search.find(holder, kind, most=0) == ()
    search.close()


async def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    """A store that nobody made is absent, not empty."""
    search = HolderSearch(tmp_path / "none.sqlite")
    with pytest.raises(SourceUnavailableError) as caught:
        await search.find("1", "2", most=5)
    assert caught.value.fault is SourceFault.ABSENT
    search.close()
    assert not await asyncio.to_thread((tmp_path / "none.sqlite").exists)
