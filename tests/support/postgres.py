"""A real PostgreSQL server for tests; they skip in words where none is installed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.demo.postgres_server import PostgresServer, find_programs

__all__ = ["PostgresServer", "running_postgres"]


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server as long as the block; skip where none is installed, but fail when CI is set."""
    programs = find_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is needed (apt-get install postgresql)")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="tongban-pg-"))
    try:
        server = PostgresServer(programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")  # nobody needs what is in it any more
    finally:
        shutil.rmtree(folder, ignore_errors=True)
