"""Lists by another key of the same CA: accepted after a renewal of the key, and from nobody else."""

from datetime import timedelta

import pytest

from keys.chain import build_chain
from keys.list_signers import known_issuers
from keys.revocation import RevocationState, Unavailable, parse_revocation_list, revocation_status
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import pki
from tests.support.pki import entry

ROOT = pki.make_root("Root above")
NAME = pki.name("Renewing CA")
OLD = ROOT.issue_ca("x", subject=NAME)
NEW = ROOT.issue_ca("x", subject=NAME)
LEAF = OLD.issue("signer")
SERIAL = LEAF.certificate.serial
SIGNERS = frozenset({Purpose.SIGNER})
ROOT_LIST = ROOT.revocation_list()


def store(*anchors, intermediates=(), purposes=SIGNERS):
    return TrustStore(
        anchors=tuple(Anchor(certificate=one.certificate, purposes=purposes) for one in anchors),
        intermediates=tuple(one.certificate for one in intermediates),
    )


def status(trust, *lists, leaf=LEAF, now=pki.NOW):
    chain = build_chain(leaf.certificate, store=trust, purpose=Purpose.SIGNER, at=pki.NOW)
    trust = trust.with_lists(map(parse_revocation_list, lists))
    return revocation_status(chain, store=trust, now=now, trusted_time=None)


BELOW_ROOT = store(ROOT, intermediates=(OLD, NEW))


def test_a_list_by_the_renewed_key_counts():
    """Whose certificate leads to the same anchor speaks for the CA, in both directions: good and revoked."""
    assert status(BELOW_ROOT, NEW.revocation_list(), ROOT_LIST).state is RevocationState.GOOD
    assert status(BELOW_ROOT, NEW.revocation_list(entry(SERIAL)), ROOT_LIST).state is RevocationState.REVOKED


def test_a_self_issued_certificate_hands_over():
    """An anchor that certified its own next key is followed there."""
    new = OLD.issue_ca("x", subject=NAME)
    trust = store(OLD, intermediates=(new,))
    lists = (new.revocation_list(), OLD.revocation_list())
    assert status(trust, new.revocation_list(entry(SERIAL)), OLD.revocation_list(this_update=pki.BEGIN)).state is (
        RevocationState.REVOKED
    )
    assert status(trust, *lists).state is RevocationState.GOOD


def test_two_trusted_certificates_of_one_ca_speak_for_each_other_where_one_key_issued_both():
    """The same name below the same key is the same CA; without the key above, it may be another's."""
    above = store(OLD, NEW, intermediates=(ROOT,))
    assert status(above, NEW.revocation_list()).state is RevocationState.GOOD
    assert status(store(OLD, NEW), NEW.revocation_list()).why is Unavailable.BAD_SIGNATURE


@pytest.mark.parametrize(
    "make",
    [
        lambda: pki.make_root("x", subject=NAME, issuer=NAME),  # a stranger who calls himself so
        lambda: pki.make_root("Elsewhere").issue_ca("x", subject=NAME),  # below a root that nobody trusts
        lambda: ROOT.issue_ca("x", subject=NAME, usages=("key_cert_sign",)),
        lambda: ROOT.issue_ca("x", subject=NAME, usages=None),
        lambda: ROOT.issue_ca("x", subject=NAME, not_after=pki.NOW - timedelta(days=1)),
        lambda: ROOT.issue_ca("Another CA"),
    ],
)
def test_nobody_else_signs_its_lists(make):
    """A stranger, one who may not sign lists or whose time is over, is none, good or revoked."""
    other = make()
    trust = store(ROOT, intermediates=(OLD, other))
    for entries in ((), (entry(SERIAL),)):
        forged = pki.revocation_list(other.key, *entries, issuer=NAME)
        assert status(trust, forged, ROOT_LIST).why is Unavailable.BAD_SIGNATURE


def test_a_revoked_key_signs_no_lists():
    """The other certificate must not be revoked itself, and somebody must know that."""
    revoked = ROOT.revocation_list(entry(NEW.certificate.serial))
    assert status(BELOW_ROOT, NEW.revocation_list(), revoked).why is Unavailable.BAD_SIGNATURE
    assert status(BELOW_ROOT, NEW.revocation_list()).state is RevocationState.UNAVAILABLE


def test_another_anchor_of_the_same_name_is_another():
    """Two trusted roots of one name do not speak for each other."""
    one, two = pki.make_root("Twin"), pki.make_root("Twin")
    leaf = one.issue("signer")
    assert status(store(one, two), two.revocation_list(), leaf=leaf).why is Unavailable.BAD_SIGNATURE


def test_known_issuers_are_told_by_signature():
    """One certificate for each key, none for the certificate's own key, whatever the names say."""
    twin = pki.make_root("Root above")
    renewed = pki.make_root("Root above", key=ROOT.key, serial=9)
    trust = store(ROOT, twin, renewed, OLD)
    assert known_issuers(OLD.certificate, trust) == (ROOT.certificate,)
    assert known_issuers(ROOT.certificate, trust) == ()
    assert known_issuers(LEAF.certificate, store(ROOT)) == ()
