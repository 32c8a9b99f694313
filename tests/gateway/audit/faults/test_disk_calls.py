"""A process that dies at a call, or whose call fails: each call that changes its files, one run for each."""

import errno
import shutil
from pathlib import Path

import pytest

from gateway.audit.unavailable import ADVICE, Unavailable
from tests.support.disk_faults import FEW_PAGES, MANY_PAGES, Calls, Ended, FaultyDisk, How, Run, verify_goes_on

KILLS = (How.KILL_BEFORE, How.KILL_HALF, How.KILL_AFTER)
FAILURES = (How.FAIL_ONCE, How.FAIL_FROM)
NUMBERS = (errno.ENOSPC, errno.EROFS, errno.EIO)
BATCHES = (1, 2, 1, 1, 1, 1)
STEP = 23  # calls from one tried to the next, in the quick suite
DIES = -9
# Of one call that failed: what the log says of it, to whoever waited or at its start.
SAYS = {
    errno.ENOSPC: {Unavailable.DISK_FULL, Unavailable.WRITE_FAILED, Unavailable.UNUSABLE, Unavailable.SYNC_FAILED},
    errno.EROFS: {Unavailable.READ_ONLY, Unavailable.WRITE_FAILED, Unavailable.UNUSABLE, Unavailable.SYNC_FAILED},
    errno.EIO: {
        *(Unavailable.WRITE_FAILED, Unavailable.UNUSABLE, Unavailable.SYNC_FAILED),
        *(Unavailable.HEAD_UNREADABLE, Unavailable.LOCKED),
    },
}


def run_at(disk: FaultyDisk, place: Path, how: How, at: int, number: int = 0, *, pages: int = FEW_PAGES) -> Ended:
    """Have a new log written with a fault at a call, and verify that it goes on afterwards with all that was told."""
    folder = place / "site"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    log = folder / "2026h2"
    ended = disk.run(Run(folder=folder, log=log, how=how, at=at, errno=number, batches=BATCHES, pages=pages))
    verify_goes_on(log, ended.told)
    return ended


def kill_everywhere(disk: FaultyDisk, place: Path, how: How, *, first: int, step: int, pages: int) -> None:
    """Kill the process at one call after the other, until it ends by itself."""
    at, ended = first, run_at(disk, place, how, first, pages=pages)
    while ended.code == DIES:
        at += step
        ended = run_at(disk, place, how, at, pages=pages)
    assert ended.code == 0
    assert len(ended.told) == sum(BATCHES)
    assert ended.calls is not None
    assert ended.calls < at


@pytest.mark.parametrize("how", KILLS)
def test_a_death_at_some_calls_loses_nothing(disk: FaultyDisk, place: Path, how: How) -> None:
    """Whatever was told is there, once, and the log goes on by itself."""
    kill_everywhere(disk, place, how, first=5 + how, step=STEP, pages=FEW_PAGES)


@pytest.mark.slow
@pytest.mark.parametrize("pages", [FEW_PAGES, MANY_PAGES])
@pytest.mark.parametrize("how", KILLS)
def test_a_death_at_any_call_loses_nothing(disk: FaultyDisk, place: Path, how: How, pages: int) -> None:
    """The same at every call, with and without the journal being carried over in between."""
    kill_everywhere(disk, place, how, first=1, step=1, pages=pages)


def fail_everywhere(disk: FaultyDisk, place: Path, how: How, number: int, *, first: int, step: int) -> None:
    """Let one call after the other fail, of as many as a run without faults has."""
    calls = run_at(disk, place, How.RECORD, 0).calls
    assert calls is not None
    for at in range(first, calls + 1, step):
        ended = run_at(disk, place, how, at, number)
        assert ended.code == 0, "something else than our own error"
        assert {*ended.refused.values(), *([ended.stopped] if ended.stopped else [])} <= SAYS[number]
        verify_refused(ended)
        if how is How.FAIL_ONCE and all(ADVICE[reason].passes for reason in ended.refused.values()):
            # What passes costs one batch, or also the next one, which waits for the second head.
            assert len(ended.refused) <= BATCHES[0] + BATCHES[1]


def verify_refused(ended: Ended) -> None:
    """Verify that nothing is told after a reason that does not pass."""
    for number, reason in ended.refused.items():
        if not ADVICE[reason].passes:
            assert all(one.number < number for one in ended.told)
            assert all(ended.refused[later] is reason for later in ended.refused if later > number)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("how", FAILURES)
def test_some_calls_that_fail_lose_nothing(disk: FaultyDisk, place: Path, how: How, number: int) -> None:
    """A disk that is full, read-only or broken is refused in our own words, and what was told is there afterwards."""
    fail_everywhere(disk, place, how, number, first=3 + NUMBERS.index(number), step=STEP)


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("how", FAILURES)
def test_any_call_that_fails_loses_nothing(disk: FaultyDisk, place: Path, how: How, number: int) -> None:
    """The same for every call."""
    fail_everywhere(disk, place, how, number, first=1, step=1)


def test_after_a_failed_sync_nothing_is_told(disk: FaultyDisk, place: Path) -> None:
    """Whoever does not know what the disk holds acknowledges nothing any more before somebody looked at it."""
    refused = 0
    for at in range(1, 40):
        folder = place / str(at)
        folder.mkdir()
        log = folder / "2026h2"
        ended = disk.run(Run(folder=folder, log=log, how=How.FAIL_ONCE, at=at, errno=errno.EIO, calls=Calls.SYNC))
        verify_refused(ended)
        refused += Unavailable.SYNC_FAILED in ended.refused.values()
    assert refused >= len(BATCHES)
