"""The working calendar: weekdays and hours, holidays, and the weekends that are worked in exchange (调休), by year.

The State Council announces each year's days off in the autumn before. A year that nobody has written down is unknown,
and is not guessed: weekends alone would call every National Day a working day.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from gateway.toml_table import TomlTable, Words

MAX_YEARS: Final = 100
MAX_RANGES: Final = 40  # of one year; about eight are announced
MAX_HOURS: Final = 8  # stretches of one day
_CHINA_MS: Final = 8 * 3_600_000
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_LAST_WEEKDAY: Final = 7
_EPOCH: Final = date(1970, 1, 1)
_DAYS: Final = r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.\.([0-9]{4}-[0-9]{2}-[0-9]{2}))?"
_HOURS: Final = r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])"
_DAYS_WORDS: Final = Words(
    '本年度的日期或区间，如 "2026-10-01..2026-10-07"', 'days of that year, such as "2026-10-01..2026-10-07"'
)
_HOURS_WORDS: Final = Words('时段，如 "09:00-12:00"', 'stretches of a day, such as "09:00-12:00"')


def china_day(t: int) -> int:
    """Return the day in China of a time in milliseconds, in days since 1970."""
    return (t + _CHINA_MS) // _DAY_MS


def year_of(t: int) -> int:
    """Return the year in China of a time in milliseconds since 1970."""
    return datetime.fromtimestamp((t + _CHINA_MS) / 1000, UTC).year


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCalendar:
    """Working days by ISO weekday (1 is Monday), working hours in minutes of a day, and for each year its exceptions.

    ``exceptions`` says of days since 1970 whether they are worked; only the years of ``years`` are known.
    """

    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    hours: tuple[tuple[int, int], ...] = ((8 * 60, 18 * 60),)  # half-open
    years: frozenset[int] = frozenset()
    exceptions: Mapping[int, bool] = field(default_factory=lambda: MappingProxyType({}))

    def is_working(self, t: int) -> bool | None:
        """Answer whether people work at ``t`` (milliseconds since 1970); None: nobody wrote this year down."""
        day, within = divmod(t + _CHINA_MS, _DAY_MS)
        is_worked = self.exceptions.get(day)
        if is_worked is None:
            moment = _EPOCH + timedelta(days=day)
            if moment.year not in self.years:
                return None
            is_worked = moment.isoweekday() in self.weekdays
        minute = within // _MINUTE_MS
        return is_worked and any(start <= minute < end for start, end in self.hours)


def parse_calendar(table: TomlTable) -> WorkCalendar:
    """Read a calendar; what is wrong in it is noted in the table's faults."""
    usual = WorkCalendar()
    weekdays = table.integers("weekdays", most=7, default=tuple(sorted(usual.weekdays)), low=1, high=_LAST_WEEKDAY)
    texts = table.texts("hours", most=MAX_HOURS, default=(), pattern=_HOURS, expected=_HOURS_WORDS)
    hours = tuple(_parse_hours(text) for text in texts) or usual.hours
    if any(start >= end or end > _DAY_MS // _MINUTE_MS for start, end in hours):
        table.fault("hours", expected=_HOURS_WORDS, found=Words("止早于起的时段", "one that ends before it begins"))
    exceptions: dict[int, bool] = {}
    years: set[int] = set()
    for one in table.tables("year", most=MAX_YEARS):
        year = one.integer("year", default=0, low=1970, high=9999)
        if year in years:
            one.fault("year", expected=Words("每年一次", "each year once"), found=str(year))
        years.add(year)
        for name, is_worked in (("holidays", False), ("working", True)):
            for day in _read_days(one, name, year):
                if exceptions.setdefault(day, is_worked) != is_worked:
                    zh, en = "放假与上班不重叠的日期", "no day that is both off and worked"
                    one.fault(name, expected=Words(zh, en), found=(_EPOCH + timedelta(days=day)).isoformat())
        one.finish()
    table.finish()
    return WorkCalendar(
        weekdays=frozenset(weekdays), hours=hours, years=frozenset(years), exceptions=MappingProxyType(exceptions)
    )


def _parse_hours(text: str) -> tuple[int, int]:
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return start, end


def _read_days(table: TomlTable, name: str, year: int) -> Iterator[int]:
    for text in table.texts(name, most=MAX_RANGES, default=(), pattern=_DAYS, expected=_DAYS_WORDS):
        first_text, _, last_text = text.partition("..")
        try:
            first, last = date.fromisoformat(first_text), date.fromisoformat(last_text or first_text)
        except ValueError:
            table.fault(name, expected=_DAYS_WORDS, found=text)
            continue
        if not first <= last or {first.year, last.year} != {year}:
            table.fault(name, expected=_DAYS_WORDS, found=text)
            continue
        yield from range((first - _EPOCH).days, (last - _EPOCH).days + 1)
