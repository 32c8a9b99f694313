"""Names of hosts are looked up in threads of each system's own."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.transport.recipe import Deadlines, Method
from gateway.adapters.connection import open_session, send
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.request import Outgoing
from gateway.adapters.resolver import ThreadResolver


async def test_an_address_is_found() -> None:
    """A host is found with the port that was asked for."""
    resolver = ThreadResolver()
    found = await resolver.resolve("127.0.0.1", 8080)
    assert [(one["host"], one["port"], one["hostname"]) for one in found] == [("127.0.0.1", 8080, "127.0.0.1")]
    await resolver.close()


async def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system whose name nobody knows is unreachable."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    async with open_session(Deadlines(total_ms=9000)) as session:
        outgoing = Outgoing(method=Method.GET, address="http://nobody.invalid/", headers={}, body=None)
        with pytest.raises(AskError) as caught:
            await send(session, outgoing, {})
    assert caught.value.fault is AskFault.UNREACHABLE


async def test_a_silent_name_server_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many look-ups wait, the threads that everybody shares are free."""
    may_end = threading.Event()

    def wait(*_: object, **__: object) -> list[object]:
        may_end.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    resolver = ThreadResolver()
    waiting = [asyncio.create_task(resolver.resolve(f"{number}.invalid")) for number in range(9)]
    await asyncio.sleep(0)
    assert await asyncio.to_thread(str, 7) == "7"
    waiting[-1].cancel()  # who gives up takes back what has not begun
    may_end.set()
    assert await asyncio.gather(*waiting[:-1]) == [[]] * 8
    await resolver.close()
