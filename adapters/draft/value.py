"""What the values of one place look like: forms of dates, words for "no end", codes, numbers, whole files."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from adapters.codes.area import parse_area_code
from adapters.codes.code import CodeFlag
from adapters.codes.credit import CREDIT_LENGTH, ORGANISATION_LENGTH, credit_code_fault, organisation_code_fault
from adapters.codes.holder_types import CITIZEN_ID, CREDIT_CODE, shipped_holder_types, shown_holder_type
from adapters.identifier import ROOT as IDENTIFIER_ROOT
from adapters.mapping.codecs.days import date_codec

MAX_CODES: Final = 40  # different short values that may still be the codes of one list; status lists met have eight
MAX_CODE_LENGTH: Final = 16  # characters of one such code: SUCCESS, ISSUED, 01, -901, 注销
_FILE_LENGTH: Final = 400  # characters of base64: the smallest licence has 30 kB, the longest number a hundred

# In this order; the first forms that together read every value are proposed, so that rarer ones stand behind.
_DATE_FORMS: Final = (
    "yyyy-MM-dd",
    "yyyyMMdd",
    "yyyy年MM月dd日",
    "yyyy年M月d日",
    "yyyy/MM/dd",
    "yyyy.MM.dd",
    "yyyy-M-d",
    "yyyy/M/d",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-ddTHH:mm:ss",
    "yyyy-MM-ddTHH:mm:ss+08:00",
    "yyyy-MM-ddTHH:mm:ss.SSS+08:00",
    "yyyy-MM-ddTHH:mm:ssZ",
    "yyyy-MM-ddTHH:mm:ss.SSSZ",
    "yyyy/MM/dd HH:mm:ss",
    "yyyyMMddHHmmss",
    "epoch-ms",
    "epoch-s",
)
# Days of licences; without the bounds any number of 8, 10 or 13 digits would be one.
_FIRST_DAY: Final = date(1900, 1, 1)
_LAST_DAY: Final = date(2200, 1, 1)
_EPOCH_DIGITS: Final = {"epoch-ms": range(12, 14), "epoch-s": range(9, 11)}

_LONG_TERM: Final = re.compile(
    r"长期(?:有效)?|永久(?:有效)?|无固定期限"
    r"|(?:9999|2099|2999)(?:-12-31|/12/31|\.12\.31|1231|年12月31日)(?:[ T]?[0-9]{2}:?[0-9]{2}:?[0-9]{2})?"
)
_NULLS: Final = frozenset({"null", "NULL", "Null"})
_DASHES: Final = frozenset({"-", "--", "/", "无", "——", "N/A"})
_WIDE: Final = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")  # full-width digits and letters, no signs
_CODE: Final = re.compile(r"(?![^0-9]*(?:[0-9][^0-9]*){7})[A-Za-z0-9_.\-\u3400-\u9fff]+")  # more digits are a number
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_FILE_STARTS: Final = ("UEsDB", "JVBER", "/9j/", "iVBOR")  # in base64: ZIP (an OFD is one), PDF, JPEG, PNG
_LINK: Final = re.compile(r"https?://", re.IGNORECASE)
_TYPE_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_SEPARATORS: Final = ("、", ",", "，", ";", "；", "|")

_DATE_PARSERS: Final = {form: date_codec(form).parse for form in _DATE_FORMS}


class Kind(StrEnum):
    """What all values of a place are, as far as their characters tell; None where they are texts like any other."""

    DATE = "date"
    IDENTIFIER = "identifier"
    TYPE_CODE = "type-code"
    CITIZEN_ID = "citizen-id"
    CREDIT_CODE = "credit-code"
    HOLDER_CODE = "holder-code"  # citizen IDs and credit codes in turn
    ORGANISATION_CODE = "organisation-code"
    AREA_CODE = "area-code"
    LINK = "link"
    FILE = "file"
    CODE = "code"  # a few short values that come again


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What was found out about the values of one place; texts of the samples are here only as codes and as spellings.

    ``nulls`` is whether the text "null" occurs; ``empties`` are words for "nothing", such as a dash; ``long_terms``
    words for "no end", most frequent first. ``numbers`` and ``flags`` say that values are JSON numbers, or true and
    false. ``codes`` are the different values of a place with few short ones, most frequent first.
    """

    kind: Kind | None
    date_forms: tuple[str, ...] = ()
    long_terms: tuple[str, ...] = ()
    nulls: bool = False
    empties: tuple[str, ...] = ()
    padded: bool = False  # white space at the ends
    wide: bool = False  # full-width digits or letters
    numbers: bool = False
    fractions: bool = False
    flags: bool = False
    codes: tuple[str, ...] = ()
    separator: str = ""  # between several values in one text
    area_length: int = 0  # digits of area codes, where all have the same number
    holder_system: str = ""  # whose types of holder codes the codes are; "gb" for those of GB/T 36903
    is_empty: bool = False  # nothing but nulls and empty texts


def begins_as_file(text: str) -> bool:
    """Say whether base64 begins as files of licences do; what does not may as well be encrypted."""
    return text.startswith(_FILE_STARTS)


def find_traits(values: Sequence[object]) -> Traits:
    """Return what the values of one place have in common."""
    texts = [value for value in values if isinstance(value, str)]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    flags = any(isinstance(value, bool) for value in values)
    plain = [text.strip() for text in texts]
    long_terms = _by_frequency(text for text in plain if _LONG_TERM.fullmatch(text))
    empties = _by_frequency(text for text in plain if text in _DASHES)
    special = {*long_terms, *empties, *_NULLS, ""}
    said = [text for text in plain if text not in special] + [str(number) for number in numbers]
    # Twelve digits may be milliseconds of the 1980s too; an area has a province, and no gap between its levels.
    forms = () if said and all(map(_is_area, said)) else _date_forms(said)
    kind = Kind.DATE if forms else _kind(said)
    separator = "" if kind is not None else _separator(said)
    codes = _codes(said)
    lengths = {len(text) for text in said}
    return Traits(
        kind=Kind.CODE if kind is None and codes and "".join(codes).isascii() else kind,
        date_forms=forms,
        long_terms=long_terms if forms or not said else (),
        nulls=any(text in _NULLS for text in plain),
        empties=empties,
        padded=any(text != stripped for text, stripped in zip(texts, plain, strict=True)),
        wide=any(_WIDE.search(text) for text in said),
        numbers=bool(numbers),
        fractions=any(isinstance(number, float) for number in numbers),
        flags=flags,
        codes=codes,
        separator=separator,
        area_length=lengths.pop() if kind is Kind.AREA_CODE and len(lengths) == 1 else 0,
        holder_system=_holder_system(codes),
        is_empty=not said and not long_terms and not flags,
    )


def _by_frequency(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text, _ in Counter(texts).most_common())


def _date_forms(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the forms that read every text between them, each needed for one that those before it do not read."""
    left = list(dict.fromkeys(texts))
    found = []
    for form in _DATE_FORMS:
        rest = [text for text in left if not _is_day(text, form)]
        if len(rest) < len(left):
            found.append(form)
            left = rest
    return () if left else tuple(found)


def _is_day(text: str, form: str) -> bool:
    digits = _EPOCH_DIGITS.get(form)
    if digits is not None and len(text) not in digits:
        return False
    try:
        day = _DATE_PARSERS[form](text)
    except ValueError:
        return False
    return bool(_FIRST_DAY <= day < _LAST_DAY)


def _is_area(text: str) -> bool:
    return len(text) in {6, 12} and not parse_area_code(text).flags - {CodeFlag.AREA_CODE_LENGTH}


_KINDS: Final[tuple[tuple[Kind, Callable[[str], bool]], ...]] = (
    (Kind.IDENTIFIER, lambda text: text.startswith(f"{IDENTIFIER_ROOT}.")),
    (
        Kind.TYPE_CODE,
        lambda text: _TYPE_CODE.fullmatch(text) is not None and credit_code_fault(text[:CREDIT_LENGTH]) is None,
    ),
    (Kind.CITIZEN_ID, lambda text: shown_holder_type(text) == CITIZEN_ID),
    (Kind.CREDIT_CODE, lambda text: shown_holder_type(text) == CREDIT_CODE),
    (Kind.HOLDER_CODE, lambda text: shown_holder_type(text) != ""),
    (
        Kind.ORGANISATION_CODE,
        lambda text: len(text) >= ORGANISATION_LENGTH and organisation_code_fault(text) is None,
    ),
    (Kind.AREA_CODE, _is_area),
    (Kind.LINK, lambda text: _LINK.match(text) is not None),
    (Kind.FILE, lambda text: len(text) >= _FILE_LENGTH and _BASE64.fullmatch(text) is not None),
)


def _kind(texts: Sequence[str]) -> Kind | None:
    """Return the first kind of which every text is one."""
    if not texts:
        return None
    return next((kind for kind, is_one in _KINDS if all(map(is_one, texts))), None)


def _codes(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the different values where all are short words of a code."""
    different = _by_frequency(texts)
    short = all(len(text) <= MAX_CODE_LENGTH and _CODE.fullmatch(text) for text in different)
    return different if short and len(different) <= MAX_CODES else ()


def _separator(texts: Sequence[str]) -> str:
    """Return what separates several values in one text; something stands on both sides of it, wherever it occurs."""
    for separator in _SEPARATORS:
        having = [text for text in texts if separator in text]
        if having and all(all(text.split(separator)) for text in having):
            return separator
    return ""


def _holder_system(codes: Sequence[str]) -> str:
    """Return the system that has all these codes for types of holder codes; "" when none has, or there are none."""
    types = shipped_holder_types()
    if not codes:
        return ""
    if all(code in types.types for code in codes):
        return "gb"
    return next((name for name, system in types.systems.items() if all(code in system.to_gb for code in codes)), "")
