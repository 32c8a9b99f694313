"""A status feed as evidence about the certificates of one issuer, which an operator lets it speak about."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from keys.certificate import Certificate
from keys.revocation_list import Upkeep
from keys.revoked import Revocation
from keys.status_feed import CertificateKey, issuer_key
from keys.status_feed_state import FeedState


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvidence:
    """The part of a verified feed that is about ``issuer`` (a DER Name) with the key ``issuer_key``."""

    issuer: bytes
    issuer_key: str
    state: FeedState
    upkeep: Upkeep | None = None

    @property
    def this_update(self) -> datetime:
        """As of when the feed speaks."""
        return self.state.issued

    @property
    def next_update(self) -> datetime:
        """When its next issue is due."""
        return self.state.next_due

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over the digest of the files that led to the state, and about whose certificates it speaks here."""
        return hashlib.sha256(self.state.fingerprint + self.issuer_key.encode("ascii") + self.issuer).digest()

    def about(self, serial: int) -> bytes:  # noqa: ARG002 - an issue of a feed is read as a whole
        """Return its digest."""
        return self.fingerprint

    @property
    def is_complete(self) -> bool:
        """Whether silence about a certificate of this issuer means that it is good."""
        return self.issuer_key in self.state.covers

    def is_about(self, issuer: Certificate) -> bool:
        """Return whether this very issuer, by its key, is meant."""
        return self.issuer_key == issuer_key(issuer.spki)

    def find(self, serial: int) -> Revocation | None:
        """Return when and why the certificate was revoked; None: the feed does not mention it."""
        entry = self.state.certificates.get(CertificateKey(self.issuer_key, serial))
        return None if entry is None else Revocation(entry.at, entry.reason)


def feed_evidence(state: FeedState, issuer: Certificate, *, upkeep: Upkeep | None = None) -> FeedEvidence:
    """Return what a verified feed says about the certificates of ``issuer``."""
    return FeedEvidence(issuer=issuer.subject, issuer_key=issuer_key(issuer.spki), state=state, upkeep=upkeep)
