"""Lists: each is due by itself, no other list of the issuer takes its place, and what has ended makes no haste."""

import asyncio
from datetime import timedelta

import pytest

from gateway.status.failure import StatusFailure
from gateway.status.list_track import MAX_LISTS
from gateway.status.shelf import KeptAnswer, Shelf
from gateway.status.source import Coverage
from keys.revocation import RevocationState, Unavailable
from tests.gateway.status.keeping import (
    CA,
    DAY,
    GOOD,
    HOUR,
    MINUTE,
    SERIAL,
    Kept,
    delta,
    listed,
    pointing,
    source,
)
from tests.support import pki
from tests.support.pki import entry, extension, sequence, tlv
from tests.support.responder import responder, serve, serve_each


def part(*members):
    return extension("2.5.29.28", sequence(*members), critical=True)


def point(url):
    return tlv(0xA0, tlv(0xA0, tlv(0x86, url.encode())))


async def on_disk(folder):
    return (await asyncio.to_thread(Shelf(folder).read, "kept-ca")).answers


USERS, AUTHORITIES = part(tlv(0x81, b"\xff")), part(tlv(0x82, b"\xff"))


async def test_an_ended_list_served_again_is_a_failure_asked_after_later_and_later(tmp_path):
    """A list that its CA leaves expired is stale, and asked for after 5, 10, 20 s … and not every second."""
    body = listed(life=HOUR)
    async with responder(list=serve(body)) as server, Kept(tmp_path, source(server)) as kept:
        await kept.refresh()
        kept.clock.now += HOUR
        before = len(server.requests)
        for _ in range(185):
            await kept.keeper.refresh_due("kept-ca")
            kept.clock.now += timedelta(seconds=1)
        assert len(server.requests) - before <= 7
        report = kept.keeper.report()[0]
        assert (report.failure, report.failures) == (StatusFailure.STALE, len(server.requests) - before)


async def test_an_ended_delta_served_again_is_stale(tmp_path):
    """The delta at hand, served again after its next update, is stale."""
    deltas = serve(
        CA.revocation_list(
            extensions=(extension("2.5.29.20", pki.integer(9)), extension("2.5.29.27", pki.integer(7), critical=True)),
            this_update=pki.NOW - MINUTE,
            next_update=pki.NOW + HOUR,
        )
    )
    async with (
        responder(list=serve(GOOD), delta=deltas) as server,
        Kept(tmp_path, source(server, delta_urls=(server.url("/delta"),))) as kept,
    ):
        assert await kept.refresh() == []
        kept.clock.now += HOUR
        assert await kept.refresh() == [StatusFailure.STALE]


async def test_what_nobody_points_to_any_more_hurries_nobody(tmp_path):
    """A part on disk that ended is neither in the report nor on disk after the first round."""
    old = KeptAnswer(
        body=listed(number=3, age=2 * HOUR, life=-HOUR),
        confirmed_at=pki.NOW - 90 * MINUTE,
        about=pointing("http://a.cn/x").certificate.encoded,
    )
    await asyncio.to_thread(Shelf(tmp_path).write, "kept-ca", "a" * 32, old)
    async with responder(list=serve(GOOD)) as server:
        async with Kept(tmp_path, source(server, from_certificates=True)) as kept:
            await kept.refresh()
            assert kept.keeper.report()[0].usable_until == pki.NOW + 2 * HOUR
            assert kept.keeper._minded["kept-ca"].track.seconds_left(kept.clock.now) > 600
        assert set(await on_disk(tmp_path)) == {"list"}


@pytest.mark.parametrize("first", [USERS, AUTHORITIES, part(point("http://lists.test/other.crl"))])
async def test_another_list_of_the_issuer_does_not_take_the_place_first(tmp_path, first):
    """A genuine list for some certificates, served first, is refused, and the list for all is taken."""
    partial = listed(entry(1), number=3, more=(first,))
    async with responder(list=serve_each(partial, GOOD)) as server, Kept(tmp_path, source(server)) as kept:
        assert await kept.refresh() == [StatusFailure.NOT_USABLE]
        assert "covers" in kept.keeper.report()[0].detail
        assert await kept.refresh() == []
        assert kept.status().state is RevocationState.GOOD


@pytest.mark.parametrize(
    ("covers", "scope"),
    [(Coverage.SUBSCRIBERS, USERS), (Coverage.AUTHORITIES, AUTHORITIES), (Coverage.POINT, part(point("http://a.cn/")))],
)
async def test_a_list_for_some_is_taken_where_the_source_says_so(tmp_path, covers, scope):
    """What the source covers is taken, and so is a later list for all, whatever its number."""
    lists = serve_each(listed(number=30, more=(scope,)), listed(number=2, age=MINUTE))
    async with responder(list=lists) as server, Kept(tmp_path, source(server, covers=covers)) as kept:
        assert await kept.refresh() == []
        assert await kept.refresh() == []
        assert kept.status().state is RevocationState.GOOD
        assert kept.status().as_of == pki.NOW - MINUTE


async def test_a_list_that_names_its_own_address_is_taken(tmp_path):
    """A list whose distribution point is the address that it was fetched from is the one that is meant."""
    async with responder() as server, Kept(tmp_path, source(server)) as kept:
        server.behaviours["/list"] = serve(listed(more=(part(point(server.url("/list"))),)))
        assert await kept.refresh() == []


async def test_numbers_may_begin_anew_once_the_list_at_hand_has_ended(tmp_path):
    """Numbers that begin anew are refused while the old list lasts, and taken after it; one issued earlier is never."""
    anew = listed(entry(SERIAL), number=1, age=MINUTE, life=2 * DAY)
    async with (
        responder(list=serve_each(listed(number=900, life=HOUR), anew)) as server,
        Kept(tmp_path, source(server, tolerance_seconds=10.0**6)) as kept,
    ):
        assert await kept.refresh() == []
        assert await kept.refresh() == [StatusFailure.BACKWARDS]
        kept.clock.now += HOUR
        assert await kept.refresh() == []
        assert kept.status().state is RevocationState.REVOKED
        server.behaviours["/list"] = serve(listed(number=901, age=HOUR, life=3 * DAY))
        assert await kept.refresh() == [StatusFailure.BACKWARDS]
        kept.clock.now = pki.NOW + 2 * DAY
        assert await kept.refresh() == [StatusFailure.BACKWARDS]


def divided(server):
    return source(server, urls=(), from_certificates=True)


async def test_the_list_of_another_part_is_refused(tmp_path):
    """At the address that a certificate states, only a list that speaks for that certificate is taken."""
    async with responder() as server, Kept(tmp_path, divided(server)) as kept:
        a, b = (listed(more=(part(point(server.url(path))),)) for path in ("/a", "/b"))
        server.behaviours["/a"] = serve_each(b, a)
        kept.keeper.watch_certificate(pointing(server.url("/a")).certificate, CA.certificate)
        assert await kept.refresh() == [StatusFailure.NOT_USABLE]
        assert await kept.refresh() == []


async def test_a_new_distribution_point_fetches_one_list(tmp_path):
    """Each list that certificates point to is fetched when it is due, and not whenever another one is new."""
    names = [f"p{number}" for number in range(8)]
    async with responder(**{name: serve(GOOD) for name in names}) as server, Kept(tmp_path, divided(server)) as kept:
        for name in names:
            kept.keeper.watch_certificate(pointing(server.url(f"/{name}")).certificate, CA.certificate)
            await kept.keeper.refresh_due("kept-ca")
        assert [request.path for request in server.requests] == [f"/{name}" for name in names]


async def test_one_part_too_many_takes_the_place_of_the_oldest(tmp_path):
    """The list that was not asked about for longest gives way, on disk too, and that is counted."""
    names = [f"p{number}" for number in range(MAX_LISTS + 1)]
    async with responder(**{name: serve(GOOD) for name in names}) as server, Kept(tmp_path, divided(server)) as kept:
        found = [pointing(server.url(f"/{name}")).certificate for name in names]
        for certificate in found[:-1]:
            kept.keeper.watch_certificate(certificate, CA.certificate)
        await kept.keeper.refresh_due("kept-ca")
        kept.keeper.watch_certificate(found[0], CA.certificate)
        kept.keeper.watch_certificate(found[-1], CA.certificate)
        await kept.keeper.refresh_due("kept-ca")
        assert server.requests[-1].path == f"/{names[-1]}"
        assert len(server.requests) == MAX_LISTS + 1
        assert kept.observer.events.count(("failed", "kept-ca", StatusFailure.CROWDED_OUT)) == 1
        assert kept.keeper.report()[0].failures == 0
        assert len(await on_disk(tmp_path)) == MAX_LISTS
        kept.keeper.watch_certificate(found[0], CA.certificate)
        kept.keeper.watch_certificate(found[1], CA.certificate)
        await kept.keeper.refresh_due("kept-ca")
        assert server.requests[-1].path == f"/{names[1]}"


async def test_parts_are_kept_over_a_restart(tmp_path):
    """The list of a part is in force after a restart, and fetched again once a certificate points to it."""
    async with responder() as server:
        server.behaviours["/a"] = serve(listed(more=(part(point(server.url("/a"))),)))
        certificate = pointing(server.url("/a")).certificate
        async with Kept(tmp_path, divided(server)) as kept:
            kept.keeper.watch_certificate(certificate, CA.certificate)
            assert await kept.refresh() == []
        async with Kept(tmp_path, divided(server)) as again:
            assert len(again.keeper.current().revocation_lists) == 1
            await again.refresh()
            assert len(server.requests) == 1
            again.keeper.watch_certificate(certificate, CA.certificate)
            await again.refresh()
            assert len(server.requests) == 2


async def test_without_delta_addresses_a_kept_delta_is_let_go(tmp_path):
    """When a source has no deltas any more, the one on disk is not laid over the list, which is confirmed again."""
    async with responder(list=serve(GOOD), delta=serve(delta(number=8))) as server:
        async with Kept(tmp_path, source(server, delta_urls=(server.url("/delta"),))) as kept:
            assert await kept.refresh() == []
        async with Kept(tmp_path, source(server)) as again:
            again.clock.now += 3 * HOUR
            assert await again.refresh() == []
            assert again.keeper.report()[0].usable_until == pki.NOW + 5 * HOUR
            assert again.status().state is RevocationState.GOOD
        assert set(await on_disk(tmp_path)) == {"list"}


async def test_without_its_delta_a_list_speaks_for_itself(tmp_path):
    """When the delta ends and no other comes, the list below it counts by its own dates, also over a restart."""
    full = listed(number=7, life=7 * DAY)
    ending = delta(number=8, life=HOUR)
    async with responder(list=serve(full), delta=serve_each(ending, serve(b"", status="503 Down"))) as server:
        one = source(server, delta_urls=(server.url("/delta"),))
        async with Kept(tmp_path, one) as kept:
            await kept.refresh()
            assert (kept.status().state, kept.status().as_of) == (RevocationState.GOOD, pki.NOW - MINUTE)
            kept.clock.now += 2 * HOUR
            assert await kept.refresh() == [StatusFailure.HTTP_STATUS]
            assert (kept.status().state, kept.status().as_of) == (RevocationState.GOOD, pki.NOW - HOUR)
        async with Kept(tmp_path, one, clock=kept.clock) as again:
            assert again.status().state is RevocationState.GOOD
            again.clock.now += 2 * HOUR  # the tolerance of the list
            assert again.status().why in {Unavailable.STALE, Unavailable.TOO_OLD}


async def test_what_a_delta_has_revoked_is_not_good_when_it_has_ended(tmp_path):
    """A certificate that the last delta named is good by no older list."""
    full = listed(number=7, life=7 * DAY)
    ending = delta(entry(SERIAL), number=8, life=HOUR)
    async with (
        responder(list=serve(full), delta=serve_each(ending, serve(b"", status="503 Down"))) as server,
        Kept(tmp_path, source(server, delta_urls=(server.url("/delta"),))) as kept,
    ):
        await kept.refresh()
        assert kept.status().state is RevocationState.REVOKED
        kept.clock.now += 2 * HOUR
        await kept.refresh()
        assert kept.status().why is Unavailable.STALE


async def test_a_dead_delta_address_is_asked_later_and_later_and_the_list_at_its_interval(tmp_path):
    """List and delta are due each by itself."""
    async with (
        responder(list=serve(GOOD)) as server,
        Kept(tmp_path, source(server, delta_urls=(server.url("/delta"),))) as kept,
    ):
        for _ in range(185):
            await kept.keeper.refresh_due("kept-ca")
            kept.clock.now += timedelta(seconds=1)
    paths = [request.path for request in server.requests]
    assert (paths.count("/list"), paths.count("/delta")) == (1, 6)


async def test_lists_ever_further_ahead_leave_the_one_that_counts(tmp_path):
    """Neither a list that is a little ahead, nor one that is far ahead after it, takes the present one away."""
    ahead = listed(number=8, age=-5 * MINUTE), listed(number=9, age=-20 * MINUTE)
    async with responder(list=serve_each(GOOD, *ahead)) as server, Kept(tmp_path, source(server)) as kept:
        assert [await kept.refresh() for _ in range(4)] == [[], [], *([[StatusFailure.NOT_YET]] * 2)]
        for later, as_of in ((0, -60), (5, 5), (15, 20)):
            kept.clock.now += later * MINUTE
            assert (kept.status().state, kept.status().as_of) == (RevocationState.GOOD, pki.NOW + as_of * MINUTE)
