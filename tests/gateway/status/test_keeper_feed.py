"""Feeds of status, and lists of a CA that has a new key."""

from dataclasses import replace

import pytest

from gateway.status.failure import StatusFailure
from keys.chain import build_chain
from keys.revocation import RevocationState
from keys.trust import Anchor, Purpose, TrustStore
from tests.gateway.status.keeping import GOOD, HOUR, SERIAL, Kept, delta, feed, feed_source, listed, source
from tests.support import pki
from tests.support.pki import entry
from tests.support.responder import responder, serve, serve_each


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
