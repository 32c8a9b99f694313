"""A policy as tables that officials read: rules, items with their ceilings, fields, limits, budgets; Chinese first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.policy.words import VALUES, name_form
from policies.bundle import Bundle, digest_bundle
from policies.dimension import OutcomeClass
from policies.fault import Words
from policies.rule import Budget, Obligations, Rule

Cell = tuple[Words, ...]  # its lines

_EVERY = Words("全部", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table: its title, the heads of its columns, its rows."""

    title: Words
    heads: tuple[Words, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTable:
    """All tables of a policy."""

    name: str
    version: str
    digest: str
    valid_from: str
    valid_to: str
    sheets: tuple[Sheet, ...]


def make_table(bundle: Bundle) -> PolicyTable:
    """Return the tables of a policy."""
    names = _Names(bundle)
    return PolicyTable(
        name=bundle.name,
        version=bundle.version,
        digest=digest_bundle(bundle),
        valid_from=bundle.valid_from,
        valid_to=bundle.valid_to,
        sheets=(
            _rules(bundle, names),
            _items(bundle, names),
            _fields(bundle),
            _limits(bundle, names),
            _budgets(bundle, names),
        ),
    )


class _Names:
    """What items, kinds of callers, licence types and fields are called."""

    def __init__(self, bundle: Bundle) -> None:
        self.items = {one.id: Words(f"{one.zh}（{one.id}）", f"{one.en} ({one.id})") for one in bundle.items}
        self.callers = {one.id: Words(one.zh, one.en) for one in bundle.callers}
        self.licences = {one.id: Words(one.zh, one.en) for one in bundle.licences}
        self.fields: dict[str, Words] = {}
        for licence in bundle.licences:
            for name, field in licence.fields.items():
                self.fields.setdefault(name, Words(field.zh, field.en))

    def grants(self, grant: Iterable[tuple[str, str | Sequence[str]]]) -> Cell:
        """Return a line for each field with its forms."""
        return tuple(self._grant(field, (forms,) if isinstance(forms, str) else forms) for field, forms in grant)

    def _grant(self, field: str, forms: Sequence[str]) -> Words:
        words, named = self.fields.get(field, _same(field)), [name_form(form) for form in forms]
        zh, en = "、".join(one.zh for one in named), ", ".join(one.en for one in named)
        return Words(f"{words.zh}：{zh}", f"{words.en}: {en}")


def _rules(bundle: Bundle, names: _Names) -> Sheet:
    return Sheet(
        title=Words("共享规则", "Sharing rules"),
        heads=(
            Words("编号", "Rule"),
            Words("事项", "Item"),
            Words("调用方", "Caller"),
            Words("证照", "Licence"),
            Words("持证主体", "Holder"),
            Words("同意与结论", "Consent, outcome"),
            Words("提供内容", "What is shared"),
            Words("义务", "Obligations"),
            Words("理由与依据", "Why, and by what law"),
        ),
        rows=tuple(tuple(_rule(rule, names)) for rule in bundle.rules),
    )


def _rule(rule: Rule, names: _Names) -> Iterator[Cell]:
    overrides = "、".join(rule.overrides)
    yield (_same(rule.id), *([Words(f"优先于 {overrides}", f"overrides {overrides}")] if overrides else ()))
    yield _named(rule.item, names.items)
    yield (*_named(rule.caller.kind, names.callers), *_values(rule.caller.home))
    yield (*_named(rule.licence.type, names.licences), *_values(rule.licence.status))
    yield (*_values(rule.holder.type), *_values(rule.holder.age)) or (_EVERY,)
    outcome = () if rule.outcome == (OutcomeClass.VALID,) else rule.outcome  # what goes without saying
    yield (*_values(rule.consent), *_values(outcome))
    yield names.grants(sorted(rule.grant.items()))
    yield tuple(_obligations(rule.oblige))
    yield (_same(rule.why), _same(rule.basis))


def _obligations(oblige: Obligations) -> Iterator[Words]:
    yield VALUES[oblige.audit]
    yield Words(f"记录保存 {oblige.keep_days} 天", f"kept for {oblige.keep_days} days")
    if oblige.per_minute is not None:
        yield Words(f"每分钟至多 {oblige.per_minute} 次", f"at most {oblige.per_minute} a minute")
    if oblige.watermark:
        yield Words("加水印", "with a watermark")


def _items(bundle: Bundle, names: _Names) -> Sheet:
    return Sheet(
        title=Words("事项上限（用证清单）", "Items and their ceilings"),
        heads=(
            Words("事项", "Item"),
            Words("依据", "Legal basis"),
            Words("证照", "Licences"),
            Words("同意方式", "Consent"),
            Words("至多提供", "The most it may receive"),
            Words("有效期", "Period"),
        ),
        rows=tuple(
            (
                (names.items[item.id],),
                (_same(item.basis),),
                _named(item.licences, names.licences),
                (VALUES[item.consent],),
                names.grants(sorted(item.ceiling.items())),
                (_same(f"{item.valid_from} – {item.valid_to}"),),
            )
            for item in bundle.items
        ),
    )


def _fields(bundle: Bundle) -> Sheet:
    return Sheet(
        title=Words("证照字段", "Fields of licences"),
        heads=(
            Words("证照", "Licence"),
            Words("字段", "Field"),
            Words("共享类型", "Sharing"),
            Words("敏感程度", "Sensitivity"),
            Words("来源", "Source"),
            Words("依据", "Legal basis"),
        ),
        rows=tuple(
            (
                (Words(licence.zh, licence.en),),
                (Words(f"{field.zh}（{name}）", f"{field.en} ({name})"),),
                (VALUES[field.share],),
                (VALUES[field.sensitivity],),
                (_same(field.source),),
                (_same(field.basis),) if field.basis else (),
            )
            for licence in bundle.licences
            for name, field in sorted(licence.fields.items())
        ),
    )


def _limits(bundle: Bundle, names: _Names) -> Sheet:
    return Sheet(
        title=Words("并提限制", "Fields that may not meet in one answer"),
        heads=(Words("字段", "Fields"), Words("形式", "Forms"), Words("理由", "Why")),
        rows=tuple(
            (_named(limit.fields, names.fields), tuple(map(_same, limit.forms)), (_same(limit.why),))
            for limit in bundle.together
        ),
    )


def _budgets(bundle: Bundle, names: _Names) -> Sheet:
    return Sheet(
        title=Words("额度", "Budgets"),
        heads=(
            Words("额度", "Budget"),
            Words("计数", "Counts"),
            Words("对每个", "For each"),
            Words("上限", "Limit"),
            Words("事项", "Items"),
            Words("调用方", "Callers"),
        ),
        rows=tuple(
            (
                (Words(f"{one.zh}（{one.id}）", f"{one.en} ({one.id})"),),
                (VALUES[one.counts],),
                _values(one.per),
                (_limit(one),),
                _named(one.item or None, names.items),
                _named(one.caller or None, names.callers),
            )
            for one in bundle.budgets
        ),
    )


def _limit(budget: Budget) -> Words:
    window = timedelta(seconds=budget.window_seconds)
    if not window.seconds:
        return Words(f"{budget.limit} / {window.days} 天", f"{budget.limit} in {window.days} days")
    return Words(f"{budget.limit} / {budget.window_seconds} 秒", f"{budget.limit} in {budget.window_seconds} s")


def _named(ids: Sequence[str] | None, names: dict[str, Words]) -> Cell:
    return (_EVERY,) if ids is None else tuple(names.get(one, _same(one)) for one in ids)


def _values(values: Sequence[object] | None) -> Cell:
    return () if values is None else tuple(VALUES[value] for value in values)  # type: ignore[index]  # members of enums


def _same(text: str) -> Words:
    return Words(text, text)
