"""A wire between two programs that a test breaks while they talk: it delays, drops, changes and resets what passes."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

HOST = "127.0.0.1"
_CHUNK = 64 * 1024
_FLOOD = 10 * 1024 * 1024
_DROP = 0.005  # seconds between two bytes of a slow drip
_DELAY = 0.5  # seconds; longer than any deadline of the tests
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no time: what is not sent is dropped, and RST in place of FIN


class Fault(StrEnum):
    """What happens to what passes in one direction."""

    NONE = "none"
    DELAYED = "delayed"  # it arrives after `_DELAY`
    SILENT = "silent"  # half open: it is taken, and never arrives
    LOST = "lost"  # a byte in the middle of what comes at once does not arrive
    FLIPPED = "flipped"  # a bit in the middle of it arrives changed
    FLOODED = "flooded"  # 10 MB of noise come before it
    DRIPPED = "dripped"  # it arrives one byte after the other
    RESET = "reset"  # half of it arrives, and then the connection is reset
    REFUSED = "refused"  # nobody listens, and what was open is reset; in either direction


@dataclass
class FaultProxy:
    """Passes on what comes to ``port``; what is set here counts from the next bytes on.

    ``there`` is what happens on the way to the server, ``back`` on the way to whoever asks.
    """

    target: tuple[str, int]
    there: Fault = Fault.NONE
    back: Fault = Fault.NONE
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def set(self, *, there: Fault = Fault.NONE, back: Fault = Fault.NONE) -> None:
        """Break the wire in this way, or mend it; connections that a fault garbled are for their users to give up."""
        self.there, self.back = there, back
        if Fault.REFUSED in (there, back):
            await self.shut()
        elif self._server is None:
            await self.open()

    async def shut(self) -> None:
        """Listen no more, and reset what is open."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        for writer in list(self._writers):
            _reset(writer)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        mine = [writer]
        self._writers.add(writer)
        try:
            other_reader, other = await asyncio.open_connection(*self.target)
            mine.append(other)
            self._writers.add(other)
            await asyncio.gather(
                self._pump(reader, other, lambda: self.there, mine),
                self._pump(other_reader, writer, lambda: self.back, mine),
            )
        except (OSError, asyncio.CancelledError):
            for one in mine:
                _reset(one)
        finally:
            for one in mine:
                self._writers.discard(one)
                one.close()
            self._tasks.discard(task)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Callable[[], Fault],
        both: list[asyncio.StreamWriter],
    ) -> None:
        """Pass on one direction until its sender ends it."""
        while data := await reader.read(_CHUNK):
            match fault():
                case Fault.SILENT:
                    continue
                case Fault.DRIPPED:
                    await self._drip(data, writer, fault)
                    continue
                case Fault.RESET:
                    await _send(data[: len(data) // 2], writer)
                    for one in both:
                        _reset(one)
                    return
                case Fault.DELAYED:
                    await asyncio.sleep(_DELAY)
            await _send(_garble(data, fault()), writer)
        if fault() is not Fault.SILENT and writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()

    async def _drip(self, data: bytes, writer: asyncio.StreamWriter, fault: Callable[[], Fault]) -> None:
        """Pass on bytes one by one, the rest at once when the wire was mended."""
        for place in range(len(data)):
            if fault() is not Fault.DRIPPED:
                await _send(data[place:], writer)
                return
            await _send(data[place : place + 1], writer)
            await asyncio.sleep(_DROP)


def _garble(data: bytes, fault: Fault) -> bytes:
    """Return what arrives of bytes that are neither late nor lost as a whole."""
    match fault:
        case Fault.LOST:
            return data[: len(data) // 2] + data[len(data) // 2 + 1 :]
        case Fault.FLIPPED:
            return flip(data)
        case Fault.FLOODED:
            return b"!" * _FLOOD + data
        case _:
            return data


def flip(data: bytes) -> bytes:
    """Return bytes with one bit in the middle changed."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


async def _send(data: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(data)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection as a machine that crashed and came back does."""
    if writer.transport.is_closing():
        return
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


@asynccontextmanager
async def run_proxy(port: int, host: str = HOST) -> AsyncIterator[FaultProxy]:
    """Run a wire to a server as long as the block."""
    proxy = FaultProxy((host, port))
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.shut()
