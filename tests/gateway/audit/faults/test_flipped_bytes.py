"""One byte that is not what it was, in whatever the log keeps: noticed in our own words, or without consequence.

Noticed means: at the start, when the tree is verified, or when a private part is read. Without consequence means that
all of this reads as before, such as bytes of a page that no row uses. What leads to entries (words and owners, and the
times of batches) is not held against anything here; ``tongban audit check-index`` does that.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from gateway.audit.errors import AuditError
from gateway.audit.head import DAMAGED_HEAD
from gateway.audit.log import AccessLog
from gateway.audit.private import PrivatePartError
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import make_draft, opened, sqlite_setup, verify_log

BATCHES = (1, 3, 30, 1, 1)
PAGE = 4_096
QUICK = 4  # bytes of each page, in the quick suite
THOROUGH = 60


@dataclass(frozen=True, slots=True)
class Reading:
    """What a log says of itself and of each entry; an erased part reads as empty."""

    head: object
    entries: tuple[object, ...]


def append(log: AccessLog) -> None:
    """Append entries in a few batches, two of them by the same caller about the same person."""

    async def together(numbers: range) -> None:
        await asyncio.gather(*(log.append(make_draft(number % 30, caller=f"c{number % 3}")) for number in numbers))

    first = 0
    for count in BATCHES:
        asyncio.run(together(range(first, first + count)))
        first += count


def read_all(log: AccessLog) -> Reading:
    """Read and verify everything; raises what the product raises, and AssertionError where the tree does not hold."""
    verify_log(log)
    entries = [(log.leaf(index), log.private(index)) for index in range(sum(BATCHES))]
    return Reading((log.head(), dict(log.store.seqs())), tuple(entries))


@pytest.fixture
def closed(place: Path) -> Path:
    """Return the folder of a log that was closed."""
    with opened(sqlite_setup(place / "log")) as log:
        append(log)
    return place / "log"


@pytest.fixture
def running(place: Path) -> Path:
    """Return the files of a log as they are while it is open, after its latest entry."""
    with opened(sqlite_setup(place / "open")) as log:
        append(log)
        log.store.head()
        shutil.copytree(place / "open", place / "log", ignore=shutil.ignore_patterns("*-shm"))
    return place / "log"


def flip_each(folder: Path, name: str, places: Iterable[int], judge: Callable[[Path, int], None]) -> None:
    """Flip one bit of each of these bytes, each in a fresh copy of the log."""
    copy = folder.parent / "copy"
    for at in places:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        data = bytearray((copy / name).read_bytes())
        data[at] ^= 1 << at % 8
        (copy / name).write_bytes(data)
        judge(copy, at)


def places_of(path: Path, count: int) -> Iterator[int]:
    """Name some bytes of each page, the first of it among them."""
    size = path.stat().st_size
    random = Random(path.name)
    for page in range(0, size, PAGE):
        end = min(page + PAGE, size)
        yield from sorted({page, *(random.randrange(page, end) for _ in range(count - 1))})


class Judge:
    """Opens a log with a flipped byte, and fails when it reads otherwise and nobody noticed."""

    def __init__(self, folder: Path) -> None:
        copy = folder.parent / "original"
        shutil.copytree(folder, copy)
        with opened(sqlite_setup(copy)) as log:
            self.expected = read_all(log)
        self.noticed = 0
        self.erased = 0

    def __call__(self, folder: Path, at: int) -> None:
        """Judge one."""
        try:
            with opened(sqlite_setup(folder)) as log:
                reading = read_all(log)
        except (LogUnavailableError, AuditError, PrivatePartError, AssertionError):
            self.noticed += 1
            return
        if reading != self.expected:
            assert _only_erased(reading, self.expected), f"byte {at}"
            self.erased += 1


def _only_erased(reading: Reading, expected: Reading) -> bool:
    """Answer whether nothing differs but that keys look erased, which those who own them contradict."""
    return reading.head == expected.head and all(
        mine == theirs or (mine[0] == theirs[0] and (mine[1].subject_erased or mine[1].official_erased))  # type: ignore[index]  # pairs
        for mine, theirs in zip(reading.entries, expected.entries, strict=True)
    )


@pytest.mark.parametrize("name", ["log.sqlite", "keys.sqlite"])
def test_a_flipped_byte_of_a_file_is_noticed(closed: Path, name: str) -> None:
    """Whatever page it is in, the log stops, the tree or a private part does not verify, or nothing reads otherwise."""
    judge = Judge(closed)
    flip_each(closed, name, places_of(closed / name, QUICK), judge)
    assert judge.noticed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log.sqlite", "keys.sqlite"])
def test_many_flipped_bytes_of_a_file_are_noticed(closed: Path, name: str) -> None:
    """The same for many bytes of each page."""
    judge = Judge(closed)
    flip_each(closed, name, places_of(closed / name, THOROUGH), judge)
    assert judge.noticed


@pytest.mark.parametrize("name", ["log.sqlite-wal", "keys.sqlite-wal"])
def test_a_flipped_byte_of_a_journal_is_noticed(running: Path, name: str) -> None:
    """A journal ends where its sums end to match; the second head knows what was behind that."""
    judge = Judge(running)
    flip_each(running, name, places_of(running / name, 2), judge)
    assert judge.noticed


def test_a_flipped_byte_of_the_second_head_is_noticed(closed: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line says that one slot is damaged, or the log does not start."""

    def judge(folder: Path, at: int) -> None:
        caplog.clear()
        with opened(sqlite_setup(folder)) as log:
            assert DAMAGED_HEAD in caplog.text, f"byte {at}"
            assert verify_log(log) == sum(BATCHES)

    flip_each(closed, "head", places_of(closed / "head", 60), judge)


def test_a_key_table_from_a_backup_is_refused(closed: Path, place: Path) -> None:
    """An older table would give numbers a second time that entries use; an empty one would too."""
    shutil.copytree(closed, place / "backup")
    with opened(sqlite_setup(closed)) as log:
        asyncio.run(log.append(make_draft(900)))
    shutil.copy(place / "backup" / "keys.sqlite", closed / "keys.sqlite")
    for _ in range(2):
        with pytest.raises(LogUnavailableError) as caught:
            AccessLog(sqlite_setup(closed))
        assert caught.value.reason is Unavailable.RESTORED_BACKUP
        (closed / "keys.sqlite").unlink()
