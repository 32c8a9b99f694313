"""The canonical text of a value: one spelling for all that mean the same, by type; for comparisons and pseudonyms."""

import re
from collections.abc import Callable
from typing import Final

from policies.catalogue import ValueType
from policies.forms.amount import parse_amount
from policies.forms.citizen import OLD_LENGTH, is_old_number, widen
from policies.forms.day import parse_day
from policies.forms.normal import DOT, UnfitTextError, normalise
from policies.forms.scheme import Value

_DATE: Final = ValueType.DATE  # once: an enumeration is slow to look up
_BETWEEN_DIGITS: Final = str.maketrans("", "", "-()\u2010\u2011\u2012\u2013\u2014")
# With the country's code: in front of a mobile number, or of an area code without its 0. No number at home is as long.
_WITH_COUNTRY: Final = re.compile(r"(?:\+86|0086|86(?=[0-9]{10,11}\Z))(?P<rest>.*)").fullmatch
_MOBILE_OR_AREA: Final = re.compile(r"1[3-9][0-9]{9}|0.*").fullmatch


def canonical_text(value: Value, value_type: ValueType) -> str | None:
    """Return the text that two spellings of one value of a type have in common, or None for nothing or garbage.

    An old citizen number and the new one of the same person are the same.
    """
    if value_type is _DATE and (day := parse_day(value.strip() if isinstance(value, str) else value)):
        return day.isoformat()  # before white space goes: it parts the day from the time of day
    try:
        normal = normalise(value if isinstance(value, str) else value.isoformat())
    except UnfitTextError:
        return None
    return None if normal is None else _SPELL[value_type](normal)


def _spell_number(normal: str) -> str:
    if not normal.isdigit():
        normal = normal.upper().replace(DOT, "")
    return widen(normal) if len(normal) == OLD_LENGTH and is_old_number(normal) else normal


def _spell_name(normal: str) -> str:
    return normal.upper().replace(".", DOT)


def _spell_phone(normal: str) -> str:
    digits = normal.translate(_BETWEEN_DIGITS)
    abroad = _WITH_COUNTRY(digits)
    if abroad is None:
        return digits
    rest = abroad["rest"]
    return rest if _MOBILE_OR_AREA(rest) else f"0{rest}"


def _spell_card(normal: str) -> str:
    return normal.replace("-", "")


def _spell_day(normal: str) -> str:
    day = parse_day(normal)
    return normal if day is None else day.isoformat()


def _spell_amount(normal: str) -> str:
    amount = parse_amount(normal)
    return normal if amount is None else f"{amount.normalize():f}"


# Values of the types that are not named are equal when their normal spellings are.
_SPELL: Final[dict[ValueType, Callable[[str], str]]] = dict.fromkeys(ValueType, str)
_SPELL.update(
    {
        ValueType.CITIZEN_ID: _spell_number,
        ValueType.HOLDER_CODE: _spell_number,
        ValueType.CREDIT_CODE: _spell_number,
        ValueType.PASSPORT: _spell_number,
        ValueType.PLATE: _spell_number,
        ValueType.NAME: _spell_name,
        ValueType.PHONE: _spell_phone,
        ValueType.BANK_CARD: _spell_card,
        ValueType.EMAIL: str.lower,
        ValueType.DATE: _spell_day,
        ValueType.AMOUNT: _spell_amount,
    }
)
