"""Applying a plan to a licence: each field in its form, or visibly withheld with the reason.

What there is to decide about a field is decided once, when its plan is first met: how it is read, and how it is shown.
A bound plan belongs to one bundle.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from adapters.licence import Licence
from gateway.licence_values import Attribute, Read, Values, reader_of
from gateway.withheld import Held, WithheldReason
from policies.catalogue import LicenceType, ValueType
from policies.dimension import LicenceStatus
from policies.form import Form, FormKind
from policies.forms.attest import COVERS, VALID_ON
from policies.forms.match import matches
from policies.forms.normal import LONGEST_TEXT, is_nothing
from policies.forms.registry import scheme_of
from policies.forms.scheme import Apply, Surroundings, Value
from policies.plan import FieldDecision, Plan, Withheld

MAX_VALUE: Final = LONGEST_TEXT  # characters; a business scope is the longest field that is shared
PREDICATES: Final = (VALID_ON, COVERS)  # those that need to be told what about
_AS_THEY_ARE: Final = (str, bool)  # in JSON

_Shown: TypeAlias = str | bool | list[str | bool | None]


class FieldShown(Struct, frozen=True, omit_defaults=True, gc=False):  # it is never part of a circle
    """The answer about one field, as JSON has it; those that are withheld share theirs."""

    form: str
    value: _Shown | UnsetType = UNSET
    reason: str | UnsetType = UNSET


Show: TypeAlias = Callable[[Licence, LicenceStatus, Surroundings], FieldShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds a field back besides the plan.

    ``is_valid``: the licence was found valid; else only what the register says of its status leaves.
    ``scope``: the fields that the holder's consent covers; None: all, or nothing rests on consent.
    """

    is_valid: bool
    scope: Collection[str] | None = None

    def refuses(self, field: "BoundField") -> FieldShown | None:
        """Return the answer about a field that is held back though the plan lets it leave; None: nothing does."""
        if not self.is_valid and not field.is_status:
            return _NOT_VALID
        if self.scope is not None and field.name not in self.scope:
            return _CONSENT_SCOPE
        return None

    @property
    def refuse_nothing(self) -> bool:
        """Whether no field at all is held back."""
        return self.is_valid and self.scope is None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundField:
    """A field of a plan with everything that is needed to show and to compare it."""

    name: str
    type: ValueType
    is_status: bool  # the register says it, and not the document
    may_match: bool
    read: Read
    show: Show


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPlan:
    """A plan that can be applied: the fields that leave, and the answers about those that the plan withholds."""

    plan: Plan
    shared: Mapping[str, BoundField]
    withheld: Mapping[str, FieldShown]


def bind_plan(plan: Plan, licence_type: LicenceType | None) -> BoundPlan:
    """Look up sources and transforms of a plan; ``licence_type`` is the one it was made for."""
    shared: dict[str, BoundField] = {}
    withheld: dict[str, FieldShown] = {}
    for decision in plan.fields:
        if decision.reason is not None or licence_type is None:
            withheld[decision.field] = hold(decision.reason or Withheld.UNCLASSIFIED)
        else:
            shared[decision.field] = _bind(decision, licence_type)
    return BoundPlan(plan=plan, shared=shared, withheld=withheld)


def disclose(
    bound: BoundPlan,
    licence: Licence,
    *,
    status: LicenceStatus,
    around: Surroundings,
    limits: Limits,
    names: Collection[str] | None = None,
) -> Mapping[str, FieldShown]:
    """Return what leaves of a licence: every field of its type, or those that were asked for.

    A name that the licence type does not have is `unclassified`, like a field that nobody has classified.
    """
    if names is None and limits.refuse_nothing:
        shown = {name: field.show(licence, status, around) for name, field in bound.shared.items()}
        shown.update(bound.withheld)
        return shown
    shown = {}
    for name in (*bound.shared, *bound.withheld) if names is None else names:
        field = bound.shared.get(name)
        if field is None:
            shown[name] = bound.withheld.get(name, _UNKNOWN_NAME)
        else:
            shown[name] = limits.refuses(field) or field.show(licence, status, around)
    return shown


def compare(
    bound: BoundPlan, asked: Mapping[str, str], licence: Licence | None, *, status: LicenceStatus, limits: Limits
) -> bool | None:
    """Return whether everything that was asked is true of one holder; None where any of it may not be compared.

    The work is the same whether it may be compared or not, and whether there is a licence or not.
    """
    fields = {name: bound.shared.get(name) for name in asked}
    allowed = limits.is_valid and all(
        field is not None and field.may_match and limits.refuses(field) is None for field in fields.values()
    )
    known: dict[str, tuple[str, ...]] = {}
    types = dict.fromkeys(asked, ValueType.NAME)
    for name, field in fields.items():
        if field is not None:
            types[name] = field.type
            if licence is not None:
                found = field.read(licence, status)
                known[name] = tuple(map(_as_text, found if isinstance(found, tuple) else (found,)))
    matched = matches(asked, known, types)
    return matched if allowed and licence is not None else None


def hold(reason: WithheldReason) -> FieldShown:
    """Return the answer about a field that is withheld."""
    return FieldShown(FormKind.WITHHELD.value, reason=reason.value)


# Made once: an enumeration takes longer to look up than all else that is done for a field.
_UNKNOWN_NAME: Final = hold(Withheld.UNCLASSIFIED)
_NOT_VALID: Final = hold(Withheld.NOT_VALID)
_CONSENT_SCOPE: Final = hold(Held.CONSENT_SCOPE)
_TOO_LONG: Final = hold(Held.TOO_LONG)
_NO_KEY: Final = hold(Held.NO_KEY)
_NOT_ASKED: Final = hold(Held.NOT_ASKED)
_NOT_KNOWN: Final = hold(Held.NOT_KNOWN)


def _bind(decision: FieldDecision, licence_type: LicenceType) -> BoundField:
    field = licence_type.fields[decision.field]
    form = decision.shown
    scheme = scheme_of(form)
    if scheme is None:  # the keeper lets no bundle into force whose forms this program does not have
        raise LookupError(f"a form that is registered was expected, got {form}")
    read = reader_of(field.source, field.type)
    return BoundField(
        name=decision.field,
        type=field.type,
        is_status=field.source == Attribute.STATUS,
        may_match=decision.match_rule is not None,
        read=read,
        show=_shows(form, read, scheme.apply_to(field.type)),
    )


def _shows(form: Form, read: Read, apply: Apply) -> Show:
    """Return what shows a field in a form."""
    match form.kind:
        case FormKind.MATCH:
            comparable = FieldShown(str(form))
            return lambda *_: comparable
        case FormKind.EXISTS:
            return _shows_existence(form, read, apply)
        case _:
            return _shows_value(form, read, apply)


def _shows_value(form: Form, read: Read, apply: Apply) -> Show:
    """Return what shows a value, or a list where there are several."""
    spelling = str(form)

    def show(licence: Licence, status: LicenceStatus, around: Surroundings) -> FieldShown:
        value = read(licence, status)
        if isinstance(value, str):
            if len(value) > MAX_VALUE:
                return _TOO_LONG
            if is_nothing(value):
                return _why_nothing(form, around)
        elif isinstance(value, tuple):
            return several(value, around)
        found = apply(value, around)
        if found is None:
            return _why_nothing(form, around)
        return FieldShown(spelling, found if isinstance(found, _AS_THEY_ARE) else str(found))

    def several(values: Values, around: Surroundings) -> FieldShown:
        if _any_too_long(values):
            return _TOO_LONG
        found = [None if isinstance(value, str) and is_nothing(value) else apply(value, around) for value in values]
        if all(one is None for one in found):
            return _why_nothing(form, around)
        return FieldShown(spelling, [_as_json(one) for one in found])

    return show


def _why_nothing(form: Form, around: Surroundings) -> FieldShown:
    """Return the answer about a field of which nothing came out."""
    if form.kind is FormKind.PSEUDONYM and around.pseudonyms is None:
        return _NO_KEY
    if form.kind is FormKind.ATTEST and form.scheme in PREDICATES and form.scheme not in around.asked:
        return _NOT_ASKED
    return _NOT_KNOWN


def _shows_existence(form: Form, read: Read, apply: Apply) -> Show:
    """Return what says whether there is a value; for several holders that is one answer for all of them."""
    yes, no = FieldShown(str(form), value=True), FieldShown(str(form), value=False)

    def show(licence: Licence, status: LicenceStatus, around: Surroundings) -> FieldShown:
        value = read(licence, status)
        if isinstance(value, tuple):
            return _TOO_LONG if _any_too_long(value) else yes if any(apply(one, around) for one in value) else no
        if isinstance(value, str) and len(value) > MAX_VALUE:
            return _TOO_LONG
        return yes if apply(value, around) else no

    return show


def _any_too_long(values: Values) -> bool:
    return any(isinstance(value, str) and len(value) > MAX_VALUE for value in values)


def _as_json(value: object) -> str | bool | None:
    return value if value is None or isinstance(value, _AS_THEY_ARE) else str(value)  # a day as ISO 8601 spells it


def _as_text(value: Value) -> str:
    return value if isinstance(value, str) else value.isoformat()
