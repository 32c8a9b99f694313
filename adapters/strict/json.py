"""JSON (RFC 8259), read without the ambiguities that two readers may resolve differently (RFC 7493, I-JSON)."""

import json
import math
import re
from typing import Any, Final, NoReturn

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_JSON, MAX_JSON_DEPTH, MAX_JSON_INTEGER_DIGITS

# Possessive, and the closing quote optional, so that every string is passed over once, also a broken one.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(data: bytes, *, limit: int = MAX_JSON, max_depth: int = MAX_JSON_DEPTH) -> object:
    """Read one JSON text in UTF-8 without a byte order mark; ``limit`` is in bytes.

    Refused beyond what Python's reader refuses: the same key twice in one object, NaN and infinities, numbers that do
    not fit (integers of more than 19 digits, floats beyond the range), half surrogate pairs, deep nesting.

    Raises:
        MalformedDocumentError: ``JSON``, or ``TOO_LARGE``; the text never appears in it.
    """
    if len(data) > limit:
        raise MalformedDocumentError(Malformed.TOO_LARGE, f"JSON of {len(data)} bytes, at most {limit} are read")
    if data.count(b"[") + data.count(b"{") > max_depth:  # fewer cannot nest deeper, wherever they stand
        _check_nesting(data, max_depth)
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text)
        if _SURROGATE_ESCAPE.search(data):
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8 form
    except json.JSONDecodeError as error:
        # Not chained: the exception carries the whole text, which may hold personal data.
        raise MalformedDocumentError(Malformed.JSON, f"character {error.pos}") from None
    except UnicodeError:
        raise MalformedDocumentError(Malformed.JSON, "not UTF-8") from None  # the same
    return value


def _check_nesting(data: bytes, max_depth: int) -> None:
    """Refuse deep nesting before the recursive reader sees it.

    With strings and everything else taken out, each round removes the innermost brackets: text nested n deep is empty
    after n rounds. Brackets that do not pair never vanish, which is no JSON either.
    """
    brackets = _STRING.sub(b"", data).translate(None, _ALL_BUT_BRACKETS)
    for _ in range(max_depth):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if brackets:
        raise MalformedDocumentError(Malformed.JSON, f"nested more than {max_depth} deep, or brackets do not pair")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedDocumentError(Malformed.JSON, "a key stands twice in one object")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedDocumentError(Malformed.JSON, "NaN or infinity")


def _bounded_integer(text: str) -> int:
    if len(text.lstrip("-")) > MAX_JSON_INTEGER_DIGITS:
        raise MalformedDocumentError(Malformed.JSON, f"an integer of more than {MAX_JSON_INTEGER_DIGITS} digits")
    return int(text)


def _finite_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise MalformedDocumentError(Malformed.JSON, "a number beyond the range")
    return value


# Made once: json.loads makes a decoder for each call, which takes as long as reading a small text.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique_keys,
    parse_constant=_refuse_constant,
    parse_int=_bounded_integer,
    parse_float=_finite_float,
)
