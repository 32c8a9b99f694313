"""What the client sends for a recipe, and what it makes of the answers."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from adapters.mapping.answer import AnswerOutcome
from adapters.transport.recipe import Question
from gateway.adapters.client import JITTER_SECONDS, MAX_RETRIES, MAX_SMALL_ANSWER, AdapterClient
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.inquiry import Inquiry
from keys.payload.encryption import Encrypted
from keys.payload.errors import MalformedRecipeError
from keys.payload.registry import parse_encryption
from keys.payload.secret import Secret
from tests.gateway.adapters.systems import KEY, TRANSPORT, serve, toy

STEP = {"code": "0", "encoded": "H-1"}
FOUND = {"code": "0", "rows": [{"number": "N-1"}]}
NOTHING = {"code": "1", "rows": []}
WHOLE: dict[str, Any] = {"/api/encode": STEP, "/api/own": FOUND}


def holder(**words: str) -> Inquiry:
    """Return a question for a holder."""
    return Inquiry(question=Question.HOLDER, **{"holder_code": "C-1", "use": "a&b=办理", "case": "case-1", **words})


def decrypt(text: str) -> str:
    """Return what the client encrypted."""
    decryptor = parse_encryption({"name": "sm4-ecb", "key_spelling": "hex"}).make_decryptor(Secret(KEY.encode()))
    return decryptor.decrypt_text(Encrypted(text=text))


async def test_the_request_is_the_recipes() -> None:
    """Every value stands where the recipe says, escaped for that place, and the secret once."""
    async with serve(WHOLE) as (client, server):
        answer = await client.ask(holder(name='"某"'))
        assert [one.number for one in answer.records] == ["N-1"]
        (first, second) = server.asked
        assert first[0] == "/api/encode"
        assert list(json.loads(first[2]).values()) == ["me", "pass word"]
        path, headers, body = second
        assert path.partition("?")[0] == "/api/own"
        assert parse_qs(path.partition("?")[2]) == {"reason": ["a&b=办理"]}
        assert headers["X-Case"] == "case-1"
        assert headers["Accept-Encoding"] == "identity"
        sent = json.loads(body)
        assert sent["deep"] == ['"某"', 7, True]
        assert decrypt(sent["holder"]) == "H-1"


async def test_a_holder_is_asked_for_elsewhere() -> None:
    """Where nothing is found, the second place is asked, in form text; where something is, it is not."""
    async with serve({"/api/encode": STEP, "/api/own": NOTHING, "/api/other": FOUND}) as (client, server):
        answer = await client.ask(holder(name="a&b"))
        assert answer.outcome is AnswerOutcome.FOUND
        sent = parse_qs(server.asked[-1][2].decode())
        assert (decrypt(sent["holder"][0]), sent["name"]) == ("C-1", ["a&b"])
    async with serve(WHOLE) as (client, server):
        await client.ask(holder())
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("elsewhere", "outcome", "numbers"),
    [
        ({"code": "0", "rows": [{"number": "N-2"}]}, AnswerOutcome.FOUND, ["N-1", "N-2"]),
        (NOTHING, AnswerOutcome.FOUND, ["N-1"]),
        ({"code": "8"}, AnswerOutcome.DENIED, []),
        ({"code": "0", "rows": [{"number": "N-2"}, {"number": 7}]}, AnswerOutcome.PARTIAL, ["N-1", "N-2"]),
    ],
)
async def test_a_licence_that_is_not_among_those_of_the_first_place(
    elsewhere: dict[str, Any], outcome: AnswerOutcome, numbers: list[str]
) -> None:
    """That a holder has other licences at the first place does not say that he has not this one at the second."""
    async with serve(WHOLE | {"/api/other": elsewhere}) as (client, server):
        answer = await client.ask(holder(number="N-2"))
        assert (answer.outcome, [one.number for one in answer.records]) == (outcome, numbers)
        assert [path.partition("?")[0] for path, _, _ in server.asked] == ["/api/encode", "/api/own", "/api/other"]
        await client.ask(holder(number="N-1"))
        assert len(server.asked) == 5


@pytest.mark.parametrize(
    "elsewhere",
    [{"code": "8"}, {"code": "9"}, lambda: web.Response(status=500), lambda: web.Response(body=b"{")],
    ids=["denied", "retry", "no answer", "unreadable"],
)
async def test_what_the_first_place_has_of_a_number_stays(elsewhere: object) -> None:
    """Where the second place says nothing, records of the first one with the number stay, as part of an answer."""
    own = {"code": "0", "rows": [{"number": "n－2", "kind": "T-2"}]}
    typed = toy(more='[[field]]\nto = "type_code"\nat = "$.kind"\n')
    async with serve({"/api/encode": STEP, "/api/own": own, "/api/other": elsewhere}, typed) as (client, server):
        answer = await client.ask(holder(number="N-2", type_code="T-1"))
        assert (answer.outcome, [one.number for one in answer.records]) == (AnswerOutcome.PARTIAL, ["n－2"])
        before = len(server.asked)
        whole = await client.ask(holder(number="N-2", type_code="t－2"))  # spelled otherwise
        assert (whole.outcome, len(server.asked) - before) == (AnswerOutcome.FOUND, 2)


async def test_a_second_place_that_fails() -> None:
    """Where the first place has not the number, that the second one fails is the answer."""
    async with serve(WHOLE | {"/api/other": lambda: web.Response(status=500)}) as (client, _):
        with pytest.raises(AskError) as caught:
            await client.ask(holder(number="N-2"))
        assert caught.value.fault is AskFault.HTTP_STATUS


async def test_a_step_that_is_refused_ends_the_question() -> None:
    """A step's refusal is its own error, or the answer that the mapping knows its code as."""
    async with serve({"/api/encode": {"code": "7"}}) as (client, _):
        with pytest.raises(AskError) as caught:
            await client.ask(holder())
        assert (caught.value.fault, caught.value.where) == (AskFault.STEP, "encode")
    async with serve({"/api/encode": {"code": "8"}}) as (client, server):
        assert (await client.ask(holder())).outcome is AnswerOutcome.DENIED
        assert len(server.asked) == 1


async def test_a_value_of_a_step_that_is_missing() -> None:
    """A step that succeeded without what it gives is malformed, and the error names the path."""
    async with serve({"/api/encode": {"code": "0"}}) as (client, _):
        with pytest.raises(AskError) as caught:
            await client.ask(holder())
        assert (caught.value.fault, caught.value.where) == (AskFault.MALFORMED, "shape: $.encoded")


async def test_a_retry_that_the_recipe_times() -> None:
    """A code with seconds is asked again, and the answer that comes then counts."""
    answers = iter([{"code": "9"}, {"code": "9"}, FOUND])
    async with serve({"/api/encode": STEP, "/api/own": lambda: web.json_response(next(answers))}) as (client, server):
        assert (await client.ask(holder())).outcome is AnswerOutcome.FOUND
        assert [path for path, _, _ in server.asked].count("/api/encode") == 3


async def test_a_retry_waits() -> None:
    """Beside the time that a system names the next try waits by chance, and the one after it perhaps longer."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    system = toy(TRANSPORT + '\n[outcomes]\nhttp = { "503" = "retry" }\n')
    later = lambda: web.Response(status=503, headers={"Retry-After": "0"})  # noqa: E731 -- one of many answers
    async with serve({"/api/encode": STEP, "/api/own": later}, system) as (client, server):
        client._sleep = sleep
        assert (await client.ask(holder())).outcome is AnswerOutcome.RETRY
        assert [path.partition("?")[0] for path, _, _ in server.asked].count("/api/own") == MAX_RETRIES + 1
    assert all(0 <= wait <= JITTER_SECONDS * 2**n for n, wait in enumerate(waits))
    assert len(waits) == MAX_RETRIES


SIGN_IN = """
[sign_in]
url = "{base}/login"
json = { password = "{secret.password}" }
token = "$.token"
lifetime_seconds = 60
success = { at = "$.code", is = "0" }
"""


async def test_a_refused_sign_in_is_not_repeated() -> None:
    """A password that is wrong is not tried with every question."""
    for refusal in ({"code": "7"}, {"code": "8"}, {"code": "0"}, lambda: web.Response(status=401)):
        async with serve({"/api/login": refusal, "/api/other": FOUND}, toy(TRANSPORT + SIGN_IN)) as (client, server):
            for _ in range(5):
                with suppress(AskError):
                    assert (await client.ask(holder())).outcome is AnswerOutcome.DENIED
            assert [path for path, _, _ in server.asked] == ["/api/login"]


async def test_a_proxy_is_not_a_refusal() -> None:
    """A system that is away at the sign-in is signed in to as soon as it is back."""
    logins = iter([web.Response(status=502), web.json_response({"code": "0", "token": "t"})])
    answers = WHOLE | {"/api/login": lambda: next(logins)}
    async with serve(answers, toy(TRANSPORT + SIGN_IN)) as (client, _):
        with pytest.raises(AskError) as caught:
            await client.ask(holder())
        assert (caught.value.fault, caught.value.where) == (AskFault.HTTP_STATUS, "502")
        assert (await client.ask(holder())).outcome is AnswerOutcome.FOUND


@pytest.mark.parametrize("seconds", [1, 60])
async def test_a_token_lives_no_longer_than_a_question_may(seconds: int) -> None:
    """A token of short life is used for half of it, so that not every question signs in."""
    sign_in = SIGN_IN.replace("lifetime_seconds = 60", f"lifetime_seconds = {seconds}")
    answers = WHOLE | {"/api/login": {"code": "0", "token": "t"}}
    async with serve(answers, toy(TRANSPORT + sign_in)) as (client, server):
        for _ in range(3):
            await client.ask(holder())
        assert [path for path, _, _ in server.asked].count("/api/login") == 1


@pytest.mark.parametrize("path", ["/api/login", "/api/encode"])
async def test_the_answer_of_a_sign_in_or_a_step_is_small(path: str) -> None:
    """What gives a token or a code is not read beyond some bytes: it is read while everybody waits."""
    answers = WHOLE | {"/api/login": {"code": "0", "token": "t"}}
    for size, fault in ((MAX_SMALL_ANSWER // 2, None), (MAX_SMALL_ANSWER, AskFault.TOO_LARGE)):
        grown = answers | {path: answers[path] | {"more": "x" * size}}
        async with serve(grown, toy(TRANSPORT + SIGN_IN)) as (client, _):
            try:
                found: AskFault | None = None
                await client.ask(holder())
            except AskError as error:
                found = error.fault
            assert found is fault


async def test_xml_carries_its_message_as_text() -> None:
    """A message inside XML is escaped twice, once for each of the two texts."""
    async with serve({"/api/soap": FOUND}) as (client, server):
        await client.ask(Inquiry(question=Question.NUMBER, number="1<2", name="x<y"))
        assert server.asked[-1][2].decode() == "<a>1&lt;2<b>&lt;c&gt;x&amp;lt;y&lt;/c&gt;</b></a>"


@pytest.mark.parametrize("link", ["../../admin", "a/b?c#d", "@elsewhere.invalid"])
async def test_a_value_never_leads_elsewhere(link: str) -> None:
    """What a system returned stays one segment of the address of the recipe."""
    async with serve({}) as (client, server):
        with pytest.raises(AskError):
            await client.ask(Inquiry(question=Question.FILE, link=link))
        assert server.asked[-1][0].startswith("/api/file/")
        assert server.asked[-1][0].count("/") == 3
        assert not {"?", "#"} & set(server.asked[-1][0])


async def test_an_address_is_followed_by_the_table_of_hosts() -> None:
    """An address of a host that the table names is fetched from where we reach it, with nothing of ours."""
    async with serve({"/x.ofd": lambda: web.Response(body=b"file")}) as (client, server):
        answer = await client.ask(Inquiry(question=Question.FILE, link="http://10.1.2.3:8080/x.ofd?ticket=1"))
        assert (answer.outcome, answer.file) == (AnswerOutcome.FOUND, b"file")
        path, headers, _ = server.asked[-1]
        assert path == "/x.ofd?ticket=1"
        assert not {"Authorization", "Cookie", "X-Case"} & set(headers)


@pytest.mark.parametrize(
    "link",
    [
        *("http://10.1.2.3/x", "http://10.1.2.3:8081/x", "http://evil.invalid/x", "http://10.1.2.3:8080@evil.invalid/"),
        *("http://10.1.2.3:8080/a b HTTP/1.1", "http://10.1.2.3:8080/某", "http://10.1.2.3:8080/" + "x" * 9000),
        *("http://user@10.1.2.3:8080/x", "http:///x", "https://[::1/x", "HTTP://169.254.169.254/latest"),
    ],
)
async def test_no_other_host_is_asked(link: str) -> None:
    """An address that the table does not name is not fetched, however it is spelled."""
    async with serve({}) as (client, server):
        with pytest.raises(AskError) as caught:
            await client.ask(Inquiry(question=Question.FILE, link=link))
        assert caught.value.fault is AskFault.HOST_NOT_NAMED
        assert server.asked == []
        assert link not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ({"case": "a\r\nX: y"}, "headers"),
        ({"case": "某"}, "headers"),
        ({"use": "x" * 9000}, "url"),
        ({"use": "\ud800"}, ""),
    ],
)
async def test_what_has_no_place_in_a_request(words: dict[str, str], where: str) -> None:
    """Line ends and Han in a header, an endless address and half a character are refused before anything is sent."""
    async with serve(WHOLE) as (client, server):
        with pytest.raises(AskError) as caught:
            await client.ask(holder(**words))
        assert caught.value.fault is AskFault.REQUEST
        assert where in caught.value.where
        assert [path for path, _, _ in server.asked] == ["/api/encode"]


async def test_a_question_without_a_call() -> None:
    """What the recipe has no call for is not asked."""
    async with serve({}) as (client, server):
        with pytest.raises(AskError) as caught:
            await client.ask(Inquiry(question=Question.CODE, code="1"))
        assert (caught.value.fault, caught.value.where) == (AskFault.NOT_ASKABLE, "code")
        assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (lambda: web.Response(text='{"code": "0", "code": "0"}'), AskFault.MALFORMED),
        (lambda: web.Response(text='{"code": "0", "rows": "x"}'), AskFault.MALFORMED),
        (lambda: web.Response(text="{", content_type="text/html"), AskFault.MALFORMED),
        (lambda: web.Response(text="{}", charset="gbk"), AskFault.CHARSET),
        (lambda: web.Response(body=b"{}", headers={"Content-Type": "text/plain; charset=utf-7"}), AskFault.CHARSET),
        (lambda: web.Response(body=b'{"code": "\xe6\x9f"}'), AskFault.CHARSET),
        (lambda: web.Response(body=b" " * (5 * 1024 * 1024)), AskFault.TOO_LARGE),
        (lambda: web.Response(status=500, text="{}"), AskFault.HTTP_STATUS),
        (lambda: web.Response(status=204), AskFault.HTTP_STATUS),
    ],
)
async def test_an_answer_that_is_none(answer: object, fault: AskFault) -> None:
    """Whatever is wrong with an answer is one of our errors."""
    async with serve({"/api/encode": STEP, "/api/own": answer}) as (client, _):
        with pytest.raises(AskError) as caught:
            await client.ask(holder())
        assert caught.value.fault is fault


@pytest.mark.parametrize("retries", [0, 1, MAX_RETRIES])
async def test_nobody_is_there(retries: int) -> None:
    """A system that refuses connections is asked again, as often as is allowed, and is then unreachable."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with serve({}) as (client, _):
        object.__setattr__(client._writer.access, "base", "http://127.0.0.1:1")
        client._sleep, client._retries = sleep, retries
        with pytest.raises(AskError) as caught:
            await client.ask(holder())
        assert (caught.value.fault, caught.value.is_refused, len(waits)) == (AskFault.UNREACHABLE, True, retries)


async def test_what_was_sent_is_not_sent_again() -> None:
    """A connection that breaks after the question went out is no refusal, and the question is not repeated."""

    class HangUp(web.Response):
        async def prepare(self, request: web.BaseRequest) -> None:
            assert request.transport is not None
            request.transport.abort()

    async with serve({"/api/encode": STEP, "/api/own": HangUp}) as (client, server):
        with pytest.raises(AskError) as caught:
            await client.ask(holder())
        assert (caught.value.fault, caught.value.is_refused) == (AskFault.UNREACHABLE, False)
        assert [path.partition("?")[0] for path, _, _ in server.asked].count("/api/own") == 1


async def test_an_iv_beside_its_text_has_no_place() -> None:
    """A recipe that would need one more field for an IV is refused at the start."""
    text = TRANSPORT.replace('name = "sm4-ecb"', 'name = "sm4-cbc"\niv_place = "beside"')
    with pytest.raises(MalformedRecipeError):
        async with serve({}, toy(text)):
            raise AssertionError


@pytest.mark.parametrize("name", ["settings", "secrets"])
async def test_what_the_site_does_not_give(name: str) -> None:
    """A setting or a secret that the recipe names and the site does not give is found out at the start."""
    async with serve({}) as (client, _):
        adapter, recipe = toy()
        known = client._access
        access = replace(known, settings={}) if name == "settings" else replace(known, secrets={})
        with pytest.raises(AskError) as caught:
            AdapterClient(adapter, recipe, access, client._session, client._clock)
        assert caught.value.where in {"account", "key"}


async def test_a_large_answer_leaves_the_loop() -> None:
    """An answer that takes long to read is read in full, beside the loop."""
    rows = [{"number": str(number)} for number in range(9000)]
    async with serve({"/api/encode": STEP, "/api/own": {"code": "0", "rows": rows}}) as (client, _):
        answer = await client.ask(holder())
        assert len(answer.records) == 9000
