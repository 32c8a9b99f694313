"""Answers of OCSP responders, fetched ahead or stapled."""

import pytest

from gateway.status.failure import StatusFailure
from keys.ocsp import parse_ocsp_response
from keys.ocsp_certificate_id import IdDigest
from keys.revocation import RevocationState, Unavailable, revocation_status
from tests.gateway.status.keeping import CA, CHAIN, DAY, HOUR, LEAF, MINUTE, OTHER, Kept, answering, ocsp_source
from tests.support import ocsp, pki
from tests.support.responder import responder, serve, serve_each, silent


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
