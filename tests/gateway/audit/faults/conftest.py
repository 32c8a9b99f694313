"""A process whose disk has faults, and places on a quick disk."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.disk_faults import FaultyDisk, running_disk

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of ours is made in it; what is synced here is not what is tested


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyDisk]:
    """Return the process that writes logs."""
    with running_disk(tmp_path_factory.mktemp("disk")) as disk:
        yield disk


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory, where there is one: thousands of syncs are simulated, not waited for."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="tongban-", dir=MEMORY))
    yield folder
    shutil.rmtree(folder)
