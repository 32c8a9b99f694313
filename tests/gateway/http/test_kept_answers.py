"""Answers while a system is away: what a caller tolerates, how it is labelled, and what it never hides."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.record.status import RecordStatus
from gateway.app import create_app, server_options
from gateway.audit.leaf import LeafKind
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.readiness import Readiness
from gateway.pipeline import Verified, judge_registered
from gateway.rendering import encode_time
from gateway.settings import SourcesSettings
from gateway.site import Site, load_site
from gateway.sources.outage import Outage
from gateway.sources.rules import SourceRule
from gateway.sources.source import Registered, SourceFault, SourceUnavailableError
from gateway.verdict import Verdict
from policies.dimension import LicenceStatus
from tests.support.callers import make_party, make_site
from tests.support.demo import NOW, demo_stock
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer, question
from tests.support.river import NAME, River, flowing, licence_of, record_of, write_river, write_trusting_site
from tests.support.sharing import logged

PARTY = make_party()
ONE = next(one for one in demo_stock().licences if one.draft.annotation is None)
SOURCE = f"system:{NAME}"
BY_IDENTIFIER = {"identifier": ONE.draft.identifier}
DOCUMENT = question(ONE.document)["licence"]
HOUR = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Stage:
    """A gateway with a province behind it, and a clock that a test sets."""

    client: Client
    river: River
    clock: list[datetime]

    async def answer(self, licence: object = BY_IDENTIFIER, *, tolerance: int = 0, **more: object) -> dict[str, Any]:
        """Ask a question that is answered."""
        body = {"licence": licence, "tolerance_seconds": tolerance} | more
        response = await self.client.post(URL, json=body, headers=bearer(PARTY.token(self.clock[0])))
        content = await response.json(content_type=response.content_type)
        assert response.status == 200, content
        msgspec.convert(content, VerificationAnswer)
        return dict(content)

    def away(self, *, later: timedelta = HOUR) -> None:
        """Let the province be away, and time pass."""
        self.river.result = "LATER"
        self.clock[0] += later

    def change_status(self, status: RecordStatus) -> None:
        """Let the province give its licence another status."""
        self.river.records = (record_of(ONE.document, status),)


Start = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site that asks the province; its address is put in by `start`."""
    folder = tmp_path_factory.mktemp("site") / "site"
    write_trusting_site(folder)
    write_river(folder, "http://127.0.0.1:1")
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Site:
    site = load_site(folder, at=NOW)
    settings = replace(site.settings, sources=SourcesSettings(retries=0))
    return replace(site, folder=None, callers=make_site([PARTY]).callers, settings=settings)


@pytest.fixture
def start(aiohttp_client: StartClient, site: Site) -> Start:
    """Return what starts the province, and a gateway that asks it."""

    @asynccontextmanager
    async def started(change: Callable[[Site], Site] = lambda site: site, source: Any = None) -> AsyncIterator[Stage]:
        async with flowing(record_of(ONE.document)) as river:
            clock = [NOW]
            (asked,) = site.asked
            here = replace(site, asked=(replace(asked, access=replace(asked.access, base=river.address)),))
            app = create_app(change(here), clock=lambda: clock[0], licences=source)
            server = GatewayTestServer(app)
            await server.start_server(**server_options(site.settings.http))
            yield Stage(client=await aiohttp_client(server), river=river, clock=clock)

    return started


def noted(content: dict[str, Any]) -> list[str]:
    """Return the notes about sources in an answer."""
    return [one for one in content["notes"] if one.startswith("source.")]


def status_of(content: dict[str, Any]) -> dict[str, Any]:
    (check,) = [one for one in content["checks"] if one["check"] == "status"]
    return dict(check)


@pytest.mark.parametrize("licence", [BY_IDENTIFIER, DOCUMENT], ids=["key", "document"])
async def test_what_a_caller_tolerates(start: Start, licence: dict[str, str]) -> None:
    """While a system is away its last answer counts for whoever tolerates its age, labelled, and logged as such."""
    async with start() as stage:
        live = await stage.answer(licence, tolerance=86_400)
        assert (live["outcome"], noted(live), live["freshness"]["stale"]) == ("valid", [], False)
        stage.away()
        for tolerance in (0, 3599):
            refused = await stage.answer(licence, tolerance=tolerance)
            assert (refused["outcome"], refused["reasons"]) == ("unknown", ["status.unavailable"])
        kept = await stage.answer(licence, tolerance=3600)
        assert (kept["outcome"], kept["status"], noted(kept)) == ("valid", "active", ["source.kept-answer"])
        freshness = kept["freshness"]
        assert (freshness["stale"], freshness["register"]) == (True, SOURCE)
        assert freshness["as_of"] <= encode_time(NOW)
        entries = [one.leaf.content for one in await logged(stage.client, LeafKind.ACCESS)]
        assert ["kept-answer" in one.reasons for one in entries] == [False, False, False, True]


@pytest.mark.parametrize("licence", [BY_IDENTIFIER, DOCUMENT], ids=["key", "document"])
async def test_a_kept_answer_is_never_better(start: Start, licence: dict[str, str]) -> None:
    """What was not in force is not while the system is away; and what was heard last counts, by whatever question."""
    async with start() as stage:
        await stage.answer(licence)
        stage.change_status(RecordStatus.REVOKED)
        await stage.answer(DOCUMENT if licence is BY_IDENTIFIER else BY_IDENTIFIER)
        stage.away()
        later = await stage.answer(licence, tolerance=86_400)
        assert later["reasons"] == (["status.unavailable"] if licence is BY_IDENTIFIER else ["status.revoked"])
        stage.river.result = ""
        await stage.answer(licence)
        stage.away()
        kept = await stage.answer(licence, tolerance=86_400)
        assert (kept["outcome"], kept["reasons"], noted(kept)) == (
            "invalid",
            ["status.revoked"],
            ["source.kept-answer"],
        )


async def test_what_is_no_answer_to_this_question(start: Start) -> None:
    """Nobody is given what another one asked: another holder, another case, another clerk."""
    sealed = licence_of(ONE.document)
    by_number = {"number": sealed.number, "type": sealed.type_code, "holder": sealed.holders[0].code}
    case = {"purpose": {"case": "C-1"}, "operator": {"id": "clerk-7"}}
    async with start() as stage:
        assert (await stage.answer(by_number, **case))["outcome"] == "valid"
        stage.away()
        for licence, more in (
            (by_number | {"holder": "91349901MADEM3415U"}, case),
            (by_number, {"purpose": {"case": "C-2"}}),
            (BY_IDENTIFIER, case),
        ):
            assert (await stage.answer(licence, tolerance=86_400, **more))["reasons"] == ["status.unavailable"]
        assert (await stage.answer(by_number, tolerance=86_400, **case))["outcome"] == "valid"


async def test_a_source_that_answers_says_more(start: Start) -> None:
    """A live answer counts before a kept one, unless the kept one says that the licence is not in force."""
    async with flowing(record_of(ONE.document, RecordStatus.SUSPENDED)) as lake:

        def add_lake(site: Site) -> Site:
            (river,) = site.asked
            system = replace(river.adapter.rules.system, id="lake")
            adapter = replace(river.adapter, rules=replace(river.adapter.rules, system=system))
            second = replace(river, adapter=adapter, access=replace(river.access, base=lake.address))
            rules = (SourceRule(system=NAME), SourceRule(system="lake"))
            return replace(site, asked=(river, second), rules=rules)

        async with start(add_lake) as stage:
            assert (await stage.answer())["outcome"] == "valid"
            stage.away()
            worse = await stage.answer(tolerance=86_400)
            assert (worse["reasons"], noted(worse)) == (["status.suspended"], ["source.passed-over"])
            lake.records = ()
            assert noted(await stage.answer(tolerance=86_400)) == ["source.kept-answer"]
            lake.result = "STOP"
            assert noted(await stage.answer(tolerance=86_400)) == ["source.kept-answer"]
            stage.river.result = lake.result = ""
            stage.change_status(RecordStatus.REVOKED)
            lake.records = (record_of(ONE.document),)
            await stage.answer()
            stage.away()
            ended = await stage.answer(tolerance=86_400)
            assert (ended["reasons"], noted(ended)) == (["status.revoked"], ["source.kept-answer"])
            better = await stage.answer()
            assert (better["outcome"], noted(better)) == ("valid", ["source.passed-over"])


class Failing:
    """A store of the gateway's own that cannot say, once a test says so."""

    name = "store"

    def __init__(self) -> None:
        self.fault = SourceFault.ABSENT

    async def find(self, *_: Any, **__: Any) -> Any:
        """Fail."""
        raise SourceUnavailableError(self.fault)

    find_status = find

    def close(self) -> None:
        """Nothing is held."""


async def test_the_own_store_cannot_say(start: Start) -> None:
    """While nobody knows of changes here nothing that is kept counts."""
    source = Failing()
    rules = (SourceRule(system="store"), SourceRule(system=NAME))
    async with start(lambda site: replace(site, rules=rules), source) as stage:
        assert (await stage.answer(DOCUMENT))["outcome"] == "valid"
        stage.away()
        assert (await stage.answer(DOCUMENT, tolerance=86_400))["outcome"] == "valid"
        source.fault = SourceFault.CORRUPT
        assert (await stage.answer(DOCUMENT, tolerance=86_400))["outcome"] == "unknown"
        response = await stage.client.post(
            URL,
            json={"licence": BY_IDENTIFIER, "tolerance_seconds": 86_400},
            headers=bearer(PARTY.token(stage.clock[0])),
        )
        assert response.status == 503


@pytest.mark.parametrize("licence", [BY_IDENTIFIER, DOCUMENT], ids=["key", "document"])
async def test_bad_news_while_the_own_store_cannot_say(start: Start, licence: dict[str, str]) -> None:
    """What a system said against a licence counts, though the store is away as well."""
    source = Failing()
    rules = (SourceRule(system="store"), SourceRule(system=NAME))
    async with start(lambda site: replace(site, rules=rules), source) as stage:
        stage.change_status(RecordStatus.REVOKED)
        await stage.answer(licence)
        source.fault = SourceFault.BUSY
        stage.away()
        kept = await stage.answer(licence, tolerance=86_400)
        assert (kept["reasons"], noted(kept)[0]) == (["status.revoked"], "source.kept-answer")


@pytest.mark.parametrize("licence", [BY_IDENTIFIER, DOCUMENT], ids=["key", "document"])
async def test_an_answer_that_is_fresh(start: Start, licence: dict[str, str]) -> None:
    """Where a rule says so an answer is used again for a while, as of when it came, and is not stale."""
    rules = (SourceRule(system=NAME, fresh_seconds=30),)
    async with start(lambda site: replace(site, rules=rules)) as stage:
        await stage.answer(licence)
        stage.change_status(RecordStatus.REVOKED)
        stage.clock[0] += timedelta(seconds=29)
        fresh = await stage.answer(licence)
        assert (fresh["outcome"], noted(fresh), fresh["freshness"]["stale"]) == ("valid", [], False)
        assert len(stage.river.asked) == 1
        stage.clock[0] += timedelta(seconds=1)
        assert (await stage.answer(licence))["outcome"] == "invalid"


async def test_a_planned_outage(start: Start) -> None:
    """In an outage that was announced answers say so and until when, kept ones too; /readyz tells of it before."""
    outage = Outage(system=NAME, since=NOW + HOUR, until=NOW + 3 * HOUR, reason_zh="系统升级", reason="an upgrade")
    end = encode_time(outage.until)
    async with start(lambda site: replace(site, outages=(outage,))) as stage:
        assert noted(await stage.answer()) == []
        assert (await stage.answer(DOCUMENT))["outcome"] == "valid"
        ready = msgspec.convert(await (await stage.client.get("/readyz")).json(), Readiness)
        assert (ready.systems[0].breaker, ready.systems[0].answered) == ("closed", "found")
        told = ready.systems[0].outage
        assert told is not None
        assert (told.since, told.until, told.zh, told.en) == (encode_time(outage.since), end, "系统升级", "an upgrade")
        stage.clock[0] += HOUR
        asked = len(stage.river.asked)
        for licence in (BY_IDENTIFIER, DOCUMENT):
            content = await stage.answer(licence)
            assert (content["reasons"], noted(content)) == (["status.unavailable"], ["source.planned-outage"])
            assert status_of(content)["detail"] == f"{SOURCE}: planned-outage until {end}"
            kept = await stage.answer(licence, tolerance=86_400)
            assert (kept["outcome"], noted(kept)) == ("valid", ["source.kept-answer", "source.planned-outage"])
            assert status_of(kept)["detail"] == f"{SOURCE}: planned-outage until {end}"
        assert len(stage.river.asked) == asked
        text = await (await stage.client.get("/metrics")).text()
        assert f'tongban_system_breaker{{system="{NAME}"}} 0.0' in text
        assert f'tongban_system_spared_total{{by="kept",system="{NAME}"}} 2.0' in text


def test_as_of_when_a_register_spoke() -> None:
    """A status is as of when the register was asked, where that was before the question; never of later than that."""
    empty = Verified(verdict=Verdict(format=None, checks=()))
    said = Registered(status=LicenceStatus.ACTIVE, is_under_objection=False, source=SOURCE)
    for as_of, expected in ((None, NOW), (NOW - HOUR, NOW - HOUR), (NOW + HOUR, NOW)):
        assert judge_registered(empty, replace(said, as_of=as_of), at=NOW).verdict.as_of == expected


async def test_questions_at_once(start: Start) -> None:
    """Whoever is told under which id he asks is asked for himself; all are answered, whoever goes away."""
    async with start() as stage:
        stage.river.hold = asyncio.Event()
        asked = [asyncio.create_task(stage.answer()) for _ in range(4)]
        await stage.river.asked_often(4)
        asked.pop(0).cancel()
        stage.river.hold.set()
        assert [(await one)["outcome"] for one in asked] == ["valid"] * 3
