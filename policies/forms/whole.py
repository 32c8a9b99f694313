"""The forms without a scheme: the value itself, whether there is one, and nothing."""

from policies.forms.normal import is_nothing
from policies.forms.scheme import Surroundings, Value


def plain(value: Value, _around: Surroundings) -> object:
    """Return the value."""
    return value


def exists(value: Value, _around: Surroundings) -> object:
    """Say whether the field has a value; an empty text, "null", "无", "不详", "-" and the like are none."""
    return not isinstance(value, str) or not is_nothing(value)


def withheld(_value: Value, _around: Surroundings) -> object:
    """Return nothing."""
    return None
