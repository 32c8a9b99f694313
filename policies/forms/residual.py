"""Residual candidates: how many citizen numbers, or people, still fit what an answer shows of them together.

Other fields narrow a number: those about the holder's birth, place and sex, as the licence type says of them. Every
address is taken for the holder's, and the place where a number was issued for the place of the address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from policies.catalogue import About, Field, ValueType
from policies.form import Form, FormKind
from policies.forms.candidates import AREA_DIGITS, DAYS_OF_YEARS, SEQUENCES, name_candidates, number_candidates
from policies.forms.known import COUNTIES, DAY, MONTHS_OF_YEARS, NOTHING_KNOWN, Known, Mask
from policies.forms.registry import scheme_of

_NUMBERS: Final = frozenset({ValueType.CITIZEN_ID, ValueType.HOLDER_CODE})
_PLACES: Final = frozenset({ValueType.ADDRESS, ValueType.AREA})


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """How many candidates remain, and which fields, with their forms, leave no more: `holder_id=mask:id-6-4`."""

    count: int
    because: tuple[str, ...]


# The space of all numbers: for a number of which nothing is shown.
UNTOUCHED: Final = Residual(count=COUNTIES * DAYS_OF_YEARS * SEQUENCES, because=())


def residual_candidates(forms: Mapping[str, Form], fields: Mapping[str, Field]) -> Residual:
    """Return how many numbers fit a holder's citizen number, given all that the plan shows.

    ``forms`` are the shown forms by field, `match` for one that may only be compared; those that are absent are
    withheld. A number that may be compared can be tried out, so it is judged like a mask that shows nothing. One that
    is plain is given on purpose, and one that is withheld shows nothing: both are `UNTOUCHED`. Several numbers are
    taken for the same number, and what any of them shows is added up.
    """
    found = {
        name: scheme.number
        for name, form in forms.items()
        if name in fields and fields[name].type in _NUMBERS
        if (scheme := scheme_of(form)) is not None and scheme.number is not None
    }
    if not found:
        return UNTOUCHED
    mask = Mask(max(one.head for one in found.values()), max(one.tail for one in found.values()))
    known, because = _known(forms, fields, _told_by(mask))
    return Residual(
        count=number_candidates(mask, known),
        because=(*(f"{name}={forms[name]}" for name in found), *because),
    )


def name_residual(forms: Mapping[str, Form], fields: Mapping[str, Field]) -> Residual | None:
    """Return how many people fit a masked name, given all that the plan shows; None when no name is masked.

    ``forms`` are as for `residual_candidates`. Several masked names are taken for the same name.
    """
    alike = {
        name: scheme.residual
        for name, form in forms.items()
        if name in fields and fields[name].type is ValueType.NAME and form.kind is FormKind.MASK
        if (scheme := scheme_of(form)) is not None and scheme.residual is not None
    }
    if not alike:
        return None
    known, because = _known(forms, fields, NOTHING_KNOWN)
    return Residual(
        count=name_candidates(min(alike.values()), known),
        because=(*(f"{name}={forms[name]}" for name in alike), *because),
    )


def _told_by(mask: Mask) -> Known:
    """Return what a mask tells by itself, so that another field that tells the same is not blamed."""
    return Known(
        birth_months=DAY if mask.head > AREA_DIGITS else MONTHS_OF_YEARS,
        counties=1 if mask.head >= AREA_DIGITS else COUNTIES,
        sex=mask.tail > 1,
    )


def _known(forms: Mapping[str, Form], fields: Mapping[str, Field], known: Known) -> tuple[Known, tuple[str, ...]]:
    because = []
    for name, form in forms.items():
        field = fields.get(name)
        if field is None:
            continue
        narrower = known.narrowed_by(_told(form, field.type, field.about))
        if narrower != known:
            known = narrower
            because.append(f"{name}={form}")
    return known, tuple(because)


@lru_cache(maxsize=4096)  # forms that policies name, times a few types
def _told(form: Form, value_type: ValueType, about: About | None) -> Known:
    """Return what a field in a form tells of the holder."""
    scheme = scheme_of(form)
    if scheme is None:
        return NOTHING_KNOWN
    if value_type in _NUMBERS:  # what a mask of it shows is counted by itself
        return scheme.tells if form.kind is FormKind.ATTEST else NOTHING_KNOWN
    match About.PLACE if value_type in _PLACES else about:
        case About.BIRTH:
            return Known(birth_months=scheme.tells.birth_months)
        case About.PLACE:
            return Known(counties=scheme.tells.counties)
        case About.SEX:
            return Known(sex=scheme.tells.sex)
        case None:
            return NOTHING_KNOWN
