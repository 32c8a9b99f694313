"""``POST /audit/v1/alarms…``: auditors list alarms and say what they make of them; each question is an entry first."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from gateway.audit.alarms.alarm import AlarmError, Target, draft_verdict
from gateway.audit.alarms.observed import Place
from gateway.audit.alarms.register import AlarmQuery, ListedAlarm, find_alarm, list_alarms
from gateway.audit.alarms.rule import Rule
from gateway.audit.leaf import LeafKind
from gateway.audit.receipts import describe_receipt
from gateway.audit.search.entry import draft_query
from gateway.http.audit_queries import make_query, parse, wrong
from gateway.http.entries import asking, record
from gateway.http.log_files import read
from gateway.http.messages.alarms import (
    AlarmItem,
    AlarmsAnswer,
    AlarmScope,
    AlarmsRequest,
    EntryNumber,
    VerdictAnswer,
    VerdictItem,
    VerdictRequest,
)
from gateway.http.messages.auditors import QueryReceipt
from gateway.http.state import CALLER, LOG, SITE
from gateway.rendering import encode_time


async def post_alarms(request: web.Request) -> web.Response:
    """List alarms."""
    asked = await parse(request, AlarmsRequest)
    log, caller = request.app[LOG], request[CALLER]
    searched = make_query(since=asked.since, until=asked.until, kinds=[LeafKind.ADMIN])
    query = AlarmQuery(
        since=searched.since,
        until=searched.until,
        rule=asked.rule or "",
        only_open=asked.scope is AlarmScope.OPEN,
    )
    try:
        page = await read(request, lambda: list_alarms(log, query, cursor=asked.cursor, limit=asked.limit))
    except AlarmError as error:
        raise wrong("cursor") from error
    draft = draft_query(
        searched,
        req=asking(request).decision,
        caller=caller.id,
        org=caller.organisation,
        found=len(page.alarms),
        is_onward=asked.cursor is not None,
        among={"scope": asked.scope.value} | ({} if asked.rule is None else {"rule": asked.rule}),
    )
    receipt = await record(request, draft)
    rules = {rule.id: rule for rule in request[SITE].alarms.rules}
    answer = AlarmsAnswer(
        alarms=[_describe(one, rules) for one in page.alarms],
        cursor=page.cursor,
        receipt=QueryReceipt(**describe_receipt(receipt)),
    )
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


async def post_verdict(request: web.Request) -> web.Response:
    """Write what an auditor makes of an alarm."""
    asked = await parse(request, VerdictRequest)
    log, caller = request.app[LOG], request[CALLER]
    target = Target.parse(asked.alarm)
    if await read(request, lambda: find_alarm(log, target)) is None:
        raise wrong("alarm")
    try:
        draft = draft_verdict(target, asked.verdict, caller=caller.id, org=caller.organisation, note=asked.note)
    except AlarmError as error:
        raise wrong("note") from error
    receipt = await record(request, draft)
    answer = VerdictAnswer(alarm=str(target), verdict=asked.verdict, receipt=QueryReceipt(**describe_receipt(receipt)))
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def _describe(one: ListedAlarm, rules: Mapping[str, Rule]) -> AlarmItem:
    raised, rule = one.raised, rules.get(one.raised.target.rule)
    return AlarmItem(
        alarm=str(raised.target),
        rule=raised.target.rule,
        kind=raised.kind,
        severity=raised.severity,
        state=one.state,
        zh=None if rule is None else rule.sentence.zh,
        en=None if rule is None else rule.sentence.en,
        found_at=_time(raised.found_at),
        raised_at=_time(raised.t),
        entry=_number(raised.place),
        evidence=[_number(place) for place in raised.evidence],
        verdicts=[
            VerdictItem(verdict=given.verdict, auditor=given.caller, time=_time(given.t), entry=_number(given.place))
            for given in one.verdicts
        ],
    )


def _number(place: Place) -> EntryNumber:
    return EntryNumber(log=place.shard, index=place.entry)


def _time(t: int) -> str:
    return encode_time(datetime.fromtimestamp(t / 1000, UTC))
