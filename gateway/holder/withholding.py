"""Secrecy: which entries holders are not shown for a while, by ``withholding.toml`` of the site.

A rule names investigating bodies, items, or both, the clause of law, and for how many days an entry stays out of what a
holder is answered. The days are those of China: an entry of 1 March that is hidden for 10 days is shown from 11 March
on. A rule can never hide for good, and never hides anything from auditors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.audit.leaf import Leaf
from gateway.callers import CREDIT_CODE_PATTERN
from gateway.policy.moment import china_day, encode_moment
from gateway.toml_table import Fault, TomlTable, Words, load_toml
from keys.canonical_json import encode_canonical

WITHHOLDING_FILE: Final = "withholding.toml"
MAX_RULES: Final = 24  # each may stand in the private part of an entry about a look, among `MAX_CONTEXT` values
MAX_NAMED: Final = 100  # organisations or items of one rule: a fixed list of bodies, no class of them
# Records are kept for three years at least: whoever was looked at secretly has a year to see it.
MAX_HIDDEN_DAYS: Final = 730
SCHEMA: Final = "tongban-withholding/1"

_RULE_ID: Final = r"[a-z0-9][a-z0-9-]{0,63}"
_ITEM: Final = r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}"


class HidesFrom(StrEnum):
    """From whom an entry is hidden."""

    EVERYBODY = "everybody"  # but auditors
    REPRESENTATIVES = "representatives"  # of the holder; the holder is shown it


@dataclass(frozen=True, slots=True, kw_only=True)
class WithholdingRule:
    """One rule. No organisations: those of any; no items: any. It holds for entries of ``since <= t < until``.

    An entry without an item is of any: of a question that was refused for its item, or while no policy was in force,
    nobody knows whether it was for one of those that are secret.
    """

    id: str
    basis: str
    organisations: frozenset[str]
    items: frozenset[str]
    hidden_for_days: int
    hides_from: HidesFrom = HidesFrom.EVERYBODY
    since: datetime | None = None
    until: datetime | None = None

    def covers(self, leaf: Leaf) -> bool:
        """Answer whether the rule speaks of an entry."""
        at = moment_of(leaf)
        return (
            (not self.organisations or leaf.content.org in self.organisations)
            and (not self.items or not leaf.content.item or leaf.content.item in self.items)
            and (self.since is None or self.since <= at)
            and (self.until is None or at < self.until)
        )

    def hides(self, leaf: Leaf, *, at: datetime, represents: bool) -> bool:
        """Answer whether an entry is hidden at a moment, from the holder or from whoever ``represents`` them."""
        if self.hides_from is HidesFrom.REPRESENTATIVES and not represents:
            return False
        shown_from = china_day(moment_of(leaf)) + timedelta(days=self.hidden_for_days)
        return china_day(at) < shown_from and self.covers(leaf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withholding:
    """All rules of a site, by id."""

    rules: tuple[WithholdingRule, ...] = ()

    @property
    def digest(self) -> str:
        """The name of exactly these rules: ``sha256:`` and the hash of their one spelling."""
        return f"sha256:{sha256(encode_withholding(self)).hexdigest()}"

    def select(self, leaf: Leaf, *, at: datetime, represents: bool) -> str | None:
        """Return the id of the first rule that hides an entry; None: it is shown."""
        return next((rule.id for rule in self.rules if rule.hides(leaf, at=at, represents=represents)), None)


def moment_of(leaf: Leaf) -> datetime:
    """Return when an entry was made."""
    return datetime.fromtimestamp(leaf.t / 1000, UTC)


def encode_withholding(withholding: Withholding) -> bytes:
    """Return the one spelling of the rules, in canonical JSON."""
    return encode_canonical(
        {
            "schema": SCHEMA,
            "rules": [
                {
                    "id": rule.id,
                    "basis": rule.basis,
                    "organisations": sorted(rule.organisations),
                    "items": sorted(rule.items),
                    "hidden_for_days": rule.hidden_for_days,
                    "hides_from": rule.hides_from,
                    "since": _spell(rule.since),
                    "until": _spell(rule.until),
                }
                for rule in withholding.rules
            ],
        }
    )


def load_withholding(site: Path, *, faults: list[Fault]) -> Withholding:
    """Read the rules of a site, all faults together; without the file nothing is withheld."""
    path = site / WITHHOLDING_FILE
    if not path.exists() and not path.is_symlink():  # one that leads nowhere is a fault, and no absence of rules
        return Withholding()
    table = load_toml(path, file=WITHHOLDING_FILE, faults=faults)
    if table is None:
        return Withholding()
    rules = [_parse_rule(one) for one in table.tables("rule", most=MAX_RULES)]
    table.finish()
    _check_ids(rules, faults)
    return Withholding(rules=tuple(sorted(rules, key=lambda rule: rule.id)))


def _parse_rule(table: TomlTable) -> WithholdingRule:
    expected = Words("至多 64 个小写字母、数字和连字符", "at most 64 lower-case letters, digits and hyphens")
    rule = WithholdingRule(
        id=table.text("id", pattern=_RULE_ID, expected=expected),
        basis=table.text("basis", expected=Words("法律依据：法律名称与条款", "the law and its clause")),
        organisations=_named(table, "organisations", CREDIT_CODE_PATTERN, Words("统一社会信用代码", "credit codes")),
        items=_named(table, "items", _ITEM, Words("事项编码", "codes of items")),
        hidden_for_days=table.integer("hidden_for_days", default=0, low=1, high=MAX_HIDDEN_DAYS),
        hides_from=_parse_hides_from(table),
        since=table.moment("since"),
        until=table.moment("until"),
    )
    if not table.has("hidden_for_days"):
        days = Words(f"1 至 {MAX_HIDDEN_DAYS} 的整数", f"a whole number from 1 to {MAX_HIDDEN_DAYS}")
        table.fault("hidden_for_days", expected=days, found=Words("未填写", "nothing"))
    if not (table.has("organisations") or table.has("items")):
        zh, en = "organisations 或 items，或两者", "organisations, or items, or both"
        table.fault("organisations", expected=Words(zh, en), found=Words("两者皆无", "neither"))
    if rule.since is not None and rule.until is not None and rule.since >= rule.until:
        expected = Words("晚于 since 的时刻", "a moment after since")
        table.fault("until", expected=expected, found=rule.until.isoformat())
    table.finish()
    return rule


def _parse_hides_from(table: TomlTable) -> HidesFrom:
    said = table.choice("hides_from", HidesFrom) if table.has("hides_from") else None
    return said or HidesFrom.EVERYBODY


def _named(table: TomlTable, key: str, pattern: str, expected: Words) -> frozenset[str]:
    return frozenset(table.texts(key, most=MAX_NAMED, default=(), pattern=pattern, expected=expected))


def _check_ids(rules: Sequence[WithholdingRule], faults: list[Fault]) -> None:
    seen: set[str] = set()
    for place, rule in enumerate(rules, 1):
        if rule.id and rule.id in seen:
            expected = Words("与其他规则不同的 id", "an id that no other rule has")
            faults.append(Fault(file=WITHHOLDING_FILE, key=f"rule[{place}].id", expected=expected, found=rule.id))
        seen.add(rule.id)


def _spell(moment: datetime | None) -> str | None:
    return None if moment is None else encode_moment(moment)
