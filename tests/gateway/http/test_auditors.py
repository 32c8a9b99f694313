"""Auditors over HTTP: who may ask, what is answered, and that every search is an entry before its answer leaves."""

import asyncio
import csv
import io
import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import msgspec
import pytest
from openpyxl import load_workbook

from gateway.audit.book.auditing import Auditing
from gateway.audit.book.book import LogBook
from gateway.audit.entry import EntryDraft, commit_private, fit_subject, make_private
from gateway.audit.finding.package import parse_package
from gateway.audit.finding.verifier import PackageSource, verify_finding
from gateway.audit.leaf import LeafDraft, LeafKind, parse_leaf
from gateway.audit.search.query import Query
from gateway.audit.search.search import LogSearch
from gateway.audit.store.memory import MemoryStore
from gateway.audit.tlog.quorum import Policy, PolicyLog
from gateway.audit.tlog.tile import parse_bundle
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.verify.finding import FindingKind
from gateway.http import auditors
from gateway.http.messages.auditors import SearchAnswer
from gateway.http.problems import ProblemError
from gateway.http.state import BUDGET, LANES
from tests.support.audit import make_draft
from tests.support.auditors import AUDITOR, CHIEF, ENTRIES, HALL, SUBJECT, open_search, post, start_auditing
from tests.support.callers import NOW
from tests.support.http import URL, Client, StartClient, bearer, question

SEARCHES = "/audit/v1/searches"
EXPORTS = "/audit/v1/exports"
ACCESSES = {"kinds": ["access"]}


def size_of(log: LogBook) -> int:
    """Return how many entries there are."""
    head = log.reader().head()
    return 0 if head is None else head.size


def content_of(log: LogBook, index: int) -> LeafDraft:
    """Return what an entry says."""
    return parse_leaf(log.reader().leaf(index)).content


async def test_a_search_is_answered_and_logged(aiohttp_client: StartClient) -> None:
    """The answer has the leaf and no private part; the entry about the search stands in the log, with its receipt."""
    client, log = await start_auditing(aiohttp_client)
    before = size_of(log)
    status, content = await post(client, SEARCHES, {"subject": SUBJECT.lower()})
    assert status == 200
    answer = msgspec.convert(content, SearchAnswer)
    [entry] = answer.entries
    assert (entry.private, answer.cursor, answer.size) == (None, None, before)
    assert entry.leaf.encode() == log.reader().leaf(entry.index)
    assert SUBJECT not in json.dumps(content)
    logged = content_of(log, answer.receipt.index)
    assert (logged.kind, logged.caller, logged.more["count"]) == (LeafKind.AUDITOR_QUERY, "auditor", 1)
    found = LogSearch.of(log.reader()).find(Query(subject=SUBJECT))
    assert [one.index for one in found.entries] == [answer.receipt.index, entry.index]


@pytest.mark.parametrize(
    ("path", "body", "count"),
    [
        (SEARCHES, ACCESSES | {"caller": "approval-01"}, ENTRIES),
        (SEARCHES, {"decision": make_draft(2).leaf.req}, 1),
        (SEARCHES, {"policy": make_draft(2).leaf.policy, "form": make_draft(2).leaf.form, "item": "none"}, 0),
        (SEARCHES, ACCESSES | {"since": "2026-03-01T12:00:00+08:00", "until": "2026-03-01T12:00:01+08:00"}, ENTRIES),
        (SEARCHES, {"until": "2026-03-01T12:00:00+08:00"}, 0),
        (SEARCHES, ACCESSES | {"log": "2026h1"}, ENTRIES),
        ("/audit/v1/cases", {"case": "2026-370000-0000002"}, 1),
        ("/audit/v1/licence-histories", {"licence": "1.2.156.3005.2.11370000mb284651.00000002"}, 1),
        ("/audit/v1/official-days", {"official": "3701000002", "day": "2026-03-01"}, 1),
        ("/audit/v1/official-days", {"official": "3701000002", "day": "2026-03-02"}, 0),
    ],
)
async def test_ways_to_search(aiohttp_client: StartClient, path: str, body: dict[str, Any], count: int) -> None:
    """Each way finds what it should."""
    client, _ = await start_auditing(aiohttp_client)
    status, content = await post(client, path, body)
    assert (status, len(content["entries"])) == (200, count)


async def test_pages(aiohttp_client: StartClient) -> None:
    """The cursor leads on, for the same search only; the newest entries come first."""
    client, _ = await start_auditing(aiohttp_client)
    body = ACCESSES | {"limit": 5}
    _, first = await post(client, SEARCHES, body)
    _, second = await post(client, SEARCHES, body | {"cursor": first["cursor"]})
    found = [entry["index"] for page in (first, second) for entry in page["entries"]]
    assert found == sorted(found, reverse=True)
    assert len(found) == ENTRIES
    status, content = await post(client, SEARCHES, {"kinds": ["deny"], "cursor": first["cursor"]})
    assert (status, content["errors"][0]["path"]) == (422, "$.cursor")


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (SEARCHES, {}, "$"),
        (SEARCHES, {"item": "a\0b"}, "$.item"),
        (SEARCHES, {"since": "2026-03-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "$"),
        (SEARCHES, {"since": "2026-03-01T00:00:00"}, "$.since"),
        (SEARCHES, {"kinds": ["unknown"]}, "$.kinds[0]"),
        (SEARCHES, {"caller": "c", "limit": 0}, "$.limit"),
        (SEARCHES, {"caller": "c", "log": "2019h1"}, "$.log"),
        (SEARCHES, {"caller": "c", "log": "../2026h1"}, "$.log"),
        (SEARCHES, {"caller": "c", "reason": "curious"}, "$.reason"),
        (SEARCHES, {"caller": "c", "opening": "no id"}, "$.opening"),
        ("/audit/v1/official-days", {"official": "o", "day": "2026-02-30"}, "$.day"),
        ("/audit/v1/cases", {}, "$.case"),
        (EXPORTS, {"caller": "c"}, "$.format"),
    ],
)
async def test_what_is_no_search(aiohttp_client: StartClient, path: str, body: dict[str, Any], place: str) -> None:
    """The place that is wrong is named, and no search is logged."""
    client, log = await start_auditing(aiohttp_client)
    before = size_of(log)
    status, content = await post(client, path, body)
    assert (status, content["errors"][0]["path"]) == (422, place)
    kinds = {content_of(log, index).kind for index in range(before, size_of(log))}
    assert kinds <= {LeafKind.DENY}


async def test_roles_keep_apart(aiohttp_client: StartClient) -> None:
    """Auditors use nothing else, and nobody else uses what is theirs."""
    client, _ = await start_auditing(aiohttp_client)
    for path, party, body in ((SEARCHES, HALL, {"subject": SUBJECT}), (URL, AUDITOR, question())):
        status, content = await post(client, path, body, party)
        assert (status, content["reason"]) == (403, "role.not-allowed")
    response = await client.get("/log/2026h1/checkpoint", headers=bearer(HALL.token()))
    assert response.status == 403
    assert (await client.get("/log/2026h1/checkpoint")).status == 401
    assert (await client.get("/healthz", headers=bearer(AUDITOR.token()))).status == 200


@pytest.mark.parametrize("form", [None, "csv", "bundle"])
async def test_no_answer_without_its_entry(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch, form: str | None
) -> None:
    """When the log takes no entry, nothing of what was found leaves."""
    client, _ = await start_auditing(aiohttp_client)

    def fail(*_: object, **__: object) -> None:
        raise LogUnavailableError(Unavailable.DISK_FULL)

    monkeypatch.setattr(MemoryStore, "commit", fail)
    path, more = (SEARCHES, {}) if form is None else (EXPORTS, {"format": form})
    status, content = await post(client, path, {"subject": SUBJECT} | more)
    assert (status, content["reason"]) == (503, "log.unavailable")
    assert "entries" not in content


@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_tables(aiohttp_client: StartClient, form: str, *, opens: bool) -> None:
    """What was found, as a table in which nothing is a formula; search and export are entries."""
    client, log = await start_auditing(aiohttp_client)
    body: dict[str, Any] = ACCESSES | {"format": form}
    if opens:
        body["opening"] = await open_search(client, ACCESSES)
    response = await client.post(EXPORTS, json=body, headers=bearer(CHIEF.token()))
    data = await response.read()
    assert response.status == 200
    assert f'filename="entries-20260301T040000Z.{form}"' in response.headers["Content-Disposition"]
    if form == "csv":
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    else:
        sheet = load_workbook(io.BytesIO(data)).worksheets[0]
        rows = [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert [row[2] for row in rows[1:]] == ["access"] * ENTRIES
    cells = {cell for row in rows for cell in row}
    assert ("'=1+1" in cells, SUBJECT in cells) == (opens, opens)
    query, export = (content_of(log, size_of(log) - back) for back in (2, 1))
    assert (query.kind, export.kind, export.more["count"]) == (LeafKind.AUDITOR_QUERY, LeafKind.EXPORT, ENTRIES)
    assert query.more.get("opening") == body.get("opening")


# --- findings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opens", [True, False])
async def test_a_finding_leaves_and_verifies(aiohttp_client: StartClient, *, opens: bool) -> None:
    """What was found, as one file that verifies by the keys of the log alone; its digest stands in the log."""
    client, log = await start_auditing(aiohttp_client)
    body: dict[str, Any] = {"subject": SUBJECT, "format": "bundle"}
    if opens:
        body["opening"] = await open_search(client, {"subject": SUBJECT})
    response = await client.post(EXPORTS, json=body, headers=bearer(CHIEF.token()))
    data = await response.read()
    assert (response.status, response.content_type) == (200, "application/zip")
    assert 'filename="entries-20260301T040000Z.zip"' in response.headers["Content-Disposition"]
    policy = Policy(logs=tuple(PolicyLog(key=signer.key) for signer in log.reader().signers))
    found = verify_finding(PackageSource(parse_package(data)), policy=policy)
    assert {fault.kind for fault in found.findings} == {FindingKind.POLICY_MISSING}  # the entries name a made-up one
    assert found.search is not None
    count = found.search.search.content.more["count"]
    assert (len(found.entries), found.opened, SUBJECT.encode() in data) == (count, count if opens else 0, opens)
    assert (found.search.approval is not None) == opens
    export = content_of(log, size_of(log) - 1)
    assert (export.kind, export.more["count"]) == (LeafKind.EXPORT, count)


async def test_a_finding_of_some_of_what_was_found_says_so(aiohttp_client: StartClient) -> None:
    """With a limit, the newest entries are in the file, and it does not claim to be complete."""
    client, log = await start_auditing(aiohttp_client)
    body = ACCESSES | {"format": "bundle", "limit": 2}
    response = await client.post(EXPORTS, json=body, headers=bearer(AUDITOR.token()))
    found = verify_finding(PackageSource(parse_package(await response.read())))
    assert found.search is not None
    assert (found.search.complete, len(found.entries)) == (False, 2)
    assert found.size == size_of(log) - 1  # before the entry about the export


async def test_an_export_ends_and_says_how_far_it_came(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many pages an export has what was found so far, and a search up to the time it names has the rest."""
    monkeypatch.setattr(auditors, "MAX_PAGE", 1)
    monkeypatch.setattr(auditors, "MAX_PAGES", 2)
    client, _ = await start_auditing(aiohttp_client)
    for file_format in ("bundle", "csv"):
        response = await client.post(EXPORTS, json=ACCESSES | {"format": file_format}, headers=bearer(AUDITOR.token()))
        data, reached = await response.read(), response.headers["Tongban-Reached"]
        assert datetime.fromisoformat(reached) == NOW + timedelta(milliseconds=1)  # all are of one moment
        if file_format == "bundle":
            found = verify_finding(PackageSource(parse_package(data)))
            assert found.search is not None
            assert (len(found.entries), found.search.complete, found.search.reached) == (
                2,
                False,
                int(NOW.timestamp() * 1000) + 1,
            )
        else:
            assert len(data.splitlines()) == 3
    _, rest = await post(client, "/audit/v1/searches", ACCESSES | {"until": reached})
    assert len(rest["entries"]) > 2
    monkeypatch.setattr(auditors, "MAX_PAGES", 100)
    response = await client.post(EXPORTS, json=ACCESSES | {"format": "csv"}, headers=bearer(AUDITOR.token()))
    assert "Tongban-Reached" not in response.headers


async def test_an_export_that_nobody_waits_for_stops(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the handler has left, the thread of exports is free after the page that it reads."""
    monkeypatch.setattr(auditors, "MAX_PAGE", 1)
    _, log = await start_auditing(aiohttp_client)
    query, reader = Query(kinds=frozenset({LeafKind.ACCESS})), log.reader()
    search = auditors._Search(reader=reader, query=query, draft=make_draft(0), opening=None, readers={})
    with auditors._until_left() as is_left:
        found, _ = await asyncio.to_thread(auditors._find_many, search, 3, is_left)
        assert len(found) == 3
    found, _ = await asyncio.to_thread(auditors._find_many, search, 3, is_left)
    assert len(found) == 1


# --- bounds -----------------------------------------------------------------------------------------------------------


async def test_long_numbers_are_found(aiohttp_client: StartClient) -> None:
    """A number that is too long to be anybody's is searched for as entries have it."""
    client, log = await start_auditing(aiohttp_client)
    long = "X" * 100
    draft = make_draft(1)
    private = replace(draft.private or make_private(), subjects=(fit_subject(long),))
    receipt = await log.append(EntryDraft(leaf=replace(draft.leaf, commits=commit_private(private)), private=private))
    status, content = await post(client, SEARCHES, {"subject": long})
    assert (status, [entry["index"] for entry in content["entries"]]) == (200, [receipt.index])


async def test_what_no_entry_takes_is_not_searched_for(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A term that cannot be logged is refused before anything is looked at."""
    client, _ = await start_auditing(aiohttp_client)

    def blow_up(*_: object, **__: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(LogSearch, "find", blow_up)
    for path, more in ((SEARCHES, {}), (EXPORTS, {"format": "csv"})):
        status, _ = await post(client, path, {"item": "a\0b"} | more)
        assert status == 422


class Held:
    """Something that searches wait for; ``most`` is how many waited at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = self._inside = 0
        self._gate = Event()
        search = LogSearch.find

        def find(*given: Any, **more: Any) -> Any:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._gate.wait(30)
            self._inside -= 1
            return search(*given, **more)

        monkeypatch.setattr(LogSearch, "find", find)

    def let_go(self) -> None:
        """Let everybody on."""
        self._gate.set()


async def export(client: Client) -> int:
    """Export a table and return the status."""
    response = await client.post(EXPORTS, json=ACCESSES | {"format": "csv"}, headers=bearer(AUDITOR.token()))
    await response.read()
    return response.status


async def test_exports_have_a_bound_and_stop_nobody(
    aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One export runs and one waits; a third is told to come back, while callers, writers and auditors go on."""
    client, log = await start_auditing(aiohttp_client)
    held, before = Held(monkeypatch), size_of(log)
    exports = [asyncio.create_task(export(client)) for _ in range(3)]
    [refused], running = await asyncio.wait(exports, return_when=asyncio.FIRST_COMPLETED)
    assert refused.result() == 503
    _, content = await post(client, EXPORTS, ACCESSES | {"format": "csv"})
    assert (content["reason"], "decision" in content) == ("busy", False)
    for path, party, expected in (("/log/2026h1/checkpoint", AUDITOR, 200), ("/v1/receipts/x", HALL, 404)):
        assert (await client.get(path, headers=bearer(party.token()))).status == expected
    assert (await log.append(make_draft(1))).index >= before
    held.let_go()
    assert [await task for task in running] == [200, 200]
    assert held.most == 1
    assert client.app is not None
    assert client.app[BUDGET].used_bytes == 0


async def test_auditors_that_read_have_a_bound(aiohttp_client: StartClient) -> None:
    """Beyond the places of auditors one is told to come back, and no caller is."""
    client, log = await start_auditing(aiohttp_client)
    assert client.app is not None
    before, lane = size_of(log), client.app[LANES].auditors
    with ExitStack() as places:
        with pytest.raises(ProblemError):  # noqa: PT012 - however many there are
            while True:
                places.enter_context(lane.place())
        status, content = await post(client, SEARCHES, {"subject": SUBJECT})
        assert (status, content["reason"], size_of(log)) == (503, "busy", before)
        assert "decision" not in content
        assert (await client.get("/v1/receipts/x", headers=bearer(HALL.token()))).status == 404
    assert (await post(client, SEARCHES, {"subject": SUBJECT}))[0] == 200


# --- files of the log -------------------------------------------------------------------------------------------------


async def test_files_of_the_log(aiohttp_client: StartClient) -> None:
    """Checkpoint, tiles and bundles are those of the log; the latter may be kept for ever."""
    client, log = await start_auditing(aiohttp_client)
    headers = bearer(AUDITOR.token())
    reader, size = log.reader(), size_of(log)
    head = reader.head()
    assert head is not None
    response = await client.get("/log/2026h1/checkpoint", headers=headers)
    assert (await response.read(), response.headers["Cache-Control"]) == (head.checkpoint, "private, no-cache")
    response = await client.get(f"/log/2026h1/tile/0/000.p/{size}", headers=headers)
    assert await response.read() == reader.store.tile(0, 0)
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    response = await client.get("/log/2026h1/tile/0/000.p/5", headers=headers)
    assert await response.read() == (reader.store.tile(0, 0) or b"")[: 5 * 32]
    response = await client.get("/log/2026h1/tile/entries/000.p/8", headers=headers)
    assert parse_bundle(await response.read(), 8) == list(reader.store.leaves(0, 8))


@pytest.mark.parametrize(
    "path",
    [
        *("2026h1/tile/0/000", "2026h1/tile/0/000.p/99", "2026h1/tile/1/000.p/1", "2026h1/tile/0/0"),
        *("2026h1/tile/9/000", "2026h1/tile/entries/000", "2026h1/tile/entries/000.p/99"),
        *("2026h1/tile/entries/x", "2026h1/tile/%2e%2e/x", "2019h1/checkpoint", "%2e%2e/checkpoint"),
    ],
)
async def test_files_that_the_log_does_not_have(aiohttp_client: StartClient, path: str) -> None:
    """Another path, a tile that is not there yet, or another half-year is not found."""
    client, _ = await start_auditing(aiohttp_client)
    response = await client.get(f"/log/{path}", headers=bearer(AUDITOR.token()))
    assert response.status == 404


async def test_a_public_log_needs_no_token(aiohttp_client: StartClient) -> None:
    """Where the site says so, its files are for everybody, and caches may share them; nothing else is."""
    client, _ = await start_auditing(aiohttp_client, auditing=Auditing(public=True))
    response = await client.get("/log/2026h1/tile/entries/000.p/8")
    assert (response.status, response.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    assert (await client.get("/log/2026h1/checkpoint")).status == 200
    assert (await client.post(SEARCHES, json=ACCESSES)).status == 401
    assert NOW.year == 2026
