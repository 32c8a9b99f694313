"""Chains for one purpose, and revocation as far as it can be known."""

from datetime import datetime, timedelta

import pytest

from gateway.checks.trust import MAKER_CHAIN, SIGNER_CHAIN, ChainWording, check_chain, check_revocation
from gateway.reason import Reason
from gateway.verdict import CheckName, Outcome
from keys.chain import Chain
from keys.revocation_list import parse_revocation_list
from keys.trust import Anchor, Purpose, TrustStore
from tests.support.pki import BEGIN, END, NOW, Entity, entry, make_root, p256_key

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


def revocation(
    *lists: bytes, chains: tuple[Chain | None, ...] | None = None, proven_at: datetime | None = None
) -> tuple[Outcome, Reason | None]:
    check = check_revocation((chain(),) if chains is None else chains, store=store(*lists), at=NOW, proven_at=proven_at)
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
    """A certificate that names an anchor which did not sign it is a forgery, and no unknown issuer."""
    forged = CA.issue("Forged", key=p256_key(), signer=p256_key())
    check, found = check_chain(forged.certificate, NOW, store=store(), wording=wording)
    assert (check.outcome, check.reason, found) == (Outcome.INVALID, wording.refused, None)


def test_nobody_is_trusted_by_an_empty_store() -> None:
    """Without a trust folder every chain is unknown."""
    check, found = check_chain(SIGNER.certificate, NOW, store=TrustStore.empty(), wording=SIGNER_CHAIN)
    assert (check.outcome, found) == (Outcome.UNKNOWN, None)


def test_a_current_list_without_the_certificate_is_good() -> None:
    """The verdict says how old the knowledge is."""
    check = check_revocation((chain(),), store=store(GOOD), at=NOW, proven_at=None)
    assert (check.outcome, check.detail) == (Outcome.VALID, "as of 2026-03-01T11:00:00Z")


def test_a_revoked_certificate_is_named_with_its_moment() -> None:
    """The detail helps an engineer to find the entry, and names no person."""
    check = check_revocation((chain(),), store=store(REVOKED), at=NOW, proven_at=None)
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
def test_without_a_chain_revocation_is_unknown(chains: tuple[Chain | None, ...]) -> None:
    """Where nobody is trusted, nobody's list is."""
    assert revocation(GOOD, chains=chains) == (Outcome.UNKNOWN, Reason.REVOCATION_UNAVAILABLE)


def test_a_missing_chain_is_not_made_up_for_by_another() -> None:
    """A good signer says nothing about a maker whose issuer is unknown."""
    assert revocation(GOOD, chains=(None, chain()))[0] is Outcome.UNKNOWN


def test_a_certificate_trusted_itself_needs_no_list() -> None:
    """Its trust is withdrawn by taking it out of the folder."""
    direct = Chain(certificates=(SIGNER.certificate,), valid_from=BEGIN, valid_to=END)
    check = check_revocation((direct,), store=store(), at=NOW, proven_at=None)
    assert (check.outcome, check.detail) == (Outcome.VALID, "directly trusted")


def test_the_oldest_list_says_how_old_the_knowledge_is() -> None:
    """Of several lists, the verdict names the moment up to which all of them are known."""
    lists = (CA.revocation_list(this_update=NOW - 3 * DAY), OTHER_CA.revocation_list(this_update=NOW - DAY))
    check = check_revocation((chain(), chain(OTHER)), store=store(*lists), at=NOW, proven_at=None)
    assert check.detail == "as of 2026-02-26T12:00:00Z"
