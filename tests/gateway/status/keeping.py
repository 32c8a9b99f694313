"""A keeper whose sources are servers of the test, and what those answer."""

import ipaddress
from datetime import timedelta

from gateway.status.keeper import StatusKeeper
from gateway.status.shelf import Shelf
from gateway.status.source import SourceKind, StatusSource
from keys.chain import build_chain
from keys.revocation import revocation_status
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
from tests.support.responder import serve_made

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
        self.lag = None

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

    def lags(self, seconds):
        """Note how old the oldest knowledge is."""
        self.lag = seconds


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


def delta(*entries, number=9, base=7, age=MINUTE, ca=CA, life=DAY):
    indicator = extension("2.5.29.27", integer(base), critical=True)
    return listed(*entries, number=number, age=age, ca=ca, life=life, more=(indicator,))


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


def pointing(url, **knobs):
    points = pki.sequence(pki.sequence(pki.tlv(0xA0, pki.tlv(0xA0, pki.tlv(0x86, url.encode())))))
    return CA.issue("pointing", more=(extension("2.5.29.31", points),), **knobs)
