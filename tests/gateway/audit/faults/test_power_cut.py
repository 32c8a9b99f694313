"""Power that fails at any moment: whatever the disk kept of what was not synced, the log goes on with all it told."""

import errno
import shutil
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from tests.support.disk_faults import (
    FEW_PAGES,
    MANY_PAGES,
    Calls,
    FaultyDisk,
    How,
    Run,
    Told,
    parse_told,
    verify_goes_on,
)
from tests.support.power_cut import Disk, Kept, Record, read_records, restore

STEP = 13  # records from one cut to the next, in the quick suite


def record(disk: FaultyDisk, place: Path, runs: Iterable[dict[str, object]]) -> list[Record]:
    """Have a log written by one process after the other, and return what its disk was asked to do."""
    folder, path = place / "site", place / "record"
    shutil.rmtree(folder, ignore_errors=True)
    path.unlink(missing_ok=True)
    folder.mkdir()
    for number, changes in enumerate(runs):
        disk.run(Run(folder=folder, log=folder / "2026h2", record=path, first=100 * number, **changes))  # type: ignore[arg-type]  # fields of a run
    return read_records(path)


def told_in(records: Sequence[Record]) -> Sequence[Told]:
    return parse_told([one.data.decode().strip() for one in records if one.call == "told"]).told


def cut_power(place: Path, records: Sequence[Record], cuts: Iterable[int], kept: Iterable[Kept]) -> None:
    """Verify that the log goes on from what the disk has after each of these numbers of calls."""
    ways = list(kept)
    for cut in cuts:
        told = told_in(records[:cut])
        for way in ways:
            left = Disk(Random(f"{cut} {way}"))
            left.play(records[:cut])
            folder = place / "left"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            restore(left.cut(way), folder)
            verify_goes_on(folder / "2026h2", told)


@pytest.mark.parametrize("pages", [FEW_PAGES, MANY_PAGES])
def test_power_may_fail_at_some_moments(disk: FaultyDisk, place: Path, pages: int) -> None:
    """A log that is made, written, closed, opened and written again loses nothing that it told."""
    records = record(disk, place, [{"pages": pages}, {"pages": pages, "close": False}])
    assert len(told_in(records)) == 14
    cut_power(place, records, range(pages % STEP, len(records) + 1, STEP), Kept)


@pytest.mark.slow
@pytest.mark.parametrize("pages", [FEW_PAGES, MANY_PAGES])
def test_power_may_fail_at_any_moment(disk: FaultyDisk, place: Path, pages: int) -> None:
    """The same after every call."""
    records = record(disk, place, [{"pages": pages}, {"pages": pages, "close": False}])
    cut_power(place, records, range(len(records) + 1), chain(Kept, Kept))


KEY = "keys/wrapping.key"


def test_power_may_fail_behind_a_secret(disk: FaultyDisk, place: Path) -> None:
    """A secret that was handed out is on disk, under its name, whoever made it and whenever power fails."""
    made = {"secret": KEY, "batches": (1,)}
    died = {"how": How.KILL_AFTER, "calls": Calls.NAME, "ending": KEY, "at": 1}  # it has its name, and no sync yet
    for runs in ([made], [made | died, made]):
        records = record(disk, place, runs)
        told = [at for at, one in enumerate(records, 1) if one.call == "told" and one.data.startswith(b"secret ")]
        secret = records[told[-1] - 1].data.split()[1]
        for cut in range(told[0], len(records) + 1):
            for way in Kept:
                left = Disk(Random(f"{cut} {way}"))
                left.play(records[:cut])
                assert left.cut(way)[KEY].strip() == secret


JOURNALS = ("log.sqlite-wal", "keys.sqlite-wal")


def after_a_death(disk: FaultyDisk, place: Path, ending: str, at: int) -> tuple[list[Record], int]:
    """Return the calls of a process that was killed before a sync, and of the next one, and where that begins."""
    runs: list[dict[str, object]] = [
        {"how": How.KILL_BEFORE, "calls": Calls.SYNC, "ending": ending, "at": at, "batches": (1, 1, 1, 1)},
        {"batches": (1, 1), "close": False},
    ]
    first = len(record(disk, place, runs[:1]))
    return record(disk, place, runs), first


@pytest.mark.parametrize("at", [5, 6])
def test_power_may_fail_after_a_death(disk: FaultyDisk, place: Path, at: int) -> None:
    """What a process that died left unsynced is on disk before the next one goes on from it, or shows it to others."""
    records, first = after_a_death(disk, place, JOURNALS[0], at)
    cut_power(place, records, range(first, len(records) + 1, 2), (Kept.NOTHING,))


@pytest.mark.slow
@pytest.mark.parametrize("at", range(1, 20))
@pytest.mark.parametrize("ending", [*JOURNALS, "head"])
def test_power_may_fail_after_any_death(disk: FaultyDisk, place: Path, ending: str, at: int) -> None:
    """The same for a death before every sync."""
    records, first = after_a_death(disk, place, ending, at)
    cut_power(place, records, range(max(first - 3, 0), len(records) + 1), Kept)


def after_a_failed_sync(disk: FaultyDisk, place: Path, ending: str, at: int, pages: int) -> list[Record]:
    """Return the calls of a process one sync of which failed, and which died soon after, and of the next one."""
    failing = {"how": How.FAIL_ONCE, "calls": Calls.SYNC, "ending": ending, "errno": errno.EIO, "at": at}
    last = {"pages": pages, "close": False}
    return record(disk, place, [failing | last, {"batches": (1, 1)} | last])


@pytest.mark.parametrize(("ending", "at"), [(JOURNALS[0], 4), (JOURNALS[0], 5), (JOURNALS[1], 2)])
def test_power_may_fail_after_a_failed_sync(disk: FaultyDisk, place: Path, ending: str, at: int) -> None:
    """What the system forgot to write, and reading still shows, is written again before anything is put behind it."""
    records = after_a_failed_sync(disk, place, ending, at, MANY_PAGES)
    cut_power(place, records, range(at, len(records) + 1, STEP // 2), (Kept.NOTHING,))


@pytest.mark.slow
@pytest.mark.parametrize("pages", [FEW_PAGES, MANY_PAGES])
@pytest.mark.parametrize("at", range(1, 14))
@pytest.mark.parametrize("ending", [*JOURNALS, "log.sqlite", "keys.sqlite", "head", "2026h2"])
def test_power_may_fail_after_any_failed_sync(disk: FaultyDisk, place: Path, ending: str, at: int, pages: int) -> None:
    """The same for every sync of every file, and of their folder."""
    records = after_a_failed_sync(disk, place, ending, at, pages)
    cut_power(place, records, range(at % 9, len(records) + 1, 9), Kept)
