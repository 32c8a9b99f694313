"""Searches for a holder's licences, as other systems ask them."""

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest

from adapters.mapping.answer import AnswerOutcome
from adapters.record.status import RecordStatus
from adapters.transport.recipe import Question
from gateway.audit.leaf import LeafKind
from gateway.demo.licences import LicenceDraft
from gateway.http.facades import DECISION_HEADER
from gateway.http.state import SITES
from gateway.sources.source import LicenceKey, by_number
from policies.dimension import LicenceStatus
from tests.gateway.facade.asking import (
    BY_HOLDER,
    NOBODY,
    PERMIT_NAME,
    WriteSite,
    ask_once,
    entries,
)
from tests.support.facades import (
    ACCOUNTS,
    BUSINESS_NAME,
    CASE,
    COMPANY,
    OTHER_COMPANY,
    PERMIT,
    Served,
    serve_facade,
    set_status,
)
from tests.support.policy import REAL_ESTATE
from tests.support.river import NAME, flowing, write_river


async def search(served: Served, *, page: int = 1, size: int = 150) -> tuple[str, int]:
    """Search at Guangdong's façade as any client can; return the answer, and how many decisions it names."""
    keeper = served.client._keeper
    if keeper._token is None:
        await served.client.ask(NOBODY)
    assert keeper._token is not None
    settings = ACCOUNTS["guangdong"].settings
    operator = {name: settings[name] for name in ("account", "division", "division_code")}
    operator |= {"role": settings["operator_role"], "identity_num": "operator-1"}
    data = {
        "identity_number": ["91379901MADEM99999"],
        "license_item_code": PERMIT_NAME,
        "service_item_code": REAL_ESTATE,
        "biz_num": CASE,
        "operator": operator,
    }
    body = {"request_id": "r", "page": str(page), "page_size": str(size), "data": data}
    token = {"access_token": keeper._token.secret.reveal().decode()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{served.base}/license/auth", params=token, json=body) as response,
    ):
        return await response.text(), len(response.headers[DECISION_HEADER].split(","))


@pytest.mark.parametrize("status", [LicenceStatus.ACTIVE, LicenceStatus.SUSPENDED, LicenceStatus.UNKNOWN])
async def test_a_search_tells_nothing_of_what_is_not_given(
    write_site: WriteSite, monkeypatch: pytest.MonkeyPatch, status: LicenceStatus
) -> None:
    """However many such licences there are, on whichever page and with whatever status, the answer is that of none."""
    folder = await write_site("guangdong")
    await asyncio.to_thread(set_status, folder, PERMIT.identifier, status)
    async with serve_facade(folder, "guangdong") as served:
        nothing = await search(served)
        for count, page, size in [(1, 1, 150), (3, 1, 150), (3, 2, 1), (1, 99, 1)]:
            keys_found(monkeypatch, served, *[PERMIT] * count)
            before = len(await entries(served))
            assert await search(served, page=page, size=size) == nothing
            assert len(await entries(served)) == before + count + 1
        keys_found(monkeypatch, served, COMPANY, *[PERMIT] * 7)
        shown, decisions = await search(served, size=1)
        assert (json.loads(shown)["total_count"], decisions) == (1, 1)


async def test_a_search_that_is_not_given_where_one_is_answered(
    write_site: WriteSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one answer holds one licence, several that are not given are as if they were not there."""
    async with serve_facade(await write_site("shandong"), "shandong") as served:
        keys_found(monkeypatch, served, PERMIT, PERMIT)
        answer = await served.client.ask(NOBODY)
    assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.NOT_FOUND, "10")


async def test_a_search_of_what_is_not_in_force(write_site: WriteSite) -> None:
    """A licence of which the policy would give something is told of with its status."""
    folder = await write_site("guangdong")
    await asyncio.to_thread(set_status, folder, COMPANY.identifier, LicenceStatus.SUSPENDED)
    answer, _ = await ask_once(folder, "guangdong", BY_HOLDER)
    assert [(one.status, one.holders[0].name) for one in answer.records] == [(RecordStatus.SUSPENDED, "")]


async def test_a_search_for_what_another_system_knows(write_site: WriteSite) -> None:
    """Where a system is named for the type, which nobody can search, nothing found is no "not found"."""
    async with flowing() as river:
        folder = await write_site("guangdong")
        rules = f'[[source]]\nsystem = "{NAME}"\ntypes = ["{BUSINESS_NAME}"]\n'
        await asyncio.to_thread(write_river, folder, river.address, rules)
        inquiry = replace(NOBODY, type_code=BUSINESS_NAME)
        answer, log = await ask_once(folder, "guangdong", inquiry)
        assert river.asked == []
    assert answer.outcome is AnswerOutcome.ERROR
    (entry,) = log
    assert (entry.leaf.content.kind, entry.part.subjects != ()) == (LeafKind.DENY, True)


def keys_found(monkeypatch: pytest.MonkeyPatch, served: Served, *drafts: LicenceDraft) -> None:
    """Let a search find these licences, whoever holds them."""
    found = tuple(by_number(one.number, one.kind) for one in drafts)

    async def find(*_: object, **__: object) -> tuple[LicenceKey, ...]:
        return found

    monkeypatch.setattr(served.server.app[SITES].current().facades.search, "find", find)


async def test_several_licences(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each licence is a decision of its own, with its entry; one that may not be shown is left out, and not counted."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served:
        keys_found(monkeypatch, served, COMPANY, PERMIT, OTHER_COMPANY)
        answer = await served.client.ask(BY_HOLDER)
        assert answer.outcome is AnswerOutcome.FOUND
        names = [one.holders[0].name for one in answer.records]
        assert names == [COMPANY.holders[0].name, OTHER_COMPANY.holders[0].name]
        log = await entries(served)
        assert len({entry.leaf.content.req for entry in log}) == len(log) == 3


async def test_all_that_were_found_are_decided(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are not given, those behind them are told of, and the number of all counts those alone."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served:
        keys_found(monkeypatch, served, *[PERMIT] * 20, COMPANY, *[PERMIT] * 2, OTHER_COMPANY)
        text, decisions = await search(served, size=1)
        assert (json.loads(text)["total_count"], decisions) == (2, 1)
        assert len(await entries(served)) == 2 * 24  # with those of the question that signed in


async def test_pages(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that asks page by page gets all of them, each once; all are decided for each page."""
    async with serve_facade(await write_site("guangdong"), "guangdong") as served:
        keys_found(monkeypatch, served, COMPANY, OTHER_COMPANY)
        recipe = served.client._recipe
        call = recipe.calls[Question.HOLDER]
        paged = replace(call, paging=replace(call.paging, size=1))
        served.client._recipe = replace(recipe, calls={**recipe.calls, Question.HOLDER: paged})
        answer = await served.client.ask(BY_HOLDER)
        assert (answer.outcome, len(answer.records)) == (AnswerOutcome.FOUND, 2)
        assert len(await entries(served)) == 4


async def test_one_that_could_not_be_checked(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list without it is said to be only a part."""
    folder = await write_site("guangdong")
    await asyncio.to_thread(set_status, folder, OTHER_COMPANY.identifier, LicenceStatus.UNKNOWN)
    async with serve_facade(folder, "guangdong") as served:
        keys_found(monkeypatch, served, COMPANY, OTHER_COMPANY)
        answer = await served.client.ask(BY_HOLDER)
    assert (answer.outcome, len(answer.records)) == (AnswerOutcome.PARTIAL, 1)


async def test_more_than_the_system_has_room_for(write_site: WriteSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one answer holds one licence, several that may be shown are an error, and none of them is chosen."""
    async with serve_facade(await write_site("shandong"), "shandong") as served:
        keys_found(monkeypatch, served, COMPANY, OTHER_COMPANY)
        answer = await served.client.ask(BY_HOLDER)
        assert (answer.outcome, answer.records) == (AnswerOutcome.ERROR, ())
        assert [one.leaf.content.kind for one in await entries(served)] == [LeafKind.ACCESS] * 2
