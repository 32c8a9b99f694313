"""What a process that follows does with what it finds on disk: it takes all of it, and forgets nothing for a fault."""

import asyncio
import errno
from datetime import timedelta

import pytest

from gateway.status.failure import StatusFailure
from gateway.status.shelf import Shelf
from keys.chain import build_chain
from keys.revocation import RevocationState, Unavailable
from keys.trust import Purpose
from tests.gateway.status.keeping import (
    BASE,
    CA,
    CHAIN,
    GOOD,
    LEAF,
    MINUTE,
    REVOKING,
    SERIAL,
    Clock,
    answering,
    delta,
    feed,
    feed_source,
    ocsp_source,
    source,
)
from tests.gateway.status.test_processes import Process, handed, until, written
from tests.support import ocsp, pki
from tests.support.responder import responder, serve, serve_each, serve_made

ANOTHER = CA.issue("another")
BOTH = (CHAIN, build_chain(ANOTHER.certificate, store=BASE, purpose=Purpose.SIGNER, at=pki.NOW))
SECOND = timedelta(seconds=1)


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_an_answer_dated_ahead_postpones_no_other(tmp_path):
    """While the newest answer about one certificate counts later only, news about all others are there at once."""
    clock, revoked = Clock(), []

    def make(request):
        """Answer as a responder whose clock is two seconds ahead."""
        one = next(one for one in (LEAF, ANOTHER) if ocsp.certificate_id(one, CA) in request.body)
        status = ocsp.revoked(clock.now) if one in revoked else ocsp.GOOD
        single = ocsp.single(ocsp.certificate_id(one, CA), status, this_update=clock.now + 2 * SECOND)
        return ocsp.answer(single, signer=CA)

    async with responder(ocsp=serve_made(make)) as server:
        one = ocsp_source(server, tolerance_seconds=86_400.0)
        async with Process(tmp_path, one, clock=clock) as first, Process(tmp_path, one, clock=clock) as second:
            for chain in BOTH:
                first.keeper.watch(chain)
            await first.keeper.refresh("kept-ca")
            await second.keeper.look()
            assert {second.state(chain) for chain in BOTH} == {Unavailable.NOT_YET}
            clock.now += 5 * SECOND
            assert {second.state(chain) for chain in BOTH} == {RevocationState.GOOD}
            revoked.append(LEAF)
            await first.keeper.refresh("kept-ca")
            await second.keeper.look()
            assert [second.state(chain) for chain in BOTH] == [RevocationState.GOOD] * 2  # as before, until it counts
            clock.now += SECOND
            await first.keeper.refresh("kept-ca")
            await second.keeper.look()
            assert [second.state(chain) for chain in BOTH] == [RevocationState.GOOD] * 2
            clock.now += SECOND  # though a still later one has come meanwhile
            assert [process.state() for process in (first, second)] == [RevocationState.REVOKED] * 2


async def test_a_feed_dated_ahead_leaves_the_one_before_it(tmp_path):
    """A state of a feed that counts later stands beside the one that counts now, however often both are read."""
    clock = Clock()
    feeds = serve_each(feed(5, serials=(SERIAL,)), feed(6, serials=(SERIAL,), age=-5 * SECOND))
    async with responder(feed=feeds) as server:
        one = feed_source(server, delta_urls=())
        async with Process(tmp_path, one, clock=clock) as first, Process(tmp_path, one, clock=clock) as second:
            await written(tmp_path)
            await second.keeper.look()
            await first.keeper.refresh("kept-ca")
            for _ in range(3):
                await asyncio.to_thread(Shelf(tmp_path).mark_changed, "kept-ca")
                await second.keeper.look()
                assert (second.state(), second.as_of()) == (RevocationState.REVOKED, pki.NOW - MINUTE)
            clock.now += 5 * SECOND
            assert (second.state(), second.as_of()) == (RevocationState.REVOKED, clock.now)


async def spoil(folder, part, keep):
    """Damage a file, as a bad disk does."""

    def cut():
        file = folder / "kept-ca" / f"{part}.status"
        file.write_bytes(file.read_bytes()[:keep])
        Shelf(folder).mark_changed("kept-ca")

    await asyncio.to_thread(cut)


@pytest.mark.parametrize(("keep", "failure"), [(-5, StatusFailure.MALFORMED), (5, StatusFailure.STORAGE)])
@pytest.mark.parametrize("kind", ["list", "delta", "ocsp", "feed"])
async def test_damage_on_disk_takes_nothing_away(tmp_path, kind, keep, failure):
    """Where a file cannot be read, what was known from it stays, and that is said until it can be read."""
    behaviours = {
        "list": serve(GOOD if kind == "delta" else REVOKING),
        "delta": serve(delta(pki.entry(SERIAL))),
        "ocsp": answering(ocsp.revoked(pki.NOW - MINUTE)),
        "feed": serve(feed(5, serials=(SERIAL,))),
    }
    part = {"feed": "snapshot", "ocsp": LEAF.certificate.fingerprint.hex()}.get(kind, kind)
    async with responder(**behaviours) as server:
        one = {
            "list": source(server),
            "delta": source(server, delta_urls=(server.url("/delta"),)),
            "ocsp": ocsp_source(server),
            "feed": feed_source(server, delta_urls=()),
        }[kind]
        async with Process(tmp_path, one) as first, Process(tmp_path, one) as second:
            first.keeper.watch(CHAIN)
            await first.keeper.refresh("kept-ca")
            await second.keeper.look()
            assert second.state() is RevocationState.REVOKED
            whole = await asyncio.to_thread((tmp_path / "kept-ca" / f"{part}.status").read_bytes)
            for _ in range(2):
                await spoil(tmp_path, part, keep)
                await second.keeper.look()
                assert second.state() is RevocationState.REVOKED
                assert second.keeper.report()[0].failure is failure
                await asyncio.to_thread((tmp_path / "kept-ca" / f"{part}.status").write_bytes, whole)
            await asyncio.to_thread(Shelf(tmp_path).mark_changed, "kept-ca")
            await second.keeper.look()
            assert (second.state(), second.keeper.report()[0].failure) == (RevocationState.REVOKED, None)


async def test_what_the_leader_forgot_is_forgotten(tmp_path):
    """A part that is gone from disk, while all others can be read, does not live on in those who follow."""
    async with responder(ocsp=answering()) as server:
        one = ocsp_source(server)
        async with Process(tmp_path, one) as first, Process(tmp_path, one) as second:
            first.keeper.watch(CHAIN)
            await first.keeper.refresh("kept-ca")
            await second.keeper.look()
            assert second.state() is RevocationState.GOOD

            def forget():
                shelf = Shelf(tmp_path)
                shelf.remove("kept-ca", LEAF.certificate.fingerprint.hex())
                shelf.mark_changed("kept-ca")

            await asyncio.to_thread(forget)
            await second.keeper.look()
            assert second.state() is Unavailable.NO_LIST


async def test_one_that_takes_over_asks_about_whom_it_was_asked(tmp_path):
    """What a following process read anew meanwhile does not make it forget whom it is asked about."""
    async with responder(ocsp=answering()) as server:
        one = ocsp_source(server)
        async with Process(tmp_path, one):
            second = Process(tmp_path, one)
            await second.__aenter__()
            second.keeper.watch(CHAIN)
            await second.keeper.look()
            assert len(await handed(tmp_path)) == 1  # and the one that leads ends with it
            await asyncio.to_thread(Shelf(tmp_path).mark_changed, "kept-ca")
            await second.keeper.look()
            assert server.requests == []
        await second.keeper.look()
        await until(lambda: second.state() is RevocationState.GOOD)
        await second.__aexit__()


async def test_a_full_disk_loses_nobody_who_is_asked_about(tmp_path, monkeypatch):
    """Whoever could not be handed over is handed over later, and what was read counts all the same."""
    async with responder(ocsp=answering()) as server:
        one = ocsp_source(server)
        async with Process(tmp_path, one) as first, Process(tmp_path, one) as second:
            await second.keeper.look()
            first.keeper.watch(BOTH[1])
            second.keeper.watch(CHAIN)
            server.behaviours["/ocsp"] = answering(leaf=ANOTHER)
            await first.keeper.refresh("kept-ca")
            with monkeypatch.context() as patched:
                patched.setattr(second.keeper._shelf, "hand_over", full)
                await second.keeper.look()
            assert second.state(BOTH[1]) is RevocationState.GOOD
            assert await handed(tmp_path) == []
            await second.keeper.look()
            assert await handed(tmp_path) == [LEAF.certificate.encoded]


def test_a_folder_among_those_handed_over_stops_none(tmp_path):
    """What is no file is passed over."""
    shelf = Shelf(tmp_path)
    shelf.hand_over("kept-ca", [LEAF.certificate])
    (tmp_path / "kept-ca" / "asked-about" / "0.der").mkdir()
    assert shelf.take_handed("kept-ca") == [LEAF.certificate.encoded]
    assert shelf.take_handed("kept-ca") == []


async def test_taking_over_waits_for_other_sources(tmp_path, monkeypatch):
    """A process that takes over while its sources are replaced asks the new ones, and those alone."""
    async with responder(list=serve(GOOD), other=serve(GOOD)) as server:
        one, other = source(server), source(server, name="other", urls=(server.url("/other"),))
        first = Process(tmp_path, one)
        await first.__aenter__()
        await written(tmp_path)
        async with Process(tmp_path, one) as second:
            go, load = asyncio.Event(), second.keeper._kept.load

            async def wait(sources):
                await go.wait()
                return await load(sources)

            monkeypatch.setattr(second.keeper._kept, "load", wait)
            gone = second.keeper._minded["kept-ca"]
            replacing = asyncio.create_task(second.keeper.replace_sources([other]))
            await asyncio.sleep(0)
            await first.__aexit__()
            looking = asyncio.create_task(second.keeper.look())
            for _ in range(20):
                await asyncio.sleep(0.005)
            go.set()
            await asyncio.gather(replacing, looking)
            assert second.keeper.is_leading
            assert gone.task is None
            await until(lambda: server.requests[-1].path == "/other")
