"""What is wrong in the tests of a policy: contexts that cannot occur, and names that do not exist."""

from policies.catalogue import LicenceType
from policies.dimension import is_party
from policies.fault import Report, Words, same
from policies.form import FormKind
from policies.item import possible_consents
from policies.reading import Origin, one_of, quoted
from policies.rule import Given, PolicyTest
from policies.validate_draft import Draft
from policies.validate_forms import check_forms, check_grant, parse_form, spellings


def check_tests(draft: Draft, report: Report) -> None:
    """Note what is wrong with each test."""
    for entry in draft.tests:
        _check_given(entry.value.given, draft, entry.origin, report)
        licence = draft.licence.get(entry.value.given.licence)
        if licence is not None:
            _check_expect(entry.value, licence, entry.origin, report)


def _check_given(given: Given, draft: Draft, origin: Origin, report: Report) -> None:
    draft.check_names("item", (given.item,), origin, report, "given", "item")
    draft.check_names("caller_kind", (given.caller,), origin, report, "given", "caller")
    draft.check_names("licence", (given.licence,), origin, report, "given", "licence")
    caller, licence, item = (
        draft.caller.get(given.caller),
        draft.licence.get(given.licence),
        draft.item.get(given.item),
    )
    if caller is not None and given.home not in caller.home:
        origin.fault(report, "given", "home", expected=one_of(caller.home), found=quoted(given.home))
    if item is not None:
        if draft.knows("licence", given.licence) and given.licence not in item.licences:
            expected = one_of(item.licences)
            origin.fault(report, "given", "licence", expected=expected, found=quoted(given.licence))
        possible = possible_consents(item)
        if given.consent is not None and given.consent not in possible:
            origin.fault(report, "given", "consent", expected=one_of(possible), found=quoted(given.consent))
    if licence is not None and given.holder not in licence.holders:
        origin.fault(report, "given", "holder", expected=one_of(licence.holders), found=quoted(given.holder))
    if given.age is not None and not is_party(given.holder, given.age):
        expected = Words(f"{given.holder} 可有的年龄段", f"an age class that a holder of type {given.holder} can have")
        origin.fault(report, "given", "age", expected=expected, found=quoted(given.age))


def _check_expect(test: PolicyTest, licence: LicenceType, origin: Origin, report: Report) -> None:
    for name, granted in test.expect.items():
        field = licence.fields.get(name)
        if field is None:
            expected = Words(f"{licence.id} 的字段", f"a field of {licence.id}")
            hint = report.hint(name, licence.fields)
            origin.fault(report, "expect", name, expected=expected, found=quoted(name), meant=hint)
            continue
        check_forms(spellings(granted), {field.type: licence.id}, origin, report, "expect", name)
        check_grant(granted, origin, report, "expect", name)
        kinds = {form.kind for text in spellings(granted) if (form := parse_form(text))}
        if kinds == {FormKind.WITHHELD}:
            expected = Words("提供的形式（未列出的字段即不提供）", "a form that leaves; what is not named is withheld")
            origin.fault(report, "expect", name, expected=expected, found=same("withheld"))
