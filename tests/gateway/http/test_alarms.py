"""Alarms over HTTP, and by the command that speaks it: who may list and judge them, and that all of it is logged."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.audit.alarms.alarm import Alarm, Target, draft_alarms, name_alarm
from gateway.audit.alarms.observed import Place
from gateway.audit.alarms.reading import AlarmRules
from gateway.audit.alarms.rule import RuleKind, make_rule
from gateway.audit.alarms.words import Severity
from gateway.audit.book.book import LogBook
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.http.messages.alarms import AlarmsAnswer, VerdictAnswer
from tests.support.alarms import KEY
from tests.support.auditors import AUDITOR, CHIEF, HALL, post, start_auditing
from tests.support.callers import NOW
from tests.support.cli import tongban
from tests.support.http import Client, StartClient

ALARMS = "/audit/v1/alarms"
VERDICTS = "/audit/v1/alarms/verdicts"
MS = int(NOW.timestamp() * 1000)
FOUND = [
    Alarm(rule="burst", severity=Severity.HIGH, t=MS, evidence=(Place("2026h1", 3), Place("2026h1", 4))),
    Alarm(rule="off-hours", severity=Severity.LOW, t=MS, evidence=(Place("2026h1", 5),)),
]
NAMES = [str(name_alarm(alarm, KEY)) for alarm in FOUND]
HIDDEN = {"action": "alarms", "target": "log"}


async def start(aiohttp_client: StartClient, **more: Any) -> tuple[Client, LogBook]:
    """Start a gateway whose log tells of two alarms."""
    client, log = await start_auditing(aiohttp_client, **more)
    draft, count = draft_alarms(FOUND, KEY)
    assert count == len(FOUND)
    await log.append(draft)
    return client, log


async def listed(client: Client, **asked: Any) -> AlarmsAnswer:
    """Return what an auditor is shown."""
    status, content = await post(client, ALARMS, asked)
    assert status == 200, content
    return msgspec.convert(content, AlarmsAnswer)


async def test_alarms_are_listed_and_the_look_is_logged(aiohttp_client: StartClient) -> None:
    """The newest alarm comes first, with the entries that show it; the question is an entry before the answer."""
    client, log = await start(aiohttp_client)
    answer = await listed(client)
    assert [one.alarm for one in answer.alarms] == NAMES[::-1]
    first = answer.alarms[1]
    assert (first.rule, first.severity, first.state, first.found_at) == (
        "burst",
        "high",
        "open",
        "2026-03-01T04:00:00Z",
    )
    assert [(one.log, one.index) for one in first.evidence] == [("2026h1", 3), ("2026h1", 4)]
    assert (first.zh, first.en) == (None, None)  # this site has no such rule
    logged = parse_leaf(log.reader().leaf(answer.receipt.index)).content
    assert (logged.kind, logged.caller, logged.more["count"]) == (LeafKind.AUDITOR_QUERY, "auditor", 2)
    leaf = parse_leaf(log.reader().leaf(first.entry.index)).content
    assert (leaf.more, leaf.reasons) == (HIDDEN, ())


async def test_the_look_says_which_alarms(aiohttp_client: StartClient) -> None:
    """The private part of the entry about a list says of which rule, and whether of those that are open."""
    client, log = await start(aiohttp_client)
    for asked, said in (
        ({"rule": "burst", "scope": "all"}, ("kind=admin", "scope=all", "rule=burst")),
        ({}, ("kind=admin", "scope=open")),
    ):
        answer = await listed(client, **asked)
        query = Query(kinds=frozenset({LeafKind.AUDITOR_QUERY}))
        [found] = LogSearch.of(log.reader()).find(query, limit=1).entries
        assert found.index == answer.receipt.index
        assert found.private is not None
        assert found.private.part.context == said


async def test_rules_of_the_site_say_what_they_found(aiohttp_client: StartClient) -> None:
    """Where the site has the rule, its sentence comes along in both languages."""
    rule = make_rule(RuleKind.BURST)
    client, _ = await start(aiohttp_client, alarms=AlarmRules(rules=(rule,)))
    [_, burst] = (await listed(client)).alarms
    assert (burst.zh, burst.en) == tuple(rule.sentence)


async def test_a_verdict_closes_an_alarm(aiohttp_client: StartClient) -> None:
    """What an auditor makes of an alarm is an entry by that auditor; its note is not shown in the list."""
    client, log = await start(aiohttp_client)
    body = {"alarm": NAMES[0], "verdict": "needs-inquiry", "note": "已致电窗口"}
    status, content = await post(client, VERDICTS, body)
    assert status == 200
    given = msgspec.convert(content, VerdictAnswer)
    leaf = parse_leaf(log.reader().leaf(given.receipt.index)).content
    assert (leaf.kind, leaf.caller, leaf.reasons) == (LeafKind.ADMIN, "auditor", ("needs-inquiry",))
    assert leaf.more["target"] == leaf.req == Target.parse(NAMES[0]).id
    assert [one.state for one in (await listed(client)).alarms] == ["open", "needs-inquiry"]
    await post(client, VERDICTS, {"alarm": NAMES[0], "verdict": "justified"}, CHIEF)
    assert [one.alarm for one in (await listed(client)).alarms] == NAMES[1:]
    everything = await listed(client, scope="all", rule="burst")
    [one] = everything.alarms
    assert [(given.verdict, given.auditor) for given in one.verdicts] == [
        ("needs-inquiry", "auditor"),
        ("justified", "chief"),
    ]
    assert "已致电窗口" not in msgspec.json.encode(everything).decode()


async def test_pages(aiohttp_client: StartClient) -> None:
    """The cursor leads to older alarms."""
    client, _ = await start(aiohttp_client)
    first = await listed(client, limit=1)
    second = await listed(client, limit=1, cursor=first.cursor)
    assert [one.alarm for page in (first, second) for one in page.alarms] == NAMES[::-1]


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (ALARMS, {"cursor": "x"}, "$.cursor"),
        (ALARMS, {"rule": "Burst"}, "$.rule"),
        (ALARMS, {"limit": 0}, "$.limit"),
        (ALARMS, {"scope": "closed"}, "$.scope"),
        (ALARMS, {"since": "2026-03-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "$"),
        (VERDICTS, {"alarm": "burst:" + "0" * 32, "verdict": "justified"}, "$.alarm"),
        (VERDICTS, {"alarm": NAMES[0].replace("burst", "bursts"), "verdict": "justified"}, "$.alarm"),
        (VERDICTS, {"alarm": "burst", "verdict": "justified"}, "$.alarm"),
        (VERDICTS, {"alarm": NAMES[0], "verdict": "fine"}, "$.verdict"),
        (VERDICTS, {"alarm": NAMES[0], "verdict": "justified", "note": "x" * 501}, "$.note"),
        (VERDICTS, {"alarm": NAMES[0], "verdict": "justified", "note": "a\0b"}, "$.note"),
    ],
)
async def test_what_is_refused(aiohttp_client: StartClient, path: str, body: dict[str, Any], place: str) -> None:
    """What asks for nothing, or names no alarm of this log, is refused with its place."""
    client, _ = await start(aiohttp_client)
    status, content = await post(client, path, body)
    assert (status, content["errors"][0]["path"]) == (422, place)


@pytest.mark.parametrize("path", [ALARMS, VERDICTS])
async def test_only_auditors(aiohttp_client: StartClient, path: str) -> None:
    """Nobody else is told of alarms, or judges them."""
    client, _ = await start(aiohttp_client)
    status, content = await post(client, path, {}, HALL)
    assert (status, content["reason"]) == (403, "role.not-allowed")


@pytest.mark.parametrize(("path", "body"), [(ALARMS, {}), (VERDICTS, {"alarm": NAMES[0], "verdict": "justified"})])
async def test_no_answer_without_an_entry(aiohttp_client: StartClient, path: str, body: dict[str, Any]) -> None:
    """Where the log takes no entry, nothing is told."""
    client, log = await start(aiohttp_client)
    log.freeze(LogUnavailableError(Unavailable.FORKED))
    status, content = await post(client, path, body)
    assert (status, content["reason"]) == (503, "log.unavailable")


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """Return the file of an auditor's token, beside that of a note."""
    (tmp_path / "note").write_text("夜间值班查询，属实。\n", encoding="utf-8")
    (tmp_path / "token").write_text(AUDITOR.token() + "\n")
    return tmp_path / "token"


async def test_the_command_hands_in_a_verdict(aiohttp_client: StartClient, token: Path) -> None:
    """``tongban audit verdict`` says it as the auditor of the token; a refusal is told in words."""
    client, _ = await start(aiohttp_client)

    async def run(*more: str | Path, alarm: str = NAMES[0], token: Path = token, url: str = "") -> Any:
        where = ("--url", url or str(client.make_url("/")), "--token-file", token)
        return await asyncio.to_thread(tongban, "audit", "verdict", alarm, "justified", *where, *more)

    done = await run("--note-file", token.with_name("note"), "--json")
    assert (done.code, done.object["verdict"]) == (0, "justified")
    assert [one.alarm for one in (await listed(client)).alarms] == NAMES[1:]
    refused = await run(alarm="burst:" + "0" * 32)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("tongban: ")
    assert (await run(alarm="burst")).code == 2
    assert (await run(token=token.with_name("note"))).code == 2  # no token
    assert (await run(token=token.with_name("nothing"))).code == 2
    assert (await run(url="http://127.0.0.1:1")).code == 2
