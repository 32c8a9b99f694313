"""What operators and machines ask: is it up, is it ready, how does it do, what can be asked."""

import math
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.alarms_site import set_gauges
from gateway.audit.alarms.watch import AlarmStanding
from gateway.audit.book.report import LogReport
from gateway.audit.unavailable import ADVICE
from gateway.audit.witness.report import SENTENCES, WitnessReport
from gateway.http.state import (
    ALARMS,
    DRAINING,
    LANES,
    LICENCES,
    METRICS,
    NOW,
    ONE_KEY,
    OPENAPI,
    POLICY,
    PSEUDONYMS,
    REPORTS,
    SHARED,
    SITE,
    SITES,
    SOURCES,
    STATUS,
    STORE,
    TRUST,
    WITNESSES,
)
from gateway.limits.one_key import KeyState
from gateway.metrics import METRICS_CONTENT_TYPE
from gateway.rendering import encode_time
from gateway.shared.report import NOT_CONFIGURED, SharedReport, SharedState
from gateway.sources.line import SystemReport
from gateway.sources.outage import Outage
from gateway.sources.store_watch import StoreReport, StoreState
from gateway.status.observer import SourceReport
from gateway.toml_table import Words
from gateway.trust.keeper import count_anchors
from keys.name import name_key
from keys.revocation_list import RevocationList
from keys.trust import TrustStore


async def get_health(_: web.Request) -> web.Response:
    """Say that the process answers."""
    return _json({"healthy": True})


async def get_readiness(request: web.Request) -> web.Response:
    """Say what the gateway works with; without anchors it works, and every chain is unknown.

    While it stops, or the access log takes nothing, it is not ready (503), so that whoever balances the load sends
    nothing more.
    """
    log = await request.app[REPORTS].read()
    ready = not request.app[DRAINING].is_set() and log.stopped is None
    site, store = request[SITE], request.app[STORE]()
    status, sources = request.app[STATUS], request.app[SOURCES]
    witnesses, watch = request.app[WITNESSES], request.app[ALARMS]()
    shared, one_key = request.app[SHARED], request.app[ONE_KEY]
    content = {
        "ready": ready,
        "anchors": count_anchors(store, request[NOW]),
        "revocation_lists": len(store.revocation_lists),
        "callers": site.callers.count_active(request[NOW]),
        "trust": request.app[TRUST].report(),
        "status": []
        if status is None
        else [_describe_source(source, asks=status.is_leading) for source in status.report()],
        "status_failure": None if sources is None else sources.report(),
        "policy": request.app[POLICY].report(),
        "pseudonyms": _describe_pseudonyms(is_configured=request.app[PSEUDONYMS].is_configured),
        "site": request.app[SITES].report(),
        "log": _describe_log(log),
        "redis": _describe_redis(
            NOT_CONFIGURED if shared is None else shared.report(), None if one_key is None else one_key.state
        ),
        "store": _describe_store(request[LICENCES].report_store()),
        "systems": [_describe_system(one) for one in request[LICENCES].report()],
        "witnesses": None if witnesses is None else _describe_witnesses(witnesses.report(request[NOW])),
        "alarms": None if watch is None else _describe_alarms(watch.standing()),
    }
    return _json(content, status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)


async def get_metrics(request: web.Request) -> web.Response:
    """Return the metrics as Prometheus reads them."""
    metrics = request.app[METRICS]
    log = await request.app[REPORTS].read()
    request[LICENCES].report()  # which sets the gauges of breakers, as they stand now
    metrics.log_size.set(log.size)
    metrics.log_stopped.set(log.stopped is not None)
    metrics.revocation_seconds_left.set(count_seconds_left(request.app[STORE](), request[NOW]))
    witnesses = request.app[WITNESSES]
    if witnesses is not None:
        witnesses.set_gauges(request[NOW])
    watch = request.app[ALARMS]()
    if watch is not None:
        set_gauges(watch.standing(), metrics.audit)
    text = await request.app[LANES].reports.run(metrics.expose) if metrics.is_shared else metrics.expose()
    return web.Response(body=text, headers={"Content-Type": METRICS_CONTENT_TYPE})


async def get_openapi(request: web.Request) -> web.Response:
    """Return the description of this interface."""
    return web.Response(body=request.app[OPENAPI], content_type="application/json")


def _describe_source(source: SourceReport, *, asks: bool) -> dict[str, Any]:
    """Return how a source of revocation status stands, in a process that asks it or not."""
    return {
        "source": source.source,
        "kind": source.kind,
        "as_of": None if source.as_of is None else encode_time(source.as_of),
        "usable_until": None if source.usable_until is None else encode_time(source.usable_until),
        "asks": asks,
        "failures": source.failures,
        "failure": source.failure,
        "zh": source.sentence_zh,
        "en": source.sentence,
    }


def _describe_system(report: SystemReport) -> dict[str, Any]:
    """Return how another system answered last."""
    return {
        "system": report.system,
        "mapping": report.mapping,
        "answered": report.word,
        "at": None if report.at is None else encode_time(report.at),
        "under_way": report.under_way,
        "unseen_at": None if report.unseen_at is None else encode_time(report.unseen_at),
        "breaker": report.breaker.word,
        "outage": None if report.outage is None else _describe_outage(report.outage),
    }


_STORE: Final = {
    StoreState.NOT_ASKED: Words("尚未查询自有证照库。", "The own store was not asked yet."),
    StoreState.ANSWERS: Words("自有证照库正常答复。", "The own store answers."),
    StoreState.ABSENT: Words("没有自有证照库。", "There is no own store."),
}
_STORE_FAILS: Final = Words(
    "自有证照库无法答复：按标识或编号的提问予以拒绝（503），随提问提交的文件为“未知”。",
    "The own store cannot say: questions by identifier or number are refused (503), and documents are unknown.",
)


def _describe_store(report: StoreReport | None) -> dict[str, Any] | None:
    """Return how the own store answered last, and in words what follows."""
    if report is None:
        return None
    words = _STORE.get(report.state, _STORE_FAILS)
    since = None if report.since is None else encode_time(report.since)
    return {"state": report.state, "since": since, "zh": words.zh, "en": words.en}


def _describe_outage(outage: Outage) -> dict[str, Any]:
    """Return an outage that is announced, and why."""
    since, until = encode_time(outage.since), encode_time(outage.until)
    return {"since": since, "until": until, "zh": outage.reason_zh, "en": outage.reason}


_REDIS: Final = {
    SharedState.UP: Words("Redis 正常。", "Redis answers."),
    SharedState.PARTLY: Words(
        "部分 Redis 节点无应答：相应的缓存不可用，相应的限额由各进程自行计数或拒答。",
        "Some servers of Redis do not answer: what they hold is not used, and each process counts for itself, or "
        "refuses.",
    ),
    SharedState.AWAY: Words(
        "Redis 无应答：缓存不可用，限额由各进程自行计数，须共享计数的提问被拒绝。网关继续作答。",
        "Redis does not answer: nothing shared is used, each process counts for itself, and questions that must be "
        "counted together are refused. The gateway goes on.",
    ),
    SharedState.NOT_CONFIGURED: Words(
        "未配置 Redis（[redis]），各进程各自缓存和计数。",
        "There is no Redis ([redis]): each process keeps and counts for itself.",
    ),
}


_OTHER_KEY: Final = Words(
    "其他网关在此 Redis 中使用另一把密钥：此处不接受一次性令牌和签名请求；各网关须使用同一密钥文件（[cache] key）。",
    "Another gateway counts there under another key, so tokens that work once and signed requests are not taken here: "
    "give all gateways one file ([cache] key).",
)


def _describe_redis(report: SharedReport, key: KeyState | None) -> dict[str, Any]:
    """Return how the shared Redis stands, and in words what follows."""
    words = _OTHER_KEY if key is KeyState.ANOTHER else _REDIS[report.state]
    return {
        "state": report.state,
        "since": None if report.since is None else encode_time(report.since),
        "nodes": report.nodes,
        "up": report.up,
        "fault": report.fault,
        "key": key,
        "zh": words.zh,
        "en": words.en,
    }


def _describe_log(report: LogReport) -> dict[str, Any]:
    """Return how the access log stands, and in words what to do."""
    stopped = report.stopped
    zh, en = "日志正常写入。", "The log is written."
    if stopped is not None:
        advice = ADVICE[stopped.reason]
        zh = f"日志不接受条目，网关不作答复：{advice.zh}。"
        en = f"The log takes nothing, so nothing is answered: {advice.en}."
    return {
        "shard": report.shard,
        "size": report.size,
        "stopped": None if stopped is None else stopped.reason,
        "zh": zh,
        "en": en,
    }


def _describe_pseudonyms(*, is_configured: bool) -> dict[str, Any]:
    """Return whether there is a key for pseudonyms, and in words what follows."""
    return {
        "configured": is_configured,
        "zh": "假名密钥已配置。" if is_configured else "未配置假名密钥（[policy] pseudonym_key），假名一律不提供。",
        "en": "The key of pseudonyms is there."
        if is_configured
        else "There is no key of pseudonyms ([policy] pseudonym_key): they are withheld.",
    }


def _describe_witnesses(report: WitnessReport) -> dict[str, Any]:
    """Return how witnessing stands."""
    sentence = SENTENCES[report.outlook]
    return {
        "outlook": report.outlook,
        "size": report.size,
        "as_of": None if report.as_of is None else encode_time(report.as_of),
        "since": None if report.since is None else encode_time(report.since),
        "witnesses": [
            {
                "name": one.name,
                "cosigned": None if one.cosigned is None else encode_time(datetime.fromtimestamp(one.cosigned, UTC)),
                "fault": one.fault,
            }
            for one in report.witnesses
        ],
        "zh": sentence.zh,
        "en": sentence.en,
    }


def _describe_alarms(standing: AlarmStanding) -> dict[str, Any]:
    """Return whether the rules of alarms keep up and can judge, and in words what to do."""
    zh, en = "告警规则正常评估。", "The rules of alarms are evaluated."
    if standing.blind:
        zh = "部分告警规则无法判断：请补充 alarms.toml 的工作日历或策略存档，见 not_judged。"
        en = "Some rules of alarms cannot judge: add the calendar to alarms.toml, or the policy to its archive."
    if standing.is_behind or standing.is_failing:
        zh = "告警规则的评估落后于日志；如持续如此，请查看进程日志。"
        en = "The rules of alarms are behind the log; if that lasts, see the log of the process."
    evaluated = standing.evaluated
    return {
        "evaluated": None if evaluated is None else encode_time(datetime.fromtimestamp(evaluated / 1000, UTC)),
        "waiting": standing.waiting,
        "behind": standing.is_behind,
        "failing": standing.is_failing,
        "not_judged": [one._asdict() for one in sorted(standing.blind)],
        "zh": zh,
        "en": en,
    }


def count_seconds_left(trust: TrustStore, at: datetime) -> float:
    """Return the seconds until the first revocation list ends, negative when one has ended; infinite without any.

    Of the lists of one issuer, kind and scope only the newest counts: that an older one ends changes no answer.
    """
    lists = [one for one in trust.revocation_lists if isinstance(one, RevocationList)]
    in_order = sorted(lists, key=lambda one: (one.this_update, one.number or 0))
    newest = {(name_key(one.issuer), one.unusable, one.scope): one for one in in_order}
    ends = [one.next_update for one in newest.values()]
    return min(((end - at).total_seconds() for end in ends if end is not None), default=math.inf)


def _json(content: dict[str, Any], *, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
