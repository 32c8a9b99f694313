"""Forms as rules, ceilings and tests write them: whether they exist, fit the value and go together."""

from collections.abc import Iterable, Mapping
from typing import Final

from policies.catalogue import ValueType
from policies.fault import Report, Words, same
from policies.form import Form, FormKind
from policies.forms.registry import SCHEMES, scheme_of
from policies.reading import Origin, one_of, quoted, spelled

_NOT_SHOWN: Final = frozenset({FormKind.MATCH, FormKind.WITHHELD})


def spellings(granted: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the forms of a grant, which is one form or a list of them."""
    return (granted,) if isinstance(granted, str) else granted


def check_forms(
    texts: Iterable[str],
    types: Mapping[ValueType, str],
    origin: Origin,
    report: Report,
    *keys: str,
) -> None:
    """Note every form that does not exist, or that values of one of the types cannot take.

    ``types`` are the types of the field, each with a licence type in which the field has it.
    """
    for text in texts:
        accepted = types_of(text)
        if accepted is None:
            expected = Words("存在的提供形式", "a form that exists")
            origin.fault(report, *keys, expected=expected, found=quoted(text), meant=report.hint(text, SCHEMES))
            continue
        for kind, licence in types.items():
            if kind not in accepted:
                fitting = one_of([form for form, scheme in SCHEMES.items() if kind in scheme.accepts])
                expected = Words(
                    f"适用于 {kind} 类型（{licence}）的形式：{fitting.zh}",
                    f"a form for the value type {kind} (in {licence}): {fitting.en}",
                )
                origin.fault(report, *keys, expected=expected, found=quoted(text))


def check_grant(granted: str | tuple[str, ...], origin: Origin, report: Report, *keys: str) -> None:
    """Note forms that do not go together: two that show the field, or `withheld` beside anything."""
    kinds = [form.kind for text in spellings(granted) if (form := parse_form(text))]
    shown = [kind for kind in kinds if kind not in _NOT_SHOWN]
    if len(shown) > 1:
        expected = Words("至多一种展示形式", "at most one form that shows the field")
        origin.fault(report, *keys, expected=expected, found=same(spelled(spellings(granted))))
    elif FormKind.WITHHELD in kinds and len(kinds) > 1:
        expected = Words("withheld 单独填写", "withheld alone")
        origin.fault(report, *keys, expected=expected, found=same(spelled(spellings(granted))))


def types_of(text: str) -> frozenset[ValueType] | None:
    """Return the types of value that can take a form, None for a form that does not exist."""
    form = parse_form(text)
    scheme = None if form is None else scheme_of(form)
    return None if scheme is None else scheme.accepts


def parse_form(text: str) -> Form | None:
    """Return the form that is spelled, None for what is none and is reported as such elsewhere."""
    try:
        return Form.parse(text)
    except ValueError:
        return None
