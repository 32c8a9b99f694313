"""What a process says, where nobody reads it."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.cli import ROOT

SPEAKS = """
import logging, sys
from gateway import request_log
from gateway.cli import serve_words
request_log.STOP_SECONDS, serve_words.READER_MILLISECONDS = 0.2, 200
lines = request_log.start_request_log()
logging.getLogger("tongban.requests").info("%s", '{"at":"2026-03-01T04:00:00.000Z"}')
lines.stop()
serve_words.complain("one")
"""
WAITS = """
import os, signal, sys
from gateway.cli.serve_signals import hold_signals, take_signals
if sys.argv[1:] == ["anew"]:
    for number in (signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, lambda number, _: print(signal.Signals(number).name))
    with take_signals():
        sys.exit()
with hold_signals():
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGUSR2)
    os.execv(sys.executable, [*sys.orig_argv, "anew"])
"""


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """Return the end to write to of a pipe that is full, and that nobody reads."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"." * 4096)
    yield writer
    os.close(reader)
    os.close(writer)


def run(code: str, stderr: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(  # noqa: S603 - our own program
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=30, check=False
    )


def test_lines_are_written_before_the_end() -> None:
    """What a process says is all on standard error when it has ended."""
    ended = run(SPEAKS, subprocess.PIPE)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.startswith('{"at":"2026-03-01T04:00:00.000Z"')
    assert ended.stderr.endswith("\ntongban: one\n")


def test_a_full_standard_error_keeps_no_process_from_its_end(full_pipe: int) -> None:
    """Where standard error is full, lines and sentences are lost, and the process ends in good order."""
    assert run(SPEAKS, full_pipe).returncode == 0


def test_signals_wait_for_the_program_that_a_process_becomes() -> None:
    """What is asked of a process while it starts anew ends nothing, and is done once it can be."""
    ended = run(WAITS, subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert sorted(ended.stdout.split()) == [signal.SIGHUP.name, signal.SIGUSR2.name]
