"""Addresses and area codes: the district (区、县) in them, or the city. An address is never cut by length.

An address is read from its front: province, city, district, each by the form of its name. Whatever looks like a street,
a township, a village or a housing estate (小区) where a district is expected makes the whole address unreadable.
"""

import re
from itertools import pairwise
from typing import Final, NamedTuple

from policies.forms.scheme import HIDDEN, Surroundings, Value
from policies.forms.tables import (
    CITIES_WITH_BANNERS,
    CITIES_WITHOUT_DISTRICTS,
    LONG_NAMES,
    ODD_PLACES,
    PROVINCES,
)

LONGEST_ADDRESS: Final = 200  # characters
LONGEST_PLACE: Final = 40  # province, city and district together: the longest have about 30

# Never in the name of a place: the ends of names, and what belongs to a street, a village or an estate.
_NEVER: Final = "区县市旗街巷号栋幢弄室层组队院苑园村"
_ONLY_FIRST: Final = "路道镇"  # 路桥区, 道里区, 镇海区
_FIRST_OR_LAST: Final = "乡楼坊"  # 乡宁县, 新乡县, 鼓楼区


def _han_without(characters: str) -> str:
    """Return a character class of the unified ideographs without some."""
    edges = [0x4DFF, *sorted(map(ord, characters)), 0xA000]
    return "[" + "".join(f"{chr(low + 1)}-{chr(high - 1)}" for low, high in pairwise(edges) if high - low > 1) + "]"


# The first character of a name, one inside, the last. 旗 before 区 and 市 before 区 or 市 belong to the name (红旗区,
# 沙市区, 津市市), as does 市 at its begin (市南区); in 市场, 市政府, 市立, 市民 it belongs to the next word.
_FIRST: Final = _han_without(_NEVER)
_INSIDE: Final = _han_without(_NEVER + _ONLY_FIRST + _FIRST_OR_LAST)
_LAST: Final = _han_without(_NEVER + _ONLY_FIRST)
_ODD: Final = "|".join(sorted(ODD_PLACES))
_CITY_AT: Final = re.compile(
    f"(?:{_FIRST}{_INSIDE}{{0,3}}{_LAST}市(?:(?={_ODD})|(?![场政立府民]))|{_ODD}|"
    f"{_FIRST}{_INSIDE}{{1,7}}自治州|{_FIRST}{_INSIDE}{{0,3}}(?:地区|盟))"
).match
_DISTRICT_AT: Final = re.compile(
    f"(?:{_ODD}|市?{_FIRST}(?:{_INSIDE}{{0,12}}{_LAST})?(?:旗(?=区)|市(?=[区市]))?(?:[区县旗]|市(?![区县市场政立府民])))"
).match
_AREA_CODE_LENGTHS: Final = frozenset({6, 9, 12})  # county, township, village
_IS_AREA_CODE: Final = re.compile("[1-9][0-9]+").fullmatch

_PROVINCES: Final = {province[:2]: province for province in PROVINCES}  # the first two characters tell them apart
_LONGEST_FREE: Final = 2  # characters before the ending; longer names are listed
_OF_A_PEOPLE: Final = re.compile("(?:族|哈萨克|塔吉克|锡伯|蒙古)自治").search  # 自治县, 自治旗
_DISTRICTS_OF_ONE: Final = frozenset("东西南北城郊矿")  # 东区, 城区 …
# Before 区: a housing estate, community, campus, zone, and not a district; nor what the forces, prisons and hospitals
# call so. Blocks are numbered.
_NO_DISTRICT: Final = frozenset(
    "小社校场厂景库片辖舍属宅活业发税度范理住生一二三四五六七八九十期"
    "军备狱监管禁戒毒囚押改造警卫防战训病离疗诊护养救助营学教部院所"
    "仓储流贸务政勤工作产技验究游览禽殖植牧渔农设"
)


# Nearly all addresses in one go: a province or none, a city (市), a district or county of two characters about whose
# name there is no doubt. All that this finds, the expressions above with `_is_district` find at the same places.
# A province is not given back (?+): a municipality is no city here.
_SURELY_LAST: Final = _han_without(_NEVER + _ONLY_FIRST + "".join(_NO_DISTRICT))
_USUAL_AT: Final = re.compile(
    f"((?:{'|'.join(PROVINCES)})?+{_FIRST}{_INSIDE}{{0,3}}{_LAST}市)(?![场政立府民]){_FIRST}{_SURELY_LAST}[区县]"
).match


class Place(NamedTuple):
    """Where an address lies: the text up to the end of its city, and up to the end of its district."""

    city: str
    district: str


def parse_address(text: str) -> Place | None:
    """Return the place of an address, or None where its district cannot be told for certain.

    A municipality is its own city; a city without districts is its own district.
    """
    ends = _read_address(text)
    return None if ends is None else Place(text[: ends[0]], text[: ends[1]])


def mask_address(value: Value, _around: Surroundings) -> object:
    """Show the address up to its district."""
    if not isinstance(value, str):
        return HIDDEN
    ends = _read_address(value)
    return HIDDEN if ends is None else value[: ends[1]] + "***"


def district_of(value: Value, _around: Surroundings) -> object:
    """Return the district of an address or the county of an area code (GB/T 2260, six digits)."""
    if not isinstance(value, str):
        return HIDDEN
    if len(value) in _AREA_CODE_LENGTHS and _IS_AREA_CODE(value):
        return value[:6]
    ends = _read_address(value)
    return HIDDEN if ends is None else value[: ends[1]]


def city_of(value: Value, _around: Surroundings) -> object:
    """Return the city of an address, or the area code of the city."""
    if not isinstance(value, str):
        return HIDDEN
    if len(value) in _AREA_CODE_LENGTHS and _IS_AREA_CODE(value):
        return value[:4] + "00"
    ends = _read_address(value)
    return HIDDEN if ends is None else value[: ends[0]]


def _read_address(text: str) -> tuple[int, int] | None:
    """Return where city and district end, or None where the district cannot be told for certain."""
    if len(text) > LONGEST_ADDRESS or not text.isprintable():
        return None
    usual = _USUAL_AT(text)
    if usual is not None:
        return usual.end(1), usual.end()
    province = _PROVINCES.get(text[:2], "")
    start = len(province) if text.startswith(province) else 0
    city = _CITY_AT(text, start)
    end = start if city is None else city.end()
    district = _DISTRICT_AT(text, end + 3 if text.startswith("市辖区", end) else end)
    if district is not None and _is_district(district[0], "" if city is None else city[0]):
        return (end, district.end()) if end else None
    return (end, end) if city is not None and city[0] in CITIES_WITHOUT_DISTRICTS else None


def _is_district(text: str, city: str) -> bool:
    if text in ODD_PLACES:
        return True
    name, ending = text[:-1], text[-1]
    if ending == "旗" and not (city in CITIES_WITH_BANNERS or name.endswith("自治")):
        return False
    if len(name) > _LONGEST_FREE:
        return text in LONG_NAMES or (name.endswith("自治") and ending != "区" and _OF_A_PEOPLE(name) is not None)
    if ending != "区":
        return True
    return name in _DISTRICTS_OF_ONE if len(name) == 1 else name[-1] not in _NO_DISTRICT
