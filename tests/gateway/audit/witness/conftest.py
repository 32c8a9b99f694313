"""A province, and a client for its witnesses."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.audit.witness.rounds import open_session
from tests.support.province import Province


@pytest.fixture
async def province(tmp_path: Path) -> AsyncIterator[Province]:
    one = Province(tmp_path / "site")
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session
