"""Invented values with valid check characters, computed and of nobody."""

from datetime import date
from functools import cache

from policies.catalogue import ValueType
from policies.form import Form
from policies.forms.citizen import check_character
from policies.forms.registry import scheme_of
from policies.forms.scheme import Scheme, Surroundings, Value

TODAY = date(2026, 11, 22)
SURROUNDINGS = Surroundings(today=TODAY)


def citizen_number(area: str = "340104", born: str = "19880612", sequence: str = "123") -> str:
    """Return a citizen number with its check character."""
    digits = area + born + sequence
    return digits + check_character(digits)


def credit_code(first: str) -> str:
    """Return a credit code with its check character (GB 32100-2015, as the standard's table computes it)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(3**at % 31 * alphabet.index(character) for at, character in enumerate(first))
    return first + alphabet[-total % 31]


@cache
def scheme(form: str) -> Scheme:
    """Return the scheme of a form that exists."""
    found = scheme_of(Form.parse(form))
    assert found is not None
    return found


def applied(
    form: str, value: Value, around: Surroundings = SURROUNDINGS, value_type: ValueType | None = None
) -> object:
    """Return what a form makes of a value, of a type that matters for pseudonyms alone."""
    found = scheme(form)
    return found.apply_to(value_type or min(found.accepts))(value, around)
