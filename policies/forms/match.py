"""The comparison of what a caller says with what a licence says: one bit for everything that was asked together."""

import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from policies.catalogue import ValueType
from policies.forms.canonical import canonical_text

MOST_HOLDERS: Final = 64  # of one licence; a real-estate certificate with more is not compared

_NO_VALUE: Final = b"\0"  # equals no canonical text: control characters are refused
# Types that say who a holder is: each holder has a value of his own, and values are never borrowed from another.
_OF_A_HOLDER: Final = frozenset(
    {ValueType.NAME, ValueType.CITIZEN_ID, ValueType.HOLDER_CODE, ValueType.CREDIT_CODE, ValueType.PASSPORT}
)
# Invented: read in place of values that there are not, and then dropped.
_STAND_IN: Final = "某某某"
_STAND_INS: Final[Mapping[ValueType, str]] = MappingProxyType(
    {
        ValueType.CITIZEN_ID: "340104199001011233",
        ValueType.HOLDER_CODE: "340104199001011233",
        ValueType.CREDIT_CODE: "91340100MA2XXXXXX0",
        ValueType.PASSPORT: "E00000000",
        ValueType.PHONE: "13800000000",
        ValueType.BANK_CARD: "6200000000000005",
        ValueType.DATE: "2020-01-01",
        ValueType.AMOUNT: "100",
    }
)


def matches(asked: Mapping[str, str], known: Mapping[str, tuple[str, ...]], types: Mapping[str, ValueType]) -> bool:
    """Say whether everything that was asked is true of one holder of the licence.

    ``asked`` and ``types`` are by field; ``known`` holds for each field the values of the holders in their order, or
    the one value of the licence. Nothing asked is no match, and a value that says nothing matches nothing, not even
    nothing. An old citizen number and the new one of the same person are equal.

    Every field is compared for every holder, also after a miss. Where the licence has no values, or is none at all
    (``known`` is empty), as many invented ones are read and compared, so that neither the answer nor the work says
    which element failed. A licence of several holders takes longer than one of a single holder.
    """
    holders = max((len(known.get(field, ())) for field in asked), default=0)
    comparable = bool(asked) and 1 <= holders <= MOST_HOLDERS
    compared = min(max(holders, 1), MOST_HOLDERS)
    questions = [
        (
            comparison_key(text, types[field]) if field in types else None,
            _keys_of(known.get(field, ()), types.get(field), compared),
        )
        for field, text in asked.items()
    ]
    found = False
    for holder in range(compared):
        same = True
        for question, answers in questions:
            answer = answers[holder]
            equal = hmac.compare_digest(question or _NO_VALUE, answer or _NO_VALUE)
            same &= equal and question is not None and answer is not None
        found |= same
    return found and comparable


def comparison_key(text: str, value_type: ValueType) -> bytes | None:
    """Return the bytes that two spellings of one value of a type have in common, or None for nothing or garbage."""
    canonical = canonical_text(text, value_type)
    return None if canonical is None else canonical.encode()


def _keys_of(values: tuple[str, ...], value_type: ValueType | None, holders: int) -> tuple[bytes | None, ...]:
    """Return the keys of each holder; where it is not clear which value is whose, there are none."""
    if value_type is None:
        return (None,) * holders
    if len(values) == 1 and value_type not in _OF_A_HOLDER:
        values *= holders
    if len(values) == holders:
        return tuple(comparison_key(value, value_type) for value in values)
    stand_in = _STAND_INS.get(value_type, _STAND_IN)
    for _ in range(holders):
        comparison_key(stand_in, value_type)
    return (None,) * holders
