"""The client against each stand-in over HTTP, when nothing goes wrong."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.mapping.answer import AnswerOutcome
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordStatus
from adapters.transport.recipe import Question
from gateway.adapters.token import Token
from gateway.standins.manner import show_code
from gateway.standins.samples import FILE
from keys.payload.secret import Secret
from tests.support.stand_ins import CANCELLED, FOOD, NOW, PERSONAL, TRADE, ask, ask_holder, talk


@pytest.mark.parametrize("name", ["guangdong", "exchange", "shanghai"])
async def test_all_licences_of_a_holder_are_found(name: str) -> None:
    """Systems that list answer with every licence of a holder."""
    async with talk(name) as here:
        answer = await here.client.ask(ask_holder())
        assert answer.outcome is AnswerOutcome.FOUND
        assert [one.number for one in answer.records] == [FOOD.number, TRADE.number]
        assert answer.flags == frozenset()


async def test_fujian_answers_in_gbk_under_sm4() -> None:
    """What travelled as GBK text under SM4-ECB in SOAP is read to the last Han character."""
    async with talk("fujian-soap") as here:
        (holder,) = PERSONAL.holders
        answer = await here.client.ask(ask_holder(holder_code=holder.code))
        assert answer.outcome is AnswerOutcome.FOUND
        (record,) = answer.records
        assert (record.name, record.holders, record.valid_to) == (PERSONAL.name, PERSONAL.holders, PERSONAL.valid_to)


@pytest.mark.parametrize("sample", [FOOD, TRADE, CANCELLED])
async def test_shandong_encrypts_to_our_key(sample: LicenceRecord) -> None:
    """What was encrypted inside the envelope is read as if it had not been, status included."""
    async with talk("shandong") as here:
        answer = await here.client.ask(ask(Question.IDENTIFIER, identifier=sample.identifier))
        (record,) = answer.records
        assert (record.number, record.issuer, record.valid_to) == (sample.number, sample.issuer, sample.valid_to)
        assert (record.status, record.long_term, record.holders) == (sample.status, sample.long_term, sample.holders)


async def test_shandong_answers_to_a_code_that_is_shown() -> None:
    """The code of the holder's application leads to the licence, and so do type and holder."""
    async with talk("shandong") as here:
        by_code = await here.client.ask(ask(Question.CODE, code=show_code(FOOD)))
        by_holder = await here.client.ask(ask_holder(type_code=FOOD.type_code))
        assert by_code.records == by_holder.records
        assert by_code.records[0].status is RecordStatus.ACTIVE


@pytest.mark.parametrize("name", ["guangdong", "exchange", "fujian-soap", "shanghai"])
async def test_a_holder_without_licences_is_not_found(name: str) -> None:
    """Nothing found is an answer and no error."""
    async with talk(name) as here:
        answer = await here.client.ask(ask_holder(holder_code="nobody"))
        assert (answer.outcome, answer.records) == (AnswerOutcome.NOT_FOUND, ())


async def test_a_licence_that_shandong_does_not_know() -> None:
    """Code 10 is not-found."""
    async with talk("shandong") as here:
        answer = await here.client.ask(ask(Question.IDENTIFIER, identifier="nothing"))
        assert (answer.outcome, answer.raw_outcome) == (AnswerOutcome.NOT_FOUND, "10")


async def test_guangdong_lists_grants_and_hands_out() -> None:
    """The grant in a row leads to the file, through one sign-in, the list, the grant and the archive."""
    async with talk("guangdong") as here:
        answer = await here.client.ask(ask_holder(type_code=FOOD.type_code))
        (record,) = answer.records
        assert record.document is not None
        file = await here.client.ask(ask(Question.FILE, link=record.document.link))
        assert (file.outcome, file.file) == (AnswerOutcome.FOUND, FILE)
        assert here.desk.asked == ["/security/login", "/license/auth", "/license/token", "/license/archive"]


async def test_pages_are_asked_for_until_all_are_there() -> None:
    """With more licences than a page holds, every page is asked for once and the records are in order."""
    async with talk("guangdong") as here:
        here.desk.records = tuple(replace(FOOD, number=f"{FOOD.number}{n}") for n in range(320))
        answer = await here.client.ask(ask_holder())
        assert answer.outcome is AnswerOutcome.FOUND
        assert [one.number for one in answer.records] == [one.number for one in here.desk.records]
        assert here.desk.asked.count("/license/auth") == 3


async def test_a_token_is_used_as_long_as_it_is_good() -> None:
    """Guangdong's token is good for 23 h 55 min less the deadline, and not a moment longer."""
    async with talk("guangdong") as here:
        await here.client.ask(ask_holder())
        here.clock.go_on(timedelta(hours=23, minutes=54, seconds=51))
        await here.client.ask(ask_holder())
        assert here.desk.asked.count("/security/login") == 1
        here.clock.go_on(timedelta(seconds=1))
        await here.client.ask(ask_holder())
        assert here.desk.asked.count("/security/login") == 2


async def test_the_platforms_secret_is_fetched_again_at_its_end() -> None:
    """The platform says when its secret ends; the next question after that fetches another one."""
    async with talk("exchange") as here:
        for step in (timedelta(), timedelta(minutes=59), timedelta(minutes=1)):
            here.clock.go_on(step)
            answer = await here.client.ask(ask_holder())
            assert answer.outcome is AnswerOutcome.FOUND
        assert here.desk.asked.count("/token") == 2


async def test_shanghai_encodes_the_holder_first() -> None:
    """A plain number goes to the step that encodes it, and only the encoded one to the query."""
    async with talk("shanghai") as here:
        await here.client.ask(ask_holder())
        assert here.desk.asked == ["/login", "/encodeHolderCode", "/GetCertificateDataByHolder"]


async def test_a_token_that_is_no_longer_taken() -> None:
    """A code of renew_on at a step renews the token once, and the question starts again."""
    async with talk("shanghai") as here:
        keeper = here.client._keeper
        assert keeper is not None
        token = Token(secret=Secret(b"of yesterday"), until=NOW + timedelta(hours=1))
        keeper._token = token
        answer = await here.client.ask(ask_holder())
        assert answer.outcome is AnswerOutcome.FOUND
        assert here.desk.asked[:3] == ["/encodeHolderCode", "/login", "/encodeHolderCode"]
