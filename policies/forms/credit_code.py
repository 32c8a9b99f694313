"""Unified social credit codes (统一社会信用代码, GB 32100); their mask.

The code of an organisation is public; that of a sole trader (个体工商户) is treated as a person's. The older taxpayer's
number of a sole trader is a citizen number with characters added: as that is no credit code, it is hidden, and so is a
citizen number that happens to be a credit code.
"""

import re
from typing import Final

from policies.forms.citizen import is_citizen_number
from policies.forms.scheme import HIDDEN, Surroundings, Value

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I, O, S, V, Z
_IN_BASE_34: Final = str.maketrans(_ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTU")
_HAS_FORM: Final = re.compile(f"[{_ALPHABET}]{{2}}[0-9]{{6}}[{_ALPHABET}]{{10}}").fullmatch  # digits: the area
_SOLE_TRADER: Final = "92"  # registered by the market regulator (9), individual business (2)
_STARS: Final = "*" * 15


def is_credit_code(text: str) -> bool:
    """Say whether a text is a credit code whose check character holds.

    The weight of position i is 3 to the power i - 1, modulo 31, and 34 is 3 modulo 31: read backwards in base 34, the
    characters weigh as the standard asks.
    """
    return _HAS_FORM(text) is not None and _ALPHABET[-int(text[16::-1].translate(_IN_BASE_34), 34) % 31] == text[17]


def mask_credit_code(value: Value, _around: Surroundings) -> object:
    """Show an organisation's code whole, of a sole trader's the first two characters and the last."""
    if not isinstance(value, str) or not is_credit_code(value) or is_citizen_number(value):
        return HIDDEN
    return value[:2] + _STARS + value[17] if value.startswith(_SOLE_TRADER) else value
