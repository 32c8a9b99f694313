"""A log that is written and served on a socket, for tests of the link."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.forgetting.retention_terms import Retention
from gateway.audit.link.desk import BookDesk
from gateway.audit.link.server import LinkServer
from gateway.policy.approvers import ApproverRegistry

SETTINGS = AuditSettings()
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SHARD = "2026h2"


def place_in(site: Path) -> FolderPlace:
    """Return where the logs of a site are."""
    return FolderPlace(site, SETTINGS, region="370000")


def folder_of(site: Path) -> Path:
    """Return where the log of a site listens."""
    return site / SETTINGS.folder


@asynccontextmanager
async def serving_log(
    site: Path, *, approvers: ApproverRegistry | None = None, now: datetime = NOW
) -> AsyncIterator[LinkServer]:
    """Write the log of a site and serve it."""
    book = LogBook(place_in(site), clock=lambda: now)
    await book.open()
    try:
        registry = approvers or ApproverRegistry([])
        desk = BookDesk(book, read_approvers=lambda: registry, read_retention=Retention, clock=lambda: now)
        server = LinkServer(desk, folder_of(site))
        await server.open()
        try:
            yield server
        finally:
            await server.close()
    finally:
        await book.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody tells."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.001)
