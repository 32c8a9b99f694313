"""Starting again: after a death at each step, after damage to each stored thing, and after somebody meddled."""

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.head import DAMAGED_HEAD, SLOT_SIZE, Head, HeadFile, encode_slot, parse_slot
from gateway.audit.leaf import parse_leaf
from gateway.audit.log import AccessLog
from gateway.audit.private import PrivatePartError
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from tests.support.audit import ORIGIN, make_draft, opened, sqlite_setup, verify_log, verify_receipt

ROOT = Path(__file__).resolve().parents[3]
COUNT = 20  # entries, of which the first 16 lie together


def fill(folder: Path, count: int = COUNT, *, first: int = 0) -> None:
    """Append entries to the log of a folder, one batch each."""

    async def append(log: AccessLog) -> None:
        for number in range(first, first + count):
            await log.append(make_draft(number, caller=f"c{number % 3}"))

    with opened(sqlite_setup(folder)) as log:
        asyncio.run(append(log))


def refusal(folder: Path, **changes: object) -> Unavailable:
    """Return why the log of a folder does not start."""
    with pytest.raises(LogUnavailableError) as caught:
        AccessLog(sqlite_setup(folder, **changes))
    return caught.value.reason


def change(folder: Path, statement: str, file: str = "log.sqlite") -> None:
    with closing(sqlite3.connect(folder / file, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount > 0


# --- death ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "told", "kept"),
    # Up to the insertion the third entry is gone; from the commit on it is there. Whoever is told of it may hear it.
    [(1, {2}, {2}), (2, {2}, {2}), (3, {2}, {2}), (4, {2}, {2}), (5, {2}, {3}), (6, {2, 3}, {3}), (7, {2, 3}, {3})],
)
def test_after_a_death_at_a_step(tmp_path: Path, step: int, told: set[int], kept: set[int]) -> None:
    """What was acknowledged is there, nothing is there twice, and the start finds what the sequencer says."""
    ended = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.support.audit", str(tmp_path), str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    receipts = [line.split() for line in ended.stdout.splitlines()]
    assert len(receipts) in told
    with opened(sqlite_setup(tmp_path)) as log:
        size = verify_log(log)
        assert size in kept
        for number, (index, seq, hashed, checkpoint) in enumerate(receipts):
            signed = bytes.fromhex(checkpoint)
            receipt = Receipt(
                log=ORIGIN, index=int(index), leaf_hash=bytes.fromhex(hashed), checkpoint=signed, seq=int(seq)
            )
            # The salts of the dead process are gone with it: the entry is told by its request, and by its own parts.
            leaf, part = parse_leaf(log.leaf(int(index))).content, log.private(int(index))
            assert part is not None
            assert leaf.req == make_draft(number).leaf.req
            verify_receipt(log, receipt, EntryDraft(leaf=leaf, private=part.part))
        assert asyncio.run(log.append(make_draft(999))).index == size
        assert verify_log(log) == size + 1


# --- damage -----------------------------------------------------------------------------------------------------------

DAMAGES = {
    "size": "UPDATE head SET size = size - 1",
    "time": "UPDATE head SET t = t - 1",
    "root": "UPDATE head SET root = zeroblob(32)",
    "type": "UPDATE head SET size = 'x'",
    "checkpoint": "UPDATE head SET checkpoint = replace(checkpoint, 'a', 'b')",
    "tile": "UPDATE entries SET hashes = CAST(x'01' || substr(hashes, 2) AS BLOB) WHERE first = 17",
    "short tile": "UPDATE entries SET hashes = substr(hashes, 33) WHERE first = 17",
    "odd tile": "UPDATE entries SET hashes = substr(hashes, 2) WHERE first = 17",
    "leaves": "UPDATE entries SET leaves = CAST(x'00' || substr(leaves, 2) AS BLOB) WHERE first = 17",
    "leaves together": "UPDATE entries SET leaves = CAST(x'00' || substr(leaves, 2) AS BLOB) WHERE first = 0",
    "tile together": "UPDATE entries SET hashes = substr(hashes, 33) WHERE first = 0",
    "no entry": "DELETE FROM entries WHERE first = 17",
    "number": "UPDATE seqs SET seq = seq + 1 WHERE caller = 'c1'",
    "caller": "UPDATE seqs SET caller = 'c7' WHERE caller = 'c1'",
    "no caller": "DELETE FROM seqs WHERE caller = 'c1'",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_at_the_start(tmp_path: Path, damage: str) -> None:
    """Whatever the log goes on from is held against its signature."""
    fill(tmp_path)
    change(tmp_path, DAMAGES[damage])
    assert refusal(tmp_path) is Unavailable.CORRUPT


def test_damage_of_private_parts_is_noticed_when_they_are_read(tmp_path: Path) -> None:
    """A changed private part and a changed key each raise their own error, and the log goes on."""
    fill(tmp_path)
    change(
        tmp_path,
        "UPDATE entries SET privates = CAST(substr(privates, 1, length(privates) - 2) || x'0000' AS BLOB)"
        " WHERE first = 17",
    )
    change(tmp_path, "UPDATE entries SET privates = CAST(x'00' || privates AS BLOB) WHERE first = 18")
    change(
        tmp_path,
        "UPDATE data_keys SET wrapped = CAST(substr(wrapped, 1, 2) || zeroblob(60) || substr(wrapped, 63) AS BLOB)"
        " WHERE first = 1",
        "keys.sqlite",
    )
    with opened(sqlite_setup(tmp_path)) as log:
        with pytest.raises(PrivatePartError):
            log.private(17)
        with pytest.raises(LogUnavailableError):
            log.private(18)
        with pytest.raises(LogUnavailableError):
            log.private(0)
        assert verify_log(log) == COUNT


def test_a_file_of_another_kind_is_no_log(tmp_path: Path) -> None:
    """Neither another database nor other bytes are taken for a log."""
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as connection:
        connection.execute("CREATE TABLE other (x)")
    assert refusal(tmp_path) is Unavailable.CORRUPT
    (tmp_path / "log.sqlite").write_bytes(b"no database at all" * 100)
    assert refusal(tmp_path) is Unavailable.CORRUPT


def test_every_changed_byte_of_the_head_file_is_noticed() -> None:
    """A slot with a changed byte is no slot."""
    slot = encode_slot(Head(origin=ORIGIN, size=7, root=b"r" * 32))
    for at in range(SLOT_SIZE):
        broken = bytearray(slot)
        broken[at] ^= 1
        assert parse_slot(bytes(broken)) is None
    assert parse_slot(slot) == Head(origin=ORIGIN, size=7, root=b"r" * 32)


@pytest.mark.parametrize("cut", [1, 40, 100, 511])
def test_a_write_of_the_head_that_was_cut_short_leaves_the_one_before(
    tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The log starts from the other slot, and a line says that one is damaged."""
    fill(tmp_path)
    path = tmp_path / "head"
    data = bytearray(path.read_bytes())
    heads = [parse_slot(bytes(data[at : at + SLOT_SIZE])) for at in (0, SLOT_SIZE)]
    latest = max((0, 1), key=lambda place: heads[place].size if heads[place] else -1)  # type: ignore[union-attr]  # tested
    start = latest * SLOT_SIZE
    data[start + cut : start + SLOT_SIZE] = b"\xff" * (SLOT_SIZE - cut)
    path.write_bytes(data)
    with opened(sqlite_setup(tmp_path)) as log:
        assert DAMAGED_HEAD in caplog.text
        assert verify_log(log) == COUNT
    caplog.clear()
    with opened(sqlite_setup(tmp_path)):
        assert caplog.text == ""


def test_a_head_file_without_a_whole_slot_stops_the_log(tmp_path: Path) -> None:
    """Neither damage to both slots nor an emptied file nor a missing one is passed over."""
    fill(tmp_path, 300)
    path = tmp_path / "head"
    for content in (b"\xff" * 1024, b"", bytes(1024)):
        path.write_bytes(content)
        assert refusal(tmp_path) is Unavailable.HEAD_UNREADABLE
    path.unlink()
    assert refusal(tmp_path) is Unavailable.HEAD_LOST
    path.mkdir()
    assert refusal(tmp_path) is Unavailable.HEAD_UNREADABLE


# --- meddling ---------------------------------------------------------------------------------------------------------


def test_a_restored_backup_is_refused(tmp_path: Path) -> None:
    """A store older than what was acknowledged does not start, not even an empty one."""
    fill(tmp_path)
    shutil.copy(tmp_path / "log.sqlite", tmp_path / "backup")
    fill(tmp_path, 1, first=COUNT)
    (tmp_path / "log.sqlite").write_bytes((tmp_path / "backup").read_bytes())
    assert refusal(tmp_path) is Unavailable.RESTORED_BACKUP
    for path in tmp_path.glob("log.sqlite*"):
        path.unlink()
    assert refusal(tmp_path) is Unavailable.RESTORED_BACKUP


def test_a_fork_is_refused(tmp_path: Path) -> None:
    """A store that is as long or longer, and tells another history, does not start."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    fill(tmp_path / "a")
    fill(tmp_path / "b", COUNT + 5, first=1)
    shutil.copy(tmp_path / "a" / "head", tmp_path / "b" / "head")
    assert refusal(tmp_path / "b") is Unavailable.FORKED


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    """While a log is open, nobody else opens it."""
    with opened(sqlite_setup(tmp_path)):
        assert refusal(tmp_path) is Unavailable.SECOND_WRITER
    fill(tmp_path, 1)


def test_a_log_of_another_name_is_refused(tmp_path: Path) -> None:
    """Neither the store nor the second head of another log is gone on from."""
    fill(tmp_path)
    assert refusal(tmp_path, origin="gw.370000/access/2027h1") is Unavailable.OTHER_LOG
    for path in tmp_path.glob("log.sqlite*"):
        path.unlink()
    assert refusal(tmp_path, origin="gw.370000/access/2027h1") is Unavailable.OTHER_LOG


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    """What a newer version wrote is left alone."""
    fill(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert refusal(tmp_path) is Unavailable.NEWER


def test_a_second_head_that_is_behind_is_brought_up_to_date(tmp_path: Path) -> None:
    """A death between the commit and the second head leaves it behind; the next start writes it."""
    fill(tmp_path)
    before = (tmp_path / "head").read_bytes()
    fill(tmp_path, 2, first=COUNT)
    (tmp_path / "head").write_bytes(before)
    with opened(sqlite_setup(tmp_path)) as log:
        assert verify_log(log) == COUNT + 2
    with closing(HeadFile(tmp_path / "head", create=False)) as head:
        assert head.head is not None
        assert head.head.size == COUNT + 2


# --- a disk that is full, a store that is locked ----------------------------------------------------------------------


def attempt(log: AccessLog, number: int) -> Unavailable | None:
    """Append an entry and return why it was refused; None: it was taken."""
    try:
        asyncio.run(log.append(make_draft(number)))
    except LogUnavailableError as error:
        return error.reason
    return None


@pytest.mark.parametrize("stop", [False, True])
def test_a_file_that_may_not_grow_refuses_and_loses_nothing(tmp_path: Path, *, stop: bool) -> None:
    """At the limit of its files the log refuses; with room again it goes on, in the same process or the next."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(sqlite_setup(tmp_path)) as log:
        taken = [number for number in range(5) if attempt(log, number) is None]
        largest = max(path.stat().st_size for path in tmp_path.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 50_000, hard))
        try:
            reasons = [attempt(log, number) for number in range(5, 60)]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert set(reasons) - {None} <= {Unavailable.WRITE_FAILED, Unavailable.DISK_FULL}
        assert reasons[-1] is not None
        if not stop:
            assert attempt(log, 99) is None
            assert verify_log(log) >= len(taken) + reasons.count(None) + 1
    with opened(sqlite_setup(tmp_path)) as log:
        assert verify_log(log) >= len(taken) + reasons.count(None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """On a full file system the log refuses; with room again it goes on by itself."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(  # noqa: S603 - a place of ours
        ["/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        ballast = place / "ballast"
        with opened(sqlite_setup(place)) as log:
            assert attempt(log, 0) is None
            with ballast.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    if not os.statvfs(place).f_bavail:
                        break
            reasons = [attempt(log, number) for number in range(1, 400)]
            assert set(reasons) - {None} <= {Unavailable.DISK_FULL, Unavailable.WRITE_FAILED}
            assert reasons[-1] is not None
            ballast.unlink()
            assert attempt(log, 999) is None
            assert verify_log(log) >= 2 + reasons.count(None)
    finally:
        subprocess.run(["/bin/umount", str(place)], check=True)  # noqa: S603 - a place of ours


def test_a_locked_database_refuses_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody else holds the lock nothing is taken; afterwards everything is."""
    monkeypatch.setattr("gateway.audit.store.sqlite_file.BUSY_SECONDS", 0.05)
    with opened(sqlite_setup(tmp_path)) as log:
        assert attempt(log, 0) is None
        with closing(sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert attempt(log, 1) is Unavailable.LOCKED
            other.execute("ROLLBACK")
        assert attempt(log, 2) is None
        assert verify_log(log) == 2


def test_somebody_who_writes_in_between_stops_the_log(tmp_path: Path) -> None:
    """A head that changed under the log is a second writer, and the log stops for good."""
    with opened(sqlite_setup(tmp_path)) as log:
        assert attempt(log, 0) is None
        change(tmp_path, "UPDATE head SET t = t + 1")
        assert attempt(log, 1) is Unavailable.SECOND_WRITER
        assert attempt(log, 2) is Unavailable.SECOND_WRITER
        assert log.stopped is not None


def test_a_read_only_place_refuses(tmp_path: Path) -> None:
    """A store that may only be read takes nothing, and does not lose what it has."""
    fill(tmp_path)

    class ReadOnlyStore(SqliteStore):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self._writer._connection.execute("PRAGMA query_only = ON")

    stores = iter([ReadOnlyStore(tmp_path / "log.sqlite")])
    with opened(sqlite_setup(tmp_path, open_store=lambda: next(stores))) as log:
        assert attempt(log, 1) is Unavailable.READ_ONLY
        assert attempt(log, 1) is None  # reconnected, and writable
    with opened(sqlite_setup(tmp_path)) as log:
        assert verify_log(log) == COUNT + 1


def test_receipts_hold_after_every_restart(tmp_path: Path) -> None:
    """A receipt verifies against the log as it is after each restart, across full tiles."""
    kept = []
    for start in range(0, 600, 200):
        drafts = [make_draft(number) for number in range(start, start + 200)]

        async def append(log: AccessLog, drafts: list = drafts) -> list:  # type: ignore[type-arg]  # of its callers
            return await asyncio.gather(*map(log.append, drafts))

        with opened(sqlite_setup(tmp_path)) as log:
            kept += list(zip(asyncio.run(append(log)), drafts, strict=True))
            for receipt, draft in kept:
                verify_receipt(log, receipt, draft)
