"""Numbers of holders that a system or a register masks: whose they may be, which proves nothing."""

import re
from collections.abc import Iterable
from typing import Final

from gateway.surface import MASKS

_MASKED: Final = re.compile(f"[{re.escape(''.join(sorted(MASKS)))}]+")
_WIDE: Final = 18  # characters of a citizen number since 1999; before that it had neither century nor check character
_CENTURY: Final = "19"


def is_masked(code: str) -> bool:
    """Say whether a part of a number is hidden."""
    return not MASKS.isdisjoint(code)


def may_be(holder: str, stated: Iterable[str]) -> bool:
    """Say whether somebody may be among the holders of whom these numbers are stated; without any, he may be.

    All are in their normal spelling. A run of mask characters stands for any characters, for systems do not keep to
    their number.
    """
    codes = tuple(stated)
    spellings = {holder, _narrow(holder)}
    return not codes or any(_fits(one, code) for one in spellings for code in codes)


def _narrow(holder: str) -> str:
    """Return the old form of a citizen number that had one, and may be masked in it; else the number as it is."""
    return holder[:6] + holder[8:-1] if len(holder) == _WIDE and holder[6:8] == _CENTURY else holder


def _fits(holder: str, code: str) -> bool:
    first, *rest = _MASKED.split(code)
    if not rest:
        return holder == code
    *middle, last = rest
    at, end = len(first), len(holder) - len(last)
    if at > end or not (holder.startswith(first) and holder.endswith(last)):
        return False
    for piece in middle:
        at = holder.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
