"""Runs of a process whose files meet faults: it is killed at a call, a call fails, or all calls are recorded."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from pathlib import Path

import pytest

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.leaf import parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.unavailable import Unavailable
from tests.support.audit import ORIGIN, make_draft, opened, sqlite_setup, verify_log, verify_receipt

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).with_suffix(".c")
MANY_PAGES = 4_000  # a short run carries nothing over before its end
FEW_PAGES = 12  # every batch or two


class How(IntEnum):
    """What happens at the call; the numbers are those of ``disk_faults.c``."""

    RECORD = 0
    KILL_BEFORE = 1
    KILL_HALF = 2
    KILL_AFTER = 3
    FAIL_ONCE = 4
    FAIL_FROM = 5


class Calls(IntFlag):
    """Kinds of calls; the numbers are those of ``disk_faults.c``."""

    MAKE = 1
    WRITE = 2
    CUT = 4
    SYNC = 8
    NAME = 16
    ALL = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the process: its faults, and what it appends. ``log`` is a folder in ``folder``, or that itself."""

    folder: Path
    log: Path
    how: How = How.RECORD
    at: int = 0
    errno: int = 0
    calls: Calls = Calls.ALL
    ending: str = ""  # of the names whose calls count
    record: Path | None = None
    batches: Sequence[int] = (1, 2, 1, 3)
    first: int = 0
    pages: int = MANY_PAGES
    close: bool = True
    secret: str = ""  # a file in ``folder``: the secret in it is made and told before the log is opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A receipt that left the process, and the number of the entry that it is for."""

    number: int
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a run told before it ended; ``refused`` goes by entries, ``stopped`` is why the log did not open."""

    code: int
    told: Sequence[Told] = ()
    refused: Mapping[int, Unavailable] = field(default_factory=dict)
    stopped: Unavailable | None = None
    calls: int | None = None


@dataclass(slots=True)
class FaultyDisk:
    """The process that writes."""

    process: "subprocess.Popen[str]"
    runs: int = field(default=0)

    def run(self, run: Run) -> Ended:
        """Have the process write a log."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        plan = {name: getattr(run, name) for name in run.__slots__}
        plan |= {"folder": str(run.folder), "log": str(run.log), "record": str(run.record or "")}
        self.process.stdin.write(json.dumps(plan) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return parse_told(answer["lines"], answer["code"])


def parse_told(lines: Sequence[str], code: int = 0) -> Ended:
    """Read what a run told."""
    words = [line.split() for line in lines]
    stopped = [Unavailable(line[1]) for line in words if line[0] == "stopped"]
    calls = [int(line[1]) for line in words if line[0] == "calls"]
    return Ended(
        code=code,
        told=tuple(_parse_receipt(line[1:]) for line in words if line[0] == "told"),
        refused={int(line[1]): Unavailable(line[2]) for line in words if line[0] == "refused"},
        stopped=stopped[0] if stopped else None,
        calls=calls[0] if calls else None,
    )


def _parse_receipt(words: Sequence[str]) -> Told:
    number, index, seq, hashed, checkpoint = words
    receipt = Receipt(
        log=ORIGIN,
        index=int(index),
        leaf_hash=bytes.fromhex(hashed),
        checkpoint=bytes.fromhex(checkpoint),
        seq=int(seq),
    )
    return Told(number=int(number), receipt=receipt)


def verify_told(log: AccessLog, told: Sequence[Told]) -> None:
    """Verify that the log has every entry that was told, once, and goes on from what each receipt says."""
    assert len({one.receipt.index for one in told}) == len(told)
    for one in told:
        leaf, part = parse_leaf(log.leaf(one.receipt.index)).content, log.private(one.receipt.index)
        assert leaf.req == make_draft(one.number).leaf.req
        assert part is not None
        assert (part.subject_erased, part.official_erased) == (False, False)
        # The salts of the process are gone with it: the entry is told by its request, and by its own parts.
        verify_receipt(log, one.receipt, EntryDraft(leaf=leaf, private=part.part))


@contextmanager
def running_disk(folder: Path) -> Iterator[FaultyDisk]:
    """Run the process as long as the block; skip where there is no C compiler, but fail when CI is set."""
    library = build_library(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.disk_writer"],
        cwd=ROOT,
        env=os.environ | {"LD_PRELOAD": str(library)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield FaultyDisk(process)
        assert process.stdin is not None
        process.stdin.close()


def build_library(folder: Path) -> Path:
    """Compile ``disk_faults.c`` into a folder."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        if os.environ.get("CI"):
            pytest.fail("a C compiler on Linux is needed (apt-get install gcc libc6-dev)")
        pytest.skip("there is no C compiler (apt-get install gcc libc6-dev)")
    library = folder / "disk_faults.so"
    flags = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread")
    subprocess.run([compiler, *flags, "-o", str(library), str(SOURCE)], check=True)  # noqa: S603 - our own source
    return library


def verify_goes_on(folder: Path, told: Sequence[Told]) -> None:
    """Verify that the log of a folder opens, has what was told, and takes another entry."""
    with opened(sqlite_setup(folder)) as log:
        size = verify_log(log)
        verify_told(log, told)
        assert asyncio.run(log.append(make_draft(size, caller="c0"))).index == size
        assert verify_log(log) == size + 1
