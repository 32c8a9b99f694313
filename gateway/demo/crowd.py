"""Invented people and companies without end, for stores of any size; their numbers are of the unassigned areas too."""

from datetime import date, timedelta
from typing import Final

from gateway.demo.people import Company, Person

_SURNAMES: Final = "林程方苏贺陶汪戴迟丛宋鲁姜曲沈顾陆叶江罗"
_GIVEN: Final = "晓远砚予知星沐立海向闻一望清若修文思嘉景禾舟秋安行"
_TRADES: Final = ("软件科技", "海产食品", "机械制造", "物流运输", "建筑工程", "纺织服装")
_FIRST_DAY: Final = date(1950, 1, 1)
_DAYS: Final = 20_000  # to the autumn of 2004, so that all of them are of age
_ORDERS: Final = 499  # of one sex, of those who were born on one day in one area
_STEP: Final = 7_919  # a prime that neither divides: neighbours are not born on neighbouring days
MAX_PEOPLE: Final = 2 * _DAYS * _ORDERS
MAX_COMPANIES: Final = 10**8  # digits of an organisation's code


def make_person(number: int) -> Person:
    """Make the person of a number below `MAX_PEOPLE`, a man where it is even; each has a citizen ID of his own."""
    place = number // 2 * _STEP % (_DAYS * _ORDERS)
    name = _SURNAMES[place % len(_SURNAMES)] + _GIVEN[place % len(_GIVEN)] + _GIVEN[place // 7 % len(_GIVEN)]
    born = _FIRST_DAY + timedelta(days=place % _DAYS)
    return Person(name=name, born=born, order=1 + 2 * (place // _DAYS) + number % 2)


def make_company(number: int, person: Person) -> Company:
    """Make the company of a number below `MAX_COMPANIES`, which the person represents."""
    trade = _TRADES[number % len(_TRADES)]
    name = f"{_GIVEN[number % len(_GIVEN)]}{_GIVEN[number // 5 % len(_GIVEN)]}{trade}有限公司"
    return Company(
        name=name, organisation=f"{number:08d}", person=person, capital=f"{number % 90 + 10}0万元整", scope=f"{trade}。"
    )
