"""A site with façades, for the tests of them."""

import asyncio
from pathlib import Path

import pytest

from tests.gateway.facade.asking import (
    WriteSite,
)
from tests.support.facades import (
    write_facade_site,
)


@pytest.fixture
def write_site(tmp_path: Path) -> WriteSite:
    """Return what writes a site with a façade."""

    async def write(name: str, **changes: object) -> Path:
        await asyncio.to_thread(write_facade_site, tmp_path, name, **changes)
        return tmp_path

    return write
