"""Showing a licence by a code over HTTP: who is given one, what it is worth, once, and what is said of it."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from adapters.identifier import parse_identifier
from adapters.licence import Licence
from gateway.app import create_app, server_options
from gateway.audit.leaf import LeafKind
from gateway.callers import CallerId, CallerRole
from gateway.http.messages.answers import VerificationAnswer
from gateway.http.messages.presentations import PresentationAnswer
from gateway.http.messages.problems import ProblemDocument
from gateway.http.problems import PROBLEMS, ProblemKind
from gateway.pipeline import Verified
from gateway.presentations.desk import MAX_OF_HOLDER
from gateway.settings import PolicySettings
from gateway.shared.settings import RedisAccess
from gateway.sources.errand import Errand
from gateway.sources.source import (
    ByIdentifier,
    Found,
    LicenceKey,
    SystemFault,
    SystemUnavailableError,
    by_number,
    index_licence,
)
from policies.dimension import LicenceStatus
from tests.support.callers import NOW, make_party, make_site
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer
from tests.support.redis_servers import RedisServer, access, off_loop
from tests.support.sharing import (
    ADULT,
    CHILD,
    NOTARY,
    REAL_ESTATE,
    SECRET,
    Register,
    asked,
    caller,
    in_force,
    logged,
    make_licence,
    verified,
)

PRESENTATIONS = "/holder/v1/presentations"
PLATFORM = make_party(id=CallerId("identity"), role=CallerRole.IDENTITY_PROVIDER)
COUNTER = caller("counter", organisation_name_zh="示例市不动产登记中心")
MINE = {"number": "ID-0001", "type": "居民身份证"}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


class Store(Register):
    """A store of one licence, which is found by its identifier too, and whose status a test sets."""

    def __init__(self, licence: Licence) -> None:
        super().__init__(licence)
        self.is_away = False

    def set_status(self, status: LicenceStatus) -> None:
        """Change how it stands."""
        self._status = status

    async def find(self, key: LicenceKey, errand: Errand) -> Found:
        """Find it by either."""
        if self.is_away:
            raise SystemUnavailableError(SystemFault.UNREACHABLE, "system:other", "timeout")
        index = index_licence(self._licence)
        if isinstance(key, ByIdentifier) and key.identifier == index.identifier:
            return await super().find(by_number(self._licence.number, self._licence.name), errand)
        return await super().find(key, errand)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store(make_licence())


async def start(
    aiohttp_client: StartClient,
    clock: Clock,
    store: Store,
    *,
    licence: Licence | None = None,
    redis: RedisAccess | None = None,
) -> Client:
    site = make_site([COUNTER, PLATFORM])
    settings = replace(site.settings, policy=PolicySettings(match_floor_milliseconds=0))
    if redis is not None:
        settings = replace(settings, redis=redis.settings)
    site = replace(site, settings=settings, redis=redis)

    def verify(data: bytes, **_: Any) -> Verified:
        return verified(None if data == b"decoy" else licence or make_licence())

    app = create_app(site, clock=clock, verify=verify, licences=store, policy=in_force())
    server = GatewayTestServer(app)
    await server.start_server(**server_options(site.settings.http))
    return await aiohttp_client(server)


async def draw(client: Client, clock: Clock, *, holder: str = ADULT, **body: Any) -> tuple[int, dict[str, Any]]:
    """Ask for a code; of the claims of the token ``assurance`` and ``acting_for`` may be said."""
    claims = {"holder": holder, "assurance": "real-person"}
    claims |= {name: body.pop(name) for name in ("assurance", "acting_for") if name in body}
    response = await client.post(PRESENTATIONS, json=body, headers=bearer(PLATFORM.token(clock.now, more=claims)))
    content = await response.json(content_type=None)
    msgspec.convert(content, PresentationAnswer if response.status == 200 else ProblemDocument)
    return response.status, content


async def code_of(client: Client, clock: Clock, **body: Any) -> str:
    status, content = await draw(client, clock, **(MINE | body))
    assert status == 200, content
    return str(content["code"])


async def use(client: Client, clock: Clock, code: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    body = asked(**changes) | {"licence": {"code": code}}
    response = await client.post(URL, json=body, headers=bearer(COUNTER.token(clock.now)))
    content = await response.json(content_type=None)
    msgspec.convert(content, VerificationAnswer if response.status == 200 else ProblemDocument)
    return response.status, content


# --- what a code is worth ---------------------------------------------------------------------------------------------


async def test_a_licence_is_shown(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """A code is good for one question, which is answered as any is; the log ties both together, and names nobody."""
    client = await start(aiohttp_client, clock, store)
    status, given = await draw(client, clock, **MINE)
    assert status == 200
    assert given["expires"] == "2026-03-01T04:05:00Z"
    assert given["qr"] == "URN:TONGBAN:PRESENTATION:" + given["code"].replace("-", "")
    status, answer = await use(client, clock, given["code"])
    assert (status, answer["outcome"], answer["status"]) == (200, "valid", "active")
    assert answer["fields"]["holder_name"]["form"] == "plain"
    status, again = await use(client, clock, given["code"])
    assert (status, again["reason"]) == (404, "licence.code-unknown")
    drawn, shown, refused = await logged(client)
    assert drawn.leaf.content.kind is LeafKind.CONSENT
    assert drawn.leaf.content.more == {"action": "present", "consent": given["decision"]}
    assert (drawn.leaf.content.caller, drawn.part.subjects) == ("identity", (ADULT,))
    assert shown.leaf.content.kind is LeafKind.ACCESS  # nobody asked whether it is somebody's
    assert shown.leaf.content.reasons == ("presented",)
    assert shown.part.subjects == (ADULT,)
    assert f"presentation={given['decision']}" in shown.part.context
    assert refused.leaf.content.reasons == ("licence.code-unknown",)
    assert refused.part.subjects == ()
    told = json.dumps([given, again])
    assert ADULT not in told
    assert MINE["number"] not in told


async def test_the_holder_is_told(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """Among those who looked at theirs holders find whom they showed it to; that a code was drawn is no look."""
    client = await start(aiohttp_client, clock, store)
    await use(client, clock, await code_of(client, clock))
    clock.now += timedelta(minutes=1)
    token = PLATFORM.token(clock.now, more={"holder": ADULT, "assurance": "real-person"})
    response = await client.post("/holder/v1/accesses", json={}, headers=bearer(token))
    [line] = (await response.json())["accesses"]
    assert "查询了居民身份证。该证照由持证人出示亮证码。按共享策略" in line["why"]


async def test_it_is_judged_when_it_is_used(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """A licence that was revoked after its holder drew a code is not in force."""
    client = await start(aiohttp_client, clock, store)
    code = await code_of(client, clock)
    store.set_status(LicenceStatus.REVOKED)
    status, answer = await use(client, clock, code)
    assert (status, answer["outcome"], answer["reasons"]) == (200, "invalid", ["status.revoked"])


async def test_a_batch_takes_codes(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """Lines of a batch use codes as questions do, what a QR code says too; of two with one code one is answered."""
    client = await start(aiohttp_client, clock, store)
    _, given = await draw(client, clock, **MINE)
    lines = [json.dumps(asked() | {"licence": {"code": code}}) for code in (given["qr"], given["code"].lower())]
    headers = bearer(COUNTER.token()) | {"Content-Type": "application/x-ndjson"}
    response = await client.post(f"{URL}/batch", data="\n".join(lines).encode(), headers=headers)
    answers = [json.loads(line) for line in (await response.text()).splitlines()]
    assert sorted(str(one.get("outcome", one["status"])) for one in answers) == ["404", "valid"]


async def test_no_refusal_tells_why(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """A code that was used, is over, serves another item, or was never given, is refused in the same words."""
    client = await start(aiohttp_client, clock, store)
    used, over = await code_of(client, clock), await code_of(client, clock, seconds=30)
    other = await code_of(client, clock, items=[NOTARY])
    assert (await use(client, clock, used))[0] == 200
    clock.now += timedelta(seconds=30)
    refusals = [await use(client, clock, code) for code in (used, over, other, other, "0" * 26, "no code", "长期")]
    varying = {"request_id", "decision"}
    assert {status for status, _ in refusals} == {404}
    told = [{name: value for name, value in content.items() if name not in varying} for _, content in refusals]
    assert told == [told[0]] * len(told)
    assert [place["path"] for place in told[0]["errors"]] == ["$.licence.code"]


async def test_items_of_a_code(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """A code for an item is good for that item; an item that the policy does not have is refused."""
    client = await start(aiohttp_client, clock, store)
    code = await code_of(client, clock, items=[NOTARY, REAL_ESTATE])
    assert (await use(client, clock, code))[0] == 200
    status, content = await draw(client, clock, **MINE, items=[REAL_ESTATE, "no-item"])
    assert (status, content["errors"][0]["path"]) == (422, "$.items[1]")


async def test_by_identifier(aiohttp_client: StartClient, clock: Clock) -> None:
    """A licence is shown by its identifier too, as that of its holder."""
    identifier = "1.2.156.3005.2.11100000000013338W011.11100000000013338W.ID0001.001.1"
    licence = make_licence(identifier=parse_identifier(identifier))
    client = await start(aiohttp_client, clock, Store(licence), licence=licence)
    status, given = await draw(client, clock, identifier=identifier)
    assert status == 200
    assert (await use(client, clock, given["code"]))[1]["outcome"] == "valid"
    status, content = await draw(client, clock, identifier=identifier, holder=CHILD)
    assert (status, content["reason"]) == (404, "presentation.no-licence")


# --- who is given one -------------------------------------------------------------------------------------------------


async def test_nobody_shows_what_is_anothers(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """A licence of another holder is refused as one that does not exist, with an entry about who tried."""
    client = await start(aiohttp_client, clock, store)
    refusals = [
        await draw(client, clock, holder=CHILD, **MINE),
        await draw(client, clock, number="ID-0002", type="居民身份证"),
    ]
    assert [(status, content["reason"]) for status, content in refusals] == [(404, "presentation.no-licence")] * 2
    tried, _ = await logged(client, LeafKind.DENY)
    assert tried.part.subjects == (CHILD,)


async def test_representatives(aiohttp_client: StartClient, clock: Clock) -> None:
    """Whoever acts for a ward shows the ward's licences; the entry is about both."""
    licence = make_licence(holders=(replace(make_licence().holders[0], code=CHILD),))
    client = await start(aiohttp_client, clock, Store(licence), licence=licence)
    assert (await draw(client, clock, acting_for=CHILD, **MINE))[0] == 200
    [drawn] = await logged(client, LeafKind.CONSENT)
    assert drawn.part.subjects == (CHILD, ADULT)


async def test_what_is_refused(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """A licence is named in one way, a code is good for ten minutes at most, and drawn in person."""
    client = await start(aiohttp_client, clock, store)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "$"),
        ({**MINE, "identifier": "1"}, "$"),
        ({"number": "1"}, "$.type"),
        ({**MINE, "seconds": 601}, "$.seconds"),
        ({**MINE, "items": []}, "$.items"),
        ({**MINE, "code": "1"}, "$.code"),
    ]
    for body, place in wrong:
        status, content = await draw(client, clock, **body)
        assert (status, [one["path"] for one in content["errors"]]) == (422, [place])
    status, content = await draw(client, clock, **MINE, assurance="real-name")
    assert (status, content["reason"]) == (403, "holder.assurance-too-low")


async def test_business_systems_draw_none(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """Only an identity platform vouches for holders."""
    client = await start(aiohttp_client, clock, store)
    response = await client.post(PRESENTATIONS, json=MINE, headers=bearer(COUNTER.token()))
    assert response.status == 403


async def test_too_many(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """A holder who tries again and again is told to wait, so that nobody searches for licences."""
    client = await start(aiohttp_client, clock, store)
    tries = [await draw(client, clock, number=f"ID-{place}", type="居民身份证") for place in range(MAX_OF_HOLDER + 1)]
    assert [status for status, _ in tries] == [404] * MAX_OF_HOLDER + [429]
    assert tries[-1][1]["reason"] == "presentation.too-many"


async def test_a_source_that_is_away(aiohttp_client: StartClient, clock: Clock, store: Store) -> None:
    """Where nobody can say whether there is such a licence, no code is given, and it is not said that there is none."""
    client = await start(aiohttp_client, clock, store)
    store.is_away = True
    status, content = await draw(client, clock, **MINE)
    assert (status, content["reason"]) == (503, "presentation.unavailable")


# --- several processes ------------------------------------------------------------------------------------------------


async def test_workers_without_redis(
    aiohttp_client: StartClient, clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where other processes would not know of a code none is given, and none is taken."""
    monkeypatch.setattr("gateway.metrics.Metrics.is_shared", property(lambda _: True))
    client = await start(aiohttp_client, clock, store)
    monkeypatch.undo()
    for status, content in (await draw(client, clock, **MINE), await use(client, clock, "0" * 26)):
        assert (status, content["reason"]) == (503, "presentation.unavailable")
        assert status == PROBLEMS[ProblemKind.PRESENTATION_UNAVAILABLE].status


async def test_two_gateways_on_one_redis(
    aiohttp_client: StartClient,
    clock: Clock,
    store: Store,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A code of one gateway is good at the other, and of both that try at once one wins; without Redis none is."""
    monkeypatch.setattr("gateway.counts_site._read_secret", lambda _: SECRET)
    one, other = [
        await start(aiohttp_client, clock, store, redis=access(redis_server, command_seconds=0.5)) for _ in range(2)
    ]
    for _ in range(3):
        code = await code_of(one, clock)
        answers = await asyncio.gather(use(one, clock, code), use(other, clock, code))
        assert sorted(status for status, _ in answers) == [200, 404]
    await off_loop(redis_server.kill)
    for status, content in (await draw(one, clock, **MINE), await use(other, clock, "0" * 26)):
        assert (status, content["reason"]) == (503, "presentation.unavailable")
