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
        ("长期", date(2026, 1, 1), "2027-11-23", True),
        (date(9999, 12, 31), date(2026, 1, 1), "2027-11-23", True),
        ("长期", date(2026, 1, 1), "2027-11-24", None),
        (date(2027, 1, 1), date(2020, 1, 1), "2025-11-21", True),
        (date(2027, 1, 1), date(2020, 1, 1), "2025-11-20", None),
        (date(2027, 1, 1), date(2026, 1, 1), "1990-01-01", None),
        (date(2027, 1, 1), None, "2026-06-01", None),
        (date(2027, 1, 1), date(2026, 1, 1), "", None),
        (date(2027, 1, 1), date(2026, 1, 1), "yesterday", None),
        ("", date(2026, 1, 1), "2026-06-01", None),
        (date(2025, 1, 1), date(2026, 1, 1), "2025-06-01", None),
    ],
)
def test_validity_on_a_day(valid_to: Value, valid_from: Value | None, asked: str, answer: bool | None) -> None:  # noqa: FBT001 -- a table
    """Both days of the period are included; without a day asked that is near, or a first day, nothing is attested."""
    around = Surroundings(today=TODAY, asked={"valid-on": asked}, valid_from=valid_from)
    assert applied("attest:valid-on", valid_to, around) is answer


@pytest.mark.parametrize(("asked", "answer"), [("2099-12-31", True), ("2100-01-01", False)])
def test_the_last_day_of_2099_is_a_day(asked: str, answer: bool) -> None:  # noqa: FBT001 -- a table
    """A licence until 2099-12-31 is valid on that day and not on the next."""
    around = Surroundings(today=date(2099, 12, 1), asked={"valid-on": asked}, valid_from="2020-01-01")
    assert applied("attest:valid-on", "2099-12-31", around) is answer


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_days_far_from_today_are_not_attested(asked: date) -> None:
    """Nobody finds the first and the last day of a licence by asking about all days, if they are years away."""
    around = Surroundings(today=TODAY, asked={"valid-on": asked.isoformat()}, valid_from="2021-07-20")
    answer = applied("attest:valid-on", "2031-07-19", around)
    assert answer is (True if abs((asked - TODAY).days) <= 366 else None)


SCOPE = "热食类食品制售；冷食类食品制售、食品销售（含冷藏、冷冻食品），自制饮品"
BUSINESS = (
    "一般项目：软件开发；停车场服务；不锈钢制品销售（除依法须经批准的项目外，凭营业执照依法自主开展经营活动）"
    "许可项目：药品零售（依法须经批准的项目，经相关部门批准后方可开展经营活动）"
)


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        (SCOPE, "热食类食品制售"),
        (SCOPE, " 热食类食品 制售 "),
        (SCOPE, "自制饮品"),
        (SCOPE, "食品销售(含冷藏、冷冻食品)"),
        ("热食\n冷食", "冷食"),
        (BUSINESS, "软件开发"),
        (BUSINESS, "停车场服务"),
        ("许可经营项目:食品、药品", "食品"),
        ("经营范围：食品、药品", "药品"),
        ("一般项目：食品\n许可项目：药品", "药品"),
    ],
)
def test_an_activity_is_covered(scope: str, asked: str) -> None:
    """An activity that is equal to an item of the list is covered, also behind a head that leaves it what it is."""
    assert applied("attest:covers", scope, Surroundings(today=TODAY, asked={"covers": asked})) is True


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        (SCOPE, "食品销售"),
        (SCOPE, "制售"),
        (SCOPE, "冷冻食品"),
        (SCOPE, "热食类食品制售(限早餐)"),
        (SCOPE, "药品零售"),
        (BUSINESS, "不锈钢制品销售"),
        ("一般项目，除药品零售、医疗器械", "医疗器械"),
        ("食品销售；不得经营热食、冷食", "冷食"),
        ("食品(销售", "食品"),
        (SCOPE, ""),
        ("", "药品零售"),
        ("无", "药品零售"),
        ("食品\u0378", "食品"),
        (date(2020, 1, 1), "食品"),
        ("、".join(map(str, range(600))), "5"),
        ("不从事:药品生产、药品销售", "药品销售"),
        ("食品销售;不从事:药品生产、药品销售", "药品销售"),
        ("食品销售;不涉及药品生产、药品销售", "药品销售"),
        ("已注销:食品销售、药品销售", "药品销售"),
        ("已注销食品销售、药品销售", "药品销售"),
        ("停止经营以下项目:食品、烟草", "烟草"),
        ("停止经营：\n食品\n烟草", "烟草"),
        ("停止经营项目:食品、烟草", "烟草"),
        ("暂停食品、烟草", "烟草"),
        ("撤销食品、烟草", "烟草"),
        ("严禁食品、烟草", "烟草"),
        ("食品销售;药品销售;(以上均不含散装)", "食品销售"),
        ("食品销售;药品销售(以上均不含散装)", "食品销售"),
        ("食品销售;药品销售;(不含散装)", "食品销售"),
        ("以下项目仅限分支机构经营:食品销售、药品销售", "药品销售"),
        ("仅限分支机构经营食品销售、药品销售", "药品销售"),
        ("食品(散装)但不含药品、烟草", "烟草"),
        ("分支机构经营:食品、药品", "药品"),
        ("(许可项目:食品、药品)", "药品"),
    ],
)
def test_whether_an_activity_is_covered_is_not_said(scope: Value, asked: str) -> None:
    """What is no item, what only resembles one, and lists that turn round or qualify their items have one answer."""
    assert applied("attest:covers", scope, Surroundings(today=TODAY, asked={"covers": asked})) is None


@given(st.text(alphabet="预包装食品销售;医疗器械批发", max_size=8))
def test_parts_of_an_item_are_not_told(asked: str) -> None:
    """No question about anything but a whole item has another answer than a question about nothing in the list."""
    around = Surroundings(today=TODAY, asked={"covers": asked})
    answer = applied("attest:covers", "预包装食品销售;医疗器械批发", around)
    assert answer is (True if asked in {"预包装食品销售", "医疗器械批发"} else None)


@given(st.text(), st.text())
def test_nothing_is_too_odd_to_ask(value: str, asked: str) -> None:
    """Predicates answer yes, no or not attested for any text; `covers` says yes for an item of the list only."""
    around = Surroundings(today=TODAY, asked={"covers": asked, "valid-on": asked}, valid_from=value)
    for form in ("attest:age>=18", "attest:valid-on", "attest:covers"):
        assert applied(form, value, around) in {True, False, None}
