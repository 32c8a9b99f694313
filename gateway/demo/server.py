"""A server beside the demo's gateway, a process of its own: started, paused, and stopped whatever state it is in."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from gateway.demo.postgres_server import PostgresServer

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 30  # a loaded machine; Redis takes 50 ms, PostgreSQL, the library and Prometheus a second
STOP_SECONDS: Final = 10
SIGNAL_SECONDS: Final = 2.0  # until a process has paused, gone on or ended that was told to; it takes milliseconds
_STEP_SECONDS: Final = 0.02
_STOPPED_BY_SIGNAL: Final = frozenset("Tt")  # states of a process in /proc (proc(5))
_GONE: Final = frozenset("ZXx")


class ServerState(StrEnum):
    """How a server stands, by what the operating system says of its process."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class Action(StrEnum):
    """What can be done to a server; the words of the command line."""

    STOP = "stop"
    START = "start"
    PAUSE = "pause"
    CONTINUE = "continue"
    RESTART = "restart"


class ServerDidNotStartError(Exception):
    """A server ended before it took connections, or never did; the text names it and its log."""


class Numbered(Protocol):
    """What the operating system can be asked about."""

    @property
    def pid(self) -> int | None:
        """The number of its (first) process; None: it does not run."""
        ...


class Server(Numbered, Protocol):
    """What the demo asks of a server; ``can_pause``: one signal pauses all of it."""

    name: str
    address: str
    can_pause: bool

    def start(self) -> None:
        """Start it, and wait until it takes connections; raises ServerDidNotStartError."""
        ...

    def stop(self) -> None:
        """End it, in order if it can be; nothing where it does not run."""
        ...


class ProcessServer:
    """A server that is one process, with a port of its own; what it says goes to a file."""

    can_pause = True

    def __init__(self, name: str, command: Sequence[str], *, port: int, folder: Path, scheme: str = "http") -> None:
        """Name it; nothing is started yet."""
        self.name, self.address = name, f"{scheme}://{HOST}:{port}"
        self._command, self._port, self._folder = tuple(command), port, folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The number of its process; None: it does not run."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> None:
        """Start it on its port, and wait until it takes connections.

        Raises:
            ServerDidNotStartError: it ended, or took too long.

        """
        path = self._folder / f"{self.name}.log"
        with path.open("ab") as log:
            # In a group of its own: Ctrl-C is for the demo, which ends its servers one after the other.
            self._process = subprocess.Popen(  # noqa: S603 - servers of the system and of ours, options of ours
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, process_group=0
            )
        ends = time.monotonic() + START_SECONDS
        while not self._listens():
            if self.pid is None or time.monotonic() > ends:
                self.stop()
                raise ServerDidNotStartError(f"{self.name}: {_last_line(path)}")
            time.sleep(_STEP_SECONDS)

    def stop(self) -> None:
        """End it, also when it is paused."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self._port)) == 0


class DatabaseServer:
    """A PostgreSQL server: several processes, so that no one signal pauses it. It has one database for the demo."""

    can_pause = False

    def __init__(self, name: str, postgres: PostgresServer, fill: Callable[[str], None]) -> None:
        """Name it; nothing is started yet. ``fill`` makes the tables at the address of the database."""
        self.name, self.address = name, f"postgresql://{HOST}:{postgres.port}"
        self.database: str | None = None
        self._postgres, self._fill = postgres, fill

    @property
    def pid(self) -> int | None:
        """The number of its first process; None: it does not run."""
        return self._postgres.pid

    def start(self) -> None:
        """Start it, and wait until it answers; the first time, make and fill its database.

        Raises:
            ServerDidNotStartError: it does not, or takes no database.

        """
        try:
            self._postgres.start(START_SECONDS)
            if self.database is None:
                address = self._postgres.new_database()
                self._fill(address)
                self.database = address
        except RuntimeError as error:
            self.stop()
            raise ServerDidNotStartError(f"{self.name}: {str(error).strip()}") from error

    def stop(self) -> None:
        """End it, also when it is paused: questions under way are broken off, and what was committed is kept.

        Nothing is raised: where it does not stop in order, it is ended as by a power cut, and at last killed.
        """
        with suppress(OSError):
            _signal(self, signal.SIGCONT, ServerState.RUNNING)
        for mode in ("fast", "immediate"):
            if read_state(self) is ServerState.STOPPED:
                return
            with suppress(RuntimeError, OSError):
                self._postgres.stop(mode, STOP_SECONDS)
        with suppress(OSError):
            _signal(self, signal.SIGKILL, ServerState.STOPPED)


def read_state(server: Numbered) -> ServerState:
    """Return how it stands, whoever paused or ended it."""
    pid = server.pid
    if pid is None:
        return ServerState.STOPPED
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ServerState.STOPPED
    letter = stat.rpartition(")")[2].split()[0]  # behind the name of the program, which may hold anything
    if letter in _GONE:
        return ServerState.STOPPED
    return ServerState.PAUSED if letter in _STOPPED_BY_SIGNAL else ServerState.RUNNING


def select_actions(server: Server) -> tuple[Action, ...]:
    """Return what makes sense to do to it now."""
    match read_state(server):
        case ServerState.STOPPED:
            return (Action.START,)
        case ServerState.PAUSED:
            return (Action.CONTINUE, Action.STOP)
        case ServerState.RUNNING:
            return (Action.STOP, Action.RESTART, *((Action.PAUSE,) if server.can_pause else ()))


def act(server: Server, action: Action) -> None:
    """Do it to a server for which it makes sense now (`select_actions`).

    Raises:
        ServerDidNotStartError: it should start, and did not.

    """
    match action:
        case Action.STOP:
            server.stop()
        case Action.START:
            server.start()
        case Action.RESTART:
            server.stop()
            server.start()
        case Action.PAUSE:
            _signal(server, signal.SIGSTOP, ServerState.PAUSED)
        case Action.CONTINUE:
            _signal(server, signal.SIGCONT, ServerState.RUNNING)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _signal(server: Server, number: signal.Signals, then: ServerState) -> None:
    """Send it a signal where it runs, and wait a little until it stands as it should then."""
    pid = server.pid
    if pid is None or read_state(server) is ServerState.STOPPED:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    ends = time.monotonic() + SIGNAL_SECONDS
    while read_state(server) not in {then, ServerState.STOPPED} and time.monotonic() < ends:
        time.sleep(_STEP_SECONDS)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else f"see {log}"
