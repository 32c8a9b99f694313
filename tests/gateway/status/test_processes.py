"""Several processes with one folder: one asks, the others follow what it wrote, and one takes over when it ends."""

import asyncio
import math
import subprocess
import sys
from datetime import timedelta

import pytest

from gateway.status.keeper import StatusKeeper
from gateway.status.leader import LOCK_FILE, LeaderLock
from gateway.status.shelf import Shelf
from keys.revocation import RevocationState, Unavailable, revocation_status
from tests.gateway.status.keeping import (
    BASE,
    CHAIN,
    GOOD,
    LEAF,
    REVOKING,
    Clock,
    Observer,
    answering,
    listed,
    ocsp_source,
    source,
)
from tests.support import pki
from tests.support.responder import responder, serve, serve_each, silent

HOLD = """
import sys, time
from pathlib import Path
from gateway.status.leader import LeaderLock
assert LeaderLock(Path(sys.argv[1])).try_acquire()
print("held", flush=True)
time.sleep(600)
"""


class Process:
    """A keeper as one process of several has it, but for its own task: it looks when the test says so."""

    def __init__(self, folder, *sources, clock=None):
        self.clock = clock or Clock()
        self.observer = Observer()
        self.keeper = StatusKeeper(
            BASE, sources, shelf=Shelf(folder), clock=self.clock, observer=self.observer, look_seconds=3600.0
        )

    async def __aenter__(self):
        """Start as a process does."""
        await self.keeper.__aenter__()
        return self

    async def __aexit__(self, *_):
        """End as a process does."""
        await self.keeper.__aexit__()

    def state(self, chain=CHAIN):
        """Ask what is known."""
        found = self.status(chain)
        return found.why if found.state is RevocationState.UNAVAILABLE else found.state

    def as_of(self):
        """Ask as of when."""
        return self.status(CHAIN).as_of

    def status(self, chain):
        """Ask."""
        return revocation_status(chain, store=self.keeper.current(), now=self.clock.now, trusted_time=None)


async def until(condition):
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come")


async def written(folder):
    """Wait until the process that asks has written for the first time."""
    for _ in range(1000):
        if await asyncio.to_thread(Shelf(folder).read_revision):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come")


async def handed(folder):
    """Return, and forget, what was left for the process that asks."""
    return await asyncio.to_thread(Shelf(folder).take_handed, "kept-ca")


async def test_one_asks_and_the_others_follow(tmp_path):
    """Of two keepers one asks; the other knows the same after a look, under the same number, and asked nobody."""
    async with responder(list=serve_each(GOOD, REVOKING)) as server:
        one = source(server)
        async with Process(tmp_path, one) as first, Process(tmp_path, one) as second:
            assert (first.keeper.is_leading, second.keeper.is_leading) == (True, False)
            await until(lambda: first.state() is RevocationState.GOOD)
            await written(tmp_path)
            await second.keeper.look()
            assert (second.state(), second.keeper.sequence) == (RevocationState.GOOD, first.keeper.sequence)
            await first.keeper.refresh("kept-ca")
            assert second.state() is RevocationState.GOOD
            await second.keeper.look()
            assert (second.state(), second.keeper.sequence) == (RevocationState.REVOKED, first.keeper.sequence)
            assert second.keeper.report()[0].usable_until == first.keeper.report()[0].usable_until
            assert len(server.requests) == 2


async def test_only_who_asks_says_how_old_knowledge_is(tmp_path):
    """A source that never answers is behind without end for who asks it, and for nobody else, nor after the end."""
    async with responder(list=silent) as server:
        one = source(server, timeout_seconds=0.05)
        async with Process(tmp_path, one) as first, Process(tmp_path, one) as second:
            await until(lambda: first.keeper.report()[0].failures)
            await first.keeper.look()
            await second.keeper.look()
            assert (first.observer.lag, second.observer.lag) == (math.inf, 0.0)
        assert first.observer.lag == 0.0


async def test_a_confirmation_prolongs_the_tolerance_of_the_others_too(tmp_path):
    """The same list again changes nothing but its confirmation, which those who follow take as well."""
    clock = Clock()
    async with responder(list=serve(GOOD)) as server:
        one = source(server)
        async with Process(tmp_path, one, clock=clock) as first, Process(tmp_path, one, clock=clock) as second:
            await written(tmp_path)
            await second.keeper.look()
            clock.now += timedelta(hours=1)
            await first.keeper.refresh("kept-ca")
            await second.keeper.look()
            clock.now += timedelta(hours=1, minutes=30)
            assert second.state() is RevocationState.GOOD


async def test_the_next_one_takes_over(tmp_path):
    """When the one that asks ends, another one asks, and goes on with the numbers, beginning with one of its own."""
    async with responder(list=serve_each(GOOD, REVOKING)) as server:
        one = source(server)
        async with Process(tmp_path, one) as second:
            assert second.keeper.is_leading
            await written(tmp_path)
            first = Process(tmp_path, one)
            await first.__aenter__()
            await first.keeper.look()
            assert not first.keeper.is_leading
        await first.keeper.look()
        assert first.keeper.is_leading
        await until(lambda: first.state() is RevocationState.REVOKED)
        assert first.keeper.sequence == 3
        await first.__aexit__()


async def test_a_number_is_that_of_one_content(tmp_path, monkeypatch):
    """A number that the last one gave out and only it knew the content of is not given out again."""
    async with responder(list=serve_each(GOOD, REVOKING)) as server:
        one = source(server)
        async with Process(tmp_path, one) as first:
            await written(tmp_path)
            async with Process(tmp_path, one) as second:
                await second.keeper.look()

                async def die(*_):
                    raise RuntimeError("killed")

                with monkeypatch.context() as patched:
                    patched.setattr(first.keeper, "_keep", die)
                    with pytest.raises(RuntimeError, match="killed"):
                        await first.keeper.refresh("kept-ca")
                assert (first.state(), first.keeper.sequence) == (RevocationState.REVOKED, 2)
                await first.keeper.close()
                server.behaviours["/list"] = silent
                await second.keeper.look()
                assert second.keeper.is_leading
                assert (second.state(), second.keeper.sequence) == (RevocationState.GOOD, 3)


async def test_a_process_that_is_killed_leads_no_more(tmp_path):
    """The system gives the lock back when the process that holds it is killed."""
    holder = await asyncio.to_thread(
        lambda: subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)  # noqa: S603 - our own interpreter and text
    )
    try:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        async with responder(list=serve(GOOD)) as server, Process(tmp_path, source(server)) as mine:
            await mine.keeper.look()
            assert not mine.keeper.is_leading
            assert server.requests == []
            holder.kill()
            await asyncio.to_thread(holder.wait)
            await mine.keeper.look()
            assert mine.keeper.is_leading
            await until(lambda: mine.state() is RevocationState.GOOD)
    finally:
        holder.kill()
        await asyncio.to_thread(holder.communicate)


async def test_whoever_is_asked_about_elsewhere_is_asked_about(tmp_path):
    """A certificate that a following process meets is handed to the one that asks, and its answer comes back."""
    async with responder(ocsp=answering()) as server:
        one = ocsp_source(server)
        async with Process(tmp_path, one) as first, Process(tmp_path, one) as second:
            second.keeper.watch(CHAIN)
            await second.keeper.look()
            assert second.state() is Unavailable.NO_LIST
            await first.keeper.look()
            await until(lambda: first.state() is RevocationState.GOOD)
            await written(tmp_path)
            await second.keeper.look()
            assert second.state() is RevocationState.GOOD
            assert await handed(tmp_path) == []


async def test_a_new_leader_is_told_again(tmp_path):
    """What the last leader was told and did not answer is told to the next one; a leader knows its own."""
    async with responder() as server:
        one = ocsp_source(server)
        async with Process(tmp_path, one) as second, Process(tmp_path, one) as first:
            assert (first.keeper.is_leading, second.keeper.is_leading) == (False, True)
            first.keeper.watch(CHAIN)
            await first.keeper.look()
            assert len(await handed(tmp_path)) == 1
            await first.keeper.look()
            assert await handed(tmp_path) == []
            await asyncio.to_thread((tmp_path / LOCK_FILE).write_bytes, b"another")
            await first.keeper.look()
            assert await handed(tmp_path) == [LEAF.certificate.encoded]


async def test_a_list_from_the_future_waits(tmp_path):
    """While the newest list counts from a later moment only, those who follow keep the one before it."""
    soon = listed(number=8, age=timedelta(seconds=-5))
    clock = Clock()
    async with responder(list=serve_each(GOOD, soon)) as server:
        one = source(server)
        async with Process(tmp_path, one, clock=clock) as first, Process(tmp_path, one, clock=clock) as second:
            await written(tmp_path)
            await second.keeper.look()
            await first.keeper.refresh("kept-ca")
            for _ in range(2):
                await second.keeper.look()
                assert (second.state(), second.as_of()) == (RevocationState.GOOD, pki.NOW - timedelta(hours=1))
            clock.now += timedelta(seconds=5)
            assert (second.state(), second.as_of()) == (RevocationState.GOOD, pki.NOW + timedelta(seconds=5))


async def test_without_locks_each_asks_for_itself(tmp_path):
    """Where the folder cannot be used, a process asks the sources itself and knows what they say."""
    await asyncio.to_thread((tmp_path / "file").write_bytes, b"")
    async with responder(list=serve(GOOD)) as server, Process(tmp_path / "file", source(server)) as mine:
        assert mine.keeper.is_leading
        await until(lambda: mine.state() is RevocationState.GOOD)


def test_the_lock(tmp_path):
    """One of two has the lock, asking again changes nothing, and it can be given back."""
    first, second = LeaderLock(tmp_path / "new"), LeaderLock(tmp_path / "new")
    assert first.try_acquire()
    assert first.try_acquire()
    name = second.read_name()
    assert not second.try_acquire()
    first.release()
    first.release()
    assert second.try_acquire()
    assert first.read_name() != name
    second.release()


async def test_other_sources(tmp_path):
    """Sources can be replaced while they are asked: unchanged ones go on, new ones begin, the others are let go."""
    async with responder(list=serve(GOOD), ocsp=answering()) as server:
        one, two = source(server), ocsp_source(server, name="ocsp")
        async with Process(tmp_path, one) as mine:
            await until(lambda: mine.state() is RevocationState.GOOD)
            await mine.keeper.replace_sources((one, two))
            mine.keeper.watch(CHAIN)
            await until(lambda: len(mine.keeper.current().revocation_lists) == 2)
            asked = [request.path for request in server.requests].count("/list")
            await mine.keeper.replace_sources((two,))
            assert [report.source for report in mine.keeper.report()] == ["ocsp"]
            assert len(mine.keeper.current().revocation_lists) == 1
            await mine.keeper.replace_sources((source(server, timeout_seconds=4.0),))
            assert mine.state() is RevocationState.GOOD  # from disk, before anything is asked
            await until(lambda: [request.path for request in server.requests].count("/list") > asked)
