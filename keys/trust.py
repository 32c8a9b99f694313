"""What an operator trusts: anchors, each for stated purposes, scope and time, and the revocation lists at hand."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final, Self

import msgspec

from keys.algorithms import DEFAULT_ALGORITHMS, AlgorithmSunsets
from keys.certificate import Certificate
from keys.name import name_key
from keys.revocation_evidence import RevocationEvidence
from keys.revocation_list import RevocationList
from keys.scope import EVERYTHING, NO_CLAIM, Claim, Scope, ScopeAnswer

# Certificates whose revocation was asked about: issuer (a DER Name) and serial number of each.
Consulted = frozenset[tuple[bytes, int]]
_REMEMBERED: Final = (
    16_384  # sets of certificates, of some hundred bytes each: the signers that a province sees in a day
)


class Purpose(StrEnum):
    """What a chain to an anchor is good for; an anchor for one purpose is none for another."""

    SEAL_MAKER = "seal-maker"  # makes e-seals
    SIGNER = "signer"  # signs documents, with an e-seal or without
    TIMESTAMP = "timestamp"  # signs time stamps
    CALLER = "caller"  # signs the tokens of a calling system
    PARTNER = "partner"  # signs the messages of a partner's gateway
    TLS = "tls"  # speaks for a host


# What a certificate that lies in a folder without further word is trusted for: documents. Whoever may call or speak for
# a partner is always named for that.
DOCUMENT_PURPOSES: Final = frozenset({Purpose.SEAL_MAKER, Purpose.SIGNER, Purpose.TIMESTAMP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """For what, for whom, from when and until when somebody is trusted, and who says so.

    It counts while ``start`` <= at < ``sunset``; None: no such limit. ``region`` (GB/T 2260) and ``source`` are for
    people and part of the version; nothing is decided by them.
    """

    purposes: frozenset[Purpose]
    scope: Scope = EVERYTHING
    start: datetime | None = None
    sunset: datetime | None = None
    region: str = ""
    source: str = ""

    def counts(self, purpose: Purpose, at: datetime) -> bool:
        """Say whether this is trust for exactly this purpose at ``at``."""
        return purpose in self.purposes and self.is_current(at)

    def is_current(self, at: datetime) -> bool:
        """Say whether ``at`` lies within start and sunset."""
        return (self.start is None or self.start <= at) and (self.sunset is None or at < self.sunset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor(Grant):
    """A certificate that is trusted because an operator or a signed list says so, for ``purposes`` and no others.

    It may be a CA, and then stands for those below it, or the certificate of one signer or maker.
    With ``subject`` (a DER Name) it stands for those alone that this CA itself issued to that name: so a list names a
    seal maker whose certificates will be renewed.
    ``is_exhaustive``: who said so named everybody; below such a CA, one who is not named is refused, not unknown.
    """

    certificate: Certificate
    subject: bytes | None = None
    is_exhaustive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnchor(Grant):
    """A bare public key (a DER SubjectPublicKeyInfo) that is trusted: a caller's, a partner's."""

    public_key: bytes


@dataclass(frozen=True, kw_only=True)
class TrustStore:
    """An immutable set of anchors and revocation lists; a change makes another store with another version.

    ``intermediates`` are certificates for the middle of chains, for those that documents do not bring; never trusted.
    ``keeps_expired`` are issuers (SHA-256 of the SubjectPublicKeyInfo in hexadecimal) of whom the operator knows that
    they go on stating what was revoked after it has expired.
    ``algorithms`` say until when signatures by which algorithm may be relied on.
    ``stapled_within`` says of issuers (by their SubjectPublicKeyInfo) how old an OCSP answer may be that came with a
    question and says that a certificate is good; of others only the answer itself says so.
    ``until`` is when next, by the clock alone, another store takes the place of this one, because the time of a signed
    list ends or comes; None: never. It is no content, and no part of the version.
    """

    anchors: tuple[Anchor, ...]
    revocation_lists: tuple[RevocationEvidence, ...] = ()
    keys: tuple[KeyAnchor, ...] = ()
    intermediates: tuple[Certificate, ...] = ()
    keeps_expired: frozenset[str] = frozenset()
    algorithms: AlgorithmSunsets = DEFAULT_ALGORITHMS
    stapled_within: Mapping[bytes, timedelta] = field(default_factory=dict, hash=False)
    until: datetime | None = None

    @classmethod
    def empty(cls) -> "TrustStore":
        """Return the store that trusts nobody: with it, every chain ends at an unknown issuer."""
        return cls(anchors=())

    def with_lists(
        self,
        revocation_lists: Iterable[RevocationEvidence],
        *,
        stapled_within: Mapping[bytes, timedelta] | None = None,
    ) -> "TrustStore":
        """Return a store with the same anchors and these lists, and bounds, in place of the present ones.

        What was worked out about the anchors is taken along: lists come and go, and no question should pay for it anew.
        """
        within = self.stapled_within if stapled_within is None else stapled_within
        store = replace(self, revocation_lists=tuple(revocation_lists), stapled_within=within)
        for name in _OF_ANCHORS & self.__dict__.keys():
            store.__dict__[name] = self.__dict__[name]
        return store

    def prepared(self) -> Self:
        """Return the store itself, once everything is worked out that questions need, for whoever copies it."""
        for name in (*_OF_ANCHORS, "_lists_by_issuer"):
            getattr(self, name)
        return self

    def select(self, purpose: Purpose, at: datetime, *, claim: Claim = NO_CLAIM) -> tuple[Anchor, ...]:
        """Return the anchors that count for exactly this purpose at ``at``, but those that the claim is outside of."""
        return tuple(
            anchor
            for anchor in self.anchors
            if anchor.counts(purpose, at) and anchor.scope.answer(claim) is not ScopeAnswer.OUTSIDE
        )

    def select_named(self, purpose: Purpose, at: datetime, subject: bytes) -> tuple[Anchor, ...]:
        """Return those of `select` whose certificate has the name ``subject`` (a DER Name), without a walk over all."""
        name = name_key(subject)
        return tuple(anchor for anchor in self.anchors_by_name.get((purpose, name), ()) if anchor.is_current(at))

    def select_keys(self, purpose: Purpose, at: datetime) -> tuple[KeyAnchor, ...]:
        """Return the bare keys that count for exactly this purpose at ``at``."""
        return tuple(key for key in self.keys if key.counts(purpose, at))

    def anchors_over(self, purpose: Purpose, issuer: bytes, leaf: bytes | None = None) -> tuple[Anchor, ...]:
        """Return the anchors of any time whose certificate has the name ``issuer``, and which stand for whom it issued.

        With ``leaf``, the name of one that it issued itself, those that stand for this name alone are among them.
        """
        name = name_key(issuer)
        anchors = tuple(one for one in self.anchors_by_name.get((purpose, name), ()) if one.subject is None)
        return anchors if leaf is None else anchors + self._by_subject.get((purpose, name, name_key(leaf)), ())

    def select_lists(self, issuer: bytes) -> tuple[RevocationEvidence, ...]:
        """Return the lists that state ``issuer`` (a DER Name) as theirs, newest first; none is verified here."""
        return self._lists_by_issuer.get(name_key(issuer), ())

    def consult(self, certificate: Certificate) -> tuple[RevocationEvidence, ...]:
        """Return the evidence that may be about a certificate, as `select_lists` does: whatever judges asks here."""
        return self.select_lists(certificate.issuer)

    def evidence_of(self, consulted: Consulted) -> bytes:
        """Return a digest of all that is at hand about these certificates; what is about others alone changes nothing.

        Two stores with the same anchors and the same digest give the same answer about them, as of one moment: it holds
        what `version` has beside the anchors. Remembered, since the same few thousand signers are asked about all day.
        """
        found = self._evidence_of.get(consulted)
        if found is None:
            if len(self._evidence_of) >= _REMEMBERED:
                self._evidence_of.clear()
            found = self._evidence_of[consulted] = self._digest_evidence(consulted)
        return found

    def _digest_evidence(self, consulted: Consulted) -> bytes:
        digest = hashlib.sha256(hashlib.sha256(self._bounds).digest())
        for issuer, serial in sorted(consulted):
            about = sorted(evidence.about(serial) for evidence in self.select_lists(issuer))
            digest.update(len(about).to_bytes(4) + b"".join(about))
        return digest.digest()

    def anchors_of(self, subject: bytes) -> tuple[Anchor, ...]:
        """Return the anchors of any purpose and time whose certificate has the name ``subject`` (a DER Name)."""
        name = name_key(subject)
        found = (anchor for purpose in Purpose for anchor in self.anchors_by_name.get((purpose, name), ()))
        return tuple(dict.fromkeys(found))

    def certificates_named(self, subject: bytes) -> tuple[Certificate, ...]:
        """Return the certificates at hand with this name, of anchors of any purpose and time, and intermediates."""
        anchors = (anchor.certificate for anchor in self.anchors_of(subject))
        return tuple(dict.fromkeys((*anchors, *self.intermediates_by_name.get(name_key(subject), ()))))

    @cached_property
    def version(self) -> str:
        """SHA-256 in hexadecimal over the sorted content: the same content has the same version everywhere."""
        digest = hashlib.sha256(bytes.fromhex(self.anchors_version))
        for fingerprint in sorted({revocations.fingerprint for revocations in self.revocation_lists}):
            digest.update(fingerprint)
        digest.update(self._bounds)
        return digest.hexdigest()

    @cached_property
    def anchors_version(self) -> str:
        """As `version`, without the lists, which come and go hourly: what chains depend on."""
        lines = {describe_grant(anchor) for anchor in self.anchors} | {describe_grant(key) for key in self.keys}
        lines |= {b"intermediate " + one.fingerprint.hex().encode("ascii") for one in self.intermediates}
        lines.add(b"algorithms " + self.algorithms.version.encode("ascii"))
        return hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()

    @cached_property
    def anchors_by_name(self) -> dict[tuple[Purpose, str | bytes], tuple[Anchor, ...]]:
        """The anchors of any time by purpose and the name of their certificate."""
        found: dict[tuple[Purpose, str | bytes], list[Anchor]] = {}
        for anchor in self.anchors:
            name = name_key(anchor.certificate.subject)
            for purpose in anchor.purposes:
                found.setdefault((purpose, name), []).append(anchor)
        return {key: tuple(anchors) for key, anchors in found.items()}

    @cached_property
    def intermediates_by_name(self) -> dict[str | bytes, tuple[Certificate, ...]]:
        """The certificates for the middle of chains, each once, by their name."""
        found: dict[str | bytes, list[Certificate]] = {}
        for certificate in dict.fromkeys(self.intermediates):
            found.setdefault(name_key(certificate.subject), []).append(certificate)
        return {name: tuple(certificates) for name, certificates in found.items()}

    @cached_property
    def _bounds(self) -> bytes:
        """What the site says about how evidence counts: who keeps what has expired, how old a stapled answer may be."""
        parts = [issuer.encode("ascii") for issuer in sorted(self.keeps_expired)]
        for spki, within in sorted(self.stapled_within.items()):
            parts.append(hashlib.sha256(spki).digest() + str(within.total_seconds()).encode("ascii"))
        return b"".join(parts)

    @cached_property
    def _evidence_of(self) -> dict[Consulted, bytes]:
        return {}

    @cached_property
    def _by_subject(self) -> dict[tuple[Purpose, str | bytes, str | bytes], tuple[Anchor, ...]]:
        """Those that stand for one name alone, by that name too: a province's makers may all be below one CA."""
        found: dict[tuple[Purpose, str | bytes, str | bytes], list[Anchor]] = {}
        for (purpose, name), anchors in self.anchors_by_name.items():
            for anchor in anchors:
                if anchor.subject is not None:
                    found.setdefault((purpose, name, name_key(anchor.subject)), []).append(anchor)
        return {key: tuple(anchors) for key, anchors in found.items()}

    @cached_property
    def _lists_by_issuer(self) -> dict[str | bytes, tuple[RevocationEvidence, ...]]:
        found: dict[str | bytes, list[RevocationEvidence]] = {}
        for revocations in sorted(self.revocation_lists, key=_age, reverse=True):
            found.setdefault(name_key(revocations.issuer), []).append(revocations)
        return {issuer: tuple(lists) for issuer, lists in found.items()}


# Properties that depend on anchors, keys, intermediates and algorithms, and not on lists.
_OF_ANCHORS: Final = frozenset({"anchors_version", "anchors_by_name", "intermediates_by_name", "_by_subject"})


def _age(evidence: RevocationEvidence) -> tuple[datetime, int]:
    """Order by date, and lists of one moment by their numbers."""
    number = evidence.number if isinstance(evidence, RevocationList) else None
    return evidence.this_update, -1 if number is None else number


def describe_grant(grant: Anchor | KeyAnchor) -> bytes:
    """Encode everything that a grant says in one line of JSON, the same for the same content."""
    if isinstance(grant, Anchor):
        subject = None if grant.subject is None else grant.subject.hex()
        who: list[object] = [grant.certificate.fingerprint.hex(), subject, grant.is_exhaustive]
    else:
        who = [grant.public_key.hex()]
    scope = grant.scope
    return _ENCODER.encode(
        [
            who,
            grant.purposes,
            scope.licence_types,
            scope.authorities,
            grant.start and grant.start.timestamp(),
            grant.sunset and grant.sunset.timestamp(),
            grant.region,
            grant.source,
        ]
    )


_ENCODER: Final = msgspec.json.Encoder(order="sorted")  # sets, too, so that equal ones are spelled alike
