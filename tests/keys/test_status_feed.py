"""The status feed: one spelling, one signer, numbers that only grow, gaps noticed, silence only where it is covered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.chain import build_chain
from keys.revocation import RevocationState, Unavailable, revocation_status
from keys.revoked import RevocationReason
from keys.status_feed import (
    CertificateEntry,
    CertificateKey,
    CertificateState,
    FeedError,
    FeedFault,
    LicenceEntry,
    LicenceState,
    StatusFeed,
    encode_signed_feed,
    encode_status_feed,
    issuer_key,
    parse_status_feed,
)
from keys.status_feed_evidence import feed_evidence
from keys.status_feed_state import apply_feed_delta, open_snapshot, verify_feed_period, verify_status_feed
from keys.trust import Anchor, Purpose, TrustStore
from keys.trust_list import KeyRole, ListAlgorithm, ListKey
from tests.support import pki

SIGNER = pki.sm2_key()
KEY = ListKey(id="feed-1", algorithm=ListAlgorithm.SM2, public_key=SIGNER.spki, roles=frozenset({KeyRole.STATUS_FEED}))
CA = pki.make_root("Fed CA")
LEAF = CA.issue("signer")
ISSUER = issuer_key(CA.certificate.spki)
WHEN = pki.NOW - timedelta(days=1)
HOUR = timedelta(hours=1)


def revoked(serial, at=WHEN, reason=RevocationReason.KEY_COMPROMISE):
    return CertificateEntry(key=CertificateKey(ISSUER, serial), state=CertificateState.REVOKED, at=at, reason=reason)


def good(serial):
    return CertificateEntry(key=CertificateKey(ISSUER, serial), state=CertificateState.GOOD, at=WHEN)


def licence(name, state=LicenceState.SUSPENDED):
    return LicenceEntry(licence=name, state=state, at=WHEN)


def feed(sequence=5, since=None, **members):
    usual = {"publisher": "370000", "issued": pki.NOW, "next_due": pki.NOW + HOUR, "covers": (ISSUER,)}
    return StatusFeed(sequence=sequence, since=since, **(usual | members))


def sign(content, *, key=SIGNER, key_id="feed-1"):
    return encode_signed_feed(content, key_id=key_id, signature=key.sign(encode_status_feed(content)))


def read(content, **knobs):
    signed = parse_status_feed(sign(content, **knobs))
    verify_status_feed(signed, keys=[KEY])
    return signed


def fault_of(call, *arguments, **knobs):
    with pytest.raises(FeedError) as caught:
        call(*arguments, **knobs)
    return caught.value.fault


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - hypothesis wants bounds without a zone
    lambda moment: moment.replace(microsecond=0)
)
ENTRIES = st.builds(
    CertificateEntry,
    key=st.builds(CertificateKey, st.just(ISSUER), st.integers(-(2**80), 2**170)),
    state=st.just(CertificateState.REVOKED),
    at=MOMENTS,
    reason=st.none() | st.sampled_from(RevocationReason),
)
LICENCES = st.builds(
    LicenceEntry,
    licence=st.text("0123456789.", min_size=1, max_size=40),
    state=st.sampled_from([state for state in LicenceState if state is not LicenceState.ACTIVE]),
    at=MOMENTS,
)


@settings(max_examples=50)
@given(
    st.lists(ENTRIES, unique_by=lambda one: one.key, max_size=8),
    st.lists(LICENCES, unique_by=lambda one: one.licence, max_size=8),
    st.integers(1, 2**53 - 1),
)
def test_what_was_written_is_read(certificates, licences, sequence):
    """What a feed says is read back, whatever the order of its entries, and has one spelling."""
    certificates.sort(key=lambda one: one.key)
    licences.sort(key=lambda one: one.licence)
    content = feed(sequence, certificates=tuple(certificates), licences=tuple(licences))
    shuffled = replace(content, certificates=tuple(reversed(certificates)), licences=tuple(reversed(licences)))
    assert encode_status_feed(shuffled) == encode_status_feed(content)
    blob = encode_signed_feed(content, key_id="a", signature=b"sig")
    assert parse_status_feed(blob).feed == content


SNAPSHOT = sign(feed(certificates=(revoked(1), revoked(2)), licences=(licence("1.2.156.3005.2.1"),)))


@settings(max_examples=300)
@given(st.integers(0, len(SNAPSHOT) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place, change):
    """A snapshot with any byte changed is refused."""
    changed = bytearray(SNAPSHOT)
    changed[place] ^= change
    with pytest.raises(FeedError):
        verify_status_feed(parse_status_feed(bytes(changed)), keys=[KEY])


@given(st.binary(max_size=200))
def test_garbage_raises_only_our_error(data):
    """Any bytes are a feed or our own error."""
    with pytest.raises(FeedError):
        parse_status_feed(data)


@pytest.mark.parametrize(
    ("blob", "fault"),
    [
        (SNAPSHOT.replace(b'"seq":5', b'"seq": 5'), FeedFault.NOT_CANONICAL),
        (SNAPSHOT.replace(b'"seq":5', b'"seq":5,"seq":5'), FeedFault.NOT_CANONICAL),
        (SNAPSHOT.replace(b'"seq":5', b'"seq":0'), FeedFault.MALFORMED),
        (SNAPSHOT.replace(b'"seq":5', b'"more":1,"seq":5'), FeedFault.MALFORMED),
        (SNAPSHOT.replace(b"status-feed/1", b"status-feed/2"), FeedFault.MALFORMED),
        (SNAPSHOT.replace(b'"serial":"2"', b'"serial":"02"'), FeedFault.MALFORMED),
        (SNAPSHOT.replace(b'"serial":"2"', b'"serial":"1"'), FeedFault.NOT_CANONICAL),
        (SNAPSHOT.replace(b'"state":"suspended"', b'"state":"active"'), FeedFault.MALFORMED),
        (SNAPSHOT.replace(b"2026-03-01T13", b"2026-03-01T11"), FeedFault.MALFORMED),
        (SNAPSHOT.replace(b"2026-03-01T12", b"2026-13-01T12"), FeedFault.MALFORMED),
        (sign(feed(5, 6)), FeedFault.MALFORMED),
        (sign(feed(5, 5, certificates=(revoked(1),))), FeedFault.MALFORMED),
    ],
    ids=range(12),
)
def test_what_is_no_feed(blob, fault):
    """Unknown members, other spellings, impossible numbers and times are refused."""
    assert blob != SNAPSHOT
    assert fault_of(parse_status_feed, blob) is fault


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"serial":"2"', b'"serial":"2\\n"'),
        (b'"covers":["%s"]' % ISSUER.encode(), b'"covers":["%s\\n"]' % ISSUER.encode()),
        (b'"issuer_key":"%s"' % ISSUER.encode(), b'"issuer_key":"%s\\n"' % ISSUER.encode()),
        (b'"licence":"1.2.156.3005.2.1"', b'"licence":"1.2.156.3005.2.1\\n"'),
        (b'2026-03-01T12:00:00Z"', b'2026-03-01T12:00:00Z\\n"'),
        (b"2026-03-01T12", "٢٠٢٦-03-01T12".encode()),
    ],
    ids=range(6),
)
def test_a_line_end_or_foreign_digit_is_no_part_of_a_value(old, new):
    """A value with a line end behind it, or with digits of another script, is refused and keeps no signature good."""
    changed = SNAPSHOT.replace(old, new, 1)
    assert changed != SNAPSHOT
    assert fault_of(parse_status_feed, changed) is FeedFault.MALFORMED


def test_what_is_signed_is_what_was_read():
    """The signature is over the very bytes of the file, without itself."""
    signed = parse_status_feed(SNAPSHOT)
    start = SNAPSHOT.index(b',"signature":')
    assert signed.signed_bytes == SNAPSHOT[:start] + b"}"
    delta = sign(feed(6, 5, certificates=(good(1),)))
    start, end = delta.index(b',"signature":'), delta.index(b',"since":')
    assert parse_status_feed(delta).signed_bytes == delta[:start] + delta[end:]


def test_who_may_sign():
    """Only a key with the role counts, and only for the publisher that was expected."""
    other_role = replace(KEY, roles=frozenset({KeyRole.TRUST_LIST}))
    signed = parse_status_feed(SNAPSHOT)
    assert verify_status_feed(signed, keys=[KEY], publisher="370000") == signed.feed
    assert fault_of(verify_status_feed, signed, keys=[]) is FeedFault.UNKNOWN_KEY
    assert fault_of(verify_status_feed, signed, keys=[other_role]) is FeedFault.UNKNOWN_KEY
    assert fault_of(verify_status_feed, signed, keys=[KEY], publisher="340000") is FeedFault.OTHER_FEED
    forged = parse_status_feed(sign(feed(), key=pki.sm2_key()))
    assert fault_of(verify_status_feed, forged, keys=[KEY]) is FeedFault.BAD_SIGNATURE


def test_a_delta_moves_the_state():
    """A delta adds, replaces and takes away; one that begins earlier than the state at hand does too."""
    state = open_snapshot(read(feed(5, certificates=(revoked(1), revoked(2)), licences=(licence("a"), licence("b")))))
    change = feed(
        7, 4, issued=pki.NOW + HOUR / 2, certificates=(good(1), revoked(3)),
        licences=(licence("a", LicenceState.ACTIVE), licence("b", LicenceState.REVOKED)),
    )  # fmt: skip
    moved = apply_feed_delta(state, read(change))
    assert (moved.sequence, moved.issued) == (7, pki.NOW + HOUR / 2)
    assert {key.serial for key in moved.certificates} == {2, 3}
    assert {name: entry.state for name, entry in moved.licences.items()} == {"b": LicenceState.REVOKED}
    assert {key.serial for key in state.certificates} == {1, 2}
    assert moved.fingerprint != state.fingerprint


def test_nothing_changed_is_news_too():
    """A delta from its own number prolongs the state and changes nothing."""
    state = open_snapshot(read(feed(5, certificates=(revoked(1),))))
    later = apply_feed_delta(state, read(feed(5, 5, issued=pki.NOW + HOUR, next_due=pki.NOW + 2 * HOUR)))
    assert (later.certificates, later.next_due) == (state.certificates, pki.NOW + 2 * HOUR)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (feed(6), FeedFault.NOT_A_DELTA),
        (feed(8, 6), FeedFault.GAP),
        (feed(4, 3), FeedFault.BACKWARDS),
        (feed(6, 5, issued=pki.NOW - HOUR), FeedFault.BACKWARDS),
        (feed(5, 4, certificates=(revoked(9),)), FeedFault.FORKED),
        (feed(6, 5, publisher="340000"), FeedFault.OTHER_FEED),
    ],
    ids=range(6),
)
def test_a_delta_that_does_not_follow(change, fault):
    """A gap, a step back, a fork or another publisher leaves the state as it is."""
    state = open_snapshot(read(feed(5, certificates=(revoked(1),))))
    assert fault_of(apply_feed_delta, state, read(change)) is fault


def test_a_snapshot_that_does_not_follow():
    """A snapshot may skip numbers, but not go back, nor say something else under the same number."""
    state = open_snapshot(read(feed(5, certificates=(revoked(1),))))
    assert open_snapshot(read(feed(9)), previous=state).sequence == 9
    assert fault_of(open_snapshot, read(feed(4)), previous=state) is FeedFault.BACKWARDS
    assert fault_of(open_snapshot, read(feed(5)), previous=state) is FeedFault.FORKED
    assert fault_of(open_snapshot, read(feed(6, 5))) is FeedFault.NOT_A_SNAPSHOT


def test_the_period():
    """A state is current from its issue to before the next one is due."""
    state = open_snapshot(read(feed()))
    verify_feed_period(state, at=pki.NOW)
    assert fault_of(verify_feed_period, state, at=pki.NOW - HOUR) is FeedFault.NOT_YET
    assert fault_of(verify_feed_period, state, at=pki.NOW + HOUR) is FeedFault.STALE


def ask(*contents, now=pki.NOW):
    store = TrustStore(anchors=(Anchor(certificate=CA.certificate, purposes=frozenset(Purpose)),))
    chain = build_chain(LEAF.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW)
    evidence = [feed_evidence(open_snapshot(read(content)), CA.certificate) for content in contents]
    return revocation_status(chain, store=store.with_lists(evidence), now=now, trusted_time=None)


def test_a_feed_as_evidence():
    """An entry revokes; silence is good only where the feed covers the issuer, and only while it is current."""
    serial = LEAF.certificate.serial
    assert ask(feed()).state is RevocationState.GOOD
    found = ask(feed(certificates=(revoked(serial),)))
    assert (found.state, found.revoked_at, found.reason) == (
        RevocationState.REVOKED, WHEN, RevocationReason.KEY_COMPROMISE,
    )  # fmt: skip
    assert ask(feed(covers=())).why is Unavailable.NO_LIST
    assert ask(feed(covers=(), certificates=(revoked(serial),))).state is RevocationState.REVOKED
    assert ask(feed(), now=pki.NOW + HOUR).why is Unavailable.STALE


def test_the_store_has_another_version_for_another_issuer():
    """One feed speaks for several issuers, and for which of them it was let speak is part of the store's version."""
    other = pki.make_root("Second CA")
    state = open_snapshot(read(feed(certificates=(revoked(LEAF.certificate.serial),))))
    of_both = [feed_evidence(state, one.certificate) for one in (CA, other)]
    renamed = replace(of_both[0], issuer=other.certificate.subject)
    sets = ([], of_both[:1], of_both[1:], of_both, [renamed])
    assert len({TrustStore(anchors=()).with_lists(evidence).version for evidence in sets}) == len(sets)


def test_another_issue_is_other_evidence_about_everybody():
    """What rests on a feed ends with its next issue, whomever that names: an issue is read as a whole."""
    one, two = (
        feed_evidence(open_snapshot(read(feed(issued=issued))), CA.certificate) for issued in (pki.NOW - HOUR, pki.NOW)
    )
    assert one.about(1) == one.about(2) != two.about(1)


def test_what_one_publisher_knows_counts():
    """A revocation that only one of two publishers knows decides."""
    other = feed(publisher="340000", issued=pki.NOW - HOUR, certificates=(revoked(LEAF.certificate.serial),))
    assert ask(feed(), other).state is RevocationState.REVOKED


def test_what_an_ended_feed_revoked_is_not_good_by_an_older_one():
    """A revocation goes on casting doubt on what is older, from whatever publisher, when the feed has ended."""
    ended = feed(issued=pki.NOW - HOUR, next_due=pki.NOW, certificates=(revoked(LEAF.certificate.serial),))
    for age, state in ((2, RevocationState.UNAVAILABLE), (0, RevocationState.GOOD)):
        other = feed(publisher="340000", issued=pki.NOW - age * HOUR)
        assert ask(ended, other).state is state
