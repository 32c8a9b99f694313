"""The id of a request: that of the sender where it says nothing of anybody, else one of ours."""

import re
from typing import Final

from gateway.randomness import take_random
from policies.forms.citizen import is_new_number, is_old_number

_SANE: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_SIGNS: Final = re.compile(r"[._~-]")
_NEW: Final = re.compile(r"(?=([0-9]{17}[0-9Xx]))")  # at every place, also inside of longer numbers
# One without its end, for 17 digits tell the last character, and after the last sign the number of a line may follow.
# It has a province, so that moments, which begin with a year, are none.
_CUT: Final = re.compile(
    "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|8[1-3]|9[0-9])[0-9]{4}"
    "(?:1[89]|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    "(?:[0-9]{3}(?![0-9Xx])|[0-9]{0,2}$)"
)
_OLD: Final = re.compile(r"(?<![0-9])[0-9]{15}(?![0-9])")  # without a check character: by itself only


def select_request_id(sent: str) -> str:
    """Return ``sent`` if it is sane and holds no citizen number, for it stands in logs; else an id of ours."""
    return sent if _SANE.fullmatch(sent) and not names_somebody(sent) else take_random(16).hex()


def names_somebody(text: str) -> bool:
    """Say whether a text that is to stand in logs holds a citizen number, or one that only lacks its end."""
    signs = _SIGNS.sub("", text)
    return (
        any(is_new_number(found.upper()) for found in _NEW.findall(signs))
        or any(is_old_number(found) for found in _OLD.findall(text))
        or _CUT.search(signs) is not None
    )
