"""``tongban audit alarms|watchlist``: the rules over history, and lists of those whom nobody should ask about."""

import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.markup import escape

from gateway.alarms_site import ReadBundle, make_engine
from gateway.audit.alarms.detector import CALENDAR, Blindness
from gateway.audit.alarms.evaluation import Evaluation, Finding, evaluate
from gateway.audit.alarms.observed import OBSERVATION_KEY_SIZE, ObservationKey, Place
from gateway.audit.alarms.reading import AlarmRules, load_alarms, read_observation_key
from gateway.audit.alarms.register import AlarmState, ListedAlarm, find_verdicts
from gateway.audit.alarms.rule import Rule
from gateway.audit.alarms.watchlist import MAX_LISTED, encode_watchlist, make_watchlist
from gateway.audit.alarms.words import AlarmKind, Severity, WatchlistKind
from gateway.audit.book.place import FolderPlace
from gateway.audit.entry import fit_subject, join_names
from gateway.audit.reader import LogReader
from gateway.cli.audit_commands import guard, progress_of
from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError, optional_moment
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.policy.in_force import PolicyArchive, StateError
from gateway.rendering import encode_time
from gateway.secret_file import SecretError, SecretFault
from gateway.site import STATE_FOLDER
from gateway.sources.source import key_text, normal_code
from gateway.toml_table import Fault
from gateway.trust.files import replace_file
from policies.bundle import Bundle

_SHOWN: Final = 200  # alarms for people; JSON has all
_EVIDENCE_SHOWN: Final = 12
_MAX_LINE: Final = 256  # bytes of one number
_UNRAISED: Final = "unraised"
_SUPPRESSED: Final = "suppressed"
_STATES: Final = {
    _SUPPRESSED: ("超出每日上限，未单独记录", "over the limit of the day"),
    _UNRAISED: ("未入日志", "not raised"),
    AlarmState.OPEN: ("待复核", "open"),
    AlarmState.NEEDS_INQUIRY: ("待查", "needs inquiry"),
    AlarmState.JUSTIFIED: ("正当", "justified"),
    AlarmState.UNJUSTIFIED: ("不正当", "unjustified"),
}
_SEVERITIES: Final = {Severity.HIGH: ("高", "high"), Severity.MEDIUM: ("中", "medium"), Severity.LOW: ("低", "low")}


class FolderLog:
    """The log of a site over its shards, for reading beside whoever writes it."""

    def __init__(self, place: FolderPlace) -> None:
        """Open nothing yet."""
        self._place = place
        self._readers: dict[str, LogReader] = {}

    def shards(self) -> tuple[str, ...]:
        """Return the shards, the oldest first."""
        return self._place.shards()

    def reader(self, shard: str | None = None) -> LogReader:
        """Return a shard for reading; it stays open until `close`."""
        name = self.shards()[-1] if shard is None else shard
        if name not in self._readers:
            self._readers[name] = self._place.read(name)
        return self._readers[name]

    def close(self) -> None:
        """Let go of what was opened."""
        for reader in self._readers.values():
            reader.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A finding, and how far it has come."""

    finding: Finding
    listed: ListedAlarm | None
    rule: Rule | None

    @property
    def state(self) -> str:
        """Return the word for it."""
        if self.finding.kind is AlarmKind.BEYOND:
            return _SUPPRESSED
        return _UNRAISED if self.listed is None else self.listed.state.value

    @property
    def is_open(self) -> bool:
        """Whether something is left to be done; the alarm that stands for others is, not these."""
        if self.finding.kind is AlarmKind.BEYOND:
            return False
        return self.listed is None or self.listed.state.is_open


def list_site_alarms(site: Path, *, since: str | None, until: str | None, rule: str | None, as_json: bool) -> ExitCode:
    """Evaluate the rules of a site over its log; INVALID when something is open."""

    def run(_now: datetime) -> ExitCode:
        alarms = _load(site, rule)
        with _opened(site) as log:
            key = _read_key(site)
            engine = make_engine(alarms, _reads_archive(site), is_limited=False)
            with progress_of(say("正在评估", "evaluating")) as progress:
                found = evaluate(
                    log, engine, key, since=_milliseconds(since), until=_milliseconds(until), progress=progress
                )
            rules = {one.id: one for one in alarms.rules}
            rows = [
                _Row(finding=one, listed=_listed(log, one), rule=rules.get(one.target.rule))
                for one in found.findings
                if rule is None or one.target.rule == rule
            ]
        blind = sorted(engine.blind())
        if as_json:
            print_json(_describe(found, rows, blind))
        else:
            _show(found, rows, blind)
        return ExitCode.INVALID if any(row.is_open for row in rows) else ExitCode.DONE

    return guard(run, as_json=as_json)


def make_site_watchlist(site: Path, *, kind: WatchlistKind, out: Path, as_json: bool) -> ExitCode:
    """Write a list of keyed hashes from numbers on standard input, one a line."""

    def run(_now: datetime) -> ExitCode:
        values = list(_read_values(kind))
        try:
            listed = make_watchlist(kind, values, _read_key(site, make=True))
        except ValueError as error:
            zh, en = f"至多 {MAX_LISTED} 个号码", f"at most {MAX_LISTED} numbers"
            raise UsageError(say(zh, en)) from error
        replace_file(out, encode_watchlist(listed))
        count = len(listed.marks)
        if as_json:
            print_json({"file": str(out), "kind": kind.value, "count": count, "key": listed.fingerprint})
        else:
            OUT.print(say(f"已写入 {count} 个：{out}", f"{count} written: {out}"), markup=False)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _read_values(kind: WatchlistKind) -> Iterator[str]:
    """Read numbers from standard input, which no process of the machine can see; in the spelling of entries."""
    while line := sys.stdin.buffer.readline(_MAX_LINE + 1):
        text = line.decode("utf-8", "replace").strip()
        if not text:
            continue
        spelt = fit_subject(normal_code(text)) if kind is WatchlistKind.SUBJECT else join_names(key_text(text), "")
        if len(line) > _MAX_LINE or not spelt:
            raise UsageError(say("每行应有一个号码。", "one number a line was expected"))
        yield spelt


def _load(site: Path, rule: str | None) -> AlarmRules:
    faults = list[Fault]()
    alarms = load_alarms(site, faults=faults)
    if faults:
        raise UsageError("\n".join(say(fault.sentence_zh, str(fault)) for fault in faults))
    if rule is None:
        return alarms
    chosen = tuple(one for one in alarms.rules if one.id == rule)
    if not chosen:
        raise UsageError(say(f"没有启用的规则：{rule}", f"no rule of this id is enabled: {rule}"))
    return replace(alarms, rules=chosen)


@contextmanager
def _opened(site: Path) -> Iterator[FolderLog]:
    settings = load_settings(site)
    log = FolderLog(FolderPlace(site, settings.audit, region=settings.region))
    if not log.shards():
        where = site / settings.audit.folder
        raise UsageError(say(f"没有访问日志：{where}", f"there is no access log: {where}"))
    try:
        yield log
    finally:
        log.close()


def _read_key(site: Path, *, make: bool = False) -> ObservationKey:
    """Return the key of the alarms of a site; where the gateway has not made one yet, one for this time.

    Only what keeps something by it makes it, for whoever makes it owns the file, and the gateway must be able to read
    it. Without one there are no lists, and nothing that was raised.
    """
    try:
        return read_observation_key(site / load_settings(site).audit.keys, make=make)
    except SecretError as error:
        if error.fault is SecretFault.ABSENT:
            return ObservationKey(secrets.token_bytes(OBSERVATION_KEY_SIZE))
        raise UsageError(f"{say('告警密钥无法使用', 'the key of the alarms cannot be used')}: {error}") from error


def _reads_archive(site: Path) -> ReadBundle:
    archive = PolicyArchive(site / STATE_FOLDER)

    def read(digest: str) -> Bundle:
        try:
            return archive.bundle(digest)
        except StateError as error:
            raise KeyError(digest) from error

    return read


def _listed(log: FolderLog, finding: Finding) -> ListedAlarm | None:
    raised = finding.raised
    return None if raised is None else ListedAlarm(raised=raised, verdicts=find_verdicts(log, raised))


def _milliseconds(text: str | None) -> int | None:
    moment = optional_moment(text)
    return None if moment is None else int(moment.timestamp()) * 1000


def _time(t: int) -> str:
    return encode_time(datetime.fromtimestamp(t / 1000, UTC))


def _describe(found: Evaluation, rows: Sequence[_Row], blind: Sequence[Blindness]) -> dict[str, Any]:
    return {
        "outcome": "invalid" if any(row.is_open for row in rows) else "valid",
        "looked": found.looked,
        "is_complete": found.is_complete,
        "not_judged": [one._asdict() for one in blind],
        "alarms": [_describe_row(row) for row in rows],
    }


def _describe_row(row: _Row) -> dict[str, Any]:
    target = row.finding.target
    listed = row.listed
    return {
        "alarm": str(target),
        "rule": target.rule,
        "kind": row.finding.kind.value,
        "severity": row.finding.severity.value,
        "at": _time(row.finding.at),
        "state": row.state,
        "entry": None if listed is None else _number(listed.raised.place),
        "evidence": [_number(place) for place in row.finding.evidence],
        "verdicts": [
            {"verdict": one.verdict.value, "auditor": one.caller, "time": _time(one.t), "entry": _number(one.place)}
            for one in ([] if listed is None else listed.verdicts)
        ],
    }


def _number(place: Place) -> dict[str, Any]:
    return {"log": place.shard, "index": place.entry}


def _show(found: Evaluation, rows: Sequence[_Row], blind: Sequence[Blindness]) -> None:
    for row in rows[-_SHOWN:]:
        sentence = _say_finding(row)
        numbers = ", ".join(f"{place.shard}:{place.entry}" for place in row.finding.evidence[:_EVIDENCE_SHOWN])
        if len(row.finding.evidence) > _EVIDENCE_SHOWN:
            numbers += " …"
        words = [say(*_STATES[row.state]), say(*_SEVERITIES[row.finding.severity]), str(row.finding.target), sentence]
        _print(f"{_time(row.finding.at)}  " + " · ".join(filter(None, words)))
        _print("    " + say("条目 ", "entries ") + numbers)
    if len(rows) > _SHOWN:
        rest = len(rows) - _SHOWN
        _print(say(f"另有更早的 {rest} 条。", f"and {rest} earlier ones"))
    beyond = sum(row.finding.kind is AlarmKind.BEYOND for row in rows)
    if beyond:
        zh = f"其中 {beyond} 条超出同一规则、同一调用方的每日上限，由一条“超出上限”告警代表。"
        en = f"{beyond} of them are more than one caller may raise on a day; one alarm stands for them"
        _print(say(zh, en))
    for one in blind:
        ERR.print(escape(printable(_say_blind(one))))
    if not found.is_complete:
        zh = "此前的条目过多，未全部读入，跨越起始时刻的情形可能遗漏。"
        en = "more came before than was read; what began before that time may be missed"
        ERR.print(say(zh, en))
    is_open = sum(row.is_open for row in rows)
    zh = f"已评估 {found.looked} 个条目：告警 {len(rows)} 条，其中待处理 {is_open} 条"
    en = f"{found.looked} entries evaluated: {len(rows)} alarms, {is_open} of them open"
    _print(say(zh, en))


def _say_finding(row: _Row) -> str:
    if row.finding.kind is AlarmKind.SUPPRESSED:
        zh = "同一调用方当日触发该规则的告警过多，其余不再单独记录"
        return say(zh, "one caller raised so many alarms of this rule that day that no more are written")
    if row.finding.kind is AlarmKind.FAILED:
        return say("规则未能评估该条目", "the rule could not judge this entry")
    return "" if row.rule is None else say(*row.rule.sentence)


def _say_blind(one: Blindness) -> str:
    if one.what == CALENDAR:
        zh = f"alarms.toml 中没有 {one.which} 年的工作日历，该年未判断非工作时间。"
        return say(zh, f"alarms.toml has no calendar of {one.which}; nothing was called off hours in that year")
    zh = f"策略存档中没有 {one.which}，未按其判断。"
    return say(zh, f"the archive of policies lacks {one.which}; nothing was judged by it")


def _print(text: str) -> None:
    OUT.print(escape(printable(text)))
