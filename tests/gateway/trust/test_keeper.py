"""The trust in force: replaced in one step by what is good, kept by what is bad, ended by the clock; seen from HTTP."""

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from gateway.app import create_app
from gateway.http.messages.readiness import Readiness
from gateway.http.state import STORE, TRUST
from gateway.site import Site, load_site
from gateway.site_template import write_site
from gateway.trust.keeper import TrustKeeper
from gateway.trust.lists import read_trust
from gateway.trust.mark import Mark, mark_folder
from keys.trust import Purpose, TrustStore
from keys.trust_list import TrustList
from tests.support import pki
from tests.support.http import StartClient
from tests.support.trust_folder import put, write_folder
from tests.support.trust_lists import DAY, ENTRIES, make_list, next_list, signed

in_thread = asyncio.to_thread  # a test that blocks the loop fails

OTHER = replace(ENTRIES[0], certificate=pki.make_root("Another CA").certificate)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = pki.NOW

    def __call__(self):
        """Return the moment."""
        return self.now


class Observer:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.results: list[str] = []
        self.last: dict = {}

    def reloaded(self, result: str) -> None:
        """Note a reload."""
        self.results.append(result)

    def stands(self, **how) -> None:
        """Note how things stand."""
        self.last = how


class Stand:
    """A keeper of a trust folder with one list in it, and everything that it tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = write_folder(folder)
        self.first = signed(make_list())
        put(folder, self.first)
        self.clock, self.observer = Clock(), Observer()
        self.changes: list[TrustStore] = []
        self.keeper = self.make()

    def make(self) -> TrustKeeper:
        """Start a keeper as a gateway does."""
        return TrustKeeper(
            read_trust(self.folder, at=self.clock.now).state,
            clock=self.clock,
            folder=self.folder,
            mark=mark_folder(self.folder),
            observer=self.observer,
            on_change=self.change,
            max_change=0.5,
        )

    async def put(self, trust_list: TrustList) -> None:
        """Put a list in place."""
        await in_thread(put, self.folder, trust_list)

    async def change(self, store: TrustStore) -> None:
        """Take a new store."""
        self.changes.append(store)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path / "trust")


async def test_nothing_happens_while_nothing_changes(stand: Stand) -> None:
    """A look at an unchanged folder reads no list."""
    before = stand.keeper.current()
    assert not await stand.keeper.look()
    assert stand.keeper.current() is before
    assert (stand.observer.results, stand.changes) == ([], [])


async def test_a_good_list_replaces_the_old_one_in_one_step(stand: Stand) -> None:
    """Whoever started with the old store keeps it; the next question has the new one."""
    before = stand.keeper.current()
    await stand.put(signed(next_list(stand.first, anchors=(*ENTRIES, OTHER))))
    assert await stand.keeper.look()
    assert len(before.anchors) == 3
    assert len(stand.keeper.current().anchors) == 4
    assert stand.changes == [stand.keeper.current()]
    assert stand.observer.results == ["ok"]
    assert stand.observer.last["anchors"][Purpose.SIGNER] == 2
    assert stand.observer.last["age_seconds"] == DAY.total_seconds()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stand: put(stand.folder, stand.first).write_bytes(b"{"),
        lambda stand: put(stand.folder, next_list(stand.first)),
        lambda stand: (stand.folder / "signers.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n"),
        lambda stand: (stand.folder / "lists" / "province-37.json").unlink(),
        lambda stand: (stand.folder / "roots.json").write_text("{}"),
        lambda stand: stand.folder.rename(stand.folder.with_name("away")),
    ],
)
async def test_a_bad_folder_leaves_the_old_trust_in_force_and_says_why(stand: Stand, spoil) -> None:
    """Torn, unsigned, malformed, gone: the store stays, the failure has words in both languages and is counted once."""
    before = stand.keeper.current()
    await in_thread(spoil, stand)
    assert await stand.keeper.look()
    assert not await stand.keeper.look()
    assert stand.keeper.current() is before
    assert stand.observer.results == ["failed"]
    failure = stand.keeper.report()["failure"]
    assert failure["findings"]
    assert all(finding["zh"] and finding["en"] for finding in failure["findings"])


async def test_a_mended_folder_ends_the_failure(stand: Stand) -> None:
    """The report of a failure goes with its cause."""
    await in_thread((stand.folder / "lists" / "province-37.json").write_bytes, b"{")
    await stand.keeper.look()
    await stand.put(signed(next_list(stand.first)))
    await stand.keeper.look()
    assert stand.keeper.failure is None
    assert [one["version"] for one in stand.keeper.report()["lists"]] == [2]


async def test_a_list_that_changes_much_is_held_and_shown(stand: Stand) -> None:
    """The old version goes on, and the report says what waits."""
    await stand.put(signed(next_list(stand.first, anchors=ENTRIES[:1])))
    await stand.keeper.look()
    assert len(stand.keeper.current().anchors) == 3
    (held,) = stand.keeper.report()["held"]
    assert (held["version"], held["in_force"], held["shrinkage"]) == (2, 1, pytest.approx(2 / 3, abs=1e-4))
    assert stand.observer.last["held"] == 1
    assert stand.keeper.failure is None


async def test_a_list_ends_with_its_time(stand: Stand) -> None:
    """Without any change on disk, an expired list takes its anchors with it, and a new one brings them back."""
    stand.clock.now = stand.first.expires - timedelta(seconds=1)
    await stand.keeper.look()
    assert len(stand.keeper.current().anchors) == 3
    assert stand.observer.last["next_end_seconds"] == 1
    stand.clock.now = stand.first.expires
    await stand.keeper.look()
    assert stand.keeper.current().anchors == ()
    assert stand.keeper.report()["lists"][0]["in_force"] is False
    await stand.put(signed(next_list(stand.first, issued=stand.clock.now, expires=stand.clock.now + DAY)))
    await stand.keeper.look()
    assert len(stand.keeper.current().anchors) == 3


async def test_a_revocation_list_is_taken_while_a_list_has_expired(stand: Stand) -> None:
    """An expired list is no reason to refuse what is new beside it."""
    stand.clock.now = stand.first.expires + DAY
    await in_thread((stand.folder / "ca.crl").write_bytes, pki.make_root("Revoker").revocation_list())
    await stand.keeper.look()
    assert len(stand.keeper.current().revocation_lists) == 1
    assert stand.keeper.failure is None


def test_every_change_of_the_folder_is_seen(stand: Stand, tmp_path: Path) -> None:
    """Another content of the same length, another file, a removed one: each is another mark; hidden files are none."""
    marks = [mark_folder(stand.folder)]
    for step in (
        lambda: (stand.folder / "a.crl").write_bytes(b"1"),
        lambda: os.utime(stand.folder / "a.crl", ns=(1, 1)),
        lambda: ((tmp_path / "b").write_bytes(b"2"), (tmp_path / "b").replace(stand.folder / "a.crl")),
        (stand.folder / "a.crl").unlink,
    ):
        step()
        marks.append(mark_folder(stand.folder))
    assert all(first != second for first, second in pairwise(marks))
    assert marks[-1] == marks[0]
    (stand.folder / ".new").write_bytes(b"half")
    assert mark_folder(stand.folder) == marks[0]


async def test_the_watch_goes_on_after_a_surprise(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is told, and the next look is made; a signal forces one at once."""
    looks = 0

    def mark(folder: Path) -> Mark:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise RuntimeError("surprise")
        return mark_folder(folder)

    monkeypatch.setattr("gateway.trust.keeper.mark_folder", mark)
    task = asyncio.create_task(stand.keeper.run())
    for told in (["failed"], ["failed", "ok"]):
        stand.keeper.wake()
        async with asyncio.timeout(5):
            while stand.observer.results != told:  # noqa: ASYNC110 — what is waited for is the product's own task
                await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stand.keeper.failure is None


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_site(tmp_path / "site")
    write_folder(tmp_path / "site" / "trust")
    put(tmp_path / "site" / "trust", signed(make_list()))
    return tmp_path / "site"


def load(site: Path) -> Site:
    return load_site(site, at=pki.NOW)


async def test_the_gateway_shows_the_trust_in_force(aiohttp_client: StartClient, site: Path) -> None:
    """`/readyz` has the lists, what waits and what failed in words; `/metrics` the counts, the age and the next end."""
    clock = Clock()
    app = create_app(await in_thread(load, site), clock=clock)
    client = await aiohttp_client(app)
    ready = msgspec.convert(await (await client.get("/readyz")).json(), Readiness)
    assert ready.ready
    assert (ready.anchors["seal-maker"], ready.anchors["signer"]) == (2, 1)
    assert [(one.name, one.in_force) for one in ready.trust.lists] == [("province-37", True)]
    await in_thread((site / "trust" / "lists" / "province-37.json").write_bytes, b"")
    await app[TRUST].look()
    ready = msgspec.convert(await (await client.get("/readyz")).json(), Readiness)
    assert ready.ready
    assert ready.trust.failure is not None
    assert ready.trust.failure.findings[0].file == "lists/province-37.json"
    metrics = await (await client.get("/metrics")).text()
    assert 'gateway_trust_anchors{purpose="seal-maker"} 2.0' in metrics
    assert 'gateway_trust_reloads_total{result="failed"} 1.0' in metrics
    assert f"gateway_trust_list_age_seconds {DAY.total_seconds()}" in metrics
    assert "gateway_trust_next_end_seconds" in metrics


async def test_requests_get_the_new_store_with_the_evidence_of_the_old_folder(
    aiohttp_client: StartClient, site: Path
) -> None:
    """A revocation list that is put into the folder is in the store of the next question, under a higher number."""
    app = create_app(await in_thread(load, site), clock=Clock())
    await aiohttp_client(app)
    assert app[STORE]().revocation_lists == ()
    await in_thread((site / "trust" / "ca.crl").write_bytes, pki.make_root("Revoker").revocation_list())
    async with asyncio.timeout(10):
        while not app[STORE]().revocation_lists:  # noqa: ASYNC110 — the background task sees it by itself
            await asyncio.sleep(0.02)
    assert len(app[STORE]().anchors) == 3
