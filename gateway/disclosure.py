"""Applying a plan to a licence: each field in its form, or visibly withheld with the reason.

The transforms of a plan are bound once, when the plan is first met; a bound plan belongs to one bundle.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from adapters.licence import Licence
from gateway.licence_values import Attribute, Read, Values, reader_of
from gateway.withheld import Held, WithheldReason
from policies.catalogue import LicenceType, ValueType
from policies.dimension import LicenceStatus
from policies.form import FormKind
from policies.forms.attest import COVERS, VALID_ON
from policies.forms.match import matches
from policies.forms.normal import LONGEST_TEXT, is_nothing
from policies.forms.registry import scheme_of
from policies.forms.scheme import Apply, Surroundings, Value
from policies.plan import FieldDecision, Plan, Withheld

MAX_VALUE: Final = LONGEST_TEXT  # characters; a business scope is the longest field that is shared
PREDICATES: Final = (VALID_ON, COVERS)  # those that need to be told what about
_FIRST_HAN: Final = "\u4e00"
_LAST_HAN: Final = "\u9fff"
_NONE: Final = "无"
_LONGEST_NOTHING: Final = 4  # characters of "null"; what says nothing is looked for in short texts only

# An answer about one field, as JSON has it; never changed once it is made.
FieldShown: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds a field back besides the plan.

    ``is_valid``: the licence was found valid; else only what the register says of its status leaves.
    ``scope``: the fields that the holder's consent covers; None: all, or nothing rests on consent.
    ``is_counted``: the question was counted; else what can be used to probe, predicates and comparisons, is held back.
    """

    is_valid: bool
    scope: Collection[str] | None = None
    is_counted: bool = True

    def refuses(self, field: "BoundField") -> Held | Withheld | None:
        """Return why a field is held back that the plan lets leave; None: nothing does."""
        if not self.is_valid and field.source != Attribute.STATUS:
            return Withheld.NOT_VALID
        if self.scope is not None and field.name not in self.scope:
            return Held.CONSENT_SCOPE
        if not self.is_counted and field.kind is FormKind.ATTEST:
            return Held.NOT_COUNTED
        return None

    @property
    def refuse_nothing(self) -> bool:
        """Whether no field at all is held back."""
        return self.is_valid and self.scope is None and self.is_counted


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundField:
    """A field of a plan with everything that is needed to show it."""

    name: str
    source: str
    type: ValueType
    kind: FormKind  # `match`: the field may be compared, and nothing of it is shown
    scheme: str
    spelling: str
    read: Read
    apply: Apply
    may_match: bool


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
    licence: Licence | None,
    *,
    status: LicenceStatus,
    around: Surroundings,
    limits: Limits,
    names: Collection[str] | None = None,
) -> dict[str, FieldShown]:
    """Return what leaves of a licence: every field of its type, or those that were asked for.

    A name that the licence type does not have is `unclassified`, like a field that nobody has classified.
    """
    shown: dict[str, FieldShown] = {}
    anything = not limits.refuse_nothing
    for name in (*bound.shared, *bound.withheld) if names is None else names:
        field = bound.shared.get(name)
        if field is None:
            shown[name] = bound.withheld.get(name, _UNKNOWN_NAME)
            continue
        refused = limits.refuses(field) if anything else None
        shown[name] = _disclose_one(field, licence, status, around) if refused is None else hold(refused)
    return shown


def compare(
    bound: BoundPlan, asked: Mapping[str, str], licence: Licence | None, *, status: LicenceStatus, limits: Limits
) -> bool | None:
    """Return whether everything that was asked is true of one holder; None where any of it may not be compared.

    The work is the same whether it may be compared or not, and whether there is a licence or not.
    """
    fields = {name: bound.shared.get(name) for name in asked}
    allowed = limits.is_valid and limits.is_counted
    allowed &= all(field is not None and field.may_match and limits.refuses(field) is None for field in fields.values())
    known: dict[str, tuple[str, ...]] = {}
    types = dict.fromkeys(asked, ValueType.NAME)
    for name, field in fields.items():
        if field is not None:
            types[name] = field.type
            if licence is not None:
                known[name] = tuple(_as_text(value) for value in field.read(licence, status))
    found = matches(asked, known, types)
    return found if allowed and licence is not None else None


def hold(reason: WithheldReason) -> FieldShown:
    """Return the answer about a field that is withheld."""
    return {"form": FormKind.WITHHELD.value, "reason": reason.value}


def _bind(decision: FieldDecision, licence_type: LicenceType) -> BoundField:
    field = licence_type.fields[decision.field]
    shown = decision.shown
    scheme = scheme_of(shown)
    if scheme is None:  # the keeper lets no bundle into force whose forms this program does not have
        raise LookupError(f"a form that is registered was expected, got {shown}")
    return BoundField(
        name=decision.field,
        source=field.source,
        type=field.type,
        kind=shown.kind,
        scheme=shown.scheme,
        spelling=str(shown),
        read=reader_of(field.source, field.type),
        apply=scheme.apply,
        may_match=decision.match_rule is not None,
    )


_UNKNOWN_NAME: Final = hold(Withheld.UNCLASSIFIED)


def _disclose_one(
    field: BoundField, licence: Licence | None, status: LicenceStatus, around: Surroundings
) -> FieldShown:
    if field.kind is FormKind.MATCH:
        return {"form": field.spelling}
    values = () if licence is None else field.read(licence, status)
    if len(values) != 1:
        return _disclose_several(field, values, around)
    value = values[0]
    if isinstance(value, str) and len(value) > MAX_VALUE:
        return hold(Held.TOO_LONG)
    shown = None if field.kind is not FormKind.EXISTS and _says_nothing(value) else field.apply(value, around)
    if shown is None:
        return hold(_why_nothing(field, around))
    return {"form": field.spelling, "value": _as_json(shown)}


def _disclose_several(field: BoundField, values: Values, around: Surroundings) -> FieldShown:
    """Show a field of several holders, or of none; whether there is a value is one answer for all of them."""
    if any(isinstance(value, str) and len(value) > MAX_VALUE for value in values):
        return hold(Held.TOO_LONG)
    if field.kind is FormKind.EXISTS:
        return {"form": field.spelling, "value": any(field.apply(value, around) for value in values)}
    shown = [None if _says_nothing(value) else field.apply(value, around) for value in values]
    if all(one is None for one in shown):
        return hold(_why_nothing(field, around))
    return {"form": field.spelling, "value": [_as_json(one) for one in shown]}


def _why_nothing(field: BoundField, around: Surroundings) -> Held:
    """Return why nothing came out of a field."""
    if field.kind is FormKind.PSEUDONYM and around.pseudonyms is None:
        return Held.NO_KEY
    if field.kind is FormKind.ATTEST and field.scheme in PREDICATES and field.scheme not in around.asked:
        return Held.NOT_ASKED
    return Held.NOT_KNOWN


def _says_nothing(value: Value) -> bool:
    if not isinstance(value, str):
        return False
    if value and (_FIRST_HAN <= value[0] <= _LAST_HAN or "0" <= value[0] <= "9") and value[0] != _NONE:
        return False  # nearly always: no text that says nothing begins so
    text = value.strip()
    return not text or (len(text) <= _LONGEST_NOTHING and is_nothing(text))


def _as_json(value: object) -> str | bool | None:
    return value if value is None or isinstance(value, str | bool) else str(value)  # a day as ISO 8601 spells it


def _as_text(value: Value) -> str:
    return value if isinstance(value, str) else value.isoformat()
