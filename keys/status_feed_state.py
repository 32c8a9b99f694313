"""What a status feed adds up to: verified, opened from a snapshot, moved on by deltas, gaps noticed."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from keys.errors import SignatureVerificationError
from keys.signature import verify_signature
from keys.status_feed import (
    CertificateEntry,
    CertificateKey,
    CertificateState,
    FeedError,
    FeedFault,
    LicenceEntry,
    LicenceState,
    SignedFeed,
    StatusFeed,
)
from keys.trust_list import KeyRole, ListKey


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What is known from one publisher as of ``issued``; current while issued <= at < next_due.

    ``fingerprint`` is a digest of the files that led here.
    """

    publisher: str
    sequence: int
    issued: datetime
    next_due: datetime
    covers: frozenset[str]
    certificates: Mapping[CertificateKey, CertificateEntry]
    licences: Mapping[str, LicenceEntry]
    fingerprint: bytes


def verify_status_feed(signed: SignedFeed, *, keys: Iterable[ListKey], publisher: str | None = None) -> StatusFeed:
    """Verify who signed a feed and return what it says; only keys with the role STATUS_FEED count.

    Raises:
        FeedError: UNKNOWN_KEY, BAD_SIGNATURE, or OTHER_FEED when another ``publisher`` was expected.

    """
    key = next((one for one in keys if one.id == signed.key_id and KeyRole.STATUS_FEED in one.roles), None)
    if key is None:
        raise FeedError(FeedFault.UNKNOWN_KEY)
    try:
        verify_signature(
            message=signed.signed_bytes,
            signature=signed.signature,
            algorithm=key.algorithm.oid,
            spki=key.public_key,
        )
    except SignatureVerificationError as error:
        raise FeedError(FeedFault.BAD_SIGNATURE, str(error.fault)) from error
    if publisher is not None and signed.feed.publisher != publisher:
        raise FeedError(FeedFault.OTHER_FEED)
    return signed.feed


def verify_feed_period(state: FeedState, *, at: datetime) -> None:
    """Verify that the state is current at ``at``.

    Raises:
        FeedError: NOT_YET or STALE.

    """
    if at < state.issued:
        raise FeedError(FeedFault.NOT_YET, f"issued at {state.issued.isoformat()}")
    if at >= state.next_due:
        raise FeedError(FeedFault.STALE, f"the next was due at {state.next_due.isoformat()}")


def open_snapshot(signed: SignedFeed, *, previous: FeedState | None = None) -> FeedState:
    """Return the state that a verified snapshot says; it may skip numbers, and never goes back.

    Raises:
        FeedError: NOT_A_SNAPSHOT, or it does not follow ``previous``: OTHER_FEED, BACKWARDS, FORKED.

    """
    feed = signed.feed
    if feed.since is not None:
        raise FeedError(FeedFault.NOT_A_SNAPSHOT)
    state = FeedState(
        publisher=feed.publisher,
        sequence=feed.sequence,
        issued=feed.issued,
        next_due=feed.next_due,
        covers=frozenset(feed.covers),
        certificates=MappingProxyType({entry.key: entry for entry in feed.certificates}),
        licences=MappingProxyType({entry.licence: entry for entry in feed.licences}),
        fingerprint=signed.fingerprint,
    )
    if previous is not None:
        _verify_successor(state, previous)
    return state


def apply_feed_delta(state: FeedState, signed: SignedFeed) -> FeedState:
    """Return the state after a verified delta.

    A delta may begin before the state at hand, since it says what is so at its end; it may not begin after it.

    Raises:
        FeedError: NOT_A_DELTA, GAP (fetch a snapshot), or it does not follow: OTHER_FEED, BACKWARDS, FORKED.

    """
    delta = signed.feed
    if delta.since is None:
        raise FeedError(FeedFault.NOT_A_DELTA)
    if delta.publisher == state.publisher and delta.since > state.sequence:
        raise FeedError(
            FeedFault.GAP, f"a delta from {state.sequence} or earlier was expected, got one from {delta.since}"
        )
    certificates = dict(state.certificates)
    for entry in delta.certificates:
        if entry.state is CertificateState.GOOD:
            certificates.pop(entry.key, None)
        else:
            certificates[entry.key] = entry
    licences = dict(state.licences)
    for licence in delta.licences:
        if licence.state is LicenceState.ACTIVE:
            licences.pop(licence.licence, None)
        else:
            licences[licence.licence] = licence
    moved = FeedState(
        publisher=delta.publisher,
        sequence=delta.sequence,
        issued=delta.issued,
        next_due=delta.next_due,
        covers=frozenset(delta.covers),
        certificates=MappingProxyType(certificates),
        licences=MappingProxyType(licences),
        fingerprint=hashlib.sha256(state.fingerprint + signed.fingerprint).digest(),
    )
    _verify_successor(moved, state)
    return moved


def _verify_successor(new: FeedState, old: FeedState) -> None:
    """Verify that the publisher moved on; under the same number only the dates may be newer."""
    if new.publisher != old.publisher:
        raise FeedError(FeedFault.OTHER_FEED)
    if new.sequence < old.sequence:
        raise FeedError(FeedFault.BACKWARDS, f"at least number {old.sequence} was expected, got {new.sequence}")
    if new.issued < old.issued:
        raise FeedError(FeedFault.BACKWARDS, "an older time under a newer number")
    if new.sequence == old.sequence and (new.certificates, new.licences, new.covers) != (
        old.certificates,
        old.licences,
        old.covers,
    ):
        raise FeedError(FeedFault.FORKED, f"two contents under number {new.sequence}")
