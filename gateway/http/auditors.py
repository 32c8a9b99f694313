"""``POST /audit/v1/…``: auditors search the log, and export what they found. Numbers are in bodies, never in addresses.

1. The search; nothing of it is shown yet.
2. The entry about it is durable, with what was searched for as a commitment, and how much was found.
3. The answer leaves. If the log takes no entry, none does.
"""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from gateway.audit.entry import EntryDraft, Receipt, SubjectId
from gateway.audit.log import AccessLog
from gateway.audit.private import OpenedPart
from gateway.audit.receipts import describe_receipt
from gateway.audit.search.entry import draft_export, draft_query
from gateway.audit.search.query import Query, QueryError
from gateway.audit.search.search import MAX_PAGE, FoundEntry, LogSearch, Page
from gateway.audit.search.table import encode_csv, encode_xlsx
from gateway.audit.unavailable import LogUnavailableError
from gateway.decision import make_decision_id
from gateway.http.bodies import read_body
from gateway.http.log_files import open_log, raise_unavailable, read
from gateway.http.messages.auditors import (
    CaseRequest,
    EntryAnswer,
    ExportFormat,
    ExportRequest,
    LicenceHistoryRequest,
    OfficialDayRequest,
    OpenedAnswer,
    QueryReceipt,
    SearchAnswer,
    SearchRequest,
    SearchTerms,
)
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import WRONG_VALUE, name_place, parse_request
from gateway.http.state import BUDGET, CALLER, NOW, SITE
from gateway.rendering import encode_time
from gateway.sources.source import normal_code

MAX_SEARCH_BYTES: Final = 16 * 1024  # the longest terms have 2 kB
_CHINA: Final = timezone(timedelta(hours=8))
_MEDIA: Final = {
    ExportFormat.CSV: "text/csv",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_Request = TypeVar("_Request", SearchRequest, CaseRequest, LicenceHistoryRequest, OfficialDayRequest, ExportRequest)


async def post_search(request: web.Request) -> web.Response:
    """Search by any terms."""
    log, asked = open_log(request), await _parse(request, SearchRequest)
    query = _query_of(asked)
    return await _answer(request, log, query, asked)


async def post_case(request: web.Request) -> web.Response:
    """Search for one case."""
    log, asked = open_log(request), await _parse(request, CaseRequest)
    return await _answer(request, log, _query(case=asked.case, since=asked.since, until=asked.until), asked)


async def post_licence_history(request: web.Request) -> web.Response:
    """Search for one licence."""
    log, asked = open_log(request), await _parse(request, LicenceHistoryRequest)
    return await _answer(request, log, _query(licence=asked.licence, since=asked.since, until=asked.until), asked)


async def post_official_day(request: web.Request) -> web.Response:
    """Search for one official on one day in China."""
    log, asked = open_log(request), await _parse(request, OfficialDayRequest)
    try:
        since = datetime.strptime(asked.day, "%Y-%m-%d").replace(tzinfo=_CHINA)
        query = _query(official=asked.official, since=since, until=since + timedelta(days=1))
    except (ValueError, OverflowError) as error:
        raise _wrong("day") from error
    return await _answer(request, log, query, asked)


async def post_export(request: web.Request) -> web.Response:
    """Export what a search finds, up to the limit, as a table."""
    log, asked = open_log(request), await _parse(request, ExportRequest)
    _check_reason(request, asked.reason)
    query = _query_of(asked)
    found = await read(request, lambda: _find_many(LogSearch.of(log), query, asked.limit))
    opens = asked.reason is not None
    encode = encode_csv if asked.format is ExportFormat.CSV else encode_xlsx
    data = await asyncio.to_thread(encode, found, opens=opens)
    caller = request[CALLER]
    export = draft_export(
        req=make_decision_id(request[NOW]),
        caller=caller.id,
        org=caller.organisation,
        count=len(found),
        digest=sha256(data).digest(),
    )
    await _append(request, log, _about(request, query, found=len(found), onward=False, reason=asked.reason))
    await _append(request, log, export)
    name = f"entries-{request[NOW]:%Y%m%dT%H%M%SZ}.{asked.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=data, content_type=_MEDIA[asked.format], headers=headers)


async def _answer(
    request: web.Request,
    log: AccessLog,
    query: Query,
    asked: SearchRequest | CaseRequest | LicenceHistoryRequest | OfficialDayRequest,
) -> web.Response:
    """Search, record it, and answer."""
    _check_reason(request, asked.reason)
    search = LogSearch.of(log)
    try:
        page = await read(request, lambda: search.find(query, cursor=asked.cursor, limit=asked.limit))
    except QueryError as error:
        raise _wrong(error.member) from error
    draft = _about(request, query, found=len(page.entries), onward=asked.cursor is not None, reason=asked.reason)
    receipt = await _append(request, log, draft)
    answer = _describe(page, receipt, opens=asked.reason is not None)
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def _check_reason(request: web.Request, reason: str | None) -> None:
    if reason is not None and not request[CALLER].may_open:
        raise ProblemError(ProblemKind.OPENING_NOT_ALLOWED)


def _about(request: web.Request, query: Query, *, found: int, onward: bool, reason: str | None) -> EntryDraft:
    caller = request[CALLER]
    try:
        return draft_query(
            query,
            req=make_decision_id(request[NOW]),
            caller=caller.id,
            org=caller.organisation,
            found=found,
            is_onward=onward,
            reason=reason or "",
        )
    except ValueError as error:  # a reason with a NUL in it, or of more bytes than are kept
        raise _wrong("reason") from error


async def _append(request: web.Request, log: AccessLog, draft: EntryDraft) -> Receipt:
    try:
        return await log.append(draft)
    except LogUnavailableError as error:
        raise_unavailable(request, error)


def _find_many(search: LogSearch, query: Query, limit: int) -> list[FoundEntry]:
    found: list[FoundEntry] = []
    cursor = None
    while len(found) < limit:
        page = search.find(query, cursor=cursor, limit=min(MAX_PAGE, limit - len(found)))
        found += page.entries
        cursor = page.cursor
        if cursor is None:
            break
    return found


async def _parse(request: web.Request, shape: type[_Request]) -> _Request:
    settings = request.app[SITE].settings.http
    with request.app[BUDGET].share() as share:
        body = await read_body(request, settings, share)
        if len(body) > MAX_SEARCH_BYTES:
            raise ProblemError(ProblemKind.BODY_TOO_LARGE)
        return parse_request(body, shape, max_body_bytes=MAX_SEARCH_BYTES)


def _query_of(asked: SearchRequest | ExportRequest) -> Query:
    terms = {name: getattr(asked, name) for name in SearchTerms.__struct_fields__}
    return _query(since=asked.since, until=asked.until, **terms)


def _query(
    *, since: datetime | None = None, until: datetime | None = None, subject: str | None = None, **terms: object
) -> Query:
    """Return the search that was asked for; the subject in the spelling that entries have it in.

    Raises:
        ProblemError: 422.

    """
    given = {name: value for name, value in terms.items() if value is not None}
    if subject is not None:
        given["subject"] = SubjectId(normal_code(subject) or subject)
    given["kinds"] = frozenset(given.get("kinds", ()))  # type: ignore[call-overload]  # a list of kinds
    try:
        return Query(**given, since=_milliseconds(since), until=_milliseconds(until))  # type: ignore[arg-type]  # as the bodies say
    except QueryError as error:
        raise _wrong(error.member) from error


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _wrong(member: str) -> ProblemError:
    place = f"$.{member}" if member.isidentifier() else "$"
    return ProblemError(ProblemKind.BODY_INVALID, errors=[name_place(place, WRONG_VALUE)])


def _describe(page: Page, receipt: Receipt, *, opens: bool) -> SearchAnswer:
    return SearchAnswer(
        log=receipt.log,
        size=page.size,
        entries=[
            EntryAnswer(
                index=found.index,
                time=encode_time(datetime.fromtimestamp(found.leaf.t / 1000, UTC)),
                leaf=found.data.decode(),
                private=_describe_private(found.private) if opens and found.private is not None else None,
                damaged=found.is_damaged,
            )
            for found in page.entries
        ],
        cursor=page.cursor,
        receipt=QueryReceipt(**describe_receipt(receipt)),
    )


def _describe_private(opened: OpenedPart) -> OpenedAnswer:
    part, salts = opened.part, opened.part.salts
    erased = ({"lic", "subj", "resp"} if opened.subject_erased else set()) | (
        {"op", "case"} if opened.official_erased else set()
    )
    return OpenedAnswer(
        subjects=list(part.subjects),
        licence=part.licence or None,
        official=part.official or None,
        case=part.case or None,
        context=list(part.context),
        response=part.response.hex() or None,
        salts={
            name: getattr(salts, name).hex() for name in ("op", "case", "lic", "subj", "resp") if name not in erased
        },
        subject_erased=opened.subject_erased,
        official_erased=opened.official_erased,
    )
