"""Residual candidates: how many citizen numbers, or people, still fit what an answer shows of them together.

The figures hold for whoever is worst off: the fewest candidates that any holder has. Assumptions are the constants
below. Other fields narrow a masked number: the birth date, the place, the sex. Every date, address or sex in an answer
is taken for the holder's, and the place where a number was issued for the place of the address.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from policies.catalogue import Field, ValueType
from policies.form import Form, FormKind
from policies.forms.attest import age_asked
from policies.forms.citizen import MASKS, Mask

FIRST_BIRTH_YEAR: Final = 1930
LAST_BIRTH_YEAR: Final = 2025
COUNTIES: Final = 2850  # county codes in use
# Of those, how many share the first digits that a mask shows: eight digits begin an area code, and 110 is Beijing.
COUNTIES_BY_HEAD: Final = {0: COUNTIES, 1: COUNTIES // 8, 3: 16}
COUNTIES_OF_A_CITY: Final = 4  # a small one
SEQUENCES: Final = 999  # numbers given in one county for one day of birth, 001 to 999; odd for men, even for women
PEOPLE: Final = 1_180_000_000  # in the largest table of surnames that was looked at
PEOPLE_OF_A_COUNTY: Final = 500_000
RARE_SURNAME_PER_MILLION: Final = 100  # four of five surnames are rarer
COMMON_SURNAME_PER_MILLION: Final = 1_000  # at least, of those that `name-rare` shows

_AREA_DIGITS: Final = 6  # at the head of a number; the birth date follows
_MODULUS: Final = 11
_WEIGHTS: Final = tuple(pow(2, 17 - position, _MODULUS) for position in range(17))  # GB 11643
_MONTHS_OF_YEARS: Final = (LAST_BIRTH_YEAR - FIRST_BIRTH_YEAR + 1) * 12
_YEAR: Final = 12
_BAND: Final = 120
_MONTH: Final = 1
_DAY: Final = 0
_DAYS_OF_YEARS: Final = (date(LAST_BIRTH_YEAR + 1, 1, 1) - date(FIRST_BIRTH_YEAR, 1, 1)).days  # 35,064
_NUMBERS: Final = frozenset({ValueType.CITIZEN_ID, ValueType.HOLDER_CODE})
_BY_SEX: Final = (
    4  # of the tail: three digits of the sequence, of which the last tells the sex, and the check character
)

_Residues = tuple[int, ...]  # how many candidates have each remainder modulo 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """How many candidates remain, and which fields, with their forms, leave no more: `holder_id=mask:id-6-4`."""

    count: int
    because: tuple[str, ...]


# The space of all numbers: for a number that is not shown in part.
UNTOUCHED: Final = Residual(count=COUNTIES * _DAYS_OF_YEARS * SEQUENCES, because=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known besides a number: ``birth_months`` is the length of the period of birth, 0 for the very day."""

    birth_months: int = _MONTHS_OF_YEARS
    counties: int = COUNTIES
    sex: bool = False


def residual_candidates(forms: Mapping[str, Form], fields: Mapping[str, Field]) -> Residual:
    """Return how many numbers fit a holder's masked citizen number, given all that the plan shows.

    ``forms`` are the shown forms by field; those that are absent are withheld. A number that is plain is given on
    purpose, one that is withheld or compared shows nothing: both are `UNTOUCHED`. Several masked numbers are taken for
    the same number, and what any of them shows is added up.
    """
    masked = [
        (name, form)
        for name, form in forms.items()
        if name in fields and fields[name].type in _NUMBERS and form.kind is FormKind.MASK and form.scheme in MASKS
    ]
    if not masked:
        return UNTOUCHED
    head = max(MASKS[form.scheme].head for _, form in masked)
    tail = max(MASKS[form.scheme].tail for _, form in masked)
    known, because = _known(forms, fields, _told_by(Mask(head, tail)))
    return Residual(
        count=number_candidates(Mask(head, tail), known),
        because=(*(f"{name}={form}" for name, form in masked), *because),
    )


def name_residual(forms: Mapping[str, Form], fields: Mapping[str, Field]) -> Residual | None:
    """Return how many people fit a masked name, given all that the plan shows; None when no name is masked."""
    masked = [
        (name, form)
        for name, form in forms.items()
        if name in fields and fields[name].type is ValueType.NAME and form.kind is FormKind.MASK
    ]
    if not masked:
        return None
    rare = all(form.scheme == "name-rare" for _, form in masked)
    known, because = _known(forms, fields, Known())
    return Residual(
        count=name_candidates(COMMON_SURNAME_PER_MILLION if rare else RARE_SURNAME_PER_MILLION, known),
        because=(*(f"{name}={form}" for name, form in masked), *because),
    )


def name_candidates(per_million: int, known: Known) -> int:
    """Return how many people share a surname that so many people in a million have, among those who are known of."""
    people = PEOPLE if known.counties == COUNTIES else known.counties * PEOPLE_OF_A_COUNTY
    people = people * per_million // 1_000_000 // (2 if known.sex else 1)
    if known.birth_months == _DAY:
        return max(1, people // _DAYS_OF_YEARS)
    return max(1, people * known.birth_months // _MONTHS_OF_YEARS)


@lru_cache(maxsize=4096)  # a few pairs of head and tail, and a few lengths of periods
def number_candidates(mask: Mask, known: Known) -> int:
    """Return the fewest valid numbers that any holder shares with a mask, given what else is known.

    The check character cuts the candidates by about 11, where it is shown.
    """
    counties = 1 if mask.head >= _AREA_DIGITS else min(known.counties, COUNTIES_BY_HEAD[mask.head])
    births = _births(_DAY if mask.head > _AREA_DIGITS else known.birth_months)
    sequences = _sequences(mask.tail, sex=known.sex)
    if mask.tail == 0:
        return counties * min(map(sum, births)) * min(map(sum, sequences))
    fewest = min(
        sum(birth[residue] * sequence[(target - residue) % _MODULUS] for residue in range(_MODULUS))
        for birth in births
        for sequence in sequences
        for target in range(_MODULUS)
        if _is_possible(birth, sequence, target)
    )
    return counties * fewest


def _told_by(mask: Mask) -> Known:
    """Return what a mask tells by itself, so that another field that tells the same is not blamed."""
    return Known(
        birth_months=_DAY if mask.head > _AREA_DIGITS else _MONTHS_OF_YEARS,
        counties=1 if mask.head >= _AREA_DIGITS else COUNTIES,
        sex=mask.tail > 1,
    )


def _known(forms: Mapping[str, Form], fields: Mapping[str, Field], told: Known) -> tuple[Known, tuple[str, ...]]:
    months, counties, sex = told.birth_months, told.counties, told.sex
    because = []
    for name, form in forms.items():
        field = fields.get(name)
        if field is None:
            continue
        narrower = (
            min(months, _period_shown(name, field, form)),
            min(counties, _counties_shown(field, form)),
            sex or _is_sex_shown(name, field, form),
        )
        if narrower != (months, counties, sex):
            months, counties, sex = narrower
            because.append(f"{name}={form}")
    return Known(birth_months=months, counties=counties, sex=sex), tuple(because)


def _period_shown(name: str, field: Field, form: Form) -> int:
    """Return the length in months of the period of birth that a field tells."""
    if field.type in _NUMBERS:
        years = age_asked(form.scheme) if form.kind is FormKind.ATTEST else None
        return _MONTHS_OF_YEARS if years is None else _shorter_side(years)
    if field.type is not ValueType.DATE or not ("birth" in name or "出生" in field.zh):
        return _MONTHS_OF_YEARS
    if form.kind is FormKind.PLAIN:
        return _DAY
    if form.kind is FormKind.ATTEST:
        years = age_asked(form.scheme)
        return _MONTHS_OF_YEARS if years is None else _shorter_side(years)
    return {"year": _YEAR, "year-month": _MONTH, "age-band": _BAND}.get(form.scheme, _MONTHS_OF_YEARS)


def _shorter_side(years: int) -> int:
    return max(_YEAR, min(years * 12, _MONTHS_OF_YEARS - years * 12))


def _counties_shown(field: Field, form: Form) -> int:
    if field.type not in {ValueType.ADDRESS, ValueType.AREA}:
        return COUNTIES
    if form.kind is FormKind.PLAIN or form.scheme in {"addr-district", "district"}:
        return 1
    return COUNTIES_OF_A_CITY if form.scheme == "city" else COUNTIES


def _is_sex_shown(name: str, field: Field, form: Form) -> bool:
    named = "sex" in name or "gender" in name or "性别" in field.zh
    return named and form.kind is FormKind.PLAIN


@lru_cache(maxsize=256)
def _births(months: int) -> tuple[_Residues, ...]:
    """Return the remainders of the birth dates in every period of that length, each kind of period once."""
    if months == _DAY:
        return (tuple(int(residue == 0) for residue in range(_MODULUS)),)
    by_month = _by_month()
    step = _YEAR if months == _YEAR else 1  # a year that is shown is a calendar year
    periods = {
        _rotated_least(tuple(map(sum, zip(*by_month[start : start + months], strict=True))))
        for start in range(0, len(by_month) - months + 1, step)
    }
    return tuple(sorted(periods))


@lru_cache(maxsize=1)
def _by_month() -> tuple[_Residues, ...]:
    return tuple(
        _count(_remainder(f"{year}{month:02}{day:02}", 6) for day in range(1, monthrange(year, month)[1] + 1))
        for year in range(FIRST_BIRTH_YEAR, LAST_BIRTH_YEAR + 1)
        for month in range(1, 13)
    )


@lru_cache(maxsize=16)
def _sequences(tail: int, *, sex: bool) -> tuple[_Residues, ...]:
    """Return the remainders of the sequence numbers that fit, for every case of what is shown of them."""
    numbers = range(1, SEQUENCES + 1)
    if tail >= _BY_SEX:
        return (tuple(int(residue == 0) for residue in range(_MODULUS)),)
    shown = 10 if tail > 1 else 2 if sex else 1
    return tuple(
        _count(_remainder(f"{number:03}", 14) for number in numbers if number % shown == rest) for rest in range(shown)
    )


def _is_possible(birth: _Residues, sequence: _Residues, target: int) -> bool:
    """Say whether anybody has this check character: a holder is at least his own candidate."""
    return any(birth[residue] and sequence[(target - residue) % _MODULUS] for residue in range(_MODULUS))


def _remainder(digits: str, position: int) -> int:
    return sum(int(digit) * _WEIGHTS[position + at] for at, digit in enumerate(digits)) % _MODULUS


def _count(remainders: Iterable[int]) -> _Residues:
    counts = [0] * _MODULUS
    for remainder in remainders:
        counts[remainder] += 1
    return tuple(counts)


def _rotated_least(residues: _Residues) -> _Residues:
    """Return one spelling for periods whose remainders are only shifted: they leave as many candidates."""
    return min(residues[start:] + residues[:start] for start in range(_MODULUS))
