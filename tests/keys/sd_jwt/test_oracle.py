"""The reference implementation (PyPI sd-jwt, jwcrypto) and ours read what the other one writes.

The shapes are those of the examples of RFC 9901: flat, structured, recursive, lists, decoys, key binding.
"""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from jwcrypto.jwk import JWK
from sd_jwt import holder as oracle_holder
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from keys.sd_jwt.disclosure import DigestName, compute_digest, parse_disclosure
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.issuance import Disclosable, issue_sd_jwt
from keys.sd_jwt.presentation import present_sd_jwt
from tests.keys.sd_jwt.credentials import (
    AUDIENCE,
    DAY,
    HOLDING,
    ISSUER,
    ISSUING,
    NONCE,
    NOW,
    QUESTION,
    TYPE,
    binding,
    terms,
    verify,
)

OPEN: dict[Any, Any] = {
    "iss": ISSUER,
    "vct": TYPE,
    "iat": int((NOW - DAY).timestamp()),
    "exp": int((NOW + DAY).timestamp()),
}


def hide(value: Any) -> Any:
    return SDObj(value)


SHAPES: dict[str, dict[Any, Any]] = {
    "flat": {hide("holder_name"): "某某有限公司", hide("registered_capital"): 1000000, "name": "营业执照"},
    "structured": {"address": {hide("street"): "山东路1号", hide("country"): "CN", "province": "山东"}},
    "structured-whole": {hide("address"): {"street": "山东路1号", "country": "CN"}},
    "recursive": {hide("address"): {hide("street"): "山东路1号", hide("country"): "CN"}},
    "list": {"holders": [hide("张三"), hide("李四"), "王五"]},
    "recursive-list": {hide("holders"): [hide({"name": "张三", hide("code"): "A1"}), hide({"name": "李四"})]},
    "values": {hide("a"): None, hide("b"): True, hide("c"): -1.5, hide("d"): [], hide("e"): {}, "é": "𠮷"},
    "nothing-hidden": {"name": "营业执照"},
}


def jwk(signer: SoftwareSigner) -> JWK:
    key = load_der_private_key(signer.encode_pkcs8(), None)
    return JWK.from_pem(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


ALGORITHMS = pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.ED25519])
NAMES = {KeyAlgorithm.P256: "ES256", KeyAlgorithm.ED25519: "EdDSA"}


def issued_by_oracle(shape: str, algorithm: KeyAlgorithm, **named: Any) -> str:
    header = {"typ": "dc+sd-jwt", "kid": ISSUING[algorithm].key_id}
    issuer = SDJWTIssuer(
        {**OPEN, **SHAPES[shape]},
        jwk(ISSUING[algorithm]),
        sign_alg=NAMES[algorithm],
        extra_header_parameters=header,
        **named,
    )
    return issuer.sd_jwt_issuance


def plain(value: Any) -> Any:
    match value:
        case SDObj():
            return plain(value.value)
        case dict():
            return {plain(name): plain(inner) for name, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case _:
            return value


def oracle_says(text: str, algorithm: KeyAlgorithm, **named: Any) -> dict[str, Any]:
    verifier = SDJWTVerifier(text, lambda *_: jwk(ISSUING[algorithm]), **named)
    payload: dict[str, Any] = verifier.get_verified_payload()
    return payload


@ALGORITHMS
@pytest.mark.parametrize("decoys", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_we_read_what_it_issues(shape, algorithm, decoys):
    """What the reference implementation issues we verify as it was, with decoys and without."""
    text = issued_by_oracle(shape, algorithm, add_decoy_claims=decoys)
    assert verify(text).claims == {**OPEN, **plain(SHAPES[shape])}


@ALGORITHMS
@pytest.mark.parametrize("shape", SHAPES)
def test_both_say_the_same_of_what_is_shown_in_part(shape, algorithm):
    """With half of the disclosures both say the same, or both refuse."""
    issued, *disclosures, _ = issued_by_oracle(shape, algorithm).split("~")
    for step in (1, 2, 3):
        text = "~".join([issued, *disclosures[::step], ""])
        try:
            ours = dict(verify(text).claims)
        except SdJwtError as error:  # the reference implementation passes over what is referenced nowhere
            ours = {"refused": error.fault}
        if ours != {"refused": SdJwtFault.NOT_REFERENCED}:
            assert ours == oracle_says(text, algorithm)


@ALGORITHMS
@pytest.mark.parametrize("decoys", [0, 5])
def test_it_reads_what_we_issue(algorithm, decoys):
    """What we issue, whole or in part, the reference implementation verifies as we do."""
    fields = {
        "holder_name": "某某有限公司",
        "holders": [Disclosable(value={"name": "张三", "code": Disclosable(value="A1")}), "李四"],
        "name": "营业执照",
    }
    text = issue_sd_jwt(terms(), fields, signer=ISSUING[algorithm], visible=frozenset({"name"}), decoys=decoys)
    for presentation in (
        text,
        present_sd_jwt(text, disclose=[]),
        present_sd_jwt(text, disclose=[("holders", 0, "code")]),
    ):
        assert oracle_says(presentation, algorithm) == verify(presentation).claims


@ALGORITHMS
def test_it_accepts_our_holder(algorithm):
    """A presentation that we bind to a key the reference implementation accepts for its question."""
    text = issue_sd_jwt(terms(HOLDING[KeyAlgorithm.P256]), {"a": "1", "b": "2"}, signer=ISSUING[algorithm])
    presentation = present_sd_jwt(text, disclose=[("a",)], binding=binding(KeyAlgorithm.P256))
    said = oracle_says(presentation, algorithm, expected_aud=AUDIENCE, expected_nonce=NONCE)
    assert said == verify(presentation, question=QUESTION).claims


@ALGORITHMS
def test_we_accept_its_holder(algorithm, monkeypatch):
    """A presentation that the reference implementation binds to a key we accept for our question."""
    monkeypatch.setattr(oracle_holder, "time", NOW.timestamp)
    holder_key = jwk(HOLDING[KeyAlgorithm.P256])
    text = issued_by_oracle("recursive-list", algorithm, holder_key=JWK.from_json(holder_key.export_public()))
    holder = SDJWTHolder(text)
    holder.create_presentation({"holders": [True, False]}, NONCE, AUDIENCE, holder_key)
    credential = verify(holder.sd_jwt_presentation, question=QUESTION)
    assert credential.is_bound
    assert credential.claims["holders"] == [{"name": "张三"}]


@pytest.mark.parametrize(
    ("encoded", "name", "value", "digest"),
    [
        (
            "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
            "family_name",
            "Möbius",
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
        ),
        ("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0", None, "FR", "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"),
    ],
)
def test_disclosures_of_the_rfc(encoded, name, value, digest):
    """The disclosures of RFC 9901 section 4.2 say and digest to what stands there."""
    disclosure = parse_disclosure(encoded)
    assert (disclosure.name, disclosure.value) == (name, value)
    assert compute_digest(encoded, DigestName.SHA256) == digest


@pytest.mark.parametrize(
    "encoded",
    [
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNXHUwMGY2Yml1cyJd",
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd",
        "WwoiXzI2YmM0TFQtYWM2cTJLSTZjQlc1ZXMiLAoiZmFtaWx5X25hbWUiLAoiTcO2Yml1cyIKXQ",
    ],
)
def test_other_spellings_of_a_disclosure(encoded):
    """The other spellings of RFC 9901 section 4.2.1 say the same."""
    assert json.dumps(parse_disclosure(encoded).value) == '"M\\u00f6bius"'
