"""What is wrong in licence types, items and the bundle's head, beyond the form of each table."""

from datetime import date
from typing import Final

from policies.catalogue import HOLDER_CODE, MAX_FIELDS, STATUS, Field, LicenceType, ShareClass, ValueType
from policies.fault import Report, Words, same
from policies.form import FormKind
from policies.forms.registry import scheme_of
from policies.item import Item
from policies.reading import Origin, one_of, quoted
from policies.validation.draft import Draft, Head
from policies.validation.forms import check_forms, parse_form, types_of
from policies.validation.pattern import find_pattern_fault


def check_head(head: Head, origin: Origin, report: Report) -> None:
    """Note a policy that is never in force."""
    _check_period(head, origin, report)


def check_licences(draft: Draft, report: Report) -> None:
    """Note what is wrong with the licence types."""
    owners: dict[str, str] = {}
    for entry in draft.licences:
        licence, origin = entry.value, entry.origin
        _check_fields(licence, origin, report)
        for code in licence.codes:
            owner = owners.setdefault(code, licence.id)
            if owner != licence.id:
                expected = Words("仅属于一种证照类型的代码", "codes of this licence type only")
                found = Words(f"{code}（已属于 {owner}）", f"{code}, which {owner} has")
                origin.fault(report, "codes", expected=expected, found=found)


def _check_fields(licence: LicenceType, origin: Origin, report: Report) -> None:
    if len(licence.fields) > MAX_FIELDS:
        expected = Words(f"至多 {MAX_FIELDS} 个字段", f"at most {MAX_FIELDS} fields")
        origin.fault(report, "fields", expected=expected, found=same(str(len(licence.fields))))
    for name, field in licence.fields.items():
        _check_source(name, field, origin, report)
        if field.share is ShareClass.NONE and not field.basis:
            expected = Words("不予共享的法律依据", "the legal basis for not sharing it")
            origin.fault(report, "fields", name, "basis", expected=expected, found=quoted(None))


def _check_source(name: str, field: Field, origin: Origin, report: Report) -> None:
    """Note a field whose name or type hides what it holds.

    The field `status` is the one thing that may be told of a licence that is not valid, so it is the status, and
    nothing else is. The holder's number is of a type that is watched as one.
    """
    if (name == STATUS) != (field.source == STATUS):
        if name == STATUS:
            expected = Words(f"来源 {STATUS}（即证照状态）", f"the source {STATUS}, as the field has its name")
        else:
            expected = Words(
                f"其他来源（{STATUS} 仅用于字段 {STATUS}）", f"another source, as {STATUS} is that of {STATUS}"
            )
        origin.fault(report, "fields", name, "source", expected=expected, found=quoted(field.source))
    if name == STATUS and field.type is not ValueType.TERM:
        origin.fault(report, "fields", name, "type", expected=same(ValueType.TERM), found=quoted(field.type))
    if field.source == HOLDER_CODE and field.type not in _HOLDER_NUMBERS:
        expected = one_of([str(one) for one in ValueType if one in _HOLDER_NUMBERS])
        origin.fault(report, "fields", name, "type", expected=expected, found=quoted(field.type))


_HOLDER_NUMBERS: Final = frozenset(
    {ValueType.CITIZEN_ID, ValueType.CREDIT_CODE, ValueType.HOLDER_CODE, ValueType.PASSPORT}
)


def check_items(draft: Draft, report: Report) -> None:
    """Note what is wrong with the items and their ceilings."""
    for entry in draft.items:
        item, origin = entry.value, entry.origin
        _check_period(item, origin, report)
        draft.check_names("licence", item.licences, origin, report, "licences")
        _check_ceiling(item, draft, origin, report)
        fault = find_pattern_fault(item.case.pattern)
        if fault is not None:
            expected = Words(
                "仅由字符、字符类和有界重复组成、逐字可判的格式",
                "characters, classes and bounded repetitions, of which the next character always decides",
            )
            origin.fault(report, "case", "pattern", expected=expected, found=fault)
        if item.residual is not None and not item.why_residual:
            expected = Words("采用该阈值的理由", "why this threshold is accepted")
            origin.fault(report, "why_residual", expected=expected, found=quoted(None))


def _check_ceiling(item: Item, draft: Draft, origin: Origin, report: Report) -> None:
    licences = [draft.licence[name] for name in item.licences if name in draft.licence]
    is_certain = len(licences) == len(item.licences)
    names = sorted({name for licence in licences for name in licence.fields})
    for name, texts in item.ceiling.items():
        types: dict[ValueType, str] = {}
        for licence in licences:
            if name in licence.fields:
                types.setdefault(licence.fields[name].type, licence.id)
        if not types and is_certain:
            expected = Words("该事项证照类型的字段", "a field of the item's licence types")
            hint = report.hint(name, names)
            origin.fault(report, "ceiling", name, expected=expected, found=quoted(name), meant=hint)
        _check_ceiling_forms(texts, types, origin, report, name)
        _check_also_read(texts, [one for one in licences if name in one.fields], item, origin, report, name)


def _check_ceiling_forms(
    texts: tuple[str, ...], types: dict[ValueType, str], origin: Origin, report: Report, name: str
) -> None:
    kinds = {form.kind for text in texts if (form := parse_form(text))}
    if FormKind.WITHHELD in kinds:
        expected = Words("可提供的形式（未列出的字段即不提供）", "forms that may leave; what is not named is withheld")
        origin.fault(report, "ceiling", name, expected=expected, found=same("withheld"))
    # A ceiling is the same for all licence types of the item: a form is right when one of them can take it.
    for text in texts:
        fitting = {kind: licence for kind, licence in types.items() if kind in (types_of(text) or ())}
        if not fitting:
            check_forms((text,), types, origin, report, "ceiling", name)


def _check_also_read(  # noqa: PLR0917 -- a form, who has it, and where to say so
    texts: tuple[str, ...], licences: list[LicenceType], item: Item, origin: Origin, report: Report, name: str
) -> None:
    """Note a form that tells of another value too, which the item may not receive itself."""
    for text in texts:
        form = parse_form(text)
        scheme = None if form is None else scheme_of(form)
        for source in frozenset() if scheme is None else scheme.also_reads:
            for licence in licences:
                fields = [one for one, field in licence.fields.items() if field.source == source]
                if fields and item.ceiling.keys().isdisjoint(fields):
                    expected = Words(
                        f"上限也列出 {fields[0]}（{text} 同时透露其内容）",
                        f"{fields[0]} in the ceiling too, of which {text} tells as well",
                    )
                    origin.fault(report, "ceiling", name, expected=expected, found=same(text))


def _check_period(value: Head | Item, origin: Origin, report: Report) -> None:
    """Note days that do not exist, and a time in force that is empty."""
    days: list[date] = []
    for key, text in (("valid_from", value.valid_from), ("valid_to", value.valid_to)):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            origin.fault(report, key, expected=Words("存在的日期", "a day that exists"), found=quoted(text))
    if len(days) == 2 and days[0] >= days[1]:  # noqa: PLR2004 — both could be read
        expected = Words(f"晚于 {value.valid_from} 的日期", f"a day after {value.valid_from}")
        origin.fault(report, "valid_to", expected=expected, found=quoted(value.valid_to))
