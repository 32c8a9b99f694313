"""docs/break-it.md, walked as it stands: each command, and what the page says one sees then."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.demo.postgres_server import find_programs
from tests.support.cli import ROOT
from tests.support.running_demo import RunningDemo, running_demo

PAGE = ROOT / "docs" / "break-it.md"
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
SECONDS = 90  # a breaker that was opened twice takes 25, and a loaded machine its time
Answers = dict[str, dict[str, Any]]
LIBRARY_ALERTS = ("TongbanSystemFaults", "TongbanKeptAnswers", "TongbanSlow", "TongbanAlarmsOpen")  # the latter anyway
WHOLE = {"store", "document", "library", "library-tolerant", "other-system"}


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    if not (shutil.which("redis-server") and shutil.which("prometheus") and find_programs()):
        pytest.skip("Redis, PostgreSQL and Prometheus are needed (scripts/test-packages)")
    with running_demo() as running:
        yield running


def ask(demo: RunningDemo) -> Answers:
    return {one["name"]: one for one in demo.ask("ask")["answers"]}


def said(answers: Answers) -> dict[str, str]:
    """Return the outcome of each answer, or why it was refused."""
    return {name: one["outcome"] or f"{one['status']} {one['reasons'][0]}" for name, one in answers.items()}


def until(demo: RunningDemo, expected: dict[str, str]) -> None:
    """Ask again until the answers are these."""
    ends = time.monotonic() + SECONDS
    while (found := said(ask(demo))) != expected:
        assert time.monotonic() < ends, str(found)


def shows(panel: str, legend: str) -> Callable[[dict[str, Any]], bool]:
    """Return what looks for a line of a panel that is not 0."""

    def look(board: dict[str, Any]) -> bool:
        (found,) = [one for one in board["panels"] if one["title"].endswith(panel)]
        return any(one["legend"] == legend and one["value"] for one in found["series"])

    return look


def ready(name: str, word: str) -> Callable[[dict[str, Any]], bool]:
    """Return what looks for a word about a part of /readyz."""
    return lambda board: any(one["name"] == name and word in one["state"] for one in board["ready"])


def alerts(name: str) -> Callable[[dict[str, Any]], bool]:
    """Return what looks for an alert, be it pending or firing."""
    return lambda board: any(one["name"] == name for one in board["alerts"])


def look(demo: RunningDemo, *conditions: Callable[[dict[str, Any]], bool]) -> None:
    """Look at the board until all of these were seen: what two processes say, scraped each second."""
    waiting, ends = list(conditions), time.monotonic() + SECONDS
    while waiting:
        ask(demo)  # as whoever walks does: an alert about a rate needs questions
        board = demo.ask("board")
        assert board["source"] == "prometheus", board["why"]
        waiting = [one for one in waiting if not one(board)]
        assert time.monotonic() < ends, str(board["alerts"] + board["ready"])


def walk(demo: RunningDemo) -> Iterator[tuple[str, str]]:
    """Do what the page says, step by step; yields each command with what it is about."""
    valid = dict.fromkeys(sorted(WHOLE), "valid") | {"other-system": "invalid"}

    def act(words: str) -> str:
        assert demo.run(*words.split()[2:], "--json").code == 0, words
        return words

    def check(*, expected: dict[str, str]) -> str:
        until(demo, expected)
        return "tongban demo ask"

    def board(*conditions: Callable[[dict[str, Any]], bool]) -> str:
        look(demo, *conditions)
        return "tongban demo board"

    yield check(expected=valid), "all is well"
    yield board(ready("redis", "up"), shows("Redis nodes", "up"), shows("Size", "条目 entries")), "all is well"

    yield act("tongban demo stop redis"), "Redis"
    yield check(expected=valid), "Redis"
    away = (ready("redis", "away"), ready("ready", "true"), shows("Redis nodes", "away"))
    counted = (shows("Limits not shared", ""), alerts("TongbanLimitsUnshared"))
    yield board(*away, *counted, alerts("TongbanRedisAway")), "Redis"
    yield act("tongban demo start redis"), "Redis"
    yield check(expected=valid), "Redis"

    yield act("tongban demo pause library"), "library"
    yield check(expected=valid | {"library": "unknown"}), "library"
    for _ in range(20):
        answers = ask(demo)
        assert said(answers) == valid | {"library": "unknown"}
        away_one, kept = answers["library"], answers["library-tolerant"]
        assert (away_one["reasons"], away_one["stale"]) == (["status.unavailable"], True)
        assert (kept["stale"], kept["notes"]) == (True, ["source.kept-answer"])
        if ready("system:gbt36906", "breaker open")(demo.ask("board")):
            break
    yield "for i in 1 2 3 4 5 6 7 8 9 10; do tongban demo ask; done", "library"
    panels = (shows("Breakers", "gbt36906"), shows("Spared", "gbt36906 kept"), shows("Questions", "gbt36906 timeout"))
    yield board(*panels, *map(alerts, LIBRARY_ALERTS)), "library"
    yield act("tongban demo continue library"), "library"
    yield check(expected=valid), "library"

    yield act("tongban demo revoke --licence anhui-02-business.ofd"), "licence"
    yield check(expected=valid | {"store": "invalid"}), "licence"
    assert ask(demo)["store"]["reasons"] == ["status.revoked"]

    yield act("tongban demo stop postgresql"), "PostgreSQL"
    without = valid | {"store": "503 source.unavailable", "document": "unknown"}
    yield check(expected=without), "PostgreSQL"
    assert (ask(demo)["document"]["reasons"], ask(demo)["document"]["stale"]) == (["status.unavailable"], True)
    yield board(shows("Own store", "unusable"), shows("错误率 Errors", ""), alerts("TongbanStoreFails")), "PostgreSQL"
    yield act("tongban demo start postgresql"), "PostgreSQL"
    yield check(expected=valid | {"store": "invalid"}), "PostgreSQL"
    yield act("tongban demo restart postgresql"), "PostgreSQL"
    yield check(expected=valid | {"store": "invalid"}), "PostgreSQL"


@pytest.mark.slow
def test_the_page_is_walked(demo: RunningDemo) -> None:
    """Whatever was taken away, answers and dashboard say so, and they say when it is back."""
    lines = [line for block in SHELL.findall(PAGE.read_text("utf-8")) for line in block.splitlines()]
    assert [command for command, _ in walk(demo)] == lines
