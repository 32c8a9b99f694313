"""Several sources: which is asked, whose word counts, and what is said when one cannot be asked."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from adapters.record.status import RecordStatus
from gateway.sources.intake import read_new_licence
from gateway.sources.source import SourceFault, SourceUnavailableError
from gateway.sources.store import SqliteLicenceStore
from tests.gateway.http.systems.stage import (
    ONE,
    OTHER,
    SOURCE,
    Start,
    check_of,
    identifier_of,
    key_of,
)
from tests.support.demo import NOW
from tests.support.http import question
from tests.support.river import NAME, licence_of, record_of

# --- several sources --------------------------------------------------------------------------------------------------


class Failing:
    """A store of the gateway that cannot say."""

    name = "store"

    async def find(self, *_: object) -> None:
        """Fail."""
        raise SourceUnavailableError(SourceFault.BUSY)

    async def find_status(self, *_: object, **__: object) -> None:
        """Fail."""
        raise SourceUnavailableError(SourceFault.BUSY)

    def close(self) -> None:
        """Hold nothing."""


async def test_the_own_store_comes_first(start: Start) -> None:
    """What the store knows is not asked for elsewhere; what it does not know is."""
    async with start(record_of(OTHER.document), store=(ONE,)) as stage:
        assert (await stage.answer(identifier_of()))["freshness"]["source"] == "store"
        assert stage.river.asked == []
        content = await stage.answer(identifier_of(OTHER))
        assert (content["outcome"], content["freshness"]["source"]) == ("valid", SOURCE)


async def test_a_rule_places_the_store_last(start: Start) -> None:
    """Where the province is placed first, its status counts, and not that of the store's copy."""
    rules = f'[[source]]\nsystem = "{NAME}"\n[[source]]\nsystem = "store"\n'
    async with start(record_of(ONE.document, RecordStatus.REVOKED), store=(ONE, OTHER), rules=rules) as stage:
        assert (await stage.answer(identifier_of()))["reasons"] == ["status.revoked"]
        assert (await stage.answer(identifier_of(OTHER)))["freshness"]["source"] == "store"


async def test_nobody_knows_it(start: Start) -> None:
    """Not found is said when everybody who was asked said so."""
    async with start(store=(OTHER,)) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.not-found"])
        assert not content["freshness"]["stale"]


async def test_one_could_not_be_asked(start: Start) -> None:
    """While one of the sources cannot say, what the others do not know is not called not-found."""
    async with start(store=(OTHER,)) as stage:
        stage.river.result = "LATER"
        assert (await stage.answer(identifier_of()))["reasons"] == ["status.unavailable"]


async def test_one_could_not_be_asked_and_another_has_it(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """What another source knows is answered, with the note that one before could not be asked; the log says which."""
    caplog.set_level(logging.INFO, "tongban.requests")
    rules = f'[[source]]\nsystem = "{NAME}"\n[[source]]\nsystem = "store"\n'
    async with start(store=(ONE,), rules=rules) as stage:
        stage.river.result = "LATER"
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["freshness"]["source"]) == ("valid", "store")
        assert (content["notes"][-1:], content["freshness"]["stale"]) == (["source.passed-over"], True)
    assert json.loads(caplog.messages[-1])["failure"] == f"{SOURCE}.retry"


async def test_an_authoritative_source(start: Start) -> None:
    """Where a source is authoritative its word is final, also when it has none."""
    rules = f'[[source]]\nsystem = "{NAME}"\ntypes = ["{licence_of(ONE.document).name}"]\nauthoritative = true\n'
    rules += '[[source]]\nsystem = "store"\n'
    async with start(store=(ONE, OTHER), rules=rules) as stage:
        by_name = key_of(type=licence_of(ONE.document).name)
        assert (await stage.answer(by_name))["reasons"] == ["status.not-found"]
        stage.river.result = "STOP"
        assert (await stage.answer(by_name))["reasons"] == ["status.denied"]


async def test_an_authoritative_source_and_a_store_that_no_rule_names(start: Start) -> None:
    """The store's old copy does not come before the word of a source that is final."""
    rules = f'[[source]]\nsystem = "{NAME}"\nauthoritative = true\n'
    async with start(record_of(ONE.document, RecordStatus.REVOKED), store=(ONE,), rules=rules) as stage:
        content = await stage.answer(identifier_of())
        assert (content["reasons"], content["freshness"]["register"]) == (["status.revoked"], SOURCE)


async def test_an_area_that_nobody_knows(start: Start) -> None:
    """A number does not tell where its licence was issued: not-found is no word where a rule goes by that."""
    rules = f'[[source]]\nsystem = "{NAME}"\nareas = ["11"]\n'
    async with start(store=(OTHER,), rules=rules) as stage:
        content = await stage.answer(key_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.not-provided"])
        assert check_of(content, "status")["detail"] == f"{SOURCE}: undecided"
        assert stage.river.asked == []
        content = await stage.answer(key_of(OTHER))
        assert (content["outcome"], content["notes"][-1:]) == ("valid", [])


async def test_areas(start: Start) -> None:
    """A system is asked for licences that were issued in its area, and for no others."""
    area = licence_of(ONE.document).issuer_code[2:4]
    other = "11" if area != "11" else "12"
    for rule, outcome in ((area, "valid"), (other, "unknown")):
        rules = f'[[source]]\nsystem = "{NAME}"\nareas = ["{rule}"]\n'
        async with start(record_of(ONE.document), rules=rules) as stage:
            content = await stage.answer(identifier_of())
            assert content["outcome"] == outcome
    assert (content["reasons"], content["freshness"]["source"]) == (["status.not-provided"], "none")


async def test_the_own_store_cannot_say(start: Start) -> None:
    """A store that is ours to mend refuses the question, unless another source knows the licence."""
    async with start(record_of(ONE.document), source=Failing()) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["notes"][-1:]) == ("valid", ["source.passed-over"])
        assert await stage.refusal(identifier_of(OTHER)) == (503, "source.unavailable")


async def test_a_document_while_the_own_store_cannot_say(start: Start) -> None:
    """Nobody says how the licence of a document stands while the store cannot and the province does not know it."""
    async with start(source=Failing()) as stage:
        content = await stage.answer(question(ONE.document)["licence"])
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
    async with start(record_of(ONE.document), source=Failing()) as stage:
        content = await stage.answer(question(ONE.document)["licence"])
        assert (content["outcome"], content["notes"][-1:]) == ("valid", ["source.passed-over"])


async def test_a_licence_that_is_only_announced(start: Start) -> None:
    """Where the store has no document yet the province is asked for it; where it has none either, it is not ready."""
    index = read_new_licence(ONE.document).index

    def announce(folder: Path) -> None:
        store = SqliteLicenceStore(folder / "state" / "licences.sqlite")
        store.announce(index, at=NOW)
        store.close()

    for records, reasons in (((record_of(ONE.document),), []), ((), ["status.not-ready"])):
        async with start(*records, store=(OTHER,)) as stage:
            await asyncio.to_thread(announce, stage.folder)
            assert (await stage.answer(identifier_of()))["reasons"] == reasons
