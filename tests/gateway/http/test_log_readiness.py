"""Operators see how the access log stands: in readiness, in metrics, and in what callers are refused."""

import asyncio
import threading

import msgspec
import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.store.store import StoredHead
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.http.messages.readiness import Readiness
from gateway.http.state import LOG
from tests.support.callers import make_party, make_site
from tests.support.http import URL, StartClient, bearer, question, start

PARTY = make_party()


async def test_a_log_that_takes_nothing(aiohttp_client: StartClient) -> None:
    """While the log takes nothing the gateway is not ready and answers nothing, and says why in words and numbers."""
    client = await start(aiohttp_client, make_site([PARTY]))
    token = PARTY.token()
    assert (await client.post(URL, json=question(b"no licence"), headers=bearer(token))).status == 200
    ready = msgspec.convert(await (await client.get("/readyz")).json(), Readiness)
    assert (ready.ready, ready.log.stopped, ready.log.zh) == (True, None, "日志正常写入。")
    assert ready.log.size > 0
    metrics = await (await client.get("/metrics")).text()
    assert f"gateway_log_size {float(ready.log.size)}" in metrics
    assert "gateway_log_append_seconds_count 1.0" in metrics
    assert "gateway_log_stopped 0.0" in metrics

    book = client.app[LOG]
    assert isinstance(book, LogBook)
    book.freeze(LogUnavailableError(Unavailable.FORKED))
    refused = await client.post(URL, json=question(b"no licence"), headers=bearer(PARTY.token()))
    assert (refused.status, (await refused.json(content_type=None))["reason"]) == (503, "log.unavailable")
    response = await client.get("/readyz")
    stopped = msgspec.convert(await response.json(), Readiness)
    assert (response.status, stopped.ready, stopped.log.stopped) == (503, False, Unavailable.FORKED)
    assert "keep both and find out why" in stopped.log.en
    metrics = await (await client.get("/metrics")).text()
    assert 'gateway_log_unavailable_total{reason="forked"} 1.0' in metrics
    assert "gateway_log_stopped 1.0" in metrics


async def test_a_cause_that_passes(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the answer that did not leave until an entry is taken the gateway is not ready, also for a full disk."""
    client = await start(aiohttp_client, make_site([PARTY]))
    book = client.app[LOG]
    assert isinstance(book, LogBook)

    def refuse(*_: object, **__: object) -> None:
        raise LogUnavailableError(Unavailable.DISK_FULL)

    with monkeypatch.context() as patch:
        patch.setattr(book.current.store, "commit", refuse)
        refused = await client.post(URL, json=question(b"no licence"), headers=bearer(PARTY.token()))
        assert refused.status == 503
        response = await client.get("/readyz")
        found = msgspec.convert(await response.json(), Readiness)
        assert (response.status, found.log.stopped) == (503, Unavailable.DISK_FULL)
    await book.resume()
    assert (await client.get("/readyz")).status == 200


async def test_a_log_that_cannot_be_read_at_once(aiohttp_client: StartClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask while reading hangs, it is read once, and in no thread that the log itself needs."""
    client = await start(aiohttp_client, make_site([PARTY]))
    book = client.app[LOG]
    assert isinstance(book, LogBook)
    entered, go, read = threading.Event(), threading.Event(), book.current.store.head
    names: list[str] = []

    def hang() -> StoredHead | None:
        names.append(threading.current_thread().name)
        entered.set()
        go.wait(30)
        return read()

    monkeypatch.setattr(book.current.store, "head", hang)
    asked = [asyncio.create_task(client.get(path)) for path in ("/readyz", "/metrics") for _ in range(20)]
    await asyncio.to_thread(entered.wait, 30)
    for _ in range(50):
        await asyncio.sleep(0.001)
    go.set()
    assert {response.status for response in await asyncio.gather(*asked)} == {200}
    assert len(names) < 5
    assert all(name.startswith("report") for name in names)


async def test_a_log_that_cannot_be_read(aiohttp_client: StartClient) -> None:
    """Before it is opened, and after it was closed, a log is told as one that takes nothing."""
    client = await start(aiohttp_client, make_site([PARTY]))
    book = client.app[LOG]
    assert isinstance(book, LogBook)
    await asyncio.shield(book.close())
    found = msgspec.convert(await (await client.get("/readyz")).json(), Readiness)
    assert (found.ready, found.log.shard, found.log.stopped) == (False, None, Unavailable.CLOSED)
