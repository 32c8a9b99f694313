"""Once a source proves a document the question goes on as one about that document: naming less never helps."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.record.record import RecordDocument, RecordHolder
from adapters.record.status import RecordStatus
from gateway.demo.issuer import IssuedLicence, issue_licence
from gateway.demo.licences import Party
from gateway.settings import SourcesSettings
from gateway.site import Site
from gateway.sources.intake import read_new_licence
from gateway.sources.recorded import RecordedLicence
from gateway.sources.rules import SourceRule
from gateway.sources.store import SqliteLicenceStore
from policies.dimension import LicenceStatus
from tests.gateway.http.systems.stage import (
    ONE,
    OTHER,
    SOURCE,
    STRANGER,
    Stage,
    Start,
    identifier_of,
    key_of,
)
from tests.support.demo import NOW, demo_stock
from tests.support.http import question
from tests.support.policy import added
from tests.support.river import NAME, River, flowing, licence_of, record_of
from tests.support.sharing import REAL_ESTATE, in_force

HOLDER = key_of()["holder"]
MASK = (RecordHolder(name="某*", code=f"{HOLDER[:4]}***{HOLDER[-2:]}", code_type="001"),)
NUMBER = {name: text for name, text in key_of().items() if name != "holder"}
DOCUMENT = question(ONE.document)["licence"]
QUESTIONS = (identifier_of(), NUMBER, key_of(), DOCUMENT)
STORE_FIRST = f'[[source]]\nsystem = "store"\n[[source]]\nsystem = "{NAME}"\n'
REVOKED = record_of(ONE.document, RecordStatus.REVOKED)
NO_RETRIES = SourcesSettings(retries=0)


def behind(condition: str = "") -> str:
    """Return rules by which the province comes before the store, on a condition."""
    return f'[[source]]\nsystem = "{NAME}"\n{condition}\n[[source]]\nsystem = "store"\n'


def write(folder: Path, status: LicenceStatus, **changes: str) -> None:
    """Note in the gateway's own store what a register states of a licence, by its number."""
    index = replace(read_new_licence(ONE.document).index, identifier="", **changes)
    record = RecordedLicence("", index.number, index.type_code, index.name, (HOLDER,), "", status, False)
    store = SqliteLicenceStore(folder / "state" / "licences.sqlite")
    store.record([record], reason="import", at=NOW)
    store.close()


def set_status(folder: Path, licence: IssuedLicence, status: LicenceStatus) -> None:
    store = SqliteLicenceStore(folder / "state" / "licences.sqlite")
    store.set_status(licence.draft.identifier, status, is_under_objection=False, reason="a test", at=NOW)
    store.close()


def issue_later(holder: str = HOLDER) -> IssuedLicence:
    """Return a later version of the licence, which may have been transferred."""
    holders = (Party(name="某某", code=holder),)
    draft = replace(ONE.draft, issued_on=ONE.draft.issued_on + timedelta(days=1), serial="ABCDE1234", holders=holders)
    return issue_licence(demo_stock().authority, draft, ONE.seal, position=40, now=NOW)


async def statuses(stage: Stage, *questions: Any, **more: Any) -> list[tuple[str, str]]:
    """Return how the licence stands by each question, and by which register."""
    contents = [await stage.answer(one, **more) for one in questions or QUESTIONS]
    return [(one["status"], one["freshness"]["register"]) for one in contents]


@pytest.mark.parametrize("changes", [{}, {"name": ""}, {"type_code": ""}], ids=["all", "no name", "no code"])
async def test_a_register_that_knows_the_number_alone(start: Start, changes: dict[str, str]) -> None:
    """What an imported register says counts by whatever key, however it spells the type, and before a system's word."""
    async with start(record_of(ONE.document), rules=STORE_FIRST, store=(OTHER,)) as stage:
        await asyncio.to_thread(write, stage.folder, LicenceStatus.REVOKED, **changes)
        assert await statuses(stage) == [("revoked", "store")] * 4
        wrong, nothing = [await stage.answer(one | {"holder": STRANGER}) for one in (NUMBER, key_of(number="JY0"))]
        for content in (wrong, nothing):
            del content["decision"], content["receipt"]
        assert wrong == nothing


@pytest.mark.parametrize(
    ("rules", "record"),
    [
        (behind(), replace(REVOKED, identifier="", document=None, holders=MASK)),
        (behind(), replace(REVOKED, identifier="")),
        (behind(f'areas = ["{licence_of(ONE.document).issuer_code[2:4]}"]'), REVOKED),
        (behind(f'types = ["{licence_of(ONE.document).type_code}"]'), REVOKED),
    ],
    ids=["record", "document", "area", "type"],
)
async def test_a_system_that_was_not_asked_or_did_not_know(start: Start, rules: str, record: Any) -> None:
    """A system before the store is asked by everything that is sealed, though the key did not name it or reach it."""
    async with start(record, rules=rules, store=(ONE, OTHER)) as stage:
        assert await statuses(stage) == [("revoked", SOURCE)] * 4
        by_name = [one | {"type": licence_of(ONE.document).name} for one in (NUMBER, key_of())]
        assert await statuses(stage, *by_name) == [("revoked", SOURCE)] * 2


async def test_a_later_version_elsewhere(start: Start) -> None:
    """The identifier of an earlier version is superseded where another source has a later one, and so when away."""
    later = issue_later()
    sources = SourcesSettings(retries=0)
    async with start(record_of(later.document), rules=behind(), store=(ONE,), sources=sources) as stage:
        assert await statuses(stage, identifier_of(), DOCUMENT) == [("superseded", SOURCE)] * 2
        assert await statuses(stage, NUMBER) == [("active", SOURCE)]
        stage.river.result = "LATER"
        assert await statuses(stage, tolerance_seconds=600) == [("superseded", SOURCE)] * 4


async def test_a_licence_that_was_transferred(start: Start) -> None:
    """To the holder before it is not in force, whichever of its versions the store has."""
    later = issue_later(OTHER.draft.holders[0].code)
    for store in ((later,), (ONE, later)):
        async with start(record_of(ONE.document), rules=STORE_FIRST, store=store) as stage:
            await asyncio.to_thread(set_status, stage.folder, later, LicenceStatus.REVOKED)
            assert await statuses(stage) == [("revoked", "store")] * 4


async def test_an_identifier_that_agrees(start: Start) -> None:
    """A record with the identifier is of no other licence, however it spells the number: nobody knows then."""
    number = licence_of(ONE.document).number
    file = RecordDocument(content=OTHER.document)
    async with start(
        replace(REVOKED, number=f"{number}号", document=file), rules=behind(), store=(ONE, OTHER)
    ) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.record-differs"])


async def test_a_licence_that_the_store_only_announces(start: Start) -> None:
    """The document of a licence that an import calls active is not valid where the next source has revoked it."""
    async with start(REVOKED, rules=STORE_FIRST, store=(OTHER,)) as stage:
        await asyncio.to_thread(write, stage.folder, LicenceStatus.ACTIVE)
        assert await statuses(stage) == [("revoked", SOURCE)] * 4
        stage.river.records = ()
        assert await statuses(stage, DOCUMENT) == [("active", "store")]


async def test_a_name_that_fits_several_licences(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names none in the store, which is no "not found"; once a system proves one of them its own status counts."""

    async def by_number(self: River, request: Any) -> Any:
        asked = await self._read(request)
        return self._answer([one for one in self.records if one.number == asked["no"]])

    monkeypatch.setattr(River, "_by_number", by_number)
    by_name = [one | {"type": licence_of(ONE.document).name} for one in (NUMBER, key_of())]
    async with start(record_of(ONE.document), rules=STORE_FIRST, store=(OTHER,)) as stage:
        for type_code in (NUMBER["type"], "11100000000013338W009"):
            await asyncio.to_thread(write, stage.folder, LicenceStatus.REVOKED, type_code=type_code)
        assert await statuses(stage, *by_name, *QUESTIONS) == [("revoked", "store")] * 6
        stage.river.records = ()
        told = [(await stage.answer(one))["reasons"] for one in by_name]
        assert told == [["status.not-provided"], ["status.not-found"]]


async def test_a_document_that_was_spoiled(start: Start) -> None:
    """What the store says of a licence counts though it cannot read the document any more."""

    def spoil(folder: Path) -> None:
        connection = sqlite3.connect(folder / "state" / "licences.sqlite")
        connection.execute("UPDATE documents SET content = substr(content, 1, 100) WHERE id = 1")
        connection.commit()
        connection.close()

    async with start(record_of(ONE.document), rules=STORE_FIRST, store=(ONE, OTHER)) as stage:
        await asyncio.to_thread(set_status, stage.folder, ONE, LicenceStatus.REVOKED)
        await asyncio.to_thread(spoil, stage.folder)
        assert await statuses(stage) == [("revoked", "store")] * 4


@pytest.mark.parametrize("first", QUESTIONS, ids=["identifier", "number", "holder", "document"])
async def test_bad_news_while_a_system_is_away(start: Start, first: Any) -> None:
    """What it said against a licence, to whatever question, counts for every one that tolerates it, and is labelled."""
    async with start(REVOKED, rules=behind(), store=(ONE,), sources=SourcesSettings(retries=0)) as stage:
        await stage.answer(first)
        stage.river.result = "LATER"
        for licence in QUESTIONS:
            content = await stage.answer(licence, tolerance_seconds=600)
            assert (content["status"], content["notes"][-1]) == ("revoked", "source.kept-answer")
            assert (await stage.answer(licence))["notes"][-1] == "source.passed-over"


@pytest.mark.parametrize("holder", [HOLDER, STRANGER])
async def test_news_that_another_question_brought(start: Start, holder: str) -> None:
    """A record that came to a question for another holder ends what is kept of the licence, and tells nobody."""
    rules = f'[[source]]\nsystem = "{NAME}"\nfresh_seconds = 60\n'
    async with start(record_of(ONE.document), rules=rules) as stage:
        assert await statuses(stage, identifier_of(), NUMBER, DOCUMENT) == [("active", SOURCE)] * 3
        transferred = record_of(issue_later(OTHER.draft.holders[0].code).document, RecordStatus.REVOKED)
        stage.river.records = (REVOKED if holder == STRANGER else transferred,)
        assert (await stage.answer(key_of(holder=holder)))["reasons"] == ["status.not-found"]
        assert {one for one, _ in await statuses(stage)} <= {"revoked", "unknown"}


@pytest.mark.parametrize("result", ["", "LATER"], ids=["knows none", "away"])
async def test_beyond_a_spent_budget_guesses_are_alike(start: Start, result: str) -> None:
    """Where the budget of a holder is spent the right guess is answered as a wrong one, by the same sources."""
    budget = '[[budget]]\nid = "more"\nzh = "上限"\nen = "limit"\ncounts = "questions"\nper = ["subject"]\n'
    policy = in_force(added("limits.toml", budget + "limit = 1\nwindow_seconds = 3600\n"))
    more = {"purpose": {"item": REAL_ESTATE, "case": "BDC20260001"}}
    sources = SourcesSettings(retries=0)
    told = []
    for holder in (HOLDER, STRANGER):
        async with start(policy=policy, rules=STORE_FIRST, store=(ONE, OTHER), sources=sources) as stage:
            await stage.answer(DOCUMENT, **more)
            assert (await stage.refusal(DOCUMENT, **more))[1] == "budget.exceeded"
            stage.river.result = result
            told.append(await stage.answer(key_of(holder=holder), **more))
            del told[-1]["decision"], told[-1]["receipt"]
    assert told[0] == told[1]
    assert told[0]["freshness"]["source"] == SOURCE


async def test_who_comes_first_is_asked_alone(start: Start) -> None:
    """Where the first source answers nobody else is asked, nor it again."""
    async with start(record_of(ONE.document), rules=behind(), store=(ONE,)) as stage:
        assert await statuses(stage, *QUESTIONS[:3]) == [("active", SOURCE)] * 3
        assert len(stage.river.asked) == 3


async def outcomes(stage: Stage, **more: Any) -> set[str]:
    """Return what becomes of the licence by any of the questions."""
    return {(await stage.answer(one, **more))["outcome"] for one in QUESTIONS}


async def test_a_final_source_that_a_key_does_not_reach(start: Start) -> None:
    """By what is sealed its word is final: the store's says nothing of the status, and without it nobody knows."""
    rules = behind(f'areas = ["{licence_of(ONE.document).issuer_code[2:4]}"]\nauthoritative = true')
    async with start(REVOKED, rules=rules, store=(ONE,), sources=NO_RETRIES) as stage:
        assert await outcomes(stage) == {"invalid"}
        for result in ("LATER", "STOP"):
            stage.river.result = result
            assert await outcomes(stage) == {"unknown"}
        stage.river.result, stage.river.records = "", ()
        for licence in (NUMBER, DOCUMENT):
            content = await stage.answer(licence)
            assert (content["status"], content["notes"][-1:]) == ("unknown", ["status.not-registered"])


@pytest.mark.parametrize(
    "changes",
    [{"holders": True, "identifier": "", "document": None}, {"holders": True}, {"number": "X", "document": None}],
    ids=["holder", "holder with the document", "number"],
)
async def test_a_record_that_contradicts(start: Start, changes: dict[str, Any]) -> None:
    """A revoked licence of another holder or number may be this one: it is valid by no key, nor while that is kept."""
    if "holders" in changes:
        changes = changes | {"holders": (RecordHolder(name="某某", code=STRANGER, code_type="001"),)}
    async with start(replace(REVOKED, **changes), rules=behind(), store=(ONE,), sources=NO_RETRIES) as stage:
        assert "valid" not in await outcomes(stage)
        stage.river.result = "LATER"
        assert "valid" not in await outcomes(stage, tolerance_seconds=600)


async def test_what_is_kept_hides_no_worse_news(start: Start) -> None:
    """Of a kept answer and a live one the worse counts."""
    async with flowing(REVOKED) as lake:

        def add_lake(site: Site) -> Site:
            (river,) = site.asked
            system = replace(river.adapter.rules.system, id="lake")
            adapter = replace(river.adapter, rules=replace(river.adapter.rules, system=system))
            second = replace(river, adapter=adapter, access=replace(river.access, base=lake.address))
            return replace(site, asked=(river, second), rules=(SourceRule(system=NAME), SourceRule(system="lake")))

        suspended = record_of(ONE.document, RecordStatus.SUSPENDED)
        async with start(suspended, change=add_lake, sources=NO_RETRIES) as stage:
            await statuses(stage)
            stage.river.result = "LATER"
            assert await statuses(stage, tolerance_seconds=600) == [("revoked", "system:lake")] * 4
            lake.result = "LATER"
            assert await statuses(stage, tolerance_seconds=600) == [("revoked", "system:lake")] * 4
