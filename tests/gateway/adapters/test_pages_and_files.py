"""Pages that do not come as announced, and files in answers."""

import base64
from itertools import count
from typing import Any

import pytest
from aiohttp import web

from adapters.mapping.answer import AnswerOutcome
from adapters.transport.recipe import Question
from gateway.adapters.client import MAX_PAGES, MAX_RETRIES
from gateway.adapters.connection import MAX_ANSWER
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.inquiry import Inquiry
from tests.gateway.adapters.systems import serve, toy

RECIPE = """
deadline_ms = 5000

[outcomes]
http = { "429" = "retry", "403" = "denied" }

[[call]]
for = "holder"
url = "{base}/list"
json = { page = "{page}", size = "{page_size}" }
paging = { first = 0, size = 2, total = "$.total" }

[[call]]
for = "file"
url = "{base}/file"
answer = "$.data.file"
"""
ASK = Inquiry(question=Question.HOLDER, holder_code="C-1")
FILE = Inquiry(question=Question.FILE, link="grant")


def page(*numbers: Any, total: Any = None) -> Any:
    """Return a page of records."""
    return {"code": "0", "rows": [{"number": one} for one in numbers], **({} if total is None else {"total": total})}


@pytest.mark.parametrize(
    ("pages", "outcome", "numbers"),
    [
        ([page("1", "2", total=3), page("3", total=3)], AnswerOutcome.FOUND, "123"),
        ([page("1", "2", total="2")], AnswerOutcome.FOUND, "12"),
        ([page("1", "2"), page("3")], AnswerOutcome.FOUND, "123"),
        ([page("1", "2"), page()], AnswerOutcome.FOUND, "12"),
        ([page("1", total=3)], AnswerOutcome.PARTIAL, "1"),
        ([page(total=1)], AnswerOutcome.PARTIAL, ""),
        ([page("1", "2", total=9), page(total=9)], AnswerOutcome.PARTIAL, "12"),
        ([page("1", "2", total=3), {"code": "9"}], AnswerOutcome.PARTIAL, "12"),
        ([page("1", "2", total=3), {"code": "77"}], AnswerOutcome.PARTIAL, "12"),
        (
            [page("1", "2", total=4), {"code": "0", "rows": [{"number": "3"}, {"number": 4}]}],
            AnswerOutcome.PARTIAL,
            "123",
        ),
        ([page("1", "2", total=4), page("1", "2", total=4)], AnswerOutcome.PARTIAL, "12"),
        ([page("1", "2"), page("2", "1")], AnswerOutcome.PARTIAL, "12"),
        ([page("1", "2", total=4), page("2", "3", total=4), page("3", total=4)], AnswerOutcome.PARTIAL, "1223"),
        ([page("1", "2", total=4), page("2", "3", total=4), page("4", total=4)], AnswerOutcome.FOUND, "12234"),
        ([page("1", "1", total=2)], AnswerOutcome.FOUND, "11"),  # which the system has twice
        ([{"code": "8"}], AnswerOutcome.DENIED, ""),
        ([page(total=0)], AnswerOutcome.NOT_FOUND, ""),
    ],
)
async def test_pages(pages: list[Any], outcome: AnswerOutcome, numbers: str) -> None:
    """The answer is whole only where every record that was announced came, however often another one did."""
    rest = iter(pages)
    async with serve({"/api/list": lambda: web.json_response(next(rest))}, toy(RECIPE)) as (client, server):
        answer = await client.ask(ASK)
        assert (answer.outcome, "".join(one.number for one in answer.records)) == (outcome, numbers)
        assert len(server.asked) == len(pages)


async def test_records_that_their_surface_fields_tell_apart() -> None:
    """Records that state the same but for their surface fields, in texts or tables, are different ones."""
    rows = [{"plate": "A1"}, {"plate": "A2"}, {"seats": [{"row": "1"}]}, {"seats": [{"row": "2"}]}]
    rest = iter([rows[:2], rows[2:]])
    surface = '[[field]]\nto = "surface.*"\nat = "$"\n'
    answers = {"/api/list": lambda: web.json_response({"code": "0", "total": 4, "rows": next(rest)})}
    async with serve(answers, toy(RECIPE, surface)) as (client, server):
        answer = await client.ask(ASK)
        assert (answer.outcome, len(answer.records), len(server.asked)) == (AnswerOutcome.FOUND, 4, 2)


async def test_pages_without_end() -> None:
    """A system that always has another page is asked for a bounded number of them."""
    numbers = map(str, count())
    answers = {"/api/list": lambda: web.json_response(page(next(numbers), next(numbers)))}
    async with serve(answers, toy(RECIPE)) as (client, server):
        answer = await client.ask(ASK)
        assert answer.outcome is AnswerOutcome.PARTIAL
        assert len(server.asked) == MAX_PAGES


async def test_pages_that_are_large_together() -> None:
    """All pages of one question together are bounded: beyond that the answer is in part."""
    numbers, more = map(str, count()), {"more": "x" * (MAX_ANSWER // 4)}
    answers = {"/api/list": lambda: web.json_response(page(next(numbers), next(numbers)) | more)}
    async with serve(answers, toy(RECIPE)) as (client, server):
        answer = await client.ask(ASK)
        assert answer.outcome is AnswerOutcome.PARTIAL
        assert len(server.asked) == 4


@pytest.mark.parametrize("total", ["many", -1, [], 10**12])
async def test_a_total_that_is_none(total: object) -> None:
    """A number of records that is no number is malformed."""
    async with serve({"/api/list": page("1", "2", total=total)}, toy(RECIPE)) as (client, _):
        with pytest.raises(AskError) as caught:
            await client.ask(ASK)
        assert caught.value.fault is AskFault.MALFORMED


@pytest.mark.parametrize(
    ("status", "outcome", "asked"), [(429, AnswerOutcome.RETRY, 1 + MAX_RETRIES), (403, AnswerOutcome.DENIED, 1)]
)
async def test_statuses_that_the_recipe_explains(status: int, outcome: AnswerOutcome, asked: int) -> None:
    """An HTTP status of the recipe is an answer; only "later" is asked again."""
    async with serve({"/api/list": lambda: web.Response(status=status)}, toy(RECIPE)) as (client, server):
        assert (await client.ask(ASK)).outcome is outcome
        assert len(server.asked) == asked


async def test_a_file_in_an_answer() -> None:
    """The file stands in base64 where the recipe says, line ends or not."""
    text = base64.encodebytes(b"x" * 100).decode()
    async with serve({"/api/file": {"code": "0", "data": {"file": text}}}, toy(RECIPE)) as (client, _):
        answer = await client.ask(FILE)
        assert (answer.outcome, answer.file) == (AnswerOutcome.FOUND, b"x" * 100)


async def test_an_answer_without_its_file() -> None:
    """Without a file the code of the answer counts; what is no base64 is malformed."""
    async with serve({"/api/file": {"code": "8"}}, toy(RECIPE)) as (client, _):
        assert (await client.ask(FILE)).outcome is AnswerOutcome.DENIED
    async with serve({"/api/file": {"code": "0", "data": {"file": "x"}}}, toy(RECIPE)) as (client, _):
        with pytest.raises(AskError) as caught:
            await client.ask(FILE)
        assert (caught.value.fault, caught.value.where) == (AskFault.MALFORMED, "value: $.data.file")
