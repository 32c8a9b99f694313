"""The client against each stand-in over HTTP, with one fault switched on."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.mapping.answer import AnswerOutcome
from adapters.transport.recipe import Deadlines, Question
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.inquiry import Answer
from gateway.standins.desk import RETRY_AFTER_SECONDS
from gateway.standins.fault import Fault
from gateway.standins.registry import STAND_INS
from keys.payload.secret import Secret
from tests.support.stand_ins import FOOD, HOLDER, Talk, ask, ask_holder, question_for, talk

NAMES = sorted(STAND_INS)


async def answer_of(here: Talk, name: str, fault: Fault) -> Answer:
    """Ask with a fault switched on."""
    here.desk.faults.add(fault)
    return await here.client.ask(question_for(name))


async def error_of(here: Talk, name: str, fault: Fault) -> AskError:
    """Ask with a fault switched on, for the error."""
    with pytest.raises(AskError) as caught:
        await answer_of(here, name, fault)
    return caught.value


async def test_a_limit_for_one_answer() -> None:
    """A limit for one answer ends the question before its deadline, as Shanghai's 3 seconds do."""
    async with talk("shanghai", deadlines=Deadlines(total_ms=60_000, read_ms=100)) as here:
        error = await error_of(here, "shanghai", Fault.SLOW)
        assert (error.fault, error.where) == (AskFault.TIMEOUT, "read")


@pytest.mark.parametrize("name", ["anhui", "exchange", "guangdong", "jilin"])
async def test_unavailable_where_the_recipe_explains_it(name: str) -> None:
    """A 503 that the recipe calls retry is asked again after the seconds it names, three times at most."""
    deadlines = Deadlines(total_ms=60_000)
    async with talk(name, deadlines=deadlines) as here:
        answer = await answer_of(here, name, Fault.UNAVAILABLE)
        assert (answer.outcome, answer.retry_after_seconds) == (AnswerOutcome.RETRY, RETRY_AFTER_SECONDS)
        assert [int(one) for one in here.waits] == [RETRY_AFTER_SECONDS] * 3


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"anhui", "exchange", "guangdong", "jilin"}))
async def test_unavailable_where_it_does_not(name: str) -> None:
    """Where the recipe says nothing of 503 there is no second question."""
    async with talk(name) as here:
        error = await error_of(here, name, Fault.UNAVAILABLE)
        assert (error.fault, error.where) == (AskFault.HTTP_STATUS, "503")
        assert here.waits == []


async def test_wrong_charset_under_encryption() -> None:
    """Under ECB a wrong character set and a wrong key are one answer."""
    async with talk("fujian-soap") as here:
        error = await error_of(here, "fujian-soap", Fault.WRONG_CHARSET)
        assert error.fault is AskFault.NOT_DECRYPTED


@pytest.mark.parametrize("name", ["shandong", "fujian-soap"])
async def test_wrong_key(name: str) -> None:
    """What was encrypted to another key is not decrypted, and nothing of it is used."""
    async with talk(name) as here:
        assert (await error_of(here, name, Fault.WRONG_KEY)).fault is AskFault.NOT_DECRYPTED


async def test_key_refresh_beyond_the_deadline() -> None:
    """-50 asks for 20 seconds, which a deadline of 5 does not have: whoever asked is told when to come back."""
    async with talk("exchange") as here:
        answer = await answer_of(here, "exchange", Fault.KEY_REFRESH)
        assert (answer.outcome, answer.raw_outcome, answer.retry_after_seconds) == (AnswerOutcome.RETRY, "-50", 20)
        assert here.waits == []


async def test_key_refresh_within_the_deadline() -> None:
    """With time enough, the client waits 20 seconds after -50 and asks again."""
    async with talk("exchange", deadlines=Deadlines(total_ms=60_000)) as here:
        answer = await answer_of(here, "exchange", Fault.KEY_REFRESH)
        assert answer.outcome is AnswerOutcome.RETRY
        assert [int(one) for one in here.waits] == [20, 20, 20]


async def test_rate_limit() -> None:
    """12101 asks for the rest of the minute."""
    async with talk("exchange") as here:
        answer = await answer_of(here, "exchange", Fault.RATE_LIMIT)
        assert (answer.outcome, answer.retry_after_seconds) == (AnswerOutcome.RETRY, 60)


async def test_wrong_signature() -> None:
    """After -5 the secret is fetched once more, and then the answer is denied."""
    async with talk("exchange") as here:
        answer = await answer_of(here, "exchange", Fault.WRONG_SIGNATURE)
        assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.DENIED, "-5")
        assert here.desk.asked == ["/token", "/sid-stand-in", "/token", "/sid-stand-in"]


async def test_a_rotated_secret() -> None:
    """A secret that was replaced in between costs one more fetch, and the question is answered."""
    async with talk("exchange") as here, talk("exchange") as other:
        await here.client.ask(ask_holder())
        other.client._writer = replace(other.client._writer, access=here.client._access)
        await other.client.ask(ask_holder())  # fetches a new secret at the same platform
        answer = await here.client.ask(ask_holder())
        assert answer.outcome is AnswerOutcome.FOUND
        assert here.desk.asked.count("/token") == 3


async def test_partial_page() -> None:
    """A page with fewer records than were announced is a partial answer, never a whole one."""
    async with talk("guangdong") as here:
        answer = await answer_of(here, "guangdong", Fault.PARTIAL_PAGE)
        assert answer.outcome is AnswerOutcome.PARTIAL
        assert [one.number for one in answer.records] == [FOOD.number]


@pytest.mark.parametrize(
    ("name", "secret", "expected"),
    [
        ("guangdong", "password", AskFault.SIGN_IN),
        ("fujian-soap", "password", AskFault.SIGN_IN),
        ("exchange", "app_key", AskFault.SIGN_IN),
        ("gbt36906", "access_key", AskFault.SIGN_IN),
    ],
)
async def test_a_sign_in_that_is_refused(name: str, secret: str, expected: AskFault) -> None:
    """A wrong password is the sign-in's fault, and no call follows."""
    known = STAND_INS[name].access
    wrong = replace(known, secrets={**known.secrets, secret: Secret(b"another-app-key.")})
    async with talk(name, access=wrong) as here:
        with pytest.raises(AskError) as caught:
            await here.client.ask(question_for(name))
        assert caught.value.fault is expected
        assert len(here.desk.asked) == 1


async def test_a_wrong_access_token() -> None:
    """Shandong's 11 is denied."""
    known = STAND_INS["shandong"].access
    wrong = replace(known, secrets={**known.secrets, "access_token": Secret(b"other")})
    async with talk("shandong", access=wrong) as here:
        answer = await here.client.ask(question_for("shandong"))
        assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.DENIED, "11")


async def test_many_questions_sign_in_once() -> None:
    """Questions that come together share one sign-in."""
    async with talk("guangdong") as here:
        answers = await asyncio.gather(*(here.client.ask(ask_holder()) for _ in range(5)))
        assert {one.outcome for one in answers} == {AnswerOutcome.FOUND}
        assert here.desk.asked.count("/security/login") == 1


async def test_a_use_that_is_missing() -> None:
    """A system that demands a purpose and gets none answers with its own code, which is an error."""
    async with talk("shandong") as here:
        answer = await here.client.ask(ask(Question.IDENTIFIER, identifier=FOOD.identifier, use=""))
        assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.ERROR, "12")


def test_a_question_shows_its_kind_alone() -> None:
    """The text of a question for a log names nobody."""
    assert repr(ask_holder()) == "Inquiry(holder)"
    assert HOLDER.code not in repr(ask_holder())


@pytest.mark.parametrize("minutes", [-11, 11])
async def test_a_clock_that_is_off(minutes: int) -> None:
    """A clock that is off by more than ten minutes is the platform's -19: an error, and nothing is tried again."""
    async with talk("exchange") as here:
        clock = here.clock
        here.desk.clock = lambda: clock.now + timedelta(minutes=minutes)
        answer = await here.client.ask(ask_holder())
        assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.ERROR, "-19")
        assert here.desk.asked == ["/token", "/sid-stand-in"]
