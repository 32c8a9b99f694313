"""The servers beside the demo's gateway: what is not installed, or does not start, is left out."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.demo import servers as module
from gateway.demo.asking import RunningGateway
from gateway.demo.desk import ANSWER_SECONDS
from gateway.demo.postgres_server import PostgresServer
from gateway.demo.server import (
    SIGNAL_SECONDS,
    START_SECONDS,
    STOP_SECONDS,
    Action,
    DatabaseServer,
    ProcessServer,
    ServerDidNotStartError,
    ServerState,
    act,
    free_port,
    read_state,
    select_actions,
)
from gateway.demo.servers import LeftOut, Servers, run_servers, use_servers
from gateway.demo.serving import Serving
from gateway.demo.stage import Stage
from gateway.site_template import write_site
from tests.support.demo import demo_stock
from tests.support.postgres import running_postgres

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_what_is_not_installed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing but Python there is the library, and the site stays as it was."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "find_programs", lambda: None)
    write_site(tmp_path / "site")
    settings = tmp_path / "site" / "tongban.toml"
    before = settings.read_text(encoding="utf-8")
    with run_servers(demo_stock().licences, NOW) as servers:
        servers.watch("http://127.0.0.1:1")
        assert set(servers.by_name) == {"library"}
        assert servers.left_out == [LeftOut(name=name) for name in ("redis", "postgresql", "prometheus")]
        with use_servers(tmp_path / "site", servers):
            assert settings.read_text(encoding="utf-8") == before
        folder = servers.folder
    assert not folder.exists()


def test_a_server_that_does_not_start(tmp_path: Path) -> None:
    """It says why, in its own words, and can be started again."""
    server = ProcessServer("odd", ("/bin/sh", "-c", "echo no such thing >&2"), port=free_port(), folder=tmp_path)
    with pytest.raises(ServerDidNotStartError, match="odd: no such thing"):
        server.start()
    assert select_actions(server) == (Action.START,)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


class Broken(PostgresServer):
    """A server that runs, or none, and does not do what it is told: what pg_ctl says then."""

    def __init__(self, pid: int | None = None) -> None:
        """Take the number of a process in place of one's own."""
        self.port, self._pid, self.told = 1, pid, list[str]()

    @property
    def pid(self) -> int | None:
        """The number that was taken."""
        return self._pid

    def start(self, wait_seconds: int = 0) -> None:
        """Start, as it seems."""
        self.told.append(f"start {wait_seconds}")

    def stop(self, mode: str = "fast", wait_seconds: int = 0) -> None:
        """Run on."""
        self.told.append(f"{mode} {wait_seconds}")
        raise RuntimeError("pg_ctl: server does not shut down")

    def new_database(self) -> str:
        """Fail."""
        raise RuntimeError("psql: could not connect\n")


def test_a_paused_postgresql_is_stopped(postgres: PostgresServer) -> None:
    """Stopped while it is paused, it ends in order, and what was committed is there when it starts again."""
    addresses = list[str]()
    server = DatabaseServer("postgresql", postgres, addresses.append)
    postgres.stop("immediate")
    server.start()
    act(server, Action.PAUSE)  # by its first process alone, as somebody might who has its number
    assert select_actions(server) == (Action.CONTINUE, Action.STOP)
    act(server, Action.STOP)
    assert read_state(server) is ServerState.STOPPED
    act(server, Action.START)
    assert addresses == [server.database]  # filled once


def test_a_postgresql_that_does_not_stop_is_killed() -> None:
    """Whatever pg_ctl says, nothing is raised, and nothing is left: in order, as by a power cut, and killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        broken = Broken(process.pid)
        DatabaseServer("postgresql", broken, lambda _: None).stop()
        assert broken.told == [f"fast {STOP_SECONDS}", f"immediate {STOP_SECONDS}"]
        assert process.wait() == -signal.SIGKILL


def test_whoever_asks_hears_how_a_restart_went() -> None:
    """The longest restart takes less than whoever asked for it waits."""
    assert 2 * STOP_SECONDS + 2 * SIGNAL_SECONDS + START_SECONDS < ANSWER_SECONDS


def test_a_postgresql_that_takes_no_database_is_left_out(tmp_path: Path) -> None:
    """No psql, or a full disk: the demo goes on without it, and the site stays as it was."""
    write_site(tmp_path / "site")
    settings = tmp_path / "site" / "tongban.toml"
    before = settings.read_text(encoding="utf-8")

    def fail(_: str) -> None:
        raise LookupError("no tables")

    class Unfilled(Broken):
        def new_database(self) -> str:
            return "postgresql://nowhere"

    with ExitStack() as stack:
        servers = Servers(folder=tmp_path, stack=stack)
        servers.start([DatabaseServer("no-database", Broken(), fail), DatabaseServer("no-tables", Unfilled(), fail)])
        assert (servers.by_name, servers.left_out) == (
            {},
            [
                LeftOut(name="no-database", why="no-database: psql: could not connect"),
                LeftOut(name="no-tables", why="no tables"),
            ],
        )
        with use_servers(tmp_path / "site", servers):
            assert settings.read_text(encoding="utf-8") == before


def test_a_machine_without_an_unprivileged_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where we are root and PostgreSQL has nobody to run as, that is why it is left out."""
    monkeypatch.setattr(module, "find_programs", lambda: tmp_path)
    monkeypatch.setattr(module, "find_spec", lambda _: True)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwall", list)
    found = module._make_postgresql(tmp_path, (), NOW)
    assert isinstance(found, LeftOut)
    assert "neither a user postgres nor nobody" in found.why


def test_a_gateway_that_was_killed_is_shown_as_such(tmp_path: Path) -> None:
    """How it stands is what the operating system says, and not what was so at the start."""
    stage = Stage(authority=demo_stock().authority, questions=(), caller_key=Ed25519PrivateKey.generate())
    with ExitStack() as stack, subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        serving = Serving(
            stage=stage,
            folder=tmp_path,
            gateway=RunningGateway(address="http://127.0.0.1:1", pid=process.pid),
            servers=Servers(folder=tmp_path, stack=stack),
        )
        (before,) = serving.describe().servers
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        (after,) = serving.describe().servers
    assert (before.pid, before.state) == (process.pid, ServerState.RUNNING)
    assert (after.pid, after.state) == (None, ServerState.STOPPED)
