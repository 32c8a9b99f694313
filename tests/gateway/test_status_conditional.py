"""Asking only for what changed: a 304 confirms what is at hand, and prolongs nothing that it says itself."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.status.conditional import make_validators
from gateway.status.failure import StatusFailure
from keys.revocation import RevocationState, Unavailable
from tests.gateway.test_status_keeper import GOOD, HOUR, REVOKING, Kept, delta, feed, feed_source, listed, source
from tests.support import pki
from tests.support.responder import respond, responder, serve

ETAG, DATE = 'W/"a-7"', "Sun, 01 Mar 2026 00:00:00 GMT"


def versioned(body, *headers):
    """Serve with validators, and 304 to whoever sends them back."""
    sent = {name.lower(): value for name, _, value in (one.partition(": ") for one in headers)}
    asked = {"if-none-match": sent.get("etag"), "if-modified-since": sent.get("last-modified")}

    async def behave(request, writer):
        given_back = {name: request.headers.get(name) for name in asked}
        unchanged = bool(headers) and given_back == asked
        writer.write(respond(b"", status="304 Not Modified") if unchanged else respond(body, headers=headers))

    return behave


@pytest.mark.parametrize(
    "headers", [(f"ETag: {ETAG}",), (f"Last-Modified: {DATE}",), (f"ETag: {ETAG}", f"Last-Modified: {DATE}")]
)
async def test_not_modified_confirms(tmp_path, headers):
    """A 304 confirms the list: the tolerance begins anew, also over a restart, and its own end stays."""
    async with responder(list=versioned(GOOD, *headers)) as server:
        one = source(server)
        async with Kept(tmp_path, one) as kept:
            assert await kept.refresh() == []
            kept.clock.now += HOUR
            assert await kept.refresh() == []
            assert kept.keeper.report()[0].usable_until == pki.NOW + 3 * HOUR
            assert kept.keeper.sequence == 1
        async with Kept(tmp_path, one) as again:
            again.clock.now += 2 * HOUR
            assert await again.refresh() == []
            assert "if-none-match" in server.requests[2].headers or "if-modified-since" in server.requests[2].headers
            again.clock.now = pki.NOW + timedelta(days=1)
            assert await again.refresh() == [StatusFailure.STALE]
            assert again.status().why is Unavailable.STALE


async def test_a_changed_list_is_sent(tmp_path):
    """When the source has another version, it is taken, with its own validators."""
    async with responder(list=versioned(GOOD, 'ETag: "1"')) as server, Kept(tmp_path, source(server)) as kept:
        await kept.refresh()
        server.behaviours["/list"] = versioned(REVOKING, 'ETag: "2"')
        assert await kept.refresh() == []
        assert kept.status().state is RevocationState.REVOKED
        await kept.refresh()
        assert [one.headers.get("if-none-match") for one in server.requests] == [None, '"1"', '"2"']


async def test_what_was_refused_is_asked_for_again(tmp_path):
    """The validators of a list that was not taken are not kept, so that it is not taken for what is at hand."""
    async with responder(list=versioned(GOOD, 'ETag: "1"')) as server, Kept(tmp_path, source(server)) as kept:
        await kept.refresh()
        server.behaviours["/list"] = versioned(listed(number=6), 'ETag: "2"')
        assert await kept.refresh() == [StatusFailure.BACKWARDS]
        assert await kept.refresh() == [StatusFailure.BACKWARDS]
        assert server.requests[2].headers["if-none-match"] == '"1"'


async def test_not_modified_without_being_asked(tmp_path):
    """A 304 to whoever has nothing is a failure."""
    async with (
        responder(list=serve(b"", status="304 Not Modified")) as server,
        Kept(tmp_path, source(server)) as kept,
    ):
        assert await kept.refresh() == [StatusFailure.REDIRECT]


async def test_validators_belong_to_their_address(tmp_path):
    """What one address said about its version is not said to another one."""
    async with responder(list=versioned(GOOD, 'ETag: "1"'), other=serve(GOOD)) as server:
        one = source(server, urls=(server.url("/list"), server.url("/other")))
        async with Kept(tmp_path, one) as kept:
            await kept.refresh()
            server.behaviours["/list"] = serve(b"", status="503 Down")
            assert await kept.refresh() == []
            assert "if-none-match" not in server.requests[-1].headers


async def test_deltas_and_feeds_are_asked_for_likewise(tmp_path):
    """A delta list and the snapshot of a feed are confirmed by a 304."""
    lists = versioned(GOOD, 'ETag: "1"'), versioned(delta(number=8), 'ETag: "2"')
    async with responder(list=lists[0], delta=lists[1], feed=versioned(feed(5), 'ETag: "3"')) as server:
        one = source(server, delta_urls=(server.url("/delta"),))
        two = feed_source(server, name="feed", delta_urls=())
        for _ in range(2):
            async with Kept(tmp_path, one, two) as kept:
                for _ in range(2):
                    assert await kept.refresh() == []
                    assert await kept.refresh("feed") == []
        asked = [request.headers.get("if-none-match") for request in server.requests]
        assert asked == [None] * 3 + ['"1"', '"2"', '"3"'] * 3


@given(st.text(max_size=300) | st.none(), st.text(max_size=100) | st.none())
def test_only_what_can_be_sent_is_kept(etag, last_modified):
    """Validators are of one line of ASCII, whatever a server or a file says."""
    found = make_validators("http://a.test/", etag, last_modified)
    for value in () if found is None else found.headers.values():
        assert value.isascii()
        assert value.isprintable()
