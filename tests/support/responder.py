"""A status server for tests that can misbehave in every way: slow, silent, oversized, lying, redirecting, rude.

It speaks HTTP by hand on the loopback address, so that a test decides about every byte.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from tests.support import pki

Behaviour = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def respond(
    body: bytes, *, status: str = "200 OK", date: datetime | None = pki.NOW, headers: tuple[str, ...] = ()
) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    if date is not None:
        lines.append(f"Date: {format_datetime(date, usegmt=True)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def serve(body: bytes, **knobs: object) -> Behaviour:
    """Answer well."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(respond(body, **knobs))

    return behave


def serve_each(*bodies: bytes | Behaviour) -> Behaviour:
    """Answer one after the other; the last one for ever."""
    left = list(bodies)

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        one = left.pop(0) if len(left) > 1 else left[0]
        await (one if callable(one) else serve(one))(request, writer)

    return behave


def serve_made(make: Callable[[Request], bytes]) -> Behaviour:
    """Answer with what is made of the question."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(respond(make(request)))

    return behave


def raw(content: bytes) -> Behaviour:
    """Send these bytes instead of HTTP."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(content)

    return behave


async def silent(_: Request, __: asyncio.StreamWriter) -> None:
    """Take the question and say nothing."""
    await asyncio.sleep(3600)


async def dripping(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send one byte at a time, so that no pause is ever long."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send for ever, without saying how much."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        await writer.drain()


@dataclass(slots=True)
class Responder:
    """The server: what it does at each path, and what it was asked."""

    port: int
    scheme: str = "http"
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    @property
    def host(self) -> str:
        """The host and port, as a list of allowed hosts has them."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        """Return the address of a path."""
        return f"{self.scheme}://{self.host}{path}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and behave."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Request(method=method, path=path, headers=headers, body=body)
            self.requests.append(request)
            await self.behaviours.get(path, serve(b"", status="404 Not Found"))(request, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def responder(tls: ssl.SSLContext | None = None, **behaviours: Behaviour) -> AsyncIterator[Responder]:
    """Serve until left, over TLS where a context is given; keywords are behaviours by the name of their path."""
    holder: list[Responder] = []
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        tasks.add(task)
        try:
            await holder[0].handle(reader, writer)
        except asyncio.CancelledError:  # the test is over
            pass
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    scheme = "http" if tls is None else "https"
    holder.append(Responder(port=port, scheme=scheme, behaviours={f"/{name}": one for name, one in behaviours.items()}))
    try:
        yield holder[0]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
