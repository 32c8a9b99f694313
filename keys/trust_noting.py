"""A trust store that notes about which certificates it was asked whether they are revoked."""

from typing import Self

from keys.certificate import Certificate
from keys.revocation_evidence import RevocationEvidence
from keys.trust import Consulted, TrustStore


class NotingStore(TrustStore):
    """The same store, for one verification: what it came to rests on the evidence about whom it noted, and no other.

    Noted where the evidence is handed out, so that nothing is forgotten: the chains of signers, makers and time stamps,
    and those of whoever else signs the lists of their issuers.
    """

    _consulted: set[tuple[bytes, int]]

    @classmethod
    def of(cls, store: TrustStore) -> Self:
        """Return a store with the content of another one, and all that was worked out about it."""
        noting = object.__new__(cls)
        noting.__dict__.update(store.prepared().__dict__)
        noting.__dict__["_consulted"] = set()
        return noting

    @property
    def consulted(self) -> Consulted:
        """Whom it was asked about."""
        return frozenset(self._consulted)

    def consult(self, certificate: Certificate) -> tuple[RevocationEvidence, ...]:
        """Note the certificate, and return the evidence."""
        self._consulted.add((certificate.issuer, certificate.serial))
        return super().consult(certificate)
