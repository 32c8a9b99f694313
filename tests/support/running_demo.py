"""A demo that goes on serving, as whoever types ``tongban demo`` has it, in temporary files of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cli import ROOT, Ended, tongban

LONGEST_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDemo:
    """The process, the address of its gateway, and the folder for temporary files, where nothing else lies."""

    process: subprocess.Popen[str]
    address: str
    place: Path

    @property
    def folder(self) -> Path:
        """The demo's own folder."""
        (found,) = self.place.glob("tongban-demo-*")
        return found

    def run(self, *words: str) -> Ended:
        """Run ``tongban demo …`` in another terminal, for a person."""
        return tongban("demo", *words, "--folder", self.folder)

    def ask(self, *words: str) -> dict[str, Any]:
        """Run it for a program."""
        return self.run(*words, "--json").object

    def servers(self) -> dict[str, dict[str, Any]]:
        """Return how its processes stand."""
        return {one["name"]: one for one in self.ask("servers")["servers"]}

    @staticmethod
    def still_run(servers: dict[str, dict[str, Any]]) -> list[str]:
        """Return which of them run; what ended is listed until whoever inherited it heard of it (Z, proc(5))."""

        def state(pid: int) -> str:
            try:
                return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            except OSError:
                return "X"

        return [name for name, one in servers.items() if state(one["pid"]) not in "ZX"]

    def end(self, number: signal.Signals) -> int:
        """Tell it to stop; return what it ended with."""
        self.process.send_signal(number)
        self.process.communicate(timeout=LONGEST_SECONDS)
        return self.process.returncode


@contextmanager
def running_demo() -> Iterator[RunningDemo]:
    """Run a demo as long as the block."""
    place = Path(tempfile.mkdtemp(prefix="tongban-tests-"))
    place.chmod(0o711)  # where tests run as root, PostgreSQL runs as somebody else and has its folder below
    environment = {**os.environ, "TMPDIR": str(place), "LC_ALL": "C.UTF-8"}
    # A runner in the background ignores these, and a child inherits that.
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGINT)}
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "demo"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    with process:
        try:
            assert process.stdout is not None
            address = next(
                found[1] for line in process.stdout if (found := re.search(r"goes on at (http://\S+)", line))
            )
            yield RunningDemo(process=process, address=address, place=place)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=LONGEST_SECONDS)
            finally:
                process.kill()
                shutil.rmtree(place, ignore_errors=True)
