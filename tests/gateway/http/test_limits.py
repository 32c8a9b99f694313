"""Limits of callers, tokens that work once, and overload, as callers meet them."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import make_mocked_request

from gateway.app import create_app, server_options
from gateway.audit.leaf import LeafKind
from gateway.callers import CallerId, TokenUse
from gateway.http.limits import MAX_KEY_BODY, within_limits
from gateway.http.problems import PROBLEMS, ProblemKind
from gateway.http.refusal_limit import MAX_A_MINUTE
from gateway.http.state import CALLER, ENDS_AT, LIMITS, LOG, METRICS, PRESSURE, SITE
from gateway.http.state import NOW as MOMENT
from gateway.limits.marks import MarksUnavailableError, MemoryMarks, NoMark
from gateway.limits.memory import MemoryLimits
from gateway.limits.pressure import Work
from gateway.limits.settings import CallerLimits, OwnLimits, SheddingSettings
from gateway.metrics import Metrics
from gateway.site import Site
from tests.support.callers import NOW, Party, make_party, make_site
from tests.support.http import URL, Client, GatewayTestServer, RawConnection, StartClient, bearer, question
from tests.support.http import verify_by_first_byte as verify
from tests.support.redis_servers import RedisServer, access, off_loop, until
from tests.support.sharing import logged

HALL = make_party()
OTHER = make_party(id=CallerId("other"))
ONCE = make_party(id=CallerId("once"), tokens=TokenUse.ONCE)
TIGHT = CallerLimits(rate_per_second=0.001, burst=2)


def site_with(*parties: Party, limits: CallerLimits | None = None, shedding: SheddingSettings | None = None) -> Site:
    site = make_site(parties)
    settings = replace(site.settings, limits=limits or CallerLimits(), shedding=shedding or SheddingSettings())
    return replace(site, settings=settings)


async def start(aiohttp_client: StartClient, site: Site, *, now: datetime = NOW) -> Client:
    server = GatewayTestServer(create_app(site, clock=lambda: now, verify=verify))
    await server.start_server(**server_options(site.settings.http))
    return await aiohttp_client(server)


async def ask(
    client: Client, party: Party = HALL, body: Any = None, *, jti: str = "1", at: datetime = NOW
) -> ClientResponse:
    return await client.post(URL, json=body or question(), headers=bearer(party.token(at, token_id=jti)))


async def reason_of(response: ClientResponse) -> str:
    """Return the reason of a refusal, whose status is the one in the table."""
    reason = (await response.json(content_type=response.content_type))["reason"]
    assert response.status == PROBLEMS[ProblemKind(reason)].status
    return str(reason)


def app_of(client: Client) -> Any:
    return client.server.app  # type: ignore[attr-defined]


async def metric(client: Client, name: str) -> list[str]:
    """Return the lines of a metric."""
    text = await (await client.get("/metrics")).text()
    return [line for line in text.splitlines() if line.startswith(name)]


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_a_caller_that_asks_too_often(aiohttp_client: StartClient) -> None:
    """Beyond its burst a caller is refused until the seconds that the answer says; others are not."""
    client = await start(aiohttp_client, site_with(HALL, OTHER, limits=TIGHT))
    assert [(await ask(client)).status for _ in range(2)] == [200, 200]
    refused = await ask(client)
    assert await reason_of(refused) == "rate.exceeded"
    assert 990 <= int(refused.headers["Retry-After"]) <= 1000
    assert (await ask(client, OTHER)).status == 200
    assert await metric(client, "gateway_limited_total") == ['gateway_limited_total{limit="rate"} 1.0']


async def test_a_caller_has_limits_of_its_own(aiohttp_client: StartClient) -> None:
    """What a caller's file says counts in place of what the site says."""
    own = make_party(limits=OwnLimits(burst=1, daily_quota=1))
    client = await start(aiohttp_client, site_with(own, OTHER, limits=replace(TIGHT, daily_quota=9)))
    assert [(await ask(client, own)).status for _ in range(2)] == [200, 429]
    assert [(await ask(client, OTHER)).status for _ in range(3)] == [200, 200, 429]


async def test_the_quota_of_a_day(aiohttp_client: StartClient) -> None:
    """A caller that has used up its day is told to come back after midnight in China."""
    client = await start(aiohttp_client, site_with(HALL, limits=CallerLimits(daily_quota=1)))
    assert (await ask(client)).status == 200
    refused = await ask(client)
    assert await reason_of(refused) == "quota.exceeded"
    assert refused.headers["Retry-After"] == str(12 * 3600)


async def test_requests_at_once(aiohttp_client: StartClient) -> None:
    """While one is being answered there is no place for a second; a caller that hangs up leaves its place."""
    client = await start(aiohttp_client, site_with(HALL, limits=CallerLimits(concurrency=1)))
    slow = await RawConnection.open(client)
    await slow.send_head(HALL.token(), "Content-Type: application/json", "Content-Length: 100")
    await until(lambda: app_of(client)[LIMITS].inside(HALL.caller.id))
    refused = await ask(client)
    assert await reason_of(refused) == "concurrency.exceeded"
    await slow.close()
    await until(lambda: not app_of(client)[LIMITS].inside(HALL.caller.id))
    assert (await ask(client)).status == 200


class SlowStore(MemoryLimits):
    """A store that has let somebody in, and takes its time to say so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()

    async def enter(self, *arguments: Any, **more: Any) -> Any:
        """Let in, and never say so."""
        await super().enter(*arguments, **more)
        self.is_asked.set()
        await asyncio.Event().wait()


async def test_whoever_gives_up_while_he_is_let_in_has_no_place() -> None:
    """A request that is cancelled before it knows that it is inside is inside no more."""
    app, store = web.Application(), SlowStore()
    app[LIMITS], app[METRICS] = store, Metrics()
    request = make_mocked_request("POST", URL, app=app)
    request[SITE] = site_with(HALL)
    request[CALLER], request[MOMENT] = HALL.caller, NOW
    request[ENDS_AT] = asyncio.get_running_loop().time() + 60

    async def ask() -> None:
        async with within_limits(request):
            pytest.fail("it was never told")

    asking = asyncio.create_task(ask())
    await store.is_asked.wait()
    assert store.inside(HALL.caller.id) == 1
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert store.inside(HALL.caller.id) == 0


async def test_a_batch_goes_on_with_one_place(aiohttp_client: StartClient) -> None:
    """The lines of a batch take turns in the place of the batch, where the caller has no other."""
    client = await start(aiohttp_client, site_with(HALL, limits=CallerLimits(concurrency=1)))
    lines = b"\n".join(json.dumps(question()).encode() for _ in range(3))
    headers = bearer(HALL.token()) | {"Content-Type": "application/x-ndjson"}
    answer = await client.post(f"{URL}/batch", data=lines, headers=headers)
    assert [json.loads(line)["outcome"] for line in (await answer.text()).splitlines()] == ["valid"] * 3
    assert app_of(client)[LIMITS].inside(HALL.caller.id) == 0


@pytest.mark.parametrize("body", [question(), {"licence": {}}, question(b"F")])
async def test_every_end_leaves_the_place(aiohttp_client: StartClient, body: Any) -> None:
    """However a request ends, it is inside no more."""
    client = await start(aiohttp_client, site_with(HALL))
    await ask(client, body=body)
    assert app_of(client)[LIMITS].inside(HALL.caller.id) == 0
    assert app_of(client)[PRESSURE].share < 0.5


async def test_who_proves_nothing_costs_nobody(aiohttp_client: StartClient) -> None:
    """Requests without a good token, or for another role, take nothing of any limit; open routes have none."""
    client = await start(aiohttp_client, site_with(HALL, limits=TIGHT))
    for _ in range(5):
        assert (await client.post(URL, json=question())).status == 401
        assert (await client.post("/audit/v1/searches", json={}, headers=bearer(HALL.token()))).status == 403
        assert (await client.get("/healthz")).status == 200
    assert (await ask(client)).status == 200


async def test_a_flood_does_not_fill_the_log(aiohttp_client: StartClient) -> None:
    """Refusals by a limit have as many entries a minute as others that name nobody; the rest is counted in a later one.

    None of them has a receipt without an entry.
    """
    client = await start(aiohttp_client, site_with(HALL, limits=TIGHT))
    answers = [await ask(client) for _ in range(MAX_A_MINUTE + 12)]
    assert sum(answer.status == 429 for answer in answers) == MAX_A_MINUTE + 10
    denied = await logged(client, LeafKind.DENY)
    assert len(denied) == MAX_A_MINUTE
    assert all("rate.exceeded" in one.leaf.content.reasons for one in denied)
    with_receipt = ["decision" in await one.json(content_type=None) for one in answers if one.status == 429]
    assert with_receipt == [True] * MAX_A_MINUTE + [False] * 10


# --- tokens -----------------------------------------------------------------------------------------------------------


async def test_a_token_that_works_once(aiohttp_client: StartClient) -> None:
    """The second time it is as good as none; the caller's next one works, and the operator is told why."""
    client = await start(aiohttp_client, site_with(ONCE, HALL))
    answers = [await ask(client, ONCE, jti=one) for one in ("1", "1", "2", "1")]
    assert [answer.status for answer in answers] == [200, 401, 200, 401]
    assert [(await ask(client)).status for _ in range(2)] == [200, 200]
    assert await metric(client, "gateway_sign_in_failures_total") == [
        'gateway_sign_in_failures_total{failure="repeated"} 2.0'
    ]


async def test_a_token_of_which_nobody_can_tell(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be told whether a token was used before it is not used; tokens of others work."""
    client = await start(aiohttp_client, site_with(ONCE, HALL))

    async def admit(*_: Any, **__: Any) -> bool:
        raise MarksUnavailableError(NoMark.AWAY)

    monkeypatch.setattr(MemoryMarks, "admit", admit)
    refused = await ask(client, ONCE)
    assert await reason_of(refused) == "token.unavailable"
    assert refused.headers["Retry-After"] == "5"
    assert (await ask(client)).status == 200


async def test_several_processes_without_redis(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has others beside it, and nothing that all of them know, uses no token that works once."""
    monkeypatch.setattr("gateway.metrics.Metrics.is_shared", property(lambda _: True))
    client = await start(aiohttp_client, site_with(ONCE, HALL))
    assert await reason_of(await ask(client, ONCE)) == "token.unavailable"
    assert (await ask(client)).status == 200


# --- overload ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "statuses"),
    [(0.5, [200, 200, 200]), (0.65, [503, 200, 200]), (0.9, [503, 503, 200]), (1.0, [503, 503, 503])],
)
async def test_costly_work_goes_first(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, load: float, statuses: list[int]
) -> None:
    """The more a process has to do, the cheaper what it refuses, before it reads it; watchers are always answered."""
    client = await start(aiohttp_client, site_with(HALL))
    monkeypatch.setattr(type(app_of(client)[PRESSURE]), "share", load)
    bodies = (question(bytes(400 * 1024)), question(bytes(MAX_KEY_BODY)), question())
    answers = [await ask(client, body=body) for body in bodies]
    assert [answer.status for answer in answers] == statuses
    for answer in answers:
        if answer.status == 503:
            assert await reason_of(answer) == "busy"
            assert int(answer.headers["Retry-After"]) >= 1
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert (await client.get(path)).status == 200
    shed = await metric(client, "gateway_shed_total")
    assert len(shed) == [answer.status for answer in answers].count(503)


async def test_a_body_without_a_length(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that comes in chunks may be of any size, and is taken for a large one."""
    client = await start(aiohttp_client, site_with(HALL))
    monkeypatch.setattr(type(app_of(client)[PRESSURE]), "share", 0.65)
    connection = await RawConnection.open(client)
    await connection.send_head(HALL.token(), "Content-Type: application/json", "Transfer-Encoding: chunked")
    assert await connection.read_status() == 503
    await connection.close()


async def test_strangers_shed_nobody(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of nobody known have a room of their own: when it is full only such are refused, and no watcher."""
    site = site_with(HALL)
    audit = replace(site.settings.audit, auditing=replace(site.settings.audit.auditing, public=True))
    client = await start(aiohttp_client, replace(site, settings=replace(site.settings, audit=audit)))
    paths = ("/log/2026-h1/checkpoint", f"/witness/v1/{'0' * 64}/checkpoint")
    assert [(await client.get(path)).status for path in paths] == [404, 404]
    monkeypatch.setattr(type(app_of(client)[PRESSURE]), "is_full_of_unsigned", True)
    for path in paths:
        assert await reason_of(await client.get(path)) == "busy"
    assert (await ask(client)).status == 200
    assert (await client.get("/healthz")).status == 200
    assert await metric(client, "gateway_shed_total") == ['gateway_shed_total{work="unsigned"} 2.0']


async def test_entries_that_wait_are_a_load(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """While more entries wait for the log than may, nothing more is asked for one."""
    client = await start(aiohttp_client, site_with(HALL, shedding=SheddingSettings(log_waiting=1)))
    append, held = type(app_of(client)[LOG]).append, asyncio.Event()

    async def wait(log: Any, draft: Any) -> Any:
        await held.wait()
        return await append(log, draft)

    monkeypatch.setattr(type(app_of(client)[LOG]), "append", wait)
    first = asyncio.create_task(ask(client))
    await until(lambda: app_of(client)[PRESSURE].is_too_much(Work.KEY))
    assert await reason_of(await ask(client)) == "busy"
    held.set()
    assert (await first).status == 200
    assert (await ask(client)).status == 200


# --- with Redis -------------------------------------------------------------------------------------------------------


async def test_two_gateways_count_together(
    aiohttp_client: StartClient, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one gateway lets in counts for the other; while Redis is away limits are counted alone, tokens not used."""
    monkeypatch.setattr("gateway.counts_site._read_secret", lambda _: b"of both")
    site = site_with(HALL, ONCE, limits=TIGHT)
    reach = access(redis_server, command_seconds=0.5)
    site = replace(site, settings=replace(site.settings, redis=reach.settings), redis=reach)
    now = datetime.now(UTC)  # as Redis has it
    gateways = [await start(aiohttp_client, site, now=now) for _ in range(2)]
    assert [(await ask(gateway, at=now)).status for gateway in (*gateways, *gateways)] == [200, 200, 429, 429]
    assert [(await ask(gateway, ONCE, at=now)).status for gateway in gateways] == [200, 401]
    await off_loop(redis_server.kill)
    assert [(await ask(gateway, at=now)).status for gateway in (*gateways, *gateways)] == [200, 200, 200, 200]
    assert await reason_of(await ask(gateways[0], ONCE, jti="2", at=now)) == "token.unavailable"
    assert (await ask(gateways[0], at=now)).status == 429
