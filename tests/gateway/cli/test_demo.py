"""``tongban demo`` while it serves: what other terminals ask of it, and that nothing of it is left at its end."""

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.board import read_board
from gateway.demo.postgres_server import find_programs
from tests.support.cli import tongban
from tests.support.running_demo import RunningDemo, running_demo

pytestmark = pytest.mark.slow  # a demo with all its servers takes half a minute to start
INSTALLED = {
    "gateway",
    "library",
    *({"redis"} if shutil.which("redis-server") else ()),
    *({"postgresql"} if find_programs() else ()),
    *({"prometheus"} if shutil.which("prometheus") else ()),
}


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    with running_demo() as running:
        yield running


def test_its_processes_are_named(demo: RunningDemo) -> None:
    """What is installed runs, each process with its number and what can be done to it."""
    servers = demo.servers()
    assert set(servers) == INSTALLED
    assert all(one["state"] == "running" and Path(f"/proc/{one['pid']}").exists() for one in servers.values())
    assert servers["library"]["actions"] == ["stop", "restart", "pause"]
    assert f"demo pause library --folder {demo.folder}" in demo.run("servers").out


def test_answers_are_asked_for_again(demo: RunningDemo) -> None:
    """While nothing is broken all answers are right, each by the source that knows the licence."""
    answers = {one["name"]: one for one in demo.ask("ask")["answers"]}
    assert {name: one["register"] for name, one in answers.items()} == {
        "store": "store",
        "document": "store",
        "library": "system:gbt36906",
        "library-tolerant": "system:gbt36906",
        "other-system": "system:shandong",
    }
    assert all((one["status"], one["stale"]) == (200, False) for one in answers.values())
    assert [one["outcome"] for one in answers.values()] == [*["valid"] * 4, "invalid"]


def test_a_process_is_paused_stopped_and_started(demo: RunningDemo) -> None:
    """Each action is done where it makes sense, and refused in words where it does not."""

    def state() -> str:
        return str(demo.servers()["library"]["state"])

    assert demo.run("pause", "library", "--json").code == 0
    assert state() == "paused"
    again = demo.run("pause", "library")
    assert (again.code, "cannot be done" in again.out) == (1, True)
    assert demo.run("stop", "library", "--json").code == 0
    assert state() == "stopped"
    assert demo.run("start", "library", "--json").code == 0
    assert state() == "running"
    assert demo.ask("stop", "nothing")["error"] == "no-such-server"


def test_the_gateway_speaks_where_there_is_no_prometheus(demo: RunningDemo) -> None:
    """The board says the same by /readyz and /metrics, and that nobody answers where nobody does."""
    board = asyncio.run(read_board(demo.address, None))
    assert board.source == "gateway"
    assert [(one.name, one.state) for one in board.ready][:2] == [("ready", "true"), ("log", "written")]
    assert "gateway_log_size" in {one.title for one in board.panels}
    away = asyncio.run(read_board("http://127.0.0.1:1", "http://127.0.0.1:1"))
    assert (away.source, [one.name for one in away.ready], away.panels) == ("gateway", ["ready"], [])


def test_a_licence_and_a_signer_are_revoked(demo: RunningDemo) -> None:
    """The next answer is invalid, without a restart: a licence by its status, a signer by a new list."""
    licence = demo.ask("revoke", "--licence", "anhui-02-business.ofd")
    assert (licence["outcome"], licence["reasons"]) == ("invalid", ["status.revoked"])
    signer = demo.ask("revoke", "shandong-11-business.ofd")
    assert (signer["outcome"], "revocation.revoked" in signer["reasons"]) == ("invalid", True)
    assert len(signer["serials"]) == len(signer["signers"]) >= 1
    shown = demo.run("revoke", "shandong-11-business.ofd")
    assert (shown.code, "revocation.revoked" in shown.out) == (0, True)
    assert demo.run("revoke", "nothing.ofd", "--json").code == 1


def test_nothing_is_left(demo: RunningDemo) -> None:
    """Told to stop, the demo ends all it has started, also what is paused, and leaves no folder behind."""
    servers = demo.servers()
    folder = demo.folder
    assert demo.run("pause", "library", "--json").code == 0
    assert demo.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert demo.still_run(servers) == []
    assert list(demo.place.iterdir()) == []
    after = tongban("demo", "ask", "--folder", folder)
    assert (after.code, "no demo is running" in after.err) == (2, True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 128 + signal.SIGHUP), (signal.SIGINT, 0)])
def test_another_end(number: signal.Signals, code: int) -> None:
    """A terminal that is closed and Ctrl-C end it as well; the latter is the usual end."""
    with running_demo() as demo:
        servers = demo.servers()
        assert demo.end(number) == code
        assert demo.still_run(servers) == []
        assert list(demo.place.iterdir()) == []
