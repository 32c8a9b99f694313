"""Which fields the letters of an entry's form stand for: those of its licence type, in the order of their names.

The facts of the decision name the type. Where they were not opened it follows from the item, if only one of the item's
types has as many fields: of a type that is not the item's, nothing ever leaves.
"""

from collections.abc import Sequence
from typing import Final

from gateway.audit.form_letters import CUT_OFF, FORM_LETTERS, WITHHELD
from gateway.audit.leaf import LeafDraft
from policies.bundle import Bundle
from policies.catalogue import LicenceType
from policies.dimension import Context
from policies.form import FormKind

_KINDS: Final = {letter: kind for kind, letter in FORM_LETTERS.items()}


def select_type(bundle: Bundle, content: LeafDraft, context: Sequence[str]) -> LicenceType | None:
    """Return the licence type whose fields left; None where nothing left, or nobody can tell."""
    form = content.form.removesuffix(CUT_OFF)
    if not form.strip(WITHHELD):
        return None
    if len(context) >= len(Context._fields):
        named = {Context(*context[: len(Context._fields)]).licence}
    else:
        named = {licence for item in bundle.items if item.id == content.item for licence in item.licences}
    found = [one for one in bundle.licences if one.id in named and _fits(one, content.form)]
    return found[0] if len(found) == 1 else None


def name_forms(licence_type: LicenceType, form: str) -> dict[str, FormKind | None]:
    """Return in which form each field left; None for a letter that no form has."""
    names = sorted(licence_type.fields)
    return {name: _KINDS.get(letter) for name, letter in zip(names, form.removesuffix(CUT_OFF), strict=False)}


def _fits(licence_type: LicenceType, form: str) -> bool:
    fields = len(licence_type.fields)
    return len(form) - 1 < fields if form.endswith(CUT_OFF) else len(form) == fields
