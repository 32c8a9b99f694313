"""Which numbers are beside which."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.budget.neighbours import MAX_NUMBER, neighbours_of, stem_of
from gateway.demo.numbers import citizen_id, credit_code

AREA = "349901"
BORN = date(1990, 1, 31)
NUMBER = citizen_id(AREA, BORN, 19)


def are_neighbours(first: str, second: str) -> bool:
    """Say whether whoever asked the first is seen to count when asking the second."""
    return stem_of(first) in neighbours_of(second)


@pytest.mark.parametrize(
    "other",
    [
        citizen_id(AREA, BORN, 20),  # the next of the day, a carry included
        citizen_id(AREA, BORN, 18),
        citizen_id(AREA, BORN, 919),
        citizen_id(AREA, BORN + timedelta(days=1), 19),  # over the end of a month
        citizen_id(AREA, BORN - timedelta(days=1), 19),
        citizen_id("349902", BORN, 19),
    ],
)
def test_citizen_numbers(other: str) -> None:
    """The number before, the number after, a day earlier or later, and one digit changed, whatever the check says."""
    assert are_neighbours(NUMBER, other)
    assert are_neighbours(other, NUMBER)


@pytest.mark.parametrize("other", [NUMBER, NUMBER.lower(), citizen_id(AREA, date(1976, 8, 2), 307), "", "无", "张三"])
def test_others(other: str) -> None:
    """The same number is no neighbour, nor is another person's, nor what is no number."""
    assert not are_neighbours(NUMBER, other)
    assert not are_neighbours(other, NUMBER)


def test_other_numbers() -> None:
    """Licence numbers count as well, with a digit put in or left out, and credit codes without the check character."""
    assert are_neighbours("JY13499010000999", "JY13499010001000")
    assert are_neighbours("JY13499010000999", "JY1349901000099")
    assert are_neighbours("JY1349901000099", "JY13499010000999")
    assert are_neighbours("JY13499010000999", "JX13499010000999")
    assert not are_neighbours("JY13499010000999", "JY13499010000777")
    assert are_neighbours(credit_code("91", AREA, "MADEM341"), credit_code("91", "349902", "MADEM341"))


def test_old_numbers() -> None:
    """An old citizen number is the new one of the same person."""
    assert stem_of(NUMBER[:6] + NUMBER[8:17]) == stem_of(NUMBER)


@given(st.text(max_size=MAX_NUMBER + 5))
def test_any_text(text: str) -> None:
    """No text raises, none is its own neighbour, and there are never many."""
    found = neighbours_of(text)
    assert stem_of(text) not in found
    assert len(found) <= 36 * (MAX_NUMBER + 1) + 100


@given(st.text(alphabet="0123456789AB-", min_size=6, max_size=20), st.integers(0, 19), st.sampled_from("0123456789"))
def test_one_step_both_ways(text: str, place: int, digit: str) -> None:
    """A digit that is put in is seen from both sides."""
    longer = text[:place] + digit + text[place:]
    if stem_of(text) == text and stem_of(longer) == longer:
        assert are_neighbours(text, longer)
        assert are_neighbours(longer, text)
