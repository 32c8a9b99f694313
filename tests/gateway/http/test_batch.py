"""Batches: each line is a question of its own, and the answers come in the order of the lines."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest

from gateway.callers import CallerId, CallerRole
from gateway.http.batch import AT_ONCE, BATCH_CONTENT_TYPE, BATCH_PATH, MAX_LINES
from gateway.http.lines import MAX_EMPTY
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.state import BUDGET, LIMITS, LOG, METRICS, SITES
from gateway.limits.memory import MemoryLimits
from gateway.limits.settings import OwnLimits
from gateway.pipeline import Verified
from gateway.settings import charged_bytes
from gateway.site import Site
from keys.ocsp_stapled import StapledAnswers
from keys.trust import TrustStore
from tests.support.callers import make_party, make_site
from tests.support.http import URL, Client, RawConnection, StartClient, bearer, question, start, verify_by_first_byte

PARTY, OTHER = make_party(), make_party(id=CallerId("other"))
SITE = make_site([PARTY], max_document_bytes=1024 * 1024)
TOKEN = PARTY.token()
HEADERS = bearer(TOKEN) | {"Content-Type": BATCH_CONTENT_TYPE}
CHUNKED = "Transfer-Encoding: chunked"
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
    said = [msgspec.convert(one, VerificationAnswer) for one in answers]
    assert [(one.line, one.outcome) for one in said] == list(enumerate(wanted, 1))
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
    assert [one["line"] for one in answers] == [1, 2, 3, 4]


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


async def begin(client: Client, framing: str = CHUNKED) -> RawConnection:
    """Send the head of a batch, and read that it is answered."""
    raw = await RawConnection.open(client)
    head = [f"POST {BATCH_PATH} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {TOKEN}"]
    await raw.send("\r\n".join([*head, f"Content-Type: {BATCH_CONTENT_TYPE}", framing, "", ""]).encode())
    assert await raw.read_status() == 200
    return raw


def line_of(document: bytes) -> bytes:
    """Return a line that asks about a document."""
    return json.dumps(question(document)).encode() + b"\n"


async def test_answers_stream(aiohttp_client: StartClient) -> None:
    """A line is answered before the next one was sent; a batch that breaks off says so after what was answered."""
    client = await start(aiohttp_client, SITE)
    raw = await begin(client)
    line = json.dumps(GENUINE).encode() + b"\n"
    await raw.send(b"%x\r\n%s\r\n" % (len(line), line))
    async with asyncio.timeout(5):
        got = b""
        while b'"outcome":"valid"' not in got:
            got += await raw.read_some()
    await raw.send(b"zz\r\n")  # no length of a chunk
    assert b'"reason":"body.incomplete"' in await raw.read_rest()
    await raw.close()
    assert client.app[BUDGET].used_bytes == 0


@pytest.mark.parametrize("ends", ["in-garbage", "early"])
async def test_what_breaks_off_has_every_answer(aiohttp_client: StartClient, ends: str) -> None:
    """Lines that are being answered while the body breaks off are answered, each in its place."""
    go_on = threading.Event()

    def verify(data: bytes, *, store: TrustStore, at: datetime, stapled: StapledAnswers) -> Verified:
        if len(data) > SITE.settings.http.inline_document_bytes:  # in a thread
            assert go_on.wait(5)
        return verify_by_first_byte(data, store=store, at=at, stapled=stapled)

    client = await start(aiohttp_client, SITE, verify)
    slow, quick = line_of(b"F" + bytes(300 * 1024)), line_of(b"genuine")
    raw = await begin(client, f"Content-Length: {len(slow + quick) + 1}" if ends == "early" else CHUNKED)
    if ends == "early":
        await raw.send(slow + quick)
        raw.half_close()
    else:
        await raw.send(b"%x\r\n%s\r\nzz\r\n" % (len(slow + quick), slow + quick))
    await until(lambda: client.app[METRICS].batch_lines.labels(status="400")._value.get() == 1)  # the last line is
    go_on.set()
    lines = [json.loads(one) for one in (await raw.read_rest()).split(b"\r\n") if one.startswith(b"{")]
    said = [(one["line"], one.get("outcome", one.get("reason"))) for one in lines]
    assert said == [(1, "invalid"), (2, "valid"), (3, "body.incomplete")]
    await raw.close()


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
    await asyncio.sleep(0.05)
    await until(lambda: client.app[BUDGET].used_bytes == 0)
    assert (await ask(client, [GENUINE]))[0]["receipt"]["seq"] <= MAX_LINES // 50 + 4


async def test_empty_lines_have_an_end(aiohttp_client: StartClient) -> None:
    """A thousand empty lines are left out, and more of them end the batch."""
    client = await start(aiohttp_client, SITE)
    few = await ask(client, [GENUINE, b"\n" * (MAX_EMPTY - 2), GENUINE])
    assert [one.get("outcome") for one in few] == ["valid", "valid"]
    many = await ask(client, [GENUINE, b"\n" * 100_000, GENUINE])
    assert [one.get("outcome", one.get("reason")) for one in many] == ["valid", "batch.too-long"]


def slow_site(burst: int) -> Site:
    """Return a site with a caller who has a burst, and then nothing for a long time."""
    own = OwnLimits(rate_per_second=0.01, burst=burst, concurrency=64)
    return make_site([replace(PARTY, caller=replace(PARTY.caller, limits=own)), OTHER], max_document_bytes=1024 * 1024)


async def test_one_line_waits_for_the_limits(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that waits is charged for, large or small, and no further one of its batch is read; others have room."""
    monkeypatch.setattr("gateway.http.batch.GONE_LOOK_SECONDS", 0.05)
    monkeypatch.setattr("gateway.http.batch.KEEP_ALIVE_SECONDS", 0.05)
    client, looks = await start(aiohttp_client, slow_site(burst=3)), 0
    store, budget = client.app[LIMITS], client.app[BUDGET]
    enter = store.enter

    async def count(*args: Any, **more: Any) -> Any:
        nonlocal looks
        looks += 1
        return await enter(*args, **more)

    monkeypatch.setattr(store, "enter", count)
    small, large = line_of(b"x" * 60_000), line_of(b"x" * 700_000)
    # Both batches and the first small line use up the burst.
    raws = [await begin(client, f"Content-Length: {10 * len(one)}") for one in (small, large)]
    sending = [asyncio.create_task(raws[0].send(3 * small))]
    await until(lambda: looks >= 4)
    sending.append(asyncio.create_task(raws[1].send(3 * large)))
    await until(lambda: looks >= 5)
    await asyncio.sleep(0.1)
    used, looked = budget.used_bytes, looks
    response = await client.post(URL, json=question(), headers=bearer(OTHER.token()))
    for raw in raws:
        raw.abort()
    await asyncio.gather(*sending, return_exceptions=True)
    await until(lambda: budget.used_bytes == 0)
    assert used == charged_bytes(len(small) - 1) + charged_bytes(len(large) - 1)  # without their ends
    assert looked == 5  # one each, and then after as long as the refusal says
    assert response.status == 200


async def test_whoever_hangs_up_is_missed(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sent all and hung up keeps no place for long; who only sends no more is answered, after empty lines."""
    monkeypatch.setattr("gateway.http.batch.GONE_LOOK_SECONDS", 0.02)
    monkeypatch.setattr("gateway.http.batch.KEEP_ALIVE_SECONDS", 0.02)
    client, line = await start(aiohttp_client, slow_site(burst=1)), line_of(b"genuine")
    store = client.app[LIMITS]
    assert isinstance(store, MemoryLimits)
    raw = await begin(client, f"Content-Length: {len(line)}")
    await raw.send(line)
    raw.half_close()
    got = b""
    async with asyncio.timeout(5):
        while got.count(b"\r\n\n\r\n") < 3:
            got += await raw.read_some()
    assert store.inside(PARTY.caller.id) == 1
    await raw.close()
    await until(lambda: store.inside(PARTY.caller.id) == 0)


@pytest.mark.parametrize("change", ["limits", "role"])
async def test_a_line_is_let_in_by_what_is_in_force(aiohttp_client: StartClient, change: str) -> None:
    """Limits that were widened hold for the line that waits; whose role is another one now asks no more."""
    client, line = await start(aiohttp_client, slow_site(burst=1)), line_of(b"genuine")
    raw = await begin(client, f"Content-Length: {len(line)}")
    held = client.app[SITES].current()
    wide = replace(PARTY.caller, limits=OwnLimits(burst=5))
    known = {"limits": wide, "role": replace(wide, role=CallerRole.AUDITOR)}[change]
    new = replace(held, site=make_site([replace(PARTY, caller=known)]))
    client.app[SITES]._in_force.value = new  # as a reload does
    await raw.send(line)
    raw.half_close()
    (said,) = (json.loads(one) for one in (await raw.read_rest()).split(b"\r\n") if one.startswith(b"{"))
    assert said.get("outcome", said.get("reason")) == {"limits": "valid", "role": "role.not-allowed"}[change]
    raw.abort()


@pytest.mark.parametrize("sends_on", [False, True])
async def test_a_batch_that_takes_too_long_says_so(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, *, sends_on: bool
) -> None:
    """Whoever still sends when the time of a batch is over is told so by its last line, and the answer has its end."""
    monkeypatch.setattr("gateway.http.batch.LINE_RESERVE_SECONDS", SITE.settings.http.batch_timeout_seconds - 0.3)
    client, line = await start(aiohttp_client, SITE), line_of(b"genuine")
    raw = await begin(client)

    async def send() -> None:
        while True:
            await raw.send(b"%x\r\n%s\r\n" % (len(line), line))
            await asyncio.sleep(0.02 if sends_on else 60)

    sending, got = asyncio.create_task(send()), b""
    async with asyncio.timeout(20):
        while not got.endswith(b"\r\n0\r\n\r\n"):
            got += await raw.read_some()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    raw.abort()
    lines = [json.loads(one) for one in got.split(b"\r\n") if one.startswith(b"{")]
    assert [one["line"] for one in lines] == list(range(1, len(lines) + 1))
    assert (lines[-1]["status"], lines[-1]["reason"]) == (504, "deadline")
    assert len(lines) > 2 if sends_on else len(lines) == 2


@pytest.mark.parametrize("more", [0, 3])
async def test_what_comes_behind_the_time_is_not_begun(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    """Lines that lie there when the time is over have one answer together; where all were read there is none more."""
    monkeypatch.setattr("gateway.http.batch.LINE_RESERVE_SECONDS", SITE.settings.http.batch_timeout_seconds - 0.3)
    monkeypatch.setattr("gateway.http.batch.FIRST_LOOK_SECONDS", 0.0)  # which ends a line that much sooner
    client = await start(aiohttp_client, slow_site(burst=1))
    first, *rest = await ask(client, [GENUINE] * (1 + more))  # the batch itself used up the burst
    assert first["reason"] in {"rate.exceeded", "deadline"}
    assert [(one["line"], one["reason"]) for one in rest] == ([(2, "deadline")] if more else [])


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
