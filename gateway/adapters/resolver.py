"""Names of hosts, looked up in threads of one system: a name server that is silent holds up nobody else."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

_THREADS: Final = 2  # a silent name server keeps one for some 10 seconds; a system has one or two names
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV  # the addresses that were found are looked up no more


class ThreadResolver(AbstractResolver):
    """Looks names up as the machine does; what has begun in a thread cannot be stopped, what waits can."""

    def __init__(self) -> None:
        """Begin without threads; they come with the first name."""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host; raises OSError when it has none."""
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.wrap_future(self._threads.submit(look_up))
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=_NUMERIC,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Drop what waits; what runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
