"""What is wrong with a policy as a whole: conflicts, limits, dead rules, gaps. Exact, from the reachable rule sets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from policies.analysis.finding import Finding, FindingKind, Severity, rank
from policies.analysis.identity import find_identities
from policies.analysis.reach import Reach
from policies.bundle import Bundle
from policies.compile import Ceiling
from policies.dimension import Context
from policies.engine import Engine
from policies.fault import Place, PolicyFault, Words
from policies.fold import witness
from policies.given import contexts_of
from policies.grant import rows, spell_grant
from policies.rule import Together
from policies.testing import known_names

_NAMED: Final = 5  # items that a sentence names before it counts
MAX_UNTESTED: Final = 20  # examples of plans that no test reaches; the largest are enough to go on with


@dataclass(frozen=True, slots=True, kw_only=True)
class Untested:
    """A plan that no test reaches: of how many contexts it is, and one of them."""

    contexts: int
    witness: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The findings, and how large the policy is.

    ``contexts`` are all that there are, ``plans`` the reachable rule sets, ``tested`` those that a test reaches, and
    ``untested`` the largest of the others.
    """

    findings: tuple[Finding, ...]
    contexts: int
    plans: int
    tested: int
    untested: tuple[Untested, ...]

    @property
    def coverage(self) -> float:
        """The share of the reachable plans that tests reach, from 0 to 1."""
        return self.tested / self.plans if self.plans else 1.0

    def faults(self, places: Mapping[str, Place], file: str) -> tuple[PolicyFault, ...]:
        """Return what forbids the policy to be used, with the places of `rule R-014`, `item 34-001` and so on."""
        return tuple(one.fault(places, file) for one in self.findings if one.severity is Severity.FAULT)


def analyse(engine: Engine) -> Analysis:
    """Analyse a policy that was compiled."""
    reaches = [Reach(table, engine.folds[name]) for name, table in engine.tables.items()]
    findings = [
        *find_conflicts(reaches),
        *find_together(engine.bundle, reaches),
        *find_identities(engine.bundle, reaches),
        *find_idle(engine.bundle, reaches),
        *find_gaps(engine.bundle, reaches),
    ]
    known = known_names(engine.bundle)
    reached = {
        (one.licence, engine.matching(one)) for test in engine.bundle.tests for one in contexts_of(test.given, known)
    }
    missed = sorted(
        (
            (reach.contexts, name, reach.path)
            for name, sets in engine.folds.items()
            for rules, reach in sets.items()
            if (name, rules) not in reached
        ),
        key=lambda one: -one[0],
    )
    return Analysis(
        findings=tuple(sorted(findings, key=rank)),
        contexts=sum(table.contexts for table in engine.tables.values()),
        plans=engine.reachable,
        tested=engine.reachable - len(missed),
        untested=tuple(
            Untested(contexts=contexts, witness=witness(name, path)) for contexts, name, path in missed[:MAX_UNTESTED]
        ),
    )


def find_conflicts(reaches: list[Reach]) -> Iterator[Finding]:
    """Find two rules that show a field in different forms in one context, and neither overrides the other."""
    for reach in reaches:
        for name, sets in reach.seen.items():
            clashes: dict[tuple[int, int], list[int]] = {}
            for rules, seen in sets.items():
                if seen.clash is not None:
                    clashes.setdefault(seen.clash, []).append(rules)
            for (first, second), where in clashes.items():
                one, other, licence = reach.table.rules[first], reach.table.rules[second], reach.table.licence.id
                forms = spell_grant(one.grant[name]), spell_grant(other.grant[name])
                yield Finding(
                    kind=FindingKind.CONFLICT,
                    severity=Severity.FAULT,
                    subject=f"rule {other.id}",
                    key=f"rule {other.id}.grant.{name}",
                    expected=Words(f"与规则 {one.id} 形式一致，或以 overrides 写明由谁优先",
                                   f"the form of rule {one.id}, or overrides that says which of the two holds"),
                    found=Words(f"对证照类型 {licence}，{forms[0]} 与 {forms[1]} 冲突",
                                f"{forms[0]} and {forms[1]} for licence type {licence}"),
                    contexts=sum(sets[rules].contexts for rules in where),
                    witness=reach.witness(sets[where[0]].path),
                )  # fmt: skip


def find_together(bundle: Bundle, reaches: list[Reach]) -> Iterator[Finding]:
    """Find plans that show fields together that may not be shown together."""
    for number, limit in enumerate(bundle.together, start=1):
        for reach in reaches:
            wanted = [reach.bits([name], limit.forms) for name in limit.fields]
            broken = [plan for plan in reach.plans if all(plan & bits for bits in wanted)]
            if not broken:
                yield from _find_apart(limit, number, reach, wanted)
            else:
                shown = "、".join(f"{name}={form}" for name, form in _limited(reach, broken[0], limit.fields))
                yield Finding(
                    kind=FindingKind.TOGETHER,
                    severity=Severity.FAULT,
                    subject=f"together {number}",
                    key=f"together {number}",
                    expected=Words(f"不同时提供 {'、'.join(limit.fields)}（{limit.why}）",
                                   f"not all of {', '.join(limit.fields)} in one answer ({limit.why})"),
                    found=Words(f"证照类型 {reach.table.licence.id} 同时提供 {shown}",
                                f"{shown.replace('、', ', ')} for licence type {reach.table.licence.id}"),
                    contexts=sum(reach.plans[plan].contexts for plan in broken),
                    witness=reach.witness(reach.plans[broken[0]].path),
                )  # fmt: skip


def _find_apart(limit: Together, number: int, reach: Reach, wanted: list[int]) -> Iterator[Finding]:
    """Note callers that see for several items together what no one item shows together."""
    if not all(wanted):
        return
    forms = reach.by_asker()
    callers = sorted(
        {
            caller
            for group in reach.table.asker.groups
            if all(forms[group.column] & bits for bits in wanted)
            for caller, _ in group.values
        }
    )
    if callers:
        licence = reach.table.licence.id
        yield Finding(
            kind=FindingKind.TOGETHER,
            severity=Severity.NOTE,
            subject=f"together {number}",
            key=f"together {number}",
            expected=Words(f"同一类调用方在不同事项中也不分别取得 {'、'.join(limit.fields)}",
                           f"callers that do not get {', '.join(limit.fields)} for different items either"),
            found=Words(f"证照类型 {licence}：{'、'.join(callers)} 分事项可得齐",
                        f"all of them, for different items, of licence type {licence}: {', '.join(callers)}"),
        )  # fmt: skip


def find_idle(bundle: Bundle, reaches: list[Reach]) -> Iterator[Finding]:
    """Find rules that match in no context, and rules that match and yet never give a field."""
    alive: set[str] = set()
    winning: set[str] = set()
    for reach in reaches:
        matching = winners = 0
        for rules in reach.sets:
            matching |= rules
        for sets in reach.seen.values():
            for seen in sets.values():
                winners |= seen.winners
        alive.update(reach.table.rules[row].id for row in rows(matching))
        winning.update(reach.table.rules[row].id for row in rows(winners))
    for rule in bundle.rules:
        if rule.id not in alive:
            kind, found = FindingKind.DEAD, Words("任何情形都不匹配", "it matches in no context")
        elif rule.id not in winning:
            found = Words("每个字段都让位于其他规则", "other rules override or withhold all that it grants")
            kind = FindingKind.SHADOWED
        else:
            continue
        yield Finding(
            kind=kind,
            severity=Severity.WARNING,
            subject=f"rule {rule.id}",
            key=f"rule {rule.id}",
            expected=Words("至少在一种情形中生效的规则", "a rule that counts in some context"),
            found=found,
        )


def find_gaps(bundle: Bundle, reaches: list[Reach]) -> Iterator[Finding]:
    """Find what ceilings allow and nobody can ever get: fields of a licence type, and single forms of a field."""
    used: dict[str, set[tuple[str, str]]] = {item.id: set() for item in bundle.items}
    for reach in reaches:
        uncovered: dict[tuple[str, ...], list[str]] = {}
        known: dict[tuple[int, int], tuple[set[tuple[str, str]], tuple[str, ...]]] = {}
        for item, forms in _forms_by_item(reach).items():
            ceiling = reach.table.ceilings[item]
            key = forms, id(ceiling)
            if key not in known:
                known[key] = _split_ceiling(reach, forms, ceiling)
            shown, missing = known[key]
            used[item] |= shown
            if missing:
                uncovered.setdefault(missing, []).append(item)
        for fields, items in uncovered.items():
            yield _uncovered(reach.table.licence.id, fields, tuple(items))
    for one in bundle.items:
        named = {name for name, _ in used[one.id]}
        for name, allowed in one.ceiling.items():
            idle = [form for form in allowed if name in named and (name, form) not in used[one.id]]
            if idle:
                yield Finding(
                    kind=FindingKind.UNUSED_FORM,
                    severity=Severity.NOTE,
                    subject=f"item {one.id}",
                    key=f"item {one.id}.ceiling.{name}",
                    expected=Words("只列出有规则用到的形式", "only forms that some rule gives"),
                    found=Words(f"{'、'.join(idle)} 从未用到", f"{', '.join(idle)}, never given"),
                )


def _forms_by_item(reach: Reach) -> dict[str, int]:
    """Return for each item of the licence type the bits of all forms that somebody can get."""
    by_matter = reach.by_matter()
    forms = dict.fromkeys(reach.table.items, 0)
    for group in reach.table.matter.groups:
        shown = by_matter[group.column]
        for item, _ in group.values:
            forms[item] |= shown
    return forms


def _split_ceiling(reach: Reach, forms: int, ceiling: Ceiling) -> tuple[set[tuple[str, str]], tuple[str, ...]]:
    """Return the forms of a ceiling that somebody can get, and the fields of which nobody can get any."""
    shown = {(name, form) for (name, form), mark in reach.marks.items() if forms >> mark & 1}
    used = {(name, form) for name, form in shown if form in ceiling.get(name, ())}
    shareable = {one.name for one in reach.table.fields if one.field.may_be_shared}
    return used, tuple(sorted((ceiling.keys() & shareable) - {name for name, _ in used}))


def _uncovered(licence: str, fields: tuple[str, ...], items: tuple[str, ...]) -> Finding:
    """Say it once for all items that lack the same fields."""
    some, more = items[:_NAMED], len(items) - _NAMED
    zh, en = "、".join(some), ", ".join(some)
    if more > 0:
        zh, en = f"{zh} 等 {len(items)} 个事项", f"{en} and {more} more items"
    return Finding(
        kind=FindingKind.UNCOVERED,
        severity=Severity.NOTE,
        subject=f"licence {licence}",
        key=f"licence {licence}: {', '.join(fields)}",
        expected=Words(f"有规则在 {zh} 中提供", f"a rule that gives them for {en}"),
        found=Words("上限允许，但任何情形都得不到", "that their ceilings allow them, and nobody can ever get them"),
        fields=fields,
        items=items,
    )


def _limited(reach: Reach, plan: int, fields: tuple[str, ...]) -> list[tuple[str, str]]:
    return sorted((name, form) for (name, form), mark in reach.marks.items() if plan >> mark & 1 and name in fields)
