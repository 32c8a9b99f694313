"""What a process was started with: streams that are closed, and signals that come before it can take them."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import ROOT

LOOKS = """
import os, sys
from gateway.beginning import open_streams
open_streams()
print("said", file=sys.stderr)
open(sys.argv[1], "w").write(" ".join([
    *(os.readlink(f"/proc/self/fd/{number}") for number in (0, 1, 2)),
    *(str(os.get_inheritable(number)) for number in (0, 1, 2)),
    str(os.open("/dev/zero", os.O_RDONLY) > 2),
]))
"""
BEGINS = """
import os, signal, sys
from gateway.beginning import begin, end_of_beginning
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores them
signal.signal(signal.SIGHUP, signal.SIG_DFL)
begin()
for name in sys.argv[2:]:
    os.kill(os.getpid(), signal.Signals[name])
print(*sorted(one.name for one in signal.sigpending()))
end_of_beginning()
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_streams_that_are_closed_are_opened(tmp_path: Path) -> None:
    """No file and no socket becomes standard error of a process, its children, or the program that it becomes."""
    found = tmp_path / "found"
    words = 'exec "$0" -c "$1" "$2" <&- >&- 2>&-'
    subprocess.run(["/bin/sh", "-c", words, sys.executable, LOOKS, str(found)], cwd=ROOT, check=True)  # noqa: S603 - our own
    assert found.read_text().split() == ["/dev/null"] * 3 + ["True"] * 4


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("serve", "SIGHUP", "SIGUSR2", "SIGINT"), 0, "SIGHUP SIGINT SIGUSR2\nTrue\n"),
        (("verify",), 0, "\nTrue\n"),
        (("verify", "SIGINT"), -signal.SIGINT, ""),
        (("verify", "SIGHUP"), -signal.SIGHUP, ""),
    ],
    ids=["serve", "no signal", "interrupt", "terminal gone"],
)
def test_signals_that_come_early(words: tuple[str, ...], code: int, said: str) -> None:
    """What serves keeps them until it can take them; every other command ends, without a traceback."""
    command = [sys.executable, "-c", BEGINS, *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, said, "")
