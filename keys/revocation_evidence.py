"""What every piece of evidence about revocation has in common: lists, OCSP answers, status feeds."""

from datetime import datetime
from typing import Protocol


class RevocationEvidence(Protocol):
    """Something that speaks about the certificates of one issuer, as of one moment; `keys.revocation` judges it."""

    @property
    def issuer(self) -> bytes:
        """The DER Name of the issuer whose certificates it speaks about."""

    @property
    def this_update(self) -> datetime:
        """As of when it speaks."""

    @property
    def fingerprint(self) -> bytes:
        """A digest of the content: another content has another one."""

    def about(self, serial: int) -> bytes:
        """Return a digest of all that it may say about this certificate: the same digest, the same words."""
