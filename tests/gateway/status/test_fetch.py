"""Fetching status: every way in which a server can misbehave ends in a typed failure, in time, and never elsewhere."""

import asyncio
import ipaddress
import socket
import time
from datetime import timedelta

import pytest
from aiohttp.abc import AbstractResolver

from gateway.status.failure import SENTENCES, StatusError, StatusFailure
from gateway.status.fetch import fetch, is_allowed_address, open_session
from gateway.status.source import SourceKind, StatusSource, is_allowed_url
from tests.support import pki
from tests.support.responder import dripping, endless, raw, respond, responder, serve, silent

CA = pki.make_root("Fetched CA")
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def source(server, **knobs):
    usual = {
        "name": "one",
        "kind": SourceKind.LIST,
        "issuer": CA.certificate,
        "urls": (server.url("/x"),),
        "hosts": frozenset({server.host}),
        "networks": LOOPBACK,
        "timeout_seconds": 5.0,
        "max_bytes": 20_000,
    }
    return StatusSource(**(usual | knobs))


async def get(one, url=None, *, resolver=None, question=None):
    async with open_session(one, resolver=resolver) as session:
        return await fetch(session, url or one.urls[0], source=one, clock=lambda: pki.NOW, question=question)


async def failure_of(one, url=None, **knobs):
    with pytest.raises(StatusError) as caught:
        await get(one, url, **knobs)
    assert SENTENCES[caught.value.failure]
    return caught.value.failure


async def test_a_good_answer():
    """The whole body comes back, with the moment and how far our clock is ahead of the server's."""
    async with responder(x=serve(b"body", date=pki.NOW - timedelta(hours=3))) as server:
        found = await get(source(server))
        assert (found.body, found.at, found.skew) == (b"body", pki.NOW, timedelta(hours=3))
        assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("date", ["", "Date: yesterday\r\n", "Date: Sun, 99 Foo 2026 00:00:00 GMT\r\n"])
async def test_a_date_that_says_nothing(date):
    """Without a readable Date no skew is measured, and the answer counts."""
    answer = f"HTTP/1.1 200 OK\r\n{date}Content-Length: 1\r\nConnection: close\r\n\r\nx".encode()
    async with responder(x=raw(answer)) as server:
        assert (await get(source(server))).skew is None


async def test_a_question_is_posted():
    """A question for OCSP goes as the body of a POST with its media type."""
    async with responder(x=serve(b"a")) as server:
        await get(source(server), question=b"question")
        request = server.requests[0]
        assert (request.method, request.body) == ("POST", b"question")
        assert request.headers["content-type"] == "application/ocsp-request"


HUGE_HEADER = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n"
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"Content-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        (raw(respond(b"", status="302 Found", headers=("Location: http://elsewhere.test/",))), StatusFailure.REDIRECT),
        (serve(b"", status="304 Not Modified"), StatusFailure.REDIRECT),
        (serve(b"", status="404 Not Found"), StatusFailure.HTTP_STATUS),
        (serve(b"", status="500 Broken"), StatusFailure.HTTP_STATUS),
        (serve(b"x" * 20_001), StatusFailure.TOO_LARGE),
        (endless, StatusFailure.TOO_LARGE),
        (serve(b"\x1f\x8b", headers=("Content-Encoding: gzip",)), StatusFailure.PROTOCOL),
        (raw(b"not http at all\r\n\r\n"), StatusFailure.PROTOCOL),
        (raw(HUGE_HEADER), StatusFailure.PROTOCOL),
        (raw(MANY_HEADERS), StatusFailure.PROTOCOL),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), StatusFailure.PROTOCOL),
        (raw(b""), StatusFailure.UNREACHABLE),
    ],
    ids=range(12),
)
async def test_each_way_to_misbehave(behaviour, failure):
    """A redirect is not followed, too much is not read, and what is not HTTP is refused by its name."""
    async with responder(x=behaviour) as server:
        assert await failure_of(source(server)) is failure
        # The client asks once more where a connection ends without a word, and never anywhere else.
        assert [request.path for request in server.requests] in (["/x"], ["/x", "/x"])


@pytest.mark.parametrize("behaviour", [silent, dripping])
async def test_a_slow_server_costs_its_time_and_no_more(behaviour):
    """A server that is silent, or sends a byte now and then, is left after the time allowed."""
    async with responder(x=behaviour) as server:
        begin = time.monotonic()
        assert await failure_of(source(server, timeout_seconds=0.3, max_bytes=10**6)) is StatusFailure.TIMEOUT
        assert time.monotonic() - begin < 3


async def test_nobody_listens():
    """A closed port is unreachable."""
    async with responder() as server:
        closed = source(server)
    assert await failure_of(closed) is StatusFailure.UNREACHABLE


async def test_tls_must_be_real():
    """HTTPS to something that is none fails as such."""

    async def handle(_, writer):
        writer.write(respond(b"plain"))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, responder() as other:
        one = source(other, hosts=frozenset({host}))
        assert await failure_of(one, f"https://{host}/x") is StatusFailure.TLS


async def test_other_hosts_are_never_asked():
    """An address whose host and port are not on the list is refused before anything is sent."""
    async with responder(x=serve(b"x")) as server:
        one = source(server, hosts=frozenset({f"127.0.0.1:{server.port + 1}", "lists.test:80"}))
        assert await failure_of(one, server.url("/x")) is StatusFailure.HOST_NOT_ALLOWED
        assert server.requests == []


async def test_an_address_in_the_url_must_be_allowed():
    """A loopback address in the URL is refused unless its network is allowed, even when the host is on the list."""
    async with responder(x=serve(b"x")) as server:
        assert await failure_of(source(server, networks=())) is StatusFailure.ADDRESS_REFUSED
        assert server.requests == []


class Resolver(AbstractResolver):
    """Resolves every name to the given addresses."""

    def __init__(self, *addresses):
        self.addresses = addresses

    async def resolve(self, host, port=0, family=socket.AF_INET):  # noqa: ARG002 - the signature is the library's
        """Return the addresses."""
        return [
            {"hostname": host, "host": one, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for one in self.addresses
        ]

    async def close(self):
        """Do nothing."""


async def test_a_name_that_leads_inside():
    """A name on the list that resolves to a private address is refused; an allowed network is not."""
    async with responder(x=serve(b"x")) as server:
        host = f"lists.test:{server.port}"
        outside = source(server, hosts=frozenset({host}), urls=(f"http://{host}/x",), networks=())
        inside = source(server, hosts=frozenset({host}), urls=(f"http://{host}/x",))
        assert await failure_of(outside, resolver=Resolver("127.0.0.1")) is StatusFailure.ADDRESS_REFUSED
        assert await failure_of(outside, resolver=Resolver("10.0.0.1", "169.254.169.254")) is (
            StatusFailure.ADDRESS_REFUSED
        )
        assert server.requests == []
        assert (await get(inside, resolver=Resolver("10.0.0.1", "127.0.0.1"))).body == b"x"
        assert await failure_of(inside, resolver=Resolver()) is StatusFailure.UNREACHABLE


async def test_through_a_proxy():
    """With a proxy the request goes there, wherever it is; the list of hosts still decides what is asked for."""
    async with responder() as proxy:
        proxy.behaviours["http://lists.test/x"] = serve(b"through")
        one = source(proxy, hosts=frozenset({"lists.test:80"}), networks=(), proxy=f"http://{proxy.host}")
        assert (await get(one, "http://lists.test/x")).body == b"through"
        assert await failure_of(one, "http://other.test/x") is StatusFailure.HOST_NOT_ALLOWED


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - refused
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("nothing", False),
    ],
)
def test_addresses(address, allowed):
    """Only public addresses are connected to, in whatever spelling the private ones come."""
    assert is_allowed_address(address, ()) is allowed
    assert is_allowed_address("10.1.2.3", (ipaddress.ip_network("10.1.2.0/24"),))
    assert not is_allowed_address("10.1.3.3", (ipaddress.ip_network("10.1.2.0/24"),))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://lists.test/a", True),
        ("http://LISTS.test:80/a", True),
        ("https://lists.test:444/a", True),
        ("https://lists.test/a", False),
        ("http://lists.test:81/a", False),
        ("http://lists.test.evil.test/a", False),
        ("http://user@lists.test/a", False),
        ("http://user:word@lists.test/a", False),
        ("ftp://lists.test:80/a", False),
        ("file:///etc/passwd", False),
        ("ldap://lists.test:80/cn=x", False),
        ("http://[::1", False),
        ("//lists.test/a", False),
        ("", False),
    ],
)
def test_urls(url, allowed):
    """Only HTTP and HTTPS to exactly a listed host and port are allowed."""
    assert is_allowed_url(url, {"lists.test:80", "lists.test:444"}) is allowed
