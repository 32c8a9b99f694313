"""The normal spelling of a text, for comparing two texts that mean the same. Never used before a signature is checked.

Widths, brackets, dots, white space and invisible characters are made one; a value that says "nothing" becomes None.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

LONGEST_TEXT: Final = 4096  # characters; a business scope is the longest field, and stays below 2,000

DOT: Final = "\u00b7"  # between the parts of a name, as GB/T 15834 prints it
# Bullet, katakana dot, hyphenation point, black circle, and the other dots that keyboards and scans put there.
DOTS: Final = frozenset("\u00b7\u2022\u30fb\u2027\u25cf\u2219\u22c5\u2e31\uff65\u0387")
# Texts that say that there is no value: these words, and strokes, stars and dots alone.
NOTHING: Final = frozenset(
    {
        "null",
        "none",
        "nil",
        "n/a",
        "无",
        "空",
        "暂无",
        "暂缺",
        "没有",
        "不详",
        "不明",
        "未知",
        "未填",
        "未填写",
        "未登记",
        "未提供",
        "不适用",
    }
)
_LONGEST_NOTHING: Final = max(map(len, NOTHING))
_FIRST_OF_NOTHING: Final = frozenset(word[0] for word in NOTHING)
_STROKES: Final = "-\u2013\u2014/*\u00d7._\u2026"
_BRACKETS: Final = {**dict.fromkeys("〔【〖［[", "("), **dict.fromkeys("〕】〗］]", ")")}
_ONE_SPELLING: Final = str.maketrans({**dict.fromkeys(DOTS, DOT), **_BRACKETS})

# Format characters (zero width, direction, soft hyphen) are category Cf; these select a glyph and are category Mn.
_SELECTORS: Final = ((0xFE00, 0xFE0F), (0x180B, 0x180F), (0xE0100, 0xE01EF))
_SPACES_INSIDE: Final = re.compile(r"\s+")
_DOT_BETWEEN_HAN: Final = re.compile(r"(?<=[\u3400-\u9fff])\.(?=[\u3400-\u9fff])")
# Five characters or more, not all of them strokes: too long to say nothing; and no x at the end.
_IS_USUAL: Final = re.compile(
    rf"[0-9A-Za-z][0-9A-Za-z.-]{{{_LONGEST_NOTHING - 1},{LONGEST_TEXT - 2}}}[0-9A-Za-wyz.-]"
).fullmatch
# Han characters of the main block, brackets and ASCII letters, too long to say nothing: a name, the number of a paper.
_IS_USUAL_HAN: Final = re.compile(
    rf"[0-9A-Za-z\u4e00-\u9fef][0-9A-Za-z\u4e00-\u9fef()（）〔〕-]{{{_LONGEST_NOTHING},{LONGEST_TEXT - 1}}}(?<!x)"
).fullmatch
_WIDE_BRACKETS: Final = str.maketrans("（）〔〕", "()()")
_NUMBER_WITH_X: Final = re.compile(r"[0-9]+x")
_ROUNDS: Final = range(8)  # two suffice for every text met; a text that still changes then is refused


class Unfit(StrEnum):
    """Why a text has no normal spelling."""

    TOO_LONG = "too-long"
    UNASSIGNED = "unassigned"  # a code point that Unicode has not assigned, or half of a pair
    CONTROL = "control"
    UNSTABLE = "unstable"  # normalising does not come to an end


class UnfitTextError(ValueError):
    """A text that cannot be compared; the message does not repeat it."""

    def __init__(self, kind: Unfit) -> None:
        """Keep the kind."""
        self.kind = kind
        super().__init__(kind.value)


def normalise(text: str) -> str | None:
    """Return the normal spelling, or None for a text that says nothing: empty, "null", "无", "不详", "-", "***".

    1. Invisible characters go, control characters and unassigned code points are refused.
    2. NFKC: full and half width, compatibility characters.
    3. Dots between names become U+00B7, brackets round ones.
    4. White space goes, but one space stays between two words of Latin letters.
    5. The x that ends a number is upper case.

    Raises:
        UnfitTextError: the text is longer than any field, or holds what no field holds.

    """
    if _IS_USUAL(text) is not None:
        return text
    if _IS_USUAL_HAN(text) is not None:
        return text.translate(_WIDE_BRACKETS)
    for _ in _ROUNDS:
        if len(text) > LONGEST_TEXT:  # again in each round: NFKC makes up to 18 characters of one (U+FDFA)
            raise UnfitTextError(Unfit.TOO_LONG)
        once = _normalise_once(text)
        if once == text:
            return None if _means_nothing(once) else once
        text = once
    raise UnfitTextError(Unfit.UNSTABLE)


def is_nothing(text: str) -> bool:
    """Say whether a text says that there is no value; one that cannot be read is not nothing."""
    if "0" <= text < ":" or ("\u4e00" <= text < "\ua000" and text[0] not in _FIRST_OF_NOTHING):
        return False  # nearly always: a digit or a Han character with which no such text begins
    if len(text) > _LONGEST_NOTHING and text[0].isalnum() and text.isascii() and text.isprintable() and " " not in text:
        return False
    try:
        return normalise(text) is None
    except UnfitTextError:
        return False


def _means_nothing(text: str) -> bool:
    return (len(text) <= _LONGEST_NOTHING and text.lower() in NOTHING) or not text.strip(_STROKES)


def _normalise_once(text: str) -> str:
    if text.isalnum() and (text.isascii() or unicodedata.is_normalized("NFKC", text)):
        pass  # the usual value: letters, Han and digits alone, all assigned and visible
    elif not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFKC", "".join(map(_visible, text))).translate(_ONE_SPELLING)
        text = _DOT_BETWEEN_HAN.sub(DOT, text)
    elif "[" in text or "]" in text:  # all that the table has of ASCII
        text = text.translate(_ONE_SPELLING)
    if " " in text:
        text = _join_words(text)
    return text.upper() if text.endswith("x") and _NUMBER_WITH_X.fullmatch(text) else text


@lru_cache(maxsize=8192)  # characters, of which a province's licences have some 5,000
def _visible(character: str) -> str:
    """Return the character, a space for white space, or nothing for one that is invisible."""
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in {"Cn", "Cs"}:
        raise UnfitTextError(Unfit.UNASSIGNED)
    if category == "Cc":
        raise UnfitTextError(Unfit.CONTROL)
    if category == "Cf" or any(first <= ord(character) <= last for first, last in _SELECTORS):
        return ""
    return character


def _join_words(text: str) -> str:
    words = [word for word in _SPACES_INSIDE.split(text) if word]
    joined = words[:1]
    for before, word in pairwise(words):
        if _is_latin(before[-1]) and _is_latin(word[0]):
            joined.append(" ")
        joined.append(word)
    return "".join(joined)


def _is_latin(character: str) -> bool:
    return character.isalpha() and ord(character) < 0x250  # noqa: PLR2004 -- end of Latin Extended-B
