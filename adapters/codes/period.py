"""The time in which a code or a name was in use: days in China, half-open; either side may be unknown."""

from dataclasses import dataclass
from datetime import date

from adapters.mapping.fault import Words, show
from adapters.mapping.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """``start <= day < end``; None: not known, or not ended."""

    start: date | None
    end: date | None

    def has(self, day: date | None) -> bool:
        """Whether a day lies in the period; None asks about any time."""
        if day is None:
            return True
        return (self.start is None or self.start <= day) and (self.end is None or day < self.end)

    def overlaps(self, other: "Period") -> bool:
        """Whether two periods have a day in common."""
        starts = max(self.start or date.min, other.start or date.min)
        return starts < min(self.end or date.max, other.end or date.max)


def read_period(table: Table) -> Period:
    """Read ``from`` and ``until`` of a table; faults are noted."""
    period = Period(start=read_day(table, "from"), end=read_day(table, "until"))
    if period.start is not None and period.end is not None and period.start >= period.end:
        expected = Words("晚于 from 的日期", "a day after from")
        table.fault("until", expected=expected, found=show(period.end.isoformat()))
    return period


def read_day(table: Table, key: str) -> date | None:
    """Read a day written as "2015-10-01"; None where the key is absent, or after a fault."""
    text = table.optional(key)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        expected = Words('日期，例如 "2015-10-01"', 'a day such as "2015-10-01"')
        table.fault(key, expected=expected, found=show(text))
        return None
    return day
