"""How long a witness that failed is left alone."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.witness.absence import LONGEST_SECONDS, Absences


def rounds_asked(absences: Absences, rounds: int) -> list[int]:
    """Return the rounds in which a witness that always fails was asked."""
    asked = []
    for number in range(rounds):
        if "w" not in absences.begin_round():
            asked.append(number)
            absences.failed("w")
    return asked


def test_waits_double_up_to_ten_minutes() -> None:
    """The second attempt comes at once, and then waits double; ten minutes are the longest."""
    asked = rounds_asked(Absences(interval_seconds=15, random=lambda: 0.0), 400)
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 41]
    assert max(waits) == LONGEST_SECONDS // 15 + 1


@given(st.integers(5, 300), st.floats(0, 1))
def test_chance_shortens_a_wait_by_half_at_most(interval_seconds: int, chance: float) -> None:
    """Whatever chance says, a wait is between half of the longest and all of it."""
    most = LONGEST_SECONDS // interval_seconds
    absences = Absences(interval_seconds=interval_seconds, random=lambda: chance)
    asked = rounds_asked(absences, 12 * (most + 2))
    last = asked[-1] - asked[-2] - 1
    assert most // 2 <= last <= most


def test_an_answer_ends_the_absence() -> None:
    """A witness that answered is asked in every round again, and its next failure is a first one."""
    absences = Absences(interval_seconds=15, random=lambda: 0.0)
    for _ in range(5):
        absences.failed("w")
    absences.answered("w")
    assert not absences.begin_round()
    absences.failed("w")
    assert not absences.begin_round()
