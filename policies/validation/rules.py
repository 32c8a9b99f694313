"""What is wrong in rules: names they do not know, forms they may not grant, overrides that make no sense."""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Final

from policies.catalogue import STATUS, Field, LicenceType, ValueType
from policies.dimension import Consent, HolderType, OutcomeClass
from policies.fault import Report, Words, same
from policies.item import possible_consents
from policies.reading import quoted, spelled
from policies.rule import Rule
from policies.validation.draft import Draft, Entry
from policies.validation.forms import check_forms, check_grant, spellings

MAX_OVERRIDES: Final = 200  # of one rule; each pair is compared, and nobody can oversee more
_WITHHELD: Final = "withheld"


def check_rules(draft: Draft, report: Report) -> None:
    """Note what is wrong with each rule by itself, and with its overrides."""
    ceilings = _Ceilings(draft)
    for entry in draft.rules:
        _RuleCheck(entry, draft, ceilings, report).run()
    _check_overrides(draft, report)


class _Ceilings:
    """The ceilings of all items, as sets of items in the bits of integers, so that 10,000 rules are held against them.

    ``listing`` are the items that list a licence type, ``allowing`` those whose ceiling has a form of a field,
    ``under`` those about which a question can have a ground of consent.
    """

    def __init__(self, draft: Draft) -> None:
        self.items = list(draft.item.values())
        self.number = {item.id: 1 << place for place, item in enumerate(self.items)}
        self.every = (1 << len(self.items)) - 1
        self.listing: dict[str, int] = {}
        self.allowing: dict[tuple[str, str], int] = {}
        self.under: dict[Consent, int] = {}
        for item in self.items:
            bit = self.number[item.id]
            for licence in item.licences:
                self.listing[licence] = self.listing.get(licence, 0) | bit
            for consent in possible_consents(item):
                self.under[consent] = self.under.get(consent, 0) | bit
            for name, texts in item.ceiling.items():
                for text in texts:
                    self.allowing[name, text] = self.allowing.get((name, text), 0) | bit

    def matched(self, rule: Rule) -> int:
        """Return the items to which a rule can apply."""
        items = self.every
        if rule.item is not None:
            items = reduce(int.__or__, (self.number.get(item, 0) for item in rule.item))
        if rule.consent is not None:
            items &= reduce(int.__or__, (self.under.get(consent, 0) for consent in rule.consent))
        return items


class _RuleCheck:
    """Judges one rule."""

    def __init__(self, entry: Entry[Rule], draft: Draft, ceilings: _Ceilings, report: Report) -> None:
        self._rule = entry.value
        self._origin = entry.origin
        self._draft = draft
        self._ceilings = ceilings
        self._report = report
        self._items = ceilings.matched(self._rule)
        self._licences = self._reached()

    def run(self) -> None:
        """Note every fault of the rule."""
        self._check_names()
        for name, granted in self._rule.grant.items():
            self._check_grant(name, granted)
        others = [outcome for outcome in self._rule.outcome if outcome is not OutcomeClass.VALID]
        too_much = [name for name, granted in self._rule.grant.items() if name != STATUS and granted != _WITHHELD]
        if others and too_much:
            accepted = ", ".join(others)
            expected = Words(
                f"仅提供 {STATUS}（规则适用于结论为 {accepted} 的证照）",
                f"a grant of {STATUS} only, as the rule accepts licences whose outcome is {accepted}",
            )
            self._fault("grant", expected=expected, found=same(", ".join(sorted(too_much))))

    def _reached(self) -> list[LicenceType]:
        """Return the licence types to which the rule can apply."""
        rule, draft = self._rule, self._draft
        stated: Iterable[str] = draft.licence if rule.licence.type is None else rule.licence.type
        types = [draft.licence[name] for name in stated if name in draft.licence]
        holders: Iterable[HolderType] = tuple(HolderType) if rule.holder.type is None else rule.holder.type
        return [
            licence
            for licence in types
            if self._ceilings.listing.get(licence.id, 0) & self._items and set(holders) & set(licence.holders)
        ]

    def _check_names(self) -> None:
        rule = self._rule
        self._draft.check_names("item", rule.item or (), self._origin, self._report, "item")
        self._draft.check_names("caller_kind", rule.caller.kind or (), self._origin, self._report, "caller", "kind")
        self._draft.check_names("licence", rule.licence.type or (), self._origin, self._report, "licence", "type")
        self._draft.check_names("rule", rule.overrides, self._origin, self._report, "overrides")

    def _check_grant(self, name: str, granted: str | tuple[str, ...]) -> None:
        having = [(licence, licence.fields[name]) for licence in self._licences if name in licence.fields]
        types: dict[ValueType, str] = {}
        for licence, field in having:
            types.setdefault(field.type, licence.id)
        before = self._report.count
        check_forms(spellings(granted), types, self._origin, self._report, "grant", name)
        check_grant(granted, self._origin, self._report, "grant", name)
        if not having:
            self._check_field(name)
        elif self._report.count == before and granted != _WITHHELD:
            self._check_share(name, having)
            self._check_ceiling(name, granted, [licence for licence, field in having if field.may_be_shared])

    def _check_field(self, name: str) -> None:
        """Note a field that no licence type of the rule has; a rule that reaches none is the analysis's to report."""
        rule, draft = self._rule, self._draft
        are_known = all(item in draft.item for item in rule.item or ()) and all(
            licence in draft.licence for licence in rule.licence.type or ()
        )
        has_all = (rule.licence.type is not None or draft.has_all("licence")) and (
            rule.item is not None or draft.has_all("item")
        )
        reaches_none = not self._licences and name in draft.field_names
        if reaches_none or not are_known or not has_all:
            return
        names = sorted({field for licence in self._licences for field in licence.fields} or draft.field_names)
        expected = Words("规则所涉证照类型的字段", "a field of the licence types that the rule is about")
        hint = self._report.hint(name, names)
        self._fault("grant", name, expected=expected, found=quoted(name), meant=hint)

    def _check_share(self, name: str, having: list[tuple[LicenceType, Field]]) -> None:
        for licence, field in having:
            if not field.may_be_shared:
                expected = Words("可共享的字段", "a field that may be shared")
                found = Words(
                    f"{licence.id} 中共享属性为 {field.share} 的字段", f"one of class {field.share} in {licence.id}"
                )
                self._fault("grant", name, expected=expected, found=found)

    def _check_ceiling(self, name: str, granted: str | tuple[str, ...], licences: list[LicenceType]) -> None:
        """Note a form that the ceiling of an item to which the rule can apply does not allow."""
        listing = self._ceilings.listing
        items = self._items & reduce(int.__or__, (listing.get(licence.id, 0) for licence in licences), 0)
        for text in spellings(granted):
            above = items & ~self._ceilings.allowing.get((name, text), 0)
            if not above:
                continue
            item = self._ceilings.items[(above & -above).bit_length() - 1]
            allowed = spelled(item.ceiling.get(name, ()))
            expected = Words(
                f"不超过事项 {item.id} 的上限（{allowed or '不提供该字段'}）",
                f"no more than the ceiling of item {item.id} allows ({allowed or 'nothing of this field'})",
            )
            others = above.bit_count() - 1
            found = Words(
                f"{text}（另有 {others} 个事项同样超出）" if others else text,
                f"{text} (above the ceilings of {others} other items too)" if others else text,
            )
            self._fault("grant", name, expected=expected, found=found)

    def _fault(self, *keys: str, expected: Words, found: Words, meant: str = "") -> None:
        self._origin.fault(self._report, *keys, expected=expected, found=found, meant=meant)


def _check_overrides(draft: Draft, report: Report) -> None:
    """Note overrides of a rule by itself, in a circle, or of a rule that never applies together with it."""
    accepted = _Accepted()
    for entry in draft.rules:
        rule, origin = entry.value, entry.origin
        if len(rule.overrides) > MAX_OVERRIDES:
            expected = Words(f"至多 {MAX_OVERRIDES} 条规则", f"at most {MAX_OVERRIDES} rules")
            origin.fault(report, "overrides", expected=expected, found=same(str(len(rule.overrides))))
            continue
        for name in rule.overrides:
            other = draft.rule.get(name)
            if name == rule.id:
                expected = Words("其他规则", "other rules")
                origin.fault(report, "overrides", expected=expected, found=Words("规则自身", "the rule itself"))
            elif other is not None and (apart := accepted.apart(rule, other)):
                expected = Words("可能同时适用的规则", "rules that can apply at the same time")
                found = Words(f"{name}（{apart} 无交集）", f"{name}, which has no {apart} in common with it")
                origin.fault(report, "overrides", expected=expected, found=found)
    _check_circles(draft, report)


_CONDITIONS: Final[Mapping[str, Callable[[Rule], tuple[str, ...] | None]]] = {
    "item": lambda rule: rule.item,
    "caller.kind": lambda rule: rule.caller.kind,
    "caller.home": lambda rule: rule.caller.home,
    "licence.type": lambda rule: rule.licence.type,
    "licence.status": lambda rule: rule.licence.status,
    "holder.type": lambda rule: rule.holder.type,
    "holder.age": lambda rule: rule.holder.age,
    "consent": lambda rule: rule.consent,
    "outcome": lambda rule: rule.outcome,
}


class _Accepted:
    """What rules accept, as bits, each rule read once: a rule may be overridden by thousands of others."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._bits: dict[str, tuple[int, ...]] = {}

    def apart(self, one: Rule, other: Rule) -> str:
        """Return the first condition that no context can meet for both rules, "" when there is none."""
        pairs = zip(_CONDITIONS, self._of(one), self._of(other), strict=True)
        return next((key for key, first, second in pairs if not first & second), "")

    def _of(self, rule: Rule) -> tuple[int, ...]:
        found = self._bits.get(rule.id)
        if found is None:
            found = self._bits[rule.id] = tuple(self._bits_of(accepts(rule)) for accepts in _CONDITIONS.values())
        return found

    def _bits_of(self, values: tuple[str, ...] | None) -> int:
        if values is None:
            return -1  # every bit
        return reduce(int.__or__, (1 << self._numbers.setdefault(value, len(self._numbers)) for value in values))


def _check_circles(draft: Draft, report: Report) -> None:
    """Note each circle of overrides once, at the rule that closes it; no recursion, as chains may be long."""
    done: set[str] = set()
    origins = {entry.value.id: entry.origin for entry in draft.rules}
    for start in draft.rule:
        if start in done:
            continue
        path, open_rules = [start], {start: 0}
        ahead = [iter(draft.rule[start].overrides)]
        while path:
            name = next(ahead[-1], None)
            if name is None:
                done.add(path[-1])
                del open_rules[path.pop()]
                ahead.pop()
            elif name in open_rules and name != path[-1]:
                first = open_rules[name]
                skipped = ["…"] if len(path) - first > _SHOWN_RULES else []
                shown = " → ".join([*path[first : first + _SHOWN_RULES], *skipped, name])
                expected = Words("不循环的优先关系", "overrides that do not go round in a circle")
                origins[path[-1]].fault(report, "overrides", expected=expected, found=same(shown))
            elif name in draft.rule and name not in done and name not in open_rules:
                open_rules[name] = len(path)
                path.append(name)
                ahead.append(iter(draft.rule[name].overrides))


_SHOWN_RULES: Final = 6  # of a circle
