"""The rehearsal of a compromise: replace the key, list what it signed, write the notices; each step timed.

The order is the one of a real event: first nobody can sign with the old key here any more, not even a process that
opened it before, then the rest. So the list is made when nothing can be added to it.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import BinaryIO, Final

from gateway.own_keys.journal import JournalReading
from gateway.own_keys.keystore import Keystore, StoredKey
from gateway.own_keys.notice import USES_FILE, KeyNotice, encode_notice, write_notice_en, write_notice_zh
from keys.own.file import KeyFile
from keys.own.journal import JournalEntry, encode_entry
from keys.own.record import KeyId, KeyRecord, KeyState, OwnKey, condemn, retire

NOTICE_FILES: Final = ("notice.zh.txt", "notice.en.txt", "notice.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillOrder:
    """What to rehearse; ``is_drill`` False: others may really have the key."""

    old: StoredKey
    since: datetime
    at: datetime
    is_drill: bool


@dataclass(slots=True, kw_only=True)
class DrillReport:
    """What was done, and how long each step took, in seconds."""

    order: DrillOrder
    new: KeyRecord | None = None  # None: a dry run
    reading: JournalReading | None = None
    files: list[Path] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def journal_complete(self) -> bool:
        """Whether everything that was signed since is on the list."""
        return self.reading is not None and self.reading.is_complete(self.order.since)


def rehearse(
    store: Keystore,
    order: DrillOrder,
    *,
    make_key: Callable[[], KeyFile],
    folder: Path,
    progress: Callable[[str, int, int], None] = lambda _step, _done, _all: None,
) -> DrillReport:
    """Do all steps; ``make_key`` makes the new key, unless the old one was replaced already.

    Raises:
        FileExistsError: ``folder`` holds something; nothing was done.
        OSError: the notices cannot be written; the key is replaced by then.
        KeystoreError, OwnKeyError, JournalError: a step failed.

    """
    _check_empty(folder)
    report = DrillReport(order=order)
    # 1. replace
    progress("replace", 0, 1)
    with _timed(report, "replace"):
        report.new = _replace(store, order, make_key)
    progress("replace", 1, 1)
    # 2. list
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _timed(report, "list"), _create(folder / USES_FILE) as file:
        digest = hashlib.sha256()

        def take(entry: JournalEntry) -> None:
            line = encode_entry(entry)
            digest.update(line)
            file.write(line)

        report.reading = _read(store, order, take, progress)
    # 3. notify
    progress("notify", 0, 1)
    with _timed(report, "notify"):
        notice = KeyNotice(
            is_drill=order.is_drill,
            old=order.old.key.record,
            new=report.new,
            since=order.since,
            replaced_at=order.at,
            uses=report.reading.uses,
            uses_sha256=digest.hexdigest(),
            journal_complete=report.journal_complete,
        )
        texts = (write_notice_zh(notice).encode(), write_notice_en(notice).encode(), encode_notice(notice))
        for name, text in zip(NOTICE_FILES, texts, strict=True):
            with _create(folder / name) as file:
                file.write(text)
    progress("notify", 1, 1)
    report.files = [folder / name for name in (USES_FILE, *NOTICE_FILES)]
    return report


def rehearse_dry(
    store: Keystore,
    order: DrillOrder,
    *,
    folder: Path,
    progress: Callable[[str, int, int], None] = lambda _step, _done, _all: None,
) -> DrillReport:
    """Find out what `rehearse` would do, and change nothing.

    Raises:
        FileExistsError: ``folder`` holds something.
        JournalError: the journal cannot be read.

    """
    _check_empty(folder)
    report = DrillReport(order=order)
    with _timed(report, "list"):
        report.reading = _read(store, order, lambda _entry: None, progress)
    report.files = [folder / name for name in (USES_FILE, *NOTICE_FILES)]
    return report


def _replace(store: Keystore, order: DrillOrder, make_key: Callable[[], KeyFile]) -> KeyRecord:
    """Put a new key in the old one's place; of one that was replaced before, the overlap ends."""
    old = order.old
    successor = old.key.state.replaced_by

    def end(key: OwnKey, new: KeyId) -> KeyState:
        if order.is_drill:
            return retire(key, replaced_by=new, signs_until=order.at)
        return condemn(key, replaced_by=new, since=order.since, at=order.at)

    if successor is not None:
        new = store.find(successor).key.record
        store.update(old.id, lambda key: end(key, new.id))
        return new
    file = make_key()
    store.add(file, replacing=old.id, change=lambda key: end(key, file.record.id))
    return file.record


def _read(
    store: Keystore,
    order: DrillOrder,
    take: Callable[[JournalEntry], None],
    progress: Callable[[str, int, int], None],
) -> JournalReading:
    journal = store.journal(order.old.id)
    return journal.read(order.since, take=take, progress=lambda done, total: progress("list", done, total))


def _check_empty(folder: Path) -> None:
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"an empty or new folder was expected, got {folder}")


@contextmanager
def _create(path: Path) -> Iterator[BinaryIO]:
    """Create a file that was not there, and make it durable at the end."""
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _timed(report: DrillReport, step: str) -> Iterator[None]:
    begin = perf_counter()
    yield
    report.seconds[step] = perf_counter() - begin
