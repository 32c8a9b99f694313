"""The shipped systems behind a gateway, by their stand-ins, in success and with each of their faults: never valid."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from adapters.record.record import LicenceRecord
from adapters.transport.recipe import Deadlines, Question
from gateway.adapters.asked import AskedSystem
from gateway.app import create_app, server_options
from gateway.settings import SourcesSettings
from gateway.sources.rules import SourceRule
from gateway.standins.desk import Desk
from gateway.standins.fault import Fault
from gateway.standins.registry import STAND_INS
from tests.support.callers import NOW, make_party, make_site
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer
from tests.support.stand_ins import ADAPTERS, FOOD, PERSONAL, TABLES

PARTY = make_party()
PATIENCE = SourcesSettings(deadline_seconds=6)  # less than the seconds after which a stand-in wants to be asked again
IMPATIENCE = SourcesSettings(deadline_seconds=0.2)  # for what never answers
LONG = frozenset({"exchange", "anhui", "guangdong", "jilin"})  # wait for what their faults announce
NO_ANSWER = {
    "status.unavailable",
    "status.denied",
    "status.not-provided",
    "status.unusable-answer",
    "status.partial",
}
NO_SEAL = {"format.no-document", "format.document-unavailable"}
MORE = {
    "purpose": {"item": "11430000006122244L4430100001001", "case": "2026-0001", "use": "办理食品经营许可"},
    "operator": {"id": "operator-1", "name": "经办人"},
}


@dataclass(slots=True, kw_only=True)
class Stage:
    """A gateway that asks one system, and the desk of its stand-in."""

    client: Client
    desk: Desk

    async def answer(self, licence: dict[str, str]) -> dict[str, Any]:
        """Ask."""
        response = await self.client.post(URL, json={"licence": licence} | MORE, headers=bearer(PARTY.token(NOW)))
        content = await response.json(content_type=response.content_type)
        assert response.status == 200, content
        return dict(content)


@asynccontextmanager
async def behind(aiohttp_client: StartClient, name: str, sources: SourcesSettings = PATIENCE) -> AsyncIterator[Stage]:
    """Start a stand-in and a gateway that asks it about everything."""
    stand_in = STAND_INS[name]
    desk = stand_in.open_desk(ADAPTERS[name], lambda: NOW)
    desk.limit_seconds = 0
    async with TestServer(stand_in.make(desk)) as server:
        access = stand_in.access_at(str(server.make_url("/")).rstrip("/"))
        recipe = replace(desk.recipe, deadlines=Deadlines(total_ms=60_000))
        site = make_site([PARTY])
        site = replace(
            site,
            settings=replace(site.settings, sources=sources),
            rules=(SourceRule(system=name),),
            asked=(AskedSystem(adapter=desk.adapter, recipe=recipe, access=access, tables=TABLES),),
        )
        gateway = GatewayTestServer(create_app(site, clock=lambda: NOW))
        await gateway.start_server(**server_options(site.settings.http))
        yield Stage(client=await aiohttp_client(gateway), desk=desk)


def sample_of(name: str) -> LicenceRecord:
    """Return a licence that the system has words for."""
    return PERSONAL if name in {"fujian-soap", "fujian-post", "police-package"} else FOOD


def key_of(stage: Stage, name: str, **changes: str) -> dict[str, str]:
    """Return how the system is asked: by the identifier, or else by number, type and holder."""
    sample = sample_of(name)
    if Question.IDENTIFIER in stage.desk.recipe.calls:
        return {"identifier": changes.get("identifier", sample.identifier)}
    return {"number": changes.get("number", sample.number), "type": sample.type_code, "holder": sample.holders[0].code}


@pytest.mark.parametrize("name", sorted(STAND_INS))
async def test_a_record_without_a_genuine_file(aiohttp_client: StartClient, name: str) -> None:
    """What a system states is told as far as it goes; its file is no licence, so nothing is valid."""
    async with behind(aiohttp_client, name) as stage:
        content = await stage.answer(key_of(stage, name))
        assert content["outcome"] == "unknown"
        assert not NO_SEAL.isdisjoint(content["reasons"]), content["checks"]
        assert content["status"] in {"active", "unknown"}
        assert content["freshness"]["source"] == f"system:{name}"


@pytest.mark.parametrize("name", sorted(STAND_INS))
async def test_what_it_does_not_know(aiohttp_client: StartClient, name: str) -> None:
    """A licence that a system does not have is not found, or nobody knows: never anything else."""
    async with behind(aiohttp_client, name) as stage:
        nothing = FOOD.identifier.replace("JY14401060000019", "JY14401069999999")
        content = await stage.answer(key_of(stage, name, identifier=nothing, number="JY14401069999999"))
        assert (content["outcome"], content["status"]) == ("unknown", "unknown")
        assert set(content["reasons"]) <= {"status.not-found", *NO_ANSWER}


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one in LONG else one for one in sorted(STAND_INS)]
)
async def test_every_fault(aiohttp_client: StartClient, name: str) -> None:
    """Whatever goes wrong at a system the answer is unknown, says why, and is never not-found."""
    async with behind(aiohttp_client, name) as stage:
        for fault in sorted(STAND_INS[name].faults - {Fault.SLOW}):
            stage.desk.faults = {fault}
            content = await stage.answer(key_of(stage, name))
            assert content["outcome"] == "unknown", fault
            assert set(content["reasons"]) & (NO_ANSWER | NO_SEAL), (fault, content["reasons"])
            assert "status.not-found" not in content["reasons"], fault


@pytest.mark.parametrize("name", sorted(STAND_INS))
async def test_slow(aiohttp_client: StartClient, name: str) -> None:
    """A system that never answers costs the time that the gateway has for systems, and no more."""
    async with behind(aiohttp_client, name, IMPATIENCE) as stage:
        stage.desk.faults = {Fault.SLOW}
        assert (await stage.answer(key_of(stage, name)))["reasons"] == ["status.unavailable"]
