"""For whom, from when and until when an anchor speaks, and who below a listed CA may make seals."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.chain import build_chain
from keys.errors import ChainError, ChainFault
from keys.name import _library_key, _plain_key
from keys.scope import EVERYTHING, Claim, Scope, ScopeAnswer
from keys.trust import Anchor, KeyAnchor, Purpose, TrustStore
from tests.support import pki
from tests.support.trust_lists import AUTHORITY, DAY, OTHER_TYPE, TYPE

CA = pki.make_root("One CA for all")
MAKER, SUBSCRIBER = CA.issue("Seal Centre"), CA.issue("Some Trading Ltd")
SIGNERS = Anchor(certificate=CA.certificate, purposes=frozenset({Purpose.SIGNER}), is_exhaustive=True)
NAMED = replace(SIGNERS, subject=MAKER.certificate.subject, purposes=frozenset({Purpose.SEAL_MAKER}))
LISTED = replace(SIGNERS, certificate=MAKER.certificate, purposes=frozenset({Purpose.SEAL_MAKER}))
CLAIM = Claim.of(licence_types=[TYPE], authorities=[AUTHORITY])


def build(one, *anchors, purpose=Purpose.SEAL_MAKER, at=pki.NOW, **named):
    return build_chain(one.certificate, store=TrustStore(anchors=anchors), purpose=purpose, at=at, **named)


def fault_of(*arguments, **named):
    with pytest.raises(ChainError) as caught:
        build(*arguments, **named)
    return caught.value.fault


@pytest.mark.parametrize("maker", [NAMED, LISTED])
def test_a_home_made_seal_is_refused(maker):
    """Below a CA that a list knows, only those whom the list names make seals, by certificate or by name."""
    assert build(MAKER, SIGNERS, maker).anchor == maker
    assert fault_of(SUBSCRIBER, SIGNERS, maker) is ChainFault.NOT_AUTHORISED
    assert fault_of(SUBSCRIBER, NAMED) is ChainFault.NOT_AUTHORISED
    assert build(SUBSCRIBER, SIGNERS, maker, purpose=Purpose.SIGNER).anchor == SIGNERS


def test_a_listed_signer_is_no_maker():
    """Whose certificate is listed for signing makes no seals."""
    alone = replace(SIGNERS, certificate=SUBSCRIBER.certificate)
    assert fault_of(SUBSCRIBER, alone) is ChainFault.NOT_AUTHORISED


def test_a_folder_names_nobody_and_so_refuses_nobody():
    """A CA in a folder says what is below it and not that the rest is wrong: unknown, as before."""
    folder = replace(SIGNERS, is_exhaustive=False)
    assert fault_of(SUBSCRIBER, folder) is ChainFault.UNKNOWN_ISSUER
    makers = replace(folder, purposes=frozenset({Purpose.SEAL_MAKER}))
    assert build(SUBSCRIBER, makers, SIGNERS, NAMED).anchor == makers


def test_strangers_stay_unknown():
    """Of a CA that nobody named nothing is known, and nothing of a key that has only the name of a known CA."""
    stranger = pki.make_root("Elsewhere").issue("Seal Centre")
    assert fault_of(stranger, SIGNERS, NAMED) is ChainFault.UNKNOWN_ISSUER
    forged = CA.issue("Seal Centre", signer=pki.sm2_key())
    assert fault_of(forged, SIGNERS, NAMED) is ChainFault.UNKNOWN_ISSUER


def test_a_name_counts_below_that_very_ca():
    """The same name in a certificate by a CA below is another's; a renewed certificate of the CA itself is not."""
    below = CA.issue_ca("Below")
    same_name = below.issue("Seal Centre")
    assert fault_of(same_name, NAMED, extra=(below.certificate,)) is ChainFault.NOT_AUTHORISED
    assert build(CA.issue("Seal Centre"), NAMED).anchor == NAMED
    assert build(CA.issue("x", subject=pki.name("seal  centre")), NAMED)


def test_a_signer_who_is_not_named():
    """Where a list names the signers of a CA, others are refused."""
    one = replace(NAMED, purposes=frozenset({Purpose.SIGNER}))
    assert build(MAKER, one, purpose=Purpose.SIGNER)
    assert fault_of(SUBSCRIBER, one, purpose=Purpose.SIGNER) is ChainFault.NOT_AUTHORISED
    assert fault_of(SUBSCRIBER, NAMED, purpose=Purpose.SIGNER) is ChainFault.UNKNOWN_ISSUER


def test_trust_begins_and_ends():
    """Start belongs to the period and sunset does not, at the moment of signing and at the moment of asking."""
    limited = replace(LISTED, start=pki.NOW, sunset=pki.NOW + DAY)
    second = timedelta(seconds=1)
    assert build(MAKER, limited)
    assert build(MAKER, limited, trusted_at=pki.NOW + DAY - second)
    for at, trusted_at in ((pki.NOW - second, None), (pki.NOW + DAY, None), (pki.NOW, pki.NOW + DAY)):
        assert fault_of(MAKER, limited, at=at, trusted_at=trusted_at) is ChainFault.OUTSIDE_TRUST_PERIOD
    assert build(MAKER, limited, replace(LISTED, start=pki.NOW + DAY), at=pki.NOW + DAY)


def test_the_anchor_that_fits_is_chosen():
    """What several anchors say adds up, in any order."""
    one = replace(LISTED, scope=Scope(licence_types=frozenset({TYPE})))
    other = replace(LISTED, scope=Scope(licence_types=frozenset({OTHER_TYPE})))
    for anchors in ((one, other), (other, one)):
        assert build(MAKER, *anchors, claim=CLAIM).anchor == one
        assert build(MAKER, *anchors).answer(Claim()) is ScopeAnswer.NOT_STATED
        third = Claim.of(licence_types=["ANOTHER"])
        assert build(MAKER, *anchors, claim=third).answer(third) is ScopeAnswer.OUTSIDE
    assert build(MAKER, one, LISTED).answer(Claim()) is ScopeAnswer.WITHIN


def test_every_code_that_is_claimed_must_be_allowed():
    """A document that names two types is outside a scope that holds one of them."""
    scope = Scope(licence_types=frozenset({TYPE}), authorities=frozenset({AUTHORITY}))
    assert scope.answer(CLAIM) is ScopeAnswer.WITHIN
    assert scope.answer(Claim.of(licence_types=[TYPE, OTHER_TYPE], authorities=[AUTHORITY])) is ScopeAnswer.OUTSIDE
    assert scope.answer(Claim.of(licence_types=[TYPE])) is ScopeAnswer.NOT_STATED
    assert scope.answer(Claim.of(licence_types=[f" {TYPE.lower()} "], authorities=[AUTHORITY])) is ScopeAnswer.WITHIN
    assert Claim.of(licence_types=["ı", " ", ""]).licence_types == {"ı"}
    assert EVERYTHING.is_unlimited
    assert not scope.is_unlimited


def test_selection_is_by_exact_purpose_scope_and_time():
    """An anchor outside the claim, of another purpose or of another time is not selected."""
    limited = replace(LISTED, scope=Scope(licence_types=frozenset({OTHER_TYPE})), sunset=pki.NOW + DAY)
    store = TrustStore(anchors=(limited, SIGNERS))
    assert store.select(Purpose.SEAL_MAKER, pki.NOW) == (limited,)
    assert store.select(Purpose.SEAL_MAKER, pki.NOW, claim=CLAIM) == ()
    assert store.select(Purpose.SEAL_MAKER, pki.NOW + DAY) == ()
    assert store.select_named(Purpose.SEAL_MAKER, pki.NOW + DAY, MAKER.certificate.subject) == ()
    key = KeyAnchor(public_key=b"key", purposes=frozenset({Purpose.PARTNER}), sunset=pki.NOW)
    keys = TrustStore(anchors=(), keys=(key,))
    assert keys.select_keys(Purpose.PARTNER, pki.NOW - DAY) == (key,)
    assert keys.select_keys(Purpose.PARTNER, pki.NOW) == keys.select_keys(Purpose.CALLER, pki.NOW - DAY) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"subject": MAKER.certificate.subject},
        {"is_exhaustive": False},
        {"scope": Scope(licence_types=frozenset())},
        {"scope": Scope(authorities=frozenset({AUTHORITY}))},
        {"start": pki.NOW},
        {"sunset": pki.NOW},
        {"region": "370000"},
        {"source": "x"},
    ],
)
def test_the_version_covers_everything(change):
    """Whatever an anchor says is part of the version."""
    assert (
        TrustStore(anchors=(SIGNERS,)).anchors_version
        != TrustStore(anchors=(replace(SIGNERS, **change),)).anchors_version
    )


codes = st.frozensets(st.sampled_from(["A", "B", "C"]), max_size=3)
scopes = st.builds(Scope, licence_types=st.none() | codes, authorities=st.none() | codes)
moments = st.none() | st.integers(-3, 3).map(lambda days: pki.NOW + days * DAY)
entries = st.builds(replace, st.sampled_from([LISTED, NAMED]), scope=scopes, start=moments, sunset=moments)
nothing = st.just(frozenset())
GOOD = {ScopeAnswer.WITHIN: 2, ScopeAnswer.NOT_STATED: 1, ScopeAnswer.OUTSIDE: 0}


@given(
    st.lists(
        st.builds(replace, st.sampled_from([LISTED, NAMED]), scope=scopes, start=moments, sunset=moments), max_size=3
    ),
    st.integers(0, 2),
    st.fixed_dictionaries(
        {}, optional={"scope": scopes, "start": moments, "sunset": moments, "purposes": st.just(frozenset())}
    ),
    st.builds(Claim, licence_types=codes, authorities=codes),
)
def test_a_restriction_never_trusts_more(anchors, place, restriction, claim):
    """With one anchor restricted further, the answer is never better than it was."""

    def trust(*among):
        try:
            return GOOD[build(MAKER, *among, trusted_at=pki.NOW + DAY, claim=claim).answer(claim)]
        except ChainError:
            return -1

    if place >= len(anchors):
        return
    old = anchors[place]
    scope = restriction.get("scope", EVERYTHING)
    narrow = replace(
        old,
        purposes=restriction.get("purposes", old.purposes),
        scope=Scope(
            licence_types=_both(old.scope.licence_types, scope.licence_types),
            authorities=_both(old.scope.authorities, scope.authorities),
        ),
        start=max((one for one in (old.start, restriction.get("start")) if one), default=None),
        sunset=min((one for one in (old.sunset, restriction.get("sunset")) if one), default=None),
    )
    fewer = [*anchors[:place], narrow, *anchors[place + 1 :]]
    assert trust(*fewer) <= trust(*anchors)


def _both(one, other):
    return one & other if one is not None and other is not None else other if one is None else one


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12) | st.from_regex(
    r"[ -~]{0,12}", fullmatch=True
)


@given(words, st.sampled_from([0x0C, 0x13, 0x1E]), st.integers(1, 15))
def test_the_quick_key_of_a_name_is_the_library_s(text, tag, arc):
    """Names that are compared without the library compare as the library would."""
    content = text.encode("utf-16-be" if tag == 0x1E else "utf-8")
    name = pki.sequence(pki.tlv(0x31, pki.sequence(pki.oid(f"2.5.4.{arc}"), pki.tlv(tag, content))), *_country())
    quick = _plain_key(name)
    assert quick is None or quick == _library_key(name)


def _country():
    return (pki.tlv(0x31, pki.sequence(pki.oid("2.5.4.6"), pki.tlv(0x13, b"CN"))),)


def test_a_crowd_brought_along_hides_no_refusal():
    """Twins of the CA that a stranger brings along make no unknown of what the list refuses."""
    crowd = tuple(pki.make_root("One CA for all").certificate for _ in range(40))
    assert fault_of(SUBSCRIBER, SIGNERS, NAMED, extra=crowd) is ChainFault.NOT_AUTHORISED
    assert build(MAKER, SIGNERS, NAMED, extra=crowd).anchor == NAMED


def test_a_ca_may_have_renewed_its_key_often():
    """Forty anchors of one name, none of which says which key it has, are all tried before the search gives up."""
    twins = [pki.make_root("One name") for _ in range(40)]
    anchors = [replace(SIGNERS, certificate=twin.certificate) for twin in twins]
    assert build(twins[-1].issue("S"), *anchors, purpose=Purpose.SIGNER).anchor == anchors[-1]
