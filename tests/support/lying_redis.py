"""A server that speaks as Redis does when we connect, and then answers what a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import hiredis

from gateway.shared.settings import Address, RedisAccess, RedisSettings
from tests.support.redis_servers import HOST

Answer = Callable[[tuple[bytes, ...]], bytes]

_HELLO = b"%1\r\n$5\r\nproto\r\n:3\r\n"
_USUAL = {b"HELLO": _HELLO, b"PING": b"+PONG\r\n", b"CLIENT": b"+OK\r\n"}


def answer_usually(command: tuple[bytes, ...]) -> bytes:
    """Answer as a Redis does that has nothing."""
    return _USUAL.get(command[0], b"_\r\n")


@asynccontextmanager
async def lying_redis(answer: Answer, **settings: float) -> AsyncIterator[RedisAccess]:
    """Run the server during the block, and return how a gateway reaches it; what it answers with b"" is left open."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        commands = hiredis.Reader()
        try:
            while data := await reader.read(65536):
                commands.feed(data)
                while (command := commands.gets()) is not False:
                    writer.write(answer(tuple(command)))
                await writer.drain()
        except OSError:
            pass  # whom we lie to may hang up
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield RedisAccess(settings=RedisSettings(addresses=(Address(HOST, port),), **settings))
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()
