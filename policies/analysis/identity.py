"""Plans that say too much about who the holder is: few candidates for a number, a mask that can be guessed."""

from collections.abc import Iterator, Mapping
from typing import Final

from policies.analysis.finding import Finding, FindingKind, Severity
from policies.analysis.reach import Reach
from policies.bundle import Bundle
from policies.catalogue import ValueType
from policies.dimension import Context
from policies.fault import Words
from policies.form import FormKind
from policies.forms.residual import Residual, name_residual, residual_candidates
from policies.item import Item

# A mask of these leaves so few candidates that a comparison tells the value after some tries (design: 32).
NUMBERS: Final = frozenset(
    {ValueType.CITIZEN_ID, ValueType.HOLDER_CODE, ValueType.PASSPORT, ValueType.PHONE, ValueType.BANK_CARD}
)

FEWEST_PEOPLE: Final = 10  # behind a masked name; fewer can be told apart by whoever knows the place


def find_identities(bundle: Bundle, reaches: list[Reach]) -> Iterator[Finding]:
    """Find both."""
    items = {item.id: item for item in bundle.items}
    for reach in reaches:
        yield from find_residuals(bundle, reach, items)
        yield from find_masks_to_guess(reach)


def find_residuals(bundle: Bundle, reach: Reach, items: dict[str, Item]) -> Iterator[Finding]:
    """Find items under which a plan leaves fewer candidates for a holder's number than the item or bundle demands.

    And those under which it leaves so few people for a masked name that the mask hides nobody, which is a warning.
    """
    fields = reach.table.licence.fields
    numbers = {plan: residual_candidates(reach.forms(plan), fields) for plan in reach.plans}
    names = {plan: left for plan in reach.plans if (left := name_residual(reach.forms(plan), fields)) is not None}
    limits = {name: items[name].residual or bundle.residual for name in reach.table.items}
    for item, (limit, left, context) in _worst(reach, numbers, limits).items():
        because, licence = " + ".join(left.because), reach.table.licence.id
        yield Finding(
            kind=FindingKind.RESIDUAL,
            severity=Severity.FAULT,
            subject=f"item {item}",
            key=f"item {item}",
            expected=Words(f"证件号码的候选不少于 {limit} 个", f"at least {limit} candidates for a number"),
            found=Words(f"证照类型 {licence} 的 {because} 只剩 {left.count} 个",
                        f"{left.count} after {because} of licence type {licence}"),
            witness=context,
        )  # fmt: skip
    for item, (limit, left, context) in _worst(reach, names, dict.fromkeys(limits, FEWEST_PEOPLE)).items():
        because, licence = " + ".join(left.because), reach.table.licence.id
        yield Finding(
            kind=FindingKind.RESIDUAL,
            severity=Severity.WARNING,
            subject=f"item {item}",
            key=f"item {item}",
            expected=Words(f"脱敏姓名对应的人不少于 {limit} 个", f"at least {limit} people behind a masked name"),
            found=Words(f"证照类型 {licence} 的 {because} 最少只剩 {left.count} 人",
                        f"as few as {left.count} after {because} of licence type {licence}"),
            witness=context,
        )  # fmt: skip


def _worst(
    reach: Reach, left: Mapping[int, Residual], limits: Mapping[str, int]
) -> dict[str, tuple[int, Residual, Context]]:
    """Return for each item with a plan that leaves too few its limit, what is left at worst, and an example."""
    highest = max(limits.values(), default=0)
    low = {plan: residual for plan, residual in left.items() if residual.count < highest}
    worst: dict[str, tuple[int, Residual, Context]] = {}
    if not low:
        return worst
    for group in reach.table.matter.groups:
        found = [(low[plan], path) for plan, path in reach.plans_of(group.column) if plan in low]
        if not found:
            continue
        residual, path = min(found, key=lambda one: one[0].count)
        for matter in group.values:
            item = matter[0]
            if residual.count < limits[item] and (item not in worst or residual.count < worst[item][1].count):
                worst[item] = limits[item], residual, reach.witness((matter, *path))
    return worst


def find_masks_to_guess(reach: Reach) -> Iterator[Finding]:
    """Find values that one caller sees in part and may also compare, so that the rest can be found by asking.

    A value may have several fields, which are those of one source. For one item that is a fault where the value is a
    number; across items it is a warning, as two items are two cases.
    """
    by_source: dict[str, list[str]] = {}
    for name in reach.seen:
        by_source.setdefault(reach.table.licence.fields[name].source, []).append(name)
    by_asker = None
    for names in by_source.values():
        pair = reach.bits(names, _IN_PART), reach.bits(names, [FormKind.MATCH])
        if not all(pair):
            continue
        if by_asker is None:
            by_asker = reach.by_asker()
        suspects = {column for column, forms in by_asker.items() if all(forms & bits for bits in pair)}
        if suspects:
            yield from _find_masks_of(reach, names, suspects, pair)


_IN_PART: Final = (FormKind.MASK, FormKind.GENERAL)


def _find_masks_of(reach: Reach, names: list[str], suspects: set[int], pair: tuple[int, int]) -> Iterator[Finding]:
    is_number = any(reach.table.licence.fields[name].type in NUMBERS for name in names)
    askers = {group.column: group.values[0] for group in reach.table.asker.groups if group.column in suspects}
    guilty: dict[str, Finding] = {}
    for asker, who in askers.items():
        forms_by_item: dict[str, int] = {}
        for group in reach.table.matter.groups:
            shown = reach.forms_of(group.column & asker)
            for item, _ in group.values:
                forms_by_item[item] = forms_by_item.get(item, 0) | shown
        for item, forms in forms_by_item.items():
            if item not in guilty and all(forms & bits for bits in pair):
                severity = Severity.FAULT if is_number else Severity.WARNING
                guilty[item] = _guess(reach, names, f"item {item}", who, severity)
    if guilty:
        yield from guilty.values()
    else:
        anyone = next(iter(askers.values()))
        yield _guess(reach, names, f"licence {reach.table.licence.id}", anyone, Severity.WARNING)


def _guess(reach: Reach, names: list[str], subject: str, asker: tuple[str, str], severity: Severity) -> Finding:
    caller, home = asker
    licence, name = reach.table.licence.id, "+".join(names)
    across = (
        Words("不同事项中", "for different items") if subject.startswith("licence") else Words("同一事项中", "for it")
    )
    return Finding(
        kind=FindingKind.MASK_AND_MATCH,
        severity=severity,
        subject=subject,
        key=f"{subject}.{name}",
        expected=Words("同一调用方对同一字段只能部分查看或只能比对", "either a part or a comparison for one caller"),
        found=Words(
            f"证照类型 {licence}：{caller}（{home}）{across.zh}既见部分值又可比对，可逐个试出原值",
            f"both {across.en}, of licence type {licence} to {caller} ({home}), who can try out the rest",
        ),
    )
