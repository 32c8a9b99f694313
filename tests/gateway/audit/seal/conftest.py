"""Logs with two sealed days."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.audit.seal import sealing
from tests.gateway.audit.seal.sealing import SealedLog
from tests.support.postgres import PostgresServer, running_postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def sealed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SealedLog]:
    """Return a log with two sealed days in a store of each kind."""
    match request.param:
        case "memory":
            opening = sealing.memory_log(tmp_path)
        case "sqlite":
            opening = sealing.sqlite_log(tmp_path)
        case _:
            opening = sealing.postgres_log(tmp_path, request.getfixturevalue("postgres"))
    with opening as found:
        sealing.fill(found.log, found.clock)
        yield found


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SealedLog]:
    """Return a log with two sealed days in SQLite."""
    with sealing.sqlite_log(tmp_path) as found:
        sealing.fill(found.log, found.clock)
        yield found
