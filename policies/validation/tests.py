"""What is wrong in the tests of a policy: contexts that cannot occur, and names that do not exist."""

from collections.abc import Collection, Iterable
from typing import TypeVar

from policies.catalogue import LicenceType
from policies.dimension import AgeClass, Dimension, is_party
from policies.fault import Place, Report, Words, same
from policies.form import FormKind
from policies.given import MAX_TEST_CONTEXTS, Occurring, named, occurring, select
from policies.item import possible_consents
from policies.reading import Origin, one_of, quoted
from policies.rule import Except, Given, Obligations, PolicyTest
from policies.validation.draft import Draft
from policies.validation.forms import check_forms, check_grant, parse_form, spellings

V = TypeVar("V", bound=str)


def check_tests(draft: Draft, report: Report) -> None:
    """Note what is wrong with each test; no further once they try too many contexts."""
    tried = 0
    for entry in draft.tests:
        given, before = entry.value.given, report.count
        licences = {name: draft.licence[name] for name in _plain(given.licence) if name in draft.licence}
        if _knows(given, draft, entry.origin, report):
            found = occurring(given, draft)
            tried += len(found.matters) + found.count
            if tried > MAX_TEST_CONTEXTS:
                _refuse(report)
                return
            _check_parts(given, draft, entry.origin, report)
            if report.count == before:
                _check_occurring(given, found, entry.origin, report)
            licences = licences or {name: draft.licence[name] for _, name, _ in found.matters}
        _check_expect(entry.value, licences.values(), entry.origin, report)


def _refuse(report: Report) -> None:
    most = MAX_TEST_CONTEXTS
    expected = Words(f"全部测试合计至多 {most} 种情形", f"at most {most} contexts in all tests")
    report.add(Place("", None), "test", expected=expected, found=same(f"> {most}"))


def _knows(given: Given, draft: Draft, origin: Origin, report: Report) -> bool:
    """Note names that do not exist, and say whether all that a test speaks of could be read."""
    tables = {"item": "item", "caller": "caller_kind", "licence": "licence"}
    could_be_read = True
    for key, table in tables.items():
        names = named(getattr(given, key))
        draft.check_names(table, names, origin, report, "given", key)
        known: Collection[str] = getattr(draft, key)
        could_be_read &= draft.has_all(table) and all(name in known for name in names)
    return could_be_read


def _check_parts(given: Given, draft: Draft, origin: Origin, report: Report) -> None:
    """Note values that cannot stand beside the item, the caller or the licence type that is named."""
    items = [draft.item[name] for name in select(given.item, draft.item)]
    callers = [draft.caller[name] for name in select(given.caller, draft.caller)]
    listed = _union(item.licences for item in items)
    meant = select(given.licence, draft.licence)
    licences = [draft.licence[name] for name in [name for name in meant if name in listed] or meant]
    parts: dict[Dimension, tuple[Collection[str], Collection[str]]] = {
        Dimension.LICENCE: (_plain(given.licence), listed),
        Dimension.HOME: (_plain(given.home), _union(caller.home for caller in callers)),
        Dimension.HOLDER: (_plain(given.holder), _union(licence.holders for licence in licences)),
        Dimension.CONSENT: (_plain(given.consent), _union(possible_consents(item) for item in items)),
    }
    for dimension, (values, possible) in parts.items():
        for value in values:
            if value not in possible:
                origin.fault(report, "given", dimension, expected=one_of(tuple(possible)), found=quoted(value))
    holders = _plain(given.holder) or _union(licence.holders for licence in licences)
    for age in _plain(given.age):
        if not any(is_party(holder, AgeClass(age)) for holder in holders):
            names = ", ".join(holders)
            expected = Words(f"{names} 可有的年龄段", f"an age class that a holder of type {names} can have")
            origin.fault(report, "given", "age", expected=expected, found=quoted(age))


def _check_occurring(given: Given, found: Occurring, origin: Origin, report: Report) -> None:
    """Note tests of nothing, and values that occur in none of the combinations."""
    if not found.count:
        expected = Words("至少一种可能出现的情形", "at least one context that can occur")
        origin.fault(report, "given", expected=expected, found=Words("没有", "none"))
        return
    occur = found.values()
    for dimension in Dimension:
        for value in _plain(getattr(given, dimension)):
            if value not in occur[dimension]:
                expected = Words("可与其他条件同时出现的值", "a value that can occur beside the others")
                origin.fault(report, "given", dimension, expected=expected, found=quoted(value))


def _check_expect(test: PolicyTest, licences: Collection[LicenceType], origin: Origin, report: Report) -> None:
    for name, granted in test.expect.items():
        lacking = next((licence for licence in licences if name not in licence.fields), None)
        if lacking is not None:
            expected = Words(f"{lacking.id} 的字段", f"a field of {lacking.id}")
            hint = report.hint(name, lacking.fields)
            origin.fault(report, "expect", name, expected=expected, found=quoted(name), meant=hint)
            continue
        types = {licence.fields[name].type: licence.id for licence in licences}
        check_forms(spellings(granted), types, origin, report, "expect", name)
        check_grant(granted, origin, report, "expect", name)
        kinds = {form.kind for text in spellings(granted) if (form := parse_form(text))}
        if kinds == {FormKind.WITHHELD}:
            expected = Words("提供的形式（未列出的字段即不提供）", "a form that leaves; what is not named is withheld")
            origin.fault(report, "expect", name, expected=expected, found=same("withheld"))
    if not test.expect and test.obligations != Obligations():
        expected = Words("不填写（无提供即无义务）", "nothing, as where nothing leaves nothing is owed")
        origin.fault(report, "obligations", expected=expected, found=Words("表", "a table"))


def _plain(values: V | tuple[V, ...] | Except[V] | None) -> tuple[V, ...]:
    """Return the values that a test speaks of by name."""
    return () if isinstance(values, Except) else named(values)


def _union(groups: Iterable[Collection[V]]) -> dict[V, None]:
    """Return the values of all groups, in order."""
    return dict.fromkeys(value for group in groups for value in group)
