"""SM2 vectors in Wycheproof's form: the product and other stacks give each the answer that the vector says."""

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from keys.encoding import parse_signature
from keys.libcrypto import MAX_USER_ID
from keys.sm2 import CURVE_ORDER, DEFAULT_USER_ID
from tests.support.sm2_stacks import (
    Tongsuo,
    arithmetic_says_of_digest,
    gmssl_says_of_digest,
    openssl_says_of_digest,
    product_says,
)
from tests.vectors.build_sm2 import FOLDER, build

MESSAGES, KEYS, DIGESTS = "sm2_verify_test.json", "sm2_key_test.json", "sm2_digest_verify_test.json"

# What the product does where the vectors leave it open, by the case's first flag or, where that says less, comment.
OURS_OF_ACCEPTABLE = {
    "NeedlessZero": True,  # real signers write it; the verdict carries a note
    "RawSignature": True,  # makers of e-seals write it; the verdict carries a note
    "EmptyUserId": False,  # refused as a mistake of the caller, before anything is verified
    "OldAlgorithm": True,
    "ExplicitParameters": False,
    "compressed": True,
    "hybrid": False,
}

# Where Tongsuo does not answer as the vector says: the product's second opinion never asks it these questions.
TONGSUO_DEVIATES = {
    "SubjectPublicKeyInfo: unused bits": "its reader ignores the count of unused bits",
    "SubjectPublicKeyInfo: length not minimal": "its reader takes BER",
    "SubjectPublicKeyInfo: indefinite length": "its reader takes BER",
    "SubjectPublicKeyInfo: a byte behind the sequence": "its reader stops at the end of the sequence",
}

# What the product cannot say yes to: OpenSSL's bound for user ids is one byte short of the standard's.
OURS_LACKS = {"user id: 8191 bytes, the longest"}


@cache
def load(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def cases(name):
    return [(group, case) for group in load(name)["testGroups"] for case in group["tests"]]


def expectation(case):
    """Return what we expect of the product: as the vector says, or what the tables above say."""
    if case["comment"] in OURS_LACKS:
        return False
    if case["result"] != "acceptable":
        return case["result"] == "valid"
    by_comment = OURS_OF_ACCEPTABLE.get(case["comment"])
    return OURS_OF_ACCEPTABLE[case["flags"][0]] if by_comment is None else by_comment


@pytest.mark.slow
def test_the_files_are_what_the_generator_writes():
    """Every vector file is exactly what the generator makes; an edit by hand, or a forgotten run, fails here."""
    written = build()
    assert {path.name for path in FOLDER.glob("*_test.json")} == set(written)
    for name, text in written.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: run `make vectors`"


@pytest.mark.parametrize("name", [MESSAGES, KEYS, DIGESTS])
def test_the_form_is_wycheproofs(name):
    """The files have Wycheproof's members, cases are numbered without gaps, every flag has its note and is used."""
    document = load(name)
    assert set(document) == {
        "algorithm",
        "schema",
        "generatorVersion",
        "numberOfTests",
        "header",
        "notes",
        "testGroups",
    }
    found = [case for _, case in cases(name)]
    assert [case["tcId"] for case in found] == list(range(1, document["numberOfTests"] + 1))
    content = "digest" if name == DIGESTS else "msg"
    for group, case in cases(name):
        assert set(case) == {"tcId", "comment", "flags", content, "sig", "result"}
        assert case["result"] in {"valid", "invalid", "acceptable"}
        assert case["flags"]
        assert bytes.fromhex(case["sig"]).hex() == case["sig"]
        assert ("userId" in group) is (name != DIGESTS)
    assert {flag for case in found for flag in case["flags"]} == set(document["notes"])
    for note in document["notes"].values():
        assert set(note) == {"bugType", "description"}
    assert (FOLDER / document["schema"]).is_file()


def test_every_way_to_be_wrong_is_there():
    """There are vectors for each family of mistakes, with both answers where both are possible."""
    seen = Counter(
        (flag, case["result"])
        for name in (MESSAGES, KEYS, DIGESTS)
        for _, case in cases(name)
        for flag in case["flags"]
    )
    for flag, least in {
        "BoundsOfRAndS": 60,
        "WrongZ": 20,
        "NoZ": 4,
        "ZeroT": 4,
        "InvalidEncoding": 50,
        "BerEncoding": 10,
        "OffCurve": 10,
        "KeyEncoding": 20,
        "KeyIsInfinity": 3,
    }.items():
        assert seen[flag, "invalid"] >= least, flag
    for flag in ("ValidSignature", "LeadingZeros", "EdgeCaseDigest", "EdgeCasePoint", "Wraps", "UserId"):
        assert seen[flag, "valid"], flag


@pytest.mark.parametrize("name", [MESSAGES, KEYS])
def test_the_product_agrees(name):
    """The product's one door gives every vector's answer, under its user id."""
    wrong = [
        f"{name} {case['tcId']}: {case['comment']}"
        for group, case in cases(name)
        if product_says(
            bytes.fromhex(group["publicKeyDer"]),
            bytes.fromhex(case["msg"]),
            bytes.fromhex(case["sig"]),
            bytes.fromhex(group["userId"]),
        )
        is not expectation(case)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [MESSAGES, KEYS])
def test_tongsuo_agrees(name):
    """Tongsuo gives every vector's answer; groups of other user ids are left out, which its package cannot ask for."""
    tongsuo = Tongsuo()
    wrong, asked = {}, 0
    for group, case in cases(name):
        if bytes.fromhex(group["userId"]) != DEFAULT_USER_ID or case["result"] == "acceptable":
            continue
        asked += 1
        answer = tongsuo.says(
            bytes.fromhex(group["publicKeyDer"]), bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        )
        if answer is not (case["result"] == "valid"):
            wrong[case["comment"]] = answer
    assert asked > 30
    assert set(wrong) == {comment for comment in TONGSUO_DEVIATES if comment in {c["comment"] for _, c in cases(name)}}


@pytest.mark.parametrize(("group", "case"), cases(DIGESTS), ids=lambda one: one.get("comment", ""))
def test_digests(group, case):
    """OpenSSL, Tongsuo and the standard's text agree on every chosen digest, however odd the numbers are."""
    spki, point = bytes.fromhex(group["publicKeyDer"]), bytes.fromhex(group["publicKey"]["uncompressed"])
    digest, signature = bytes.fromhex(case["digest"]), bytes.fromhex(case["sig"])
    r, s, _ = parse_signature(signature, CURVE_ORDER)
    good = case["result"] != "invalid"  # the weak key -G satisfies the equation; nobody checks for it
    assert arithmetic_says_of_digest(point, digest, r, s) is good
    assert openssl_says_of_digest(spki, digest, signature) is good
    assert Tongsuo().says_of_digest(point, digest, signature) is good


# What gmssl gets wrong: it compares sG and tP in two spellings, never finds them equal, and adds where it must double.
GMSSL_LACKS = {"sG = tP: the sum is a doubling", "sG + tP at infinity, r = e"}


def test_gmssl_agrees():
    """A pure Python package agrees on every digest but those whose sum is a doubling or at infinity."""
    wrong = []
    for group, case in cases(DIGESTS):
        if case["comment"] in GMSSL_LACKS:
            continue
        r, s, _ = parse_signature(bytes.fromhex(case["sig"]), CURVE_ORDER)
        point = bytes.fromhex(group["publicKey"]["uncompressed"])
        if gmssl_says_of_digest(point, bytes.fromhex(case["digest"]), r, s) is not (case["result"] != "invalid"):
            wrong.append(case["comment"])
    assert not wrong


def test_user_ids_that_no_signature_can_have():
    """The groups that the product refuses before verifying have an empty user id, or one too long for OpenSSL."""
    sizes = {len(bytes.fromhex(group["userId"])) for group, _ in cases(MESSAGES)}
    assert {size for size in sizes if not 1 <= size <= MAX_USER_ID} == {0, MAX_USER_ID + 1, MAX_USER_ID + 2}


def test_the_folder_is_the_one_beside_the_generator():
    """The vectors lie where the generator writes them."""
    assert Path(__file__).parents[1] / "vectors" / "sm2" == FOLDER
