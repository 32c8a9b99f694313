"""Asking only for what changed, over HTTPS alone: a 304 confirms what is at hand, and prolongs nothing of its own."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.status.conditional import read_validators
from gateway.status.failure import StatusFailure
from keys.revocation import RevocationState, Unavailable
from tests.gateway.status.keeping import GOOD, HOUR, REVOKING, Kept, delta, feed, feed_source, listed, source
from tests.support import pki
from tests.support.responder import Responder, respond, serve
from tests.support.responder import responder as plain_responder
from tests.support.tls import loopback_contexts

CONDITIONS = {"if-none-match", "if-modified-since"}
ETAG, DATE = 'W/"a-7"', "Sun, 01 Mar 2026 00:00:00 GMT"


@pytest.fixture(autouse=True)
def trusting(monkeypatch):
    """Trust the server of the tests alone; it is made before the loop runs."""
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", loopback_contexts()[1])


def responder(**behaviours) -> AbstractAsyncContextManager[Responder]:
    return plain_responder(loopback_contexts()[0], **behaviours)


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
    """A 304 confirms the list: the tolerance begins anew, also over a restart, and its own end stays.

    A restart asks for the whole.
    """
    async with responder(list=versioned(GOOD, *headers)) as server:
        one = source(server)
        async with Kept(tmp_path, one) as kept:
            assert await kept.refresh() == []
            kept.clock.now += HOUR
            assert await kept.refresh() == []
            assert kept.keeper.report()[0].usable_until == pki.NOW + 3 * HOUR
            assert kept.keeper.sequence == 1
        async with Kept(tmp_path, one) as again:
            assert again.keeper.report()[0].usable_until == pki.NOW + 2 * HOUR  # by this clock, which is behind
            again.clock.now += 2 * HOUR
            assert await again.refresh() == []
            assert await again.refresh() == []
            conditions = [sorted(request.headers.keys() & CONDITIONS) for request in server.requests]
            assert conditions == [[], conditions[1], [], conditions[1]]
            assert conditions[1]
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
        assert asked == ([None] * 3 + ['"1"', '"2"', '"3"']) * 2


async def test_over_plain_http_the_whole_is_asked_for(tmp_path):
    """Whoever once answers in the place of a server with an old list and the new one's validators is soon forgotten."""
    new = versioned(REVOKING, 'ETag: "8"')
    async with (
        plain_responder(list=serve(GOOD, headers=('ETag: "8"',))) as server,
        Kept(tmp_path, source(server)) as kept,
    ):
        assert await kept.refresh() == []
        assert kept.status().state is RevocationState.GOOD
        server.behaviours["/list"] = new
        assert await kept.refresh() == []
        assert kept.status().state is RevocationState.REVOKED


@given(st.text(max_size=300) | st.none(), st.text(max_size=100) | st.none())
def test_only_what_can_be_sent_is_kept(etag, last_modified):
    """Validators are of one line of ASCII, whatever a server or a file says."""
    said = {"ETag": etag, "Last-Modified": last_modified}
    headers = {name: value for name, value in said.items() if value is not None}
    assert read_validators("http://a.test/", headers) is None
    found = read_validators("https://a.test/", headers)
    for value in () if found is None else found.headers.values():
        assert value.isascii()
        assert value.isprintable()
