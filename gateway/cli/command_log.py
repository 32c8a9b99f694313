"""The access log for the length of a command: through the gateway that writes it, or, while none does, by itself."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.audit.book.book import LogBook
from gateway.audit.book.retaining import RetainedShard
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.forgetting.shred import Shredded
from gateway.audit.forgetting.shred_approval import ShredApproval, ShredOrder
from gateway.audit.link.address import is_absence
from gateway.audit.link.client import connect_link
from gateway.audit.link.desk import BookDesk, LogDesk
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.log_site import LOOK_SECONDS, link_folder, make_desk, open_place
from gateway.settings import Settings

COMMAND: Final = "command"  # what the log says was started and stopped
WAIT_SECONDS: Final = 5.0  # for whoever else opens or closes the log; another command takes about one
HOLD_SECONDS: Final = 2.0  # then a gateway or a command that waits for the log gets it before the next entries
_REST_SECONDS: Final = 3 * LOOK_SECONDS  # those who wait look more often
_WAITED_FOR: Final = frozenset({Unavailable.SECOND_WRITER, Unavailable.UNREACHABLE})

_Value = TypeVar("_Value")


class CommandLog:
    """The log as a command has it, which has no event loop; everything raises LogUnavailableError."""

    def __init__(self, site: Path, settings: Settings, runner: asyncio.Runner) -> None:
        """Use the log of a site folder; ``runner`` runs what it does."""
        self._site = site
        self._settings = settings
        self._runner = runner
        self._stack: AsyncExitStack | None = None
        self._desk: LogDesk | None = None
        self._opened_at = 0.0

    def open(self) -> None:
        """Wait for the log, and take it; SECOND_WRITER or UNREACHABLE, others had it all the time."""
        self._runner.run(self._open())

    def close(self) -> None:
        """Let go of it."""
        self._runner.run(self._close())

    def append(self, drafts: Sequence[EntryDraft]) -> Sequence[Receipt]:
        """Return when all entries are durable; raises LeafError too."""

        async def append(desk: LogDesk) -> Sequence[Receipt]:
            return await asyncio.gather(*(desk.append(draft) for draft in drafts))

        return self._ask(append)

    def shred(self, order: ShredOrder, approvals: Sequence[ShredApproval]) -> Shredded:
        """Forget a person in every shard; raises NotApprovedError when too few approvals count."""
        return self._ask(lambda desk: desk.shred(order, approvals))

    def retain(self) -> tuple[RetainedShard, ...]:
        """Remove what is past its time, in every shard."""
        return self._ask(lambda desk: desk.retain())

    def _ask(self, ask: Callable[[LogDesk], Coroutine[Any, Any, _Value]]) -> _Value:
        return self._runner.run(self._use(ask))

    async def _use(self, ask: Callable[[LogDesk], Coroutine[Any, Any, _Value]]) -> _Value:
        """Ask the desk; a log that is held for long is given to others in between, of which one may be a gateway."""
        loop = asyncio.get_running_loop()
        if isinstance(self._desk, BookDesk) and loop.time() > self._opened_at + HOLD_SECONDS:
            await self._close()
            await asyncio.sleep(_REST_SECONDS)
        return await ask(self._desk or await self._open())

    async def _open(self) -> LogDesk:
        """Ask the gateway that writes the log, or write it; wait for who else has it, or for a gateway that starts."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_SECONDS
        while True:
            async with AsyncExitStack() as stack:
                try:
                    self._desk = await _open(self._site, self._settings, stack)
                except LogUnavailableError as error:
                    if error.reason not in _WAITED_FOR or loop.time() > deadline:
                        raise
                else:
                    self._stack, self._opened_at = stack.pop_all(), loop.time()
                    return self._desk
            await asyncio.sleep(LOOK_SECONDS)

    async def _close(self) -> None:
        stack, self._stack, self._desk = self._stack, None, None
        if stack is not None:
            await stack.aclose()


@contextmanager
def open_log_for_command(site: Path) -> Iterator[CommandLog]:
    """Give the log of a site folder to a command.

    Raises:
        UsageError: the site has no settings that can be used.
        LogUnavailableError: the log cannot be opened; SECOND_WRITER, others had it all the time; UNREACHABLE, a gateway
            does not answer.

    """
    settings = load_settings(site)
    with asyncio.Runner() as runner, closing(CommandLog(site, settings, runner)) as log:
        log.open()
        yield log


async def _open(site: Path, settings: Settings, stack: AsyncExitStack) -> LogDesk:
    try:
        client = await connect_link(link_folder(site, settings))
    except LogUnavailableError as error:
        if not is_absence(error.__cause__):
            raise tell_silence(error) from error
        may_begin = settings.audit.begin
        book = LogBook(open_place(site, settings), clock=_read_clock, opener=COMMAND, may_begin=may_begin)
        stack.push_async_callback(book.close)
        await book.open()
        return make_desk(book, site, settings, _read_clock)
    stack.push_async_callback(client.close)
    return client


def tell_silence(error: LogUnavailableError) -> LogUnavailableError:
    """Return why a gateway that listens cannot be talked to, with what may be the matter."""
    zh = "网关在监听，但不应答：可能版本不同、以其他用户运行，或已停止响应"
    en = "a gateway listens and does not answer: it may be of another version, run as another user, or hang"
    return LogUnavailableError(error.reason, f"{say(zh, en)}; {error.detail}")


def _read_clock() -> datetime:
    return datetime.now(UTC)
