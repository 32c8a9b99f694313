"""Names of holders: Han names with compound surnames (复姓), names of minorities and foreigners; their masks."""

import re
from typing import Final

from policies.forms.normal import DOTS, NOTHING
from policies.forms.scheme import HIDDEN, Surroundings, Value
from policies.forms.tables import COMMON_SURNAMES, COMPOUND_SURNAMES

LONGEST_HAN: Final = 20  # characters without a dot; transcribed names reach about 15
LONGEST_NAME: Final = 60  # with dots or Latin letters; a passport's machine-readable zone has 39
MOST_SHOWN: Final = 2  # a compound surname

# Unified ideographs with extensions A to G, and U+3007, which is used as a name. No private use, no compatibility
# characters, no radicals: two of those may look the same and be different.
_HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002a6df\U0002a700-\U0002ebe0\U00030000-\U0003134a"
_LATIN: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_IS_HAN: Final = re.compile(f"[{_HAN}]{{2,{LONGEST_HAN}}}").fullmatch
# What is written where a name belongs and looks like one.
_NO_NAMES: Final = NOTHING | {"已注销", "已吊销", "已撤销", "注销", "吊销", "已故", "已死亡", "本人", "同上", "保密"}
_DOT: Final = "[" + "".join(sorted(DOTS)) + ".\uff0e]"
_IS_PARTS: Final = re.compile(f"[{_HAN}]+(?:{_DOT}[{_HAN}]+)+").fullmatch
_IS_LATIN_PARTS: Final = re.compile(f"[{_LATIN}][{_LATIN}' -]*(?:{_DOT} ?[{_LATIN}][{_LATIN}' -]*)+\\.?").fullmatch
_IS_LATIN: Final = re.compile(f"[{_LATIN}][{_LATIN}',-]*(?: [{_LATIN}',-]+)*").fullmatch


def mask_name(value: Value, _around: Surroundings) -> object:
    """Show the surname and at most two stars; of a name in parts, the first character.

    A name of one character would be shown whole, and is hidden. A name that is only a compound surname shows one
    character. Names of organisations pass as Han names; those that are longer than any name are hidden.
    """
    if not isinstance(value, str):
        return HIDDEN
    if _IS_HAN(value):
        if value in _NO_NAMES:
            return HIDDEN
        if len(value) == 2:  # noqa: PLR2004 -- surname and one character
            return value[0] + "*"
        surname = value[:2]
        if surname not in COMPOUND_SURNAMES:
            return value[0] + "**"
        return surname + ("*" if len(value) == 3 else "**")  # noqa: PLR2004 -- one character is left
    return _mask_foreign(value)


def mask_rare_name(value: Value, around: Surroundings) -> object:
    """Mask like `mask_name`, but show nothing where the surname alone would tell who it is."""
    if not isinstance(value, str) or not _IS_HAN(value):
        return "**" if isinstance(value, str) and _mask_foreign(value) != HIDDEN else HIDDEN
    if value[0] in COMMON_SURNAMES and value[:2] not in COMPOUND_SURNAMES:
        return mask_name(value, around)
    return HIDDEN if value in _NO_NAMES else "**"


def _mask_foreign(value: str) -> str:
    if len(value) > LONGEST_NAME:
        return HIDDEN
    if _IS_PARTS(value) or _IS_LATIN_PARTS(value):
        return value[0] + "**\u00b7"
    if len(value) > 1 and _IS_LATIN(value):
        return value[0] + "**"
    return HIDDEN
