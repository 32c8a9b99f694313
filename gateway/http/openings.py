"""``POST /audit/v1/openings…``: an auditor asks for private parts to be opened, another one approves it.

Each request, approval and look is an entry before its answer leaves; the log is all that is kept of openings.
"""

import unicodedata
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import LeafKind
from gateway.audit.openings import Auditor, Opening, OpeningError, OpeningRefusal, draft_approval, draft_request
from gateway.audit.receipts import describe_receipt
from gateway.audit.search.entry import draft_query, with_count
from gateway.audit.search.query import Query
from gateway.http.audit_queries import (
    look_up_opening,
    open_shard,
    parse,
    query_of,
    raise_refused,
    telling,
    wrong,
)
from gateway.http.entries import asking, record
from gateway.http.messages.auditors import (
    OpeningAnswer,
    OpeningApproval,
    OpeningLookup,
    OpeningRequest,
    QueryReceipt,
)
from gateway.http.messages.questions import Operator
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import CALLER, NOW, SITE
from gateway.rendering import encode_time
from gateway.spelling import spell_name

# Categories of Unicode: control, format, surrogate, and the separators of lines and paragraphs.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANK: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and signs that show nothing


async def post_opening(request: web.Request) -> web.Response:
    """Ask for what a search finds to be opened."""
    asked = await parse(request, OpeningRequest)
    query, opening = query_of(asked), asking(request).decision
    for member, text in {"reason": asked.reason, **query.members()}.items():
        if isinstance(text, str):
            _check_plain(member, text)
    reader = await open_shard(request, asked.log)
    try:
        tried = _draft_look(request, query)
        auditor = _auditor(request, asked.operator)
        draft = draft_request(query, auditor, log=reader.origin, opening=opening, reason=asked.reason)
    except ValueError as error:  # texts with a NUL, or of more bytes than are kept
        raise wrong("") from error
    async with telling(request, tried):
        _check_right(may=request[CALLER].may_open)
    return await _answer(request, opening, draft)


async def post_approval(request: web.Request) -> web.Response:
    """Approve what another auditor asked for; once it is approved, this is a look at it and no more."""
    asked = await parse(request, OpeningApproval)
    auditor = _auditor(request, asked.operator)
    look = _draft_look(request, _query_of(asked.opening), opening=asked.opening)
    async with telling(request, look):
        _check_right(may=request[CALLER].may_approve_opening)
        opening, _ = await look_up_opening(request, asked.opening)
        draft = _draft_approval(request, opening, auditor) or with_count(look, len(opening.places))
    return await _answer(request, asked.opening, draft)


async def post_lookup(request: web.Request) -> web.Response:
    """Show an opening to whoever asked for it, and to those who may approve it."""
    asked = await parse(request, OpeningLookup)
    caller = request[CALLER]
    _check_right(may=caller.may_open or caller.may_approve_opening)
    opening, _ = await look_up_opening(request, asked.opening)
    if not caller.may_approve_opening and opening.asked_by.caller != caller.id:
        raise_refused(OpeningError(OpeningRefusal.UNKNOWN))
    look = _draft_look(request, _query_of(asked.opening), opening=asked.opening)
    return await _answer(request, asked.opening, with_count(look, len(opening.places)))


def _query_of(opening: str) -> Query:
    """Return the search that looking at an opening is."""
    return Query(decision=opening, kinds=frozenset({LeafKind.ADMIN}))


def _draft_look(request: web.Request, query: Query, *, opening: str = "") -> EntryDraft:
    """Return the entry about a look, or about a search that was asked for; ValueError for texts that none takes."""
    caller = request[CALLER]
    return draft_query(query, req=asking(request).decision, caller=caller.id, org=caller.organisation, opening=opening)


def _draft_approval(request: web.Request, opening: Opening, auditor: Auditor) -> EntryDraft | None:
    """Return the entry about an approval, None where there is one already; raises ProblemError: 403, 422."""
    if opening.approved_at is not None:
        return None
    try:
        return draft_approval(opening, auditor, at=_milliseconds(request))
    except OpeningError as error:
        raise_refused(error)
    except ValueError as error:
        raise wrong("operator") from error


def _check_plain(member: str, text: str) -> None:
    """Refuse what another auditor could not see as it is: whoever approves reads it.

    Raises:
        ProblemError: 422, it has control characters, invisible ones, or such as turn the direction of the text.

    """
    if any(unicodedata.category(character) in _UNSEEN or character in _BLANK for character in text):
        raise wrong(member)


def _check_right(*, may: bool) -> None:
    if not may:
        raise ProblemError(ProblemKind.OPENING_NOT_ALLOWED)


def _auditor(request: web.Request, operator: Operator) -> Auditor:
    """Return who acts; raises ProblemError: 422, as `_check_plain` does, and for an id that names nobody."""
    _check_plain("operator", operator.id)
    if not spell_name(operator.id):
        raise wrong("operator")
    caller = request[CALLER]
    return Auditor(caller=caller.id, org=caller.organisation, operator=operator.id)


async def _answer(request: web.Request, opening: str, draft: EntryDraft) -> web.Response:
    """Record it, and answer with the opening as the log has it then."""
    receipt = await record(request, draft)
    found, _ = await look_up_opening(request, opening)
    answer = _describe(request, found, receipt)
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def _describe(request: web.Request, opening: Opening, receipt: Receipt) -> OpeningAnswer:
    approver = opening.approved_by
    needs_nobody = request[SITE].settings.audit.auditing.openers == 1
    return OpeningAnswer(
        opening=opening.id,
        search=opening.terms,
        reason=opening.reason,
        caller=opening.asked_by.caller,
        operator=opening.asked_by.operator,
        asked_at=_spell(opening.asked_at),
        approved_by=None if approver is None else approver.caller,
        approved_operator=None if approver is None else approver.operator,
        approved_at=None if opening.approved_at is None else _spell(opening.approved_at),
        usable=(approver is not None or needs_nobody) and _milliseconds(request) < opening.ends(),
        ends=_spell(opening.ends()),
        receipt=QueryReceipt(**describe_receipt(receipt)),
    )


def _milliseconds(request: web.Request) -> int:
    return int(request[NOW].timestamp() * 1000)


def _spell(t: int) -> str:
    return encode_time(datetime.fromtimestamp(t / 1000, UTC))
