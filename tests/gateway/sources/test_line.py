"""The line to another system: who waits for whose answer, and when nobody is let through; the client is a stand-in."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from adapters.mapping.answer import AnswerOutcome
from adapters.transport.recipe import FunctionUse, Question
from adapters.transport.template import Kind, Place, Template
from gateway.adapters.access import SystemAccess
from gateway.adapters.asked import AskedSystem
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.functions import load_recipe
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.adapters.request import words_told
from gateway.metrics import SystemMetrics
from gateway.settings import SourcesSettings
from gateway.sources.breaker import FAILURES, BreakerState
from gateway.sources.line import LEAST_SECONDS, SystemLine
from gateway.sources.outage import Outage
from gateway.sources.source import SystemUnavailableError
from keys.payload.secret import Secret
from tests.support.stand_ins import ADAPTERS, FOOD, Clock, ask, question_for

FAR = 60.0
FOUND = Answer(outcome=AnswerOutcome.FOUND, records=(FOOD,))
RECIPES = {name: load_recipe(adapter) for name, adapter in ADAPTERS.items()}


class Client:
    """A client that answers when a test says so."""

    def __init__(self) -> None:
        self.asked: list[Inquiry] = []
        self.gate = asyncio.Event()
        self.error: AskError | None = None

    async def ask(self, inquiry: Inquiry) -> Answer:
        """Answer."""
        self.asked.append(inquiry)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return FOUND


class Lines:
    """Lines that have their metrics and their clock in common."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.metrics = SystemMetrics(self.registry)

    def open(self, name: str, *outages: Outage, **changes: int) -> tuple[SystemLine, Client]:
        """Return a line and its client."""
        system = AskedSystem(adapter=ADAPTERS[name], recipe=RECIPES[name], access=SystemAccess(base=""))
        settings = replace(SourcesSettings(), **changes)
        line = SystemLine(system, settings=settings, clock=self.clock.read, metrics=self.metrics, outages=outages)
        client = Client()
        line._client = client  # type: ignore[assignment]  # which asks nobody
        return line, client

    def value(self, name: str, **labels: str) -> float:
        """Return the value of a metric."""
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def lines() -> Lines:
    return Lines()


def put(line: SystemLine, inquiry: Inquiry, seconds: float = FAR) -> "asyncio.Future[object]":
    return asyncio.ensure_future(line.ask(inquiry, until=asyncio.get_running_loop().time() + seconds))


async def word_of(line: SystemLine, inquiry: Inquiry, seconds: float = FAR) -> str:
    with pytest.raises(SystemUnavailableError) as caught:
        await put(line, inquiry, seconds)
    return caught.value.word


async def until(is_so: Callable[[], bool]) -> None:
    """Let everything go on until something is so."""
    for _ in range(100):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError


def told_by(name: str) -> set[str]:
    question = question_for(name).question
    line, _ = Lines().open(name)
    return set(line._told[question])


TELLS_CASE = sorted(name for name in ADAPTERS if "case" in told_by(name))
TELLS_NOBODY = sorted(
    name for name in ADAPTERS if not told_by(name) & {"case", "operator_id", "operator_name", "question_id"}
)


def test_there_are_systems_of_both_kinds() -> None:
    """Some of the shipped systems are told who asks in which case, and some are not."""
    assert TELLS_CASE
    assert TELLS_NOBODY


@pytest.mark.parametrize("name", TELLS_NOBODY)
async def test_the_same_question_is_asked_once(lines: Lines, name: str) -> None:
    """Where a system is not told who asks, all who ask the same at once share its answer, as of when it was asked."""
    line, client = lines.open(name)
    inquiry = question_for(name)
    others = [replace(inquiry, operator_id=f"o-{n}", case=f"c-{n}", question_id=f"q-{n}") for n in range(4)]
    first = put(line, inquiry)
    await until(lambda: len(client.asked) == 1)
    begun = lines.clock.now
    lines.clock.go_on(timedelta(seconds=2))
    asked = [first, *(put(line, one) for one in others)]
    await asyncio.sleep(0)
    client.gate.set()
    told = await asyncio.gather(*asked)
    assert {one.as_of for one in told} == {begun}  # type: ignore[attr-defined]  # a Told
    assert (len(client.asked), lines.value("tongban_system_spared_total", system=name, by="merged")) == (1, 4)


@pytest.mark.parametrize("name", TELLS_CASE)
async def test_nobody_has_the_answer_to_anothers_case(lines: Lines, name: str) -> None:
    """Where a system is told the case, each case is a question of its own, and so is each holder."""
    line, client = lines.open(name)
    inquiry = question_for(name)
    asked = [put(line, replace(inquiry, case=f"c-{n}")) for n in range(3)]
    asked += [put(line, replace(inquiry, identifier="1", number="2", holder_code="3"))]
    await until(lambda: len(client.asked) == 4)
    client.gate.set()
    await asyncio.gather(*asked)


def test_what_is_signed_is_told() -> None:
    """A value that stands in no request, and is signed, tells a question from another one."""
    recipe = RECIPES[TELLS_NOBODY[0]]
    (question, *_) = recipe.calls
    values = {**recipe.values, "hidden": Template(parts=(Place(kind=Kind.WORD, name="operator_id"),))}
    bare = replace(recipe, values=values, signature=None)
    signed = replace(bare, signature=FunctionUse(key="key", name="hmac-sha256", parameters={}))
    assert ["operator_id" in words_told(one, question) for one in (bare, signed)] == [False, True]


async def test_a_link_is_a_question_of_its_own(lines: Lines) -> None:
    """Files that are fetched by a link are never mixed up, whatever else the recipe says."""
    line, client = lines.open("guangdong")
    asked = [put(line, ask(Question.FILE, link=link)) for link in ("http://a/1", "http://a/2")]
    await until(lambda: len(client.asked) == 2)
    client.gate.set()
    await asyncio.gather(*asked)


async def test_each_one_waits_his_own_time(lines: Lines) -> None:
    """Whose time is over is told so; the question goes on for whoever has more, and counts once."""
    name = TELLS_NOBODY[0]
    line, client = lines.open(name)
    inquiry = question_for(name)
    patient = put(line, inquiry)
    await until(lambda: len(client.asked) == 1)
    assert await word_of(line, inquiry, 0.01) == "timeout"
    client.gate.set()
    await patient
    assert lines.value("tongban_system_questions_total", system=name, outcome="timeout") == 0
    assert lines.value("tongban_system_questions_total", system=name, outcome="found") == 1


async def test_nobody_has_time(lines: Lines) -> None:
    """A system that does not answer anybody in time has failed; that whoever asked went away says nothing of it."""
    name = TELLS_NOBODY[0]
    line, client = lines.open(name)
    line._least_seconds = 0.0
    inquiry = question_for(name)
    gone = put(line, inquiry)
    await until(lambda: len(client.asked) == 1)
    gone.cancel()
    await until(lambda: line.report().under_way == 0)
    assert (line._breaker._failures, line.report().word) == (0, None)
    assert await word_of(line, inquiry, 0.01) == "timeout"
    await until(lambda: line._breaker._failures == 1)
    assert line.report().word == "timeout"


async def test_too_little_time_for_anybody(lines: Lines) -> None:
    """That a system did not answer in less time than its recipe allows it, and than anybody needs, says nothing."""
    name = TELLS_CASE[0]
    line, client = lines.open(name)
    inquiry = question_for(name)
    for n in range(FAILURES):
        assert await word_of(line, replace(inquiry, case=f"c-{n}"), 0.001) == "timeout"
    await until(lambda: line.report().under_way == 0)
    assert (line.report().breaker, line._breaker._failures) == (BreakerState.CLOSED, 0)
    client.gate.set()
    await put(line, inquiry)
    allowed = RECIPES[name].deadlines.total_ms / 1000
    assert line._least_seconds == min(LEAST_SECONDS, allowed)


async def test_a_question_that_cannot_be_written_tries_nothing(lines: Lines) -> None:
    """Whoever asks what nobody can send does not keep a system closed that is well again."""
    name = TELLS_CASE[0]
    line, client = lines.open(name)
    inquiry = question_for(name)
    client.gate.set()
    client.error = AskError(AskFault.UNREACHABLE)
    for _ in range(FAILURES):
        await word_of(line, inquiry)
    line._breaker._until = 0.0  # the pause is over
    for fault in (AskFault.REQUEST, AskFault.NOT_ASKABLE, AskFault.HOST_NOT_NAMED):
        client.error = AskError(fault)
        assert await word_of(line, replace(inquiry, case=fault)) == fault
        assert line.report().breaker is BreakerState.HALF_OPEN
    client.error = None
    await put(line, inquiry)
    assert line.report().breaker is BreakerState.CLOSED


@pytest.mark.parametrize(("where", "is_away"), [("502", True), ("503", True), ("504", True), ("500", False)])
async def test_a_dead_system_behind_a_proxy(lines: Lines, where: str, *, is_away: bool) -> None:
    """What a proxy says in place of a system that does not answer is no answer of the system."""
    name = TELLS_CASE[0]
    line, client = lines.open(name)
    client.gate.set()
    client.error = AskError(AskFault.HTTP_STATUS, where)
    for _ in range(FAILURES):
        assert await word_of(line, question_for(name)) == "http-status"
    assert (line.report().breaker is BreakerState.OPEN) is is_away


async def test_as_many_connections_as_questions(lines: Lines) -> None:
    """No question that goes out waits for a connection of another one."""
    line, _ = lines.open(TELLS_CASE[0], concurrency=64)
    recipe = line._system.recipe
    access = SystemAccess(
        base="http://127.0.0.1:1",
        settings=dict.fromkeys(recipe.settings, "x"),
        secrets=dict.fromkeys(recipe.secrets, Secret(b"x")),
    )
    line._system = replace(line._system, access=access)
    async with AsyncExitStack() as stack:
        await line.open(stack)
        client = line._client
        assert client is not None
        connector = client._session.connector
        assert connector is not None
        assert connector.limit == 64


async def test_one_question_tries_a_system(lines: Lines) -> None:
    """After a pause one question tries it and the others are refused; when it went away the next one does."""
    name = TELLS_CASE[0]
    line, client = lines.open(name)
    inquiry = question_for(name)
    client.error = AskError(AskFault.UNREACHABLE)
    client.gate.set()
    for _ in range(FAILURES):
        assert await word_of(line, inquiry) == "unreachable"
    assert await word_of(line, inquiry) == "paused"
    assert (line.report().breaker, lines.value("tongban_system_breaker", system=name)) == (BreakerState.OPEN, 2)
    line._breaker._until = 0.0  # the pause is over
    client.gate.clear()
    client.error = None
    assert (line.report().breaker, lines.value("tongban_system_breaker", system=name)) == (BreakerState.HALF_OPEN, 1)
    probe = put(line, inquiry)
    await until(lambda: len(client.asked) == FAILURES + 1)
    assert await word_of(line, replace(inquiry, case="another")) == "paused"
    probe.cancel()
    await until(lambda: line.report().under_way == 0)
    second = put(line, inquiry)
    await until(lambda: len(client.asked) == FAILURES + 2)
    client.gate.set()
    await second
    assert (line.report().breaker, lines.value("tongban_system_breaker", system=name)) == (BreakerState.CLOSED, 0)


async def test_a_slow_system_takes_nothing_from_another(lines: Lines) -> None:
    """A system that hangs, with all its places taken and many waiting, leaves the places of another one alone."""
    slow, hanging = lines.open(TELLS_CASE[0], concurrency=2, waiting=3)
    quick, client = lines.open(TELLS_NOBODY[0], concurrency=1, waiting=0)
    inquiry = question_for(TELLS_CASE[0])
    waiting = [put(slow, replace(inquiry, case=f"c-{n}")) for n in range(5)]
    await until(lambda: len(hanging.asked) == 2)
    assert await word_of(slow, replace(inquiry, case="c-9")) == "busy"
    client.gate.set()
    for _ in range(3):
        await put(quick, question_for(TELLS_NOBODY[0]))
    assert (len(hanging.asked), slow.report().under_way) == (2, 5)
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting)


async def test_a_place_is_given_back(lines: Lines) -> None:
    """Whoever had a place and failed, went away or was answered gives it to the next one."""
    name = TELLS_CASE[0]
    line, client = lines.open(name, concurrency=1, waiting=5)
    inquiry = question_for(name)
    first, second, third = (put(line, replace(inquiry, case=f"c-{n}")) for n in range(3))
    await until(lambda: len(client.asked) == 1)
    first.cancel()
    await until(lambda: len(client.asked) == 2)
    client.gate.set()
    await asyncio.gather(second, third)
    client.error = AskError(AskFault.MALFORMED)
    for _ in range(3):
        assert await word_of(line, inquiry) == "malformed"
    client.error = None
    await put(line, inquiry)


async def test_a_planned_outage(lines: Lines) -> None:
    """In an outage that was announced the system is not asked, and the refusal says until when."""
    begins = lines.clock.now + timedelta(hours=1)
    outage = Outage(
        system="national", since=begins, until=begins + timedelta(hours=8), reason_zh="系统升级", reason="an upgrade"
    )
    line, client = lines.open(
        "national", outage, replace(outage, system="guangdong", since=datetime(2020, 1, 1, tzinfo=UTC))
    )
    client.gate.set()
    inquiry = question_for("national")
    await put(line, inquiry)
    assert line.report().outage == outage
    lines.clock.now = begins
    with pytest.raises(SystemUnavailableError) as caught:
        await put(line, inquiry)
    assert (caught.value.word, caught.value.until) == ("planned-outage", outage.until)
    assert str(caught.value) == f"system:national: planned-outage until {outage.until:%Y-%m-%dT%H:%M:%SZ}"
    assert (len(client.asked), line.report().word) == (1, "found")
    lines.clock.now = outage.until
    await put(line, inquiry)
    assert line.report().outage is None
