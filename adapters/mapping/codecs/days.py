"""Codecs of days: the forms in which systems write dates, and the three fields of a printed surface."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from adapters.china_time import CHINA_STANDARD_TIME
from adapters.mapping.codecs.codec import Codec, MalformedCodecError, Sort
from adapters.mapping.fault import Words

ALTERNATIVE: Final = "|"  # between spellings that are all read; the first one is written

_EPOCH_SECONDS: Final = "epoch-s"
_EPOCH_MILLISECONDS: Final = "epoch-ms"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=CHINA_STANDARD_TIME) + timedelta(hours=8)
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_YEAR_DIGITS: Final = 4
_FIRST_YEAR: Final = 1000  # a year of four digits without zeros in front
_PARTS: Final = re.compile("yyyy|MM|dd|HH|mm|SSS|ss|M|d")
_TIMES: Final = ("HH", "mm", "ss", "SSS")  # none without those before it
_ZONE: Final = re.compile(r"(?:Z|\+08:?00)\Z")  # behind a time; any other offset is none of this country's
_UTC: Final = "Z"
_AHEAD: Final = timedelta(hours=8)  # of UTC, in China
_PATTERNS: Final = {
    "yyyy": "(?P<year>[1-9][0-9]{3})",
    "MM": "(?P<month>[0-9]{2})",
    "dd": "(?P<day>[0-9]{2})",
    "M": "(?P<month>[1-9][0-9]?)",
    "d": "(?P<day>[1-9][0-9]?)",
    "HH": "(?P<hour>[01][0-9]|2[0-3])",
    "mm": "[0-5][0-9]",
    "ss": "[0-5][0-9]",
    "SSS": "[0-9]{3}",
}
_LAYOUTS: Final = {
    "yyyy": "{0.year}",
    "MM": "{0.month:02}",
    "dd": "{0.day:02}",
    "M": "{0.month}",
    "d": "{0.day}",
    "HH": "{0.hour:02}",
    "mm": "00",
    "ss": "00",
    "SSS": "000",
}
_EXPECTED: Final = Words(
    "日期格式，例如 date:yyyy-MM-dd、date:yyyyMMdd、date:yyyy年M月d日、date:yyyy-MM-dd HH:mm:ss、date:epoch-ms",
    "a form of date: date:yyyy-MM-dd, date:yyyyMMdd, date:yyyy年M月d日, date:yyyy-MM-dd HH:mm:ss, date:epoch-ms",
)
_TIME_LOST: Final = Words("一日中的时刻", "the time of day")
_FORM_LOST: Final = Words("原用哪种写法", "which of the spellings it had")

Parse = Callable[[str], date]
Render = Callable[[date], str]


def date_codec(argument: str) -> Codec:
    """Return the codec of one form of date or of several; raises MalformedCodecError.

    The domain are days from the year 1000 to 9999. A moment of an epoch, and a time in UTC (``Z``), is the day it falls
    on in China; a time without a zone is one in China.
    """
    forms = argument.split(ALTERNATIVE)
    parses = [_parser(form) for form in forms]
    timed = any(form.startswith("epoch") or "HH" in form for form in forms)  # no other part of a time without it
    lost = [words for words, is_lost in ((_TIME_LOST, timed), (_FORM_LOST, len(forms) > 1)) if is_lost]
    return Codec(
        name=f"date:{argument}",
        foreign=Sort.TEXT,
        neutral=Sort.DAY,
        parse=parses[0] if len(parses) == 1 else _first_of(parses),
        render=_renderer(forms[0]),
        loses=Words("、".join(one.zh for one in lost), ", ".join(one.en for one in lost)) if lost else None,
    )


def day_parts_codec(argument: str) -> Codec:
    """Return the codec of a day in three fields: year, month and day, in this order.

    ``day-parts`` writes 5 for May, ``day-parts:02`` writes 05.
    """
    if argument not in {"", "02"}:
        raise MalformedCodecError(Words("day-parts 或 day-parts:02", "day-parts or day-parts:02"))
    width = int(argument or "1")

    def render(day: date) -> tuple[str, str, str]:
        _check_year(day)
        return str(day.year), f"{day.month:0{width}}", f"{day.day:0{width}}"

    def parse(parts: tuple[str, ...]) -> date:
        if any(len(part) > _YEAR_DIGITS for part in parts):  # a number that no calendar takes
            raise ValueError
        year, month, day = (int(part) for part in parts)
        found = date(year, month, day)
        if render(found) != parts:
            raise ValueError
        return found

    return Codec(name="day-parts", foreign=Sort.TEXTS, neutral=Sort.DAY, parse=parse, render=render)


def _check_year(day: date) -> None:
    if day.year < _FIRST_YEAR:
        raise ValueError


def _parser(form: str) -> Parse:
    match form:
        case "yyyy-MM-dd":
            return _parse_dashed
        case "yyyyMMdd":
            return _parse_plain
        case _ if form == _EPOCH_MILLISECONDS:
            return lambda text: _parse_epoch(text, 1000)
        case _ if form == _EPOCH_SECONDS:
            return lambda text: _parse_epoch(text, 1)
    pattern = re.compile(_translate(form, lambda part: _PATTERNS[part], re.escape))

    def parse(text: str) -> date:
        found = pattern.fullmatch(text)
        if found is None:
            raise ValueError
        return date(int(found["year"]), int(found["month"]), int(found["day"]))

    def parse_utc(text: str) -> date:
        found = pattern.fullmatch(text)
        if found is None:
            raise ValueError
        moment = datetime(int(found["year"]), int(found["month"]), int(found["day"]), int(found["hour"]))  # noqa: DTZ001 -- of the form's zone
        try:
            return (moment + _AHEAD).date()
        except OverflowError:
            raise ValueError from None  # beyond the calendar

    return parse_utc if form.endswith(_UTC) else parse


def _renderer(form: str) -> Render:
    if form == "yyyy-MM-dd":
        return _render_dashed
    if form in {_EPOCH_MILLISECONDS, _EPOCH_SECONDS}:
        factor = 1000 if form == _EPOCH_MILLISECONDS else 1

        def render_epoch(day: date) -> str:
            _check_year(day)
            moment = datetime(day.year, day.month, day.day, tzinfo=CHINA_STANDARD_TIME)
            return str(round((moment - _EPOCH).total_seconds()) * factor)

        return render_epoch
    layout = _translate(form, lambda part: _LAYOUTS[part], lambda text: text.replace("{", "{{").replace("}", "}}"))
    ahead = _AHEAD if form.endswith(_UTC) else timedelta()

    def render(day: date) -> str:
        try:
            moment = datetime(day.year, day.month, day.day) - ahead  # noqa: DTZ001 -- of the form's zone
        except OverflowError:
            raise ValueError from None  # beyond the calendar
        _check_year(moment)
        return layout.format(moment)

    return render


def _translate(form: str, part: Callable[[str], str], literal: Callable[[str], str]) -> str:
    """Return the form with its parts and its other characters each replaced; every part of a day exactly once."""
    names = _PARTS.findall(form)
    zone = _ZONE.search(form)
    times = sorted(set(names) & set(_TIMES), key=_TIMES.index)
    if sorted(name[0] for name in names if name[0] in "yMd") != ["M", "d", "y"] or len(set(names)) != len(names):
        raise MalformedCodecError(_EXPECTED)
    if tuple(times) != _TIMES[: len(times)] or (zone is not None and not times):
        raise MalformedCodecError(_EXPECTED)
    pieces, position = [], 0
    for found in _PARTS.finditer(form):
        pieces += [literal(form[position : found.start()]), part(found[0])]
        position = found.end()
    rest = form[position:]
    if any(one.isascii() and one.isalnum() and one != "T" for one in _PARTS.sub("", _ZONE.sub("", form))):
        raise MalformedCodecError(_EXPECTED)
    return "".join(pieces) + literal(rest)


def _parse_dashed(text: str) -> date:
    # The length and both dashes: fromisoformat reads weeks and other forms of ISO 8601 too.
    if len(text) != 10 or text[4] != "-" or text[7] != "-" or text[0] == "0":  # noqa: PLR2004 -- of yyyy-MM-dd
        raise ValueError
    return date.fromisoformat(text)


def _render_dashed(day: date) -> str:
    _check_year(day)
    return day.isoformat()


def _parse_plain(text: str) -> date:
    if len(text) != 8 or not (text.isascii() and text.isdigit()) or text[0] == "0":  # noqa: PLR2004 -- of yyyyMMdd
        raise ValueError
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _parse_epoch(text: str, factor: int) -> date:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    try:
        day = (_EPOCH + timedelta(seconds=int(text) // factor)).date()
    except OverflowError:
        raise ValueError from None  # beyond the calendar
    _check_year(day)
    return day


def _first_of(parses: list[Parse]) -> Parse:
    def parse(text: str) -> date:
        for one in parses:
            try:
                return one(text)
            except ValueError:
                continue
        raise ValueError

    return parse
