"""Plans that say too much about who the holder is: few candidates for a number, a mask that can be guessed."""

from collections.abc import Iterator
from typing import Final

from policies.analyse_finding import Finding, FindingKind, Severity
from policies.analyse_reach import Reach
from policies.bundle import Bundle
from policies.catalogue import ValueType
from policies.fault import Words
from policies.form import FormKind
from policies.forms.residual import residual_candidates
from policies.item import Item

# A mask of these leaves so few candidates that a comparison tells the value after some tries (design: 32).
NUMBERS: Final = frozenset(
    {ValueType.CITIZEN_ID, ValueType.HOLDER_CODE, ValueType.PASSPORT, ValueType.PHONE, ValueType.BANK_CARD}
)


def find_identities(bundle: Bundle, reaches: list[Reach]) -> Iterator[Finding]:
    """Find both."""
    items = {item.id: item for item in bundle.items}
    for reach in reaches:
        yield from find_residuals(bundle, reach, items)
        yield from find_masks_to_guess(reach)


def find_residuals(bundle: Bundle, reach: Reach, items: dict[str, Item]) -> Iterator[Finding]:
    """Find items under which a plan leaves fewer candidates for a holder's number than the item or bundle demands."""
    fields = reach.table.licence.fields
    limits = {name: items[name].residual or bundle.residual for name in reach.table.items}
    highest = max(limits.values(), default=0)
    low = {}
    for plan in reach.plans:
        residual = residual_candidates(reach.forms(plan), fields)
        if residual.count < highest:
            low[plan] = residual
    if not low:
        return
    worst: dict[str, tuple[int, Finding]] = {}
    for group in reach.table.matter.groups:
        found = [(low[plan], path) for plan, path in reach.contexts_of(group.column) if plan in low]
        if not found:
            continue
        residual, path = min(found, key=lambda one: one[0].count)
        for matter in group.values:
            item = matter[0]
            if residual.count < limits[item] and (item not in worst or residual.count < worst[item][0]):
                because = " + ".join(residual.because)
                limit = limits[item]
                finding = Finding(
                    kind=FindingKind.RESIDUAL,
                    severity=Severity.FAULT,
                    subject=f"item {item}",
                    key=f"item {item}",
                    expected=Words(f"证件号码的候选不少于 {limit} 个", f"at least {limit} candidates for a number"),
                    found=Words(f"证照类型 {reach.table.licence.id} 的 {because} 只剩 {residual.count} 个",
                                f"{residual.count} after {because} of licence type {reach.table.licence.id}"),
                    witness=reach.witness((*path, matter)),
                )  # fmt: skip
                worst[item] = (residual.count, finding)
    yield from (finding for _, finding in worst.values())


def find_masks_to_guess(reach: Reach) -> Iterator[Finding]:
    """Find fields that one caller sees masked and may also compare, so that the mask can be completed by asking.

    For one item that is a fault where the field is a number; across items it is a warning, as two items are two cases.
    """
    by_asker = None
    for name in reach.seen:
        masked, compared = reach.bits([name], [FormKind.MASK]), reach.bits([name], [FormKind.MATCH])
        if not (masked and compared):
            continue
        if by_asker is None:
            by_asker = reach.by_asker()
        suspects = {column for column, forms in by_asker.items() if forms & masked and forms & compared}
        if suspects:
            yield from _find_masks_of(reach, name, suspects, masked, compared)


def _find_masks_of(reach: Reach, name: str, suspects: set[int], masked: int, compared: int) -> Iterator[Finding]:
    is_number = reach.table.licence.fields[name].type in NUMBERS
    askers = {group.column: group.values[0] for group in reach.table.asker.groups if group.column in suspects}
    guilty: dict[str, Finding] = {}
    for asker, (caller, home) in askers.items():
        forms_by_item: dict[str, int] = {}
        for group in reach.table.matter.groups:
            shown = 0
            for forms, _ in reach.contexts_of(group.column, asker):
                shown |= forms
            for item, _ in group.values:
                forms_by_item[item] = forms_by_item.get(item, 0) | shown
        for item, forms in forms_by_item.items():
            if forms & masked and forms & compared and item not in guilty:
                guilty[item] = _guess(
                    reach, name, f"item {item}", (caller, home), Severity.FAULT if is_number else Severity.WARNING
                )
    if guilty:
        yield from guilty.values()
    else:
        anyone = next(iter(askers.values()))
        yield _guess(reach, name, f"licence {reach.table.licence.id}", anyone, Severity.WARNING)


def _guess(reach: Reach, name: str, subject: str, asker: tuple[str, str], severity: Severity) -> Finding:
    caller, home = asker
    licence = reach.table.licence.id
    across = (
        Words("不同事项中", "for different items") if subject.startswith("licence") else Words("同一事项中", "for it")
    )
    return Finding(
        kind=FindingKind.MASK_AND_MATCH,
        severity=severity,
        subject=subject,
        key=f"{subject}.{name}",
        expected=Words("同一调用方对同一字段只能脱敏查看或只能比对", "either a mask or a comparison for one caller"),
        found=Words(
            f"证照类型 {licence}：{caller}（{home}）{across.zh}既见脱敏值又可比对，可逐个试出原值",
            f"both {across.en}, of licence type {licence} to {caller} ({home}), who can try out the rest",
        ),
    )
