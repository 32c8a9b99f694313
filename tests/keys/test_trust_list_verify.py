"""Whether a list is to be relied on: threshold, rollback, freeze, rotation, as The Update Framework has them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.errors import TrustListFault, UntrustedListError
from keys.trust_list import ListAlgorithm, ListKeys, ListSignature, encode_trust_list
from keys.trust_list_parse import parse_trust_list
from keys.trust_list_verify import (
    MAX_LIFE,
    find_signers,
    missing_signers,
    verify_content,
    verify_own_signatures,
    verify_trust_list,
)
from tests.support import pki
from tests.support.trust_lists import DAY, ENTRIES, KEEPERS, keeper, keys_of, make_list, next_list, signed

A, B, C = KEEPERS
D = keeper("d")
ONE = signed(make_list())
TWO = signed(next_list(ONE, anchors=ENTRIES[:2]))
THREE = signed(next_list(TWO))
ROOT = keys_of(*KEEPERS)


def verify(new, *, previous=None, root_keys=ROOT, at=pki.NOW):
    return verify_trust_list(new, previous=previous, root_keys=root_keys, at=at)


def fault_of(new, **named):
    with pytest.raises(UntrustedListError) as caught:
        verify(new, **named)
    return caught.value.fault


def test_enough_signatures_make_a_list_good():
    """Two of three keys, of any of the three algorithms, and the answer says who signed."""
    assert verify(ONE).signed_by == {"a", "b"}
    assert verify(signed(make_list(), B, C)).signed_by == {"b", "c"}
    assert verify(TWO, previous=ONE, root_keys=None).signed_by == {"a", "b"}
    assert verify(parse_trust_list(encode_trust_list(TWO)), previous=ONE).unknown == frozenset()


@pytest.mark.parametrize("new", [make_list(), signed(make_list(), A)])
def test_too_few_signatures(new):
    """Fewer than the threshold are not enough, however good they are."""
    assert fault_of(new) is TrustListFault.TOO_FEW_SIGNATURES


def test_a_signature_twice_counts_once():
    """The same signature twice, and one key under two ids, are one signer."""
    new = signed(make_list(), A)
    assert fault_of(replace(new, signatures=new.signatures * 2)) is TrustListFault.TOO_FEW_SIGNATURES
    twin = keeper("z", key=A.key)
    both = signed(make_list(keepers=(A, twin, B)), A, twin)
    assert fault_of(both, root_keys=keys_of(A, twin, B)) is TrustListFault.TOO_FEW_SIGNATURES
    assert verify(signed(both, B), root_keys=keys_of(A, twin, B))


def test_unknown_keys_count_for_nothing_and_are_reported():
    """A signature by a key that nobody here knows is neither looked at nor counted."""
    stranger = ListSignature(key="stranger", value=b"whatever")
    assert verify(ONE.with_signature(stranger)).unknown == {"stranger"}
    assert fault_of(signed(make_list(), A).with_signature(stranger)) is TrustListFault.TOO_FEW_SIGNATURES


@pytest.mark.parametrize("value", [b"", b"\x30\x00", C.sign(make_list(version=9)).value])
def test_a_bad_signature_refuses_the_list(value):
    """One that names a key we know must verify, even where there are enough without it."""
    bad = ONE.with_signature(ListSignature(key="c", value=value))
    assert fault_of(bad) is TrustListFault.BAD_SIGNATURE


def test_a_signature_has_one_spelling():
    """The 64 raw bytes that e-seals may carry are no signature of a list."""
    der = A.sign(make_list())
    r, s = (int.from_bytes(der.value[4:][: der.value[3]]), int.from_bytes(der.value[6 + der.value[3] :]))
    raw = ListSignature(key="a", value=r.to_bytes(32) + s.to_bytes(32))
    assert fault_of(ONE.with_signature(raw)) is TrustListFault.BAD_SIGNATURE


def test_somebody_must_be_believed_first():
    """Without a list in force and without root keys nothing is, and the root keys must have signed the first."""
    assert fault_of(ONE, root_keys=None) is TrustListFault.TOO_FEW_OLD_SIGNATURES
    assert fault_of(ONE, root_keys=keys_of(A, D)) is TrustListFault.TOO_FEW_OLD_SIGNATURES
    assert fault_of(ONE, root_keys=ListKeys(keys=(), threshold=0)) is TrustListFault.TOO_FEW_OLD_SIGNATURES


def test_no_rollback():
    """An older version, and a next one that was issued before, do not replace the list in force."""
    assert fault_of(ONE, previous=TWO) is TrustListFault.ROLLBACK
    assert fault_of(signed(next_list(ONE, issued=ONE.issued - DAY)), previous=ONE) is TrustListFault.ROLLBACK


def test_the_list_in_force_is_good_again():
    """The same list is no news, and another one of the same version is an alarm."""
    assert verify(signed(ONE, C), previous=ONE)
    twin = signed(replace(ONE, anchors=ENTRIES[:1], signatures=()))
    assert fault_of(twin, previous=ONE) is TrustListFault.EQUIVOCATION


def test_no_version_is_skipped():
    """What lies between must be seen, and the next version must be made for the list in force."""
    assert fault_of(THREE, previous=ONE) is TrustListFault.GAP
    assert fault_of(signed(next_list(ONE, previous="00" * 32)), previous=ONE) is TrustListFault.WRONG_PREVIOUS
    assert fault_of(signed(next_list(ONE, previous=None)), previous=ONE) is TrustListFault.WRONG_PREVIOUS
    assert fault_of(signed(next_list(ONE, name="other")), previous=ONE) is TrustListFault.OTHER_LIST


def test_no_freeze():
    """A list ends on the second, does not begin early, and is not made for longer than lists may last."""
    assert verify(ONE, at=ONE.issued)
    assert verify(ONE, at=ONE.expires - timedelta(seconds=1))
    assert fault_of(ONE, at=ONE.expires) is TrustListFault.EXPIRED
    assert fault_of(ONE, at=ONE.issued - timedelta(seconds=1)) is TrustListFault.NOT_YET_ISSUED
    assert verify(signed(make_list(expires=ONE.issued + MAX_LIFE)))
    for_ever = signed(make_list(expires=ONE.issued + MAX_LIFE + timedelta(seconds=1)))
    assert fault_of(for_ever) is TrustListFault.TOO_LONG_LIVED


def test_keys_are_rotated_by_old_and_new():
    """New keys need the signatures of the old ones, and their own, so that nobody is added who has not the key."""
    fresh = next_list(ONE, signers=keys_of(C, D))
    assert fault_of(signed(fresh, A, B), previous=ONE) is TrustListFault.TOO_FEW_SIGNATURES
    assert fault_of(signed(fresh, C, D), previous=ONE) is TrustListFault.TOO_FEW_OLD_SIGNATURES
    good = signed(fresh, A, C, D)
    assert verify(good, previous=ONE).signed_by == {"a", "c", "d"}
    assert fault_of(signed(next_list(good), A, B), previous=good) is TrustListFault.TOO_FEW_SIGNATURES
    assert verify(signed(next_list(good), C, D), previous=good)


def test_an_id_never_passes_to_another_key():
    """Signatures and approvals name keys by id, so a list that gives a known id to another key is refused."""
    heir = keeper("a", ListAlgorithm.ED25519)
    fresh = next_list(ONE, signers=keys_of(heir, B, C))
    assert fault_of(signed(fresh, B, C), previous=ONE) is TrustListFault.KEY_ID_REUSED
    first = make_list(keepers=(heir, B, C))
    assert fault_of(signed(first, heir, B), root_keys=ROOT) is TrustListFault.KEY_ID_REUSED


def test_the_threshold_may_change_by_the_old_one():
    """A lower threshold must be signed by as many as the old one asked for."""
    lower = next_list(ONE, signers=keys_of(*KEEPERS, threshold=1))
    assert fault_of(signed(lower, A), previous=ONE) is TrustListFault.TOO_FEW_OLD_SIGNATURES
    assert verify(signed(lower), previous=ONE)


def test_lists_that_were_missed_are_followed_whatever_their_time():
    """What lies between may have expired since: everything but the time of a list is verified by itself."""
    late = signed(next_list(TWO, issued=TWO.expires, expires=TWO.expires + 90 * DAY))
    assert verify_content(TWO, previous=ONE, root_keys=None).signed_by == {"a", "b"}
    assert verify_content(late, previous=TWO, root_keys=None).signed_by == {"a", "b"}
    with pytest.raises(UntrustedListError) as caught:
        verify_content(late, previous=ONE, root_keys=None)
    assert caught.value.fault is TrustListFault.GAP


def test_its_own_signatures_are_verified_whatever_a_list_follows():
    """Enough of its own keys and no bad signature of theirs; what keys of an older list signed is not looked at."""
    verify_own_signatures(TWO)
    for bad, fault in (
        (replace(TWO, signatures=()), TrustListFault.TOO_FEW_SIGNATURES),
        (TWO.with_signature(ListSignature(key="c", value=b"no")), TrustListFault.BAD_SIGNATURE),
    ):
        with pytest.raises(UntrustedListError) as caught:
            verify_own_signatures(bad)
        assert caught.value.fault is fault
    verify_own_signatures(TWO.with_signature(ListSignature(key="older", value=b"no")))


def test_who_signed_is_said_by_the_keys_that_verify():
    """A name under a signature says nothing: of two keys with one id only the one that signed is among the signers."""
    heir = keeper("c")
    one = signed(make_list(keepers=(A, B, heir)), A, heir)
    assert find_signers(one, (A.entry, B.entry, C.entry, heir.entry)) == {A.entry.public_key, heir.entry.public_key}


def test_who_has_not_signed_yet():
    """Whoever collects signatures can see whose are missing."""
    assert list(missing_signers(ONE, ROOT)) == [C.entry]
