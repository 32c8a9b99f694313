"""``alarms.toml``: the rules of a site and its working calendar, read strictly, all faults together.

A site without the file has no rules. A rule that goes by a list of marks names a file of the folder ``watchlists/``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.audit.alarms.alarm import (
    RULE_ID_PATTERN,
)
from gateway.audit.alarms.calendar import WorkCalendar, parse_calendar
from gateway.audit.alarms.observed import OBSERVATION_KEY_SIZE, ObservationKey
from gateway.audit.alarms.rule import (
    LISTED,
    MAX_NAMED,
    MAX_RULES,
    PARAMETERS,
    QUIET_DAYS,
    Rule,
    RuleKind,
)
from gateway.audit.alarms.watchlist import (
    WATCHLIST_NAME,
    Watchlist,
    WatchlistError,
    read_watchlist,
)
from gateway.audit.alarms.words import Severity, WatchlistKind
from gateway.secret_file import SecretError, read_or_make_secret, read_secret
from gateway.toml_table import Fault, TomlTable, Words, load_toml

ALARMS_FILE: Final = "alarms.toml"
WATCHLISTS_FOLDER: Final = "watchlists"
KEY_FILE: Final = "alarm.key"  # beside the other secrets of the log; made when it is needed first

_RULE_ID: Final = Words("至多 64 个小写字母、数字和连字符", "at most 64 lower-case letters, digits and hyphens")
_NAMES: Final = Words("编号", "ids")
_LIST: Final = Words(f"{WATCHLISTS_FOLDER}/ 中的文件名", f"the name of a file in {WATCHLISTS_FOLDER}/")
_LIST_KINDS: Final = {
    RuleKind.PROTECTED_PERSON: WatchlistKind.SUBJECT,
    RuleKind.DECOY_LICENCE: WatchlistKind.LICENCE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRules:
    """The rules that are enabled, the calendar, and the fingerprints of the keys that lists were made with, by file."""

    rules: tuple[Rule, ...] = ()
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    lists: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def load_alarms(site: Path, *, faults: list[Fault]) -> AlarmRules:
    """Read the rules of a site folder; what is wrong is added to ``faults``, and nothing of it is to be used then."""
    path = site / ALARMS_FILE
    if not path.exists():
        return AlarmRules()
    table = load_toml(path, file=ALARMS_FILE, faults=faults)
    if table is None:
        return AlarmRules()
    calendar = parse_calendar(table.table("calendar"))
    rules: list[Rule] = []
    lists: dict[str, str] = {}
    seen: set[str] = set()
    for one in table.tables("rule", most=MAX_RULES):
        rule, is_enabled = _parse_rule(one, site / WATCHLISTS_FOLDER, lists)
        if rule is None:
            continue
        if rule.id in seen:
            one.fault("id", expected=Words("每条规则各不相同的编号", "an id that no other rule has"), found=rule.id)
        seen.add(rule.id)
        if is_enabled:
            rules.append(rule)
    table.finish()
    return AlarmRules(rules=tuple(rules), calendar=calendar, lists=MappingProxyType(lists))


def check_lists(alarms: AlarmRules, keys: Path, *, faults: list[Fault]) -> None:
    """Note a fault for each list that was made with another key than the one in the folder of keys."""
    if not alarms.lists:
        return
    try:
        fingerprint = read_observation_key(keys).fingerprint
    except SecretError as error:
        zh, en = "告警密钥", "the key of the alarms"
        found = Words(f"无法使用的文件（{error.fault}）", f"a file that cannot be used ({error.fault})")
        faults.append(Fault(file=f"{keys.name}/{KEY_FILE}", key="", expected=Words(zh, en), found=found))
        return
    for name, other in alarms.lists.items():
        if other != fingerprint:
            expected = Words("由本站点告警密钥生成的名单", "a list made with the key of this site")
            found = Words("由其他密钥生成的名单", "one made with another key")
            faults.append(Fault(file=f"{WATCHLISTS_FOLDER}/{name}", key="", expected=expected, found=found))


def read_observation_key(keys: Path, *, make: bool = False) -> ObservationKey:
    """Return the key of the alarms, which ``make`` makes where there is none; raises SecretError."""
    read = read_or_make_secret if make else read_secret
    return ObservationKey(read(keys / KEY_FILE)[:OBSERVATION_KEY_SIZE])


def _parse_rule(table: TomlTable, folder: Path, lists: dict[str, str]) -> tuple[Rule | None, bool]:
    rule_id = table.text("id", pattern=RULE_ID_PATTERN, expected=_RULE_ID)
    kind = table.choice("kind", RuleKind)
    severity = table.choice("severity", Severity) if table.has("severity") else Severity.MEDIUM
    is_enabled = table.flag("enabled", default=True)
    callers = table.texts("callers", most=MAX_NAMED, default=(), expected=_NAMES)
    items = table.texts("items", most=MAX_NAMED, default=(), expected=_NAMES)
    zh, en = table.text("zh", default=""), table.text("en", default="")
    if bool(zh) != bool(en):
        expected = Words("zh 与 en 同时填写", "zh and en together")
        table.fault("zh" if en else "en", expected=expected, found=Words("未填写", "nothing"))
    quiet_days = table.integer("quiet_days", default=QUIET_DAYS.default, low=QUIET_DAYS.low, high=QUIET_DAYS.high)
    told = {
        name: table.integer(name, default=one.default, low=one.low, high=one.high)
        for name, one in ({} if kind is None else PARAMETERS[kind]).items()
    }
    marks = frozenset[bytes]()
    if kind in LISTED:
        found = _read_list(table, folder, _LIST_KINDS[kind], is_enabled=is_enabled)
        if found is not None:
            marks = found.marks
            lists[table.text("list", default="")] = found.fingerprint
    if kind is not None:
        table.finish()
    if kind is RuleKind.NO_MATCH and told["misses"] > told["questions"]:
        expected = Words("不大于 questions 的数", "no more than questions")
        table.fault("misses", expected=expected, found=str(told["misses"]))
    if kind is None or severity is None or not rule_id:
        return None, is_enabled
    rule = Rule(
        id=rule_id,
        kind=kind,
        severity=severity,
        told=MappingProxyType(told),
        callers=frozenset(callers),
        items=frozenset(items),
        quiet_days=quiet_days,
        marks=marks,
        words=Words(zh, en) if zh and en else None,
    )
    return rule, is_enabled


def _read_list(table: TomlTable, folder: Path, kind: WatchlistKind, *, is_enabled: bool) -> Watchlist | None:
    """Return the list that a rule goes by; one that is not enabled may name a list that is still to be made."""
    name = table.text("list", pattern=WATCHLIST_NAME, expected=_LIST)
    if not name or not is_enabled:
        return None
    try:
        found = read_watchlist(folder / name)
    except WatchlistError as error:
        table.fault("list", expected=_LIST, found=error.words)
        return None
    if found.kind is not kind:
        expected = Words(f"{kind} 类名单", f"a list of kind {kind}")
        table.fault("list", expected=expected, found=found.kind.value)
        return None
    return found
