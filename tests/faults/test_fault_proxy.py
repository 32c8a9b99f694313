"""The wire that the tests of faults break does what they say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.fault_proxy import HOST, Fault, FaultProxy, flip, run_proxy

SENT = b"0123456789"


@asynccontextmanager
async def echo() -> AsyncIterator[FaultProxy]:
    """Run a server that says what it is told, behind a wire."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server, run_proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


async def talk(proxy: FaultProxy, size: int) -> bytes:
    """Say something over the wire, and return the first bytes of what comes back."""
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        writer.write(SENT)
        return await reader.readexactly(size)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        (Fault.NONE, SENT),
        (Fault.DELAYED, SENT),
        (Fault.DRIPPED, SENT),
        (Fault.LOST, b"012346789"),
        (Fault.FLIPPED, b"01234" + bytes([ord("5") ^ 1]) + b"6789"),
        (Fault.FLOODED, b"!" * 10 * 1024 * 1024 + SENT),
    ],
)
@pytest.mark.parametrize("way", ["there", "back"])
async def test_what_arrives(fault: Fault, arrives: bytes, way: str) -> None:
    """What passes in either direction arrives as the fault says, and as it was sent once the wire is mended."""
    async with echo() as proxy:
        await proxy.set(**{way: fault})
        assert await talk(proxy, len(arrives)) == arrives
        await proxy.set()
        assert await talk(proxy, len(SENT)) == SENT


@pytest.mark.parametrize("way", ["there", "back"])
async def test_nothing_arrives(way: str) -> None:
    """A half-open wire takes connections and says nothing; what was begun on it goes on when it is mended."""
    async with echo() as proxy:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        await proxy.set(**{way: Fault.SILENT})
        writer.write(SENT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        await proxy.set()
        writer.write(b"more")
        assert await reader.read(100) == b"more"
        writer.close()


async def test_a_reset_in_the_middle() -> None:
    """Half of it arrives, then the connection is reset; the next one is good once the wire is mended."""
    async with echo() as proxy:
        await proxy.set(back=Fault.RESET)
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(SENT)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        await proxy.set()
        assert await talk(proxy, len(SENT)) == SENT


async def test_nobody_listens() -> None:
    """A wire that is cut resets what is open and refuses what comes; mended, it is on the same port."""
    async with echo() as proxy:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(SENT)
        assert await reader.readexactly(len(SENT)) == SENT
        await proxy.set(back=Fault.REFUSED)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, proxy.port)
        await proxy.set()
        assert await talk(proxy, len(SENT)) == SENT


def test_one_bit() -> None:
    """A flipped bit is one bit, in the middle."""
    assert flip(b"a") == b"`"
    assert flip(b"abc") == b"acc"
