"""Turns: who answers does not wait for who is silent."""

import asyncio

from gateway.status.failure import StatusFailure
from gateway.status.turns import MAX_ANSWERING, MAX_SILENT, Responsiveness, Turns
from tests.gateway.status.keeping import GOOD, Kept, ocsp_source, source
from tests.gateway.status.test_processes import until
from tests.support import pki
from tests.support.responder import responder, serve, silent


async def test_silent_responders_do_not_delay_a_list(tmp_path):
    """While two dozen responders say nothing, a list whose server answered the last time is fetched at once."""
    authorities = [pki.make_root(f"Silent CA {number}") for number in range(24)]
    async with responder(list=serve(GOOD), ocsp=silent) as server:
        quiet = [
            ocsp_source(server, name=f"silent-{number}", issuer=one.certificate, timeout_seconds=60.0)
            for number, one in enumerate(authorities)
        ]
        async with Kept(tmp_path, source(server), *quiet) as kept:
            assert await kept.refresh() == []
            for one in authorities:
                for number in range(4):
                    kept.keeper.watch_certificate(one.issue(f"signer {number}").certificate, one.certificate)
            asking = [asyncio.create_task(kept.keeper.refresh_due(one.name)) for one in quiet]
            await until(lambda: len(server.requests) == 1 + MAX_SILENT)
            async with asyncio.timeout(30):
                assert await kept.refresh() == []
            assert len(server.requests) == 2 + MAX_SILENT
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)


async def test_turns_are_bounded():
    """No more than the bound are under way at once, and of a silent source one."""
    turns, running, most = Turns(), 0, 0

    async def ask(one):
        nonlocal running, most
        async with turns.take(one):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    answering = Responsiveness(answers=True)
    await asyncio.gather(*(ask(answering) for _ in range(3 * MAX_ANSWERING)))
    assert most == MAX_ANSWERING
    most, quiet = 0, Responsiveness()
    await asyncio.gather(*(ask(quiet) for _ in range(5)))
    assert most == 1
    most = 0
    await asyncio.gather(*(ask(Responsiveness()) for _ in range(3 * MAX_SILENT)))
    assert most == MAX_SILENT


async def test_who_falls_silent_leaves_the_queue_of_those_who_answer():
    """What waits for a turn behind its own silence waits among the silent from then on."""
    turns, one = Turns(), Responsiveness(answers=True)
    release = asyncio.Event()

    async def hold():
        async with turns.take(one):
            await release.wait()
            one.note(StatusFailure.TIMEOUT)

    held = [asyncio.create_task(hold()) for _ in range(MAX_ANSWERING + 5)]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*held)
    other = Responsiveness(answers=True)
    async with asyncio.timeout(5), turns.take(other):
        assert not one.answers
    one.note(StatusFailure.MALFORMED)
    assert one.answers
