"""Batches: each line is a question of its own, and the answers come in the order of the lines."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.http.batch import AT_ONCE, BATCH_CONTENT_TYPE, BATCH_PATH, MAX_LINES
from gateway.http.lines import MAX_EMPTY
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.state import BUDGET, LOG
from gateway.limits.settings import OwnLimits
from tests.support.callers import make_party, make_site
from tests.support.http import Client, RawConnection, StartClient, bearer, question, start

PARTY = make_party()
SITE = make_site([PARTY], max_document_bytes=1024 * 1024)
TOKEN = PARTY.token()
HEADERS = bearer(TOKEN) | {"Content-Type": BATCH_CONTENT_TYPE}
GENUINE, FORGED = question(), question(b"Forged")


async def ask(client: Client, lines: Sequence[object]) -> list[dict[str, Any]]:
    """Send a batch, and return the answers."""
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    response = await client.post(BATCH_PATH, data=body, headers=HEADERS)
    assert (response.status, response.content_type) == (200, BATCH_CONTENT_TYPE)
    return [json.loads(line) for line in (await response.read()).splitlines()]


async def test_answers_come_in_order(aiohttp_client: StartClient) -> None:
    """As many answers come as there are lines, in their order, each of the form of a single one and in the log."""
    client = await start(aiohttp_client, SITE)
    wanted = ["invalid" if number % 3 == 0 else "valid" for number in range(3 * AT_ONCE)]
    answers = await ask(client, [FORGED if outcome == "invalid" else GENUINE for outcome in wanted])
    assert [msgspec.convert(one, VerificationAnswer).outcome for one in answers] == wanted
    assert len({one["decision"] for one in answers}) == len(wanted)
    assert {one["receipt"]["seq"] for one in answers} == set(range(1, len(wanted) + 1))


async def test_a_refused_line_is_its_own_affair(aiohttp_client: StartClient) -> None:
    """A line that is no question is answered with its problem in its place, and those around it are answered."""
    client = await start(aiohttp_client, SITE)
    answers = await ask(client, [GENUINE, b"{", {"licence": {}}, b"", b"   ", GENUINE])
    assert [one.get("reason") for one in answers] == [None, "body.not-json", "licence.ambiguous", None]
    problems = [msgspec.convert(one, ProblemDocument) for one in answers[1:3]]
    assert len({one.request_id for one in problems}) == 2
    assert all(one.request_id.endswith(f"-{number}") for number, one in enumerate(problems, 2))


async def test_a_batch_has_an_end(aiohttp_client: StartClient) -> None:
    """The line after the thousandth is refused, those before it are answered; a batch of nothing is refused."""
    client = await start(aiohttp_client, SITE)
    answers = await ask(client, [GENUINE] * (MAX_LINES + 5))
    assert [one.get("outcome") for one in answers] == ["valid"] * MAX_LINES + [None]
    assert answers[-1]["reason"] == "batch.too-long"
    assert [one["reason"] for one in await ask(client, [b"", b" "])] == ["batch.empty"]


async def test_lines_wait_for_the_limits_of_their_caller(aiohttp_client: StartClient) -> None:
    """A caller that may be inside with few questions at once has all lines answered, and none refused."""
    narrow = replace(PARTY, caller=replace(PARTY.caller, limits=OwnLimits(concurrency=3)))
    client = await start(aiohttp_client, make_site([narrow]))
    assert [one.get("outcome") for one in await ask(client, [GENUINE] * 20)] == ["valid"] * 20


async def test_answers_stream(aiohttp_client: StartClient) -> None:
    """A line is answered before the next one was sent; a batch that breaks off says so after what was answered."""
    client = await start(aiohttp_client, SITE)
    raw = await RawConnection.open(client)
    head = [f"POST {BATCH_PATH} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {TOKEN}"]
    head += [f"Content-Type: {BATCH_CONTENT_TYPE}", "Transfer-Encoding: chunked", "", ""]
    await raw.send("\r\n".join(head).encode())
    line = json.dumps(GENUINE).encode() + b"\n"
    await raw.send(b"%x\r\n%s\r\n" % (len(line), line))
    assert await raw.read_status() == 200
    async with asyncio.timeout(5):
        got = b""
        while b'"outcome":"valid"' not in got:
            got += await raw.read_some()
    await raw.send(b"zz\r\n")  # no length of a chunk
    assert b'"reason":"body.incomplete"' in await raw.read_rest()
    await raw.close()
    assert client.app[BUDGET].used_bytes == 0


async def test_whoever_goes_away_stops_the_rest(aiohttp_client: StartClient) -> None:
    """A connection that is closed in the midst leaves nothing behind, and no further line is begun."""
    client = await start(aiohttp_client, SITE)
    raw = await RawConnection.open(client)
    body = (json.dumps(GENUINE).encode() + b"\n") * MAX_LINES
    head = [f"POST {BATCH_PATH} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {TOKEN}"]
    head += [f"Content-Type: {BATCH_CONTENT_TYPE}", f"Content-Length: {len(body)}", "", ""]
    await raw.send("\r\n".join(head).encode() + body[: len(body) // 50])
    await raw.read_status()
    await raw.close()
    for _ in range(100):
        if client.app[BUDGET].used_bytes == 0:
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert client.app[BUDGET].used_bytes == 0
    assert (await ask(client, [GENUINE]))[0]["receipt"]["seq"] <= MAX_LINES // 50 + 4


async def test_empty_lines_have_an_end(aiohttp_client: StartClient) -> None:
    """A thousand empty lines are left out, and more of them end the batch."""
    client = await start(aiohttp_client, SITE)
    few = await ask(client, [GENUINE, b"\n" * (MAX_EMPTY - 2), GENUINE])
    assert [one.get("outcome") for one in few] == ["valid", "valid"]
    many = await ask(client, [GENUINE, b"\n" * 100_000, GENUINE])
    assert [one.get("outcome", one.get("reason")) for one in many] == ["valid", "batch.too-long"]


async def test_lines_that_wait_are_charged_and_let_go(aiohttp_client: StartClient) -> None:
    """A line that waits for the limits takes its memory meanwhile, and is let go when its batch breaks off."""
    slow = replace(PARTY, caller=replace(PARTY.caller, limits=OwnLimits(rate_per_second=0.01, burst=2)))
    client = await start(aiohttp_client, make_site([slow]))
    raw = await RawConnection.open(client)
    line = json.dumps(question(b"x" * 50_000)).encode() + b"\n"
    head = [f"POST {BATCH_PATH} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {TOKEN}"]
    head += [f"Content-Type: {BATCH_CONTENT_TYPE}", f"Content-Length: {10 * len(line)}", "", ""]
    await raw.send("\r\n".join(head).encode() + 3 * line)
    assert await raw.read_status() == 200
    await until(lambda: client.app[BUDGET].used_bytes >= len(line))
    await asyncio.sleep(0.05)
    assert client.app[BUDGET].used_bytes >= len(line)
    await raw.close()
    await until(lambda: client.app[BUDGET].used_bytes == 0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, for five seconds at most."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-ndjson; charset=gbk"])
async def test_other_types_are_refused(aiohttp_client: StartClient, content_type: str) -> None:
    """A body that does not say that it is lines of JSON is refused as a whole."""
    client = await start(aiohttp_client, SITE)
    response = await client.post(BATCH_PATH, data=b"{}", headers=HEADERS | {"Content-Type": content_type})
    assert (response.status, (await response.json(content_type=None))["reason"]) == (415, "body.content-type")
    assert client.app[LOG] is not None
