"""The trust store: anchors by exact purpose, lists by issuer, one version per content."""

from datetime import timedelta

from keys.revocation_list import parse_revocation_list
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import pki

ONE, TWO = pki.make_root("One"), pki.make_root("Two")
SIGNERS = Anchor(certificate=ONE.certificate, purposes=frozenset({Purpose.SIGNER}))
BOTH = Anchor(certificate=TWO.certificate, purposes=frozenset({Purpose.SIGNER, Purpose.SEAL_MAKER}))
NEW = parse_revocation_list(ONE.revocation_list())
OLD = parse_revocation_list(ONE.revocation_list(this_update=pki.NOW - timedelta(days=9)))
OTHER = parse_revocation_list(TWO.revocation_list())


def test_anchors_are_selected_by_exact_purpose():
    """An anchor counts for the purposes that it names, and for no other."""
    store = TrustStore(anchors=(SIGNERS, BOTH))
    assert store.select(Purpose.SIGNER, pki.NOW) == (SIGNERS, BOTH)
    assert store.select(Purpose.SEAL_MAKER, pki.NOW) == (BOTH,)
    assert store.select(Purpose.TIMESTAMP, pki.NOW) == ()
    assert store.select_named(Purpose.SIGNER, pki.NOW, TWO.certificate.subject) == (BOTH,)
    assert store.select_named(Purpose.TIMESTAMP, pki.NOW, TWO.certificate.subject) == ()
    assert store.select_named(Purpose.SIGNER, pki.NOW, pki.name("Three")) == ()


def test_the_empty_store_trusts_nobody():
    """Without anchors nothing is selected."""
    store = TrustStore.empty()
    assert all(store.select(purpose, pki.NOW) == () for purpose in Purpose)
    assert store.select_lists(ONE.certificate.subject) == ()


def test_the_version_is_that_of_the_content():
    """Order and repetition make no difference; any other change makes another version."""
    base = TrustStore(anchors=(SIGNERS, BOTH), revocation_lists=(NEW, OLD))
    same = TrustStore(anchors=(BOTH, SIGNERS, BOTH), revocation_lists=(OLD, NEW, NEW))
    assert base.version == same.version
    assert len(bytes.fromhex(base.version)) == 32
    narrower = Anchor(certificate=TWO.certificate, purposes=frozenset({Purpose.SIGNER}))
    others = [
        TrustStore.empty(),
        TrustStore(anchors=(SIGNERS,)),
        TrustStore(anchors=(SIGNERS, BOTH)),
        TrustStore(anchors=(SIGNERS, narrower), revocation_lists=(NEW, OLD)),
        base.with_lists([NEW]),
    ]
    assert len({base.version, *(one.version for one in others)}) == len(others) + 1


def test_lists_do_not_change_the_version_of_the_anchors():
    """What chains depend on stays the same while lists come and go."""
    base = TrustStore(anchors=(SIGNERS,))
    fresh = base.with_lists([NEW])
    assert base.anchors_version == fresh.anchors_version
    assert base.version != fresh.version
    assert base.revocation_lists == ()


def test_lists_are_found_by_issuer_newest_first():
    """Lists of one issuer come newest first, however the store got them and the name is written."""
    store = TrustStore(anchors=(), revocation_lists=(OLD, OTHER, NEW))
    assert store.select_lists(pki.name("One")) == (NEW, OLD)
    assert store.select_lists(pki.name("One", string=0x13)) == (NEW, OLD)
    assert store.select_lists(pki.name("Three")) == ()


def test_other_lists_cost_no_question_what_is_known_of_the_anchors():
    """A store with other lists keeps what was worked out about the anchors, and has another version."""
    store = TrustStore(anchors=(SIGNERS, BOTH), revocation_lists=(OLD,))
    known = store.anchors_version, store.anchors_by_name, store.intermediates_by_name
    version, lists = store.version, store.select_lists(ONE.certificate.subject)
    other = store.with_lists((NEW,))
    assert (other.anchors_version, other.anchors_by_name, other.intermediates_by_name) == known
    assert other.anchors_by_name is store.anchors_by_name
    assert (other.version != version, other.select_lists(ONE.certificate.subject) != lists) == (True, True)
    assert other.version == TrustStore(anchors=(SIGNERS, BOTH), revocation_lists=(NEW,)).version
