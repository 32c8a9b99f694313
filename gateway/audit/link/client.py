"""The other end of the link: one connection to the process that writes the log.

Requests leave together, once for each turn of the event loop. A connection on which nothing comes for some seconds
although the other side was called is given up, with everything on it: nobody knows then what was written.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from gateway.audit.book.retaining import RetainedShard
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.forgetting.shred import NotApprovedError, Shredded
from gateway.audit.forgetting.shred_approval import ShredApproval, ShredOrder, encode_approval
from gateway.audit.leaf import LeafError
from gateway.audit.link.address import connect_socket
from gateway.audit.link.frame import GREETING, MAX_ANSWER, FrameError, FrameReader
from gateway.audit.link.message import (
    Announced,
    AnnouncePolicy,
    AnnounceTrust,
    Answer,
    Append,
    Appended,
    NoLeaf,
    Ping,
    Pong,
    Refused,
    Request,
    Retain,
    RetainDone,
    Shred,
    ShredDone,
    ShredRefused,
    encode_message,
    parse_answer,
)
from gateway.audit.sequencer import MAX_WAITING
from gateway.audit.unavailable import LogUnavailableError, Unavailable

CALL_SECONDS: Final = 1.0  # how often the other side is called; what it answers is at most so old
SILENT_CALLS: Final = 5  # after so many the connection is given up


class LinkClient(asyncio.Protocol):
    """One connection; made by `connect_link`."""

    def __init__(self) -> None:
        """Wait to be connected."""
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader(most=MAX_ANSWER)
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._requests: list[bytes] = []
        self._last = 0
        self._silent_calls = 0
        self._caller: asyncio.TimerHandle | None = None
        self.stopped: LogUnavailableError | None = None  # why the log takes nothing, as it said last
        self.closed: asyncio.Future[None] = self._loop.create_future()

    # --- what is asked ------------------------------------------------------------------------------------------------

    async def append(self, draft: EntryDraft) -> Receipt:
        """Write an entry; raises LeafError too."""
        answer = await self._ask(Append(self._number(), draft))
        if isinstance(answer, Appended):
            return answer.receipt
        raise self._as_error(answer)

    async def announce_policy(self, digest: str, *, approvals: int) -> None:
        """Say that this policy is in force; raises LeafError too."""
        self._refuse_unless(Announced, await self._ask(AnnouncePolicy(self._number(), digest, approvals)))

    async def announce_trust(self, version: str) -> None:
        """Say that this trust store is in force; raises LeafError too."""
        self._refuse_unless(Announced, await self._ask(AnnounceTrust(self._number(), version)))

    async def shred(self, order: ShredOrder, approvals: Sequence[ShredApproval]) -> Shredded:
        """Forget a person."""
        files = tuple(encode_approval(one) for one in approvals)
        answer = await self._ask(Shred(self._number(), order, files))
        if isinstance(answer, ShredDone):
            return answer.done
        raise self._as_error(answer)

    async def retain(self) -> tuple[RetainedShard, ...]:
        """Remove what is past its time."""
        answer = await self._ask(Retain(self._number()))
        if isinstance(answer, RetainDone):
            return answer.done
        raise self._as_error(answer)

    async def ping(self) -> None:
        """Bring `stopped` up to date."""
        self._refuse_unless(Pong, await self._ask(Ping(self._number())))

    async def close(self) -> None:
        """Hang up, and return when that is done."""
        if self._transport is not None:
            self._transport.close()
        await self.closed

    # --- what comes back ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, and begin to call."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(GREETING)
        self._call()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell everybody who waits that nobody knows."""
        self._transport = None
        if self._caller is not None:
            self._caller.cancel()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(LogUnavailableError(Unavailable.UNREACHABLE, "the connection broke"))
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Hand the answers to who waits for them."""
        self._silent_calls = 0
        try:
            for payload in self._frames.feed(data):
                self._take(parse_answer(payload))
        except FrameError:
            if self._transport is not None:
                self._transport.abort()

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Pong):
            stopped = answer.stopped
            self.stopped = None if stopped is None else LogUnavailableError(stopped, answer.detail)
        future = self._waiting.pop(answer.id, None)
        if future is not None and not future.done():  # done: cancelled
            future.set_result(answer)

    def _ask(self, request: Request) -> "asyncio.Future[Answer]":
        """Send a request; the result is the answer to it.

        Raises:
            LogUnavailableError: UNREACHABLE; OVERLOADED, as much as the log takes is under way from here already.

        """
        if self._transport is None:
            raise LogUnavailableError(Unavailable.UNREACHABLE, "the connection broke")
        if len(self._waiting) >= MAX_WAITING:
            raise LogUnavailableError(Unavailable.OVERLOADED, f"{MAX_WAITING} wait")
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[request.id] = future
        self._send(request)
        return future

    def _send(self, request: Request) -> None:
        if not self._requests:
            self._loop.call_soon(self._flush)
        self._requests.append(encode_message(request))

    def _flush(self) -> None:
        requests, self._requests = self._requests, []
        if self._transport is not None:
            self._transport.write(b"".join(requests))

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _call(self) -> None:
        """Call the other side; hang up after too many calls without any answer."""
        if self._transport is None:
            return
        if self._silent_calls >= SILENT_CALLS:
            self._transport.abort()
            return
        self._silent_calls += 1
        self._send(Ping(self._number()))
        self._caller = self._loop.call_later(CALL_SECONDS, self._call)

    def _refuse_unless(self, expected: type[Answer], answer: Answer) -> None:
        if not isinstance(answer, expected):
            raise self._as_error(answer)

    def _as_error(self, answer: Answer) -> Exception:
        match answer:
            case Refused():
                return LogUnavailableError(answer.reason, answer.detail)
            case NoLeaf():
                return LeafError(answer.flaw, answer.detail)
            case ShredRefused():
                return NotApprovedError(answer.counted)
            case _:
                return LogUnavailableError(Unavailable.UNREACHABLE, "another answer was expected")


async def connect_link(folder: Path) -> LinkClient:
    """Connect to the process that writes the log in a folder, and hear how it stands.

    Raises:
        LogUnavailableError: UNREACHABLE, nobody listens there, or somebody who does not answer.

    """
    try:
        connection = connect_socket(folder)  # it does not wait; from a thread it could be lost on the way
        _, client = await asyncio.get_running_loop().create_unix_connection(LinkClient, sock=connection)
    except OSError as error:
        raise LogUnavailableError(Unavailable.UNREACHABLE, error.strerror or type(error).__name__) from error
    try:
        await client.ping()
    except BaseException:
        await client.close()
        raise
    return client
