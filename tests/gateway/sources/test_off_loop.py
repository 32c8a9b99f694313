"""The store beside the event loop."""

import asyncio
import math
import threading
from pathlib import Path

import pytest

from gateway.sources import store_thread
from gateway.sources.errand import Errand
from gateway.sources.licence_store import LicenceStore
from gateway.sources.memory import Failing, MemoryLicenceStore
from gateway.sources.off_loop import OffLoopSource
from gateway.sources.source import Found, LicenceKey, SourceFault, SourceUnavailableError, StoredLicence, by_identifier
from gateway.sources.store import SqliteLicenceStore
from tests.support.licence_stores import INDEX, STORED_AT, new_licence

KEY = by_identifier(INDEX.identifier)
ERRAND = Errand(until=math.inf)


def make(path: Path, document: bytes) -> None:
    store = SqliteLicenceStore(path, create=True)
    store.add([new_licence(document)], at=STORED_AT)
    store.close()


async def document_of(source: OffLoopSource) -> bytes:
    found = await source.find(KEY, ERRAND)
    assert isinstance(found, StoredLicence)
    return found.document


async def fault_of(source: OffLoopSource) -> SourceFault:
    with pytest.raises(SourceUnavailableError) as caught:
        await source.find(KEY, ERRAND)
    return caught.value.fault


async def test_a_store_that_comes_goes_and_changes(tmp_path: Path) -> None:
    """The store is absent until it is made, one put in its place counts at once, and one that is lost is unusable."""
    path, other = tmp_path / "licences.sqlite", tmp_path / "other.sqlite"
    source = OffLoopSource(path)
    assert await fault_of(source) is SourceFault.ABSENT
    await asyncio.to_thread(make, path, b"first")
    assert await document_of(source) == b"first"
    await asyncio.to_thread(make, other, b"second")
    await asyncio.to_thread(other.replace, path)
    assert await document_of(source) == b"second"
    await asyncio.to_thread(path.unlink)
    assert await fault_of(source) is SourceFault.UNUSABLE
    await asyncio.to_thread(make, path, b"third")
    assert await document_of(source) == b"third"
    source.close()


async def test_a_fault_is_not_for_ever(tmp_path: Path) -> None:
    """After a failure the store is opened again, so that one that was mended answers."""
    opened = []
    (tmp_path / "store").touch()

    def open_store(_: Path) -> LicenceStore:
        opened.append(MemoryLicenceStore())
        opened[-1].add([new_licence()], at=STORED_AT)
        return opened[-1]

    source = OffLoopSource(tmp_path / "store", open_store=open_store)
    assert await document_of(source) == b"document"
    opened[0].failing = Failing.BEFORE
    assert await fault_of(source) is SourceFault.UNUSABLE
    assert await document_of(source) == b"document"
    assert len(opened) == 2
    source.close()


async def test_waiting_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More questions than may wait are told that the store is busy; the others get their answer."""
    monkeypatch.setattr(store_thread, "MAX_WAITING", 2)
    (tmp_path / "store").touch()
    gate, threads = threading.Event(), set()

    class SlowStore(MemoryLicenceStore):
        def find(self, key: LicenceKey) -> Found:
            threads.add(threading.current_thread().name)
            gate.wait()
            return super().find(key)

    source = OffLoopSource(tmp_path / "store", open_store=lambda _: SlowStore())
    asked = [asyncio.create_task(source.find(KEY, ERRAND)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await fault_of(source) is SourceFault.BUSY
    gate.set()
    await asyncio.gather(*asked)
    assert await source.find(KEY, ERRAND) == asked[0].result()
    assert len(threads) == 1
    assert all(name.startswith("licences") for name in threads)
    source.close()


async def test_after_the_end(tmp_path: Path) -> None:
    """What is asked after the end is refused as what cannot be looked up; what was asked before is answered."""
    path = tmp_path / "licences.sqlite"
    await asyncio.to_thread(make, path, b"first")
    source = OffLoopSource(path)
    asked = asyncio.create_task(source.find(KEY, ERRAND))
    await asyncio.sleep(0)
    source.close()
    assert isinstance(await asked, StoredLicence)
    assert await fault_of(source) is SourceFault.UNUSABLE
