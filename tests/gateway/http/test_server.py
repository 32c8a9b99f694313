"""What is no proper HTTP, or comes at the wrong moment: always our own answer, complete in the log, and no echo."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from gateway.http.server import GatewayRunner
from gateway.log_lines import LineFormatter
from gateway.request_log import HTTP_LOGGER
from tests.support.callers import make_party, make_site
from tests.support.http import URL, Client, RawConnection, StartClient, bearer, question, start

PARTY = make_party()
TOKEN = PARTY.token()
SECRET = b"37010119900101001X"
HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
LINE_KEYS = ["at", "level", "code", "request_id", "trace", "caller", "route", "line", "status", "decision", "outcome"]
LINE_KEYS += ["source", "failure", "milliseconds"]

Connect = Callable[[], Awaitable[tuple[Client, RawConnection]]]


@pytest.fixture
async def connect(aiohttp_client: StartClient) -> AsyncIterator[Connect]:
    """Start a gateway and connect to it; the connection is closed after the test."""
    opened = []

    async def start_and_open() -> tuple[Client, RawConnection]:
        client = await start(aiohttp_client, make_site([PARTY], lingering_seconds=0.1))
        opened.append(await RawConnection.open(client))
        return client, opened[-1]

    yield start_and_open
    for raw in opened:
        await raw.close()


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Collect the lines of the request log."""
    logger, found = logging.getLogger("tongban.requests"), []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(record.getMessage()))

    collector, level = Collector(), logger.level
    logger.addHandler(collector)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(collector)
    logger.setLevel(level)


BROKEN = {
    "header": HEAD + b"Ho\x01lder: " + SECRET + b"\r\n\r\n",
    "method": b"G@T /" + SECRET + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "content-length": b"POST /v1/verifications HTTP/1.1\r\nHost: a\r\nContent-Length: " + SECRET + b"\r\n\r\n",
    "two framings": HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "line too long": b"GET /" + SECRET * 2000 + b" HTTP/1.1\r\n\r\n",
    "header too long": HEAD + b"X: " + SECRET * 2000 + b"\r\n\r\n",
    "too many headers": HEAD + b"X: y\r\n" * 1000 + b"\r\n",
    "address not ascii": "GET /张三 HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    "address not utf-8": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "address with a broken host": b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "version of the future": b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n",
    "version of the past": b"GET /healthz HTTP/0.9\r\nHost: a\r\n\r\n",
    "version that is none": b"GET /healthz HTTQ/1.1\r\nHost: a\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_http(connect: Connect, lines: list[dict[str, Any]], name: str) -> None:
    """The answer is the fixed problem document, without a byte of what was sent and without a version; it is logged."""
    client, raw = await connect()
    await raw.send(BROKEN[name])
    head, _, body = (await raw.read_rest()).partition(b"\r\n\r\n")
    assert head.splitlines()[0] in {b"HTTP/1.0 400 Bad Request", b"HTTP/1.1 400 Bad Request"}
    assert b"Server: tongban\r\n" in head
    assert b"Content-Type: application/problem+json" in head
    assert b"aiohttp" not in head + body
    assert SECRET not in head + body
    content = json.loads(body)
    assert (content["reason"], content["status"]) == ("bad-request", 400)
    (line,) = lines
    assert list(line) == LINE_KEYS
    assert line["at"] == "2026-03-01T04:00:00Z"
    assert (line["request_id"], line["status"]) == (content["request_id"], 400)
    assert (line["route"], line["failure"]) == ("unmatched", "bad-request")
    assert SECRET.decode() not in json.dumps(line)
    assert b"X-Request-Id: " + content["request_id"].encode() in head
    metrics = await (await client.get("/metrics")).text()
    assert 'gateway_requests_total{route="unmatched",status="400"} 1.0' in metrics


async def test_expectation_at_an_unknown_address(connect: Connect, lines: list[dict[str, Any]]) -> None:
    """What the library refuses before any handler is refused in our words too."""
    _, raw = await connect()
    await raw.send(b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: " + SECRET + b"\r\n\r\n")
    answer = await raw.read_rest()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["reason"] == "expectation-failed"
    assert SECRET not in answer
    assert lines[0]["failure"] == "expectation-failed"


async def test_expectations_of_http_1_0_mean_nothing(connect: Connect) -> None:
    """From HTTP/1.0 an Expect is passed over: neither refused nor answered with 100 (RFC 9110 section 10.1.1)."""
    _, raw = await connect()
    body = json.dumps(question()).encode()
    head = f"POST {URL} HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
    await raw.send(f"{head}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    assert (await raw.read_rest()).startswith(b"HTTP/1.0 200 OK")


async def test_bad_chunk_after_the_body_began(connect: Connect) -> None:
    """A chunk that makes no sense ends the body at once: 400, long before any deadline, and one answer only."""
    _, raw = await connect()
    await raw.send_head(TOKEN, "Content-Type: application/json", "Transfer-Encoding: chunked")
    await raw.send(b"3\r\n{  \r\n")
    await asyncio.sleep(0.05)
    await raw.send(b"zz\r\n")
    async with asyncio.timeout(2):
        answer = await raw.read_rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"reason":"body.incomplete"' in answer
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.") == 1


async def test_refused_request_with_a_bad_body(connect: Connect) -> None:
    """A request that was refused unread is not answered a second time when its body turns out to be broken."""
    _, raw = await connect()
    await raw.send_head("no.good.token", "Content-Type: application/json", "Transfer-Encoding: chunked")
    await asyncio.sleep(0.05)
    await raw.send(b"zz\r\n")
    answer = await raw.read_rest()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.count(b"HTTP/1.") == 1


async def test_half_closed_with_a_whole_question(connect: Connect) -> None:
    """A sender that closes its half after the question still gets the answer."""
    _, raw = await connect()
    body = json.dumps(question()).encode()
    await raw.send_head(TOKEN, "Content-Type: application/json", f"Content-Length: {len(body)}")
    await raw.send(body)
    raw.half_close()
    assert (await raw.read_rest()).startswith(b"HTTP/1.1 200 OK")


async def test_half_closed_in_the_middle(connect: Connect) -> None:
    """A sender that closes its half too early is told so at once."""
    _, raw = await connect()
    await raw.send_head(TOKEN, "Content-Type: application/json", "Content-Length: 100")
    await raw.send(b"{")
    raw.half_close()
    async with asyncio.timeout(2):
        answer = await raw.read_rest()
    assert b'"reason":"body.incomplete"' in answer


async def test_half_closed_without_a_question(connect: Connect) -> None:
    """A connection on which nothing was asked ends with its sender's half."""
    _, raw = await connect()
    await raw.send(b"GET /hea")
    raw.half_close()
    assert await raw.read_rest() == b""


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
async def test_head(aiohttp_client: StartClient, path: str) -> None:
    """Operators' addresses answer HEAD like GET, without the content."""
    client = await start(aiohttp_client, make_site())
    response = await client.head(path)
    assert (response.status, await response.read()) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0


async def test_wrong_method_belongs_to_its_address(aiohttp_client: StartClient, lines: list[dict[str, Any]]) -> None:
    """A 405 counts as the known address that does not take the method."""
    client = await start(aiohttp_client, make_site())
    assert (await client.get(URL)).status == 405
    assert lines[0]["route"] == URL
    assert f'gateway_requests_total{{route="{URL}",status="405"}} 1.0' in await (await client.get("/metrics")).text()


def test_lines_of_the_library_are_complete_and_empty() -> None:
    """Whatever the server library itself logs becomes a line of the usual form, with the type of the error alone."""
    info = (ValueError, ValueError(SECRET.decode()), None)
    record = HTTP_LOGGER.makeRecord("tongban.http", logging.ERROR, "f", 1, "Error %s", (SECRET,), info)
    text = LineFormatter().format(record)
    line = json.loads(text)
    assert list(line) == LINE_KEYS
    assert (line["level"], line["code"], line["failure"]) == ("error", "server", "server.ValueError")
    assert line["at"].endswith("Z")
    assert SECRET.decode() not in text


async def begin_question(client: Client) -> tuple[RawConnection, bytes]:
    """Send a question but for its last bytes; returns the connection and what is missing."""
    raw = await RawConnection.open(client)
    body = json.dumps(question()).encode()
    await raw.send_head(TOKEN, "Content-Type: application/json", f"Content-Length: {len(body)}")
    await raw.send(body[:-10])
    await asyncio.sleep(0.05)
    return raw, body[-10:]


def runner_of(client: Client) -> GatewayRunner:
    runner = client.server.runner
    assert isinstance(runner, GatewayRunner)
    return runner


async def test_drain_answers_what_was_begun(aiohttp_client: StartClient) -> None:
    """After a stop, a body under way is read to its end and answered; the answer says that the connection closes."""
    client = await start(aiohttp_client, make_site([PARTY]))
    raw, rest = await begin_question(client)
    draining = asyncio.create_task(runner_of(client).drain(10))
    await asyncio.sleep(0.2)
    with pytest.raises(OSError, match=r"refused|Connect"):
        await RawConnection.open(client)
    await raw.send(rest)
    answer = await raw.read_rest()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in answer
    await draining
    await raw.close()


async def test_drain_has_an_end(aiohttp_client: StartClient) -> None:
    """A sender that never ends its body holds a stop up no longer than the time for requests."""
    client = await start(aiohttp_client, make_site([PARTY]))
    raw, _ = await begin_question(client)
    async with asyncio.timeout(2):
        await runner_of(client).drain(0.3)
    await raw.close()


async def test_idle_connections_get_one_more_answer(aiohttp_client: StartClient) -> None:
    """A question on a connection that was idle at the stop is answered, not reset; readiness is false by then."""
    client = await start(aiohttp_client, make_site([PARTY]))
    raw = await RawConnection.open(client)
    await raw.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await raw.read_status() == 200
    draining = asyncio.create_task(runner_of(client).drain(10))
    await asyncio.sleep(0.1)
    await raw.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
    rest = await raw.read_rest()
    assert b"HTTP/1.1 503 " in rest
    assert b'"ready":false' in rest
    assert b"Connection: close" in rest
    await draining
    await raw.close()


async def test_two_lines_of_content_encoding(aiohttp_client: StartClient) -> None:
    """Every Content-Encoding line counts, not the first alone."""
    client = await start(aiohttp_client, make_site([PARTY]))
    raw = await RawConnection.open(client)
    lines = ("Content-Type: application/json", "Content-Encoding: identity", "Content-Encoding: gzip")
    await raw.send_head(TOKEN, *lines, "Connection: close", "Content-Length: 0")
    assert await raw.read_status() in {400, 415}
    await raw.close()


async def test_an_ordinary_question_still_works(aiohttp_client: StartClient) -> None:
    """Several questions share one connection when nobody stops anything."""
    client = await start(aiohttp_client, make_site([PARTY]))
    for _ in range(3):
        response = await client.post(URL, json=question(), headers=bearer(TOKEN))
        assert response.status == 200
        assert "Connection" not in response.headers
