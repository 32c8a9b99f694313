"""Whom a verification asked about, and what was known of them: what a verdict rests on, and nothing else."""

from datetime import timedelta

from keys.chain import build_chain
from keys.ocsp import parse_ocsp_response
from keys.ocsp_answers import OcspAnswer, collect_ocsp_answers
from keys.revocation import RevocationState, parse_revocation_list, revocation_status
from keys.trust import Anchor, Purpose, TrustStore
from keys.trust_noting import NotingStore
from tests.support import ocsp, pki
from tests.support.pki import entry

ROOT = pki.make_root("Noted root")
NAME = pki.name("Noted CA")
OLD, NEW = ROOT.issue_ca("x", subject=NAME), ROOT.issue_ca("x", subject=NAME)
LEAF, BESIDE = OLD.issue("signer"), OLD.issue("somebody else")
BASE = TrustStore(
    anchors=(Anchor(certificate=ROOT.certificate, purposes=frozenset({Purpose.SIGNER})),),
    intermediates=(OLD.certificate, NEW.certificate),
)
ROOT_LIST = parse_revocation_list(ROOT.revocation_list())
NEW_LIST = parse_revocation_list(NEW.revocation_list())
LATER = parse_revocation_list(NEW.revocation_list(this_update=pki.NOW))


def named(*entities: pki.Entity) -> frozenset[tuple[bytes, int]]:
    return frozenset((one.certificate.issuer, one.certificate.serial) for one in entities)


def answers(*leaves: pki.Entity, **dates) -> OcspAnswer:
    singles = [ocsp.single(ocsp.certificate_id(leaf, OLD), ocsp.GOOD, **dates) for leaf in leaves]
    return OcspAnswer(response=parse_ocsp_response(ocsp.answer(*singles, signer=OLD)))


def test_everybody_is_noted_who_was_asked_about():
    """The whole chain is noted, and whoever signs lists for the CA of the signer, so that nothing is forgotten."""
    noting = NotingStore.of(BASE.with_lists([ROOT_LIST, NEW_LIST]))
    chain = build_chain(LEAF.certificate, store=noting, purpose=Purpose.SIGNER, at=pki.NOW)
    assert noting.consulted == frozenset()
    status = revocation_status(chain, store=noting, now=pki.NOW, trusted_time=None)
    assert status.state is RevocationState.GOOD
    assert noting.consulted == named(LEAF, OLD, NEW)
    assert NotingStore.of(noting).consulted == frozenset()


def test_it_is_the_same_store():
    """Noting changes no answer, works nothing out anew, and leaves the store that it was made of as it was."""
    store = BASE.with_lists([ROOT_LIST, NEW_LIST])
    noting = NotingStore.of(store)
    assert (noting.version, noting.anchors, noting.revocation_lists) == (
        store.version,
        store.anchors,
        store.revocation_lists,
    )
    assert noting.anchors_by_name is store.anchors_by_name
    assert noting.consult(LEAF.certificate) == store.consult(LEAF.certificate) == (NEW_LIST,)
    assert not hasattr(store, "consulted")


def test_the_evidence_about_some_is_not_that_about_others():
    """A list of an issuer changes the digest of whoever it issued, and of nobody else; order changes nothing."""
    store = BASE.with_lists([ROOT_LIST, NEW_LIST])
    leaf, ca = named(LEAF), named(OLD)
    other = BASE.with_lists([LATER, ROOT_LIST])
    assert store.evidence_of(leaf) != other.evidence_of(leaf)
    assert store.evidence_of(ca) == other.evidence_of(ca)
    assert store.evidence_of(leaf | ca) == BASE.with_lists([NEW_LIST, ROOT_LIST]).evidence_of(ca | leaf)
    both = BASE.with_lists([LATER, NEW_LIST, ROOT_LIST])
    assert len({one.evidence_of(leaf) for one in (store, other, both, BASE)}) == 4


def test_what_the_site_says_about_evidence_counts_for_all():
    """Who keeps what has expired, and how old a stapled answer may be, is part of every digest."""
    store = BASE.with_lists([NEW_LIST])
    bounded = store.with_lists(store.revocation_lists, stapled_within={b"key": timedelta(hours=1)})
    assert store.evidence_of(named(LEAF)) != bounded.evidence_of(named(LEAF))


def test_answers_about_others_come_and_go():
    """Of OCSP answers those count that mention the certificate; an answer about somebody else changes nothing."""

    def digest(*some: OcspAnswer, about: pki.Entity = LEAF) -> bytes:
        found = collect_ocsp_answers(OLD.certificate, some)
        assert found is not None
        return BASE.with_lists([found]).evidence_of(named(about))

    one, two = answers(LEAF), answers(BESIDE)
    assert digest(one) == digest(one, two) == digest(two, one)
    assert digest(one) != digest(answers(LEAF, this_update=pki.NOW))
    assert digest(one) != digest(one, answers(LEAF, BESIDE))
    assert digest(two, about=BESIDE) != digest(one, two, answers(LEAF, BESIDE), about=BESIDE)


def test_a_revocation_is_other_evidence():
    """A list that names the certificate is another one than a list that does not."""
    revoking = parse_revocation_list(NEW.revocation_list(entry(LEAF.certificate.serial)))
    digests = {BASE.with_lists([one]).evidence_of(named(LEAF)) for one in (NEW_LIST, revoking)}
    assert len(digests) == 2


def test_few_digests_are_remembered(monkeypatch):
    """However many are asked about, memory is bounded."""
    monkeypatch.setattr("keys.trust._REMEMBERED", 4)
    store = BASE.with_lists([NEW_LIST])
    for serial in range(20):
        store.evidence_of(frozenset({(NAME, serial)}))
    assert len(store._evidence_of) <= 4
