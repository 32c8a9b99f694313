"""What is said when a system says no, says nothing, or takes too long."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from adapters.transport.recipe import Deadlines
from gateway.http.messages.readiness import Readiness
from gateway.policy.activation import PolicyInForce
from gateway.settings import SourcesSettings
from gateway.site import Site
from gateway.sources.breaker import FAILURES
from gateway.sources.rules import SourceRule
from tests.gateway.http.systems.stage import (
    LICENCES,
    ONE,
    OTHER,
    SOURCE,
    STRANGER,
    Start,
    check_of,
    identifier_of,
    key_of,
)
from tests.support.policy import added
from tests.support.river import NAME, flowing, licence_of, record_of
from tests.support.sharing import REAL_ESTATE, in_force

# --- no answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "reason", "word"),
    [
        ("LATER", "status.unavailable", "retry"),
        ("STOP", "status.denied", "denied"),
        ("NO", "status.not-provided", "not-provided"),
        ("PART", "status.partial", "partial"),
        ("NEW", "status.unusable-answer", "error"),
    ],
)
async def test_the_province_says_no(start: Start, result: str, reason: str, word: str) -> None:
    """What a province answers in place of a licence is unknown, with a reason of its own, and counted."""
    async with start(record_of(ONE.document), sources=SourcesSettings(retries=0)) as stage:
        stage.river.result = result
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", [reason])
        assert check_of(content, "status")["detail"] == f"{SOURCE}: {word}"
        assert content["freshness"]["stale"]
        assert await stage.metric("tongban_system_questions_total", outcome=word, system=NAME) == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda body: body.decode("gb18030").encode("utf-16"), "malformed"),
        (lambda body: body[:-20], "malformed"),
        (lambda _: b"<reply><result>OK</result>" + b" " * (10 * 1024 * 1024), "too-large"),
        (lambda body: body.replace("许可证".encode("gb18030"), b"\xff\xff"), "charset"),
    ],
    ids=["another charset", "cut off", "too large", "half a character"],
)
async def test_an_answer_that_cannot_be_used(start: Start, change: Callable[[bytes], bytes], word: str) -> None:
    """What cannot be read is unknown, and never not-found."""
    one = next(one for one in LICENCES if "许可证" in licence_of(one.document).name)
    async with start(record_of(one.document)) as stage:
        stage.river.change = change
        content = await stage.answer(identifier_of(one))
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unusable-answer"])
        assert check_of(content, "status")["detail"] in {f"{SOURCE}: {word}", f"{SOURCE}: charset"}


def two_misses() -> PolicyInForce:
    """Return a policy that allows two misses."""
    budget = '[[budget]]\nid = "more"\nzh = "上限"\nen = "limit"\ncounts = "misses"\n'
    return in_force(added("limits.toml", budget + 'per = ["caller"]\nlimit = 2\nwindow_seconds = 3600\n'))


@pytest.mark.parametrize(("result", "reason"), [("NO", "status.not-provided"), ("STOP", "status.denied")])
async def test_what_is_never_said_spends_misses(start: Start, result: str, reason: str) -> None:
    """No holder is guessed for nothing at a store that has the licence, while a province never speaks of it."""
    purpose = {"item": REAL_ESTATE, "case": "BDC20260001"}
    async with start(policy=two_misses(), store=(ONE, OTHER)) as stage:
        stage.river.result = result
        for _ in range(2):
            assert (await stage.answer(key_of(holder=STRANGER), purpose=purpose))["reasons"] == [reason]
        for holder in (STRANGER, key_of()["holder"]):
            assert await stage.refusal(key_of(holder=holder), purpose=purpose) == (429, "budget.exceeded")


async def test_an_outage_spends_no_misses(start: Start) -> None:
    """However often somebody asks while a province cannot answer, that is no miss; a licence that nobody has is one."""
    record = record_of(ONE.document, identifier="")
    purpose = {"item": REAL_ESTATE, "case": "BDC20260001"}
    async with start(record, policy=two_misses(), store=(OTHER,), sources=SourcesSettings(retries=0)) as stage:
        stage.river.result = "LATER"
        for holder in (STRANGER, key_of()["holder"], STRANGER):
            content = await stage.answer(key_of(holder=holder), purpose=purpose)
            assert content["reasons"] == ["status.unavailable"]
        stage.river.result = ""
        assert (await stage.answer(key_of(), purpose=purpose))["status"] == "active"
        for _ in range(2):
            content = await stage.answer(key_of(holder=STRANGER), purpose=purpose)
            assert content["reasons"] == ["status.not-found"]
        assert await stage.refusal(key_of(), purpose=purpose) == (429, "budget.exceeded")


async def test_a_province_that_is_down(start: Start) -> None:
    """Nobody listens: unknown, the readiness says so, and the gateway stays ready."""
    async with start(change=lambda site: replace(site, asked=tuple(map(unreachable, site.asked)))) as stage:
        content = await stage.answer(identifier_of())
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
        response = await stage.client.get("/readyz")
        ready = msgspec.convert(await response.json(), Readiness)
        assert (response.status, ready.ready) == (200, True)
        assert [(one.system, one.answered) for one in ready.systems] == [(NAME, "unreachable")]
        assert ready.systems[0].mapping == stage.river.adapter.digest


def unreachable(system: Any) -> Any:
    return replace(system, access=replace(system.access, base="http://127.0.0.1:1"))


async def test_a_province_that_does_not_answer(start: Start) -> None:
    """The time for other systems ends before that of the request."""
    async with start(record_of(ONE.document), sources=SourcesSettings(deadline_seconds=0.1)) as stage:
        stage.river.hold = asyncio.Event()
        content = await stage.answer(identifier_of())
        stage.river.hold.set()
        assert (content["outcome"], content["reasons"]) == ("unknown", ["status.unavailable"])
        assert check_of(content, "status")["detail"] == f"{SOURCE}: timeout"


async def test_more_questions_than_it_takes_at_once(start: Start) -> None:
    """A system is asked so many questions at once, so many more wait, and the next one is told at once."""
    sources = SourcesSettings(concurrency=1, waiting=1)
    async with start(record_of(ONE.document), sources=sources) as stage:
        stage.river.hold = asyncio.Event()
        asked = [asyncio.create_task(stage.answer(identifier_of())) for _ in range(3)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        assert refused["reasons"] == ["status.unavailable"]
        assert check_of(refused, "status")["detail"] == f"{SOURCE}: busy"
        assert len(stage.river.asked) == 1
        stage.river.hold.set()
        outcomes = [(await one)["outcome"] for one in asked]
        assert sorted(outcomes) == ["unknown", "valid", "valid"]


async def test_a_dead_province_leaves_time_for_the_next_one(start: Start) -> None:
    """However many questions wait for a province that hangs, the one behind it is asked; then that one alone."""
    async with flowing(record_of(ONE.document)) as lake:

        def add_lake(site: Site) -> Site:
            (river,) = site.asked
            system = replace(river.adapter.rules.system, id="lake")
            adapter = replace(river.adapter, rules=replace(river.adapter.rules, system=system))
            access = replace(river.access, base=lake.address)
            rules = (SourceRule(system=NAME), SourceRule(system="lake"))
            hasty = replace(river, recipe=replace(river.recipe, deadlines=Deadlines(total_ms=200)))
            return replace(site, asked=(hasty, replace(river, adapter=adapter, access=access)), rules=rules)

        sources = SourcesSettings(deadline_seconds=8.0, concurrency=FAILURES)
        async with start(change=add_lake, sources=sources) as stage:
            stage.river.hold = asyncio.Event()
            answers = await asyncio.gather(*(stage.answer(identifier_of()) for _ in range(12)))
            assert {(one["outcome"], one["freshness"]["source"]) for one in answers} == {("valid", "system:lake")}
            assert len(lake.asked) == 12
            asked = len(stage.river.asked)
            assert FAILURES <= asked < 2 * FAILURES  # those that were let out while the fifth failure was to come
            await stage.answer(identifier_of())
            assert len(stage.river.asked) == asked
            assert await stage.metric("tongban_system_questions_total", outcome="paused", system=NAME) > 0
            stage.river.hold.set()
