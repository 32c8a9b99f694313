"""What the handlers for auditors share: bodies, searches, the log that is searched, and who may open what."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar

from aiohttp import web
from msgspec import Struct

from gateway.audit.entry import EntryDraft, fit_name, fit_subject, join_names
from gateway.audit.openings import Opening, OpeningError, OpeningRefusal, find_opening
from gateway.audit.reader import LogReader
from gateway.audit.search.entry import refuse_query
from gateway.audit.search.query import Query, QueryError
from gateway.http.bodies import read_body
from gateway.http.entries import record
from gateway.http.log_files import read
from gateway.http.messages.auditors import ExportRequest, OpeningRequest, SearchRequest, SearchTerms
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import WRONG_VALUE, name_place, parse_request
from gateway.http.state import BUDGET, LOG, SITE
from gateway.sources.source import key_text, normal_code

MAX_SEARCH_BYTES: Final = 16 * 1024  # the longest terms have 2 kB
_OPENING_SHARDS: Final = 2  # an opening is good for a day or two, and so stands in one of the newest half-years
_REFUSALS: Final[Mapping[OpeningRefusal, ProblemKind]] = {
    OpeningRefusal.UNKNOWN: ProblemKind.OPENING_UNKNOWN,
    OpeningRefusal.OTHER_SEARCH: ProblemKind.OPENING_OTHER_SEARCH,
    OpeningRefusal.NOT_APPROVED: ProblemKind.OPENING_NOT_APPROVED,
    OpeningRefusal.OVER: ProblemKind.OPENING_OVER,
    OpeningRefusal.SAME_PERSON: ProblemKind.OPENING_SAME_PERSON,
}

_OPENING_KINDS: Final = frozenset({*_REFUSALS.values(), ProblemKind.OPENING_NOT_ALLOWED})

_Request = TypeVar("_Request", bound=Struct)


async def parse(request: web.Request, shape: type[_Request]) -> _Request:
    """Read the body; raises ProblemError as `read_body` and `parse_request` do."""
    settings = request[SITE].settings.http
    with request.app[BUDGET].share() as share:
        body = await read_body(request, settings, share, most_bytes=MAX_SEARCH_BYTES)
        return parse_request(body, shape, max_body_bytes=MAX_SEARCH_BYTES)


async def open_shard(request: web.Request, shard: str | None) -> LogReader:
    """Return the half-year that is searched; raises ProblemError: 422 for one that there is not, 503."""
    try:
        return await read(request, lambda: request.app[LOG].reader(shard))
    except KeyError as error:
        raise wrong("log") from error


def query_of(asked: SearchRequest | ExportRequest | OpeningRequest) -> Query:
    """Return the search that a body with all terms asks for; raises ProblemError (422)."""
    terms = {name: getattr(asked, name) for name in SearchTerms.__struct_fields__}
    return make_query(since=asked.since, until=asked.until, **terms)


def make_query(
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    subject: str | None = None,
    licence: str | None = None,
    **terms: Any,  # noqa: ANN401 - the other terms of a search, as bodies have them
) -> Query:
    """Return a search with its terms in the spelling that entries have them in.

    Raises:
        ProblemError: 422.

    """
    given = {name: value for name, value in terms.items() if value is not None}
    given |= {name: fit_name(given[name]) for name in ("official", "case") if name in given}
    if subject is not None:
        given["subject"] = fit_subject(normal_code(subject) or subject)
    if licence is not None:
        given["licence"] = join_names(key_text(licence) or licence, "")
    given["kinds"] = frozenset(given.get("kinds", ()))
    try:
        return Query(**given, since=_milliseconds(since), until=_milliseconds(until))
    except QueryError as error:
        raise wrong(error.member) from error


async def look_up_opening(request: web.Request, opening: str) -> tuple[Opening, Mapping[str, LogReader]]:
    """Return an opening, and by their origins the logs that may have entries about it.

    Raises:
        ProblemError: 404, there is none; 503.

    """

    def look() -> tuple[Opening, Mapping[str, LogReader]]:
        log = request.app[LOG]
        readers = [log.reader(shard) for shard in log.shards()[::-1][:_OPENING_SHARDS]]
        return find_opening(readers, opening), {reader.origin: reader for reader in readers}

    try:
        return await read(request, look)
    except OpeningError as error:
        raise_refused(error)


@asynccontextmanager
async def telling(request: web.Request, draft: EntryDraft) -> AsyncIterator[None]:
    """Let an opening refuse only behind an entry of what was tried: ``draft``, an auditor's search, as refused.

    An entry `deny` would name whoever is audited as somebody a question was about, and so tell them.
    """
    try:
        yield
    except ProblemError as error:
        if error.kind in _OPENING_KINDS:
            await record(request, refuse_query(draft, error.kind.value))
        raise


def raise_refused(error: OpeningError) -> NoReturn:
    """Refuse what an opening does not allow; raises ProblemError."""
    raise ProblemError(_REFUSALS[error.refusal]) from error


def wrong(member: str) -> ProblemError:
    """Return the refusal of a body for one of its members."""
    place = f"$.{member}" if member.isidentifier() else "$"
    return ProblemError(ProblemKind.BODY_INVALID, errors=[name_place(place, WRONG_VALUE)])


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
