"""The access log of a site, put to work: in the process that writes it, and in those that hand it entries."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.alarms_site import ReadBundle, open_watch
from gateway.audit.alarms.announcement import draft_alarm_rules
from gateway.audit.book.book import LogBook
from gateway.audit.book.keeper import BookKeeper
from gateway.audit.book.place import FolderPlace, MemoryPlace
from gateway.audit.book.rules import announce_rules
from gateway.audit.entry import EntryDraft
from gateway.audit.forgetting.retention_terms import Retention
from gateway.audit.link.client import connect_link
from gateway.audit.link.desk import BookDesk
from gateway.audit.link.remote import RemoteLog
from gateway.audit.link.server import LinkServer
from gateway.audit.metrics import AuditMetrics
from gateway.audit.steady_clock import SteadyClock
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.holder.look import draft_withholding
from gateway.policy.approvers import ApproverRegistry
from gateway.policy.in_force import PolicyArchive, StateError
from gateway.policy.policy_site import PolicySite, SiteFaultsError
from gateway.secret_file import SecretError
from gateway.settings import Settings
from gateway.site import STATE_FOLDER, Site
from gateway.witness_site import open_rounds
from policies.bundle import Bundle

OPENING_SECONDS: Final = 30.0  # for a command, a gateway that ends, or a database that has not noticed that one died
LOOK_SECONDS: Final = 0.1  # between two attempts
_NOT_FREE: Final = frozenset({Unavailable.SECOND_WRITER, Unavailable.LOCKED})

if TYPE_CHECKING:
    from gateway.audit.alarms.watch import AlarmWatch

Clock = Callable[[], datetime]

_LOG: Final = logging.getLogger(__name__)


class LogWriter:
    """The book of a site with everything that belongs to the one process that writes it."""

    def __init__(
        self, site: Site, *, clock: Clock, metrics: AuditMetrics, steady: Callable[[], float] | None = None
    ) -> None:
        """Build everything; nothing is opened yet. Without a folder the log is in memory, and no other process's.

        ``steady`` tells seconds by a clock that nobody sets (`read_steady`), against which ``clock`` is held.
        """
        settings = site.settings
        self._watched = None if steady is None else SteadyClock(clock, steady)
        clock = self._watched or clock
        self._rules = draft_withholding(site.withholding), draft_alarm_rules(site.alarms)
        place = MemoryPlace(region=settings.region) if site.folder is None else open_place(site.folder, settings)
        self.book = LogBook(place, clock=clock, may_begin=settings.audit.begin)
        self.watch: AlarmWatch | None = None  # until it runs, and without rules
        self._open_watch = partial(
            open_watch, site, self.book, read_bundle=_reads_bundles(site.folder), metrics=metrics
        )
        self.rounds = open_rounds(site, self.book, clock=clock, metrics=metrics)
        self.keeper = BookKeeper(
            self.book,
            clock=clock,
            read_retention=lambda: _read_retention(site.folder, settings),
            failed=lambda chore: metrics.chore_failures.labels(chore=chore).inc(),
        )
        self._link: LinkServer | None = None
        self._folder: Path | None = None  # where the link is
        if site.folder is not None:
            self._folder = link_folder(site.folder, settings)
            self._link = LinkServer(make_desk(self.book, site.folder, settings, clock), self._folder)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write the log while inside; wait for a command that has it.

        Raises:
            LogUnavailableError: it cannot be opened.

        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.book.close)
            await self._begin_watch()
            await self._open()
            await announce_rules(self.book, *self._rules)
            if self._link is not None:
                await self._link.open()
                stack.push_async_callback(self._link.close)
            tasks = [asyncio.create_task(self.keeper.run())]
            if self.watch is not None:
                tasks.append(asyncio.create_task(self.watch.run()))
            if self.rounds is not None:
                tasks.append(asyncio.create_task(self.rounds.run()))
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin_watch(self) -> None:
        try:
            self.watch = await asyncio.to_thread(self._open_watch)
        except SecretError as error:
            raise LogUnavailableError(Unavailable.UNUSABLE, str(error)) from error
        self.book.observe = self._observe

    def _observe(self, shard: str, first: int, t: int, drafts: Sequence[EntryDraft]) -> None:
        """Tell what became durable, in the thread that writes."""
        if self._watched is not None:
            self._watched.note_written()
        if self.watch is not None:
            self.watch.observe(shard, first, t, drafts)

    async def _open(self) -> None:
        """Open the book; wait for whoever has the log, but for a gateway that answers."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        is_told = False
        while True:
            try:
                await self.book.open()
            except LogUnavailableError as error:
                if error.reason not in _NOT_FREE or loop.time() > begun + OPENING_SECONDS or await self._is_served():
                    raise
                if not is_told:
                    _LOG.warning("the access log is not free yet: %s", error)
                    is_told = True
            else:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _is_served(self) -> bool:
        if self._folder is None:
            return False
        try:
            client = await connect_link(self._folder)
        except LogUnavailableError:
            return False
        await client.close()
        return True


def _reads_bundles(folder: Path | None) -> ReadBundle:
    """Return what reads a policy that was in force from the archive of a site."""

    def read(digest: str) -> Bundle:
        if folder is None:
            raise KeyError(digest)
        try:
            return PolicyArchive(folder / STATE_FOLDER).bundle(digest)
        except StateError as error:
            raise KeyError(digest) from error

    return read


def read_steady() -> float:
    """Return the seconds since the machine started, those in which it slept too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def open_place(folder: Path, settings: Settings) -> FolderPlace:
    """Return where the logs of a site folder are."""
    return FolderPlace(folder, settings.audit, region=settings.region)


def link_folder(folder: Path, settings: Settings) -> Path:
    """Return where the process that writes the log of a site folder listens."""
    return folder / settings.audit.folder


def make_remote(folder: Path, settings: Settings) -> RemoteLog:
    """Return the log of a site folder for a process that does not write it."""
    return RemoteLog(open_place(folder, settings), link_folder(folder, settings), random=random.random)


def make_desk(book: LogBook, folder: Path, settings: Settings, clock: Clock) -> BookDesk:
    """Return the desk of a book that is written for a site folder."""
    return BookDesk(
        book,
        read_approvers=lambda: _read_approvers(folder),
        read_retention=lambda: _read_retention(folder, settings),
        clock=clock,
    )


def _read_retention(folder: Path | None, settings: Settings) -> Retention:
    """Return for how long things are kept: as the settings say, or longer where any rule ever in force says so."""
    if folder is None:
        return settings.audit.retention
    try:
        days = PolicyArchive(folder / STATE_FOLDER).longest_keep_days()
    except (StateError, OSError) as error:  # until somebody has mended it, nothing is removed
        raise LogUnavailableError(Unavailable.UNUSABLE, f"the archive of policies: {error}") from error
    return settings.audit.retention.at_least(days)


def _read_approvers(folder: Path) -> ApproverRegistry:
    try:
        return PolicySite(folder).approvers()
    except SiteFaultsError as error:
        raise LogUnavailableError(Unavailable.UNUSABLE, str(error)) from error
