"""Another system as a source: what it is asked, and what its answers come to; the client answers as a test says."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from msgspec import structs

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord, RecordDocument
from adapters.record.status import RecordStatus
from adapters.transport.recipe import Question
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.inquiry import Answer, Inquiry
from gateway.pipeline import Verified, judge_found, judge_not_found
from gateway.settings import SourcesSettings
from gateway.sources.breaker import FAILURES
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
from gateway.verdict import Verdict
from policies.dimension import LicenceStatus
from tests.gateway.sources.systems import make_source
from tests.support.stand_ins import FOOD, NOW, TRADE

HOLDER = FOOD.holders[0].code
STRANGER = "91349901MADEM3415U"
LATER = date(2099, 1, 1)
FOUND = Answer(outcome=AnswerOutcome.FOUND, records=(FOOD,))
NOTHING = Answer(outcome=AnswerOutcome.NOT_FOUND)
INDEX = LicenceIndex(
    identifier=FOOD.identifier, number=FOOD.number, type_code=FOOD.type_code, name=FOOD.name, holders=(HOLDER,)
)
BY_NAME = replace(INDEX, identifier="", type_code="")


def errand(**words: str) -> Errand:
    return Errand(until=asyncio.get_running_loop().time() + 60, **words)


async def find(name: str, key: LicenceKey, *answers: Answer | AskError, **words: str) -> tuple[Any, list[Inquiry]]:
    """Return what a system finds, and what it was asked for that."""
    system, client = make_source(name, *answers)
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
    system, client = make_source(name)
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find(key, errand())
    assert (caught.value.fault, caught.value.word, client.asked) == (SystemFault.NOT_PROVIDED, "not-askable", [])
    assert system._line.report().word == "not-askable"


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
    system, _ = make_source("national", answer)
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find(by_identifier(FOOD.identifier), errand())
    assert fault in {None, caught.value.fault}
    assert caught.value.source == "system:national"
    assert system._line.report().word == caught.value.word


async def test_nothing_found() -> None:
    """A system that knows no such licence says so, and so does a list of a holder's other licences."""
    found, _ = await find("national", by_identifier(FOOD.identifier), NOTHING)
    assert found == NotFound(document=b"", source="system:national")
    others = Answer(outcome=AnswerOutcome.FOUND, records=(TRADE,))
    found, _ = await find("shanghai", by_number(FOOD.number, FOOD.type_code, HOLDER), others)
    assert found == NotFound(document=b"", source="system:shanghai")


@pytest.mark.parametrize("identifier", ["1", FOOD.identifier.rpartition(".")[0]])
async def test_records_of_other_licences(identifier: str) -> None:
    """An answer about another licence than the one that was asked for is no word about that one."""
    other = Answer(outcome=AnswerOutcome.FOUND, records=(replace(FOOD, identifier=identifier),))
    system, _ = make_source("national", other, other)
    for key in (by_identifier(FOOD.identifier), by_identifier(FOOD.identifier, HOLDER)):
        with pytest.raises(SystemUnavailableError) as caught:
            await system.find(key, errand())
        assert (caught.value.fault, caught.value.word) == (SystemFault.RECORD_DIFFERS, "record-differs")


async def test_the_licence_of_another_holder() -> None:
    """A record of another holder is no answer: it comes without document, to be weighed once somebody proves him."""
    stranger = by_number(FOOD.number, FOOD.type_code, STRANGER)
    records = (with_document(RecordDocument(content=b"sealed"), status=RecordStatus.REVOKED),)
    for outcome in (AnswerOutcome.FOUND, AnswerOutcome.PARTIAL):
        found, asked = await find("police-package", stranger, Answer(outcome=outcome, records=records))
        assert isinstance(found, StatedLicence)
        assert (found.document, found.absence, len(asked)) == (b"", NoDocument.NOT_THERE, 1)
        assert (found.index.holders, found.status) == ((HOLDER,), LicenceStatus.REVOKED)
        assert found.is_of_part is (outcome is AnswerOutcome.PARTIAL)
        empty = Verified(verdict=Verdict(format=None, checks=()))
        assert judge_found(empty, found, stranger, at=NOW) == judge_not_found(found.source, at=NOW)


async def test_a_holder_that_the_system_masks() -> None:
    """A record without its holder's number is of the holder whose licences were asked for, and else of nobody."""
    masked = replace(FOOD, holders=(replace(FOOD.holders[0], code=f"{HOLDER[:4]}**********{HOLDER[14:]}"),))
    answer = Answer(outcome=AnswerOutcome.FOUND, records=(masked,))
    key = by_number(FOOD.number, FOOD.type_code, HOLDER)
    by_holder, _ = await find("shanghai", key, answer, NOTHING)
    assert by_holder.index.holders == (HOLDER,)
    by_its_number, _ = await find("police-package", key, answer, NOTHING)
    assert by_its_number.index.holders == ()


async def test_the_status_of_a_document() -> None:
    """A document is asked about by its identifier, else by its number; one that is older than the record is over."""
    system, client = make_source("shandong", FOUND)
    registered = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
    assert registered is not None
    assert (registered.status, client.asked[0].question) == (LicenceStatus.ACTIVE, Question.IDENTIFIER)
    assert FOOD.issued_on is not None
    system, _ = make_source("shandong", FOUND)
    older = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on.replace(year=2020))
    assert older is not None
    assert older.status is LicenceStatus.SUPERSEDED
    cancelled = Answer(outcome=AnswerOutcome.FOUND, records=(replace(FOOD, status=RecordStatus.CANCELLED),))
    system, client = make_source("guangdong", cancelled)
    by_holder = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
    assert by_holder is not None
    assert (by_holder.status, client.asked[0].question) == (LicenceStatus.CANCELLED, Question.HOLDER)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("national", INDEX),
        ("guangdong", replace(INDEX, holders=())),
        ("shandong", replace(INDEX, identifier="", number="")),
    ],
    ids=["no word for the status", "no call for it", "nothing to ask by"],
)
async def test_a_system_that_cannot_be_asked_about_a_document(name: str, index: LicenceIndex) -> None:
    """A system that a rule names for documents and that cannot say how one stands is not one that does not know it."""
    system, client = make_source(name)
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find_status(index, errand(), issued_on=None)
    assert (caught.value.fault, client.asked) == (SystemFault.NOT_PROVIDED, [])
    assert system._line.report().word == "not-askable"


async def test_a_document_that_the_system_does_not_know() -> None:
    """No register knows a licence that the system does not know by any key, or that is not among its holder's."""
    others = Answer(outcome=AnswerOutcome.FOUND, records=(TRADE,))
    for name, answers in (("shandong", (NOTHING, NOTHING)), ("shandong", (NOTHING, others)), ("guangdong", (others,))):
        system, client = make_source(name, *answers)
        assert await system.find_status(INDEX, errand(), issued_on=None) is None
        assert len(client.asked) == len(answers)


@pytest.mark.parametrize(
    "record",
    [replace(TRADE, number=FOOD.number, holders=FOOD.holders), replace(TRADE, number=FOOD.number, type_code="")],
    ids=["by code", "by name"],
)
async def test_a_number_that_licences_of_other_types_have(record: LicenceRecord) -> None:
    """Where a system does not know the identifier, licences of other types with the number are no word about it."""
    others = Answer(outcome=AnswerOutcome.FOUND, records=(record, TRADE))
    system, _ = make_source("shandong", NOTHING, others)
    assert await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on) is None


@pytest.mark.parametrize(
    "record",
    [
        replace(TRADE, number=FOOD.number, identifier=FOOD.identifier),
        replace(FOOD, number="", identifier=""),
        replace(TRADE, number=FOOD.number, identifier="", type_code="", name=""),
    ],
    ids=["its identifier", "no number", "no type"],
)
async def test_a_number_whose_licence_it_may_be(record: LicenceRecord) -> None:
    """What may be the licence of a document, and is not shown to be, leaves open how that stands."""
    others = replace(TRADE, number=FOOD.number)
    answer = Answer(outcome=AnswerOutcome.FOUND, records=(others, replace(record, holders=OTHERS)))
    system, _ = make_source("shandong", NOTHING, answer)
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
    assert caught.value.fault is SystemFault.RECORD_DIFFERS


async def test_an_earlier_version_that_is_known_by_its_number_alone() -> None:
    """A system that forgot the identifier of a document still says, by its number, that the licence has ended."""
    ended = replace(FOOD, identifier="1.2.3", issued_on=LATER, status=RecordStatus.CANCELLED)
    system, client = make_source("shandong", NOTHING, Answer(outcome=AnswerOutcome.FOUND, records=(ended,)))
    registered = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
    assert registered is not None
    assert registered.status is LicenceStatus.CANCELLED
    assert [one.question for one in client.asked] == [Question.IDENTIFIER, Question.HOLDER]
    system, _ = make_source("shandong", NOTHING, AskError(AskFault.TIMEOUT))
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
    assert caught.value.word == "timeout"


@pytest.mark.parametrize("name", ["公共场所卫生许可证", "某某许可证"], ids=["in no table", "unheard of"])
async def test_licences_that_have_one_number(name: str) -> None:
    """Where several licences have one number, and no record has a code, the document's own status counts."""
    mine = replace(FOOD, identifier="", type_code="", issued_on=date(2020, 1, 1))
    other = replace(mine, name=name, issued_on=date(2024, 1, 1))
    index = replace(INDEX, identifier="")
    for status, another in (
        (RecordStatus.ACTIVE, RecordStatus.CANCELLED),
        (RecordStatus.CANCELLED, RecordStatus.ACTIVE),
    ):
        records = (replace(mine, status=status), replace(other, status=another))
        system, _ = make_source("jiangsu", Answer(outcome=AnswerOutcome.FOUND, records=records))
        registered = await system.find_status(index, errand(), issued_on=date(2020, 1, 1))
        assert registered is not None
        assert registered.status.value == status.value


OTHERS = (replace(FOOD.holders[0], code=STRANGER),)


@pytest.mark.parametrize(
    ("name", "record", "index"),
    [
        ("shandong", replace(FOOD, identifier="", number="ANOTHER", holders=OTHERS), INDEX),
        ("shandong", replace(FOOD, number="ANOTHER", holders=OTHERS), INDEX),
        ("shandong", replace(FOOD, number="ANOTHER", holders=OTHERS, issued_on=LATER), INDEX),
        ("shandong", replace(FOOD, identifier=FOOD.identifier.rpartition(".")[0]), INDEX),
        ("guangdong", replace(FOOD, identifier="1.2.3"), INDEX),
        ("guangdong", replace(FOOD, identifier="1.2.3", number="", issued_on=LATER), INDEX),
        ("guangdong", replace(FOOD, type_code="", name="食品经营许可证（副本）", identifier=""), BY_NAME),
        ("guangdong", replace(FOOD, number=""), INDEX),
    ],
)
async def test_a_status_that_is_anothers(name: str, record: LicenceRecord, index: LicenceIndex) -> None:
    """A record that is not, or may not be, of the document's licence says nothing of it."""
    system, _ = make_source(name, Answer(outcome=AnswerOutcome.FOUND, records=(record,)))
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find_status(index, errand(), issued_on=FOOD.issued_on)
    assert caught.value.fault is SystemFault.RECORD_DIFFERS


async def test_a_document_of_two_holders() -> None:
    """A record that names any of a document's holders is of its licence."""
    revoked = replace(FOOD, identifier="", status=RecordStatus.REVOKED)
    system, _ = make_source("guangdong", Answer(outcome=AnswerOutcome.FOUND, records=(revoked,)))
    two = replace(INDEX, identifier="", holders=(STRANGER, HOLDER))
    registered = await system.find_status(two, errand(), issued_on=FOOD.issued_on)
    assert registered is not None
    assert registered.status is LicenceStatus.REVOKED


async def test_a_later_version_with_an_identifier_of_its_own() -> None:
    """A document is over when its system has a licence of its number and holder that was issued later."""
    later = replace(FOOD, identifier="1.2.3", issued_on=LATER)
    system, _ = make_source("guangdong", Answer(outcome=AnswerOutcome.FOUND, records=(later,)))
    registered = await system.find_status(INDEX, errand(), issued_on=FOOD.issued_on)
    assert registered is not None
    assert registered.status is LicenceStatus.SUPERSEDED


async def test_a_system_that_does_not_answer_is_left_alone() -> None:
    """After failures in a row it is not asked for a while, and what is reported is how it answered last."""
    silent: list[Answer | AskError] = [AskError(AskFault.TIMEOUT)] * FAILURES
    system, client = make_source("national", *silent, NOTHING)
    words = []
    for _ in range(FAILURES + 1):
        with pytest.raises(SystemUnavailableError) as caught:
            await system.find(by_identifier(FOOD.identifier), errand())
        words.append(caught.value.word)
    assert words == ["timeout"] * FAILURES + ["paused"]
    assert (len(client.asked), system._line.report().word) == (FAILURES, "timeout")
    system._line._breaker._until = 0.0  # long ago
    assert isinstance(await system.find(by_identifier(FOOD.identifier), errand()), NotFound)


async def test_answers_that_do_not_please_us_are_answers() -> None:
    """A system that refuses, or says what nobody can read, is asked all the same."""
    spoiled: list[Answer | AskError] = [
        AskError(AskFault.MALFORMED),
        AskError(AskFault.HTTP_STATUS),
        Answer(outcome=AnswerOutcome.ERROR),
    ]
    system, client = make_source("national", *spoiled * FAILURES)
    for _ in range(len(spoiled) * FAILURES):
        with pytest.raises(SystemUnavailableError):
            await system.find(by_identifier(FOOD.identifier), errand())
    assert len(client.asked) == len(spoiled) * FAILURES


async def test_no_time_for_a_turn() -> None:
    """A question that never got its turn says that others were before it, which is no failure of the system."""
    system, client = make_source("national")
    for _ in range(SourcesSettings().concurrency):
        await system._line._at_once.acquire()
    over = structs.replace(errand(), until=asyncio.get_running_loop().time() + 0.02)
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find(by_identifier(FOOD.identifier), over)
    assert (caught.value.word, client.asked, system._line._breaker._failures) == ("busy", [], 0)


@pytest.mark.parametrize(("now", "among", "until"), [(0.0, 1, 10.0), (0.0, 2, 5.0), (4.0, 3, 6.0), (11.0, 2, 11.0)])
def test_the_share_of_a_source(now: float, among: int, until: float) -> None:
    """Of the time that is left the first of several sources has an equal part."""
    assert Errand(until=10.0).share(now, among=among).until == until


async def test_before_its_connections_are_open() -> None:
    """A system that is not open yet is busy."""
    system, _ = make_source("national")
    system._line._client = None
    with pytest.raises(SystemUnavailableError) as caught:
        await system.find(by_identifier(FOOD.identifier), errand())
    assert caught.value.word == "busy"


def test_an_errand_names_nobody() -> None:
    """What an errand looks like in a message tells the question, and not whose case it is or who asks."""
    assert "ERRAND" not in repr(Errand(until=1.0, case="ERRAND", operator_id="ERRAND", operator_name="ERRAND"))


async def test_a_licence_that_a_co_owner_has() -> None:
    """A system that lists the licences of a holder is asked for each one, until it knows the licence; others once."""
    revoked = Answer(outcome=AnswerOutcome.FOUND, records=(replace(FOOD, status=RecordStatus.REVOKED),))
    many = replace(INDEX, holders=(STRANGER, HOLDER, *(f"{number}" for number in range(20))))
    system, client = make_source("guangdong", NOTHING, revoked)
    registered = await system.find_status(many, errand(), issued_on=FOOD.issued_on)
    assert registered is not None
    assert (registered.status, [one.holder_code for one in client.asked]) == (LicenceStatus.REVOKED, [STRANGER, HOLDER])
    for name, most in (("guangdong", 8), ("jilin", 2)):
        system, client = make_source(name, *[NOTHING] * most)
        assert await system.find_status(many, errand(), issued_on=None) is None
        assert len(client.asked) == most
