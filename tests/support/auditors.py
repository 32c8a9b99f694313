"""A gateway with entries to search, and the auditors who do; two of them may open private parts together."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from gateway.app import create_app, server_options
from gateway.audit.alarms.reading import AlarmRules
from gateway.audit.book.auditing import Auditing
from gateway.audit.book.book import LogBook
from gateway.audit.book.place import MemoryPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft, SubjectId, commit_private
from gateway.audit.finding.replay import DIMENSIONS
from gateway.callers import CallerId, CallerRole
from gateway.http.messages.problems import ProblemDocument
from tests.support.audit import make_draft
from tests.support.callers import NOW, Party, make_party, make_site
from tests.support.http import Client, GatewayTestServer, StartClient, bearer

AUDITOR = make_party(id=CallerId("auditor"), role=CallerRole.AUDITOR)
CHIEF = make_party(id=CallerId("chief"), role=CallerRole.AUDITOR, may_open=True)
SECOND = make_party(id=CallerId("second"), role=CallerRole.AUDITOR, may_approve_opening=True)
BOTH = make_party(id=CallerId("both"), role=CallerRole.AUDITOR, may_open=True, may_approve_opening=True)
HALL = make_party()
SUBJECT = "11010519491231002X"
FORMULA = "=1+1"  # the name of an official that a spreadsheet would compute
ENTRIES = 8
OPENINGS = "/audit/v1/openings"


class Moment:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        """Tell the time."""
        return self.now


def named(draft: EntryDraft) -> EntryDraft:
    """Return an entry about the person that tests search for."""
    assert draft.private is not None
    facts = ("fact",) * DIMENSIONS  # of a policy that nobody has
    private = replace(draft.private, subjects=(SubjectId(SUBJECT),), official=FORMULA, context=facts)
    return replace(draft, private=private, leaf=replace(draft.leaf, commits=commit_private(private)))


async def fill(log: LogBook) -> None:
    """Append eight answers, of which number 3 is about the person."""
    drafts = [make_draft(number) for number in range(ENTRIES)]
    drafts[3] = named(drafts[3])
    await asyncio.gather(*(log.append(draft) for draft in drafts))


async def start_auditing(
    aiohttp_client: StartClient,
    *,
    clock: Moment | None = None,
    auditing: Auditing | None = None,
    alarms: AlarmRules | None = None,
) -> tuple[Client, LogBook]:
    """Start a gateway whose log is in memory; return a client, and the log."""
    clock = clock or Moment()
    site = make_site([AUDITOR, CHIEF, SECOND, BOTH, HALL])
    settings = replace(site.settings, audit=AuditSettings(auditing=auditing or Auditing()))
    log = LogBook(MemoryPlace(region=settings.region), clock=clock)
    await log.open()
    await fill(log)
    site = replace(site, settings=settings, alarms=alarms or AlarmRules())
    app = create_app(site, clock=clock, log=log)

    async def close(_: object) -> None:
        await log.close()

    app.on_cleanup.append(close)
    server = GatewayTestServer(app)
    await server.start_server(**server_options(settings.http))
    return await aiohttp_client(server), log


async def post(
    client: Client, path: str, body: Mapping[str, Any], party: Party = AUDITOR, *, moment: Moment | None = None
) -> tuple[int, Any]:
    """Post a body as an auditor; a refusal is a problem document."""
    token = party.token(NOW if moment is None else moment.now)
    response = await client.post(path, json=body, headers=bearer(token))
    content = await response.json(content_type=response.content_type)
    if response.status != 200:
        msgspec.convert(content, ProblemDocument)
    return response.status, content


async def open_search(client: Client, terms: Mapping[str, Any], reason: str = "投诉 12 号") -> str:
    """Have an opening of a search asked for and approved; return its id."""
    status, asked = await post(client, OPENINGS, {**terms, "reason": reason, "operator": {"id": "3701-1"}}, CHIEF)
    assert status == 200, asked
    body = {"opening": asked["opening"], "operator": {"id": "3701-2"}}
    status, approved = await post(client, f"{OPENINGS}/approvals", body, SECOND)
    assert (status, approved["usable"]) == (200, True), approved
    return str(asked["opening"])
