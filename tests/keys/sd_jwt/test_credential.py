"""A licence goes out as a credential, is shown in part, and is verified."""

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from keys.sd_jwt.bounds import MAX_DECOYS, MAX_DEPTH, MAX_DIGESTS
from keys.sd_jwt.compact_form import parse_sd_jwt
from keys.sd_jwt.disclosure import DigestName
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.issuance import CredentialTerms, Disclosable, issue_sd_jwt
from keys.sd_jwt.presentation import present_sd_jwt
from keys.sd_jwt.public_key import encode_jwk, parse_jwk, read_public_key
from keys.sd_jwt.unfolding import OPEN_CLAIMS, unfold
from keys.sd_jwt.verification import IssuerKey
from tests.keys.sd_jwt.credentials import (
    AUDIENCE,
    DAY,
    FIELDS,
    HOLDING,
    ISSUER,
    ISSUING,
    NOW,
    QUESTION,
    TYPE,
    binding,
    issue,
    terms,
    verify,
)

EVERY_KEY = pytest.mark.parametrize("algorithm", KeyAlgorithm)
REGISTERED = {"iss", "vct", "iat", "exp"}


def shown(text: str) -> dict:
    """Return the fields that a presentation shows."""
    return {name: value for name, value in verify(text).claims.items() if name not in REGISTERED}


@EVERY_KEY
@pytest.mark.parametrize("digest", DigestName)
def test_issued_and_verified(algorithm, digest):
    """A credential with all its disclosures says what was issued, for every key and digest."""
    credential = verify(issue(algorithm, digest=digest))
    assert credential.claims["registered_capital"] == 1_000_000
    assert credential.claims["holders"] == [{"name": "张三", "code": "A123"}, {"name": "李四", "code": "B456"}]
    assert (credential.issuer, credential.type_name, credential.expires) == (ISSUER, TYPE, NOW + DAY)
    assert credential.status is None
    assert not credential.is_bound


@EVERY_KEY
def test_presented_with_the_holders_key(algorithm):
    """A presentation for our question, signed with the key that the issuer named, is bound to its holder."""
    presentation = present_sd_jwt(issue(holder=algorithm), disclose=[("holder_name",)], binding=binding(algorithm))
    credential = verify(presentation, question=QUESTION)
    assert credential.is_bound
    assert credential.claims["holder_name"] == "某某有限公司"
    assert "holders" not in credential.claims


def test_nothing_is_shown_but_what_was_chosen():
    """What is not chosen is nowhere in the presentation, and what stands in the open is always there."""
    text = issue()
    assert shown(present_sd_jwt(text, disclose=[])) == {"name": "营业执照"}
    assert shown(present_sd_jwt(text, disclose=[("holder_name",)])) == {
        "name": "营业执照",
        "holder_name": "某某有限公司",
    }


@pytest.mark.parametrize(
    ("disclose", "holders"),
    [
        ([("holders",)], []),
        ([("holders", 1)], [{"name": "李四", "code": "B456"}]),
        ([("holders", 0)], [{"name": "张三"}]),
        ([("holders", 0, "code")], [{"name": "张三", "code": "A123"}]),
        (
            [("holders", 0, "code"), ("holders", 1)],
            [{"name": "张三", "code": "A123"}, {"name": "李四", "code": "B456"}],
        ),
    ],
)
def test_claims_inside_claims(disclose, holders):
    """A claim that is shown brings what is around it and not what is inside it."""
    assert shown(present_sd_jwt(issue(), disclose=disclose))["holders"] == holders


@given(chosen=st.sets(st.sampled_from(sorted(set(FIELDS) - {"name"}))), more=st.sampled_from(sorted(FIELDS)))
@settings(max_examples=20)
def test_showing_more_shows_no_less(chosen, more):
    """One more chosen claim takes nothing away from what is shown."""
    text = issue()
    paths = [(name,) for name in chosen]
    less = shown(present_sd_jwt(text, disclose=paths))
    wider = shown(present_sd_jwt(text, disclose=paths if more == "name" else [*paths, (more,)]))
    assert less.items() <= wider.items()


NAMES = st.text(max_size=5).filter(lambda name: name not in OPEN_CLAIMS | REGISTERED | {"_sd", "_sd_alg", "..."})
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5)


def containers(inner):
    inner = inner | inner.map(lambda value: Disclosable(value=value))
    return st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)


def plain(value):
    """Return a field without the marks."""
    match value:
        case Disclosable():
            return plain(value.value)
        case dict():
            return {name: plain(inner) for name, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case _:
            return value


@given(
    fields=st.dictionaries(NAMES, st.recursive(SCALARS, containers, max_leaves=8), max_size=4),
    digest=st.sampled_from(DigestName),
    decoys=st.integers(0, 5),
    data=st.data(),
)
@settings(max_examples=60)
def test_round_trip(fields, digest, decoys, data):
    """Whatever fields are issued, in the open or not, they are verified as they were."""
    visible = frozenset(data.draw(st.sets(st.sampled_from(sorted(fields)))) if fields else ())
    text = issue_sd_jwt(
        terms(), fields, signer=ISSUING[KeyAlgorithm.ED25519], visible=visible, digest=digest, decoys=decoys
    )
    assert shown(text) == plain(fields)
    sd_jwt = parse_sd_jwt(text)
    places = unfold(sd_jwt.issued.payload, sd_jwt.disclosures).places
    assert shown(present_sd_jwt(text, disclose=list(places))) == plain(fields)


def test_digests_say_nothing():
    """Salts are fresh, digests are sorted, and decoys look like the rest."""
    first, second = (parse_sd_jwt(issue(decoys=7)).issued.payload["_sd"] for _ in range(2))
    assert not set(first) & set(second)
    assert len(first) == 3 + 7
    assert first == sorted(first)
    assert len({len(digest) for digest in first}) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"exp": "1"}, {}),
        ({"cnf": "1"}, {}),
        ({"iat": 1}, {}),
        ({"_sd": "1"}, {}),
        ({"a": {"...": "1"}}, {}),
        ({"_sd_alg": "1"}, {"visible": frozenset({"_sd_alg"})}),
        ({"a": 1.5}, {}),
        ({"a": 2**53}, {}),
        ({"a": b"1"}, {}),
        ({"a": "\ud800"}, {}),
        ({"a": "1"}, {"visible": frozenset({"b"})}),
        ({"a": "1"}, {"decoys": MAX_DECOYS + 1}),
        ({"a": "1"}, {"decoys": -1}),
        ({str(number): "1" for number in range(1_001)}, {}),
        ({"a": "1" * 200_000}, {}),
    ],
)
def test_what_is_not_issued(fields, named):
    """Names of the format and of the terms, odd numbers and too much are our mistake, and are not issued."""
    with pytest.raises(ValueError, match=r"expected|surrogates"):
        issue_sd_jwt(terms(), fields, signer=ISSUING[KeyAlgorithm.P256], **named)


def test_depth():
    """What is just not too deep is issued and read; one level more is not issued."""
    value = "deep"
    for _ in range(MAX_DEPTH - 2):
        value = [Disclosable(value=value)]
    for visible in (frozenset(), frozenset({"a"})):
        assert verify(issue_sd_jwt(terms(), {"a": value}, signer=ISSUING[KeyAlgorithm.P256], visible=visible))
        with pytest.raises(ValueError, match="levels"):
            issue_sd_jwt(terms(), {"a": [value]}, signer=ISSUING[KeyAlgorithm.P256], visible=visible)


@pytest.mark.parametrize(
    "changed",
    [{"issuer": ""}, {"type_name": "x" * 2000}, {"expires": NOW - DAY}, {"not_before": NOW + DAY}],
)
def test_terms_that_contradict(changed):
    """A credential that ends before it begins, or has no issuer, is not made."""
    with pytest.raises(ValueError, match="expected"):
        terms(**changed)


def test_all_terms():
    """The beginning of validity, the holder's key and the place of the status stand in the open."""
    status = {"status_list": {"idx": 7, "uri": "https://status.example.gov.cn/1"}}
    holder = HOLDING[KeyAlgorithm.SM2]
    text = issue_sd_jwt(terms(holder, not_before=NOW, status=status), {}, signer=ISSUING[KeyAlgorithm.SM2])
    credential = verify(text)
    assert credential.status == status
    assert credential.claims["nbf"] == int(NOW.timestamp())
    assert credential.claims["cnf"]["jwk"]["crv"] == "SM2"
    assert isinstance(terms(), CredentialTerms)


@EVERY_KEY
def test_jwk(algorithm):
    """A key as JWK is the same key again, also beside members that say what it is for."""
    key = read_public_key(SoftwareSigner.generate(algorithm).public_key)
    assert parse_jwk({**encode_jwk(key), "kid": "1", "use": "sig"}) == key


@pytest.mark.parametrize(
    "changed",
    [
        {"d": "AA"},
        {"kty": "RSA"},
        {"crv": "secp256k1"},
        {"crv": ["P-256"]},
        {"x": "AA"},
        {"x": 1},
        {"y": "A" * 43},
        {"y": None},
    ],
)
def test_keys_that_are_none(changed):
    """A private half, another curve, and a point off the curve are no key of a holder."""
    jwk = {**encode_jwk(read_public_key(HOLDING[KeyAlgorithm.P256].public_key)), **changed}
    with pytest.raises(SdJwtError) as caught:
        parse_jwk(jwk)
    assert caught.value.fault is SdJwtFault.HOLDER_KEY


@pytest.mark.parametrize("spki", [b"", b"garbage", bytes.fromhex("300a300506032b656e030100")])
def test_public_keys_that_are_none(spki):
    """What is no public key of ours has no algorithm."""
    with pytest.raises(SdJwtError) as caught:
        read_public_key(spki)
    assert caught.value.fault is SdJwtFault.HOLDER_KEY


def test_keys_of_other_algorithms():
    """A key of RSA is no key of a holder."""
    spki = generate_private_key(65537, 2048).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(SdJwtError) as caught:
        read_public_key(spki)
    assert caught.value.fault is SdJwtFault.HOLDER_KEY


def test_too_many_digests():
    """More digests than any licence has are refused before they are looked up."""
    unfold({"_sd": [str(number) for number in range(MAX_DIGESTS)]}, ())
    with pytest.raises(SdJwtError) as caught:
        unfold({"_sd": [str(number) for number in range(MAX_DIGESTS + 1)]}, ())
    assert caught.value.fault is SdJwtFault.TOO_LARGE


def test_a_holder_shows_what_there_is():
    """A path at which nothing can be disclosed, a presentation, and another key are refused."""
    text = issue(holder=KeyAlgorithm.P256)
    for path in (("name",), ("none",), ("holders", 2), ()):
        with pytest.raises(SdJwtError) as caught:
            present_sd_jwt(text, disclose=[path])
        assert caught.value.fault is SdJwtFault.NO_SUCH_CLAIM
    presentation = present_sd_jwt(text, disclose=[], binding=binding(KeyAlgorithm.P256))
    with pytest.raises(SdJwtError) as caught:
        present_sd_jwt(presentation, disclose=[])
    assert caught.value.fault is SdJwtFault.BINDING_UNEXPECTED
    with pytest.raises(SdJwtError) as caught:
        present_sd_jwt(text, disclose=[], binding=binding(KeyAlgorithm.ED25519))
    assert caught.value.fault is SdJwtFault.HOLDER_KEY


def test_nothing_is_shown_by_accident():
    """No repr shows a value of a claim."""
    text = issue(holder=KeyAlgorithm.P256)
    sd_jwt = parse_sd_jwt(text)
    unfolded = unfold(sd_jwt.issued.payload, sd_jwt.disclosures)
    values = (verify(text), sd_jwt, unfolded, FIELDS["holders"][0], binding(KeyAlgorithm.P256), *sd_jwt.disclosures)
    assert not [value for value in values if "张三" in repr(value) or "某某" in repr(value)]
    assert AUDIENCE in repr(binding(KeyAlgorithm.P256))


def test_issuer_keys_have_their_time():
    """A key counts from its first moment to before its last."""
    text, key = issue(), read_public_key(ISSUING[KeyAlgorithm.P256].public_key)
    verify(text, issuers=lambda *_: IssuerKey(key=key, valid_from=NOW, valid_until=NOW + DAY))
    for valid_from, valid_until in ((NOW + DAY, NOW + 2 * DAY), (NOW - DAY, NOW)):
        with pytest.raises(SdJwtError) as caught:
            verify(
                text, issuers=lambda *_, a=valid_from, b=valid_until: IssuerKey(key=key, valid_from=a, valid_until=b)
            )
        assert caught.value.fault is SdJwtFault.UNKNOWN_ISSUER
