"""Predicates: a yes or a no about a value instead of the value. What cannot be said for certain is not attested."""

import re
from datetime import date
from typing import Final

from policies.forms.citizen import birth_date, is_citizen_number
from policies.forms.day import OLDEST, age_on, is_endless, parse_day
from policies.forms.normal import UnfitTextError, normalise
from policies.forms.scheme import Apply, Surroundings, Value

VALID_ON: Final = "valid-on"
COVERS: Final = "covers"
OLDEST_ASKED: Final = 120
MOST_ITEMS: Final = 500  # of one business scope; the longest met have about 200

_AGE: Final = re.compile(r"age>=([1-9][0-9]{0,2})").fullmatch
_BETWEEN_ITEMS: Final = re.compile(r"[;,、。\n\r]")
# Words that turn a list around or make it depend on something: such a list says nothing for certain.
_EXCEPTIONS: Final = re.compile("除|不含|不包括|不得|禁止|不可|未经|except|exclud", re.IGNORECASE)


def age_asked(scheme: str) -> int | None:
    """Return the age in years that a predicate `age>=N` asks for, or None if it is none."""
    found = _AGE(scheme)
    years = int(found[1]) if found else 0
    return years if 1 <= years <= OLDEST_ASKED else None


def age_at_least(years: int) -> Apply:
    """Return what says whether the holder has that age today, from a birth date or a citizen number.

    A birthday counts from its beginning. A birth date that lies ahead, or before anybody alive, is not attested.
    """

    def apply(value: Value, around: Surroundings) -> object:
        birth = _birth(value)
        if birth is None:
            return None
        age = age_on(birth, around.today)
        return age >= years if 0 <= age <= OLDEST else None

    return apply


def valid_on(value: Value, around: Surroundings) -> object:
    """Say whether the licence is valid on the asked day: from ``valid_from`` to the value, both days included.

    A licence names the last day on which it is valid, other than our own half-open intervals. "长期" has no last day.
    Without a first day, or without a day that was asked, nothing is attested.
    """
    asked = parse_day(around.asked.get(VALID_ON, ""))
    first = None if around.valid_from is None else parse_day(around.valid_from)
    if asked is None or first is None:
        return None
    if is_endless(value):
        return first <= asked
    last = parse_day(value)
    return None if last is None or last < first else first <= asked <= last


def covers(value: Value, around: Surroundings) -> object:
    """Say whether the asked activity is an item of the list in the value, spelled alike after normalising.

    Yes only for an item that is equal; no only when no item contains the activity or is contained in it: an item with a
    qualification, such as "食品销售(不含散装)", is neither. A list with exceptions is not attested.
    """
    try:
        activity = normalise(around.asked.get(COVERS, ""))
        items = None if isinstance(value, date) else _items(value)
    except UnfitTextError:
        return None
    if not activity or not items:
        return None
    if activity in items:
        return True
    return None if any(activity in item or item in activity for item in items) else False


def _birth(value: Value) -> date | None:
    if isinstance(value, str) and is_citizen_number(value):
        return birth_date(value)
    return parse_day(value)


def _items(text: str) -> frozenset[str] | None:
    """Return the items between delimiters outside brackets, or None for a list that cannot be relied on."""
    items: list[str] = []
    # Line ends are delimiters; normalising would drop them as white space.
    for line in text.splitlines():
        normal = normalise(line)
        if normal is None:
            continue
        if normal.count("(") != normal.count(")"):
            return None
        items += _split(normal)
    if len(items) > MOST_ITEMS or any(_EXCEPTIONS.search(_without_brackets(item)) for item in items):
        return None
    return frozenset(item for item in items if item)


def _split(text: str) -> list[str]:
    items = [""]
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth == 0 and _BETWEEN_ITEMS.match(character):
            items.append("")
        else:
            items[-1] += character
    return items


def _without_brackets(item: str) -> str:
    return item.partition("(")[0]
