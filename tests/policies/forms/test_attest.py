"""Predicates: yes, no, or not attested."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.form import Form
from policies.forms.registry import scheme_of
from policies.forms.scheme import Surroundings, Value
from tests.policies.forms.support import TODAY, applied, citizen_number


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (date(2008, 11, 22), True),
        (date(2008, 11, 23), False),
        ("2008年11月22日", True),
        (citizen_number(born="20081123"), False),
        (citizen_number(born="19880612"), True),
        (date(2026, 11, 22), False),
        (date(2026, 11, 23), None),
        (date(1850, 1, 1), None),
        ("", None),
        ("长期", None),
        ("340104198806121230", None),
    ],
)
def test_an_age(value: Value, answer: bool | None) -> None:  # noqa: FBT001 -- a table
    """A birthday counts from its beginning; a birth date that cannot be is not attested."""
    assert applied("attest:age>=18", value) is answer


def test_a_birthday_on_the_29th_of_february() -> None:
    """In other years it is the first of March."""
    for day, answer in ((date(2026, 2, 28), False), (date(2026, 3, 1), True)):
        assert applied("attest:age>=18", date(2008, 2, 29), Surroundings(today=day)) is answer


@pytest.mark.parametrize("scheme", ["age>=0", "age>=121", "age>=018", "age>18", "age<18", "age", "valid", "covers-all"])
def test_a_predicate_that_does_not_exist(scheme: str) -> None:
    """Only the three predicates have a scheme, ages from 1 to 120."""
    assert scheme_of(Form.parse(f"attest:{scheme}")) is None


@pytest.mark.parametrize(
    ("valid_to", "valid_from", "asked", "answer"),
    [
        (date(2027, 1, 1), date(2026, 1, 1), "2026-01-01", True),
        (date(2027, 1, 1), date(2026, 1, 1), "2027-01-01", True),
        (date(2027, 1, 1), date(2026, 1, 1), "2025-12-31", False),
        (date(2027, 1, 1), date(2026, 1, 1), "2027-01-02", False),
        ("2027-01-01", "2026年1月1日", "20260601", True),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "2026-06-01", True),
        ("长期", date(2026, 1, 1), "2199-01-01", True),
        (date(9999, 12, 31), date(2026, 1, 1), "2100-01-01", True),
        (date(2027, 1, 1), None, "2026-06-01", None),
        (date(2027, 1, 1), date(2026, 1, 1), "", None),
        (date(2027, 1, 1), date(2026, 1, 1), "yesterday", None),
        ("", date(2026, 1, 1), "2026-06-01", None),
        (date(2025, 1, 1), date(2026, 1, 1), "2025-06-01", None),
    ],
)
def test_validity_on_a_day(valid_to: Value, valid_from: Value | None, asked: str, answer: bool | None) -> None:  # noqa: FBT001 -- a table
    """Both days of the period are included; without a day asked or a first day nothing is attested."""
    around = Surroundings(today=TODAY, asked={"valid-on": asked}, valid_from=valid_from)
    assert applied("attest:valid-on", valid_to, around) is answer


SCOPE = "热食类食品制售；冷食类食品制售、食品销售（含冷藏、冷冻食品），自制饮品"


@pytest.mark.parametrize(
    ("scope", "asked", "answer"),
    [
        (SCOPE, "热食类食品制售", True),
        (SCOPE, " 热食类食品 制售 ", True),
        (SCOPE, "自制饮品", True),
        (SCOPE, "食品销售(含冷藏、冷冻食品)", True),
        (SCOPE, "食品销售", None),
        (SCOPE, "制售", None),
        (SCOPE, "冷冻食品", None),
        (SCOPE, "热食类食品制售(限早餐)", None),
        (SCOPE, "药品零售", False),
        ("热食\n冷食", "冷食", True),
        ("一般项目，除药品零售、医疗器械", "医疗器械", None),
        ("食品销售；不得经营热食、冷食", "冷食", None),
        ("食品(销售", "食品", None),
        (SCOPE, "", None),
        ("", "药品零售", None),
        ("无", "药品零售", None),
        ("食品\u0378", "食品", None),
        (date(2020, 1, 1), "食品", None),
        ("、".join(map(str, range(600))), "5", None),
    ],
)
def test_an_activity_is_covered(scope: Value, asked: str, answer: bool | None) -> None:  # noqa: FBT001 -- a table
    """Yes for an equal item, no where nothing resembles it, and nothing in between is guessed."""
    around = Surroundings(today=TODAY, asked={"covers": asked})
    assert applied("attest:covers", scope, around) is answer


@given(st.text(), st.text())
def test_nothing_is_too_odd_to_ask(value: str, asked: str) -> None:
    """Predicates answer yes, no or not attested for any text; `covers` says yes for an item of the list only."""
    around = Surroundings(today=TODAY, asked={"covers": asked, "valid-on": asked}, valid_from=value)
    for form in ("attest:age>=18", "attest:valid-on", "attest:covers"):
        assert applied(form, value, around) in {True, False, None}
