"""Openings over HTTP: two people open what one search finds, for a day, and every step is an entry."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from gateway.audit.book.auditing import Auditing
from gateway.audit.book.book import LogBook
from gateway.audit.entry import SubjectId
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.search.usage import find_usage, usage_query
from gateway.http.messages.auditors import OpeningAnswer, SearchAnswer
from tests.support.auditors import (
    AUDITOR,
    BOTH,
    CHIEF,
    HALL,
    OPENINGS,
    SECOND,
    SUBJECT,
    Moment,
    open_search,
    post,
    start_auditing,
)
from tests.support.callers import Party
from tests.support.http import StartClient

SEARCHES = "/audit/v1/searches"
TERMS = {"subject": SUBJECT}
ASKED = TERMS | {"reason": "投诉 12 号", "operator": {"id": "3701-1"}}


def head_size(log: LogBook) -> int:
    """Return how many entries there are."""
    head = log.reader().head()
    return 0 if head is None else head.size


def approval(opening: str, operator: str = "3701-2") -> dict[str, Any]:
    """Return the body of an approval."""
    return {"opening": opening, "operator": {"id": operator}}


async def test_two_people_open_a_search(aiohttp_client: StartClient) -> None:
    """Asked for and approved, private parts are shown with their salts; every step stands in the log."""
    client, log = await start_auditing(aiohttp_client)
    before = await post(client, SEARCHES, TERMS, CHIEF)
    assert before[1]["entries"][0]["private"] is None
    opening = await open_search(client, TERMS)
    status, content = await post(client, SEARCHES, TERMS | {"opening": opening}, CHIEF)
    assert status == 200
    answer = msgspec.convert(content, SearchAnswer)
    opened = answer.entries[-1].private
    assert opened is not None
    assert (opened.subjects, opened.official, set(opened.salts)) == (
        [SUBJECT],
        "=1+1",
        {"op", "case", "lic", "subj", "resp"},
    )
    index = answer.receipt.index
    said = [parse_leaf(log.reader().leaf(at)).content for at in (index - 2, index - 1, index)]
    assert [one.kind for one in said] == [LeafKind.ADMIN, LeafKind.ADMIN, LeafKind.AUDITOR_QUERY]
    assert [one.caller for one in said] == ["chief", "second", "chief"]
    assert [one.more.get("action") for one in said] == ["opening", "opening-approval", None]
    assert {said[0].req, said[1].req, said[2].more["opening"]} == {opening}


async def test_who_approves_sees_what(aiohttp_client: StartClient) -> None:
    """Before it is approved, the search and the reason are shown to whoever asked and to who may approve."""
    client, log = await start_auditing(aiohttp_client)
    _, asked = await post(client, OPENINGS, ASKED, CHIEF)
    for party in (CHIEF, SECOND):
        status, content = await post(client, f"{OPENINGS}/lookups", {"opening": asked["opening"]}, party)
        assert status == 200
        shown = msgspec.convert(content, OpeningAnswer)
        terms = TERMS | {"log": log.reader().origin}
        assert (shown.search, shown.reason, shown.caller, shown.operator) == (terms, "投诉 12 号", "chief", "3701-1")
        assert (shown.usable, shown.approved_by, shown.ends) == (False, None, "2026-03-02T04:00:00Z")
        looked = parse_leaf(log.reader().leaf(shown.receipt.index)).content
        assert (looked.kind, looked.caller) == (LeafKind.AUDITOR_QUERY, party.caller.id)
    colleague = (await post(client, f"{OPENINGS}/lookups", {"opening": asked["opening"]}, BOTH))[0]
    assert colleague == 200


@pytest.mark.parametrize(
    ("path", "body", "party", "refusal"),
    [
        ("", ASKED, AUDITOR, (403, "log.opening-not-allowed")),
        ("", ASKED, SECOND, (403, "log.opening-not-allowed")),
        ("", ASKED, HALL, (403, "role.not-allowed")),
        ("", TERMS | {"operator": {"id": "x"}}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"reason": "routine\x1b[8m"}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"reason": "turned \u202e round"}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"operator": {"id": "3701\n-1"}}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"log": "2019h1"}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"case": "2026\u202e1-"}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"official": "\x1b[8mx"}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"caller": "a\u2066b"}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"item": "i\u31641"}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"operator": {"id": "3701-1\u3164"}}, CHIEF, (422, "body.invalid")),
        ("", ASKED | {"operator": {"id": "-"}}, CHIEF, (422, "body.invalid")),
        ("/approvals", approval("0" * 26, "\u2014"), SECOND, (422, "body.invalid")),
        ("/approvals", approval("0" * 26, "3701\u200b-2"), SECOND, (422, "body.invalid")),
        ("", ASKED | {"reason": "理\0"}, CHIEF, (422, "body.invalid")),
        ("", {"reason": "r", "operator": {"id": "x"}}, CHIEF, (422, "body.invalid")),
        ("/approvals", approval("0" * 26), SECOND, (404, "log.opening-unknown")),
        ("/approvals", approval("0" * 26), CHIEF, (403, "log.opening-not-allowed")),
        ("/lookups", {"opening": "0" * 26}, AUDITOR, (403, "log.opening-not-allowed")),
        ("/lookups", {"opening": "0" * 26}, CHIEF, (404, "log.opening-unknown")),
    ],
)
async def test_what_is_refused(
    aiohttp_client: StartClient, path: str, body: dict[str, Any], party: Party, refusal: tuple[int, str]
) -> None:
    """Who may not, what is not said, and what does not exist."""
    client, _ = await start_auditing(aiohttp_client)
    status, content = await post(client, f"{OPENINGS}{path}", body, party)
    assert (status, content["reason"]) == refusal


async def test_nobody_approves_their_own(aiohttp_client: StartClient) -> None:
    """Neither with the same account nor as the same person with another one."""
    client, _ = await start_auditing(aiohttp_client)
    _, asked = await post(client, OPENINGS, ASKED, BOTH)
    same = ("3701-1", "3701\u20101", "3701\u20131", "3701 -1", "3701-1\ufe0f", "３７０１-1")
    for party, operator in ((BOTH, "3701-2"), *((SECOND, one) for one in same)):
        body = approval(asked["opening"], operator)
        status, content = await post(client, f"{OPENINGS}/approvals", body, party)
        assert (status, content["reason"]) == (403, "log.opening-same-person")
    status, content = await post(client, SEARCHES, TERMS | {"opening": asked["opening"]}, BOTH)
    assert (status, content["reason"]) == (403, "log.opening-not-approved")


@pytest.mark.parametrize(
    ("body", "party", "reason"),
    [
        (TERMS, AUDITOR, "log.opening-not-allowed"),
        (TERMS, BOTH, "log.opening-unknown"),
        (TERMS | {"caller": "approval-01"}, CHIEF, "log.opening-other-search"),
        ({"kinds": ["access"]}, CHIEF, "log.opening-other-search"),
    ],
)
async def test_what_an_opening_is_not_good_for(
    aiohttp_client: StartClient, body: dict[str, Any], party: Party, reason: str
) -> None:
    """Somebody else's use, and every other search, are refused before anything is searched for."""
    client, _ = await start_auditing(aiohttp_client)
    opening = await open_search(client, TERMS)
    for path, more in ((SEARCHES, {}), ("/audit/v1/exports", {"format": "bundle"})):
        _, content = await post(client, path, body | more | {"opening": opening}, party)
        assert content["reason"] == reason


def told(log: LogBook) -> list[int]:
    """Return which entries the person is told of."""
    return [one.index for one in find_usage(log, usage_query(SubjectId(SUBJECT)), select_rule=lambda _: None).uses]


async def test_what_is_refused_says_what_was_tried(aiohttp_client: StartClient) -> None:
    """A refused search is an entry as any search; whoever searches for the same person sees it, the person does not."""
    client, log = await start_auditing(aiohttp_client)
    told_before = told(log)
    opening = await open_search(client, {"caller": "approval-01"})
    for party, reason in ((AUDITOR, "log.opening-not-allowed"), (CHIEF, "log.opening-other-search")):
        before = head_size(log)
        _, refused = await post(client, SEARCHES, TERMS | {"opening": opening}, party)
        assert (refused["reason"], head_size(log)) == (reason, before + 1)
        content = parse_leaf(log.reader().leaf(before)).content
        assert (content.kind, content.outcome, content.reasons) == (LeafKind.AUDITOR_QUERY, "refused", (reason,))
        assert (content.req, content.more["opening"], content.more["count"]) == (refused["decision"], opening, 0)
        assert content.caller == party.caller.id
        found = LogSearch.of(log.reader()).find(Query(subject=SubjectId(SUBJECT)), limit=1).entries[0]
        assert (found.index, found.private is not None) == (before, True)
    assert told(log) == told_before


async def test_approving_again_changes_nothing(aiohttp_client: StartClient) -> None:
    """However often it is approved, there is one approval, and whoever asked can use it."""
    client, log = await start_auditing(aiohttp_client)
    opening = await open_search(client, TERMS)
    for _ in range(3):
        status, content = await post(client, f"{OPENINGS}/approvals", approval(opening), SECOND)
        assert (status, content["approved_by"], content["usable"]) == (200, "second", True)
        assert content["receipt"]["index"] == head_size(log) - 1
    query = Query(decision=opening, kinds=frozenset({LeafKind.ADMIN}))
    assert len(LogSearch.of(log.reader()).find(query).entries) == 2
    assert (await post(client, SEARCHES, TERMS | {"opening": opening}, CHIEF))[0] == 200


async def test_an_opening_is_for_one_half_year(aiohttp_client: StartClient) -> None:
    """What was approved for the half-year that is written opens nothing of another one; each can be asked for."""
    moment = Moment()
    client, log = await start_auditing(aiohttp_client, clock=moment)
    [old] = log.shards()
    moment.now += timedelta(days=200)
    await post(client, SEARCHES, TERMS, CHIEF, moment=moment)  # the first entry turns the log
    for asked_for, expected in (({}, 403), ({"log": old}, 200)):
        _, asked = await post(client, OPENINGS, ASKED | asked_for, CHIEF, moment=moment)
        assert asked["search"]["log"].endswith(f"/{asked_for.get('log', log.shards()[-1])}")
        await post(client, f"{OPENINGS}/approvals", approval(asked["opening"]), SECOND, moment=moment)
        body = TERMS | {"opening": asked["opening"], "log": old}
        status, content = await post(client, SEARCHES, body, CHIEF, moment=moment)
        assert (status, content.get("reason")) == (expected, None if expected == 200 else "log.opening-other-search")


async def test_an_opening_ends(aiohttp_client: StartClient) -> None:
    """A day after the approval nothing is opened, and a day after the request nothing can be approved."""
    moment = Moment()
    client, _ = await start_auditing(aiohttp_client, clock=moment)
    opening = await open_search(client, TERMS)
    _, late = await post(client, OPENINGS, ASKED, CHIEF)
    moment.now += timedelta(hours=24)
    status, content = await post(client, SEARCHES, TERMS | {"opening": opening}, CHIEF, moment=moment)
    assert (status, content["reason"]) == (403, "log.opening-over")
    status, content = await post(client, f"{OPENINGS}/approvals", approval(late["opening"]), SECOND, moment=moment)
    assert (status, content["reason"]) == (403, "log.opening-over")


async def test_a_small_site_lets_one_person(aiohttp_client: StartClient) -> None:
    """With one opener, whoever asked may open at once, still with a reason that is logged."""
    client, _ = await start_auditing(aiohttp_client, auditing=Auditing(openers=1))
    status, asked = await post(client, OPENINGS, ASKED, CHIEF)
    assert (status, asked["usable"], asked["approved_by"]) == (200, True, None)
    status, content = await post(client, SEARCHES, TERMS | {"opening": asked["opening"]}, CHIEF)
    assert status == 200
    assert content["entries"][-1]["private"]["subjects"] == [SUBJECT]
