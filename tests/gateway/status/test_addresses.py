"""Addresses: whatever leads inside is refused, and a host is the same host in every spelling."""

import base64

import pytest

from gateway.status.fetch import is_allowed_address
from gateway.status.source import FEED_BYTES, Coverage, is_allowed_url
from tests.gateway.status.test_source import LIST, load
from tests.support import pki


@pytest.mark.parametrize(
    "address",
    [
        "::127.0.0.1",
        "fec0::1",
        "64:ff9b:1::a00:1",
        "::ffff:0:127.0.0.1",
        "192.0.0.8",
        "192.88.99.1",
        "2001::1",
        "3fff::1",
        "5f00::1",
    ],
)
def test_whatever_leads_inside_is_refused(address):
    """No IPv4 address in the clothes of an IPv6 one, no site-local one, and no block of a protocol is public."""
    assert not is_allowed_address(address, ())


@pytest.mark.parametrize("address", ["2400:3200::1", "::ffff:8.8.8.8", "223.5.5.5"])
def test_public_addresses(address):
    """Public addresses are allowed."""
    assert is_allowed_address(address, ())


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://例子.cn/ca.crl", "xn--fsqu00a.cn:80"),
        ("http://xn--fsqu00a.CN:80/ca.crl", "xn--fsqu00a.cn:80"),
        ("http://[2400:3200:0::1]/ca.crl", "[2400:3200::1]:80"),
        ("https://[2400:3200::1]:8443/ca.crl", "[2400:3200::1]:8443"),
    ],
)
def test_one_host_in_every_spelling(url, host):
    """A name of another script is compared as it is resolved, and an IPv6 address in brackets."""
    assert is_allowed_url(url, {host})
    assert not is_allowed_url(url, {"lists.test:80"})


def test_hosts_in_a_file(tmp_path):
    """Hosts of a file are brought into the spelling that addresses are compared in."""
    text = LIST.replace('["lists.test:80"]', '["[2400:3200:0::1]:80"]').replace("lists.test", "[2400:3200::1]")
    (source,), faults = load(tmp_path, text)
    assert (faults, source.hosts) == ([], {"[2400:3200::1]:80"})


@pytest.mark.parametrize("host", ["lists.test:99999", "[::1:80", "a:b:80"])
def test_a_host_that_is_none(tmp_path, host):
    """What cannot be a host and a port is a fault."""
    sources, faults = load(tmp_path, LIST.replace("lists.test:80", host))
    assert sources == ()
    assert "hosts" in {fault.key for fault in faults}


def test_what_a_list_covers(tmp_path):
    """Without a word a list is expected to be about all certificates; the word is one of four."""
    (source,), _ = load(tmp_path, LIST)
    assert source.covers is Coverage.ALL
    (source,), faults = load(tmp_path, LIST + 'covers = "subscribers"\n')
    assert (faults, source.covers) == ([], Coverage.SUBSCRIBERS)
    sources, faults = load(tmp_path, LIST + 'covers = "some"\n')
    assert (sources, [fault.key for fault in faults]) == ((), ["covers"])


FEED = """
kind = "feed"
issuer = "trust/ca.der"
urls = ["https://feed.test/370000"]
hosts = ["feed.test:443"]
publisher = "370000"
[key]
id = "feed-1"
algorithm = "{algorithm}"
public_key = "{key}"
"""
KEYS = {"sm2": pki.sm2_key().spki, "p-256": pki.p256_key().spki, "ed25519": pki.ed25519_key().spki}


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_the_key_of_a_feed(tmp_path, algorithm):
    """A key of the algorithm is read; one of another algorithm, or that is none, is a fault at once."""
    for name, key in (*KEYS.items(), ("none", b"x"), ("cut", KEYS[algorithm][:-1]), ("off", KEYS["p-256"][:-1] + b"!")):
        text = FEED.format(algorithm=algorithm, key=base64.b64encode(key).decode())
        sources, faults = load(tmp_path, text, "feed")
        if name == algorithm:
            assert (faults, sources[0].keys[0].public_key, sources[0].max_bytes) == ([], key, FEED_BYTES)
        else:
            assert sources == ()
            assert [fault.key for fault in faults] == ["key.public_key"]
