"""The one spelling of what officials and cases are called: for counting, for finding and for alarms alike.

Numbers of officials and cases are typed in by other systems, so that nobody vouches for how they are written. Whoever
writes theirs in another way must not be somebody else to a budget, to an auditor or to an alarm.
"""

import unicodedata
from typing import Final

from gateway.sources.source import key_text

_DASHES: Final = "Pd"  # the Unicode category of them; of ASCII only the hyphen
_MINUS: Final = "\u2212"
_NO_TEXT: Final = frozenset({"Cc", "Cn", "Cs"})  # control characters, and what is no character


def spell_name(name: str) -> str:
    """Return the spelling of a name in which width, case, spaces, invisible characters and kinds of dashes are one.

    "" for a text that says nothing ("-", spaces alone) and for one that is too long for a number: all of these are one.
    """
    text = name if name.isprintable() else "".join(one for one in name if unicodedata.category(one) not in _NO_TEXT)
    spelled = key_text(text)
    if not spelled.isascii():
        spelled = "".join("-" if one == _MINUS or unicodedata.category(one) == _DASHES else one for one in spelled)
    return spelled
