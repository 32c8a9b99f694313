"""Announced outages: what a site says of them, and which one counts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.sources.outage import Outage, current_outage, next_outage
from gateway.sources.rules import SOURCES_FILE, STORE, SourcePlan, load_sources
from gateway.toml_table import Fault

SOUND = """
[[outage]]
system = "guangdong"
since = 2026-12-05T22:00:00+08:00
until = 2026-12-06T06:00:00+08:00
reason_zh = "系统升级"
reason = "an upgrade"
"""
SINCE = datetime(2026, 12, 5, 14, tzinfo=UTC)
OUTAGE = Outage(
    system="guangdong", since=SINCE, until=SINCE + timedelta(hours=8), reason_zh="系统升级", reason="an upgrade"
)
LATER = Outage(
    system="guangdong",
    since=SINCE + timedelta(hours=4),
    until=SINCE + timedelta(hours=12),
    reason_zh="切换",
    reason="a move",
)


def load(folder: Path, text: str) -> tuple[SourcePlan, list[Fault]]:
    (folder / SOURCES_FILE).write_text(text, "utf-8")
    faults: list[Fault] = []
    return load_sources(folder, systems=("guangdong", "national"), faults=faults), faults


def test_a_sound_file(tmp_path: Path) -> None:
    """Outages stand beside the rules, and without rules."""
    plan, faults = load(tmp_path, SOUND)
    assert (plan, faults) == (SourcePlan(rules=(STORE,), outages=(OUTAGE,)), [])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"guangdong"', '"nobody"', "outage[1].system"),
        ('"guangdong"', '"store"', "outage[1].system"),
        ("since = 2026-12-05T22:00:00+08:00", "", "outage[1].since"),
        ("22:00:00+08:00", "22:00:00", "outage[1].since"),
        ("2026-12-06T06:00:00+08:00", '"tomorrow"', "outage[1].until"),
        ("2026-12-06T06", "2026-12-05T06", "outage[1].until"),
        ('reason_zh = "系统升级"', "", "outage[1].reason_zh"),
        ('"an upgrade"', '""', "outage[1].reason"),
        ("reason =", "why = 1\nreason =", "outage[1].why"),
        ("[[outage]]", "[outage]", "outage"),
    ],
)
def test_one_broken_thing(tmp_path: Path, old: str, new: str, key: str) -> None:
    """Whatever is wrong is a fault that names its key."""
    _, faults = load(tmp_path, SOUND.replace(old, new, 1))
    assert [fault.key for fault in faults] == [key]


def test_which_one_counts() -> None:
    """An outage counts from its beginning until its end; of two the one that ends last, and else the next one."""
    both, second = (OUTAGE, LATER), timedelta(seconds=1)
    assert current_outage(both, OUTAGE.since - second) is None
    assert current_outage(both, OUTAGE.since) == OUTAGE
    assert current_outage(both, LATER.since) == LATER
    assert current_outage(both, LATER.until) is None
    assert next_outage(both, OUTAGE.since - second) == OUTAGE
    assert next_outage(both, LATER.since) == LATER
    assert next_outage(both, LATER.until) is None
