"""Which sources know a licence, in which order: the rules of a site, ``sources.toml``.

```toml
[[source]]
system = "store"            # the gateway's own store; without a rule first, but behind authoritative ones

[[source]]
system = "guangdong"        # a system of systems.toml
areas = ["44"]              # issued there, by the identifier
types = ["食品经营许可证"]    # of these types, by code or name
authoritative = true        # its word is final: no later source is asked
documents = false           # not asked about a document that came with the question
fresh_seconds = 30          # an answer may be used again for so long; by default each question is asked
```

Beside the rules the file announces outages (`gateway.sources.outage`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from adapters.licence import Licence
from gateway.adapters.systems import SYSTEMS_FILE
from gateway.sources.errand import Errand
from gateway.sources.licence_store import SOURCE_NAME
from gateway.sources.outage import MAX_OUTAGES, Outage, read_outages
from gateway.sources.source import ByIdentifier, LicenceKey, key_text
from gateway.toml_table import Fault, TomlTable, Words, load_toml

SOURCES_FILE: Final = "sources.toml"

_MAX_RULES: Final = 256  # a few for each of the systems that a site may have
MAX_FRESH_SECONDS: Final = 3600  # an hour: what may be older is for each caller to say (`tolerance_seconds`)
_MAX_CONDITIONS: Final = 100  # areas or types of one rule: a province has some twenty cities
_AREA: Final = r"(?:[0-9]{2}){1,3}"
_AREA_WORDS: Final = Words("行政区划代码的前 2、4 或 6 位", "the first 2, 4 or 6 digits of a region")
_NAME: Final = r"[a-z0-9][a-z0-9-]{0,63}"
_NAME_WORDS: Final = Words('systems.toml 中的系统，或 "store"', 'a system of systems.toml, or "store"')
_KEPT_TYPES: Final = 1024  # licence types of a policy
_ISSUER_AREA: Final = slice(2, 8)  # of a credit code (GB 32100): where its organisation is registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What rules go by: where a licence was issued, six digits, and codes and names of its type; "" is not known."""

    area: str
    types: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRule:
    """A source, and which licences it knows; without ``areas`` those of all, without ``types`` likewise.

    ``is_authoritative``: where the rule fits, no later source is asked. ``takes_documents``: it is asked how the
    licence of a document stands that came with the question. ``fresh_seconds``: how long an answer may be used again.
    """

    system: str
    areas: tuple[str, ...] = ()
    types: frozenset[str] = frozenset()
    is_authoritative: bool = False
    takes_documents: bool = True
    fresh_seconds: int = 0

    def fits(self, wanted: Wanted) -> bool:
        """Say whether the source may know such a licence; what is not known fits no condition."""
        is_area = not self.areas or wanted.area.startswith(self.areas)
        return is_area and (not self.types or not self.types.isdisjoint(wanted.types))

    def may_fit(self, wanted: Wanted) -> bool:
        """Say whether the source might know such a licence, whatever is not known of it."""
        is_area = not (self.areas and wanted.area) or wanted.area.startswith(self.areas)
        return is_area and (not (self.types and wanted.types) or not self.types.isdisjoint(wanted.types))

    def covers(self, other: "SourceRule") -> bool:
        """Say whether this rule fits every licence that the other one fits."""
        are_areas = not self.areas or (bool(other.areas) and all(one.startswith(self.areas) for one in other.areas))
        are_types = not self.types or (bool(other.types) and other.types <= self.types)
        return are_areas and are_types


STORE: Final = SourceRule(system=SOURCE_NAME)  # for all licences


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """When which source is asked: the rules, in order, and the outages that are announced."""

    rules: tuple[SourceRule, ...]
    outages: tuple[Outage, ...] = ()


def load_sources(folder: Path, *, systems: Collection[str], faults: list[Fault]) -> SourcePlan:
    """Read when a site asks its sources; without a file the store alone. What is wrong is added to ``faults``.

    A store that no rule names comes first, but behind the last rule that is authoritative: nothing comes before the
    word of a source that is final.

    A rule for a system that is not in ``systems``, and one that no question can reach, are faults; so are a system that
    is called as the store is, and a store that is not asked about some licences, whose revocation would go unnoticed.
    """
    if SOURCE_NAME in systems:
        expected = Words("其他名称", "another name")
        found = Words("自有证照库的名称", "that of the gateway's own store")
        faults.append(Fault(file=SYSTEMS_FILE, key=SOURCE_NAME, expected=expected, found=found))
    path = folder / SOURCES_FILE
    if not path.exists():
        return SourcePlan(rules=(STORE,))
    root = load_toml(path, file=SOURCES_FILE, faults=faults)
    if root is None:
        return SourcePlan(rules=())
    tables = root.tables("source", most=_MAX_RULES)
    outages = read_outages(root.tables("outage", most=MAX_OUTAGES), systems)
    root.finish()
    return SourcePlan(rules=_read_rules(tables, systems, faults), outages=outages)


def _read_rules(tables: Iterable[TomlTable], systems: Collection[str], faults: list[Fault]) -> tuple[SourceRule, ...]:
    """Return the rules, in order, with one for the store."""
    rules: list[SourceRule] = []
    for table in tables:
        rule = _read_rule(table, systems)
        _check_reached(rule, rules, table)
        rules.append(rule)
    of_store = [rule for rule in rules if rule.system == SOURCE_NAME]
    if of_store and all(rule.areas or rule.types for rule in of_store):
        expected = Words("另有一条不设条件的 store 规则", "another rule for the store, without conditions")
        found = Words("只有设条件的", "conditions in all of them")
        faults.append(Fault(file=SOURCES_FILE, key="source", expected=expected, found=found))
    if of_store:
        return tuple(rules)
    behind = max((place for place, rule in enumerate(rules, 1) if rule.is_authoritative), default=0)
    return (*rules[:behind], STORE, *rules[behind:])


def select_rules(rules: tuple[SourceRule, ...], wanted: Wanted) -> tuple[SourceRule, ...]:
    """Return the rules whose sources are asked about a licence, in order, each source once."""
    selected: dict[str, SourceRule] = {}
    for rule in rules:
        if rule.fits(wanted):
            selected.setdefault(rule.system, rule)
            if rule.is_authoritative:
                break
    return tuple(selected.values())


def undecided_rules(rules: tuple[SourceRule, ...], wanted: Wanted) -> tuple[SourceRule, ...]:
    """Return the rules that might fit a licence of which too little is known, and whose sources are not asked for it.

    What such a source would say nobody knows, so the others' "not found" is not the last word. Rules behind one that
    fits and is authoritative do not count.
    """
    selected = {rule.system for rule in select_rules(rules, wanted)}
    found: list[SourceRule] = []
    for rule in rules:
        if rule.system not in selected and rule.may_fit(wanted):
            found.append(rule)
        if rule.fits(wanted) and rule.is_authoritative:
            break
    return tuple(found)


def wanted_by_key(key: LicenceKey, errand: Errand) -> Wanted:
    """Return what rules go by of a licence that is named; a number does not tell where it was issued."""
    known = _spell_types(errand.type_code, errand.type_name)
    if isinstance(key, ByIdentifier):
        type_code, issuer, _ = key.stated
        return Wanted(area=_area_of(issuer), types=known | {type_code} if type_code else known)
    return Wanted(area="", types=known | {key.type} if key.type else known)


@lru_cache(_KEPT_TYPES)
def _spell_types(*stated: str) -> frozenset[str]:
    """Return words of the catalogue as keys spell them."""
    return frozenset(map(key_text, stated)) - {""}


def wanted_by_licence(licence: Licence) -> Wanted:
    """Return what rules go by of a licence whose document is at hand."""
    identifier = licence.identifier
    issuer = licence.issuer_code if identifier is None else identifier.issuer_code or licence.issuer_code
    stated = {licence.type_code, licence.name, "" if identifier is None else identifier.type_code}
    return Wanted(area=_area_of(issuer), types=frozenset({key_text(text) for text in stated} - {""}))


def _read_rule(table: TomlTable, systems: Collection[str]) -> SourceRule:
    system = table.text("system", pattern=_NAME, expected=_NAME_WORDS)
    if system and system != SOURCE_NAME and system not in systems:
        table.fault("system", expected=_NAME_WORDS, found=system)
    types = table.texts("types", most=_MAX_CONDITIONS, default=(), expected=Words("证照类型", "licence types"))
    rule = SourceRule(
        system=system,
        areas=table.texts("areas", most=_MAX_CONDITIONS, default=(), pattern=_AREA, expected=_AREA_WORDS),
        types=frozenset({key_text(text) for text in types} - {""}),
        is_authoritative=table.flag("authoritative", default=False),
        takes_documents=table.flag("documents", default=True),
        fresh_seconds=table.integer("fresh_seconds", default=0, low=0, high=MAX_FRESH_SECONDS),
    )
    if rule.fresh_seconds and system == SOURCE_NAME:  # it is here, and asked as quickly as anything that is kept
        table.fault("fresh_seconds", expected=Words("其他系统的规则", "a rule for another system"), found=system)
    if types and not rule.types:
        table.fault("types", expected=Words("证照类型", "licence types"), found=Words("空白文本", "blank texts"))
    table.finish()
    return rule


def _check_reached(rule: SourceRule, before: list[SourceRule], table: TomlTable) -> None:
    """Note a rule that no question reaches: an earlier one is final for all of it, or asks the same source."""
    for number, earlier in enumerate(before, 1):
        if (earlier.is_authoritative or earlier.system == rule.system) and earlier.covers(rule):
            zh, en = f"不被 source[{number}] 完全覆盖的规则", f"a rule that source[{number}] leaves something to"
            table.fault("system", expected=Words(zh, en), found=Words("永远用不到的规则", "one that is never reached"))
            return


def _area_of(credit_code: str) -> str:
    area = credit_code[_ISSUER_AREA]
    is_area = len(credit_code) == 18 and area.isascii() and area.isdecimal()  # noqa: PLR2004 -- GB 32100
    return area if is_area else ""
