"""The metadata of GB/T 36903, from tags and texts to a licence; wherever in a file or an answer they were found."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import zip_longest
from typing import Final

from adapters.china_time import CHINA_STANDARD_TIME
from adapters.errors import Malformed, MalformedDocumentError
from adapters.identifier import LicenceIdentifier, parse_identifier
from adapters.licence import AnnotatedCopy, Holder, Licence, LicenceFlag
from adapters.strict.bounds import MAX_HOLDERS, MAX_LICENCE_ELEMENTS, MAX_LICENCE_NAME, MAX_LICENCE_TEXT
from adapters.strict.xml import WHITE_SPACE

EXTENSION_PREFIX: Final = "KZ_"  # 扩展字段: surface fields of one licence type

# Validity and copies come with two endings, …RQ (date) and …SJ (time), depending on the producer.
_VALID_FROM: Final = ("ZZYXQQSRQ", "ZZYXQQSSJ")
_VALID_TO: Final = ("ZZYXQJZRQ", "ZZYXQJZSJ")
_ISSUED_ON: Final = ("ZZBFRQ", "ZZBFSJ")
_COPY_MADE_AT: Final = ("JZJZZSJ", "JZJZZRQ")
_COPY_MADE_BY: Final = ("JZJZZZ",)
_COPY_REASON: Final = ("JZJZZSY",)
_COPY_VALID_UNTIL: Final = ("JZJYXQJZSJ", "JZJYXQJZRQ")
_COPY: Final = (*_COPY_MADE_AT, *_COPY_MADE_BY, *_COPY_REASON, *_COPY_VALID_UNTIL)

_DATES: Final = frozenset((*_VALID_FROM, *_VALID_TO, *_ISSUED_ON, "JZJYXQJZRQ"))

# One of these makes a set of elements a licence; extension fields or marks of the producing program alone do not.
TAGS: Final = frozenset(
    {
        "ZZMC",
        "ZZLXDM",
        "ZZBH",
        "ZZBS",
        "ZZBFJG",
        "ZZBFJGDM",
        "CZZT",
        "CZZTDM",
        "CZZTDMLX",
        "CZZTDMLXDM",
        "ZZQZR",
        "ZZQZSJ",
        "ZZQZMC",
        *_ISSUED_ON,
        *_VALID_FROM,
        *_VALID_TO,
        *_COPY,
    }
)

_LONG_TERM_WORD: Final = "长期"
_LONG_TERM_DATES: Final = frozenset({date(9999, 12, 31), date(2099, 12, 31)})
_SEPARATORS: Final = re.compile("[、,;，；]")

_TIME: Final = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]{1,9})?)?"
    r"\s*(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DATE_FORMS: Final = (
    re.compile(rf"(?P<year>[0-9]{{4}})([-/])(?P<month>[0-9]{{1,2}})\2(?P<day>[0-9]{{1,2}})(?:[T\s]\s*{_TIME})?"),
    re.compile(rf"(?P<year>[0-9]{{4}})年(?P<month>[0-9]{{1,2}})月(?P<day>[0-9]{{1,2}})日(?:\s*{_TIME})?"),
    re.compile(
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
        r"(?:(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2}))?(?P<zone>(?!))?"  # the zone never matches
    ),
)


def is_tag(name: str) -> bool:
    """Whether a name belongs to the metadata: a tag of GB/T 36903 or an extension field."""
    return name in TAGS or name.startswith(EXTENSION_PREFIX)


def is_licence_metadata(elements: Mapping[str, str]) -> bool:
    """Whether these elements describe a licence: at least one is a tag of GB/T 36903, and no mere extension field."""
    return not TAGS.isdisjoint(elements)


def is_same_statement(tag: str, first: str, second: str) -> bool:
    """Whether two texts under one tag say the same: equal, or two spellings of one day where the tag is a date."""
    return first == second or (tag in _DATES and _meaning(first) == _meaning(second))


def parse_licence(elements: Mapping[str, str]) -> Licence:
    """Read the elements of one licence; what cannot be read becomes a flag, what is missing stays empty.

    ``elements`` is kept as it came, with names that are no tag of ours.

    Raises:
        MalformedDocumentError: TOO_LARGE, when there are too many elements, or one is too long; STRUCTURE, when two
            tags for one date name different days.

    """
    _check_bounds(elements)
    flags: set[LicenceFlag] = set()
    valid_to_text = _first(elements, _VALID_TO)
    long_term = _is_long_term(valid_to_text)
    return Licence(
        name=_text(elements, "ZZMC"),
        number=_text(elements, "ZZBH"),
        type_code=_text(elements, "ZZLXDM"),
        identifier=_read_identifier(_text(elements, "ZZBS"), flags),
        issuer=_text(elements, "ZZBFJG"),
        issuer_code=_text(elements, "ZZBFJGDM"),
        issued_on=_read_date(_first(elements, _ISSUED_ON), flags),
        holders=_read_holders(elements, flags),
        valid_from=_read_date(_first(elements, _VALID_FROM), flags),
        valid_to=None if long_term else _read_date(valid_to_text, flags),
        long_term=long_term,
        copy=_read_copy(elements, flags),
        elements=dict(elements),
        flags=frozenset(flags),
    )


def parse_date(text: str) -> date | None:
    """Return the day that a text names, or None when it names none that exists.

    Read are 2024-05-01, 2024/5/1, 20240501 and 2024年5月1日, each with a time of day behind it, 20240501093000 too.
    A moment with a zone is the day it falls on in China; without a zone it is the day as written.
    """
    moment = _read_moment(text)
    return None if moment is None else moment[0].date()


def parse_end(text: str) -> datetime | None:
    """Return the moment in UTC at which something ends that is valid until ``text``; None when it is no date.

    A day counts whole, in the time of China; a text with a time of day means that moment.
    """
    found = _read_moment(text)
    if found is None:
        return None
    moment, has_time = found
    try:
        return (moment if has_time else moment + timedelta(days=1)).astimezone(UTC)
    except OverflowError:  # the last day of the calendar, which stands for no end
        return datetime.max.replace(tzinfo=UTC)


def _read_moment(text: str) -> tuple[datetime, bool] | None:
    """Return the moment in the time of China, and whether a time of day was stated."""
    text = unicodedata.normalize("NFKC", text).strip()
    if len(text) > MAX_LICENCE_NAME:  # no date is that long
        return None
    for form in _DATE_FORMS:
        match = form.fullmatch(text)
        if match is not None:
            break
    else:
        return None
    year, month, day, hour, minute, second = (
        int(match[part] or 0) for part in ("year", "month", "day", "hour", "minute", "second")
    )
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone_of(match["zone"]))
        return moment.astimezone(CHINA_STANDARD_TIME), match["hour"] is not None
    except (ValueError, OverflowError):  # a day that does not exist, or one at the very ends of the calendar
        return None


def _zone_of(text: str | None) -> timezone:
    if text is None:
        return CHINA_STANDARD_TIME
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if minutes >= 60:  # noqa: PLR2004 -- minutes of an hour
        raise ValueError("minutes of a zone")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text.startswith("-") else offset)


def _check_bounds(elements: Mapping[str, str]) -> None:
    if len(elements) > MAX_LICENCE_ELEMENTS:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "licence metadata")
    for name, text in elements.items():
        if len(name) > MAX_LICENCE_NAME:
            raise MalformedDocumentError(Malformed.TOO_LARGE, "licence metadata")
        if len(text) > MAX_LICENCE_TEXT:
            raise MalformedDocumentError(Malformed.TOO_LARGE, name if is_tag(name) else "licence metadata")


def _text(elements: Mapping[str, str], tag: str) -> str:
    return elements.get(tag, "").strip(WHITE_SPACE)


def _first(elements: Mapping[str, str], tags: Sequence[str]) -> str | None:
    """Return the first text under one of the tags that is not empty; "" when they are all empty; None when absent.

    Two of them that name different days are refused: readers would disagree about which one counts.
    """
    texts = [_text(elements, tag) for tag in tags if tag in elements]
    filled = [text for text in texts if text]
    if any(_meaning(other) != _meaning(filled[0]) for other in filled[1:]):
        raise MalformedDocumentError(Malformed.STRUCTURE, tags[0])
    return next(iter(filled), "") if texts else None


def _meaning(text: str) -> date | str:
    """Return what a date says: the day, the word for no end, or the text itself where it is neither."""
    if _is_long_term(text):
        return _LONG_TERM_WORD
    return parse_date(text) or text


def _is_long_term(text: str | None) -> bool:
    """Whether the end of validity says "no end": empty, 长期, or one of the far dates; a missing element does not."""
    if text is None:
        return False
    return text in {"", _LONG_TERM_WORD} or parse_date(text) in _LONG_TERM_DATES


def _read_date(text: str | None, flags: set[LicenceFlag]) -> date | None:
    if not text:
        return None
    day = parse_date(text)
    if day is None:
        flags.add(LicenceFlag.DATE_UNREADABLE)
    return day


def _read_end(text: str | None, flags: set[LicenceFlag]) -> datetime | None:
    if not text:
        return None
    end = parse_end(text)
    if end is None:
        flags.add(LicenceFlag.DATE_UNREADABLE)
    return end


def _read_identifier(text: str, flags: set[LicenceFlag]) -> LicenceIdentifier | None:
    if not text:
        return None
    identifier = parse_identifier(text)
    if not identifier.standard_form:
        flags.add(LicenceFlag.IDENTIFIER_NON_STANDARD)
    if not identifier.check_character_matches:
        flags.add(LicenceFlag.IDENTIFIER_CHECK_CHARACTER)
    return identifier


def _read_holders(elements: Mapping[str, str], flags: set[LicenceFlag]) -> tuple[Holder, ...]:
    """Pair names with codes and code types by position.

    One code type counts for all holders, and codes or types may be missing altogether.
    When the numbers do not fit, nothing is guessed: the texts stay whole in one holder, under a flag
    (a comma inside the name of one company looks just like a second holder).
    """
    type_tag = "CZZTDMLXDM" if _text(elements, "CZZTDMLXDM") else "CZZTDMLX"
    whole = [_text(elements, tag) for tag in ("CZZT", "CZZTDM", type_tag)]
    if not any(whole):
        return ()
    names, codes, types = (_split(text) for text in whole)
    number = max(len(names), len(codes))
    if len(types) == 1:
        types *= number
    if number > MAX_HOLDERS:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "CZZT")
    if any(part and len(part) != number for part in (names, codes, types)) or not number:
        flags.add(LicenceFlag.HOLDERS_DO_NOT_PAIR)
        names, codes, types = ([text] for text in whole)
    return tuple(
        Holder(name=name, code=code, code_type=code_type)
        for name, code, code_type in zip_longest(names, codes, types, fillvalue="")
    )


def _split(text: str) -> list[str]:
    """Split a list of holders; a separator at the end adds none, one in the middle keeps its empty place."""
    parts = [part.strip(WHITE_SPACE) for part in _SEPARATORS.split(text)]
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _read_copy(elements: Mapping[str, str], flags: set[LicenceFlag]) -> AnnotatedCopy | None:
    """Return the annotated copy (加注件) when any of its elements has a text."""
    if not any(_text(elements, tag) for tag in _COPY):
        return None
    return AnnotatedCopy(
        made_at=_first(elements, _COPY_MADE_AT) or "",
        made_by=_first(elements, _COPY_MADE_BY) or "",
        reason=_first(elements, _COPY_REASON) or "",
        valid_until=_read_end(_first(elements, _COPY_VALID_UNTIL), flags),
    )
