"""Planned outages of other systems, as their operators announce them: ``[[outage]]`` in ``sources.toml``.

```toml
[[outage]]
system = "guangdong"
since = 2026-12-05T22:00:00+08:00
until = 2026-12-06T06:00:00+08:00
reason_zh = "系统升级"
reason = "an upgrade"
```
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.sources.licence_store import SOURCE_NAME
from gateway.toml_table import TomlTable, Words

MAX_OUTAGES: Final = 256  # a few for each of the systems that a site may have
_NAME_WORDS: Final = Words("systems.toml 中的系统", "a system of systems.toml")
_LATER: Final = Words("晚于 since 的时刻", "a moment after since")
_MOMENT: Final = Words("带时区的日期时间", "a date-time with an offset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time, ``since`` included and ``until`` not, in which a system is not asked; why, in Chinese and in English."""

    system: str
    since: datetime
    until: datetime
    reason_zh: str
    reason: str


def read_outages(tables: Iterable[TomlTable], systems: Collection[str]) -> tuple[Outage, ...]:
    """Read the announced outages; what is wrong is noted in the tables' faults."""
    return tuple(one for table in tables if (one := _read_outage(table, systems)) is not None)


def current_outage(outages: Iterable[Outage], at: datetime) -> Outage | None:
    """Return the outage of a moment; of several the one that ends last."""
    return max((one for one in outages if one.since <= at < one.until), key=lambda one: one.until, default=None)


def next_outage(outages: Iterable[Outage], at: datetime) -> Outage | None:
    """Return the outage of a moment, or else the one that begins next; None: none is announced."""
    to_come = min((one for one in outages if at < one.since), key=lambda one: one.since, default=None)
    return current_outage(outages, at) or to_come


def _read_outage(table: TomlTable, systems: Collection[str]) -> Outage | None:
    system = table.text("system", expected=_NAME_WORDS)
    if system and (system == SOURCE_NAME or system not in systems):
        table.fault("system", expected=_NAME_WORDS, found=system)
    since, until = _moment(table, "since"), _moment(table, "until")
    if since is not None and until is not None and until <= since:
        table.fault("until", expected=_LATER, found=until.isoformat())
    reason_zh, reason = table.text("reason_zh"), table.text("reason")
    table.finish()
    if since is None or until is None:
        return None
    return Outage(system=system, since=since, until=until, reason_zh=reason_zh, reason=reason)


def _moment(table: TomlTable, key: str) -> datetime | None:
    if not table.has(key):
        table.fault(key, expected=_MOMENT, found=Words("未填写", "nothing"))
    return table.moment(key)
