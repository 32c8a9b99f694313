"""Every stand-in in every mode, asked by the client with the shipped recipe: a table of what comes out."""

from dataclasses import replace

import pytest

from adapters.mapping.answer import AnswerFlag, AnswerOutcome
from adapters.mapping.error import AdapterFault
from adapters.mapping.forms.xml import read_xml_text
from adapters.transport.recipe import Question
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.tree import find_text
from gateway.standins.fault import ALWAYS, Fault
from gateway.standins.registry import STAND_INS
from gateway.standins.samples import FILE
from tests.support.adapters import SHIPPED_FILES
from tests.support.stand_ins import (
    ADAPTERS,
    FOOD,
    PERSONAL,
    SHORT,
    TRADE,
    Talk,
    ask,
    ask_holder,
    question_for,
    question_for_nothing,
    talk,
)

Typed = tuple[AnswerOutcome, str] | tuple[AskFault, str]

DENIED, ERROR, RETRY = AnswerOutcome.DENIED, AnswerOutcome.ERROR, AnswerOutcome.RETRY
UNNAMED = (ERROR, "-1")  # a code that the mapping does not have: an error and an alarm, never another answer
EVERYWHERE: dict[Fault, Typed] = {
    Fault.SLOW: (AskFault.TIMEOUT, "deadline"),
    Fault.TIME_LIMIT: (AskFault.HTTP_STATUS, "504"),
    Fault.UNAVAILABLE: (AskFault.HTTP_STATUS, "503"),
    Fault.REDIRECT: (AskFault.REDIRECT, "302"),
    Fault.OVERSIZED: (AskFault.TOO_LARGE, "at most 10485760 bytes were expected"),
    Fault.COMPRESSED: (AskFault.PROTOCOL, "Content-Encoding"),
    Fault.WRONG_CHARSET: (AskFault.CHARSET, "charset"),
    Fault.PARTIAL_PAGE: (AskFault.MALFORMED, "syntax"),
    Fault.WRONG_SIGNATURE: UNNAMED,
    Fault.DENIED: UNNAMED,
    Fault.NOT_PROVIDED: UNNAMED,
    Fault.WRONG_KEY: (AskFault.NOT_DECRYPTED, "not-decrypted"),
}
HERE: dict[str, dict[Fault, Typed]] = {
    "anhui": {
        Fault.UNAVAILABLE: (RETRY, ""),
        Fault.WRONG_SIGNATURE: (DENIED, "403"),
        Fault.DENIED: (DENIED, "403"),
    },
    "exchange": {
        Fault.UNAVAILABLE: (RETRY, ""),
        Fault.WRONG_SIGNATURE: (DENIED, "-5"),
        Fault.DENIED: (DENIED, "-49"),
        Fault.NOT_PROVIDED: (AnswerOutcome.NOT_PROVIDED, "-48"),
        Fault.KEY_REFRESH: (RETRY, "-50"),
        Fault.RATE_LIMIT: (RETRY, "12101"),
    },
    "fujian-soap": {
        Fault.WRONG_CHARSET: (AskFault.NOT_DECRYPTED, "not-decrypted"),
        Fault.WRONG_SIGNATURE: (ERROR, "99"),
        Fault.DENIED: (ERROR, "99"),
        Fault.NOT_PROVIDED: (ERROR, "99"),
    },
    "guangdong": {
        Fault.UNAVAILABLE: (RETRY, ""),
        Fault.PARTIAL_PAGE: (AnswerOutcome.PARTIAL, "SUCCESS"),
        Fault.WRONG_SIGNATURE: (ERROR, "FAILURE"),
        Fault.DENIED: (ERROR, "FAILURE"),
        Fault.NOT_PROVIDED: (ERROR, "FAILURE"),
    },
    "jilin": {
        Fault.UNAVAILABLE: (RETRY, ""),
        Fault.WRONG_SIGNATURE: (DENIED, "2"),
        Fault.DENIED: (DENIED, "2"),
    },
    "police-package": {Fault.WRONG_SIGNATURE: (DENIED, "-50"), Fault.DENIED: (DENIED, "-50")},
    "shandong": {
        Fault.WRONG_SIGNATURE: (DENIED, "11"),
        Fault.DENIED: (DENIED, "100"),
        Fault.NOT_PROVIDED: (AnswerOutcome.NOT_PROVIDED, "2"),
    },
    "shanghai": {
        Fault.OVERSIZED: (AskFault.TOO_LARGE, "at most 65536 bytes were expected"),  # at the step
        Fault.WRONG_SIGNATURE: (ERROR, "401"),
        Fault.DENIED: (ERROR, "1"),
        Fault.NOT_PROVIDED: (ERROR, "1"),
    },
}
NAMES = sorted(STAND_INS)
EACH = pytest.mark.parametrize("name", NAMES)
MODES = [(name, fault) for name in NAMES for fault in sorted(STAND_INS[name].faults)]


def tell(here: Talk, name: str, error: AskError) -> Typed:
    """Return the kind and the place of an error, which names nothing of the question and no secret."""
    told = repr(error) + str(error) + repr(error.__cause__)
    secrets = [one.reveal().decode() for one in here.desk.access.secrets.values()]
    words = [text for text in (*question_for(name).words.values(), *secrets) if text not in {"", "stand-in"}]
    assert not [text for text in words if text in told]
    assert error.__cause__ is None or error.__cause__.__class__.__module__.partition(".")[0] in {"adapters", "keys"}
    return error.fault, error.where


async def typed(here: Talk, name: str, fault: Fault) -> Typed:
    """Return what comes out with a fault switched on."""
    here.desk.faults.add(fault)
    here.desk.limit_seconds = 0
    try:
        answer = await here.client.ask(question_for(name))
    except AskError as error:
        return tell(here, name, error)
    assert (answer.records == ()) == (answer.outcome is not AnswerOutcome.PARTIAL)
    known = {code for rule in here.desk.adapter.rules.outcomes for code in rule.meanings}
    is_alarm = bool(answer.raw_outcome) and answer.raw_outcome not in known
    assert (AnswerFlag.OUTCOME_UNSEEN in answer.flags) == is_alarm
    return answer.outcome, answer.raw_outcome


@pytest.mark.parametrize(("name", "fault"), MODES)
async def test_a_fault(name: str, fault: Fault) -> None:
    """What goes wrong at a system is a typed answer or a typed error, and never a licence or its absence."""
    async with talk(name, deadlines=SHORT if fault is Fault.SLOW else None) as here:
        assert await typed(here, name, fault) == {**EVERYWHERE, **HERE.get(name, {})}[fault]


@EACH
async def test_success(name: str) -> None:
    """A licence that is there comes back with its number, and nothing of the answer is unnamed or refused."""
    asked = question_for(name)
    expected = [PERSONAL] if PERSONAL.holders[0].code == asked.holder_code else [FOOD, TRADE]
    if asked.question is Question.IDENTIFIER:
        expected = [FOOD]
    async with talk(name) as here:
        answer = await here.client.ask(asked)
        assert (answer.outcome, answer.refused, answer.flags) == (AnswerOutcome.FOUND, (), frozenset())
        for record, sample in zip(answer.records, expected, strict=True):
            assert (record.number, record.name, record.valid_to) == (sample.number, sample.name, sample.valid_to)
            assert (record.issuer, record.long_term, dict(record.aside)) == (sample.issuer, sample.long_term, {})
            assert {one.code for one in record.holders} == {one.code for one in sample.holders}


@EACH
async def test_nothing_found(name: str) -> None:
    """What is not there is not found, which is no error and no alarm."""
    async with talk(name) as here:
        answer = await here.client.ask(question_for_nothing(name))
        assert (answer.outcome, answer.records, answer.flags) == (AnswerOutcome.NOT_FOUND, (), frozenset())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"number": "nothing"}, (AnswerOutcome.NOT_FOUND, "-902")),
        ({"case": ""}, (AnswerOutcome.ERROR, "-901")),
        ({"holder_code": ""}, (AnswerOutcome.ERROR, "-903")),
    ],
)
async def test_the_police_say_in_the_record_what_is_wrong(
    words: dict[str, str], said: tuple[AnswerOutcome, str]
) -> None:
    """-901 to -903 stand in a record, which is none of a licence: only a number that is not recognised is not found."""
    async with talk("police-package") as here:
        answer = await here.client.ask(replace(question_for("police-package"), **words))
        assert (answer.outcome, answer.raw_outcome, answer.records) == (*said, ())
        assert [(one.error.fault, one.outcome) for one in answer.refused] == [(AdapterFault.OUTCOME, said[0])]


def test_every_shipped_system_has_a_stand_in() -> None:
    """No mapping file is shipped without a server that behaves like its system, in every mode there is."""
    assert {path.stem for path in SHIPPED_FILES} == set(STAND_INS)
    assert all(one.faults >= ALWAYS for one in STAND_INS.values())
    assert frozenset().union(*(one.faults for one in STAND_INS.values())) == frozenset(Fault)


@pytest.mark.parametrize("name", ["anhui", "gbt36906", "national"])
async def test_a_file_in_an_answer(name: str) -> None:
    """The call for a file brings it in base64, and nothing for a licence that is not there."""
    async with talk(name) as here:
        found = await here.client.ask(ask(Question.FILE, identifier=FOOD.identifier))
        assert (found.outcome, found.file) == (AnswerOutcome.FOUND, FILE)
        missing = await here.client.ask(ask(Question.FILE, identifier="nothing"))
        assert (missing.outcome, missing.file) == (AnswerOutcome.NOT_FOUND, b"")


@pytest.mark.parametrize("name", ["anhui", "jilin"])
async def test_a_file_at_an_address(name: str) -> None:
    """An address that a record says is followed to the host that the table names, and to no other."""
    async with talk(name) as here:
        (record, _) = (await here.client.ask(ask_holder())).records
        assert record.document is not None
        asked = ask(Question.FILE, link=record.document.link)
        with pytest.raises(AskError) as caught:
            await here.client.ask(asked)
        assert caught.value.fault is AskFault.HOST_NOT_NAMED
        authority = here.client._access.base.partition("://")[2]
        here.client._recipe = replace(here.client._recipe, hosts={"files.stand-in.invalid": authority})
        assert (await here.client.ask(asked)).file == FILE


@pytest.mark.parametrize(
    ("name", "word"),
    [("national", "use"), ("national", "case"), ("national", "operator_name"), ("fujian-post", "item_name")],
)
async def test_a_word_that_a_system_demands(name: str, word: str) -> None:
    """A question that does not say what a system demands is refused, and not answered with less."""
    async with talk(name) as here:
        answer = await here.client.ask(replace(question_for(name), **{word: ""}))
        assert (answer.outcome, answer.raw_outcome, answer.records) == (*UNNAMED, ())


async def test_jiangsu_is_asked_for_the_delta_second() -> None:
    """A holder of whom the own province knows nothing is asked for in the Delta; names do not filter."""
    async with talk("jiangsu") as here:
        here_first = await here.client.ask(ask_holder(name="营业执照"))
        assert [one.number for one in here_first.records] == [FOOD.number, TRADE.number]
        assert len(here.desk.asked) == 1
        elsewhere = await here.client.ask(ask_holder(holder_code=PERSONAL.holders[0].code))
        assert [one.number for one in elsewhere.records] == [PERSONAL.number]
        assert len(here.desk.asked) == 3


async def test_the_joint_number_comes_back() -> None:
    """The number of a case that went out in a package stands in the package that comes back."""
    async with talk("police-package") as here:
        asked, call = question_for("police-package"), here.desk.recipe.calls[Question.NUMBER]
        outgoing = here.client._writer.write(call.request, asked.words, at=here.clock.now)
        async with here.client._session.post(outgoing.address, data=outgoing.body, headers=outgoing.headers) as answer:
            tree = read_xml_text((await answer.read()).decode())
        assert call.request.answer is not None
        message = find_text(tree, call.request.answer)
        assert message is not None
        assert here.desk.adapter.parse(message.encode()).envelope["case"] == asked.case


def test_every_adapter_is_loaded_once() -> None:
    """A stand-in and its tests read the same shipped mapping."""
    assert all(STAND_INS[name].load_adapter() is adapter for name, adapter in ADAPTERS.items())
