"""What may follow a list: newer ones, and deltas on top; nothing that goes back, skips or is about others."""

from datetime import timedelta

import pytest
from cryptography import x509

from keys.chain import build_chain
from keys.revocation import RevocationState, Unavailable, parse_revocation_list, revocation_status
from keys.revocation_update import RevocationUpdateError, UpdateFault, apply_delta, remove_delta, verify_successor
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import pki
from tests.support.pki import entry, extension, integer, reason

CA = pki.make_root("Updating CA")
OTHER = pki.make_root("Other CA")
USERS = extension("2.5.29.28", pki.sequence(pki.tlv(0x81, b"\xff")), critical=True)
CAS = extension("2.5.29.28", pki.sequence(pki.tlv(0x82, b"\xff")), critical=True)
HOUR = timedelta(hours=1)


def number(value):
    return extension("2.5.29.20", integer(value))


def full(value=10, *entries, ca=CA, more=(), **knobs):
    extensions = (*(() if value is None else (number(value),)), *more)
    return parse_revocation_list(ca.revocation_list(*entries, extensions=extensions, **knobs))


def delta(value=12, base=10, *entries, ca=CA, more=(), this_update=pki.NOW - timedelta(minutes=10), **knobs):
    indicator = extension("2.5.29.27", integer(base), critical=True)
    extensions = (*(() if value is None else (number(value),)), indicator, *more)
    blob = ca.revocation_list(*entries, extensions=extensions, this_update=this_update, **knobs)
    return parse_revocation_list(blob)


def fault_of(call, *arguments, **knobs):
    with pytest.raises(RevocationUpdateError) as caught:
        call(*arguments, **knobs)
    return caught.value.fault


def test_a_delta_adds_replaces_and_takes_away():
    """The result has what the base has, changed as the delta says, with the delta's number and dates."""
    base = full(10, entry(1), entry(2), entry(3, pki.NOW - HOUR, reason(6)))
    change = delta(12, 10, entry(2, pki.BEGIN), entry(3, pki.NOW, reason(8)), entry(4), next_update=pki.NOW + HOUR)
    both = apply_delta(base, change)
    assert [serial for serial in range(6) if both.find(serial)] == [1, 2, 4]
    assert both.find(2).revoked_at == pki.BEGIN
    assert (both.number, both.this_update, both.next_update) == (12, change.this_update, change.next_update)
    assert remove_delta(both) == base
    assert remove_delta(base) is base
    assert len({base, change, both}) == 3


def test_a_later_delta_replaces_an_earlier_one():
    """Two deltas on one base do not add up: each says everything since its base."""
    base = full(10)
    both = apply_delta(apply_delta(base, delta(11, 10, entry(1))), delta(12, 10, entry(2)))
    assert [serial for serial in range(4) if both.find(serial)] == [2]


@pytest.mark.parametrize(
    ("base", "change", "fault"),
    [
        (full(), full(12), UpdateFault.NOT_A_DELTA),
        (delta(), delta(13), UpdateFault.NOT_COMPLETE),
        (full(), delta(ca=OTHER), UpdateFault.OTHER_ISSUER),
        (full(), delta(more=(USERS,)), UpdateFault.OTHER_SCOPE),
        (full(more=(CAS,)), delta(more=(USERS,)), UpdateFault.OTHER_SCOPE),
        (full(None), delta(), UpdateFault.NO_NUMBER),
        (full(), delta(None), UpdateFault.NO_NUMBER),
        (full(9), delta(12, 10), UpdateFault.BASE_TOO_OLD),
        (full(12), delta(12, 10), UpdateFault.ALREADY_INCLUDED),
        (full(), delta(this_update=pki.NOW - 9 * HOUR), UpdateFault.ALREADY_INCLUDED),
        (full(more=(extension("1.2.3", b"\5\0", critical=True),)), delta(), UpdateFault.UNUSABLE),
        (full(), delta(more=(extension("1.2.3", b"\5\0", critical=True),)), UpdateFault.UNUSABLE),
        (apply_delta(full(9), delta(11, 9)), delta(13, 11), UpdateFault.BASE_TOO_OLD),
        (apply_delta(full(), delta()), delta(11), UpdateFault.ALREADY_INCLUDED),
    ],
    ids=range(14),
)
def test_a_delta_that_does_not_fit(base, change, fault):
    """A delta of another issuer or scope, from a later base, or older than what is known, is refused."""
    assert fault_of(apply_delta, base, change) is fault


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        (full(ca=OTHER), UpdateFault.OTHER_ISSUER),
        (delta(), UpdateFault.NOT_COMPLETE),
        (full(11, more=(USERS,)), UpdateFault.OTHER_SCOPE),
        (full(None), UpdateFault.NO_NUMBER),
        (full(9), UpdateFault.NUMBER_BACKWARDS),
        (full(11, this_update=pki.NOW - 2 * HOUR), UpdateFault.TIME_BACKWARDS),
        (full(10, entry(5)), UpdateFault.SAME_NUMBER),
    ],
    ids=range(7),
)
def test_a_list_that_may_not_follow(new, fault):
    """A list never gives way to one that went backwards, or that is about something else."""
    assert fault_of(verify_successor, new, old=full(), at=pki.NOW) is fault


def test_a_list_that_may_follow():
    """A newer list, and the same once more, may take the place."""
    old = full()
    verify_successor(old, old=old, at=pki.NOW)
    verify_successor(full(11, this_update=pki.NOW), old=old, at=pki.NOW)
    verify_successor(full(10, entry(5), this_update=pki.NOW), old=old, at=pki.NOW)
    verify_successor(full(None, entry(5), this_update=pki.NOW), old=full(None), at=pki.NOW)


@pytest.mark.parametrize("new", [full(1, this_update=pki.NOW), full(None, this_update=pki.NOW)])
@pytest.mark.parametrize("old", [full(900), apply_delta(full(900), delta(901, 900)), full(900, more=(USERS,))])
def test_what_has_ended_vouches_for_nothing(old, new):
    """Once a list and its delta have ended, a later one may begin its numbers and its scope anew; not before."""
    end = max(old.next_update, remove_delta(old).next_update)
    verify_successor(new, old=old, at=end)
    if old.scope is None:
        assert fault_of(verify_successor, new, old=old, at=end - HOUR / 60) in {
            UpdateFault.NUMBER_BACKWARDS,
            UpdateFault.NO_NUMBER,
        }
    earlier = full(1000, this_update=old.this_update - 9 * HOUR)
    assert fault_of(verify_successor, earlier, old=old, at=end) is UpdateFault.TIME_BACKWARDS


def test_a_list_for_all_may_follow_one_for_some():
    """A later list for all certificates takes the place of one for some, whatever its number; never the other way."""
    some, everything = full(900, more=(USERS,)), full(1, this_update=pki.NOW)
    verify_successor(everything, old=some, at=pki.NOW)
    narrower = full(2, more=(USERS,), this_update=pki.NOW + HOUR)
    assert fault_of(verify_successor, narrower, old=everything, at=pki.NOW) is UpdateFault.OTHER_SCOPE
    other = full(901, more=(CAS,), this_update=pki.NOW)
    assert fault_of(verify_successor, other, old=some, at=pki.NOW) is UpdateFault.OTHER_SCOPE


def chain_to(ca, leaf, *extra):
    store = TrustStore(anchors=(Anchor(certificate=ca.certificate, purposes=frozenset(Purpose)),))
    return store, build_chain(leaf.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW, extra=extra)


def test_both_signatures_count():
    """A base and a delta are relied on only when the issuer signed both."""
    leaf = CA.issue("signer")
    store, chain = chain_to(CA, leaf)
    forged_by = pki.Entity(key=pki.sm2_key(), certificate=CA.certificate)

    def ask(both):
        return revocation_status(chain, store=store.with_lists([both]), now=pki.NOW, trusted_time=None)

    assert ask(apply_delta(full(), delta())).state is RevocationState.GOOD
    assert ask(apply_delta(full(), delta(12, 10, entry(leaf.certificate.serial)))).state is RevocationState.REVOKED
    assert ask(apply_delta(full(), delta(ca=forged_by))).why is Unavailable.BAD_SIGNATURE
    assert ask(apply_delta(full(ca=forged_by), delta())).why is Unavailable.BAD_SIGNATURE
    assert ask(delta()).why is Unavailable.UNUSABLE


def test_a_list_for_users_says_nothing_about_cas():
    """A list that is complete for subscribers, or for CAs, is used for those and no others."""
    middle = CA.issue_ca("Middle")
    leaf = middle.issue("signer")
    store, chain = chain_to(CA, leaf, middle.certificate)

    def ask(for_middle, for_leaf):
        lists = [full(more=for_middle), full(more=for_leaf, ca=middle)]
        return revocation_status(chain, store=store.with_lists(lists), now=pki.NOW, trusted_time=None)

    assert ask((CAS,), (USERS,)).state is RevocationState.GOOD
    assert ask((USERS,), (USERS,)).why is Unavailable.UNUSABLE
    assert ask((CAS,), (CAS,)).why is Unavailable.UNUSABLE


def point(url):
    return x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)


def test_a_list_of_one_distribution_point():
    """A list of one distribution point speaks for the certificates that name it in full, and no others."""

    def issuing(*, indirect=False, reasons=None, attributes=False):
        url = [x509.UniformResourceIdentifier("http://lists.test/1")]
        found = x509.IssuingDistributionPoint(url, None, False, False, reasons, indirect, attributes)
        return extension("2.5.29.28", found.public_bytes(), critical=True)

    def ask(leaf, idp):
        store, chain = chain_to(CA, leaf)
        return revocation_status(chain, store=store.with_lists([full(more=(idp,))]), now=pki.NOW, trusted_time=None)

    def pointing(*points):
        return CA.issue("signer", more=(extension("2.5.29.31", x509.CRLDistributionPoints(points).public_bytes()),))

    here, elsewhere = pointing(point("http://lists.test/1")), pointing(point("http://lists.test/2"))
    both = pointing(point("http://lists.test/2"), point("http://lists.test/1"))
    name = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere")]))
    url = [x509.UniformResourceIdentifier("http://lists.test/1")]
    by_other = pointing(x509.DistributionPoint(url, None, None, [name]))
    assert ask(here, issuing()).state is ask(both, issuing()).state is RevocationState.GOOD
    for leaf in (elsewhere, by_other, CA.issue("silent")):
        assert ask(leaf, issuing()).why is Unavailable.UNUSABLE
    some = frozenset({x509.ReasonFlags.key_compromise})
    for idp in (issuing(indirect=True), issuing(reasons=some)):
        assert ask(here, idp).why is Unavailable.UNUSABLE
