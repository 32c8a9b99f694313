"""The comparison of what a caller says with what a licence says: one bit for everything that was asked together."""

import hmac
from collections.abc import Mapping
from typing import Final

from policies.catalogue import ValueType
from policies.forms.amount import parse_amount
from policies.forms.citizen import is_citizen_number, widen
from policies.forms.day import parse_day
from policies.forms.normal import DOT, UnfitTextError, normalise

MOST_HOLDERS: Final = 64  # of one licence; a real-estate certificate with more is not compared

_NO_VALUE: Final = b"\0"  # equals no normal spelling: control characters are refused
# Types that say who a holder is: each holder has a value of his own, and values are never borrowed from another.
_OF_A_HOLDER: Final = frozenset(
    {ValueType.NAME, ValueType.CITIZEN_ID, ValueType.HOLDER_CODE, ValueType.CREDIT_CODE, ValueType.PASSPORT}
)
_NUMBERS: Final = frozenset(
    {ValueType.CITIZEN_ID, ValueType.HOLDER_CODE, ValueType.CREDIT_CODE, ValueType.PASSPORT, ValueType.PLATE}
)


def matches(asked: Mapping[str, str], known: Mapping[str, tuple[str, ...]], types: Mapping[str, ValueType]) -> bool:
    """Say whether everything that was asked is true of one holder of the licence.

    ``asked`` and ``types`` are by field; ``known`` holds for each field the values of the holders in their order, or
    the one value of the licence. Nothing asked is no match, and a value that says nothing matches nothing, not even
    nothing. An old citizen number and the new one of the same person are equal.

    Every field is compared for every holder, also after a miss, and a licence that does not exist (``known`` is empty)
    is compared like one that does, so that neither the answer nor its time says which element failed.
    """
    holders = max((len(known.get(field, ())) for field in asked), default=0)
    comparable = bool(asked) and 1 <= holders <= MOST_HOLDERS
    questions = [
        (
            comparison_key(text, types[field]) if field in types else None,
            _keys_of(known.get(field, ()), types.get(field), holders),
        )
        for field, text in asked.items()
    ]
    found = False
    for holder in range(min(max(holders, 1), MOST_HOLDERS)):
        same = True
        for question, answers in questions:
            answer = answers[holder] if holder < len(answers) else None
            equal = hmac.compare_digest(question or _NO_VALUE, answer or _NO_VALUE)
            same &= equal and question is not None and answer is not None
        found |= same
    return found and comparable


def comparison_key(text: str, value_type: ValueType) -> bytes | None:
    """Return the bytes that two spellings of one value of a type have in common, or None for nothing or garbage."""
    try:
        normal = normalise(text)
    except UnfitTextError:
        return None
    if normal is None:
        return None
    return _by_type(normal, value_type).encode()


def _keys_of(values: tuple[str, ...], value_type: ValueType | None, holders: int) -> tuple[bytes | None, ...]:
    """Return the keys of each holder; where it is not clear which value is whose, there are none."""
    if value_type is None or holders > MOST_HOLDERS:
        return ()
    if len(values) == 1 and value_type not in _OF_A_HOLDER:
        values *= holders
    return tuple(comparison_key(value, value_type) for value in values) if len(values) == holders else ()


def _by_type(normal: str, value_type: ValueType) -> str:
    if value_type in _NUMBERS:
        number = normal.upper().replace(DOT, "")
        return widen(number) if is_citizen_number(number) else number
    if value_type is ValueType.NAME:
        return normal.upper().replace(".", DOT)
    if value_type is ValueType.EMAIL:
        return normal.lower()
    if value_type is ValueType.PHONE:
        return _dialled(normal)
    if value_type is ValueType.DATE:
        day = parse_day(normal)
        return normal if day is None else day.isoformat()
    if value_type is ValueType.AMOUNT:
        amount = parse_amount(normal)
        return normal if amount is None else f"{amount.normalize():f}"
    return normal


def _dialled(number: str) -> str:
    digits = number.replace("-", "").replace("(", "").replace(")", "")
    for country in ("+86", "0086"):
        if digits.startswith(country):
            return digits.removeprefix(country)
    return digits
