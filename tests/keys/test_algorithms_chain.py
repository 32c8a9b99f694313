"""Paths end with their algorithms: half-open, at the proven time or the present, and never for more than before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.algorithms import DEFAULT_ALGORITHMS, NO_END, AlgorithmSunsets
from keys.chain import Chain, build_chain
from keys.errors import ChainError, ChainFault
from keys.trust import Anchor, KeyAnchor, Purpose, TrustStore
from keys.trust_forecast import Turn, forecast
from tests.support import pki
from tests.support.algorithms import ending

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
ROOT = pki.make_root(key=pki.rsa_key())  # the anchor; its own signature, by RSA with SHA-256, counts for nothing
MIDDLE = ROOT.issue_ca("Issuing CA", key=pki.p256_key())
LEAF = MIDDLE.issue("signer", key=pki.sm2_key())
DIRECT = ROOT.issue("signer of the root", key=pki.sm2_key())
END = pki.NOW + 100 * DAY
EVERYTHING = frozenset(Purpose)


def store(algorithms: AlgorithmSunsets, *anchors: pki.Entity) -> TrustStore:
    trusted = tuple(Anchor(certificate=one.certificate, purposes=EVERYTHING) for one in anchors or (ROOT,))
    return TrustStore(anchors=trusted, algorithms=algorithms)


def build(algorithms: AlgorithmSunsets, *anchors: pki.Entity, leaf: pki.Entity = LEAF, at=pki.NOW, **named) -> Chain:
    return build_chain(
        leaf.certificate,
        store=store(algorithms, *anchors),
        purpose=Purpose.SIGNER,
        at=at,
        extra=(MIDDLE.certificate,),
        **named,
    )


def fault_of(*arguments, **named) -> ChainFault:
    with pytest.raises(ChainError) as caught:
        build(*arguments, **named)
    return caught.value.fault


@pytest.mark.parametrize("ended", ["rsa_2048", "p_256", "SHA256"])
def test_a_path_ends_with_the_first_of_its_algorithms(ended):
    """The key of each issuer and the digest of each signature below the anchor count until their end, to the second."""
    algorithms = ending(**{ended: END})
    chain = build(algorithms)
    assert (chain.valid_to, chain.algorithms_until) == (END, END)
    assert build(algorithms, at=END - SECOND) == chain
    assert fault_of(algorithms, at=END) is ChainFault.ALGORITHM_SUNSET


def test_the_period_of_an_issuer_may_end_first():
    """The path ends with whatever ends first."""
    late = pki.END + 100 * DAY
    chain = build(ending(p_256=late, rsa_2048=None))
    assert (chain.valid_to, chain.algorithms_until) == (pki.END + SECOND, late)


def test_the_shipped_end_of_rsa_with_2048_bits():
    """A path below a key of 2048 bits ends with 2030, whatever the certificates say."""
    assert build(DEFAULT_ALGORITHMS).valid_to == datetime(2031, 1, 1, tzinfo=UTC)
    assert fault_of(DEFAULT_ALGORITHMS, at=datetime(2031, 1, 1, tzinfo=UTC)) is ChainFault.ALGORITHM_SUNSET


@pytest.mark.parametrize("ended", ["sm2", "SM3"])
def test_the_key_of_the_leaf_is_not_of_the_path(ended):
    """What the leaf signs is judged with what it signed."""
    assert build(ending(**{ended: pki.BEGIN})).valid_to == build(DEFAULT_ALGORITHMS).valid_to


def test_the_signature_on_an_anchor_is_not_of_the_path():
    """An anchor is trusted because somebody says so, and not because of who signed it."""
    chain = build(ending(rsa_2048=pki.BEGIN), MIDDLE)
    assert (chain.certificates[-1], chain.algorithms_until) == (MIDDLE.certificate, NO_END)
    alone = build(AlgorithmSunsets(), LEAF)
    assert (len(alone.certificates), alone.algorithms_until) == (1, NO_END)


def test_a_claimed_time_before_the_end_proves_nothing():
    """Who can forge what has ended can date it back; the proven time or the present has to be before the end, too."""
    algorithms = ending(p_256=pki.NOW)
    past = pki.NOW - 10 * DAY
    assert fault_of(algorithms, at=past, trusted_at=pki.NOW) is ChainFault.ALGORITHM_SUNSET
    assert build(algorithms, at=past, trusted_at=pki.NOW - SECOND).algorithms_until == pki.NOW
    assert fault_of(algorithms, at=pki.NOW, trusted_at=past) is ChainFault.ALGORITHM_SUNSET


def test_an_issuer_outside_its_period_stays_outside():
    """An end of an algorithm takes the place of no worse fault."""
    ended = ending(p_256=pki.BEGIN - 10 * DAY)
    assert fault_of(ended, at=pki.END + SECOND) is ChainFault.EXPIRED_ISSUER
    assert fault_of(ended, at=pki.BEGIN - DAY) is ChainFault.NOT_YET_VALID_ISSUER
    assert fault_of(ended) is ChainFault.ALGORITHM_SUNSET


def test_a_path_that_has_not_ended_is_taken_where_another_has():
    """Of two ways to trusted ones, the one whose algorithms count is enough."""
    assert fault_of(ending(rsa_2048=pki.NOW)) is ChainFault.ALGORITHM_SUNSET
    assert build(ending(rsa_2048=pki.NOW), ROOT, MIDDLE).certificates[-1] == MIDDLE.certificate


def test_what_is_remembered_of_a_path_is_of_one_ending():
    """Another table is another version of trust, and gives another answer about the same certificates."""
    for _ in range(2):
        assert build(ending(p_256=END)).valid_to == END
        assert build(ending(p_256=END + DAY)).valid_to == END + DAY
    one, other = store(ending(p_256=END)), store(ending(p_256=END + DAY))
    assert one.anchors_version != other.anchors_version
    assert one.version != other.version


ends = st.one_of(st.none(), st.integers(-20, 20).map(lambda days: pki.NOW + days * DAY))
offsets = st.integers(-25, 25).map(lambda days: pki.NOW + days * DAY)


@given(
    before=st.fixed_dictionaries({"rsa_2048": ends, "p_256": ends, "SHA256": ends}),
    sooner=st.sampled_from(["rsa_2048", "p_256", "SHA256"]),
    by=st.integers(0, 30),
    at=offsets,
    trusted_at=st.one_of(st.none(), offsets),
    leaf=st.sampled_from([LEAF, DIRECT]),
    anchors=st.sampled_from([(ROOT,), (MIDDLE,), (ROOT, MIDDLE)]),
)
def test_an_earlier_end_never_trusts_more(*, before, sooner, by, at, trusted_at, leaf, anchors):
    """What is trusted under a table is trusted under every table that ends later."""
    after = before | {sooner: (before[sooner] or pki.NOW) - by * DAY}

    def tried(which):
        try:
            return build(ending(**which), *anchors, leaf=leaf, at=at, trusted_at=trusted_at)
        except ChainError:
            return None

    assert tried(after) is None or tried(before) is not None


def test_forecast_says_when_the_keys_of_those_who_are_trusted_end():
    """Anchors and bare keys whose algorithm ends are named with the moment; those without an end are not."""
    key = KeyAnchor(public_key=pki.rsa_key().spki, purposes=frozenset({Purpose.CALLER}))
    trust = replace(store(ending(rsa_2048=END, p_256=END + DAY), ROOT, MIDDLE, LEAF), keys=(key,))
    found = [event for event in forecast(trust, pki.NOW, 101 * DAY) if event.turn is Turn.ALGORITHM_SUNSET]
    assert {(event.at, event.grant) for event in found} == {(END, trust.anchors[0]), (END, key)}
    assert all(event.sentence.endswith(".") and event.sentence_zh.endswith("。") for event in found)
    assert forecast(trust, pki.NOW, 100 * DAY) == ()
