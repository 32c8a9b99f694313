"""The keeper of revocation status: what it learns in the background, keeps over a restart, refuses and forgets."""

import asyncio
from datetime import timedelta

import pytest

from gateway.status.failure import StatusFailure
from gateway.status.keeper import StatusKeeper
from gateway.status.shelf import Shelf
from keys.revocation import RevocationState, Unavailable
from tests.gateway.status.keeping import (
    BASE,
    CA,
    CHAIN,
    DAY,
    GOOD,
    HOUR,
    LEAF,
    MINUTE,
    OTHER,
    REVOKING,
    SERIAL,
    Clock,
    Kept,
    Observer,
    answering,
    delta,
    listed,
    ocsp_source,
    pointing,
    source,
)
from tests.support import pki
from tests.support.pki import entry, extension, integer
from tests.support.responder import endless, responder, serve, serve_each, silent


async def test_a_list_is_fetched_and_revokes(tmp_path):
    """Before the first answer nothing is known; then the chain is good; then, without a restart, revoked."""
    async with responder(list=serve_each(GOOD, REVOKING)) as server, Kept(tmp_path, source(server)) as kept:
        before = kept.keeper.current()
        assert (kept.status().why, kept.keeper.sequence) == (Unavailable.NO_LIST, 0)
        assert await kept.refresh() == []
        assert (kept.status().state, kept.keeper.sequence) == (RevocationState.GOOD, 1)
        assert await kept.refresh() == []
        assert (kept.status().state, kept.keeper.sequence) == (RevocationState.REVOKED, 2)
        assert before.revocation_lists == ()
        assert kept.observer.events[:2] == [("changed", 1), ("succeeded", "kept-ca", pki.NOW - HOUR)]


async def test_the_same_list_again_is_no_change(tmp_path):
    """A list that is fetched again unchanged is confirmed, and keeps the number."""
    async with responder(list=serve(GOOD)) as server, Kept(tmp_path, source(server)) as kept:
        await kept.refresh()
        kept.clock.now += HOUR
        await kept.refresh()
        assert kept.keeper.sequence == 1
        assert kept.keeper.report()[0].usable_until == pki.NOW + 3 * HOUR


STRANGER = pki.Entity(key=pki.sm2_key(), certificate=CA.certificate)
INDIRECT = extension("2.5.29.28", pki.sequence(pki.tlv(0x84, b"\xff")), critical=True)
DELTA_OF_6 = extension("2.5.29.27", integer(6), critical=True)


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (serve(b"<html>maintenance</html>"), StatusFailure.MALFORMED),
        (serve(REVOKING[:-1]), StatusFailure.MALFORMED),
        (serve(listed(number=8, ca=OTHER)), StatusFailure.OTHER_ISSUER),
        (serve(listed(number=8, ca=STRANGER)), StatusFailure.BAD_SIGNATURE),
        (serve(listed(number=6)), StatusFailure.BACKWARDS),
        (serve(listed(number=8, age=2 * HOUR)), StatusFailure.BACKWARDS),
        (serve(listed(entry(1))), StatusFailure.BACKWARDS),
        (serve(listed(number=8, life=timedelta())), StatusFailure.STALE),
        (serve(listed(number=8, age=-3 * HOUR)), StatusFailure.NOT_YET),
        (serve(listed(number=8, more=(INDIRECT,))), StatusFailure.NOT_USABLE),
        (serve(listed(number=8, more=(DELTA_OF_6,))), StatusFailure.NOT_USABLE),
        (serve(b"", status="500 Broken"), StatusFailure.HTTP_STATUS),
        (serve(b"", status="302 Found", headers=("Location: http://127.0.0.1/",)), StatusFailure.REDIRECT),
        (endless, StatusFailure.TOO_LARGE),
        (silent, StatusFailure.TIMEOUT),
    ],
    ids=range(15),
)
async def test_what_was_good_stays(tmp_path, behaviour, failure):
    """Whatever a server answers that may not be relied on, the last good list stays, and the failure is said."""
    async with responder(list=serve_each(GOOD, behaviour)) as server:
        async with Kept(tmp_path, source(server, timeout_seconds=0.5)) as kept:
            assert await kept.refresh() == []
            assert await kept.refresh() == [failure]
            assert kept.status().state is RevocationState.GOOD
            report = kept.keeper.report()[0]
            assert (report.failure, report.failures) == (failure, 1)
            assert report.sentence
            assert report.sentence_zh
            assert kept.observer.events[-1] == ("failed", "kept-ca", failure)
        async with Kept(tmp_path, source(server)) as again:
            assert again.status().state is RevocationState.GOOD


async def test_a_second_address_answers_for_the_first(tmp_path):
    """When the first address lies, the next one is asked."""
    async with (
        responder(lie=serve(b"lie"), list=serve(GOOD)) as server,
        Kept(tmp_path, source(server, urls=(server.url("/lie"), server.url("/list")))) as kept,
    ):
        assert await kept.refresh() == []
        assert kept.status().state is RevocationState.GOOD


async def test_ageing(tmp_path):
    """While the source is silent the list is used, with its age, until the tolerance ends; then it is unavailable."""
    behaviour = serve_each(GOOD, serve(b"", status="503 Down"))
    async with responder(list=behaviour) as server, Kept(tmp_path, source(server)) as kept:
        await kept.refresh()
        kept.clock.now += 2 * HOUR - timedelta(seconds=1)
        await kept.refresh()
        assert (kept.status().state, kept.status().as_of) == (RevocationState.GOOD, pki.NOW - HOUR)
        assert kept.keeper.report()[0].age_seconds(kept.clock.now) == 3 * 3600 - 1
        kept.clock.now += timedelta(seconds=1)
        assert (kept.status().state, kept.status().why) == (RevocationState.UNAVAILABLE, Unavailable.TOO_OLD)


async def test_the_tolerance_never_prolongs_a_list(tmp_path):
    """A list ends at its next update, however long the tolerance."""
    async with (
        responder(list=serve(GOOD)) as server,
        Kept(tmp_path, source(server, tolerance_seconds=10.0**6)) as kept,
    ):
        await kept.refresh()
        kept.clock.now += DAY
        assert kept.status().why is Unavailable.STALE


async def test_kept_over_a_restart(tmp_path):
    """After a restart the kept list is in force before anything is fetched, with its age, its end and the number."""
    async with responder(list=serve_each(GOOD, REVOKING)) as server:
        async with Kept(tmp_path, source(server)) as kept:
            await kept.refresh()
            await kept.refresh()
        clock = Clock()
        clock.now += HOUR
        async with Kept(tmp_path, source(server), clock=clock) as again:
            assert again.status().state is RevocationState.REVOKED
            assert again.keeper.sequence > 2
            assert again.keeper.report()[0].usable_until == pki.NOW + 2 * HOUR
            clock.now += HOUR
            assert again.status().why is Unavailable.TOO_OLD
    assert len(server.requests) == 2


async def test_an_older_list_is_refused_after_a_restart_too(tmp_path):
    """What was known before the restart still guards against a list that went backwards."""
    async with responder(list=serve_each(REVOKING, GOOD)) as server:
        async with Kept(tmp_path, source(server)) as kept:
            await kept.refresh()
        async with Kept(tmp_path, source(server)) as again:
            assert await again.refresh() == [StatusFailure.BACKWARDS]
            assert again.status().state is RevocationState.REVOKED


async def test_a_kept_file_is_verified_again(tmp_path):
    """A kept file that was changed, cut or replaced by another issuer's is not used."""
    async with responder(list=serve(GOOD)) as server:
        async with Kept(tmp_path, source(server)) as kept:
            await kept.refresh()
        file = tmp_path / "kept-ca" / "list.status"
        header, _, body = (await asyncio.to_thread(file.read_bytes)).partition(b"\n")
        wrong = (
            header + b"\n" + body[:-1] + bytes((body[-1] ^ 1,)),
            header + b"\n" + listed(ca=OTHER),
            header[:-5] + b"\n" + body,
            b"",
            body,
        )
        for content in wrong:
            await asyncio.to_thread(file.write_bytes, content)
            async with Kept(tmp_path, source(server)) as again:
                assert again.status().why is Unavailable.NO_LIST


async def test_a_kept_time_in_the_future_prolongs_nothing(tmp_path):
    """A confirmation that is dated after now counts from now."""
    async with responder(list=serve(GOOD)) as server:
        async with Kept(tmp_path, source(server)) as kept:
            await kept.refresh()
        clock = Clock()
        clock.now -= MINUTE
        async with Kept(tmp_path, source(server), clock=clock) as again:
            assert again.keeper.report()[0].usable_until == pki.NOW - MINUTE + 2 * HOUR


async def test_a_full_disk_costs_only_the_memory(tmp_path):
    """When nothing can be written, what was fetched is in force all the same, and the failure is said."""
    await asyncio.to_thread((tmp_path / "file").write_bytes, b"")
    async with responder(list=serve(GOOD)) as server, Kept(tmp_path / "file", source(server)) as kept:
        await kept.refresh()
        assert kept.status().state is RevocationState.GOOD
        assert ("failed", "kept-ca", StatusFailure.STORAGE) in kept.observer.events


async def test_a_clock_that_is_wrong_by_hours_is_said(tmp_path):
    """With a clock that is behind, the list is from the future; the answer says by how much, and the measured skew."""
    async with responder(list=serve(GOOD, date=pki.NOW)) as server, Kept(tmp_path, source(server)) as kept:
        kept.clock.now -= 4 * HOUR
        assert await kept.refresh() == [StatusFailure.NOT_YET]
        found = kept.status()
        assert (found.why, found.ahead, found.skew) == (Unavailable.NOT_YET, 3 * HOUR, -4 * HOUR)


async def test_a_server_that_is_a_little_ahead(tmp_path):
    """A list dated a few seconds from now counts from then; until then the one before it does."""
    soon = listed(entry(SERIAL), number=8, age=timedelta(seconds=-5))
    async with responder(list=serve_each(GOOD, soon)) as server, Kept(tmp_path, source(server)) as kept:
        await kept.refresh()
        assert await kept.refresh() == []
        assert kept.status().state is RevocationState.GOOD
        kept.clock.now += timedelta(seconds=5)
        assert kept.status().state is RevocationState.REVOKED


async def test_deltas(tmp_path):
    """A delta on top of the list revokes, is kept over a restart, and gives way to a newer complete list."""
    newer = listed(number=12, age=timedelta(seconds=30))
    lists, deltas = serve_each(GOOD, GOOD, newer), serve_each(delta(number=8), delta(entry(SERIAL)))
    async with responder(list=lists, delta=deltas) as server:
        one = source(server, delta_urls=(server.url("/delta"),))
        async with Kept(tmp_path, one) as kept:
            assert await kept.refresh() == []
            assert kept.status().state is RevocationState.GOOD
            assert await kept.refresh() == []
            assert kept.status().state is RevocationState.REVOKED
        async with Kept(tmp_path, one) as again:
            assert again.status().state is RevocationState.REVOKED
            server.behaviours["/delta"] = serve(delta(entry(SERIAL), number=13, base=12, age=timedelta(seconds=10)))
            assert await again.refresh() == []
            assert again.status().as_of == pki.NOW - timedelta(seconds=10)


@pytest.mark.parametrize(
    ("blob", "failure"),
    [
        (delta(number=20, base=19), StatusFailure.GAP),
        (delta(number=5, base=3), StatusFailure.BACKWARDS),
        (delta(ca=STRANGER), StatusFailure.BAD_SIGNATURE),
        (delta(ca=OTHER), StatusFailure.OTHER_ISSUER),
        (listed(number=9), StatusFailure.NOT_USABLE),
        (b"x", StatusFailure.MALFORMED),
    ],
    ids=range(6),
)
async def test_a_delta_that_is_refused(tmp_path, blob, failure):
    """A delta that does not fit leaves the complete list in force."""
    async with (
        responder(list=serve(GOOD), delta=serve(blob)) as server,
        Kept(tmp_path, source(server, delta_urls=(server.url("/delta"),))) as kept,
    ):
        assert await kept.refresh() == [failure]
        assert kept.status().state is RevocationState.GOOD


async def test_addresses_of_certificates_only_where_allowed(tmp_path):
    """The address in a certificate is used only when the source says so and its host is on the list."""
    async with responder(list=serve(GOOD)) as server, responder(list=serve(GOOD)) as elsewhere:
        one = source(server, urls=(), from_certificates=True)
        async with Kept(tmp_path, one) as kept:
            kept.keeper.watch_certificate(pointing(elsewhere.url("/list")).certificate, CA.certificate)
            kept.keeper.watch_certificate(LEAF.certificate, CA.certificate)
            await kept.refresh()
            assert kept.status().why is Unavailable.NO_LIST
            kept.keeper.watch_certificate(pointing(server.url("/list")).certificate, CA.certificate)
            assert await kept.refresh() == []
            assert kept.status().state is RevocationState.GOOD
        assert elsewhere.requests == []


async def test_in_the_background(tmp_path):
    """Entered, the keeper asks by itself, and again as soon as a new certificate is to be watched; left, it stops."""
    clock = Clock()
    async with responder(list=serve(GOOD), ocsp=answering()) as server:
        sources = (source(server), ocsp_source(server, name="ocsp"))
        keeper = StatusKeeper(BASE, sources, shelf=Shelf(tmp_path), clock=clock, observer=Observer())
        async with keeper:
            for _ in range(500):
                if keeper.sequence:
                    break
                await pause()
            keeper.watch(CHAIN)
            for _ in range(500):
                if keeper.sequence == 2:
                    break
                await pause()
            assert keeper.sequence == 2
            assert len(keeper.current().revocation_lists) == 2
        assert {request.path for request in server.requests} == {"/list", "/ocsp"}


async def pause():

    await asyncio.sleep(0.01)
