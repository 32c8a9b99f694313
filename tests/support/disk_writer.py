"""A process that writes a log onto a disk with faults, as often as it is told to, each time in a child of its own.

Started with ``disk_faults.c`` loaded before the C library. A line of JSON is a run: the child arms the faults, opens
the log, appends and closes it; what it tells goes through a pipe, and so outlives it. The answer is a line of JSON.
"""

import asyncio
import base64
import ctypes
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from gateway.audit.entry import Receipt
from gateway.audit.log import AccessLog
from gateway.audit.store import sqlite_file
from gateway.audit.unavailable import LogUnavailableError
from gateway.secret_file import read_or_make_secret
from tests.support.audit import Clock, make_draft, sqlite_setup

FAULTY = 3  # exit code of a child that met something else than our own error


def main() -> None:
    """Answer runs until the end of the input."""
    library = ctypes.CDLL(os.environ["LD_PRELOAD"])
    for line in sys.stdin:
        run = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            _act(library, run, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            lines = pipe.read().splitlines()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"code": os.waitstatus_to_exitcode(status), "lines": lines}) + "\n")
        sys.stdout.flush()


def _act(library: ctypes.CDLL, run: dict[str, Any], told: int) -> None:
    """Do a run and end the process."""
    code = 0
    try:
        sqlite_file.CHECKPOINT_PAGES = run["pages"]
        faults = (run["how"], ctypes.c_long(run["at"]), run["errno"], run["calls"], run["ending"].encode())
        library.disk_faults_arm(run["folder"].encode(), run["record"].encode(), told, *faults)
        _write_log(Path(run["log"]), run, told)
        _tell(told, f"calls {library.disk_faults_count()}")
    except BaseException:  # noqa: BLE001 - whatever it is, the test has to see it
        traceback.print_exc()
        code = FAULTY
    os._exit(code)


def _write_log(folder: Path, run: dict[str, Any], told: int) -> None:
    if run["secret"]:
        secret = read_or_make_secret(Path(run["folder"]) / run["secret"])
        _tell(told, f"secret {base64.b64encode(secret).decode()}")
    try:
        log = AccessLog(sqlite_setup(folder, Clock()))
    except LogUnavailableError as error:
        _tell(told, f"stopped {error.reason}")
        return
    number = run["first"]
    for count in run["batches"]:
        asyncio.run(_append(log, range(number, number + count), told))
        number += count
    if run["close"]:
        log.close()


async def _append(log: AccessLog, numbers: range, told: int) -> None:
    """Append entries at once, and tell what became of each."""
    drafts = [make_draft(number, caller=f"c{number % 2}") for number in numbers]
    outcomes = await asyncio.gather(*map(log.append, drafts), return_exceptions=True)
    for number, outcome in zip(numbers, outcomes, strict=True):
        match outcome:
            case Receipt():
                _tell(told, f"told {number} {outcome.index} {outcome.seq} {outcome.leaf_hash.hex()} "
                            f"{outcome.checkpoint.hex()}")  # fmt: skip
            case LogUnavailableError():
                _tell(told, f"refused {number} {outcome.reason}")
            case BaseException():
                raise outcome


def _tell(told: int, line: str) -> None:
    os.write(told, f"{line}\n".encode())


if __name__ == "__main__":
    main()
