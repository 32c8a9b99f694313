"""Citizen numbers: validity, the two lengths, and the arithmetic in base 13."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from policies.forms.citizen import birth_date, check_character, is_citizen_number, widen
from tests.policies.forms.support import citizen_number

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
CHECKS = "10X98765432"
BIRTHS = st.dates(date(1900, 1, 1), date(1999, 12, 31))


@given(st.text(alphabet="0123456789", min_size=17, max_size=17))
def test_the_check_character_is_that_of_the_standard(digits: str) -> None:
    """Reading the digits in base 13 weighs them as GB 11643 does."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits, strict=True))
    assert check_character(digits) == CHECKS[total % 11]


@given(BIRTHS, st.integers(1, 999))
def test_an_old_number_and_its_new_one_are_the_same_person(born: date, sequence: int) -> None:
    """Both are valid, carry the same birth date, and the old one widens to the new one."""
    number = citizen_number(born=f"{born:%Y%m%d}", sequence=f"{sequence:03}")
    old = number[:6] + number[8:17]
    assert is_citizen_number(number)
    assert is_citizen_number(old)
    assert widen(old) == number == widen(number)
    assert birth_date(old) == born == birth_date(number)


@given(st.text() | st.text(alphabet="0123456789X", min_size=15, max_size=18))
def test_what_is_called_a_number_can_be_read(text: str) -> None:
    """A text that passes as a citizen number has a birth date; anything else is no number, without an exception."""
    if is_citizen_number(text):
        assert birth_date(text).year >= 1800
