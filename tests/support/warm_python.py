"""A process that has loaded our modules, and becomes a command whenever it is asked: a copy of it for each (fork).

Starting Python and loading some hundred modules takes most of a second of the processor, and the commands under test
a tenth of it. What runs is a process of its own all the same, with its own streams, environment and end.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, TextIO

_MAX_REQUEST: Final = 1 << 20
_PASSED_DESCRIPTORS: Final = 4  # standard input, output, error, and where the end is told


class WarmPython:
    """One such process; used from any thread."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it in ``folder``; commands may change the environment, but not the language."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=folder,
                env=dict(environment),
            )

    def run(
        self, arguments: Sequence[str], *, stdin: bytes, environment: Mapping[str, str], timeout: float
    ) -> tuple[int, bytes, bytes]:
        """Run ``python -m gateway``; return its exit code and what it printed.

        Raises:
            subprocess.TimeoutExpired: it did not end.

        """
        with tempfile.TemporaryFile() as taken, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            taken.write(stdin)
            taken.seek(0)
            ours, theirs = os.pipe()
            with open(ours, "rb", buffering=0) as told:  # noqa: PTH123 - a descriptor
                request = json.dumps({"arguments": list(arguments), "environment": dict(environment)}).encode()
                streams = [taken.fileno(), out.fileno(), err.fileno(), theirs]
                try:
                    socket.send_fds(self._socket, [request], streams)
                finally:
                    os.close(theirs)
                number = int(told.read(16).split()[0])
                if not select.select([told], [], [], timeout)[0]:
                    os.kill(number, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(list(arguments), timeout)
                code = int(told.read(16))
            return code, _whole(out), _whole(err)


@cache
def warm_python(folder: Path, language: str) -> WarmPython:
    """Return the process of this test run for a language, such as "C.UTF-8"."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "COLUMNS"))}
    return WarmPython(folder, {**inherited, "LC_ALL": language})


def _whole(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


# --- the process ------------------------------------------------------------------------------------------------------


def _serve(requests: socket.socket) -> None:
    """Become a command for each request until nobody is left who asks."""
    _load()
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}  # where the end of a process is told
    while True:
        ready, _, _ = select.select([requests, awake], [], [])
        if awake in ready:
            os.read(awake, 4096)
            _tell_ended(running)
        if requests in ready:
            message, descriptors, _, _ = socket.recv_fds(requests, _MAX_REQUEST, _PASSED_DESCRIPTORS)
            if not message:
                return
            *streams, told = descriptors
            number = os.fork()
            if number == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for inherited in (requests.detach(), awake, wake, told, *running.values()):
                    os.close(inherited)
                _become(json.loads(message), streams)
            os.write(told, b"%15d " % number)
            running[number] = told
            for stream in streams:
                os.close(stream)


def _load() -> None:
    """Load everything that a command may load."""
    for package in ("adapters", "keys", "policies", "gateway"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def _tell_ended(running: dict[int, int]) -> None:
    while running:
        number, status = os.waitpid(-1, os.WNOHANG)
        if number == 0:
            return
        told = running.pop(number)
        with contextlib.suppress(BrokenPipeError):  # nobody waits any more
            os.write(told, b"%16d" % os.waitstatus_to_exitcode(status))
        os.close(told)


def _become(request: dict[str, object], streams: Sequence[int]) -> None:
    """Run the command in this process, as a fresh Python would."""
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    environment = request["environment"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    # As in a fresh process of the C locale in UTF-8 (PEP 538), or of any other in UTF-8.
    errors = "surrogateescape" if environment["LC_ALL"].startswith("C.") else "strict"
    sys.stdin = _open(0, "r", errors)
    sys.stdout = _open(1, "w", errors)
    sys.stderr = _open(2, "w", "backslashreplace")
    arguments = request["arguments"]
    assert isinstance(arguments, list)
    sys.argv = ["gateway", *arguments]
    code = 1
    try:
        runpy.run_module("gateway", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as error:
        code = _exit_code(error)
    except BaseException:  # noqa: BLE001 - as the interpreter's own last word
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _open(descriptor: int, mode: str, errors: str) -> TextIO:
    return open(descriptor, mode, encoding="utf-8", errors=errors, closefd=False)  # type: ignore[return-value]  # of text modes


def _exit_code(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    sys.stderr.write(f"{error.code}\n")
    return 1


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
