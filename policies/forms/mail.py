"""E-mail addresses (RFC 5321, ASCII only); their mask."""

import re
from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

LONGEST_MAIL: Final = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
_LONGEST_LOCAL: Final = 64
_SHORTEST_SHOWN: Final = 3  # of a shorter local part one letter would be too much of it
_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The first kind of domain is the usual part of the second.
_IS_MAIL: Final = re.compile(
    rf"[A-Za-z0-9][A-Za-z0-9._+-]{{0,{_LONGEST_LOCAL - 1}}}@"
    rf"(?:[A-Za-z0-9]{{1,63}}\.(?:[A-Za-z0-9]{{1,63}}\.)?[A-Za-z]{{2,63}}|(?:{_LABEL}\.)+[A-Za-z]{{2,63}})"
).fullmatch


def mask_mail(value: Value, _around: Surroundings) -> object:
    """Show the first letter and the domain; of a local part with one or two letters, the domain only."""
    if not isinstance(value, str) or len(value) > LONGEST_MAIL or not _IS_MAIL(value):
        return HIDDEN
    at = value.index("@")
    first = value[0] if at >= _SHORTEST_SHOWN else ""
    return f"{first}***{value[at:]}"
