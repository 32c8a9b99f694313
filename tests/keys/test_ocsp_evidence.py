"""Evidence of several kinds about one chain: each as strict as alone, together never milder than any of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.chain import build_chain
from keys.ocsp import parse_ocsp_response
from keys.ocsp_answers import OcspAnswer, collect_ocsp_answers
from keys.revocation import RevocationState, Unavailable, parse_revocation_list, revocation_status
from keys.revocation_list import Upkeep
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import ocsp, pki
from tests.support.pki import entry

CA = pki.make_root("Evident CA")
LEAF = CA.issue("signer")
OTHER = CA.issue("another")
DELEGATE = CA.issue("responder", usages=("digital_signature",), more=(ocsp.OCSP_SIGNING,))
BASE = TrustStore(anchors=(Anchor(certificate=CA.certificate, purposes=frozenset(Purpose)),))
CHAIN = build_chain(LEAF.certificate, store=BASE, purpose=Purpose.SIGNER, at=pki.NOW)
ID = ocsp.certificate_id(LEAF, CA)
WHEN = pki.NOW - timedelta(days=3)
HOUR = timedelta(hours=1)


def answer(status=ocsp.GOOD, *, signer=CA, upkeep=None, cert_id=ID, certificates=(), **dates):
    blob = ocsp.answer(ocsp.single(cert_id, status, **dates), signer=signer, certificates=certificates)
    return OcspAnswer(response=parse_ocsp_response(blob), upkeep=upkeep)


def delegated(status=ocsp.GOOD):
    return answer(status, signer=DELEGATE, certificates=(DELEGATE.certificate.encoded,))


def ask(*answers, lists=(), stapled=(), now=pki.NOW, trusted_time=None):
    found = collect_ocsp_answers(CA.certificate, answers)
    evidence = (() if found is None else (found,)) + tuple(lists)
    store = BASE.with_lists(evidence)
    return revocation_status(CHAIN, store=store, now=now, trusted_time=trusted_time, stapled=stapled)


def listed(*entries, **knobs):
    return parse_revocation_list(CA.revocation_list(*entries, **knobs))


def test_an_answer_is_enough():
    """One good answer makes the chain good, as of that answer; one that says revoked makes it revoked."""
    found = ask(answer())
    assert (found.state, found.as_of) == (RevocationState.GOOD, pki.NOW - timedelta(minutes=5))
    found = ask(answer(ocsp.revoked(WHEN)))
    assert (found.state, found.revoked_at) == (RevocationState.REVOKED, WHEN)


def test_a_stapled_answer_counts_as_a_fetched_one():
    """An answer that came along with the document is verified like any other."""
    assert ask(stapled=(answer().response,)).state is RevocationState.GOOD
    assert ask(stapled=(answer(ocsp.revoked(WHEN)).response,)).state is RevocationState.REVOKED
    assert ask(answer(), stapled=(answer(ocsp.revoked(WHEN), this_update=pki.NOW).response,)).revoked_at == WHEN


FORGED = answer(ocsp.revoked(WHEN), signer=replace(CA, key=pki.sm2_key())).response
BAD_STAPLES = [
    (FORGED, Unavailable.BAD_SIGNATURE),
    (answer(signer=OTHER, certificates=(OTHER.certificate.encoded,)).response, Unavailable.UNUSABLE),
    (answer(next_update=pki.NOW).response, Unavailable.STALE),
    (answer(next_update=None).response, Unavailable.STALE),
    (answer(this_update=pki.NOW + HOUR).response, Unavailable.NOT_YET),
]


@pytest.mark.parametrize(("stapled", "why"), BAD_STAPLES)
@pytest.mark.parametrize("evidence", [(), (answer(),), (answer(ocsp.revoked(WHEN)),), (answer(ocsp.UNKNOWN),)])
def test_a_bad_stapled_answer_is_as_none(stapled, why, evidence):
    """With a stapled answer that cannot be relied on everything stays as without it, and what became of it is said."""
    found = ask(*evidence, stapled=(stapled,))
    assert found.stapled == ((stapled.fingerprint, why),)
    assert replace(found, stapled=()) == ask(*evidence)


def test_a_bad_stapled_answer_about_the_anchor_is_as_none():
    """An answer about the anchor itself takes trust away only when it is genuine and says so."""
    above = pki.make_root("Above")
    anchor = above.issue_ca("Anchor below")
    leaf = anchor.issue("signer below")
    anchors = tuple(Anchor(certificate=one.certificate, purposes=frozenset(Purpose)) for one in (anchor, above))
    store = TrustStore(anchors=anchors[:1], intermediates=(above.certificate,)).with_lists(
        (parse_revocation_list(anchor.revocation_list()),)
    )
    chain = build_chain(leaf.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW)
    of_anchor = ocsp.certificate_id(anchor, above)
    stale = answer(cert_id=of_anchor, signer=above, next_update=pki.NOW).response
    revoked = answer(ocsp.revoked(WHEN), cert_id=of_anchor, signer=above).response
    states = [
        revocation_status(chain, store=store, now=pki.NOW, trusted_time=None, stapled=(one,)).state
        for one in (stale, revoked)
    ]
    assert states == [RevocationState.GOOD, RevocationState.REVOKED]


def test_a_stapled_answer_about_others_is_not_named():
    """An answer about another certificate says nothing here, and nothing became of it."""
    other = answer(cert_id=ocsp.certificate_id(OTHER, CA)).response
    assert ask(answer(), stapled=(other,)) == ask(answer())


def test_an_answer_about_several_speaks_as_of_each():
    """How new an answer is, is what it says about this certificate: a newer word about another one lends nothing."""
    both = parse_ocsp_response(
        ocsp.answer(
            ocsp.single(ID, this_update=pki.NOW - 3 * HOUR),
            ocsp.single(ocsp.certificate_id(OTHER, CA), this_update=pki.NOW),
            signer=CA,
        )
    )
    fetched = answer(ocsp.revoked(WHEN), this_update=pki.NOW - HOUR)
    assert ask(fetched, stapled=(both,)).state is RevocationState.REVOKED


def test_a_fetched_answer_about_several_speaks_as_of_each():
    """A newer word about another certificate does not put an older good one before a revocation, fetched or stapled."""
    both = parse_ocsp_response(
        ocsp.answer(
            ocsp.single(ID, this_update=pki.NOW - 3 * HOUR),
            ocsp.single(ocsp.certificate_id(OTHER, CA), this_update=pki.NOW),
            signer=CA,
        )
    )
    revoking = answer(ocsp.revoked(WHEN), this_update=pki.NOW - HOUR)
    for answers in ((OcspAnswer(response=both), revoking), (revoking, OcspAnswer(response=both))):
        assert ask(*answers).state is RevocationState.REVOKED


@pytest.mark.parametrize("stapled", [False, True])
def test_revoked_wins_over_good_of_the_same_moment(stapled):
    """Of two answers of one moment the one that says revoked decides, wherever each came from."""
    mild, strict = answer(), answer(ocsp.revoked(WHEN))
    assert ask(strict, stapled=(mild.response,)).state is RevocationState.REVOKED
    assert ask(mild, stapled=(strict.response,)).state is RevocationState.REVOKED
    assert ask(mild, strict).state is ask(strict, mild).state is RevocationState.REVOKED
    twice = ocsp.answer(ocsp.single(ID), ocsp.single(ID, ocsp.revoked(WHEN)), signer=CA)
    one = parse_ocsp_response(twice)
    found = ask(stapled=(one,)) if stapled else ask(OcspAnswer(response=one))
    assert found.state is RevocationState.REVOKED


def test_revoked_by_any_kind_is_revoked():
    """What one kind of evidence calls revoked is revoked, whatever a newer one of another kind says."""
    revoking = listed(entry(LEAF.certificate.serial, WHEN))
    for found in (
        ask(answer(), lists=[revoking]),
        ask(answer(ocsp.revoked(WHEN)), lists=[listed()]),
        ask(lists=[revoking], stapled=[answer().response]),
    ):
        assert found.state is RevocationState.REVOKED


def test_revoked_after_a_proven_time_is_good():
    """Also with OCSP, only a proven time before the revocation saves a signature."""
    assert ask(answer(ocsp.revoked(WHEN)), trusted_time=WHEN - HOUR).state is RevocationState.GOOD
    assert ask(answer(ocsp.revoked(WHEN)), trusted_time=WHEN).state is RevocationState.REVOKED


def test_the_newer_answer_decides():
    """Of two answers about a certificate, the newer decides; what was on hold is past."""
    older = answer(ocsp.revoked(WHEN, 6), this_update=pki.NOW - 3 * HOUR)
    assert ask(older, answer()).state is RevocationState.GOOD
    assert ask(older, answer(next_update=pki.NOW)).state is RevocationState.REVOKED


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (answer(next_update=pki.NOW), Unavailable.STALE),
        (answer(next_update=None), Unavailable.STALE),
        (answer(this_update=pki.NOW + HOUR), Unavailable.NOT_YET),
        (answer(upkeep=Upkeep(usable_until=pki.NOW)), Unavailable.TOO_OLD),
        (answer(ocsp.UNKNOWN), Unavailable.UNKNOWN_TO_RESPONDER),
        (answer(cert_id=ocsp.certificate_id(OTHER, CA)), Unavailable.NO_LIST),
        (answer(signer=OTHER, certificates=(OTHER.certificate.encoded,)), Unavailable.UNUSABLE),
    ],
)
def test_what_an_answer_cannot_say(one, why):
    """An answer that is late, early, too long unconfirmed, of another or by nobody entitled leaves it open."""
    found = ask(one)
    assert (found.state, found.why) == (RevocationState.UNAVAILABLE, why)
    assert ask(one, lists=[listed()]).state is RevocationState.GOOD


def test_a_revoked_delegate_speaks_no_more():
    """A delegate that a current list names is not believed, neither good nor revoked."""
    revoking = listed(entry(DELEGATE.certificate.serial), entry(LEAF.certificate.serial))
    assert ask(delegated()).state is RevocationState.GOOD
    assert ask(delegated(ocsp.revoked(WHEN)), lists=[listed(entry(DELEGATE.certificate.serial))]).state is (
        RevocationState.GOOD  # by the list
    )
    assert ask(delegated(), lists=[revoking]).state is RevocationState.REVOKED


def test_a_wrong_clock_is_said():
    """Evidence from the future, and a measured difference of the clocks, are in the answer."""
    upkeep = Upkeep(usable_until=pki.NOW + HOUR, skew=-3 * HOUR)
    found = ask(answer(this_update=pki.NOW + 3 * HOUR, upkeep=upkeep))
    assert (found.why, found.ahead, found.skew) == (Unavailable.NOT_YET, 3 * HOUR, -3 * HOUR)
    small = Upkeep(usable_until=pki.NOW + HOUR, skew=timedelta(seconds=59))
    assert ask(answer(next_update=pki.NOW, upkeep=small)).skew is None


def test_tolerance_ends_a_list_before_its_next_update():
    """A list whose source was silent for longer than is tolerated is not used; the tolerance never prolongs it."""
    kept = replace(listed(), upkeep=Upkeep(usable_until=pki.NOW + HOUR))
    assert ask(lists=[kept]).state is RevocationState.GOOD
    assert ask(lists=[kept], now=pki.NOW + HOUR).why is Unavailable.TOO_OLD
    late = replace(listed(), upkeep=Upkeep(usable_until=pki.NOW + timedelta(days=9)))
    assert ask(lists=[late], now=pki.NOW + timedelta(days=1)).why is Unavailable.STALE


def test_the_store_has_another_version_with_other_answers():
    """Answers are part of the version of the store, as lists are."""
    versions = {
        BASE.with_lists(found).version
        for found in ((), (collect_ocsp_answers(CA.certificate, [answer()]),), (listed(),))
    }
    assert len(versions) == 3


def test_the_store_has_another_version_with_answers_of_another_issuer():
    """The same answers, put at hand for another issuer, make another version, since they answer another question."""
    other, one = pki.make_root("Other CA"), answer()
    versions = {BASE.with_lists((collect_ocsp_answers(each.certificate, [one]),)).version for each in (CA, other)}
    assert len(versions) == 2


def test_until_when_an_answer_holds():
    """The status says when it may change: at the end of what was relied on, or when evidence from the future begins."""
    kept = replace(listed(), upkeep=Upkeep(usable_until=pki.NOW + 3 * HOUR))
    assert ask(lists=[kept]).ends_at == pki.NOW + 3 * HOUR
    assert ask(answer(), lists=[listed()]).ends_at == pki.NOW + 12 * HOUR
    assert ask(answer(ocsp.revoked(WHEN))).ends_at == pki.NOW + 12 * HOUR
    soon = listed(entry(LEAF.certificate.serial), this_update=pki.NOW + HOUR)
    assert ask(lists=[listed(), soon]).ends_at == pki.NOW + HOUR
    assert ask().ends_at is None


DAY = timedelta(days=1)
OVER = Upkeep(usable_until=pki.NOW, skew=None)
WARNED = {"this_update": pki.NOW - 2 * DAY, "next_update": pki.NOW + DAY}
TOLD = [  # "revoked", two days old, and its time over: past the tolerance, or past its next update
    {"answers": (answer(ocsp.revoked(WHEN), upkeep=OVER, **WARNED),)},
    {"answers": (answer(ocsp.revoked(WHEN), this_update=pki.NOW - 2 * DAY, next_update=pki.NOW),)},
    {"lists": (replace(listed(entry(LEAF.certificate.serial), **WARNED), upkeep=OVER),)},
    {"lists": (listed(entry(LEAF.certificate.serial), this_update=pki.NOW - 2 * DAY, next_update=pki.NOW),)},
]


@pytest.mark.parametrize("told", TOLD)
def test_an_older_good_does_not_undo_a_revocation(told):
    """What was revoked when its source was last heard is not good by anything older, stapled or kept."""
    older = {"this_update": pki.NOW - 3 * DAY, "next_update": pki.NOW + DAY}
    answers, lists = told.get("answers", ()), told.get("lists", ())
    without = ask(*answers, lists=lists)
    assert without.state is RevocationState.UNAVAILABLE
    found = ask(*answers, lists=lists, stapled=(answer(**older).response,))
    assert replace(found, stapled=()) == without
    for more, listing in (((answer(**older),), ()), ((), (listed(**older),))):
        assert ask(*answers, *more, lists=(*lists, *listing)).why is without.why
    newer = {"this_update": pki.NOW - DAY, "next_update": pki.NOW + DAY}
    for more, listing in (((answer(**newer),), ()), ((), (listed(**newer),))):
        assert ask(*answers, *more, lists=(*lists, *listing)).state is RevocationState.GOOD


def test_only_a_genuine_revocation_casts_doubt():
    """What nobody entitled signed, and what says "good", casts none when its time is over."""
    older = answer(this_update=pki.NOW - 3 * DAY, next_update=pki.NOW + DAY)
    forger = replace(CA, key=pki.sm2_key())
    forged = parse_revocation_list(forger.revocation_list(entry(LEAF.certificate.serial), **WARNED))
    for lists in ((replace(forged, upkeep=OVER),), (replace(listed(**WARNED), upkeep=OVER),)):
        assert ask(older, lists=lists).state is RevocationState.GOOD
    for status, signer in ((ocsp.revoked(WHEN), forger), (ocsp.GOOD, CA)):
        assert ask(older, answer(status, signer=signer, upkeep=OVER, **WARNED)).state is RevocationState.GOOD


def test_a_stapled_answer_that_does_not_know_casts_doubt():
    """Behind a newer stapled answer that cannot say, an older "good" is not believed."""
    old = answer(this_update=pki.NOW - HOUR)
    assert ask(old).state is RevocationState.GOOD
    assert ask(old, stapled=(answer(ocsp.UNKNOWN).response,)).why is Unavailable.UNKNOWN_TO_RESPONDER
