"""What is known about revocation is never thrown away, and silence proves only what it can prove."""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.chain import build_chain
from keys.errors import ChainError, ChainFault
from keys.ocsp import parse_ocsp_response
from keys.revocation import RevocationState, Unavailable, parse_revocation_list, revocation_status
from keys.status_feed import issuer_key
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import ocsp, pki
from tests.support.pki import entry, extension, integer, reason, sequence, tlv

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WHEN = pki.NOW - 30 * DAY
ROOT = pki.make_root("Upper")
CA = ROOT.issue_ca("Issuing")
LEAF = CA.issue("signer")
SERIAL = LEAF.certificate.serial
ENDED = pki.NOW - 10 * DAY
EXPIRED = CA.issue("expired", not_after=ENDED)
CRITICAL = extension("1.2.3.4", b"\x05\x00", critical=True)


def anchor(*entities, purposes=frozenset({Purpose.SIGNER})):
    return tuple(Anchor(certificate=one.certificate, purposes=purposes) for one in entities)


BELOW_CA = TrustStore(anchors=anchor(CA))


def number(value):
    return extension("2.5.29.20", integer(value))


def moment(when):
    return tlv(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())


def keeping(since):
    return extension("2.5.29.60", moment(since))


def listed(*entries, of=CA, more=(), value=7, **knobs):
    return parse_revocation_list(of.revocation_list(*entries, extensions=(number(value), *more), **knobs))


def delta(*entries, base=7, value=8, more=(), **knobs):
    indicator = extension("2.5.29.27", integer(base), critical=True)
    return listed(*entries, value=value, more=(indicator, *more), **knobs)


def status(*lists, leaf=LEAF, store=BELOW_CA, trusted_time=None, stapled=()):
    chain = build_chain(leaf.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW - 20 * DAY)
    return revocation_status(
        chain, store=store.with_lists(lists), now=pki.NOW, trusted_time=trusted_time, stapled=stapled
    )


def test_silence_about_what_expired_before_proves_nothing():
    """A list that was made after the certificate expired may have forgotten it; one that names it has not."""
    found = status(listed(), leaf=EXPIRED)
    assert (found.state, found.why) == (RevocationState.UNAVAILABLE, Unavailable.EXPIRED_BEFORE_LIST)
    assert status(listed(entry(EXPIRED.certificate.serial)), leaf=EXPIRED).state is RevocationState.REVOKED


@pytest.mark.parametrize(
    ("made", "state"),
    [
        (ENDED, RevocationState.GOOD),
        (ENDED + timedelta(seconds=1), RevocationState.UNAVAILABLE),
    ],
)
def test_the_last_second_still_belongs_to_the_certificate(made, state):
    """A list of the last second in which the certificate was valid knows of it."""
    assert status(listed(this_update=made), leaf=EXPIRED).state is state


@pytest.mark.parametrize(
    ("since", "state"),
    [
        (ENDED, RevocationState.GOOD),
        (ENDED - DAY, RevocationState.GOOD),
        (ENDED + timedelta(seconds=1), RevocationState.UNAVAILABLE),
    ],
)
def test_a_list_may_say_that_it_keeps_what_expired(since, state):
    """With expiredCertsOnCRL reaching back to the certificate's end, silence is an answer again."""
    assert status(listed(more=(keeping(since),)), leaf=EXPIRED).state is state


def test_an_operator_may_know_that_an_issuer_keeps_what_expired():
    """The statement counts for the key of that issuer alone, and changes the version of the store."""
    told = replace(BELOW_CA, keeps_expired=frozenset({issuer_key(CA.certificate.spki)}))
    assert status(listed(), leaf=EXPIRED, store=told).state is RevocationState.GOOD
    other = replace(BELOW_CA, keeps_expired=frozenset({issuer_key(ROOT.certificate.spki)}))
    assert status(listed(), leaf=EXPIRED, store=other).state is RevocationState.UNAVAILABLE
    assert len({BELOW_CA.version, told.version, other.version}) == 3


def test_older_lists_are_searched_for_what_a_newer_one_may_have_forgotten():
    """A current list that still names an expired certificate revokes it; an older silence is no better than a new."""
    older = {"this_update": ENDED - DAY, "value": 6}
    serial = EXPIRED.certificate.serial
    assert status(listed(), listed(entry(serial), **older), leaf=EXPIRED).state is RevocationState.REVOKED
    assert status(listed(), listed(**older), leaf=EXPIRED).why is Unavailable.EXPIRED_BEFORE_LIST


@pytest.mark.parametrize(
    ("cutoff", "state"),
    [
        (None, RevocationState.UNAVAILABLE),
        (ENDED, RevocationState.GOOD),
        (ENDED + DAY, RevocationState.UNAVAILABLE),
    ],
)
def test_a_responder_may_say_how_far_back_it_knows(cutoff, state):
    """An answer that an expired certificate is good counts with an archive cutoff that reaches back to its end."""
    more = () if cutoff is None else (extension("1.3.6.1.5.5.7.48.1.6", moment(cutoff)),)
    single = ocsp.single(ocsp.certificate_id(EXPIRED, CA), extensions=more)
    answer = parse_ocsp_response(ocsp.answer(single, signer=CA))
    assert status(leaf=EXPIRED, stapled=(answer,)).state is state


def test_an_anchor_does_not_hide_its_own_revocation():
    """A CA that is trusted itself is revoked by the list of the CA above it, whatever that one is trusted for."""
    of_root = listed(entry(CA.certificate.serial, WHEN, reason(2)), of=ROOT)
    for above in (frozenset({Purpose.SIGNER}), frozenset({Purpose.TLS})):
        store = TrustStore(anchors=anchor(CA) + anchor(ROOT, purposes=above))
        found = status(listed(), of_root, store=store)
        assert (found.state, found.serial) == (RevocationState.REVOKED, CA.certificate.serial)
    by_hand = replace(BELOW_CA, intermediates=(ROOT.certificate,))
    assert status(listed(), of_root, store=by_hand).state is RevocationState.REVOKED
    assert status(listed(), of_root).state is RevocationState.GOOD


def test_a_stranger_of_the_same_name_revokes_no_anchor():
    """Only whose key signed the anchor's certificate may speak about it."""
    twin = pki.make_root("Upper")
    store = TrustStore(anchors=anchor(CA, twin))
    assert status(listed(), listed(entry(CA.certificate.serial), of=twin), store=store).state is RevocationState.GOOD


def test_an_anchor_needs_no_list_but_a_list_that_ran_out_is_said():
    """Without a list of the CA above, an anchor stays good; with one whose time is over, nobody knows."""
    store = TrustStore(anchors=anchor(CA, ROOT))
    assert status(listed(), store=store).state is RevocationState.GOOD
    found = status(listed(), listed(of=ROOT, next_update=pki.NOW), store=store)
    assert (found.state, found.why, found.serial) == (
        RevocationState.UNAVAILABLE,
        Unavailable.STALE,
        CA.certificate.serial,
    )


def test_a_directly_trusted_certificate_is_revoked_by_its_issuer():
    """A chain of one is asked about where its issuer is at hand; without a list, and for what expired, it is good."""
    store = TrustStore(anchors=anchor(LEAF, EXPIRED) + anchor(CA, purposes=frozenset({Purpose.TIMESTAMP})))
    assert status(listed(entry(SERIAL, WHEN, reason(1))), store=store).state is RevocationState.REVOKED
    assert status(store=store).state is RevocationState.GOOD
    assert status(listed(), store=store).as_of == pki.NOW - HOUR
    assert status(listed(), store=store, leaf=EXPIRED).state is RevocationState.GOOD


def test_a_directly_trusted_certificate_may_not_demand_what_nobody_knows():
    """An unknown critical extension is refused with the same fault as below a CA."""
    odd = CA.issue("odd", more=(CRITICAL,))
    for trusted in (anchor(odd), anchor(CA), anchor(odd, CA)):
        with pytest.raises(ChainError) as caught:
            build_chain(odd.certificate, store=TrustStore(anchors=trusted), purpose=Purpose.SIGNER, at=pki.NOW)
        assert caught.value.fault is ChainFault.UNKNOWN_CRITICAL_EXTENSION


def test_a_delta_revokes_without_being_laid_over():
    """A delta beside its base is read: it revokes, and takes away what its base says; silent, it changes nothing."""
    base = listed(this_update=pki.NOW - 5 * HOUR)
    held = listed(entry(SERIAL, WHEN, reason(6)), this_update=pki.NOW - 5 * HOUR)
    assert status(base, delta(entry(SERIAL, WHEN, reason(1)))).state is RevocationState.REVOKED
    assert status(base, delta()).state is RevocationState.GOOD
    assert status(held, delta(entry(SERIAL, WHEN, reason(8)))).state is RevocationState.GOOD
    assert status(held, delta(entry(SERIAL, WHEN, reason(8)), base=9, value=10)).state is RevocationState.REVOKED
    assert status(delta()).why is Unavailable.UNUSABLE


def test_taking_away_an_expired_certificate_restores_nothing():
    """A delta may drop what has expired; the base still says that it was revoked."""
    serial = EXPIRED.certificate.serial
    base = listed(entry(serial, WHEN, reason(1)), this_update=pki.NOW - 5 * HOUR)
    assert status(base, delta(entry(serial, WHEN, reason(8))), leaf=EXPIRED).state is RevocationState.REVOKED


ONLY_CAS = extension("2.5.29.28", sequence(tlv(0x82, b"\xff")), critical=True)
SOME_REASONS = extension("2.5.29.28", sequence(tlv(0x83, b"\x06\x40")), critical=True)
INDIRECT = extension("2.5.29.28", sequence(tlv(0x84, b"\xff")), critical=True)


@pytest.mark.parametrize("more", [(ONLY_CAS,), (SOME_REASONS,)])
def test_a_partial_list_that_names_the_certificate_revokes_it(more):
    """Its silence proves nothing and casts no doubt on a complete list; its word counts."""
    older = listed(this_update=pki.NOW - 5 * HOUR, value=6)
    assert status(older, listed(entry(SERIAL), more=more)).state is RevocationState.REVOKED
    assert status(older, listed(more=more)).state is RevocationState.GOOD


def test_an_entry_that_is_not_known_revokes_what_it_names_and_leaves_the_rest_open():
    """A newer list with such an entry is not passed over in favour of an older one that knows less."""
    older = listed(this_update=pki.NOW - 5 * HOUR, value=6)
    assert status(older, listed(entry(SERIAL, WHEN, CRITICAL))).state is RevocationState.REVOKED
    found = status(older, listed(entry(SERIAL + 1, WHEN, CRITICAL)))
    assert (found.state, found.why) == (RevocationState.UNAVAILABLE, Unavailable.UNUSABLE)


@pytest.mark.parametrize("more", [(INDIRECT,), (CRITICAL,)])
def test_a_list_whose_entries_may_mean_others_neither_revokes_nor_leaves_good(more):
    """An indirect list, or one with a critical extension that is not known, leaves the question open."""
    older = listed(this_update=pki.NOW - 5 * HOUR, value=6)
    assert status(older, listed(entry(SERIAL), more=more)).why is Unavailable.UNUSABLE
    old_revokes = listed(entry(SERIAL), this_update=pki.NOW - 5 * HOUR, value=6)
    assert status(old_revokes, listed(more=more)).state is RevocationState.REVOKED


def test_of_two_lists_of_one_moment_the_higher_number_decides():
    """The number orders what the clock does not."""
    lists = listed(value=7), listed(entry(SERIAL), value=8)
    assert {status(*order).state for order in (lists, lists[::-1])} == {RevocationState.REVOKED}


def test_a_forged_list_casts_no_doubt():
    """What nobody signed cannot make a good answer unknown."""
    forged = pki.revocation_list(
        pki.sm2_key(), entry(SERIAL, WHEN, CRITICAL), issuer=CA.certificate.subject, this_update=pki.NOW
    )
    assert status(listed(), parse_revocation_list(forged)).state is RevocationState.GOOD


def test_a_key_in_other_hands_counts_from_then():
    """A proven time after the invalidity date saves nothing, though the revocation came later."""
    since = extension("2.5.29.24", moment(WHEN - 100 * DAY))
    revoked = listed(entry(SERIAL, WHEN, reason(1), since))
    found = status(revoked, trusted_time=WHEN - DAY)
    assert (found.state, found.revoked_at, found.invalid_since) == (
        RevocationState.REVOKED,
        WHEN,
        WHEN - 100 * DAY,
    )
    assert status(revoked, trusted_time=WHEN - 101 * DAY).state is RevocationState.GOOD
    later = listed(entry(SERIAL, WHEN, extension("2.5.29.24", moment(WHEN + DAY))))
    assert status(later, trusted_time=WHEN).state is RevocationState.REVOKED


def test_a_responder_says_since_when_too():
    """An OCSP answer carries the invalidity date as its own extension."""
    more = (extension("2.5.29.24", moment(WHEN - 100 * DAY)),)
    single = ocsp.single(ocsp.certificate_id(LEAF, CA), ocsp.revoked(WHEN, 1), extensions=more)
    answer = parse_ocsp_response(ocsp.answer(single, signer=CA))
    assert status(stapled=(answer,), trusted_time=WHEN - DAY).state is RevocationState.REVOKED
