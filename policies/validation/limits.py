"""What is wrong in limits on forms together, and in budgets."""

from typing import Final

from policies.fault import Report, Words
from policies.form import FormKind
from policies.reading import one_of, quoted
from policies.validation.draft import Draft

_LIMITED: Final = tuple(str(kind) for kind in FormKind if kind is not FormKind.WITHHELD)


def check_together(draft: Draft, report: Report) -> None:
    """Note limits of fields that never stand in one answer, and of what is no kind of form."""
    first: dict[tuple[frozenset[str], frozenset[str]], str] = {}
    for entry in draft.together:
        limit, origin = entry.value, entry.origin
        before = first.setdefault((frozenset(limit.fields), frozenset(limit.forms)), origin.label)
        if before != origin.label:
            expected = Words("每项限制仅写一次", "each limit once")
            origin.fault(
                report, "fields", expected=expected, found=Words(f"与 {before} 相同的限制", f"that of {before}")
            )
        for kind in limit.forms:
            if kind not in _LIMITED:
                hint = report.hint(kind.partition(":")[0], _LIMITED)
                origin.fault(report, "forms", expected=one_of(_LIMITED), found=quoted(kind), meant=hint)
        if not draft.has_all("licence"):
            continue
        unknown = [name for name in limit.fields if name not in draft.field_names]
        for name in unknown:
            expected = Words("证照类型的字段", "a field of a licence type")
            hint = report.hint(name, draft.field_names)
            origin.fault(report, "fields", expected=expected, found=quoted(name), meant=hint)
        if not unknown and not any(licence.fields.keys() >= set(limit.fields) for licence in draft.licence.values()):
            # An answer is about one licence: this limit would never hold anything back.
            expected = Words("同属一种证照类型的字段", "fields that one licence type has together")
            found = Words("分属不同证照类型的字段", "fields of different licence types")
            origin.fault(report, "fields", expected=expected, found=found)


def check_budgets(draft: Draft, report: Report) -> None:
    """Note budgets for items and kinds of callers that do not exist."""
    for entry in draft.budgets:
        draft.check_names("item", entry.value.item, entry.origin, report, "item")
        draft.check_names("caller_kind", entry.value.caller, entry.origin, report, "caller")
