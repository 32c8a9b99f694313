"""What leaves of a licence, as the record that a mapping writes: nothing but what the policy gave, in the form it gave.

A form that a record has no room for is left out: a year is no date, and a yes or a pseudonym is no number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from msgspec import UNSET

from adapters.mapping.answer import AnswerOutcome
from adapters.metadata import EXTENSION_PREFIX
from adapters.record.record import LicenceRecord, RecordHolder, Surface
from adapters.record.status import RecordStatus
from gateway.disclosure import FieldShown
from gateway.licence_values import Attribute
from gateway.pipeline import STALE, UNDER_OBJECTION, Verified
from gateway.reason import Reason
from gateway.sharing import Shared
from gateway.verdict import Outcome
from policies.dimension import LicenceStatus
from policies.form import FormKind
from policies.forms.day import LONG_TERM
from policies.plan import Withheld

_TEXT_FORMS: Final = frozenset({FormKind.PLAIN, FormKind.MASK, FormKind.GENERAL})
_CODE_FORMS: Final = frozenset({FormKind.PLAIN, FormKind.MASK})  # a mask is seen to be one
_EXACT: Final = frozenset({FormKind.PLAIN})
_COME_BACK: Final = frozenset({Reason.REVOCATION_UNAVAILABLE, Reason.STATUS_UNAVAILABLE})
_ENDED: Final = frozenset({Reason.VALIDITY_PERIOD_EXPIRED, Reason.STATUS_EXPIRED})

# Which part of a record an attribute of a licence is, and the forms that it takes.
_PARTS: Final = {
    Attribute.NAME: ("name", _TEXT_FORMS),
    Attribute.NUMBER: ("number", _CODE_FORMS),
    Attribute.TYPE_CODE: ("type_code", _EXACT),
    Attribute.IDENTIFIER: ("identifier", _EXACT),
    Attribute.ISSUER: ("issuer", _TEXT_FORMS),
    Attribute.ISSUER_CODE: ("issuer_code", _EXACT),
}
_DAYS: Final = {Attribute.ISSUED_ON: "issued_on", Attribute.VALID_FROM: "valid_from", Attribute.VALID_TO: "valid_to"}
_OF_HOLDERS: Final = {
    Attribute.HOLDER_NAME: ("name", _TEXT_FORMS),
    Attribute.HOLDER_CODE: ("code", _CODE_FORMS),
    Attribute.HOLDER_CODE_TYPE: ("code_type", _EXACT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sayable:
    """What a system's format may say of one answer of ours; the records are None but for FOUND.

    ``exact`` is the record without what is masked or coarser, for formats whose codes take nothing of the kind.
    ``is_given``: the policy gives something of the licence, or would if it were valid.
    """

    outcome: AnswerOutcome
    is_given: bool = False
    record: LicenceRecord | None = None
    exact: LicenceRecord | None = None


def say_found(verified: Verified, shared: Shared | None, asked: LicenceRecord) -> Sayable:
    """Return what may be said of an answer.

    ``asked`` is what the question itself named of the licence, which it is told again. FOUND and active is said of
    nothing but a valid verdict for which every source was asked that comes first; what could not be checked is RETRY or
    ERROR, never another status. A licence in force of which the policy gives nothing is DENIED.
    """
    reasons = set(verified.verdict.reasons)
    if Reason.STATUS_NOT_FOUND in reasons:
        return Sayable(outcome=AnswerOutcome.NOT_FOUND)
    status = _say_status(verified, reasons)
    fields = {} if shared is None else shared.fields
    given = {name: one for name, one in fields.items() if one.value is not UNSET}
    is_given = bool(given) or any(one.reason == Withheld.NOT_VALID for one in fields.values())
    is_stale = status is RecordStatus.ACTIVE and not STALE.isdisjoint(verified.verdict.notes)
    if status is None or is_stale:
        may_come_back = is_stale or reasons & _COME_BACK
        return Sayable(outcome=AnswerOutcome.RETRY if may_come_back else AnswerOutcome.ERROR, is_given=is_given)
    if status is RecordStatus.ACTIVE and not given:
        return Sayable(outcome=AnswerOutcome.DENIED)
    record = replace(asked, status=status, under_objection=UNDER_OBJECTION in verified.verdict.notes)
    known = {} if shared is None or shared.licence_type is None else shared.licence_type.fields
    shown = {known[name].source: one for name, one in given.items() if name in known}
    exact = {source: one for source, one in shown.items() if one.form == FormKind.PLAIN}
    return Sayable(
        outcome=AnswerOutcome.FOUND,
        is_given=is_given,
        record=make_record(record, shown),
        exact=make_record(record, exact),
    )


def make_record(asked: LicenceRecord, shown: Mapping[str, FieldShown]) -> LicenceRecord:
    """Return a record of what is shown, by the sources of the fields."""
    parts: dict[str, object] = {}
    surface: dict[str, Surface] = {}
    holders: dict[str, tuple[str, ...]] = {}
    for source, one in shown.items():
        kind = FormKind(one.form.partition(":")[0])
        texts = _texts(one)
        if texts is None:
            continue
        if source in _PARTS:
            part, forms = _PARTS[Attribute(source)]
            if kind in forms and len(texts) == 1:
                parts[part] = texts[0]
        elif source in _DAYS:
            parts |= _day(_DAYS[Attribute(source)], texts[0]) if kind in _EXACT and len(texts) == 1 else {}
        elif source in _OF_HOLDERS:
            part, forms = _OF_HOLDERS[Attribute(source)]
            if kind in forms:
                holders[part] = texts
        elif source != Attribute.STATUS and kind in _TEXT_FORMS:
            surface[source.removeprefix(EXTENSION_PREFIX)] = texts[0] if len(texts) == 1 else texts
    return replace(asked, **parts, holders=_join_holders(asked.holders, holders), surface=surface)  # type: ignore[arg-type]  # each is of the part's type


def _say_status(verified: Verified, reasons: set[Reason]) -> RecordStatus | None:
    """Return the status that may be said; None: none may be."""
    outcome, status = verified.verdict.outcome, verified.status
    if outcome is Outcome.VALID:
        return RecordStatus.ACTIVE if status is LicenceStatus.ACTIVE else None
    if status not in {LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN}:
        return RecordStatus(status.value)
    if outcome is Outcome.INVALID and reasons and reasons <= _ENDED:
        return RecordStatus.EXPIRED
    return None


def _texts(shown: FieldShown) -> tuple[str, ...] | None:
    """Return the texts that are shown; None for what is no text."""
    value = shown.value
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and value:
        texts = ["" if one is None else one for one in value]
        if all(isinstance(one, str) for one in texts):
            return tuple(one for one in texts if isinstance(one, str))
    return None


def _day(part: str, text: str) -> dict[str, object]:
    if part == "valid_to" and text == LONG_TERM:
        return {"long_term": True}
    try:
        return {part: date.fromisoformat(text)}
    except ValueError:  # a date that was read as no day is shown as it stands
        return {}


def _join_holders(asked: tuple[RecordHolder, ...], parts: Mapping[str, tuple[str, ...]]) -> tuple[RecordHolder, ...]:
    """Return the holders by what is shown of each; the one that was asked for, where nothing is."""
    if not parts:
        return asked
    count = max(map(len, parts.values()))
    if any(len(texts) != count for texts in parts.values()):  # nobody can tell which name has which number
        return asked
    holders = [RecordHolder(**{name: texts[index] for name, texts in parts.items()}) for index in range(count)]
    if count == 1 and len(asked) == 1:
        (one,) = asked
        holders = [
            RecordHolder(
                name=holders[0].name,
                code=holders[0].code or one.code,
                code_type=holders[0].code_type or one.code_type,
            )
        ]
    return tuple(holders)
