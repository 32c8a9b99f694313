"""The working calendar: what is said of days and hours, and what is refused."""

from datetime import datetime
from pathlib import Path

import pytest

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.audit.alarms.calendar import WorkCalendar, china_day, parse_calendar, year_of
from gateway.audit.alarms.reading import load_alarms
from gateway.toml_table import Fault, TomlTable

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "site"
GOOD = {
    "weekdays": [1, 2, 3, 4, 5],
    "hours": ["08:30-12:00", "13:30-17:30"],
    "year": [{"year": 2026, "holidays": ["2026-10-01..2026-10-07"], "working": ["2026-10-10"]}],
}


def read(values: dict[str, object]) -> tuple[WorkCalendar, list[str]]:
    faults: list[Fault] = []
    calendar = parse_calendar(TomlTable(values, file="alarms.toml", faults=faults, prefix="calendar."))
    return calendar, [str(fault) for fault in faults]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=CHINA_STANDARD_TIME).timestamp()) * 1000


@pytest.mark.parametrize(
    ("moment", "is_working"),
    [
        ("2026-09-30T08:30", True),
        ("2026-09-30T08:29:59", False),
        ("2026-09-30T12:00", False),
        ("2026-09-30T13:30", True),
        ("2026-09-30T17:30", False),
        ("2026-10-01T10:00", False),  # a Thursday off
        ("2026-10-07T10:00", False),
        ("2026-10-08T10:00", True),
        ("2026-10-10T10:00", True),  # a Saturday worked for it
        ("2026-10-11T10:00", False),
        ("2026-12-31T10:00", True),
        ("2027-01-01T10:00", None),
        ("2025-12-31T23:00", None),
    ],
)
def test_working(moment: str, is_working: object) -> None:
    """Weekdays, hours, days off and days worked for them count, by the clock of China; other years are not known."""
    calendar, faults = read(GOOD)
    assert faults == []
    assert calendar.is_working(at(moment)) is is_working


def test_days_are_those_of_china() -> None:
    """A day begins at midnight in China."""
    assert china_day(at("2026-01-01T00:00")) == china_day(at("2025-12-31T23:59:59")) + 1
    assert (year_of(at("2026-01-01T00:00")), year_of(at("2025-12-31T23:59:59"))) == (2026, 2025)


def test_the_shipped_calendar() -> None:
    """The calendar of 2026 is the one that the State Council announced: 33 days off and six weekends worked."""
    faults: list[Fault] = []
    calendar = load_alarms(EXAMPLE, faults=faults).calendar
    assert faults == []
    days = list(calendar.exceptions.values())
    assert (days.count(False), days.count(True)) == (33, 6)
    for day in ("2026-01-02", "2026-02-23", "2026-05-05", "2026-06-19", "2026-09-25", "2026-10-07"):
        assert calendar.is_working(at(f"{day}T10:00")) is False
    for day in ("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"):
        assert calendar.is_working(at(f"{day}T10:00")) is True


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"weekdays": [0]}, "calendar.weekdays"),
        ({"weekdays": [True]}, "calendar.weekdays"),
        ({"weekdays": []}, "calendar.weekdays"),
        ({"hours": ["8:30-12:00"]}, "calendar.hours"),
        ({"hours": ["12:00-08:30"]}, "calendar.hours"),
        ({"hours": ["08:30-24:30"]}, "calendar.hours"),
        ({"year": [{"holidays": []}]}, "calendar.year[1]"),
        ({"year": [{"year": 2026}, {"year": 2026}]}, "calendar.year[2].year"),
        ({"year": [{"year": 2026, "holidays": ["2027-01-01"]}]}, "calendar.year[1].holidays"),
        ({"year": [{"year": 2026, "holidays": ["2026-02-30"]}]}, "calendar.year[1].holidays"),
        ({"year": [{"year": 2026, "holidays": ["2026-02-03..2026-02-02"]}]}, "calendar.year[1].holidays"),
        ({"year": [{"year": 2026, "holidays": ["2026-12-31..2027-01-02"]}]}, "calendar.year[1].holidays"),
        (
            {"year": [{"year": 2026, "holidays": ["2026-02-02"], "working": ["2026-02-01..2026-02-02"]}]},
            "calendar.year[1].working",
        ),
        ({"year": [{"year": 2026, "holiday": []}]}, "calendar.year[1].holiday"),
        ({"zone": "UTC"}, "calendar.zone"),
    ],
)
def test_faults(change: dict[str, object], place: str) -> None:
    """What no calendar says is a fault at its place."""
    _, faults = read(GOOD | change)
    assert any(fault.startswith(f"alarms.toml: {place}") for fault in faults), faults
