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
MOST_DAYS_AWAY: Final = 366  # of the asked day from today: more would let callers look for the first and the last day
MOST_ITEMS: Final = 500  # of one business scope; the longest met have about 200

_AGE: Final = re.compile(r"age>=([1-9][0-9]{0,2})").fullmatch
_BETWEEN_ITEMS: Final = re.compile(r"[;,、。\n\r]")
# What may stand before a list and leaves its items what they are. Any other words with a colon may turn round all that
# follows ("停止经营以下项目:").
_HEAD: Final = re.compile(r"(?:^|(?<=[;,、。)]))(?:(?:一般|许可)(?:经营)?项目|经营范围|经营项目):")
# Words that turn a list round or make it depend on something: such a list says nothing for certain. In brackets they
# belong to the item (不含散装), unless they speak of other items. 不锈钢, 不动产, 不干胶, 停车 are none of them.
_EXCEPTIONS: Final = re.compile(
    "除|不(?!锈|动产|干胶)|禁|严|未经|停(?!车)|暂|终止|[注吊撤]销|取消|撤回|[仅限但]|except|exclud", re.IGNORECASE
)
_OF_OTHERS: Final = re.compile("以[上下]|上述|前述|前款|下列|所列|各项|均")


def age_asked(scheme: str) -> int | None:
    """Return the age in years that a predicate `age>=N` asks for, or None if it is none."""
    found = _AGE(scheme)
    years = int(found[1]) if found else 0
    return years if 1 <= years <= OLDEST_ASKED else None


def age_at_least(years: int) -> Apply:
    """Return what says whether the holder has that age today, from a birth date or a citizen number.

    A birthday counts from its beginning (see `age_on`). A birth date that lies ahead, or before anybody alive, is not
    attested.
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
    Without a first day, without a day that was asked, or for one that is more than `MOST_DAYS_AWAY` from today, nothing
    is attested. Within those days whoever asks often enough finds the first and the last day: the form counts as plain.
    """
    asked = parse_day(around.asked.get(VALID_ON, ""))
    first = None if around.valid_from is None else parse_day(around.valid_from)
    if asked is None or first is None or abs((asked - around.today).days) > MOST_DAYS_AWAY:
        return None
    if is_endless(value):
        return first <= asked
    last = parse_day(value)
    return None if last is None or last < first else first <= asked <= last


def covers(value: Value, around: Surroundings) -> object:
    """Say yes when the asked activity is an item of the list in the value, spelled alike after normalising.

    Anything else is not attested, and never no: a no for what resembles no item would tell which words the items have.
    An item with a qualification, such as "食品销售(不含散装)", is equal to itself only. A list with exceptions, or with
    anything that may speak of other items, is not attested.
    """
    try:
        activity = normalise(around.asked.get(COVERS, ""))
        items = None if isinstance(value, date) else _items(value)
    except UnfitTextError:
        return None
    return True if activity is not None and items is not None and activity in items else None


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
        if normal.count("(") != normal.count(")") or _OF_OTHERS.search(normal):
            return None
        items += _split(_HEAD.sub(";", normal))
    if len(items) > MOST_ITEMS or any(map(_qualifies_others, items)):
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


def _qualifies_others(item: str) -> bool:
    """Say whether a part of a list may speak of other parts: by a colon, by brackets alone, by words of exception."""
    return ":" in item or item.startswith("(") or _EXCEPTIONS.search(_outside_brackets(item)) is not None


def _outside_brackets(item: str) -> str:
    outside = ""
    depth = 0
    for character in item:
        depth += (character == "(") - (character == ")")
        if depth == 0:
            outside += character
    return outside
