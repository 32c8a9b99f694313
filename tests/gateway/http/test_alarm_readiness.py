"""Operators see whether the rules of alarms keep up and can judge: in readiness and in metrics."""

from dataclasses import replace

import msgspec
import pytest

from gateway.app import create_app, server_options
from gateway.audit.alarms.detector import CALENDAR, Blindness
from gateway.audit.alarms.reading import AlarmRules
from gateway.audit.alarms.rule import RuleKind, make_rule
from gateway.audit.alarms.watch import AlarmStanding, AlarmWatch
from gateway.http.messages.readiness import NotJudged, Readiness
from tests.support.callers import NOW, make_site
from tests.support.http import Client, GatewayTestServer, StartClient, start

STANDING = AlarmStanding(
    since=None,
    evaluated=int(NOW.timestamp() * 1000),
    waiting=0,
    is_behind=False,
    is_failing=False,
    is_open=3,
    blind=frozenset(),
)


async def start_watched(aiohttp_client: StartClient) -> Client:
    """Start a gateway with one rule."""
    site = replace(make_site(), alarms=AlarmRules(rules=(make_rule(RuleKind.BURST),)))
    server = GatewayTestServer(create_app(site, clock=lambda: NOW))
    await server.start_server(**server_options(site.settings.http))
    return await aiohttp_client(server)


async def look(client: Client) -> tuple[Readiness, str]:
    """Return what operators are told."""
    ready = msgspec.convert(await (await client.get("/readyz")).json(), Readiness)
    return ready, await (await client.get("/metrics")).text()


async def test_a_watch_that_keeps_up(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness says when the last entry was written that was evaluated; how many alarms are open it does not say."""
    monkeypatch.setattr(AlarmWatch, "standing", lambda _: STANDING)
    ready, metrics = await look(await start_watched(aiohttp_client))
    assert ready.alarms is not None
    assert (ready.alarms.evaluated, ready.alarms.behind, ready.alarms.not_judged) == ("2026-03-01T04:00:00Z", False, [])
    assert "3" not in msgspec.json.encode(replace_time(ready)).decode()
    assert "tongban_audit_alarms_evaluated_timestamp_seconds 1.7723376e+09" in metrics
    assert "tongban_audit_alarms_behind 0.0" in metrics


def replace_time(ready: Readiness) -> object:
    """Return what is said of the alarms, without the time."""
    assert ready.alarms is not None
    return msgspec.structs.replace(ready.alarms, evaluated=None)


@pytest.mark.parametrize(
    ("change", "metric", "words"),
    [
        ({"is_behind": True}, "tongban_audit_alarms_behind 1.0", "behind the log"),
        ({"is_failing": True}, "tongban_audit_alarms_behind 1.0", "behind the log"),
        ({"blind": frozenset({Blindness(CALENDAR, "2027")})}, "tongban_audit_alarms_blind 1.0", "calendar"),
        ({"waiting": 7, "evaluated": None}, "tongban_audit_alarms_waiting 7.0", "are evaluated"),
    ],
)
async def test_a_watch_that_does_not(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], metric: str, words: str
) -> None:
    """That rules are behind, fail, or lack a calendar is said in words and in numbers; the gateway stays ready."""
    standing = replace(STANDING, **change)  # type: ignore[arg-type]  # of a standing
    monkeypatch.setattr(AlarmWatch, "standing", lambda _: standing)
    ready, metrics = await look(await start_watched(aiohttp_client))
    assert ready.alarms is not None
    assert (ready.ready, metric in metrics, words in ready.alarms.en) == (True, True, True)
    assert ready.alarms.not_judged == [NotJudged(what=one.what, which=one.which) for one in standing.blind]


async def test_without_rules(aiohttp_client: StartClient) -> None:
    """A site without rules has nothing to say about alarms."""
    ready, _ = await look(await start(aiohttp_client, make_site()))
    assert ready.alarms is None
