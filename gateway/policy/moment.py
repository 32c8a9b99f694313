"""Moments in the files of a policy: UTC and whole milliseconds, so that each has one spelling; days in China."""

from datetime import MAXYEAR, UTC, date, datetime

from adapters.china_time import CHINA_STANDARD_TIME


def encode_moment(at: datetime) -> str:
    """Return a moment as RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """Read a moment; raises ValueError for any other spelling."""
    at = datetime.fromisoformat(text)
    # Of another offset than ours it may be beyond what can be spelled in UTC, and in the last year beyond a day later.
    if at.tzinfo is not UTC or at.year == MAXYEAR or encode_moment(at) != text:
        raise ValueError("a moment in UTC with milliseconds was expected")
    return at


def china_day(at: datetime) -> date:
    """Return the day in China at a moment: what policies and items mean by a day."""
    return at.astimezone(CHINA_STANDARD_TIME).date()
