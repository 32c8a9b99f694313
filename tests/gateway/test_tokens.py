"""Signing in with a token: who gets in, and that nothing else does."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.callers import Caller, CallerId, CallerRegistry, KeyId, TokenAlgorithm
from gateway.tokens import MAX_TOKEN_CHARACTERS, SignInError, SignInFailure, authenticate, encode_token
from tests.support.callers import AUDIENCE, NOW, Party, encode_part, encode_pem, make_key, make_party, moments_before

PARTIES = {algorithm: make_party(algorithm) for algorithm in TokenAlgorithm}
PARTY = PARTIES[TokenAlgorithm.EDDSA]


def sign_in(token: str, *parties: Party) -> Caller:
    registry = CallerRegistry(party.caller for party in parties or (PARTY,))
    return authenticate(token, callers=registry, audience=AUDIENCE, at=NOW).caller


def failure_of(token: str, *parties: Party) -> SignInFailure:
    with pytest.raises(SignInError) as caught:
        sign_in(token, *parties)
    return caught.value.failure


@pytest.mark.parametrize("algorithm", TokenAlgorithm)
def test_good_token(algorithm: TokenAlgorithm) -> None:
    """A token signed with the registered key of any of the three algorithms names its caller."""
    party = PARTIES[algorithm]
    assert sign_in(party.token(), party) is party.caller


@pytest.mark.parametrize("algorithm", TokenAlgorithm)
def test_another_key(algorithm: TokenAlgorithm) -> None:
    """A token signed with any other key of the same algorithm is refused."""
    token = PARTIES[algorithm].token(private_key=make_key(algorithm))
    assert failure_of(token, PARTIES[algorithm]) is SignInFailure.SIGNATURE


@pytest.mark.parametrize("algorithm", TokenAlgorithm)
def test_changed_claims(algorithm: TokenAlgorithm) -> None:
    """Claims that were changed after signing are refused, whatever they say."""
    party = PARTIES[algorithm]
    header, _, signature = party.token().split(".")
    changed = encode_part(party.claims(jti="another"))
    assert failure_of(f"{header}.{changed}.{signature}", party) is SignInFailure.SIGNATURE


@pytest.mark.parametrize("algorithm", TokenAlgorithm)
@pytest.mark.parametrize("claimed", ["none", "None", "HS256", "RS256", "ES384", "eddsa", "", *TokenAlgorithm])
def test_only_the_registered_algorithm(algorithm: TokenAlgorithm, claimed: str) -> None:
    """A header that names any algorithm but the registered one is refused before the signature is looked at."""
    if claimed == algorithm:
        return
    party = PARTIES[algorithm]
    _, claims, signature = party.token().split(".")
    token = f"{encode_part(party.header(alg=claimed))}.{claims}.{signature}"
    assert failure_of(token, party) is SignInFailure.ALGORITHM


def test_public_key_as_shared_secret() -> None:
    """An HMAC made with the registered public key signs nobody in."""
    signing_input = f"{encode_part(PARTY.header(alg='HS256'))}.{encode_part(PARTY.claims())}"
    secret = encode_pem(PARTY.caller.public_key).encode()
    mac = hmac.digest(secret, signing_input.encode(), hashlib.sha256)
    assert failure_of(f"{signing_input}.{encode_part(mac)}") is SignInFailure.ALGORITHM


def test_unsigned() -> None:
    """A token with an empty signature is refused."""
    token = f"{encode_part(PARTY.header(alg='none'))}.{encode_part(PARTY.claims())}."
    assert failure_of(token) is SignInFailure.FORM


@pytest.mark.parametrize("changes", [{"caller_id": "someone-else"}, {"key_id": "2026-2"}, {"key_id": "2026-1 "}])
def test_unknown_caller(changes: dict[str, str]) -> None:
    """A caller is found by exactly its id and its key id."""
    assert failure_of(PARTY.token(**changes)) is SignInFailure.UNKNOWN_CALLER


def test_key_of_another_caller() -> None:
    """A caller cannot sign in as another one with its own key, not even under the other's key id."""
    other = make_party(id=CallerId("other"), key_id=KeyId("2026-1"))
    assert failure_of(other.token(caller_id=PARTY.caller.id), PARTY, other) is SignInFailure.SIGNATURE


@pytest.mark.parametrize(
    "changes",
    [
        {"enabled": False},
        {"valid_to": NOW},
        {"valid_from": NOW + timedelta(seconds=1)},
    ],
)
def test_inactive_caller(changes: dict[str, object]) -> None:
    """A caller that is switched off, or outside its period, is refused with a perfect token."""
    party = replace(PARTY, caller=replace(PARTY.caller, **changes))
    assert failure_of(party.token(), party) is SignInFailure.INACTIVE_CALLER


@pytest.mark.parametrize("seconds", [0, 299, 329])
def test_still_valid(seconds: float) -> None:
    """A token is good from its issue to its expiry, and for the half minute by which clocks may differ."""
    assert sign_in(PARTY.token(at=moments_before(seconds))) is PARTY.caller


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"aud": "https://other.test"}, SignInFailure.AUDIENCE),
        ({"aud": []}, SignInFailure.AUDIENCE),
        ({"aud": AUDIENCE + "/"}, SignInFailure.AUDIENCE),
        ({"iat": NOW.timestamp() - 330, "exp": NOW.timestamp() - 30}, SignInFailure.EXPIRED),
        ({"iat": NOW.timestamp() + 31, "exp": NOW.timestamp() + 90}, SignInFailure.NOT_YET_VALID),
        ({"nbf": NOW.timestamp() + 31}, SignInFailure.NOT_YET_VALID),
        ({"exp": NOW.timestamp() + 301}, SignInFailure.LIFETIME),
        ({"exp": NOW.timestamp()}, SignInFailure.LIFETIME),
        ({"exp": 1e308}, SignInFailure.LIFETIME),
        ({"exp": "soon"}, SignInFailure.CLAIMS),
        ({"exp": None}, SignInFailure.CLAIMS),
        ({"iat": None}, SignInFailure.CLAIMS),
        ({"aud": None}, SignInFailure.CLAIMS),
        ({"iss": None}, SignInFailure.CLAIMS),
        ({"jti": None}, SignInFailure.CLAIMS),
        ({"jti": ""}, SignInFailure.CLAIMS),
        ({"jti": "x" * 65}, SignInFailure.CLAIMS),
        ({"jti": 7}, SignInFailure.CLAIMS),
    ],
)
def test_wrong_claims(changes: dict[str, object], failure: SignInFailure) -> None:
    """Every claim that is missing, of the wrong type or out of bounds refuses a properly signed token."""
    assert failure_of(PARTY.sign(PARTY.header(), PARTY.claims(**changes))) is failure


def test_audience_among_others() -> None:
    """A token may be for several gateways, as long as this one is named exactly."""
    assert sign_in(PARTY.sign(PARTY.header(), PARTY.claims(aud=["https://other.test", AUDIENCE]))) is PARTY.caller


@pytest.mark.parametrize(
    "changes",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"typ": "at+jwt"},
        {"typ": 3},
        {"kid": None},
        {"kid": 3},
        {"alg": None},
    ],
)
def test_wrong_header(changes: dict[str, object]) -> None:
    """A header with anything critical, another type, or without key id or algorithm is refused."""
    assert failure_of(PARTY.sign(PARTY.header(**changes), PARTY.claims())) is SignInFailure.HEADER


def test_type_may_be_absent() -> None:
    """RFC 7519 section 5.1 makes ``typ`` optional."""
    assert sign_in(PARTY.sign(PARTY.header(typ=None), PARTY.claims())) is PARTY.caller


def test_der_signature() -> None:
    """An SM2 token carries r and s as 64 raw bytes; the DER form of the same signature is refused."""
    party = PARTIES[TokenAlgorithm.SM2]
    signing_input, _, _ = party.token().rpartition(".")
    signature = party.private_key.sign(signing_input.encode())
    assert failure_of(f"{signing_input}.{encode_part(signature)}", party) is SignInFailure.SIGNATURE


@pytest.mark.parametrize("end", ["=", "==", "A", ".", "\n", " "])
def test_one_spelling(end: str) -> None:
    """A token with anything after its last character is another text, and refused."""
    assert failure_of(PARTY.token() + end) in {SignInFailure.FORM, SignInFailure.SIGNATURE}


def test_too_long() -> None:
    """A token beyond the bound is refused unread."""
    token = PARTY.sign(PARTY.header(), PARTY.claims(more="x" * MAX_TOKEN_CHARACTERS))
    assert failure_of(token) is SignInFailure.FORM


_PART = st.text("ABYZabyz0189_-", min_size=1, max_size=40)


@given(st.one_of(st.text(), st.tuples(_PART, _PART, _PART).map(".".join)))
def test_garbage(token: str) -> None:
    """Garbage is refused with our own error and no other."""
    with pytest.raises(SignInError):
        sign_in(token)


@given(st.data())
def test_any_change(data: st.DataObject) -> None:
    """Changing any one character of a good token refuses it."""
    token = PARTY.token()
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from("Aa0_-.=").filter(lambda one: one != token[place]))
    with pytest.raises(SignInError):
        sign_in(token[:place] + character + token[place + 1 :])


def test_lifetime_is_encoded() -> None:
    """What we encode with a shorter life expires earlier."""
    values = {
        "caller_id": PARTY.caller.id,
        "key_id": PARTY.caller.key_id,
        "algorithm": PARTY.caller.algorithm,
        "private_key": PARTY.private_key,
        "audience": AUDIENCE,
        "issued_at": moments_before(91),
        "token_id": "1",
    }
    assert sign_in(encode_token(**values, lifetime=timedelta(seconds=62))) is PARTY.caller
    assert failure_of(encode_token(**values, lifetime=timedelta(seconds=61))) is SignInFailure.EXPIRED


@pytest.mark.parametrize("part", ["header", "claims"])
def test_a_name_that_stands_twice(part: str) -> None:
    """A token in which a name stands twice is refused, even if signed: two readers could believe different ones."""
    header, claims = PARTY.header(), PARTY.claims()
    texts = {"header": json.dumps(header).encode(), "claims": json.dumps(claims).encode()}
    name = {"header": "kid", "claims": "iss"}[part]
    texts[part] = texts[part].replace(b"{", b'{"' + name.encode() + b'": "someone-else", ', 1)
    signing_input = f"{encode_part(texts['header'])}.{encode_part(texts['claims'])}"
    assert isinstance(PARTY.private_key, Ed25519PrivateKey)
    token = f"{signing_input}.{encode_part(PARTY.private_key.sign(signing_input.encode()))}"
    assert failure_of(token) is (SignInFailure.HEADER if part == "header" else SignInFailure.CLAIMS)
