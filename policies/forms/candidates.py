"""Candidates: how many citizen numbers, or people, fit what is known of a holder.

The figures hold for whoever is worst off: the fewest candidates that any holder has.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from policies.forms.known import COUNTIES, DAY, FIRST_BIRTH_YEAR, LAST_BIRTH_YEAR, MONTHS_OF_YEARS, YEAR, Known, Mask

# How many counties share the first digits that a mask shows: eight digits begin an area code, and 110 is Beijing.
COUNTIES_BY_HEAD: Final = {0: COUNTIES, 1: COUNTIES // 8, 3: 16}
SEQUENCES: Final = 999  # numbers given in one county for one day of birth, 001 to 999; odd for men, even for women
DAYS_OF_YEARS: Final = (date(LAST_BIRTH_YEAR + 1, 1, 1) - date(FIRST_BIRTH_YEAR, 1, 1)).days  # 35,064
PEOPLE: Final = 1_180_000_000  # in the largest table of surnames that was looked at
PEOPLE_OF_A_COUNTY: Final = 500_000
PEOPLE_OF_A_RARE_SURNAME: Final = PEOPLE * 100 // 1_000_000  # four of five surnames are rarer
PEOPLE_OF_A_COMMON_SURNAME: Final = PEOPLE * 1_000 // 1_000_000  # at least, of those that `name-rare` shows

AREA_DIGITS: Final = 6  # at the head of a number; the birth date follows
_MODULUS: Final = 11
_WEIGHTS: Final = tuple(pow(2, 17 - position, _MODULUS) for position in range(17))  # GB 11643
_BY_SEX: Final = (
    4  # of the tail: three digits of the sequence, of which the last tells the sex, and the check character
)

_Residues = tuple[int, ...]  # how many candidates have each remainder modulo 11


def name_candidates(alike: int, known: Known) -> int:
    """Return how many of the people whose names look alike are among those who are known of."""
    people = alike if known.counties == COUNTIES else alike * known.counties * PEOPLE_OF_A_COUNTY // PEOPLE
    people //= 2 if known.sex else 1
    if known.birth_months == DAY:
        return max(1, people // DAYS_OF_YEARS)
    return max(1, people * known.birth_months // MONTHS_OF_YEARS)


@lru_cache(maxsize=4096)  # a few pairs of head and tail, and a few lengths of periods
def number_candidates(mask: Mask, known: Known) -> int:
    """Return the fewest valid numbers that any holder shares with a mask, given what else is known.

    The check character cuts the candidates by about 11, where it is shown.
    """
    counties = 1 if mask.head >= AREA_DIGITS else min(known.counties, COUNTIES_BY_HEAD[mask.head])
    births = _births(DAY if mask.head > AREA_DIGITS else known.birth_months)
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


@lru_cache(maxsize=256)
def _births(months: int) -> tuple[_Residues, ...]:
    """Return the remainders of the birth dates in every period of that length, each kind of period once."""
    if months == DAY:
        return (tuple(int(residue == 0) for residue in range(_MODULUS)),)
    by_month = _by_month()
    step = YEAR if months == YEAR else 1  # a year that is shown is a calendar year
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
