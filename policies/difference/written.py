"""What was written otherwise in a new version: catalogue, items, ceilings, limits, budgets; whether that loosens it.

A change is taken for a loosening unless it is certain that it is none, or that the comparison of contexts shows it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from policies.bundle import Bundle
from policies.catalogue import Field, LicenceType, ShareClass
from policies.difference.line import DiffLine, Topic, spell_value
from policies.fault import Words
from policies.item import Item
from policies.rule import Budget, PolicyTest, Together

_TOPICS: Final = {
    Topic.LICENCE: Words("证照类型", "licence type"),
    Topic.CATALOGUE: Words("字段", "field"),
    Topic.CALLER: Words("调用方类别", "kind of caller"),
    Topic.ITEM: Words("事项", "item"),
    Topic.RULE: Words("规则", "rule"),
    Topic.CEILING: Words("事项上限", "ceiling"),
    Topic.TOGETHER: Words("并提限制", "limit on fields together"),
    Topic.BUDGET: Words("额度", "budget"),
    Topic.TEST: Words("策略测试", "test"),
    Topic.BUNDLE: Words("策略", "policy"),
}


class _Named(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=_Named)


def compare_written(old: Bundle, new: Bundle) -> Iterator[DiffLine]:
    """Compare everything but what rules give, which is compared context by context."""
    yield from _compare_bundles(old, new)
    for before, after in _pairs(old.licences, new.licences):
        yield from _compare_licences(before, after)
    for kind_before, kind_after in _pairs(old.callers, new.callers):
        if kind_before is None or kind_after is None:
            yield _presence(Topic.CALLER, kind_before, kind_after)
        else:  # what callers of another home see is compared context by context
            yield from _compare_values(Topic.CALLER, kind_before, kind_after, {"home": False} | _LABELS)
    for item_before, item_after in _pairs(old.items, new.items):
        yield from _compare_items(item_before, item_after, (old.residual, new.residual))
    for rule_before, rule_after in _pairs(old.rules, new.rules):
        if rule_before is not None and rule_after is not None:
            yield from _compare_values(Topic.RULE, rule_before, rule_after, _GROUNDS)
    yield from _compare_together(old.together, new.together)
    for budget_before, budget_after in _pairs(old.budgets, new.budgets):
        yield from _compare_budgets(budget_before, budget_after)
    yield from _compare_tests(old.tests, new.tests)


# What people read and nothing decides on: who approves a version sees that it was changed.
_LABELS: Final = {"zh": False, "en": False}
_GROUNDS: Final = {"why": False, "basis": False}


def _compare_bundles(old: Bundle, new: Bundle) -> Iterator[DiffLine]:
    if old.forms != new.forms:  # what a mask shows may be another
        yield _line(Topic.BUNDLE, "forms", old.forms, new.forms, widens=True)
    if old.residual != new.residual:
        yield _line(Topic.BUNDLE, "residual", old.residual, new.residual, widens=new.residual < old.residual)
    # What is in force longer shares when nothing else would: a policy that has ended is revived by its new end.
    periods = {"valid_from": new.valid_from < old.valid_from, "valid_to": new.valid_to > old.valid_to}
    for name, is_longer in periods.items():
        if getattr(old, name) != getattr(new, name):
            yield _line(Topic.BUNDLE, name, getattr(old, name), getattr(new, name), widens=is_longer)


def _compare_licences(old: LicenceType | None, new: LicenceType | None) -> Iterator[DiffLine]:
    if old is None or new is None:
        yield _presence(Topic.LICENCE, old, new)
        return
    looser = {
        "holders": False,  # what is seen of other holders is compared context by context
        "codes": not set(new.codes) <= set(old.codes),  # documents of further types are now read as this one
    }
    yield from _compare_values(Topic.LICENCE, old, new, looser | _LABELS)
    for name in old.fields | new.fields:
        yield from _compare_fields(f"{new.id}.{name}", old.fields.get(name), new.fields.get(name))


def _compare_fields(subject: str, old: Field | None, new: Field | None) -> Iterator[DiffLine]:
    if old is None or new is None:
        share = old.share if old else "", new.share if new else ""
        yield _line(Topic.CATALOGUE, subject, *share, widens=new is not None and new.may_be_shared)
        return
    if old.share is not new.share:
        yield _line(Topic.CATALOGUE, f"{subject}.share", old.share, new.share, widens=_is_looser(old.share, new.share))
    depths = list(type(old.sensitivity))
    looser = {
        "type": True,  # the same form of another value shows something else
        "source": True,
        "sensitivity": depths.index(new.sensitivity) < depths.index(old.sensitivity),
        "about": old.about is not None,  # what narrows down a number is no longer counted as such
        "basis": False,
    }
    yield from _compare_values(Topic.CATALOGUE, old, new, looser | _LABELS, subject)


def _is_looser(old: ShareClass, new: ShareClass) -> bool:
    order = (ShareClass.NONE, ShareClass.UNCLASSIFIED, ShareClass.CONDITIONAL, ShareClass.UNCONDITIONAL)
    return order.index(new) > order.index(old)


def _compare_items(old: Item | None, new: Item | None, residuals: tuple[int, int]) -> Iterator[DiffLine]:
    """Compare two items; ``residuals`` are the thresholds of the bundles, for items without one of their own."""
    if old is None or new is None:
        yield _presence(Topic.ITEM, old, new, widens=new is not None)
        return
    looser = {
        "purpose": True,  # another purpose has other pseudonyms
        "consent": True,
        "case": True,
        "licences": not set(new.licences) <= set(old.licences),
        "valid_from": new.valid_from < old.valid_from,
        "valid_to": new.valid_to > old.valid_to,
        "residual": (new.residual or residuals[1]) < (old.residual or residuals[0]),
        "why_residual": False,
        "basis": False,
    }
    yield from _compare_values(Topic.ITEM, old, new, looser | _LABELS)
    for field in old.ceiling | new.ceiling:
        before_forms, after_forms = set(old.ceiling.get(field, ())), set(new.ceiling.get(field, ()))
        if before_forms != after_forms:
            yield _line(
                Topic.CEILING,
                f"{new.id}.{field}",
                spell_value(sorted(before_forms)),
                spell_value(sorted(after_forms)),
                widens=not after_forms <= before_forms,
            )


def _compare_together(old: Sequence[Together], new: Sequence[Together]) -> Iterator[DiffLine]:
    """Compare limits by what they say; a limit that says otherwise is one dropped and one added."""
    before, after = ({(frozenset(one.fields), frozenset(one.forms)): one for one in limits} for limits in (old, new))
    for key, limit in before.items():
        if key not in after:
            yield _line(Topic.TOGETHER, spell_value(limit.fields), spell_value(limit.forms), "", widens=True)
        elif limit.why != after[key].why:
            yield _line(Topic.TOGETHER, f"{spell_value(limit.fields)}.why", limit.why, after[key].why)
    for key, limit in after.items():
        if key not in before:
            yield _line(Topic.TOGETHER, spell_value(limit.fields), "", spell_value(limit.forms))


def _compare_budgets(old: Budget | None, new: Budget | None) -> Iterator[DiffLine]:
    if old is None or new is None:
        yield _presence(Topic.BUDGET, old, new, widens=new is None)
        return
    looser = {
        "counts": old.counts != new.counts,
        "per": not set(new.per) <= set(old.per),  # counted for more combinations, each has less
        "limit": new.limit > old.limit,
        "window_seconds": new.window_seconds < old.window_seconds,
        "item": not _covers(new.item, old.item),
        "caller": not _covers(new.caller, old.caller),
    }
    yield from _compare_values(Topic.BUDGET, old, new, looser | _LABELS)


def _compare_tests(old: Sequence[PolicyTest], new: Sequence[PolicyTest]) -> Iterator[DiffLine]:
    """Name the tests that have gone, are new, or expect something else."""
    before, after = {one.name: one for one in old}, {one.name: one for one in new}
    for name in before | after:
        one, other = before.get(name), after.get(name)
        if one != other:
            yield _line(Topic.TEST, name, spell_value(one), spell_value(other))


def _compare_values(
    topic: Topic, old: Struct, new: Struct, looser: Mapping[str, bool], subject: str = ""
) -> Iterator[DiffLine]:
    """Compare what has these names; ``looser`` says of each whether a change is a loosening. Lists have no order.

    ``subject`` is what they are called, where it is not by their id.
    """
    called = subject or str(getattr(new, "id", ""))
    for name, is_looser in looser.items():
        before, after = getattr(old, name), getattr(new, name)
        differ = set(before) != set(after) if isinstance(before, tuple) else before != after
        if differ:
            yield _line(topic, f"{called}.{name}", spell_value(before), spell_value(after), widens=is_looser)


def _covers(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """Say whether one scope holds the other; an empty one is everything."""
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _pairs(old: Iterable[N], new: Iterable[N]) -> Iterator[tuple[N | None, N | None]]:
    before, after = {one.id: one for one in old}, {one.id: one for one in new}
    for name in before | after:
        yield before.get(name), after.get(name)


def _presence(topic: Topic, old: _Named | None, new: _Named | None, *, widens: bool = False) -> DiffLine:
    """Say that something is there on one side only."""
    one = new or old
    return _line(topic, one.id if one else "", old.id if old else "", new.id if new else "", widens=widens)


def _line(topic: Topic, subject: str, old: object, new: object, *, widens: bool = False) -> DiffLine:
    before, after, called = str(old), str(new), _TOPICS[topic]
    if not before:
        words = Words(f"新增 {after}", f"{after} is new")
    elif not after:
        words = Words(f"删去 {before}", f"{before} is gone")
    else:
        words = Words(f"由 {before} 改为 {after}", f"{after}, {before} before")
    return DiffLine(
        topic=topic,
        subject=subject,
        old=before,
        new=after,
        widens=widens,
        sentence=Words(f"{called.zh} {subject}：{words.zh}", f"{called.en} {subject}: {words.en}"),
    )
