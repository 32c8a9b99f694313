"""Chains for one purpose, and revocation as far as it can be known."""

from datetime import datetime, timedelta

import pytest

from gateway.checks.signed_part import read_companions
from gateway.checks.trust import MAKER_CHAIN, SIGNER_CHAIN, ChainInUse, ChainWording, check_chain, check_revocation
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from keys.chain import MAX_EXTRA, Chain
from keys.revocation_list import parse_revocation_list
from keys.trust import Anchor, Purpose, TrustStore
from tests.support.pki import BEGIN, END, NOW, Entity, entry, extension, make_root, p256_key, rsa_key, tlv

DAY = timedelta(days=1)
ROOT = make_root(key=p256_key())
CA = ROOT.issue_ca("CA", key=p256_key())
SIGNER = CA.issue("Signer", key=p256_key())
OTHER_CA = ROOT.issue_ca("Other CA", key=p256_key())
OTHER = OTHER_CA.issue("Other", key=p256_key())
REVOKED_AT = NOW - 30 * DAY
WORDINGS = pytest.mark.parametrize("wording", [SIGNER_CHAIN, MAKER_CHAIN], ids=["signer", "maker"])


def store(*lists: bytes, purposes: frozenset[Purpose] = frozenset(Purpose), anchor: Entity = CA) -> TrustStore:
    """Trust the CA (and the other one) for the purposes."""
    return TrustStore(
        anchors=tuple(Anchor(certificate=one.certificate, purposes=purposes) for one in (anchor, OTHER_CA)),
        revocation_lists=tuple(map(parse_revocation_list, lists)),
    )


def chain(of: Entity = SIGNER) -> Chain:
    _, found = check_chain(of.certificate, NOW, store=store(), wording=SIGNER_CHAIN)
    assert found is not None
    return found


def used(*chains: Chain | None) -> list[ChainInUse]:
    return [ChainInUse(chain=one, proven_at=None) for one in chains]


def revocation(
    *lists: bytes, chains: tuple[Chain | None, ...] | None = None, proven_at: datetime | None = None
) -> tuple[Outcome, Reason | None]:
    uses = [ChainInUse(chain=one, proven_at=proven_at) for one in ((chain(),) if chains is None else chains)]
    check = check_revocation(uses, store=store(*lists), at=NOW)
    assert check is not None
    assert check.check is CheckName.REVOCATION
    return check.outcome, check.reason


GOOD = CA.revocation_list()
REVOKED = CA.revocation_list(entry(SIGNER.certificate.serial, REVOKED_AT))


@WORDINGS
def test_a_chain_to_an_anchor_for_the_purpose_is_valid(wording: ChainWording) -> None:
    """An anchor that serves the purpose ends the search."""
    purposes = frozenset({wording.purpose})
    check, found = check_chain(SIGNER.certificate, NOW, store=store(purposes=purposes), wording=wording)
    assert (check.check, check.outcome, check.reason) == (wording.check, Outcome.VALID, None)
    assert found is not None


@WORDINGS
def test_an_anchor_for_other_purposes_is_none(wording: ChainWording) -> None:
    """Whoever is trusted for everything else is still unknown for this, which is not the same as forged."""
    purposes = frozenset(Purpose) - {wording.purpose}
    check, found = check_chain(SIGNER.certificate, NOW, store=store(purposes=purposes), wording=wording)
    assert (check.outcome, check.reason, found) == (Outcome.UNKNOWN, wording.unknown_issuer, None)


@WORDINGS
@pytest.mark.parametrize("at", [BEGIN - timedelta(seconds=1), END + timedelta(seconds=1)])
def test_an_issuer_outside_its_period_issued_nothing(wording: ChainWording, at: datetime) -> None:
    """The issuers have to be valid at the moment that matters."""
    check, found = check_chain(SIGNER.certificate, at, store=store(), wording=wording)
    assert (check.outcome, check.reason, found) == (Outcome.INVALID, wording.expired_issuer, None)


@WORDINGS
def test_a_forged_certificate_is_refused(wording: ChainWording) -> None:
    """A certificate that names the key of an anchor which did not sign it is a forgery, and no unknown issuer."""
    named = make_root("Named CA", key=p256_key(), subject_key_id=b"key")
    forged = named.issue("Forged", key=p256_key(), signer=p256_key(), authority_key_id=b"key")
    anchor = Anchor(certificate=named.certificate, purposes=frozenset(Purpose))
    check, found = check_chain(forged.certificate, NOW, store=TrustStore(anchors=(anchor,)), wording=wording)
    assert (check.outcome, check.reason, found) == (Outcome.INVALID, wording.refused, None)


@WORDINGS
def test_a_certificate_that_cannot_be_compared_is_unknown(wording: ChainWording) -> None:
    """An algorithm that we do not have is no proof of forgery."""
    weak = make_root("SHA-1 CA", key=rsa_key(algorithm="1.2.840.113549.1.1.5"))
    anchor = Anchor(certificate=weak.certificate, purposes=frozenset(Purpose))
    trusting = TrustStore(anchors=(anchor,))
    signer = weak.issue("Signer", key=p256_key())
    check, found = check_chain(signer.certificate, NOW, store=trusting, wording=wording)
    assert (check.outcome, check.reason, found) == (Outcome.UNKNOWN, wording.refused, None)


def test_nobody_is_trusted_by_an_empty_store() -> None:
    """Without a trust folder every chain is unknown."""
    check, found = check_chain(SIGNER.certificate, NOW, store=TrustStore.empty(), wording=SIGNER_CHAIN)
    assert (check.outcome, found) == (Outcome.UNKNOWN, None)


def test_a_current_list_without_the_certificate_is_good() -> None:
    """The verdict says how old the knowledge is."""
    check = check_revocation(used(chain()), store=store(GOOD), at=NOW)
    assert check is not None
    assert (check.outcome, check.detail) == (Outcome.VALID, "as of 2026-03-01T11:00:00Z")


def test_a_revoked_certificate_is_named_with_its_moment() -> None:
    """The detail helps an engineer to find the entry, and names no person."""
    check = check_revocation(used(chain()), store=store(REVOKED), at=NOW)
    assert check is not None
    assert (check.outcome, check.reason) == (Outcome.INVALID, Reason.REVOCATION_REVOKED)
    assert check.detail == f"serial {SIGNER.certificate.serial:X}, revoked at 2026-01-30T12:00:00Z"


@pytest.mark.parametrize(
    ("proven_at", "outcome"),
    [
        (None, Outcome.INVALID),
        (REVOKED_AT + DAY, Outcome.INVALID),
        (REVOKED_AT, Outcome.INVALID),
        (REVOKED_AT - DAY, Outcome.VALID),
    ],
)
def test_only_a_proven_earlier_time_outlives_a_revocation(proven_at: datetime | None, outcome: Outcome) -> None:
    """A signature that is proven to be older than the revocation stays good; at the same moment it does not."""
    assert revocation(REVOKED, proven_at=proven_at)[0] is outcome


@pytest.mark.parametrize(
    "lists",
    [
        (),
        (CA.revocation_list(next_update=NOW),),
        (CA.revocation_list(this_update=NOW + DAY),),
        (OTHER_CA.revocation_list(),),
        (CA.revocation_list(next_update=None),),
        (Entity(key=OTHER.key, certificate=CA.certificate).revocation_list(),),
    ],
    ids=["none", "stale", "from the future", "of another CA", "endless", "signed by another key"],
)
def test_without_a_list_to_rely_on_revocation_is_unknown(lists: tuple[bytes, ...]) -> None:
    """What is missing, stale or not verifiable never makes a certificate good."""
    assert revocation(*lists) == (Outcome.UNKNOWN, Reason.REVOCATION_UNAVAILABLE)


def test_revoked_wins_over_unavailable() -> None:
    """A revoked signer decides, although nothing is known of the maker."""
    assert revocation(REVOKED, chains=(chain(OTHER), chain())) == (Outcome.INVALID, Reason.REVOCATION_REVOKED)


def test_unavailable_wins_over_good() -> None:
    """One of two certificates that cannot be looked up leaves the answer open."""
    assert revocation(GOOD, chains=(chain(OTHER), chain())) == (Outcome.UNKNOWN, Reason.REVOCATION_UNAVAILABLE)


@pytest.mark.parametrize("chains", [(None,), (), (None, None)])
def test_without_a_chain_there_is_nothing_to_look_up(chains: tuple[Chain | None, ...]) -> None:
    """Where nobody is trusted nobody's list is: the check does not apply, and "try again" would be bad advice."""
    assert check_revocation(used(*chains), store=store(GOOD), at=NOW) is None


def test_a_chain_beside_a_missing_one_is_looked_up() -> None:
    """That one issuer is unknown is said by the check of its chain; the other certificate is judged by its list."""
    assert revocation(GOOD, chains=(None, chain())) == (Outcome.VALID, None)
    assert revocation(REVOKED, chains=(None, chain())) == (Outcome.INVALID, Reason.REVOCATION_REVOKED)
    assert revocation(chains=(None, chain())) == (Outcome.UNKNOWN, Reason.REVOCATION_UNAVAILABLE)


def test_a_certificate_trusted_itself_needs_no_list() -> None:
    """Its trust is withdrawn by taking it out of the folder."""
    direct = Chain(certificates=(SIGNER.certificate,), valid_from=BEGIN, valid_to=END)
    check = check_revocation(used(direct), store=store(), at=NOW)
    assert check is not None
    assert (check.outcome, check.detail) == (Outcome.VALID, "directly trusted")


def test_the_oldest_list_says_how_old_the_knowledge_is() -> None:
    """Of several lists, the verdict names the moment up to which all of them are known."""
    lists = (CA.revocation_list(this_update=NOW - 3 * DAY), OTHER_CA.revocation_list(this_update=NOW - DAY))
    check = check_revocation(used(chain(), chain(OTHER)), store=store(*lists), at=NOW)
    assert check is not None
    assert check.detail == "as of 2026-02-26T12:00:00Z"
    assert check.as_of == NOW - 3 * DAY


def test_since_when_the_key_was_in_other_hands_is_said() -> None:
    """The detail names the moment that counts besides that of the revocation."""
    since = extension("2.5.29.24", tlv(0x18, b"20250101000000Z"))
    revoked = CA.revocation_list(entry(SIGNER.certificate.serial, REVOKED_AT, since))
    uses = [ChainInUse(chain=chain(), proven_at=REVOKED_AT - 100 * DAY)]
    check = check_revocation(uses, store=store(revoked), at=NOW)
    assert check is not None
    assert (check.outcome, check.reason) == (Outcome.INVALID, Reason.REVOCATION_REVOKED)
    assert "key in other hands since 2025-01-01T00:00:00Z" in (check.detail or "")


def test_what_expired_before_the_list_is_not_known() -> None:
    """The detail says why a current list is no answer."""
    ended = CA.issue("Ended", key=p256_key(), not_after=NOW - DAY)
    check = check_revocation(used(chain(ended)), store=store(GOOD), at=NOW)
    assert check is not None
    assert (check.outcome, check.reason) == (Outcome.UNKNOWN, Reason.REVOCATION_UNAVAILABLE)
    assert "expired-before-list" in (check.detail or "")


def test_companions_are_read_leniently_and_bounded() -> None:
    """What is no certificate, or the leaf itself, is left out, and so is what no honest document brings."""
    leaf = SIGNER.certificate
    assert read_companions((b"no", leaf.encoded, CA.certificate.encoded), leaf) == (CA.certificate,)
    assert read_companions([b"no"] * MAX_EXTRA + [CA.certificate.encoded], leaf) == ()
