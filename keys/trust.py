"""What an operator trusts: anchors, each for stated purposes, and the revocation lists at hand."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from keys.certificate import Certificate
from keys.name import name_key
from keys.revocation_list import RevocationList


class Purpose(StrEnum):
    """What a chain to an anchor is good for; an anchor for one purpose is none for another."""

    SEAL_MAKER = "seal-maker"  # makes e-seals
    SIGNER = "signer"  # signs documents, with an e-seal or without
    TIMESTAMP = "timestamp"  # signs time stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A certificate that is trusted because an operator says so, for ``purposes`` and no others.

    It may be a CA, and then stands for those below it, or the certificate of one signer or maker.
    """

    certificate: Certificate
    purposes: frozenset[Purpose]


@dataclass(frozen=True, kw_only=True)
class TrustStore:
    """An immutable set of anchors and revocation lists; a change makes another store with another version."""

    anchors: tuple[Anchor, ...]
    revocation_lists: tuple[RevocationList, ...] = ()

    @classmethod
    def empty(cls) -> "TrustStore":
        """Return the store that trusts nobody: with it, every chain ends at an unknown issuer."""
        return cls(anchors=())

    def with_lists(self, revocation_lists: Iterable[RevocationList]) -> "TrustStore":
        """Return a store with the same anchors and these lists in place of the present ones."""
        return replace(self, revocation_lists=tuple(revocation_lists))

    def select(self, purpose: Purpose, at: datetime) -> tuple[Anchor, ...]:
        """Return the anchors that count for exactly this purpose at ``at``."""
        return tuple(anchor for anchor in self.anchors if _counts(anchor, purpose, at))

    def select_named(self, purpose: Purpose, at: datetime, subject: bytes) -> tuple[Anchor, ...]:
        """Return those of `select` whose certificate has the name ``subject`` (a DER Name), without a walk over all."""
        return tuple(anchor for anchor in self._by_name.get(name_key(subject), ()) if _counts(anchor, purpose, at))

    def select_lists(self, issuer: bytes) -> tuple[RevocationList, ...]:
        """Return the lists that state ``issuer`` (a DER Name) as theirs, newest first; none is verified here."""
        return self._lists_by_issuer.get(name_key(issuer), ())

    @cached_property
    def version(self) -> str:
        """SHA-256 in hexadecimal over the sorted content: the same content has the same version everywhere."""
        digest = hashlib.sha256(bytes.fromhex(self.anchors_version))
        for fingerprint in sorted({revocations.fingerprint for revocations in self.revocation_lists}):
            digest.update(fingerprint)
        return digest.hexdigest()

    @cached_property
    def anchors_version(self) -> str:
        """As `version`, over the anchors alone: what chains depend on, while lists come and go by the hour."""
        lines = {
            f"{anchor.certificate.fingerprint.hex()} {' '.join(sorted(anchor.purposes))}\n" for anchor in self.anchors
        }
        return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()

    @cached_property
    def _by_name(self) -> dict[str | bytes, tuple[Anchor, ...]]:
        found: dict[str | bytes, list[Anchor]] = {}
        for anchor in self.anchors:
            found.setdefault(name_key(anchor.certificate.subject), []).append(anchor)
        return {subject: tuple(anchors) for subject, anchors in found.items()}

    @cached_property
    def _lists_by_issuer(self) -> dict[str | bytes, tuple[RevocationList, ...]]:
        found: dict[str | bytes, list[RevocationList]] = {}
        for revocations in sorted(self.revocation_lists, key=lambda one: one.this_update, reverse=True):
            found.setdefault(name_key(revocations.issuer), []).append(revocations)
        return {issuer: tuple(lists) for issuer, lists in found.items()}


def _counts(anchor: Anchor, purpose: Purpose, _at: datetime) -> bool:
    """Decide whether an anchor counts; trust has no start or end yet, so the moment makes no difference so far."""
    return purpose in anchor.purposes
