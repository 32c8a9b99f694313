"""Number plates (GA 36): province, letter, five or six letters and digits; their mask."""

import re
from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

_PROVINCES: Final = "京津沪渝冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤琼川贵云陕甘青蒙桂藏宁新"
_LAST: Final = "挂学警港澳领"  # trailers, learners, police, Hong Kong, Macao, consulates
# The letters I and O are not used. 7 characters, or 8 for new-energy vehicles; the dot of a printed plate is not read.
_IS_PLATE: Final = re.compile(
    f"[{_PROVINCES}][A-HJ-NP-Z](?:[A-HJ-NP-Z0-9]{{5,6}}|[A-HJ-NP-Z0-9]{{4}}[{_LAST}])"
).fullmatch


def mask_plate(value: Value, _around: Surroundings) -> object:
    """Show province, letter and the last character; the number of stars says nothing of the length."""
    if not isinstance(value, str) or not _IS_PLATE(value):
        return HIDDEN
    return value[:2] + "****" + value[-1]
