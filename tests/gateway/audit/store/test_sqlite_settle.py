"""What a SQLite file says when its journal cannot be written again, or not be put on disk."""

import errno
import os
from pathlib import Path

import pytest

from gateway.audit.store import sqlite_file
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.unavailable import LogUnavailableError, Unavailable


@pytest.mark.parametrize(
    ("call", "number", "reason", "passes"),
    [
        ("pwrite", errno.ENOSPC, Unavailable.DISK_FULL, True),
        ("pwrite", errno.EDQUOT, Unavailable.DISK_FULL, True),
        ("pwrite", errno.EROFS, Unavailable.READ_ONLY, True),
        ("pwrite", errno.EIO, Unavailable.WRITE_FAILED, True),
        ("open", errno.EROFS, Unavailable.READ_ONLY, True),
        ("fsync", errno.ENOSPC, Unavailable.SYNC_FAILED, False),
        ("fsync", errno.EIO, Unavailable.SYNC_FAILED, False),
    ],
)
def test_what_can_be_done_again_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, reason: Unavailable, *, passes: bool
) -> None:
    """A disk without room for writing again stops the log until there is room; one that does not confirm, for good."""
    store = SqliteStore(tmp_path / "log.sqlite")
    store.set_key_check(b"in the journal")
    store.settle()

    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file.os, call, fail)
        with pytest.raises(LogUnavailableError) as refused:
            store.settle()
    assert (refused.value.reason, refused.value.passes) == (reason, passes)
    store.settle()
    store.close()
