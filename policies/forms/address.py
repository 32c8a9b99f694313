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
    f"(?:{_FIRST}{_INSIDE}{{0,3}}{_LAST}市(?![场政立府民])|{_ODD}|"
    f"{_FIRST}{_INSIDE}{{1,7}}自治州|{_FIRST}{_INSIDE}{{0,3}}(?:地区|盟))"
).match
_DISTRICT_AT: Final = re.compile(
    f"(?:市?{_FIRST}(?:{_INSIDE}{{0,12}}{_LAST})?(?:旗(?=区)|市(?=[区市]))?(?:[区县旗]|市(?![区县市场政立府民]))|{_ODD})"
).match
_AREA_CODE: Final = re.compile(r"([1-9][0-9]{5})(?:[0-9]{3}|[0-9]{6})?").fullmatch

_LONGEST_NAME: Final = {"区": 3, "县": 5, "市": 4, "旗": 7}  # characters before the ending, but 14 in 自治县
_LONGER_DISTRICTS: Final = frozenset("新林特矿")  # 浦东新区, 白云鄂博矿区: five
_LONGEST_DISTRICT: Final = 5
_PROVINCES: Final = {province[:2]: province for province in PROVINCES}  # the first two characters tell them apart
# Before 区: a housing estate, community, campus, zone … and not a district. Blocks are numbered or called by direction.
_NO_DISTRICT: Final = frozenset("小社校场厂景库片辖舍属宅活业发税度范理住生一二三四五六七八九十期")
_DIRECTIONS: Final = frozenset("东西南北中")
_LONGEST_WITH_DIRECTION: Final = 2  # 河东区, 市南区


class Place(NamedTuple):
    """Where an address lies: the text up to the end of its city, and up to the end of its district."""

    city: str
    district: str


def parse_address(text: str) -> Place | None:
    """Return the place of an address, or None where its district cannot be told for certain.

    A municipality is its own city; a city without districts is its own district.
    """
    if len(text) > LONGEST_ADDRESS or not text.isprintable():
        return None
    province = _PROVINCES.get(text[:2], "")
    start = len(province) if text.startswith(province) else 0
    city = _CITY_AT(text, start)
    end = start if city is None else city.end()
    district = _DISTRICT_AT(text, end + 3 if text.startswith("市辖区", end) else end)
    if district is not None and _is_district(district[0], "" if city is None else city[0]):
        if city is None:
            return Place(province, text[: district.end()]) if start else None
        return Place(text[:end], text[: district.end()])
    return Place(text[:end], text[:end]) if city is not None and city[0] in CITIES_WITHOUT_DISTRICTS else None


def mask_address(value: Value, _around: Surroundings) -> object:
    """Show the address up to its district."""
    place = parse_address(value) if isinstance(value, str) else None
    return HIDDEN if place is None else place.district + "***"


def district_of(value: Value, _around: Surroundings) -> object:
    """Return the district of an address or the county of an area code (GB/T 2260, six digits)."""
    if not isinstance(value, str):
        return HIDDEN
    code = _AREA_CODE(value)
    if code is not None:
        return code[1]
    place = parse_address(value)
    return HIDDEN if place is None else place.district


def city_of(value: Value, _around: Surroundings) -> object:
    """Return the city of an address, or the area code of the city."""
    if not isinstance(value, str):
        return HIDDEN
    code = _AREA_CODE(value)
    if code is not None:
        return code[1][:4] + "00"
    place = parse_address(value)
    return HIDDEN if place is None else place.city


def _is_district(text: str, city: str) -> bool:
    name, ending = text[:-1], text[-1]
    last = name[-1]
    if len(name) > _LONGEST_NAME[ending]:
        longer = last in _LONGER_DISTRICTS and ending == "区" and len(name) <= _LONGEST_DISTRICT
        if not (longer or name.endswith("自治") or text in ODD_PLACES):  # 自治县, 自治旗
            return False
    if ending == "旗" and last != "治" and city not in CITIES_WITH_BANNERS:
        return False
    return ending != "区" or not (last in _NO_DISTRICT or (last in _DIRECTIONS and len(name) > _LONGEST_WITH_DIRECTION))
