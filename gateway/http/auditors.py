"""``POST /audit/v1/…``: auditors search the log, and export what they found. Numbers are in bodies, never in addresses.

1. The search; nothing of it is shown yet. Private parts are opened by an opening for exactly this search.
2. The entry about it is durable, with what was searched for as a commitment, and how much was found. A search that an
   opening does not allow is not made, and is an entry too.
3. The answer leaves; before an export, an entry with the digest of the file. If the log takes no entry, none does.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Event
from typing import Final

import msgspec
from aiohttp import web

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.audit.committed import OFFICIAL_COMMITMENTS, SUBJECT_COMMITMENTS, erased_commitments
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.finding.making import FindingOrder, make_finding
from gateway.audit.leaf import parse_leaf
from gateway.audit.openings import Opening, OpeningError, check_use
from gateway.audit.private import OpenedPart
from gateway.audit.reader import LogReader
from gateway.audit.receipts import describe_receipt
from gateway.audit.search.entry import draft_export, draft_query, with_count
from gateway.audit.search.query import Query, QueryError
from gateway.audit.search.search import MAX_PAGE, FoundEntry, LogSearch, Page
from gateway.audit.search.table import encode_csv, encode_xlsx
from gateway.http.audit_queries import (
    look_up_opening,
    make_query,
    open_shard,
    parse,
    query_of,
    raise_refused,
    telling,
    wrong,
)
from gateway.http.entries import asking, record
from gateway.http.log_files import read, read_in
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
)
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.published import read_published, reads_policies
from gateway.http.reading import Lane
from gateway.http.state import BUDGET, CALLER, LANES, LOG, NOW, SITE
from gateway.rendering import encode_time

MAX_PAGES: Final = 100  # looked at for one export, some tenths of a second each: less than a request may take
REACHED_HEADER: Final = "Tongban-Reached"  # of an export that does not have all
_ENTRY_BYTES: Final = 8 * 1024  # of memory that an exported entry takes: 66 MB were measured for 10,000 in a finding
_MEDIA: Final = {
    ExportFormat.CSV: ("text/csv", "csv"),
    ExportFormat.XLSX: ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ExportFormat.BUNDLE: ("application/zip", "zip"),
}
EXPORT_CONTENT_TYPES: Final = tuple(media for media, _ in _MEDIA.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """A search that may be made: where, for what, and what opens private parts."""

    reader: LogReader
    query: Query
    draft: EntryDraft  # the entry about it, before anything was found
    opening: Opening | None
    readers: Mapping[str, LogReader]  # by origin: the logs that have entries about the opening


async def post_search(request: web.Request) -> web.Response:
    """Search by any terms."""
    asked = await parse(request, SearchRequest)
    return await _answer(request, query_of(asked), asked)


async def post_case(request: web.Request) -> web.Response:
    """Search for one case."""
    asked = await parse(request, CaseRequest)
    return await _answer(request, make_query(case=asked.case, since=asked.since, until=asked.until), asked)


async def post_licence_history(request: web.Request) -> web.Response:
    """Search for one licence."""
    asked = await parse(request, LicenceHistoryRequest)
    return await _answer(request, make_query(licence=asked.licence, since=asked.since, until=asked.until), asked)


async def post_official_day(request: web.Request) -> web.Response:
    """Search for one official on one day in China."""
    asked = await parse(request, OfficialDayRequest)
    try:
        since = datetime.strptime(asked.day, "%Y-%m-%d").replace(tzinfo=CHINA_STANDARD_TIME)
        query = make_query(official=asked.official, since=since, until=since + timedelta(days=1))
    except (ValueError, OverflowError) as error:
        raise wrong("day") from error
    return await _answer(request, query, asked)


async def post_export(request: web.Request) -> web.Response:
    """Export what a search finds, up to the limit, as a table or as a finding."""
    asked = await parse(request, ExportRequest)
    search = await _begin(request, query_of(asked), asked.log, asked.opening)
    lane = request.app[LANES].exports
    most = request[SITE].settings.http.max_buffered_bytes // 2  # an export never shuts out all questions
    with lane.place(), request.app[BUDGET].share() as share:
        share.keep(min(asked.limit * _ENTRY_BYTES, most))
        with _until_left() as is_left:
            found, reached = await read_in(request, lane, lambda: _find_many(search, asked.limit, is_left))
        receipt = await _record(request, search, found=len(found))
        if asked.format is ExportFormat.BUNDLE:
            data = await _make_bundle(request, lane, search, found, receipt, reached=reached)
        else:
            encode = encode_csv if asked.format is ExportFormat.CSV else encode_xlsx
            data = await lane.run(lambda: encode(found, opens=search.opening is not None))
    caller = request[CALLER]
    export = draft_export(
        req=asking(request).decision,
        caller=caller.id,
        org=caller.organisation,
        count=len(found),
        digest=sha256(data).digest(),
    )
    await record(request, export)
    media, suffix = _MEDIA[asked.format]
    name = f"entries-{request[NOW]:%Y%m%dT%H%M%SZ}.{suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if reached is not None:
        headers[REACHED_HEADER] = _spell(reached)
    return web.Response(body=data, content_type=media, headers=headers)


async def _answer(
    request: web.Request,
    query: Query,
    asked: SearchRequest | CaseRequest | LicenceHistoryRequest | OfficialDayRequest,
) -> web.Response:
    """Search, record it, and answer."""
    search = await _begin(request, query, asked.log, asked.opening, is_onward=asked.cursor is not None)
    try:
        page = await read(
            request, lambda: LogSearch.of(search.reader).find(query, cursor=asked.cursor, limit=asked.limit)
        )
    except QueryError as error:
        raise wrong(error.member) from error
    receipt = await _record(request, search, found=len(page.entries))
    answer = _describe(page, search, receipt)
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


async def _begin(
    request: web.Request, query: Query, shard: str | None, opening: str | None, *, is_onward: bool = False
) -> _Search:
    """Return the search, once it is certain that it may be made, and that there can be an entry about it.

    Raises:
        ProblemError: 403 or 404, the opening does not allow it; 422, there is no such half-year, or a term that no
            entry takes; 503.

    """
    reader, caller = await open_shard(request, shard), request[CALLER]
    try:
        draft = draft_query(
            query,
            req=asking(request).decision,
            caller=caller.id,
            org=caller.organisation,
            is_onward=is_onward,
            opening=opening or "",
        )
    except ValueError as error:  # a term with a NUL in it
        raise wrong("") from error
    if opening is None:
        return _Search(reader=reader, query=query, draft=draft, opening=None, readers={})
    async with telling(request, draft):
        if not caller.may_open:
            raise ProblemError(ProblemKind.OPENING_NOT_ALLOWED)
        found, readers = await look_up_opening(request, opening)
        at, openers = int(request[NOW].timestamp() * 1000), request[SITE].settings.audit.auditing.openers
        try:
            check_use(found, query, log=reader.origin, caller=caller.id, at=at, openers=openers)
        except OpeningError as error:
            raise_refused(error)
    return _Search(reader=reader, query=query, draft=draft, opening=found, readers=readers)


async def _record(request: web.Request, search: _Search, *, found: int) -> Receipt:
    """Return the receipt of the entry about a search when it is durable; raises ProblemError (503)."""
    return await record(request, with_count(search.draft, found))


async def _make_bundle(
    request: web.Request,
    lane: Lane,
    search: _Search,
    found: list[FoundEntry],
    receipt: Receipt,
    *,
    reached: int | None,
) -> bytes:
    """Return the finding; raises ProblemError (503)."""

    def make() -> bytes:
        writer = request.app[LOG].reader(receipt.log.rpartition("/")[2])
        published = read_published(request.app, search.reader)
        others = {one.origin: one for one in (writer, *search.readers.values()) if one.origin != search.reader.origin}
        cosigned = [one for reader in others.values() for one in read_published(request.app, reader).cosigned]
        return make_finding(
            FindingOrder(
                reader=search.reader,
                writer=writer,
                found=found,
                reached=reached,
                query=search.query,
                search=receipt,
                policy=published.policy,
                read_bundle=reads_policies(request.app),
                cosigned=(*published.cosigned, *cosigned),
                opening=search.opening,
                readers=search.readers,
            )
        )

    return await read_in(request, lane, make)


@contextmanager
def _until_left() -> Iterator[Event]:
    """Give what is set when nobody waits for the work any more, also since the time of the request is over."""
    is_left = Event()
    try:
        yield is_left
    finally:
        is_left.set()


def _find_many(search: _Search, limit: int, is_left: Event) -> tuple[list[FoundEntry], int | None]:
    """Return what a search finds up to a limit, and up to `MAX_PAGES`; and how far it came, as a time in ms.

    None: that is all there is. Else all entries from that time on were looked at, and a search up to it finds the rest.
    """
    engine = LogSearch.of(search.reader)
    found: list[FoundEntry] = []
    cursor, reached = None, 0
    for _ in range(MAX_PAGES):
        page = engine.find(search.query, cursor=cursor, limit=min(MAX_PAGE, limit - len(found)))
        found += page.entries
        cursor, reached = page.cursor, page.reached
        if cursor is None:
            return found, None
        if len(found) >= limit or is_left.is_set():
            break
    return found, parse_leaf(search.reader.leaf(reached)).t + 1  # of one moment there may be more


def _describe(page: Page, search: _Search, receipt: Receipt) -> SearchAnswer:
    opens = search.opening is not None
    return SearchAnswer(
        log=search.reader.origin,
        size=page.size,
        entries=[
            EntryAnswer(
                index=found.index,
                time=_spell(found.leaf.t),
                leaf=found.data.decode(),
                private=_describe_private(found.private) if opens and found.private is not None else None,
                damaged=found.is_damaged,
            )
            for found in page.entries
        ],
        cursor=page.cursor,
        receipt=QueryReceipt(**describe_receipt(receipt)),
    )


def _spell(t: int) -> str:
    return encode_time(datetime.fromtimestamp(t / 1000, UTC))


def _describe_private(opened: OpenedPart) -> OpenedAnswer:
    part, salts = opened.part, opened.part.salts
    erased = erased_commitments(opened)
    return OpenedAnswer(
        subjects=list(part.subjects),
        licence=part.licence or None,
        official=part.official or None,
        case=part.case or None,
        context=list(part.context),
        response=part.response.hex() or None,
        salts={
            name: getattr(salts, name).hex()
            for name in (*OFFICIAL_COMMITMENTS, *SUBJECT_COMMITMENTS)
            if name not in erased
        },
        subject_erased=opened.subject_erased,
        official_erased=opened.official_erased,
    )
