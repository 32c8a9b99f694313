"""Consents beside the event loop."""

import asyncio
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.consent.memory import Failing, MemoryConsentStore
from gateway.consent.off_loop import CONSENTS_FILE, KEY_FILE, OffLoopConsents
from gateway.consent.record import ConsentId, ConsentRecord, make_consent_id
from gateway.consent.sqlite import SqliteConsentStore
from gateway.consent.store import ConsentStore
from gateway.sources import store_thread
from gateway.sources.source import SourceFault, SourceUnavailableError
from tests.gateway.consent.test_consent_stores import GIVEN, RECORD


async def test_from_nothing(tmp_path: Path) -> None:
    """Looking makes no file; registering makes it, and what was registered is found by another process too."""
    consents = OffLoopConsents(tmp_path / "state")
    assert await consents.find(RECORD.id) is None
    assert await consents.withdraw(RECORD.id, at=GIVEN) is None
    assert not await asyncio.to_thread((tmp_path / "state").exists)
    await consents.add(RECORD)
    other = OffLoopConsents(tmp_path / "state")
    assert await other.find(RECORD.id) == RECORD
    assert await consents.withdraw(RECORD.id, at=GIVEN) == GIVEN
    found = await other.find(RECORD.id)
    assert found is not None
    assert found.withdrawn_at == GIVEN
    consents.close()
    other.close()


async def test_the_key(tmp_path: Path) -> None:
    """The key is made once, nobody else may read it, and two processes have the same."""
    first, second = OffLoopConsents(tmp_path), OffLoopConsents(tmp_path)
    keys = await asyncio.gather(first.secret(), second.secret())
    assert keys[0] == keys[1]
    assert len(keys[0]) == 32
    mode = await asyncio.to_thread(lambda: stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode))
    assert mode == 0o600
    first.close()
    second.close()


async def test_a_key_that_others_may_read(tmp_path: Path) -> None:
    """A key that is open to others is not used."""

    def spoil() -> None:
        (tmp_path / KEY_FILE).write_text("QUJD")
        (tmp_path / KEY_FILE).chmod(0o644)

    await asyncio.to_thread(spoil)
    consents = OffLoopConsents(tmp_path)
    with pytest.raises(SourceUnavailableError) as caught:
        await consents.secret()
    assert caught.value.detail == f"{KEY_FILE}: open-permissions"
    consents.close()


async def test_a_fault_is_not_for_ever(tmp_path: Path) -> None:
    """After a failure the store is opened again."""
    opened: list[MemoryConsentStore] = []

    def open_store(_: Path, *, create: bool) -> ConsentStore:  # noqa: ARG001
        opened.append(MemoryConsentStore())
        return opened[-1]

    await asyncio.to_thread((tmp_path / CONSENTS_FILE).touch)
    consents = OffLoopConsents(tmp_path, open_store=open_store)
    assert await consents.find(RECORD.id) is None
    opened[0].failing = Failing.BEFORE
    with pytest.raises(SourceUnavailableError):
        await consents.find(RECORD.id)
    assert await consents.find(RECORD.id) is None
    assert len(opened) == 2
    consents.close()


async def test_a_register_that_was_replaced(tmp_path: Path) -> None:
    """A backup that is put back counts from the next question on: what is withdrawn there is withdrawn here."""
    consents, backup = OffLoopConsents(tmp_path), tmp_path / "backup.sqlite"
    await consents.add(make_record())
    assert await consents.find(RECORD.id) is None

    def put_back() -> None:
        store = SqliteConsentStore(backup, create=True)
        store.add(RECORD)
        store.close()
        for name in (f"{CONSENTS_FILE}-wal", f"{CONSENTS_FILE}-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        backup.replace(tmp_path / CONSENTS_FILE)
        store = SqliteConsentStore(tmp_path / CONSENTS_FILE)
        store.withdraw(RECORD.id, at=GIVEN)
        store.close()

    await asyncio.to_thread(put_back)
    found = await consents.find(RECORD.id)
    assert found is not None
    assert found.withdrawn_at == GIVEN
    other = make_record()
    await consents.add(other)
    assert await OffLoopConsents(tmp_path).find(other.id) == other
    consents.close()


def make_record() -> ConsentRecord:
    return replace(RECORD, id=make_consent_id())


async def test_a_key_that_was_replaced(tmp_path: Path) -> None:
    """The key that lies there counts, also when it came back with a backup."""
    consents, there = OffLoopConsents(tmp_path), OffLoopConsents(tmp_path / "there")
    assert await consents.secret() != await there.secret()
    await asyncio.to_thread((tmp_path / "there" / KEY_FILE).replace, tmp_path / KEY_FILE)
    first = await consents.secret()
    assert first == await consents.secret()
    assert first != await there.secret()
    consents.close()
    there.close()


async def test_looking_up_does_not_wait_for_writing(tmp_path: Path) -> None:
    """While withdrawals wait for the disk, consents are found."""
    gate = threading.Event()

    class Slow(MemoryConsentStore):
        def withdraw(self, *_: object, **__: object) -> None:
            gate.wait()

    await asyncio.to_thread((tmp_path / CONSENTS_FILE).touch)
    consents = OffLoopConsents(tmp_path, open_store=lambda *_, **__: Slow())
    waiting = [asyncio.create_task(consents.withdraw(RECORD.id, at=GIVEN)) for _ in range(4)]
    await asyncio.sleep(0)
    try:
        assert await asyncio.wait_for(consents.find(RECORD.id), 10) is None
    finally:
        gate.set()
    await asyncio.gather(*waiting)
    consents.close()


async def test_after_the_end(tmp_path: Path) -> None:
    """What is asked after the end is refused as what cannot be looked up."""
    consents = OffLoopConsents(tmp_path)
    consents.close()
    consents.close()
    for use in (consents.find(ConsentId("A" * 26)), consents.add(RECORD), consents.secret()):
        with pytest.raises(SourceUnavailableError) as caught:
            await use
        assert caught.value.fault is SourceFault.UNUSABLE


async def test_damage_is_told(tmp_path: Path) -> None:
    """A file that is something else is told, not taken for an empty one."""
    await asyncio.to_thread((tmp_path / CONSENTS_FILE).write_text, "something else")
    consents = OffLoopConsents(tmp_path)
    with pytest.raises(SourceUnavailableError) as caught:
        await consents.find(RECORD.id)
    assert caught.value.fault is SourceFault.CORRUPT
    consents.close()


async def test_waiting_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than may wait are told that it is busy."""
    monkeypatch.setattr(store_thread, "MAX_WAITING", 2)
    consents = OffLoopConsents(tmp_path)
    found = await asyncio.gather(*(consents.find(make_consent_id()) for _ in range(4)), return_exceptions=True)
    faults = [one.fault for one in found if isinstance(one, SourceUnavailableError)]
    assert faults == [SourceFault.BUSY, SourceFault.BUSY]
    consents.close()
