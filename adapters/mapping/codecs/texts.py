"""Codecs of texts: white space, letters, width, prefixes, numbers, flags, base64, area codes, and special words."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from adapters.mapping.codecs.codec import Codec, LongTerm, MalformedCodecError, Sort, same
from adapters.mapping.codecs.days import ALTERNATIVE
from adapters.mapping.fault import Words
from adapters.strict.xml import WHITE_SPACE

Change = Callable[[str], str]

_DECIMAL: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_FRACTION: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,14})?")
_NO_NUMBER: Final = "-0"  # of a binary fraction alone: whoever writes it as a whole number writes 0
_MOST_DIGITS: Final = 15  # that a binary fraction keeps
_MAX_INTEGER: Final = 2**63 - 1
_AREA: Final = re.compile("[0-9]{6}")
_LONG_AREA: Final = re.compile("[0-9]{12}")
_SHORT_AREA: Final = re.compile("(?:[0-9]{2}){1,3}|[0-9]{9}|[0-9]{11,12}")
_REST_OF_AREA: Final = "000000"
_NULLS: Final = ("null", "NULL", "Null")

# The full-width forms of the printable ASCII characters (U+FF01 to U+FF5E), and the ideographic space.
_TO_HALF: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_TO_FULL: Final = {half: full for full, half in _TO_HALF.items()}
_FULL: Final = frozenset(map(chr, _TO_HALF))

_WIDTH_LOST: Final = Words("全角或半角", "whether characters were full or half width")
_REST_LOST: Final = Words("乡镇与村的代码", "the codes of town and village")
_WHICH_LOST: Final = Words("原用哪种写法", "which of the spellings it had")


def text_codec(argument: str) -> Codec:
    """Return the codec that changes nothing."""
    _no_argument("text", argument)
    return _between_texts("text", same, same)


def trim_codec(argument: str) -> Codec:
    """Return the codec that takes white space away from both ends; the domain are texts without it."""
    _no_argument("trim", argument)

    def render(text: str) -> str:
        return _only(text, text.strip(WHITE_SPACE) == text)

    return _between_texts(
        "trim",
        lambda text: text.strip(WHITE_SPACE),
        render,
        Words("首尾空白", "white space at both ends"),
        is_normal=True,
    )


def upper_codec(argument: str) -> Codec:
    """Return the codec that writes ASCII letters as capitals; the domain are texts without small ones."""
    _no_argument("upper", argument)
    return _between_texts(
        "upper",
        _capitals,
        lambda text: _only(text, _capitals(text) == text),
        Words("字母大小写", "capital or small letters"),
        is_normal=True,
    )


def width_codec(argument: str) -> Codec:
    """Return the codec for systems that write ASCII characters half or full width; the neutral side is half width."""
    if argument not in {"half", "full"}:
        raise MalformedCodecError(Words("width:half 或 width:full", "width:half or width:full"))

    def render(text: str) -> str:
        _only(text, _FULL.isdisjoint(text))
        return text.translate(_TO_FULL) if argument == "full" else text

    return _between_texts(
        f"width:{argument}", lambda text: text.translate(_TO_HALF), render, _WIDTH_LOST, is_normal=True
    )


def prefix_codec(argument: str) -> Codec:
    """Return the codec of a prefix that the system writes and the record does not have."""
    _needs_argument("prefix", argument)

    def parse(text: str) -> str:
        return _only(text.removeprefix(argument), text.startswith(argument) and text != argument)

    return _between_texts(f"prefix:{argument}", parse, lambda text: argument + text)


def suffix_codec(argument: str) -> Codec:
    """Return the codec of a suffix that the system writes and the record does not have."""
    _needs_argument("suffix", argument)

    def parse(text: str) -> str:
        return _only(text.removesuffix(argument), text.endswith(argument) and text != argument)

    return _between_texts(f"suffix:{argument}", parse, lambda text: text + argument)


def area_codec(argument: str) -> Codec:
    """Return the codec of area codes: six digits (GB/T 2260) in the record, six or twelve in the system.

    ``area:2-12`` is for systems that leave zeros at the end away as they like: 2, 4, 6, 9, 11 or 12 digits are read.
    """
    if argument == "6":
        return _between_texts("area:6", _area, _area)
    if argument == "2-12":
        return _between_texts("area:2-12", _padded_area, lambda text: _area(text) + _REST_OF_AREA, _REST_LOST)
    if argument != "12":
        raise MalformedCodecError(Words("area:6、area:12 或 area:2-12", "area:6, area:12 or area:2-12"))

    def parse(text: str) -> str:
        return _only(text[:6], _LONG_AREA.fullmatch(text) is not None)

    return _between_texts(
        "area:12",
        parse,
        lambda text: _area(text) + _REST_OF_AREA,
        _REST_LOST,
    )


def number_text_codec(argument: str) -> Codec:
    """Return the codec of a whole number (JSON) that the record has as text; 64 bits."""
    _no_argument("number-text", argument)

    def render(text: str) -> int:
        if not _DECIMAL.fullmatch(text):
            raise ValueError
        return _whole(int(text))

    return Codec(
        name="number-text",
        foreign=Sort.NUMBER,
        neutral=Sort.TEXT,
        parse=lambda number: str(_whole(number)),
        render=render,
    )


def decimal_text_codec(argument: str) -> Codec:
    """Return the codec of a number with a fraction (JSON) that the record has as text, of at most 15 digits."""
    _no_argument("decimal-text", argument)

    def parse(number: float) -> str:
        text = repr(number).removesuffix(".0")
        if text == _NO_NUMBER or not _FRACTION.fullmatch(text) or sum(one.isdigit() for one in text) > _MOST_DIGITS:
            raise ValueError
        return text

    def render(text: str) -> float:
        if not _FRACTION.fullmatch(text):
            raise ValueError
        number = float(text) if "." in text else int(text)
        if parse(number) != text:  # a zero at the end
            raise ValueError
        return number

    return Codec(
        name="decimal-text",
        foreign=Sort.NUMBER,
        neutral=Sort.TEXT,
        parse=parse,
        render=render,
        loses=Words("末尾的零", "zeros at the end"),
    )


def boolean_codec(argument: str) -> Codec:
    """Return the codec of true and false as JSON has them."""
    _no_argument("boolean", argument)
    return Codec(name="boolean", foreign=Sort.FLAG, neutral=Sort.FLAG, parse=same, render=same)


def flag_codec(argument: str) -> Codec:
    """Return the codec of yes and no as two words: ``flag:1|0``."""
    yes, _, no = argument.partition(ALTERNATIVE)
    if not yes or not no or yes == no or ALTERNATIVE in no:
        raise MalformedCodecError(Words("flag:是|否 形式的两个不同的词", "two different words, such as flag:1|0"))
    meanings = {yes: True, no: False}

    def parse(text: str) -> bool:
        if text not in meanings:
            raise ValueError
        return meanings[text]

    return Codec(
        name=f"flag:{argument}",
        foreign=Sort.TEXT,
        neutral=Sort.FLAG,
        parse=parse,
        render=lambda value: yes if value else no,
    )


def base64_codec(argument: str) -> Codec:
    """Return the codec of bytes as base64 (RFC 4648 section 4) in its one canonical spelling."""
    _no_argument("base64", argument)
    return Codec(name="base64", foreign=Sort.TEXT, neutral=Sort.BYTES, parse=_decode, render=_encode)


def base64_text_codec(argument: str) -> Codec:
    """Return the codec of a text as the base64 of its UTF-8."""
    _no_argument("base64-text", argument)
    return _between_texts(
        "base64-text", lambda text: _decode(text).decode("utf-8"), lambda text: _encode(text.encode("utf-8"))
    )


def long_term_codec(argument: str) -> Codec:
    """Return the codec of the words that say "no end"; the first one is written. ``long-term:`` is the empty text."""
    words = argument.split(ALTERNATIVE)
    return Codec(
        name=f"long-term:{argument}",
        foreign=Sort.TEXT,
        neutral=Sort.TEXT,
        parse=same,
        render=same,
        words=dict.fromkeys(words, LongTerm.LONG_TERM),
        written={LongTerm.LONG_TERM: words[0]},
        loses=_WHICH_LOST if len(words) > 1 else None,
    )


def null_codec(argument: str) -> Codec:
    """Return the codec of a word that means "nothing is said", and is written for it: ``null:-``."""
    _needs_argument("null", argument)
    words = argument.split(ALTERNATIVE)
    return Codec(
        name=f"null:{argument}",
        foreign=Sort.TEXT,
        neutral=Sort.TEXT,
        parse=same,
        render=same,
        words=dict.fromkeys(words),
        written={None: words[0]},
        loses=_WHICH_LOST if len(words) > 1 else None,
    )


def null_string_codec(argument: str) -> Codec:
    """Return the codec of systems that send the text "null" by mistake; it is read as nothing, and never written."""
    _no_argument("null-string", argument)
    return Codec(
        name="null-string",
        foreign=Sort.TEXT,
        neutral=Sort.TEXT,
        parse=same,
        render=same,
        words=dict.fromkeys(_NULLS),
        loses=Words("“null” 字样，读作未填写", 'the text "null", which reads as nothing'),
    )


def _between_texts(
    name: str, parse: Change, render: Change, loses: Words | None = None, *, is_normal: bool = False
) -> Codec:
    return Codec(
        name=name,
        foreign=Sort.TEXT,
        neutral=Sort.TEXT,
        parse=parse,
        render=render,
        loses=loses,
        is_normal=is_normal,
    )


def _no_argument(name: str, argument: str) -> None:
    if argument:
        raise MalformedCodecError(Words(f"不带参数的 {name}", f"{name} without an argument"))


def _needs_argument(name: str, argument: str) -> None:
    if not argument:
        raise MalformedCodecError(Words(f"{name}:文本", f"{name}:TEXT"))


def _only(text: str, is_inside: bool) -> str:  # noqa: FBT001 -- reads as the condition it is
    """Return the text when it is inside the domain, else raise ValueError."""
    if not is_inside:
        raise ValueError
    return text


def _capitals(text: str) -> str:
    return "".join(one.upper() if one.isascii() else one for one in text)


def _area(text: str) -> str:
    return _only(text, _AREA.fullmatch(text) is not None)


def _padded_area(text: str) -> str:
    return _only(text, _SHORT_AREA.fullmatch(text) is not None).ljust(12, "0")[:6]


def _whole(number: float) -> int:
    if type(number) is not int or abs(number) > _MAX_INTEGER:
        raise ValueError
    return number


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None
    if _encode(data) != text:  # bits in the last character that say nothing
        raise ValueError
    return data


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
