"""A client that talks to a stand-in over HTTP, with a clock that a test sets and waits that take no time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from aiohttp.test_utils import TestServer

from adapters.codes.tables import shipped_tables
from adapters.transport.recipe import Deadlines, Question, TransportRecipe
from gateway.adapters.access import SystemAccess
from gateway.adapters.client import AdapterClient
from gateway.adapters.connection import open_session
from gateway.adapters.inquiry import Inquiry
from gateway.standins.desk import Desk
from gateway.standins.registry import STAND_INS
from gateway.standins.samples import SAMPLES

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
ADAPTERS = {name: one.load_adapter() for name, one in STAND_INS.items()}  # files are read before any loop runs
TABLES = shipped_tables()
SHORT = Deadlines(total_ms=100)  # of a question that is never answered
FOOD, TRADE, CANCELLED, PERSONAL = SAMPLES
HOLDER = FOOD.holders[0]


@dataclass(slots=True, kw_only=True)
class Clock:
    """A clock that goes on when a test says so."""

    now: datetime = NOW

    def read(self) -> datetime:
        """Return the moment."""
        return self.now

    def go_on(self, step: timedelta) -> None:
        """Let time pass."""
        self.now += step


@dataclass(slots=True, kw_only=True)
class Talk:
    """A client and the desk of the stand-in that it talks to, by one clock; ``waits`` is what was slept."""

    client: AdapterClient
    desk: Desk
    clock: Clock
    waits: list[float] = field(default_factory=list)


@asynccontextmanager
async def talk(
    name: str,
    *,
    deadlines: Deadlines | None = None,
    access: SystemAccess | None = None,
    recipe: TransportRecipe | None = None,
) -> AsyncIterator[Talk]:
    """Start a stand-in on a free port of this machine, and a client for it."""
    stand_in = STAND_INS[name]
    clock = Clock()
    desk = stand_in.open_desk(ADAPTERS[name], clock.read)
    used = recipe or desk.recipe
    used = replace(used, deadlines=deadlines or used.deadlines)
    async with TestServer(stand_in.make(desk)) as server, open_session(used.deadlines) as session:
        known = access or stand_in.access
        base = str(server.make_url("/")).rstrip("/")
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        client = AdapterClient(desk.adapter, used, replace(known, base=base), session, clock.read, sleep=sleep)
        found = Talk(client=client, desk=desk, clock=clock, waits=waits)
        try:
            yield found
        finally:
            await client.close()


def ask(question: Question, **words: str) -> Inquiry:
    """Return a question with everything that the systems demand."""
    return Inquiry(
        question=question,
        **{
            "use": "办理食品经营许可",
            "item_code": "11430000006122244L4430100001001",
            "item_name": "食品经营许可",
            "case": "2026-0001",
            "operator_id": "operator-1",
            "operator_name": "经办人",
            "operator_org": "某市政务服务中心",
            "operator_org_code": "12430000006122244L",
            **words,
        },
    )


def ask_holder(**words: str) -> Inquiry:
    """Return a question for the licences of the sample holder."""
    return ask(Question.HOLDER, **{"holder_code": HOLDER.code, "holder_code_type": HOLDER.code_type, **words})


def question_for(name: str) -> Inquiry:
    """Return a question that a stand-in has an answer to."""
    (person,) = PERSONAL.holders
    match name:
        case "shandong":
            return ask(Question.IDENTIFIER, identifier=FOOD.identifier)
        case "fujian-soap" | "fujian-post":  # their codes for types of holders have none for companies
            return ask_holder(holder_code=person.code, holder_code_type=person.code_type)
        case "police-package":
            return ask(Question.NUMBER, number=PERSONAL.number, holder_code=person.code)
        case _:
            return ask_holder()


def question_for_nothing(name: str) -> Inquiry:
    """Return a question of the same kind to which nothing is the answer."""
    asked = question_for(name)
    nothing = {word: "nothing" for word in ("identifier", "number", "holder_code") if getattr(asked, word)}
    return replace(asked, **nothing)
