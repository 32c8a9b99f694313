"""Auditors over HTTP: who may ask, what is answered, and that every search is an entry before its answer leaves."""

import asyncio
import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openpyxl import load_workbook

from gateway.app import create_app, server_options
from gateway.audit.entry import EntryDraft, SubjectId
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.store.store import Batch, StoredHead
from gateway.audit.tlog.tile import parse_bundle
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.callers import CallerId, CallerRole
from gateway.http.messages.auditors import SearchAnswer
from gateway.http.messages.problems import ProblemDocument
from tests.support.audit import Clock, make_draft, sqlite_setup
from tests.support.callers import NOW, Party, make_party, make_site
from tests.support.http import URL, Client, GatewayTestServer, StartClient, bearer, question

AUDITOR = make_party(id=CallerId("auditor"), role=CallerRole.AUDITOR)
CHIEF = make_party(id=CallerId("chief"), role=CallerRole.AUDITOR, may_open=True)
HALL = make_party()
SUBJECT = "11010519491231002X"
SEARCHES = "/audit/v1/searches"


class Store(MemoryStore):
    """A store that can be told to fail."""

    fails = False

    def commit(self, batch: Batch, *, expected: StoredHead | None) -> None:
        """Add a batch, or fail."""
        if self.fails:
            raise LogUnavailableError(Unavailable.DISK_FULL)
        super().commit(batch, expected=expected)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def log(tmp_path: Path, store: Store):
    clock, keys = Clock(int(NOW.timestamp() * 1000)), MemoryKeys()
    log = AccessLog(sqlite_setup(tmp_path, clock, open_store=lambda: store, open_keys=lambda: keys))

    async def fill() -> None:
        drafts = [make_draft(number) for number in range(8)]
        drafts[3] = named(drafts[3])
        await asyncio.gather(*(log.append(draft) for draft in drafts))

    asyncio.run(fill())
    yield log
    log.close()


def named(draft: EntryDraft) -> EntryDraft:
    """Return an entry about the person that tests search for, by an official whose name a spreadsheet would compute."""
    assert draft.private is not None
    return replace(draft, private=replace(draft.private, subjects=(SubjectId(SUBJECT),), official="=1+1"))


async def start(aiohttp_client: StartClient, log: AccessLog | None) -> Client:
    site = make_site([AUDITOR, CHIEF, HALL])
    server = GatewayTestServer(create_app(site, clock=lambda: NOW, log=log))
    await server.start_server(**server_options(site.settings.http))
    return await aiohttp_client(server)


async def post(client: Client, path: str, body: Any, party: Party = AUDITOR) -> tuple[int, Any]:
    response = await client.post(path, json=body, headers=bearer(party.token()))
    content = await response.json(content_type=response.content_type)
    if response.status != 200:
        msgspec.convert(content, ProblemDocument)
    return response.status, content


async def test_a_search_is_answered_and_logged(aiohttp_client: StartClient, log: AccessLog) -> None:
    """The answer has the leaf and no private part; the entry about the search stands in the log, with its receipt."""
    client = await start(aiohttp_client, log)
    status, content = await post(client, SEARCHES, {"subject": SUBJECT.lower()})
    assert status == 200
    answer = msgspec.convert(content, SearchAnswer)
    [entry] = answer.entries
    assert (entry.index, entry.private, answer.cursor, answer.size) == (3, None, None, 8)
    assert entry.leaf.encode() == log.leaf(3)
    assert SUBJECT not in json.dumps(content)
    logged = parse_leaf(log.leaf(answer.receipt.index))
    assert (logged.content.kind, logged.content.caller) == (LeafKind.AUDITOR_QUERY, "auditor")
    assert logged.content.more["count"] == 1
    found = LogSearch.of(log).find(Query(subject=SUBJECT))
    assert [one.index for one in found.entries] == [answer.receipt.index, 3]


async def test_private_parts_need_the_right_and_a_reason(aiohttp_client: StartClient, log: AccessLog) -> None:
    """Who may, and says why, sees them; the reason is logged."""
    client = await start(aiohttp_client, log)
    status, content = await post(client, SEARCHES, {"subject": SUBJECT, "reason": "投诉 12 号"}, CHIEF)
    assert status == 200
    answer = msgspec.convert(content, SearchAnswer)
    opened = answer.entries[0].private
    assert opened is not None
    assert (opened.subjects, opened.official, set(opened.salts)) == (
        [SUBJECT],
        "=1+1",
        {"op", "case", "lic", "subj", "resp"},
    )
    about = log.private(answer.receipt.index)
    assert about is not None
    assert "reason=投诉 12 号" in about.part.context
    assert (await post(client, SEARCHES, {"subject": SUBJECT}, CHIEF))[1]["entries"][1]["private"] is None
    status, content = await post(client, SEARCHES, {"subject": SUBJECT, "reason": "x"})
    assert (status, content["reason"]) == (403, "log.opening-not-allowed")


@pytest.mark.parametrize(
    ("path", "body", "count"),
    [
        (SEARCHES, {"kinds": ["access"], "caller": "approval-01"}, 8),
        (SEARCHES, {"decision": make_draft(2).leaf.req}, 1),
        (SEARCHES, {"policy": make_draft(2).leaf.policy, "form": make_draft(2).leaf.form, "item": "none"}, 0),
        (SEARCHES, {"since": "2026-03-01T12:00:00+08:00", "until": "2026-03-01T12:00:01+08:00"}, 8),
        (SEARCHES, {"until": "2026-03-01T12:00:00+08:00"}, 0),
        ("/audit/v1/cases", {"case": "2026-370000-0000002"}, 1),
        ("/audit/v1/licence-histories", {"licence": "1.2.156.3005.2.11370000MB284651.00000002"}, 1),
        ("/audit/v1/official-days", {"official": "3701000002", "day": "2026-03-01"}, 1),
        ("/audit/v1/official-days", {"official": "3701000002", "day": "2026-03-02"}, 0),
    ],
)
async def test_ways_to_search(
    aiohttp_client: StartClient, log: AccessLog, path: str, body: dict[str, Any], count: int
) -> None:
    """Each way finds what it should."""
    client = await start(aiohttp_client, log)
    status, content = await post(client, path, body)
    assert (status, len(content["entries"])) == (200, count)


async def test_pages(aiohttp_client: StartClient, log: AccessLog) -> None:
    """The cursor leads on, for the same search only; the newest entries come first."""
    client = await start(aiohttp_client, log)
    body = {"kinds": ["access"], "limit": 5}
    _, first = await post(client, SEARCHES, body)
    _, second = await post(client, SEARCHES, body | {"cursor": first["cursor"]})
    assert [entry["index"] for page in (first, second) for entry in page["entries"]] == [7, 6, 5, 4, 3, 2, 1, 0]
    status, content = await post(client, SEARCHES, {"kinds": ["deny"], "cursor": first["cursor"]})
    assert (status, content["errors"][0]["path"]) == (422, "$.cursor")


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (SEARCHES, {}, "$"),
        (SEARCHES, {"subject": "a\0b"}, "$.subject"),
        (SEARCHES, {"since": "2026-03-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "$"),
        (SEARCHES, {"since": "2026-03-01T00:00:00"}, "$.since"),
        (SEARCHES, {"kinds": ["unknown"]}, "$.kinds[0]"),
        (SEARCHES, {"caller": "c", "limit": 0}, "$.limit"),
        ("/audit/v1/official-days", {"official": "o", "day": "2026-02-30"}, "$.day"),
        ("/audit/v1/cases", {}, "$.case"),
        ("/audit/v1/exports", {"caller": "c"}, "$.format"),
    ],
)
async def test_what_is_no_search(
    aiohttp_client: StartClient, log: AccessLog, path: str, body: dict[str, Any], place: str
) -> None:
    """The place that is wrong is named, and nothing is logged."""
    client = await start(aiohttp_client, log)
    status, content = await post(client, path, body)
    assert (status, content["errors"][0]["path"]) == (422, place)
    head = log.head()
    assert head is not None
    assert head.size == 8


async def test_roles_keep_apart(aiohttp_client: StartClient, log: AccessLog) -> None:
    """Auditors use nothing else, and nobody else uses what is theirs."""
    client = await start(aiohttp_client, log)
    for path, party, body in ((SEARCHES, HALL, {"subject": SUBJECT}), (URL, AUDITOR, question())):
        status, content = await post(client, path, body, party)
        assert (status, content["reason"]) == (403, "role.not-allowed")
    response = await client.get("/log/checkpoint", headers=bearer(HALL.token()))
    assert response.status == 403
    assert (await client.get("/log/checkpoint")).status == 401
    assert (await client.get("/healthz", headers=bearer(AUDITOR.token()))).status == 200


async def test_no_answer_without_its_entry(aiohttp_client: StartClient, log: AccessLog, store: Store) -> None:
    """When the log takes no entry, nothing of what was found leaves."""
    client = await start(aiohttp_client, log)
    store.fails = True
    for path, more in ((SEARCHES, {}), ("/audit/v1/exports", {"format": "csv"})):
        status, content = await post(client, path, {"subject": SUBJECT} | more)
        assert (status, content["reason"]) == (503, "log.unavailable")
        assert "entries" not in content


async def test_a_gateway_without_a_log(aiohttp_client: StartClient) -> None:
    """Everything of the log is refused in words."""
    client = await start(aiohttp_client, None)
    assert (await post(client, SEARCHES, {"subject": SUBJECT}))[1]["reason"] == "log.unavailable"
    assert (await client.get("/log/checkpoint", headers=bearer(AUDITOR.token()))).status == 503


@pytest.mark.parametrize("opens", [True, False])
async def test_export(aiohttp_client: StartClient, log: AccessLog, *, opens: bool) -> None:
    """What was found, as a table in which nothing is a formula; search and export are entries."""
    client = await start(aiohttp_client, log)
    body = {"kinds": ["access"]} | ({"reason": "年度审计"} if opens else {})
    for form in ("csv", "xlsx"):
        response = await client.post("/audit/v1/exports", json=body | {"format": form}, headers=bearer(CHIEF.token()))
        data = await response.read()
        assert response.status == 200
        assert f'filename="entries-20260301T040000Z.{form}"' in response.headers["Content-Disposition"]
        if form == "csv":
            rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
        else:
            sheet = load_workbook(io.BytesIO(data)).worksheets[0]
            rows = [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]
        assert [row[0] for row in rows] == ["条目 entry", *map(str, range(7, -1, -1))]
        assert ("'=1+1" in rows[5], SUBJECT in rows[5]) == (opens, opens)
        head = log.head()
        assert head is not None
        query, export = (parse_leaf(log.leaf(head.size - back)).content for back in (2, 1))
        assert (query.kind, export.kind, export.more["count"]) == (LeafKind.AUDITOR_QUERY, LeafKind.EXPORT, 8)


async def test_files_of_the_log(aiohttp_client: StartClient, log: AccessLog) -> None:
    """Checkpoint, tiles and bundles are those of the log; the latter may be kept for ever."""
    client, headers = await start(aiohttp_client, log), bearer(AUDITOR.token())
    head = log.head()
    assert head is not None
    response = await client.get("/log/checkpoint", headers=headers)
    assert (await response.read(), response.headers["Cache-Control"]) == (head.checkpoint, "private, no-cache")
    response = await client.get("/log/tile/0/000.p/8", headers=headers)
    assert await response.read() == log.store.tile(0, 0)
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    response = await client.get("/log/tile/0/000.p/5", headers=headers)
    assert await response.read() == (log.store.tile(0, 0) or b"")[: 5 * 32]
    response = await client.get("/log/tile/entries/000.p/8", headers=headers)
    assert parse_bundle(await response.read(), 8) == list(log.store.leaves(0, 8))


@pytest.mark.parametrize(
    "path",
    ["0/000", "0/000.p/9", "1/000.p/1", "0/0", "9/000", "entries/000", "entries/000.p/9", "entries/x", "%2e%2e/x"],
)
async def test_files_that_the_log_does_not_have(aiohttp_client: StartClient, log: AccessLog, path: str) -> None:
    """Another path, or a tile that is not there yet, is not found."""
    client = await start(aiohttp_client, log)
    response = await client.get(f"/log/tile/{path}", headers=bearer(AUDITOR.token()))
    assert response.status == 404
