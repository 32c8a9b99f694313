"""``tongban bench audit_search``: how long it takes to find entries in a log of a million, on SQLite and PostgreSQL."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.audit import make_place, make_setup, running_postgres
from benchmarks.audit_material import make_draft
from benchmarks.report import Reach, report, spread
from gateway.audit.log import AccessLog
from gateway.audit.search.query import Query
from gateway.audit.search.search import USUAL_PAGE, LogSearch

ENTRIES: Final = 1_000_000
GOAL_MS: Final = 5.0
_CALLERS: Final = 64
_TOGETHER: Final = 256  # entries that are handed in at once while the logs are built, the largest batch
MAX_ROUNDS: Final = 200
_DAY_MS: Final = 86_400_000
_START_MS: Final = 1_790_000_000_000
_DAYS: Final = 30
_SUBJECTS: Final = 10_000  # of `make_draft`
_CASES: Final = 5_000


def run(*, rounds: int, entries: int = ENTRIES) -> dict[str, Any]:
    """Build a log on each kind of store, search it, and return the report.

    Raises:
        RuntimeError: a search found nothing.

    """
    folder = Path(tempfile.mkdtemp(prefix="tongban-bench-"))
    rounds = min(rounds, MAX_ROUNDS)
    clock = _Clock()
    logs: dict[str, AccessLog] = {}
    try:
        with running_postgres(folder) as server, ExitStack() as stack:
            for kind, one in (("sqlite", None), *([] if server is None else [("postgres", server)])):
                logs[kind] = AccessLog(make_setup(make_place(folder / kind, one), clock_ms=clock))
                stack.callback(logs[kind].close)
            start = time.perf_counter()
            uvloop.run(_build(list(logs.values()), clock, entries))
            building = time.perf_counter() - start
            found = {kind: measure(log, rounds, entries) for kind, log in logs.items()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    names = ("one subject", "one caller's day", "one case")
    reach = [
        Reach(
            measure=f"{kind}: {name}, a page of {USUAL_PAGE}, p50",
            value=spread(taken[name])["median"],
            unit="ms",
            goal=GOAL_MS,
            better="lower",
        )
        for kind, taken in found.items()
        for name in names
    ]
    return report(
        "audit_search",
        rounds=rounds,
        reach=reach,
        detail={
            **{kind: {name: spread(values) for name, values in taken.items()} for kind, taken in found.items()},
            **({} if "postgres" in found else {"postgres": "not installed"}),
            "entries": entries,
            "seconds_to_build": round(building, 1),
            "how": f"{entries} entries of full size, {_TOGETHER} at once, by {_CALLERS} callers over {_DAYS} days; "
            "each search asks for something else; leaves are checked against the tree and private parts opened; "
            "milliseconds of wall-clock time for a page",
        },
    )


def measure(log: AccessLog, rounds: int, entries: int) -> dict[str, list[float]]:
    """Search a log; return the milliseconds of each kind of search."""
    search = LogSearch.of(log)
    taken: dict[str, list[float]] = {}
    for name, make in _queries(entries).items():
        for at in range(rounds):
            query, start = make(at), time.perf_counter()
            page = search.find(query)
            taken.setdefault(name, []).append((time.perf_counter() - start) * 1e3)
            if not page.entries and not query.item and entries == ENTRIES:
                raise RuntimeError(f"entries were expected for {name}")
    return taken


def _queries(entries: int) -> Mapping[str, Callable[[int], Query]]:
    """Return what is searched for, by its name; each number gives another search."""
    return {
        "one subject": lambda at: Query(subject=f"11010119900307{at * 7 % _SUBJECTS:04}"),
        "one caller's day": _day,
        "one case": lambda at: Query(case=f"2026-370000-{at * 11 % _CASES:07}"),
        "one decision": lambda at: Query(decision=make_draft(at * 13 % entries).leaf.req),
        "one official and one subject": lambda at: Query(
            official=f"3701{at % 40:06}", subject=f"11010119900307{at % 40:04}"
        ),
        "an item that there is not, without the index": lambda at: Query(item="none", since=at),
    }


class _Clock:
    now = _START_MS

    def __call__(self) -> int:
        return self.now


async def _build(logs: Sequence[AccessLog], clock: _Clock, entries: int) -> None:
    for first in range(0, entries, _TOGETHER):
        clock.now = _START_MS + first * _DAYS * _DAY_MS // entries
        end = min(first + _TOGETHER, entries)
        drafts = [make_draft(number, caller=f"caller-{number % _CALLERS}") for number in range(first, end)]
        await asyncio.gather(*(log.append(draft) for log in logs for draft in drafts))


def _day(at: int) -> Query:
    since = _START_MS + at % _DAYS * _DAY_MS
    return Query(caller=f"caller-{at % _CALLERS}", since=since, until=since + _DAY_MS)
