"""Feeds: what was known over a restart, by whatever was left on disk, and past a delta address that is broken."""

import asyncio

import pytest

from gateway.status import judge
from gateway.status.failure import StatusFailure
from gateway.status.shelf import Shelf
from keys.revocation import RevocationState
from tests.gateway.status.keeping import SERIAL, Kept, feed, feed_source
from tests.support.responder import Responder, responder, serve, serve_each, silent


async def on_disk(folder):
    return (await asyncio.to_thread(Shelf(folder).read, "kept-ca")).answers


def serve_deltas(server: Responder, **deltas: bytes) -> None:
    """Serve each delta at the number that it starts from."""
    for name, body in deltas.items():
        server.behaviours[f"/since-{name.removeprefix('d')}"] = serve(body)


class Crashing(Shelf):
    """A shelf whose process ends before it removes anything."""

    def remove(self, source, part):
        """Do nothing."""


async def test_a_delta_left_from_before_the_snapshot_stops_nothing(tmp_path):
    """After a crash between writing a snapshot and removing the deltas below it, all that came later is known."""
    snapshots = serve_each(feed(10), feed(20, serials=(5,)))
    async with responder(feed=snapshots) as server:
        serve_deltas(server, d10=feed(11, 10, serials=(5,)), d20=feed(21, 20, serials=(SERIAL,)), d21=feed(22, 21))
        async with Kept(tmp_path, feed_source(server)) as kept:
            kept.keeper._shelf = Crashing(tmp_path)
            for _ in range(5):
                assert await kept.refresh() == []
            assert kept.keeper.feed_states()[0].sequence == 22
        assert len(await on_disk(tmp_path)) == 4
        async with Kept(tmp_path, feed_source(server)) as again:
            assert again.keeper.feed_states()[0].sequence == 22
            assert again.status().state is RevocationState.REVOKED
            assert again.keeper.report()[0].failure is None
            server.behaviours["/feed"] = serve(feed(20, serials=(5,)))
            assert await again.refresh() == [StatusFailure.BACKWARDS]
        assert len(await on_disk(tmp_path)) == 3


async def test_a_delta_is_no_snapshot(tmp_path):
    """A genuine delta served at the address of the snapshot is refused, and what was known survives a restart."""
    bodies = serve_each(feed(10), feed(11, 10, serials=(SERIAL,)))
    async with responder(feed=bodies) as server:
        one = feed_source(server, delta_urls=())
        async with Kept(tmp_path, one) as kept:
            assert await kept.refresh() == []
            assert await kept.refresh() == [StatusFailure.NOT_USABLE]
        async with Kept(tmp_path, one) as again:
            assert again.keeper.feed_states()[0].sequence == 10


@pytest.mark.parametrize(
    ("blob", "failure"),
    [
        (feed(9, 8), StatusFailure.BACKWARDS),
        (feed(11), StatusFailure.NOT_USABLE),
        (b"<html>", StatusFailure.MALFORMED),
        (silent, StatusFailure.TIMEOUT),
    ],
    ids=range(4),
)
async def test_a_broken_delta_address_does_not_starve_the_snapshot(tmp_path, blob, failure):
    """Whatever is wrong with the delta, the snapshot is asked for, and the fault of the delta is said."""
    async with responder(feed=serve_each(feed(10), feed(30, serials=(SERIAL,)))) as server:
        server.behaviours["/since-10"] = blob if callable(blob) else serve(blob)
        async with Kept(tmp_path, feed_source(server, timeout_seconds=0.3)) as kept:
            assert await kept.refresh() == []
            assert await kept.refresh() == [failure]
            assert kept.status().state is RevocationState.REVOKED
            report = kept.keeper.report()[0]
            assert (report.failure, report.failures) == (failure, 0)


async def test_deltas_add_up_to_no_more_than_a_snapshot_may_hold(tmp_path, monkeypatch):
    """A delta whose state would have more entries than a snapshot may hold is refused, and the snapshot asked for."""
    monkeypatch.setattr(judge, "MAX_ENTRIES", 3)
    async with responder(feed=serve_each(feed(10, serials=(1, 2)), feed(12, serials=(3,)))) as server:
        serve_deltas(server, d10=feed(11, 10, serials=(3, 4)))
        async with Kept(tmp_path, feed_source(server)) as kept:
            assert await kept.refresh() == []
            assert await kept.refresh() == [StatusFailure.TOO_LARGE]
            assert kept.keeper.feed_states()[0].sequence == 12


async def test_deltas_on_disk_are_taken_past_one_that_is_not_good(tmp_path):
    """A kept delta that cannot be read is passed over and let go, and a later one that starts below it is taken."""
    async with responder(feed=serve(feed(10))) as server:
        serve_deltas(server, d10=feed(11, 10, serials=(1,)), d11=feed(12, 10, serials=(1, SERIAL)))
        async with Kept(tmp_path, feed_source(server)) as kept:
            for _ in range(3):
                assert await kept.refresh() == []
        broken = next(path for path in await files(tmp_path) if path.name.startswith(f"delta-{11:020d}"))
        await asyncio.to_thread(broken.write_bytes, (await asyncio.to_thread(broken.read_bytes))[:-9])
        async with Kept(tmp_path, feed_source(server)) as again:
            assert again.status().state is RevocationState.REVOKED
            assert again.keeper.report()[0].failure is StatusFailure.MALFORMED
            await again.refresh()
        assert not await asyncio.to_thread(broken.exists)


async def files(folder):
    return await asyncio.to_thread(lambda: sorted((folder / "kept-ca").iterdir()))
