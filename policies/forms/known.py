"""What an answer tells of a person besides the number: the period of birth, the place, the sex; and what a mask leaves.

The figures that they are measured by are assumptions about the whole country, and stand here.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

FIRST_BIRTH_YEAR: Final = 1930
LAST_BIRTH_YEAR: Final = 2025
COUNTIES: Final = 2850  # county codes in use
COUNTIES_OF_A_CITY: Final = 4  # a small one

DAY: Final = 0  # lengths of periods of birth, in months
MONTH: Final = 1
YEAR: Final = 12
BAND: Final = 120
MONTHS_OF_YEARS: Final = (LAST_BIRTH_YEAR - FIRST_BIRTH_YEAR + 1) * 12


class Mask(NamedTuple):
    """How many characters of a citizen number's 18 stay at the head and at the tail."""

    head: int
    tail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known besides a number: ``birth_months`` is the length of the period of birth, `DAY` for the very day."""

    birth_months: int = MONTHS_OF_YEARS
    counties: int = COUNTIES
    sex: bool = False

    def narrowed_by(self, other: Self) -> Self:
        """Return what is known when both are."""
        return type(self)(
            birth_months=min(self.birth_months, other.birth_months),
            counties=min(self.counties, other.counties),
            sex=self.sex or other.sex,
        )


NOTHING_KNOWN: Final = Known()
ALL_KNOWN: Final = Known(birth_months=DAY, counties=1, sex=True)


def known_of_age(years: int) -> Known:
    """Return what is known of whoever is that old or not, whichever leaves fewer years of birth."""
    return Known(birth_months=max(YEAR, min(years * 12, MONTHS_OF_YEARS - years * 12)))
