"""The keeper: what was good stays until something better comes, ages by the clock, and survives a restart."""

import asyncio
import ipaddress
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.status.failure import StatusFailure
from gateway.status.keeper import StatusKeeper
from gateway.status.shelf import Shelf
from gateway.status.source import SourceKind, StatusSource
from keys.chain import build_chain
from keys.ocsp import parse_ocsp_response
from keys.ocsp_certificate_id import IdDigest
from keys.revocation import RevocationState, Unavailable, revocation_status
from keys.status_feed import (
    CertificateEntry,
    CertificateKey,
    CertificateState,
    StatusFeed,
    encode_signed_feed,
    encode_status_feed,
    issuer_key,
)
from keys.trust import Anchor, Purpose, TrustStore
from keys.trust_list import KeyRole, ListAlgorithm, ListKey
from tests.support import ocsp, pki
from tests.support.pki import entry, extension, integer
from tests.support.responder import endless, responder, serve, serve_each, serve_made, silent

CA = pki.make_root("Kept CA")
OTHER = pki.make_root("Other CA")
LEAF = CA.issue("signer")
SERIAL = LEAF.certificate.serial
BASE = TrustStore(anchors=(Anchor(certificate=CA.certificate, purposes=frozenset(Purpose)),))
CHAIN = build_chain(LEAF.certificate, store=BASE, purpose=Purpose.SIGNER, at=pki.NOW)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = pki.NOW

    def __call__(self):
        """Return the moment."""
        return self.now


class Observer:
    """Writes down what it is told."""

    def __init__(self):
        self.events = []

    def succeeded(self, source, *, at, as_of):
        """Note a success."""
        self.events.append(("succeeded", source, as_of))
        assert at is not None

    def failed(self, source, failure):
        """Note a failure."""
        self.events.append(("failed", source, failure))

    def changed(self, sequence):
        """Note a change."""
        self.events.append(("changed", sequence))


def source(server, **knobs):
    usual = {
        "name": "kept-ca",
        "kind": SourceKind.LIST,
        "issuer": CA.certificate,
        "urls": (server.url("/list"),),
        "hosts": frozenset({server.host}),
        "networks": LOOPBACK,
        "timeout_seconds": 5.0,
        "max_bytes": 100_000,
        "tolerance_seconds": 7_200.0,
    }
    return StatusSource(**(usual | knobs))


class Kept:
    """A keeper on a folder, with its clock and what it told."""

    def __init__(self, folder, *sources, base=BASE, clock=None):
        self.clock = clock or Clock()
        self.observer = Observer()
        self.keeper = StatusKeeper(base, sources, shelf=Shelf(folder), clock=self.clock, observer=self.observer)

    async def __aenter__(self):
        """Read what was kept."""
        await self.keeper.load()
        return self

    async def __aexit__(self, *_):
        """Close the connections."""
        await self.keeper.close()

    async def refresh(self, name="kept-ca"):
        """Ask once; return the failures."""
        attempt = await self.keeper.refresh(name)
        return [error.failure for error in attempt.errors]

    def status(self, chain=CHAIN):
        """Ask what is known about the chain now."""
        return revocation_status(chain, store=self.keeper.current(), now=self.clock.now, trusted_time=None)


def listed(*entries, number=7, age=HOUR, ca=CA, life=DAY, more=()):
    return ca.revocation_list(
        *entries,
        extensions=(extension("2.5.29.20", integer(number)), *more),
        this_update=pki.NOW - age,
        next_update=pki.NOW + life,
    )


GOOD = listed()
REVOKING = listed(entry(SERIAL), number=8, age=MINUTE)


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
MUTE = pki.make_root("Kept CA", usages=("key_cert_sign",))
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


def delta(*entries, number=9, base=7, age=MINUTE, ca=CA, life=DAY):
    indicator = extension("2.5.29.27", integer(base), critical=True)
    return listed(*entries, number=number, age=age, ca=ca, life=life, more=(indicator,))


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


def pointing(url, **knobs):
    points = pki.sequence(pki.sequence(pki.tlv(0xA0, pki.tlv(0xA0, pki.tlv(0x86, url.encode())))))
    return CA.issue("pointing", more=(extension("2.5.29.31", points),), **knobs)


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


def nonce_of(body):
    at = body.index(bytes.fromhex("06092b0601050507300102"))
    return body[-32:] if at else b""


def answering(status=ocsp.GOOD, *, leaf=LEAF, signer=CA, key=None, nonce=True, **dates):
    single = ocsp.single(ocsp.certificate_id(leaf, CA), status, **dates)

    def make(request):
        found = nonce_of(request.body) if nonce is True else nonce
        return ocsp.answer(single, signer=signer, key=key, nonce=found or None)

    return serve_made(make)


def ocsp_source(server, **knobs):
    return source(server, **({"kind": SourceKind.OCSP, "urls": (server.url("/ocsp"),)} | knobs))


async def test_ocsp_is_asked_ahead_of_the_next_time(tmp_path):
    """A certificate that was asked about is watched: its answer is there the next time, also after a restart."""
    async with responder(ocsp=answering()) as server:
        async with Kept(tmp_path, ocsp_source(server)) as kept:
            assert await kept.refresh() == []
            assert server.requests == []
            kept.keeper.watch(CHAIN)
            assert await kept.refresh() == []
            assert (kept.status().state, kept.keeper.sequence) == (RevocationState.GOOD, 1)
            await kept.keeper.refresh_due("kept-ca")
            assert len(server.requests) == 1
            server.behaviours["/ocsp"] = answering(ocsp.revoked(pki.NOW - HOUR, 1), this_update=pki.NOW)
            kept.clock.now += HOUR
            await kept.refresh()
            assert kept.status().state is RevocationState.REVOKED
        async with Kept(tmp_path, ocsp_source(server)) as again:
            assert again.status().state is RevocationState.REVOKED


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (answering(leaf=OTHER), StatusFailure.OTHER_CERTIFICATE),
        (answering(nonce=b"y" * 32), StatusFailure.NONCE),
        (answering(nonce=False), StatusFailure.NONCE),
        (answering(signer=OTHER), StatusFailure.BAD_SIGNATURE),
        (answering(key=pki.sm2_key()), StatusFailure.BAD_SIGNATURE),
        (answering(next_update=pki.NOW), StatusFailure.STALE),
        (answering(this_update=pki.NOW + HOUR), StatusFailure.NOT_YET),
        (answering(this_update=pki.NOW - HOUR), StatusFailure.BACKWARDS),
        (serve(ocsp.answer(signer=CA, status=3)), StatusFailure.DECLINED),
        (serve(b"<html>"), StatusFailure.MALFORMED),
        (silent, StatusFailure.TIMEOUT),
    ],
    ids=range(11),
)
async def test_an_ocsp_answer_that_is_refused(tmp_path, behaviour, failure):
    """Whatever a responder answers that may not be relied on, the last good answer stays."""
    async with (
        responder(ocsp=serve_each(answering(), behaviour)) as server,
        Kept(tmp_path, ocsp_source(server, timeout_seconds=0.5, nonce_required=True)) as kept,
    ):
        kept.keeper.watch(CHAIN)
        await kept.refresh()
        assert kept.status().state is RevocationState.GOOD
        kept.clock.now += HOUR
        if failure is StatusFailure.NOT_YET:
            kept.clock.now -= 5 * MINUTE + HOUR
        assert await kept.refresh() == [failure]
        assert kept.status().state is RevocationState.GOOD


async def test_a_responder_that_is_down_is_not_asked_for_everybody(tmp_path):
    """After a few failures in a row the rest of the round is left for later."""
    async with responder(ocsp=serve(b"", status="503 Down")) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        for number in range(40):
            kept.keeper.watch_certificate(CA.issue(f"signer {number}").certificate, CA.certificate)
        failures = await kept.refresh()
        assert 3 <= len(failures) <= 6


@pytest.mark.parametrize("digest", list(IdDigest))
async def test_the_digest_is_configured(tmp_path, digest):
    """A certificate is named with the digest that the responder wants."""
    async with responder(ocsp=answering()) as server, Kept(tmp_path, ocsp_source(server, digest=digest)) as kept:
        kept.keeper.watch(CHAIN)
        await kept.refresh()
        assert pki.oid(digest) in server.requests[0].body
        assert kept.status().state is RevocationState.GOOD


FEED_SIGNER = pki.p256_key()
FEED_KEY = ListKey(
    id="f", algorithm=ListAlgorithm.P256, public_key=FEED_SIGNER.spki, roles=frozenset({KeyRole.STATUS_FEED})
)


def feed(sequence, since=None, *, serials=(), key=FEED_SIGNER, age=MINUTE):
    name = issuer_key(CA.certificate.spki)
    content = StatusFeed(
        publisher="370000",
        sequence=sequence,
        since=since,
        issued=pki.NOW - age,
        next_due=pki.NOW + HOUR,
        covers=(name,),
        certificates=tuple(
            CertificateEntry(key=CertificateKey(name, serial), state=CertificateState.REVOKED, at=pki.NOW - DAY)
            for serial in serials
        ),
    )
    return encode_signed_feed(content, key_id="f", signature=key.sign(encode_status_feed(content)))


def feed_source(server, **knobs):
    usual = {
        "kind": SourceKind.FEED,
        "urls": (server.url("/feed"),),
        "delta_urls": (server.url("/since-{seq}"),),
        "publisher": "370000",
        "keys": (FEED_KEY,),
    }
    return source(server, **(usual | knobs))


async def test_a_feed(tmp_path):
    """A snapshot, then deltas by number; kept over a restart; a gap fetches the snapshot anew."""
    async with responder(feed=serve_each(feed(5), feed(20, serials=(SERIAL,)))) as server:
        server.behaviours["/since-5"] = serve(feed(6, 5, serials=(1,)))
        server.behaviours["/since-6"] = serve(feed(7, 6, serials=(2,)))
        server.behaviours["/since-7"] = serve(feed(12, 11))
        async with Kept(tmp_path, feed_source(server)) as kept:
            for sequence in (5, 6, 7):
                assert await kept.refresh() == []
                assert kept.keeper.feed_states()[0].sequence == sequence
                assert kept.status().state is RevocationState.GOOD
        async with Kept(tmp_path, feed_source(server)) as again:
            assert again.keeper.feed_states()[0].sequence == 7
            assert await again.refresh() == []
            assert again.keeper.feed_states()[0].sequence == 20
            assert again.status().state is RevocationState.REVOKED


@pytest.mark.parametrize(
    ("blob", "failure"),
    [
        (feed(4), StatusFailure.BACKWARDS),
        (feed(5, serials=(9,)), StatusFailure.BACKWARDS),
        (feed(6, key=pki.p256_key()), StatusFailure.BAD_SIGNATURE),
        (feed(6, 5), StatusFailure.NOT_USABLE),
        (feed(6)[:-1], StatusFailure.MALFORMED),
        (feed(6, age=-HOUR / 2), StatusFailure.NOT_YET),
    ],
    ids=range(6),
)
async def test_a_feed_that_is_refused(tmp_path, blob, failure):
    """A feed that went back, forked, is forged or cannot be read leaves the state in force."""
    async with (
        responder(feed=serve_each(feed(5), blob)) as server,
        Kept(tmp_path, feed_source(server, delta_urls=())) as kept,
    ):
        assert await kept.refresh() == []
        assert await kept.refresh() == [failure]
        assert kept.status().state is RevocationState.GOOD


async def test_another_base(tmp_path):
    """New anchors take the place of the old ones, and what was fetched stays."""
    async with responder(list=serve(GOOD)) as server, Kept(tmp_path, source(server)) as kept:
        await kept.refresh()
        await kept.keeper.replace_base(TrustStore.empty())
        assert kept.keeper.current().anchors == ()
        assert len(kept.keeper.current().revocation_lists) == 1


ROOT = pki.make_root("Root of the renewing CA")
NAME = pki.name("Renewing CA")
FORMER, NEXT = ROOT.issue_ca("x", subject=NAME), ROOT.issue_ca("x", subject=NAME)
RENEWED_LEAF = FORMER.issue("signer of the former key")
RENEWED_BASE = TrustStore(
    anchors=(Anchor(certificate=ROOT.certificate, purposes=frozenset({Purpose.SIGNER})),),
    intermediates=(FORMER.certificate, NEXT.certificate),
)
RENEWED_CHAIN = build_chain(RENEWED_LEAF.certificate, store=RENEWED_BASE, purpose=Purpose.SIGNER, at=pki.NOW)


def renewed(server):
    root = source(server, name="root", issuer=ROOT.certificate, urls=(server.url("/root"),))
    return root, source(server, issuer=FORMER.certificate)


async def test_a_list_by_the_next_key_of_the_ca_is_taken(tmp_path):
    """A CA that renewed its key signs its lists with the new one: fetched, kept over a restart, and it revokes."""
    revoking = listed(entry(RENEWED_LEAF.certificate.serial), ca=NEXT)
    async with responder(root=serve(listed(ca=ROOT)), list=serve_each(listed(ca=FORMER, number=6), revoking)) as server:
        async with Kept(tmp_path, *renewed(server), base=RENEWED_BASE) as kept:
            for name in ("root", "kept-ca"):
                assert await kept.refresh(name) == []
            assert kept.status(RENEWED_CHAIN).state is RevocationState.GOOD
            assert await kept.refresh() == []
            assert kept.status(RENEWED_CHAIN).state is RevocationState.REVOKED
        sources = renewed(server)
        async with Kept(tmp_path, *reversed(sources), base=RENEWED_BASE) as again:
            assert again.status(RENEWED_CHAIN).state is RevocationState.REVOKED


@pytest.mark.parametrize(
    ("signer", "root_list"),
    [
        (pki.make_root("Elsewhere").issue_ca("x", subject=NAME), listed(ca=ROOT)),
        (NEXT, listed(entry(NEXT.certificate.serial), ca=ROOT)),
        (NEXT, None),
    ],
    ids=range(3),
)
async def test_a_list_by_nobody_of_the_ca_is_refused(tmp_path, signer, root_list):
    """Another CA of the same name, or a key whose certificate is revoked or unclear, signs no list of the CA."""
    lists = serve_each(listed(ca=FORMER, number=6), listed(ca=signer))
    async with responder(list=lists) as server, Kept(tmp_path, *renewed(server), base=RENEWED_BASE) as kept:
        if root_list is not None:
            server.behaviours["/root"] = serve(root_list)
            await kept.refresh("root")
        assert await kept.refresh() == []
        assert await kept.refresh() == [StatusFailure.BAD_SIGNATURE]


async def test_list_and_delta_are_by_one_key(tmp_path):
    """A delta by the next key is not laid over a list by the former one, nor the other way round."""
    former = listed(ca=FORMER)
    lists = serve_each(former, former, listed(ca=NEXT, number=8, age=HOUR / 2))
    deltas = serve_each(delta(ca=NEXT), delta(ca=FORMER))
    async with responder(root=serve(listed(ca=ROOT)), list=lists, delta=deltas) as server:
        root, main = renewed(server)
        main = replace(main, delta_urls=(server.url("/delta"),))
        async with Kept(tmp_path, root, main, base=RENEWED_BASE) as kept:
            await kept.refresh("root")
            assert await kept.refresh() == [StatusFailure.NOT_USABLE]
            assert await kept.refresh() == []
            assert StatusFailure.NOT_USABLE in await kept.refresh()
            assert kept.status(RENEWED_CHAIN).state is RevocationState.GOOD


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


@pytest.mark.parametrize(
    ("knobs", "state"),
    [({}, RevocationState.GOOD), ({"tolerance_seconds": 1_800.0}, None), ({"nonce_required": True}, None)],
)
async def test_a_stapled_answer_is_no_older_than_a_fetched_one_may_be(tmp_path, knobs, state):
    """The tolerance of the issuer's OCSP source bounds a stapled "good", and none has a nonce; "revoked" counts."""
    name, dates = ocsp.certificate_id(LEAF, CA), {"this_update": pki.NOW - HOUR, "next_update": pki.NOW + DAY}
    good, revoked = (
        parse_ocsp_response(ocsp.answer(ocsp.single(name, status, **dates), signer=CA))
        for status in (ocsp.GOOD, ocsp.revoked(pki.NOW - DAY))
    )
    async with responder() as server, Kept(tmp_path, ocsp_source(server, **knobs)) as kept:
        store = kept.keeper.current()
        found = revocation_status(CHAIN, store=store, now=pki.NOW, trusted_time=None, stapled=(good,))
        assert found.state is (state or RevocationState.UNAVAILABLE)
        assert [fate.why for fate in found.stapled] == [None if state else Unavailable.TOO_OLD]
        found = revocation_status(CHAIN, store=store, now=pki.NOW, trusted_time=None, stapled=(good, revoked))
        assert found.state is RevocationState.REVOKED
