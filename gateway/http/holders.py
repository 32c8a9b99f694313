"""``POST /holder/v1/accesses``: holders see who looked at theirs. Nobody's number is in an address or a log line.

1. Who asks was said by the identity platform whose token it is; here: whether it is sure enough of that.
2. The search over all shards; what secrecy hides is passed over.
3. The entry about the look is durable. If the log takes no entry, no answer leaves.
4. The answer: when, which organisation, for which item, which fields in which form, and why.

It takes a least time, so that nobody tells by it whether entries were passed over.
"""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from gateway.audit.leaf import LeafKind
from gateway.audit.receipts import describe_receipt
from gateway.audit.search.query import Query, QueryError
from gateway.audit.search.usage import Usage, UsagePage, find_usage, usage_query
from gateway.audit.tlog.proof import encode_proof
from gateway.holder.line import FieldLine, describe_use
from gateway.holder.look import draft_look
from gateway.holder.sign_in import Assurance
from gateway.http.audit_queries import parse, wrong
from gateway.http.entries import asking, record
from gateway.http.floor import not_before
from gateway.http.language import Language, select_language
from gateway.http.log_files import read
from gateway.http.messages.auditors import QueryReceipt
from gateway.http.messages.holders import (
    AccessAnswer,
    AccessesAnswer,
    AccessesRequest,
    FieldLineAnswer,
    ItemAnswer,
    OrganisationAnswer,
    ProofAnswer,
    ProvinceAnswer,
    SystemAnswer,
)
from gateway.http.problems import PROBLEMS, ProblemError, ProblemKind
from gateway.http.state import CALLER, HOLDER, LOG, NAMES, NOW, SITE, WITNESSES
from gateway.reason import SENTENCES, Reason
from gateway.rendering import encode_time
from gateway.toml_table import Words

_REASONS: Final = {
    **{kind.value: Words(f"{text.title}。", f"{text.title_en}.") for kind, text in PROBLEMS.items()},
    **{reason.value: Words(SENTENCES[reason].zh, SENTENCES[reason].en) for reason in Reason},
}
FLOOR_SECONDS: Final = 0.5  # some three thousand entries can be passed over in this time
# Said to everybody, whether anything is withheld or not, so that it tells nothing.
NOTICE: Final = Words(
    "依照法律规定应当保密的查询，在规定的期限内不予显示；期限届满后可以查看。经办人员信息由审计机关掌握。",
    "Accesses that the law keeps secret are not shown for a fixed time, and can be seen when it is over. "
    "Which official looked is known to the auditors.",
)


async def post_accesses(request: web.Request) -> web.Response:
    """Answer who looked at somebody's licences."""
    # 1. assurance
    if request[HOLDER].assurance is not Assurance.REAL_PERSON:
        raise ProblemError(ProblemKind.ASSURANCE_TOO_LOW, close=True)
    asked = await parse(request, AccessesRequest)
    async with not_before(asyncio.get_running_loop().time() + FLOOR_SECONDS):
        return await _answer(request, asked)


async def _answer(request: web.Request, asked: AccessesRequest) -> web.Response:
    """Answer what was asked, from when all of it was there."""
    holder, log, now = request[HOLDER], request.app[LOG], request[NOW]
    query = _query(request, asked)
    # 2. search
    withholding = request[SITE].withholding
    select_rule = partial(withholding.select, at=now, represents=holder.represents)
    try:
        page = await read(
            request,
            lambda: find_usage(log, query, select_rule=select_rule, cursor=asked.cursor, limit=asked.limit),
        )
    except QueryError as error:
        raise wrong(error.member) from error
    language = select_language(request.headers.get("Accept-Language", ""))
    lines = await read(request, lambda: [_line(request, use, language, proves=asked.proofs) for use in page.uses])
    # 3. the entry
    draft = draft_look(
        query,
        holder,
        platform=request[CALLER],
        req=asking(request).decision,
        shown=len(page.uses),
        withheld=page.withheld,
        withholding=withholding,
        is_onward=asked.cursor is not None,
    )
    receipt = await record(request, draft)
    # 4. the answer
    answer = AccessesAnswer(
        accesses=lines,
        cursor=page.cursor,
        period_from=_period_from(request, page),
        heartbeat=None if page.heartbeat is None else _spell_time(page.heartbeat),
        notice=language.say(NOTICE),
        receipt=QueryReceipt(**describe_receipt(receipt)),
    )
    return web.Response(
        body=msgspec.json.encode(answer),
        content_type="application/json",
        headers={"Content-Language": language.value, "Vary": "Accept-Language"},
    )


def _query(request: web.Request, asked: AccessesRequest) -> Query:
    since, until = (None if at is None else int(at.timestamp() * 1000) for at in (asked.since, asked.until))
    try:
        return usage_query(request[HOLDER].subject, since=since, until=until)
    except QueryError as error:
        raise wrong("since") from error


def _period_from(request: web.Request, page: UsagePage) -> str | None:
    """Return since when there are records to be shown: older ones can be found no more."""
    if page.period_from is None:
        return None
    now_ms = int(request[NOW].timestamp() * 1000)
    return _spell_time(max(page.period_from, request[SITE].settings.audit.retention.ends(LeafKind.ACCESS, now_ms)))


def _spell_time(t: int) -> str:
    return encode_time(datetime.fromtimestamp(t / 1000, UTC))


# --- one line ---------------------------------------------------------------------------------------------------------


def _line(request: web.Request, use: Usage, language: Language, *, proves: bool) -> AccessAnswer:
    """Return one line of the answer; blocks."""
    content = use.leaf.content
    names = request.app[NAMES].of(content.policy)
    line = describe_use(use, names=names, callers=request[SITE].callers, explain=_REASONS.get)

    def say(words: Words | None) -> str | None:
        return None if words is None else language.say(words)

    return AccessAnswer(
        time=_spell_time(use.leaf.t),
        kind=content.kind,
        organisation=OrganisationAnswer(code=content.org, name=say(line.organisation)),
        system=SystemAnswer(id=content.caller, name=say(line.system)),
        province=ProvinceAnswer(region=content.partner, name=say(line.province)) if content.partner else None,
        item=ItemAnswer(code=content.item, name=say(line.item)) if content.item else None,
        licence=say(line.licence),
        fields=[_field(field, language) for field in line.fields],
        outcome=content.outcome,
        why=language.say(line.why),
        log=use.origin,
        index=use.index,
        damaged=use.is_damaged,
        proof=_prove(request, use) if proves else msgspec.UNSET,
    )


def _field(field: FieldLine, language: Language) -> FieldLineAnswer:
    name = None if field.name is None else language.say(field.name)
    return FieldLineAnswer(name=name, form=field.form, words=language.say(field.words), count=field.count)


def _prove(request: web.Request, use: Usage) -> ProofAnswer:
    """Prove an entry against what witnesses cosigned, if that has it, as receipts do; else against the newest tree."""
    witnesses = request.app[WITNESSES]
    checkpoint = None if witnesses is None else witnesses.select_checkpoint(use.origin, use.index)
    proof = request.app[LOG].reader(use.shard).prove(use.index, checkpoint)
    return ProofAnswer(log=use.origin, index=use.index, leaf=use.data.decode(), proof=encode_proof(proof).decode())
