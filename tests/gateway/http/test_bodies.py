"""How bodies are received: nothing too large, too slow, compressed or of another type, and sign-in before all that."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.support.callers import make_party, make_site
from tests.support.http import URL, Client, RawConnection, StartClient, bearer, question, start

PARTY = make_party()
TOKEN = PARTY.token()
JSON = "Content-Type: application/json"
SMALL = {"max_document_bytes": 1024, "lingering_seconds": 0.1}  # largest body: 1368 bytes and 64 KiB
LARGEST_SMALL = 1368 + 64 * 1024


Connect = Callable[..., Awaitable[tuple[Client, RawConnection]]]


@pytest.fixture
async def connect(aiohttp_client: StartClient) -> AsyncIterator[Connect]:
    """Start a gateway with some settings and connect to it; the connection is closed after the test."""
    opened = []

    async def start_and_open(**http: float) -> tuple[Client, RawConnection]:
        client = await start(aiohttp_client, make_site([PARTY], **http))
        opened.append(await RawConnection.open(client))
        return client, opened[-1]

    yield start_and_open
    for raw in opened:
        await raw.close()


async def wait_for_metric(client: Client, line: str) -> None:
    """Ask for the metrics until they have the line; the test waits 5 seconds at most."""
    async with asyncio.timeout(5):
        while line not in await (await client.get("/metrics")).text():  # noqa: ASYNC110 — what happens is elsewhere
            await asyncio.sleep(0.02)


async def test_too_large_by_its_length(connect: Connect) -> None:
    """A body that is announced as too large is refused before any of it is sent."""
    _, raw = await connect(**SMALL)
    await raw.send_head(TOKEN, JSON, f"Content-Length: {LARGEST_SMALL + 1}")
    assert await raw.read_status() == 413
    rest = await raw.read_rest()
    assert b'"reason":"body.too-large"' in rest
    assert raw.sent < 1000
    await raw.close()


async def test_too_large_in_chunks(connect: Connect) -> None:
    """A body without a length is refused as soon as it has become too large, while its end is still outstanding."""
    _, raw = await connect(**SMALL)
    await raw.send_head(TOKEN, JSON, "Transfer-Encoding: chunked")
    chunk = b"x" * 16 * 1024
    for _ in range(LARGEST_SMALL // len(chunk) + 1):
        await raw.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    assert await raw.read_status() == 413
    assert b'"reason":"body.too-large"' in await raw.read_rest()
    await raw.close()


async def test_largest(aiohttp_client: StartClient) -> None:
    """A body of exactly the largest size is read, with a length or in chunks."""
    client = await start(aiohttp_client, make_site([PARTY], **SMALL))
    body = json.dumps(question(b"x" * 1024)).encode()
    body += b" " * (LARGEST_SMALL - len(body))
    headers = bearer(TOKEN) | {"Content-Type": "application/json"}
    assert (await client.post(URL, data=body, headers=headers)).status == 200

    async def pieces():
        yield body[:5000]
        yield body[5000:]

    assert (await client.post(URL, data=pieces(), headers=headers)).status == 200


@pytest.mark.parametrize("settings", [{"body_idle_timeout_seconds": 0.1}, {"body_timeout_seconds": 0.1}])
async def test_silent_sender(connect: Connect, settings: dict[str, float]) -> None:
    """A sender that stops in the middle is refused with 408, and the connection closed."""
    _, raw = await connect(lingering_seconds=0.1, **settings)
    await raw.send_head(TOKEN, JSON, "Content-Length: 100")
    await raw.send(b'{"licence"')
    assert await raw.read_status() == 408
    rest = await raw.read_rest()
    assert b'"reason":"body.timeout"' in rest
    assert b"Connection: close" in rest
    await raw.close()


async def test_dripping_sender(connect: Connect) -> None:
    """A sender that is never silent for long, but takes too long altogether, is refused with 408 as well."""
    _, raw = await connect(body_timeout_seconds=0.3, body_idle_timeout_seconds=0.2, lingering_seconds=0.1)
    await raw.send_head(TOKEN, JSON, "Content-Length: 100")

    async def drip() -> None:
        for _ in range(20):
            await raw.send(b" ")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    assert await raw.read_status() == 408
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)
    await raw.close()


async def test_slow_head(connect: Connect) -> None:
    """A connection that never finishes its head is closed after the keep-alive time."""
    _, raw = await connect(keepalive_timeout_seconds=0.2)
    await raw.send(f"POST {URL} HTTP/1.1\r\nHost: ".encode())
    assert await raw.read_rest() == b""
    await raw.close()


async def test_sign_in_comes_first(connect: Connect) -> None:
    """Without a good token nothing of the body is waited for, whatever its size and type."""
    _, raw = await connect(lingering_seconds=0.1)
    await raw.send_head("no.good.token", "Content-Length: 99999999999")
    assert await raw.read_status() == 401
    await raw.close()


async def test_body_that_ends_early(connect: Connect) -> None:
    """A sender that hangs up in the middle leaves the gateway serving others."""
    client, raw = await connect()
    await raw.send_head(TOKEN, JSON, "Content-Length: 100")
    await raw.send(b"{")
    await raw.close()
    assert (await client.post(URL, json=question(), headers=bearer(TOKEN))).status == 200


async def test_chunks_that_make_no_sense(connect: Connect) -> None:
    """Broken framing inside a body is a 400."""
    _, raw = await connect(lingering_seconds=0.1)
    await raw.send_head(TOKEN, JSON, "Transfer-Encoding: chunked")
    await raw.send(b"zz\r\n")
    assert await raw.read_status() == 400
    await raw.close()


@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01 is TLS\r\n\r\n",
        b"POST /v1/verifications HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/verifications HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    ],
)
async def test_no_http(connect: Connect, head: bytes) -> None:
    """What is no proper HTTP, or has a head beyond the bounds, is a 400 and closes the connection."""
    _, raw = await connect()
    await raw.send(head)
    assert await raw.read_status() == 400
    await raw.read_rest()
    await raw.close()


@pytest.mark.parametrize("lines", [[], ["Content-Type: text/plain"], ["Content-Type: application/json; charset=gbk"]])
async def test_type(connect: Connect, lines: list[str]) -> None:
    """A body is JSON in UTF-8, and says so; otherwise it is refused unread."""
    _, raw = await connect(lingering_seconds=0.1)
    await raw.send_head(TOKEN, *lines, "Content-Length: 10")
    assert await raw.read_status() == 415
    await raw.close()


async def test_charset_may_be_said(aiohttp_client: StartClient) -> None:
    """The type may carry the charset that it has anyway."""
    client = await start(aiohttp_client, make_site([PARTY]))
    headers = bearer(TOKEN) | {"Content-Type": "application/json; charset=UTF-8"}
    assert (await client.post(URL, data=json.dumps(question()), headers=headers)).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "nonsense"])
async def test_compressed(connect: Connect, encoding: str) -> None:
    """A compressed body is refused unread, so that nothing can be inflated."""
    _, raw = await connect(lingering_seconds=0.1)
    await raw.send_head(TOKEN, JSON, f"Content-Encoding: {encoding}", "Content-Length: 10")
    assert await raw.read_status() == 415
    assert b'"reason":"body.content-encoding"' in await raw.read_rest()
    await raw.close()


async def test_continue_only_when_wanted(connect: Connect) -> None:
    """A sender that asks first is told to continue only when sign-in and size are good."""
    client, raw = await connect(**SMALL)
    await raw.send_head(TOKEN, JSON, "Expect: 100-continue", "Content-Length: 99999999")
    assert await raw.read_status() == 413
    await raw.close()
    raw = await RawConnection.open(client)
    await raw.send_head("no.good.token", JSON, "Expect: 100-continue", "Content-Length: 10")
    assert await raw.read_status() == 401
    await raw.close()
    raw = await RawConnection.open(client)
    body = json.dumps(question()).encode()
    await raw.send_head(TOKEN, JSON, "Expect: 100-continue", "Connection: close", f"Content-Length: {len(body)}")
    assert await raw.read_status() == 100
    await raw.send(body)
    assert b"HTTP/1.1 200 OK" in await raw.read_rest()
    await raw.close()


async def test_other_expectations(aiohttp_client: StartClient) -> None:
    """Anything else that is expected cannot be met, and is a 417."""
    client = await start(aiohttp_client, make_site([PARTY]))
    response = await client.post(URL, data=b"{}", headers=bearer(TOKEN) | {"Expect": "wonders"})
    assert (response.status, (await response.json(content_type=None))["reason"]) == (417, "expectation-failed")


async def test_memory_for_bodies(connect: Connect) -> None:
    """Bodies beyond the memory for all of them are refused with 503; what is freed can be used again.

    Each counts with the copy that is decoded from it: 2.5 times its size.
    """
    settings = {"max_document_bytes": 1024 * 1024, "max_buffered_bytes": 3_700_000, "lingering_seconds": 0.1}
    client, raw = await connect(**settings)
    await raw.send_head(TOKEN, JSON, "Content-Length: 1400000")
    await raw.send(b" " * 1_300_000)
    await wait_for_metric(client, "gateway_buffered_bytes 3.25e+06")
    body = question(b"x" * 200_000)
    response = await client.post(URL, json=body, headers=bearer(TOKEN))
    assert (response.status, (await response.json(content_type=None))["reason"]) == (503, "busy")
    assert response.headers["Retry-After"] == "1"
    await raw.close()
    await wait_for_metric(client, "gateway_buffered_bytes 0.0")
    assert (await client.post(URL, json=body, headers=bearer(TOKEN))).status == 200
