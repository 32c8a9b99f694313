"""Revocation of a chain: good, revoked, or not known; never good for want of a list."""

from datetime import timedelta

import pytest

from keys import revocation_list_word
from keys.chain import Chain, build_chain
from keys.revocation import RevocationReason, RevocationState, Unavailable, parse_revocation_list, revocation_status
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import pki
from tests.support.pki import entry, reason

ROOT = pki.make_root()
MIDDLE = ROOT.issue_ca("Issuing CA")
LEAF = MIDDLE.issue("signer")
BASE = TrustStore(anchors=(Anchor(certificate=ROOT.certificate, purposes=frozenset(Purpose)),))
CHAIN = build_chain(LEAF.certificate, store=BASE, purpose=Purpose.SIGNER, at=pki.NOW, extra=(MIDDLE.certificate,))
SERIAL, MIDDLE_SERIAL = LEAF.certificate.serial, MIDDLE.certificate.serial
WHEN = pki.NOW - timedelta(days=30)
ROOT_LIST = ROOT.revocation_list()


def status(*lists, chain=CHAIN, now=pki.NOW, trusted_time=None):
    store = BASE.with_lists(parse_revocation_list(one) for one in lists)
    return revocation_status(chain, store=store, now=now, trusted_time=trusted_time)


def test_good_when_every_issuer_says_so():
    """With a current list of every issuer and no entry, the chain is good as of the older list."""
    older = ROOT.revocation_list(this_update=pki.NOW - timedelta(days=5))
    found = status(MIDDLE.revocation_list(entry(SERIAL + 1)), older)
    assert found.state is RevocationState.GOOD
    assert found.as_of == pki.NOW - timedelta(days=5)
    assert (found.serial, found.why, found.revoked_at) == (None, None, None)


def test_directly_trusted_is_good():
    """A chain of one needs no list."""
    one = Chain(certificates=(LEAF.certificate,), valid_from=pki.BEGIN, valid_to=pki.END)
    found = status(chain=one)
    assert (found.state, found.as_of) == (RevocationState.GOOD, None)


def test_revoked():
    """An entry for the certificate decides, with its date and reason."""
    found = status(MIDDLE.revocation_list(entry(SERIAL, WHEN, reason(1))), ROOT_LIST)
    assert found.state is RevocationState.REVOKED
    assert (found.serial, found.revoked_at, found.reason) == (SERIAL, WHEN, RevocationReason.KEY_COMPROMISE)


def test_a_revoked_issuer_revokes_what_it_issued():
    """An entry for a CA in the middle counts as one for the leaf, even where the leaf's own list is missing."""
    found = status(ROOT.revocation_list(entry(MIDDLE_SERIAL, WHEN)))
    assert (found.state, found.serial) == (RevocationState.REVOKED, MIDDLE_SERIAL)


@pytest.mark.parametrize(
    ("trusted_time", "state"),
    [
        (None, RevocationState.REVOKED),
        (WHEN - timedelta(seconds=1), RevocationState.GOOD),
        (WHEN, RevocationState.REVOKED),
        (WHEN + timedelta(seconds=1), RevocationState.REVOKED),
    ],
)
def test_only_a_proven_time_saves_a_signature(trusted_time, state):
    """A revocation counts unless a trusted time proves that the signature is older."""
    assert status(MIDDLE.revocation_list(entry(SERIAL, WHEN)), ROOT_LIST, trusted_time=trusted_time).state is state


BY_STRANGER = pki.revocation_list(pki.sm2_key(), issuer=MIDDLE.certificate.subject)
BY_OTHER_ALGORITHM = pki.revocation_list(pki.p256_key(), issuer=MIDDLE.certificate.subject)
PARTIAL = MIDDLE.revocation_list(extensions=(pki.extension("2.5.29.28", pki.sequence(), critical=True),))


@pytest.mark.parametrize(
    ("lists", "why"),
    [
        ((), Unavailable.NO_LIST),
        ((ROOT_LIST,), Unavailable.NO_LIST),
        ((MIDDLE.revocation_list(next_update=pki.NOW), ROOT_LIST), Unavailable.STALE),
        ((MIDDLE.revocation_list(next_update=None), ROOT_LIST), Unavailable.STALE),
        ((MIDDLE.revocation_list(this_update=pki.NOW + timedelta(seconds=1)), ROOT_LIST), Unavailable.NOT_YET),
        ((BY_STRANGER, ROOT_LIST), Unavailable.BAD_SIGNATURE),
        ((BY_OTHER_ALGORITHM, ROOT_LIST), Unavailable.BAD_SIGNATURE),
        ((PARTIAL, ROOT_LIST), Unavailable.UNUSABLE),
        ((MIDDLE.revocation_list(entry(SERIAL), next_update=pki.NOW), ROOT_LIST), Unavailable.STALE),
        ((BY_STRANGER, PARTIAL, MIDDLE.revocation_list(next_update=pki.NOW), ROOT_LIST), Unavailable.STALE),
    ],
)
def test_what_cannot_be_known_is_unavailable(lists, why):
    """A list that is missing, stale, early, forged or partial leaves the question open, and says why."""
    found = status(*lists)
    assert (found.state, found.why, found.serial) == (RevocationState.UNAVAILABLE, why, SERIAL)


def test_a_missing_list_of_the_root_is_unavailable_too():
    """Every certificate below the anchor needs a list of its issuer."""
    found = status(MIDDLE.revocation_list())
    assert (found.state, found.serial) == (RevocationState.UNAVAILABLE, MIDDLE_SERIAL)


def test_a_list_counts_from_its_first_to_before_its_last_moment():
    """A list is current while this_update <= now < next_update."""
    lists = (MIDDLE.revocation_list(), ROOT_LIST)
    first, last = pki.NOW - timedelta(hours=1), pki.NOW + timedelta(days=1)
    assert status(*lists, now=first).state is RevocationState.GOOD
    assert status(*lists, now=last - timedelta(seconds=1)).state is RevocationState.GOOD
    assert status(*lists, now=first - timedelta(seconds=1)).why is Unavailable.NOT_YET
    assert status(*lists, now=last).why is Unavailable.STALE


def test_the_newest_current_list_decides():
    """A certificate that was on hold and is no longer listed is good; what an older list said is past."""
    old = MIDDLE.revocation_list(entry(SERIAL, WHEN, reason(6)), this_update=pki.NOW - timedelta(days=2))
    new = MIDDLE.revocation_list()
    for lists in ((old, new), (new, old)):
        assert status(*lists, ROOT_LIST).state is RevocationState.GOOD
    assert status(old, ROOT_LIST).state is RevocationState.REVOKED


def test_a_forged_newer_list_does_not_hide_a_true_one():
    """A list that nobody we know signed is passed over, and the true one behind it decides."""
    forged = pki.revocation_list(pki.sm2_key(), issuer=MIDDLE.certificate.subject, this_update=pki.NOW)
    assert status(forged, MIDDLE.revocation_list(entry(SERIAL)), ROOT_LIST).state is RevocationState.REVOKED


def test_a_key_that_may_not_sign_lists():
    """A CA without the usage for lists states none."""
    middle = ROOT.issue_ca("Mute CA", usages=("key_cert_sign",))
    leaf = middle.issue("signer")
    chain = build_chain(leaf.certificate, store=BASE, purpose=Purpose.SIGNER, at=pki.NOW, extra=(middle.certificate,))
    assert status(middle.revocation_list(), ROOT_LIST, chain=chain).why is Unavailable.UNUSABLE


def test_a_list_is_verified_once(monkeypatch):
    """The signature of a list is verified on first use and remembered for that issuer's key."""
    lists = (MIDDLE.revocation_list(entry(4)), ROOT_LIST)
    assert status(*lists).state is RevocationState.GOOD
    monkeypatch.setattr(revocation_list_word, "is_signed", lambda **_: pytest.fail("verified again"))
    assert status(*lists).state is RevocationState.GOOD
