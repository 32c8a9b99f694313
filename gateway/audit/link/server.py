"""The end of the link in the process that writes the log.

Each connection has many requests under way, told apart by their ids; answers leave together, once for each turn of the
event loop. Who sends what is no request is cut off. Who asks more than it reads, or has too much under way, is not
listened to until that has changed; entries that were taken are written all the same, whoever leaves.
"""

import asyncio
import logging
from pathlib import Path
from typing import Final, cast

from gateway.audit.errors import AuditError
from gateway.audit.forgetting.shred import NotApprovedError
from gateway.audit.forgetting.shred_approval import parse_approval
from gateway.audit.leaf import LeafError
from gateway.audit.link.address import SOCKET_FILE, bind_socket, is_own_peer
from gateway.audit.link.desk import BookDesk
from gateway.audit.link.frame import GREETING, MAX_REQUEST, FrameError, FrameReader
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
    parse_request,
)
from gateway.audit.sequencer import MAX_WAITING
from gateway.audit.unavailable import LogUnavailableError, Unavailable

MAX_CONNECTIONS: Final = 256  # more workers than one machine runs, and commands beside them
CLOSING_SECONDS: Final = 5.0  # for answers that are not read when the log closes

_LOG: Final = logging.getLogger(__name__)


class LinkServer:
    """Listens in the folder of a log for as long as its book is open."""

    def __init__(self, desk: BookDesk, folder: Path) -> None:
        """Serve a desk; nothing listens before `open`."""
        self.desk = desk
        self._folder = folder
        self._server: asyncio.Server | None = None
        self.connections: set[LinkConnection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.is_closing = False

    async def open(self) -> None:
        """Listen; whoever listened here before is gone, since this process holds the log.

        Raises:
            LogUnavailableError: UNUSABLE, nobody can listen in this folder.

        """
        try:
            listener = await asyncio.to_thread(bind_socket, self._folder)
        except OSError as error:
            detail = f"{self._folder / SOCKET_FILE}: {error.strerror or type(error).__name__}"
            raise LogUnavailableError(Unavailable.UNUSABLE, detail) from error
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: LinkConnection(self), sock=listener)

    async def close(self) -> None:
        """Listen no more, finish what is under way, and let everybody go; call it before the book is closed.

        A deletion takes as long as it takes: the book must not be closed under its thread.
        """
        if self._server is None:
            return
        self.is_closing = True
        await asyncio.to_thread((self._folder / SOCKET_FILE).unlink, missing_ok=True)
        self._server.close()
        if self.tasks:
            await asyncio.wait(self.tasks)
        connections = list(self.connections)
        for connection in connections:
            connection.close()
        if connections:
            await asyncio.wait([one.lost for one in connections], timeout=CLOSING_SECONDS)
        for connection in list(self.connections):  # who does not read its answers
            connection.cut_off()
        await self._server.wait_closed()


class LinkConnection(asyncio.Protocol):
    """One process at the other end."""

    def __init__(self, server: LinkServer) -> None:
        """Belong to a server."""
        self._server = server
        self._desk = server.desk
        self._frames = FrameReader(most=MAX_REQUEST)
        self._transport: asyncio.Transport | None = None
        self._answers: list[bytes] = []
        self._under_way = 0
        self._is_full = False  # the other side does not read
        self._is_heard = True
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let nobody in but processes of our own user."""
        opened = cast("asyncio.Transport", transport)
        full = self._server.is_closing or len(self._server.connections) >= MAX_CONNECTIONS
        if full or not is_own_peer(opened.get_extra_info("socket")):
            opened.abort()
            return
        self._transport = opened
        self._server.connections.add(self)
        opened.write(GREETING)

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection; what it asked for is done all the same."""
        self._transport = None
        self._server.connections.discard(self)
        self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Begin what is asked for."""
        try:
            for payload in self._frames.feed(data):
                self._begin(parse_request(payload))
        except FrameError as error:
            _LOG.warning("a client of the log's socket was cut off: %s", error)
            self.cut_off()
        self._listen()

    def pause_writing(self) -> None:
        """Note that the other side does not read."""
        self._is_full = True
        self._listen()

    def resume_writing(self) -> None:
        """Note that it reads again."""
        self._is_full = False
        self._listen()

    def close(self) -> None:
        """Send the answers that wait, then close."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def cut_off(self) -> None:
        """Close at once; answers that wait are lost."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _listen(self) -> None:
        """Listen, or do not while too much is under way."""
        heard = not self._is_full and self._under_way < MAX_WAITING
        if self._transport is not None and heard != self._is_heard:
            self._is_heard = heard
            if heard:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _begin(self, request: Request) -> None:
        if isinstance(request, Ping):
            self._tell(self._pong(request))
            return
        if self._server.is_closing:
            self._tell(Refused(request.id, Unavailable.CLOSED, ""))
            return
        self._under_way += 1
        task = asyncio.get_running_loop().create_task(self._do(request))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _do(self, request: Request) -> None:
        try:
            answer = await self._answer(request)
        except LogUnavailableError as error:
            answer = Refused(request.id, error.reason, error.detail)
        except LeafError as error:
            answer = NoLeaf(request.id, error.flaw, error.detail)
        except NotApprovedError as error:
            answer = ShredRefused(request.id, error.counted)
        except AuditError as error:
            answer = Refused(request.id, Unavailable.UNUSABLE, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not leave the other side waiting
            _LOG.error("a request to the access log failed: %s", type(error).__name__)
            answer = Refused(request.id, Unavailable.BROKEN, type(error).__name__)
        self._under_way -= 1
        self._tell(answer)
        self._listen()

    async def _answer(self, request: Request) -> Answer:
        desk = self._desk
        match request:
            case Append():
                return Appended(request.id, await desk.append(request.draft))
            case AnnouncePolicy():
                await desk.announce_policy(request.digest, approvals=request.approvals)
                return Announced(request.id)
            case AnnounceTrust():
                await desk.announce_trust(request.version)
                return Announced(request.id)
            case Shred():
                approvals = [parse_approval(data) for data in request.approvals]
                return ShredDone(request.id, await desk.shred(request.order, approvals))
            case Retain():
                return RetainDone(request.id, await desk.retain())
            case Ping():
                return self._pong(request)

    def _pong(self, request: Ping) -> Pong:
        book = self._desk.book
        stopped = book.stopped
        if stopped is not None:
            return Pong(request.id, stopped.reason, stopped.detail)
        return Pong(request.id, None, "")

    def _tell(self, answer: Answer) -> None:
        """Send an answer with all others of this turn of the loop."""
        if self._transport is None:
            return
        if not self._answers:
            asyncio.get_running_loop().call_soon(self._flush)
        self._answers.append(encode_message(answer))

    def _flush(self) -> None:
        answers, self._answers = self._answers, []
        if self._transport is not None and answers:
            self._transport.write(b"".join(answers))
