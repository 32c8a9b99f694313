"""What is publicly known of a key of ours: whose, for what, since when, until when.

A record is fixed when the key is made and bound to the key file.
A state comes later (rotation, compromise) and can only shorten what the record planned, so that whoever forges or
removes a state gains at most the plan, never more.
All intervals are half-open.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType

from keys.spki import KeyType, parse_spki

KeyId = NewType("KeyId", str)

KEY_ID_CHARACTERS: Final = 64


class KeyAlgorithm(StrEnum):
    """How our keys sign; each goes with one digest and one spelling of signatures."""

    SM2 = "sm2"  # SM3, default user id (GB/T 35276), DER SEQUENCE{r, s}
    P256 = "p-256"  # ECDSA with SHA-256, DER SEQUENCE{r, s}
    ED25519 = "ed25519"  # RFC 8032, 64 bytes


class KeyPurpose(StrEnum):
    """What a key signs; a key for one purpose signs nothing else."""

    LOG = "log"  # checkpoints of the access log
    PARTNER = "partner"  # messages to partner gateways
    TRUST_LIST = "trust-list"
    STATUS_FEED = "status-feed"
    POLICY = "policy"  # approvals of a sharing policy that widens
    CALLER = "caller"  # tokens with which this gateway signs in elsewhere
    CREDENTIAL = "credential"  # licences as credentials that their holders carry
    HOLDER = "holder"  # a holder's word that a credential is shown by whom it was issued to


class KeyPhase(StrEnum):
    """Where a key stands at a moment."""

    PENDING = "pending"  # published, does not sign yet
    ACTIVE = "active"
    VERIFY_ONLY = "verify-only"  # signs no more; what it signed still counts
    ENDED = "ended"
    COMPROMISED = "compromised"  # somebody else may have signed with it


KEY_TYPES: Final = MappingProxyType(
    {KeyAlgorithm.SM2: KeyType.SM2, KeyAlgorithm.P256: KeyType.P256, KeyAlgorithm.ED25519: KeyType.ED25519}
)


def fingerprint_key(spki: bytes) -> KeyId:
    """Return the id of a key: SHA-256 in hexadecimal over its SubjectPublicKeyInfo (DER), the same everywhere."""
    return KeyId(hashlib.sha256(spki).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key of ours as planned; it signs in ``active_from <= at < retires_at``, counts until ``verifies_until``."""

    id: KeyId
    algorithm: KeyAlgorithm
    purpose: KeyPurpose
    public_key: bytes  # SubjectPublicKeyInfo, DER
    created: datetime
    active_from: datetime
    retires_at: datetime
    verifies_until: datetime

    def __post_init__(self) -> None:
        """Refuse a record that contradicts itself; raises ValueError."""
        if self.id != fingerprint_key(self.public_key):
            raise ValueError("the id is not the fingerprint of the public key")
        if parse_spki(self.public_key)[0] is not KEY_TYPES[self.algorithm]:
            raise ValueError(f"a public key of type {self.algorithm} was expected")
        for moment in (self.created, self.active_from, self.retires_at, self.verifies_until):
            check_moment(moment)
        if not self.active_from < self.retires_at <= self.verifies_until:
            raise ValueError("active_from before retires_at, and that not after verifies_until, was expected")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """What happened to a key after it was made; None: nothing did."""

    signs_until: datetime | None = None
    verifies_until: datetime | None = None
    replaced_by: KeyId | None = None
    compromised_since: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse moments without a zone or with fractions of a second; raises ValueError."""
        for moment in (self.signs_until, self.verifies_until, self.compromised_since):
            if moment is not None:
                check_moment(moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """A record with its present state."""

    record: KeyRecord
    state: KeyState = field(default_factory=KeyState)

    @property
    def signs_until(self) -> datetime:
        """The end of signing: the plan, or earlier."""
        return _earliest(self.record.retires_at, self.state.signs_until, self.verifies_until)

    @property
    def verifies_until(self) -> datetime:
        """The end of counting: the plan, or earlier."""
        return _earliest(self.record.verifies_until, self.state.verifies_until)

    def may_sign(self, at: datetime) -> bool:
        """Say whether the key may sign at the moment; a compromised one never does again."""
        return self.state.compromised_since is None and self.record.active_from <= at < self.signs_until

    def may_verify(self, at: datetime) -> bool:
        """Say whether signatures of this key count at the moment."""
        return at < self.verifies_until

    def phase(self, at: datetime) -> KeyPhase:
        """Name where the key stands."""
        if self.state.compromised_since is not None:
            return KeyPhase.COMPROMISED
        if not self.may_verify(at):
            return KeyPhase.ENDED
        if at < self.record.active_from:
            return KeyPhase.PENDING
        return KeyPhase.ACTIVE if self.may_sign(at) else KeyPhase.VERIFY_ONLY


def select_signing_key(keys: Iterable[OwnKey], purpose: KeyPurpose, at: datetime) -> OwnKey | None:
    """Return the key that signs for exactly this purpose at the moment: of several, the one active last; None: none."""
    able = [key for key in keys if key.record.purpose is purpose and key.may_sign(at)]

    def rank(key: OwnKey) -> tuple[datetime, datetime, bool, KeyId]:
        # A key may be replaced in the second in which it was made; then the one that nobody replaced signs.
        return key.record.active_from, key.record.created, key.state.replaced_by is None, key.record.id

    return max(able, key=rank, default=None)


def retire(key: OwnKey, *, replaced_by: KeyId, signs_until: datetime) -> KeyState:
    """Return the state of a key that another replaces; it counts on for as long after its end as was planned.

    What ended earlier stays ended.
    """
    counts_for = key.record.verifies_until - key.record.retires_at
    end = min(signs_until, key.signs_until)
    return replace(
        key.state,
        signs_until=end,
        verifies_until=min(end + counts_for, key.verifies_until),
        replaced_by=replaced_by,
    )


def condemn(key: OwnKey, *, replaced_by: KeyId, since: datetime, at: datetime) -> KeyState:
    """Return the state of a key that others may have used ``since``: from ``at`` it neither signs nor counts."""
    known = key.state.compromised_since
    return replace(
        key.state,
        signs_until=min(at, key.signs_until),
        verifies_until=min(at, key.verifies_until),
        replaced_by=replaced_by,
        compromised_since=since if known is None else min(since, known),
    )


def plan_record(
    *,
    algorithm: KeyAlgorithm,
    purpose: KeyPurpose,
    public_key: bytes,
    at: datetime,
    active_from: datetime | None = None,
    signs_for: timedelta,
    verifies_for: timedelta,
) -> KeyRecord:
    """Plan the life of a new key: it signs for ``signs_for`` from ``active_from`` on, and counts that much longer.

    Raises:
        ValueError: the plan contradicts itself, or ends after the year 9999.

    """
    created = at.astimezone(UTC).replace(microsecond=0)
    begins = created if active_from is None else active_from.astimezone(UTC).replace(microsecond=0)
    try:
        retires_at = begins + signs_for
        verifies_until = retires_at + verifies_for
    except OverflowError as error:
        raise ValueError("a life that ends before the year 10000 was expected") from error
    return KeyRecord(
        id=fingerprint_key(public_key),
        algorithm=algorithm,
        purpose=purpose,
        public_key=public_key,
        created=created,
        active_from=begins,
        retires_at=retires_at,
        verifies_until=verifies_until,
    )


def check_moment(moment: datetime) -> None:
    """Raise ValueError unless the moment is in UTC and whole seconds, so that it has one spelling."""
    if moment.tzinfo is None or moment.utcoffset() != timedelta(0) or moment.microsecond:
        raise ValueError("a moment in UTC and whole seconds was expected")


def _earliest(planned: datetime, *earlier: datetime | None) -> datetime:
    return min((planned, *(moment for moment in earlier if moment is not None)))
