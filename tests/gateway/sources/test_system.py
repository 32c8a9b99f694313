"""Another system as a source: what it is asked, and what its answers come to; the client answers as a test says."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord, RecordDocument
from adapters.record.status import RecordStatus
from adapters.transport.recipe import Question
from gateway.adapters.access import SystemAccess
from gateway.adapters.asked import AskedSystem
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.functions import load_recipe
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.metrics import SystemMetrics
from gateway.settings import SourcesSettings
from gateway.sources.errand import Errand
from gateway.sources.source import (
    LicenceIndex,
    LicenceKey,
    NoDocument,
    NotFound,
    StatedLicence,
    SystemFault,
    SystemUnavailableError,
    by_identifier,
    by_number,
)
from gateway.sources.system import SystemSource
from policies.dimension import LicenceStatus
from tests.support.stand_ins import ADAPTERS, FOOD, NOW

HOLDER = FOOD.holders[0].code
FOUND = Answer(outcome=AnswerOutcome.FOUND, records=(FOOD,))
NOTHING = Answer(outcome=AnswerOutcome.NOT_FOUND)
INDEX = LicenceIndex(
    identifier=FOOD.identifier, number=FOOD.number, type_code=FOOD.type_code, name=FOOD.name, holders=(HOLDER,)
)


class Client:
    """A client that answers in order, and keeps what it was asked."""

    def __init__(self, *answers: Answer | AskError) -> None:
        self.answers = list(answers)
        self.asked: list[Inquiry] = []

    async def ask(self, inquiry: Inquiry, *, until: float) -> Answer:  # noqa: ARG002 -- it answers at once
        """Answer."""
        self.asked.append(inquiry)
        answer = self.answers.pop(0)
        if isinstance(answer, AskError):
            raise answer
        return answer


def source(name: str, *answers: Answer | AskError) -> tuple[SystemSource, Client]:
    """Return a system that answers so."""
    adapter = ADAPTERS[name]
    system = AskedSystem(adapter=adapter, recipe=load_recipe(adapter), access=SystemAccess(base=""))
    found = SystemSource(
        system, settings=SourcesSettings(), clock=lambda: NOW, metrics=SystemMetrics(CollectorRegistry())
    )
    client = Client(*answers)
    found._client = client  # type: ignore[assignment]  # which asks nobody
    return found, client


def errand(**words: str) -> Errand:
    return Errand(until=asyncio.get_running_loop().time() + 60, **words)


async def find(name: str, key: LicenceKey, *answers: Answer | AskError, **words: str) -> tuple[Any, list[Inquiry]]:
    """Return what a system finds, and what it was asked for that."""
    system, client = source(name, *answers)
    return await system.find(key, errand(**words)), client.asked


def with_document(document: RecordDocument | None, **changes: Any) -> LicenceRecord:
    return replace(FOOD, document=document, **changes)


@pytest.mark.parametrize(
    ("name", "key", "question"),
    [
        ("national", by_identifier(FOOD.identifier), Question.IDENTIFIER),
        ("police-package", by_number(FOOD.number, FOOD.type_code), Question.NUMBER),
        ("shanghai", by_number(FOOD.number, FOOD.type_code, HOLDER), Question.HOLDER),
    ],
)
async def test_which_call_answers_a_key(name: str, key: LicenceKey, question: Question) -> None:
    """An identifier is asked for by its call, a number by its own, or else by that for the holder's licences."""
    _, asked = await find(name, key, NOTHING)
    assert [one.question for one in asked] == [question]


@pytest.mark.parametrize(
    ("name", "key"),
    [("guangdong", by_identifier(FOOD.identifier)), ("guangdong", by_number(FOOD.number, FOOD.type_code))],
)
async def test_a_key_that_no_call_answers(name: str, key: LicenceKey) -> None:
    """What a system has no call for is not asked, and not provided."""
    system, client = source(name)
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find(key, errand())
    assert (caught.value.fault, caught.value.word, client.asked) == (SystemFault.NOT_PROVIDED, "not-askable", [])
    assert system.report().word == "not-askable"


async def test_a_type_by_name_is_sent_with_its_code() -> None:
    """Where the policy knows the type both its code and its name are sent; else what the question says."""
    key = by_number(" jy1（a）", "食品经营许可证", HOLDER.lower())
    _, (asked,) = await find("shanghai", key, NOTHING, type_code=FOOD.type_code, type_name=FOOD.name)
    assert (asked.type_code, asked.name, asked.number) == (FOOD.type_code, FOOD.name, "jy1（a）")
    assert (asked.holder_code, asked.holder_code_type) == (HOLDER, "001")
    _, (asked,) = await find("shanghai", key, NOTHING)
    assert (asked.type_code, asked.name) == ("", "食品经营许可证")
    _, (asked,) = await find("shanghai", by_number("1", "044", "11010519491231002x"), NOTHING)
    assert (asked.type_code, asked.name, asked.holder_code_type) == ("044", "", "111")


@pytest.mark.parametrize(
    ("answer", "document", "absence"),
    [
        (Answer(outcome=AnswerOutcome.FOUND, file=b"sealed"), b"sealed", None),
        (
            Answer(
                outcome=AnswerOutcome.FOUND, records=(with_document(None), with_document(RecordDocument(content=b"x")))
            ),
            b"x",
            None,
        ),
        (Answer(outcome=AnswerOutcome.FOUND, records=(FOOD,)), b"", NoDocument.NOT_THERE),
        (NOTHING, b"", NoDocument.NOT_THERE),
        (Answer(outcome=AnswerOutcome.NOT_PROVIDED), b"", NoDocument.NOT_THERE),
        (Answer(outcome=AnswerOutcome.DENIED), b"", NoDocument.UNAVAILABLE),
        (AskError(AskFault.TIMEOUT), b"", NoDocument.UNAVAILABLE),
        (AskError(AskFault.HOST_NOT_NAMED), b"", NoDocument.UNAVAILABLE),
        (AskError(AskFault.NOT_ASKABLE), b"", NoDocument.NOT_THERE),
    ],
)
async def test_the_document(answer: Answer | AskError, document: bytes, absence: NoDocument | None) -> None:
    """The file is asked for once the record is found; that it cannot be had is no word about the licence."""
    found, asked = await find("national", by_identifier(FOOD.identifier), FOUND, answer)
    assert isinstance(found, StatedLicence)
    assert (found.document, found.absence, found.status) == (document, absence, LicenceStatus.ACTIVE)
    assert [one.question for one in asked] == [Question.IDENTIFIER, Question.FILE]
    assert asked[1].identifier == FOOD.identifier


async def test_a_document_that_needs_a_link() -> None:
    """Where the call for a file needs what the record says of it, a record that says nothing has none."""
    key = by_number(FOOD.number, FOOD.type_code, HOLDER)
    found, asked = await find("guangdong", key, FOUND)
    assert (found.absence, len(asked)) == (NoDocument.NOT_THERE, 1)
    linked = Answer(outcome=AnswerOutcome.FOUND, records=(with_document(RecordDocument(link="grant")),))
    found, asked = await find("guangdong", key, linked, Answer(outcome=AnswerOutcome.FOUND, file=b"sealed"))
    assert (found.document, asked[1].link) == (b"sealed", "grant")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(outcome=AnswerOutcome.RETRY, retry_after_seconds=7), SystemFault.UNREACHABLE),
        (Answer(outcome=AnswerOutcome.DENIED), SystemFault.DENIED),
        (Answer(outcome=AnswerOutcome.NOT_PROVIDED), SystemFault.NOT_PROVIDED),
        (Answer(outcome=AnswerOutcome.ERROR, records=(FOOD,)), SystemFault.UNUSABLE_ANSWER),
        (Answer(outcome=AnswerOutcome.PARTIAL), SystemFault.PARTIAL),
        (Answer(outcome=AnswerOutcome.PARTIAL, records=(FOOD,)), SystemFault.PARTIAL),
        *((AskError(fault), None) for fault in AskFault),
    ],
)
async def test_no_answer(answer: Answer | AskError, fault: SystemFault | None) -> None:
    """Whatever is no answer is a fault with a word, and never "not found"."""
    system, _ = source("national", answer)
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find(by_identifier(FOOD.identifier), errand())
    assert fault in {None, caught.value.fault}
    assert caught.value.source == "system:national"
    assert system.report().word == caught.value.word


async def test_nothing_found() -> None:
    """A system that knows no such licence says so, and so does one whose licences are others."""
    for answer in (NOTHING, Answer(outcome=AnswerOutcome.FOUND, records=(replace(FOOD, identifier="1"),))):
        found, _ = await find("national", by_identifier(FOOD.identifier), answer)
        assert found == NotFound(document=b"", source="system:national")


async def test_the_status_of_a_document() -> None:
    """A document is asked about by its identifier, else by its number; one that is older than the record is over."""
    system, client = source("shandong", FOUND)
    registered = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
    assert registered is not None
    assert (registered.status, client.asked[0].question) == (LicenceStatus.ACTIVE, Question.IDENTIFIER)
    assert FOOD.issued_on is not None
    system, _ = source("shandong", FOUND)
    older = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on.replace(year=2020))
    assert older is not None
    assert older.status is LicenceStatus.SUPERSEDED
    cancelled = Answer(outcome=AnswerOutcome.FOUND, records=(replace(FOOD, status=RecordStatus.CANCELLED),))
    system, client = source("guangdong", cancelled)
    by_holder = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
    assert by_holder is not None
    assert (by_holder.status, client.asked[0].question) == (LicenceStatus.CANCELLED, Question.HOLDER)


async def test_systems_that_say_nothing_of_a_document() -> None:
    """A system without a word for the status, without a call, or without the licence is no register for a document."""
    system, client = source("national")
    assert await system.find_status(INDEX, errand(), issued_on=None) is None
    system, client = source("guangdong")
    assert await system.find_status(replace(INDEX, holders=()), errand(), issued_on=None) is None
    assert client.asked == []
    system, _ = source("shandong", NOTHING)
    assert await system.find_status(INDEX, errand(), issued_on=None) is None


async def test_before_its_connections_are_open() -> None:
    """A system that is not open yet is busy."""
    system, _ = source("national")
    system._client = None
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find(by_identifier(FOOD.identifier), errand())
    assert caught.value.word == "busy"
