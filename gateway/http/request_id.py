"""The id of a request: that of the sender where it says nothing of anybody, else one of ours."""

import re
from typing import Final

from gateway.randomness import take_random
from policies.forms.citizen import is_new_number, is_old_number

_SANE: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_SIGNS: Final = re.compile(r"[._~-]")
_NEW: Final = re.compile(r"(?=([0-9]{17}[0-9Xx]))")  # at every place, also inside of longer numbers
_OLD: Final = re.compile(r"(?<![0-9])[0-9]{15}(?![0-9])")  # without a check character: by itself only


def select_request_id(sent: str) -> str:
    """Return ``sent`` if it is sane and holds no citizen number, for it stands in logs; else an id of ours."""
    return sent if _SANE.fullmatch(sent) and not _names_somebody(sent) else take_random(16).hex()


def _names_somebody(text: str) -> bool:
    return any(is_new_number(found.upper()) for found in _NEW.findall(_SIGNS.sub("", text))) or any(
        is_old_number(found) for found in _OLD.findall(text)
    )
