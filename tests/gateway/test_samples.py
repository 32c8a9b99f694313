"""Real samples of other people's software: every one is read and judged as independent code found it to be."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.pipeline import verify_document
from gateway.reason import Reason
from gateway.trust.folder import read_trust_folder
from gateway.verdict import CheckName, Outcome, SignatureVerdict, Verdict
from keys.trust import TrustStore
from tests.support.cli import Ended, tongban
from tests.support.vectors import VECTORS, expected, vector, vector_path

AT = datetime(2026, 8, 31, tzinfo=UTC)  # after every signing time of the samples
IN_FORCE = datetime(2021, 6, 1, tzinfo=UTC)  # while their certificates and seals lasted
OFD = ("allprotected.ofd", "V4RideRight.ofd", "SESV4SignDoc.ofd")
SEALS = ("UserV1.esl", "UserV4.esl")
SIGNED_VALUE = "SignedValueV4.dat"
STANDARDS = {2: "GM/T 0031-2014", 4: "GB/T 38540-2020"}  # by the number of fields of the seal
UNTRUSTED = {Reason.MAKER_CHAIN_UNKNOWN_ISSUER, Reason.SIGNER_CHAIN_UNKNOWN_ISSUER}
YES_OR_NO = {True: Outcome.VALID, False: Outcome.INVALID, None: Outcome.UNKNOWN}


def judge(name: str, *, store: TrustStore | None = None, at: datetime = AT) -> Verdict:
    return verify_document(vector(f"ofd/{name}"), store=store or TrustStore.empty(), at=at)


def sole(verdict: Verdict) -> SignatureVerdict:
    (signature,) = verdict.signatures
    return signature


def outcomes(signature: SignatureVerdict) -> dict[CheckName, Outcome]:
    return {check.check: check.outcome for check in signature.checks}


def described(name: str) -> dict[str, Any]:
    """Return what expected.json says of the one signature or seal of a sample."""
    found: dict[str, Any] = expected()[f"ofdrw/{name}"]
    return {**found, **found["signatures"][0]} if "signatures" in found else found


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trust the maker and the signer of the samples, by their certificates, each for its purpose only."""
    folder = tmp_path_factory.mktemp("trust")
    for purpose, name in (("seal-makers", "sealmaker_cert.pem"), ("signers", "user_cert.pem")):
        (folder / purpose).mkdir()
        (folder / purpose / name).write_bytes(vector(f"ofd/ofdrw/{name}"))
    return folder


@pytest.fixture(scope="module")
def store(trust: Path) -> TrustStore:
    read = read_trust_folder(trust)
    assert read.findings == ()
    return read.store


@pytest.mark.parametrize("name", [*OFD, SIGNED_VALUE])
def test_a_signature_is_judged_as_expected(name: str) -> None:
    """Each single result of the independent check is the outcome of the check that asks the same."""
    signature, says = sole(judge(f"ofdrw/{name}")), described(name)
    found = outcomes(signature)
    seal = says["seal"]
    assert {
        CheckName.SIGNATURE: YES_OR_NO[says["tbs_signature_ok"]],
        CheckName.SIGNER_LISTED: YES_OR_NO[says["signer_cert_in_seal_list"]],
        CheckName.DATA_HASH: YES_OR_NO[says["data_hash_matches_signature_xml"]],
        CheckName.SEAL_SIGNATURE: YES_OR_NO[seal["seal_signature_ok"]],
        CheckName.SEAL_PERIOD: YES_OR_NO[says["seal_valid_at_sign_time"]],
        CheckName.MAKER_PERIOD: YES_OR_NO[seal["maker_cert_valid_at_create"]],
        CheckName.SIGNER_PERIOD: YES_OR_NO[says["signer_cert_valid_at_sign_time"]],
        CheckName.MAKER_CHAIN: Outcome.UNKNOWN,
        CheckName.SIGNER_CHAIN: Outcome.UNKNOWN,
        CheckName.TIMESTAMP: Outcome.VALID,
    } == {check: outcome for check, outcome in found.items() if check not in {"references", "coverage"}}


@pytest.mark.parametrize("name", OFD)
def test_references_and_coverage_are_as_expected(name: str) -> None:
    """All digests match, and nothing but the list of signatures stays outside."""
    signature, says = sole(judge(f"ofdrw/{name}")), described(name)
    assert says["reference_mismatch"] == []
    assert set(says["not_covered"]) <= {"Doc_0/Signs/Signatures.xml"}
    found = outcomes(signature)
    assert (found[CheckName.REFERENCES], found[CheckName.COVERAGE]) == (Outcome.VALID, Outcome.VALID)


@pytest.mark.parametrize("name", [*OFD, SIGNED_VALUE])
def test_a_signature_says_what_is_expected(name: str) -> None:
    """Identifiers, standard, signing time and seal are those that independent code has read."""
    signature, says = sole(judge(f"ofdrw/{name}")), described(name)
    assert signature.id == says.get("id", "1")
    assert signature.standard == STANDARDS[says["seal"]["asn1_fields"]]
    assert signature.signed_at == datetime.fromisoformat(says["sign_time_utc"]).replace(tzinfo=UTC)
    assert signature.seal is not None
    assert (signature.seal.id, signature.seal.name) == (says["seal"]["seal_id"], says["seal"]["seal_name"])
    assert signature.signer == "CN=Test Certificate,L=Hangzhou,ST=Zhejiang,O=OFD R&W,C=CN"


@pytest.mark.parametrize("name", ["allprotected.ofd", "V4RideRight.ofd"])
def test_a_good_sample_lacks_nothing_but_trust(name: str) -> None:
    """Without anchors the chains are unknown, and nothing else is; with them, the document is valid."""
    assert set(judge(f"ofdrw/{name}").reasons) == UNTRUSTED


@pytest.mark.parametrize("name", ["allprotected.ofd", "V4RideRight.ofd"])
def test_a_good_sample_is_valid_once_its_people_are_trusted(name: str, store: TrustStore) -> None:
    """A riding seal over five pages, and a document that protects even its list of signatures."""
    verdict = judge(f"ofdrw/{name}", store=store)
    assert (verdict.outcome, verdict.reasons) == (Outcome.VALID, ())


def test_a_sample_signed_after_everything_ended_is_invalid_in_spite_of_trust(store: TrustStore) -> None:
    """Seal and certificate ended in 2022, the signature is of 2026: all cryptography holds, and it is invalid."""
    verdict = judge("ofdrw/SESV4SignDoc.ofd", store=store)
    assert (verdict.outcome, set(verdict.reasons)) == (
        Outcome.INVALID,
        {Reason.SEAL_PERIOD_EXPIRED, Reason.SIGNER_PERIOD_EXPIRED},
    )


def test_an_unsigned_sample_is_invalid() -> None:
    """A document that nobody signed is no licence."""
    verdict = judge("ofdrw/hello.ofd")
    assert (verdict.format, verdict.outcome, verdict.reasons) == ("ofd", Outcome.INVALID, (Reason.FORMAT_UNSIGNED,))
    assert expected()["ofdrw/hello.ofd"]["signatures"] == []


def test_a_signed_value_without_its_document_stays_unknown_in_spite_of_trust(store: TrustStore) -> None:
    """The data hash cannot be checked without Signature.xml, so the verdict is incomplete, not valid."""
    verdict = judge(f"ofdrw/{SIGNED_VALUE}", store=store)
    assert (verdict.format, verdict.outcome) == ("seal-signature", Outcome.UNKNOWN)
    assert verdict.reasons == (Reason.DATA_HASH_NOT_AT_HAND,)


@pytest.mark.parametrize("name", SEALS)
def test_a_bare_seal_is_judged_at_the_time_of_the_question(name: str, store: TrustStore) -> None:
    """Its maker's signature holds; while it lasted it was valid, afterwards nobody can tell from the seal alone."""
    says = described(name)
    then, now = judge(f"ofdrw/{name}", store=store, at=IN_FORCE), judge(f"ofdrw/{name}", store=store)
    assert (then.format, then.outcome) == ("seal", Outcome.VALID)
    assert (now.outcome, now.reasons) == (Outcome.UNKNOWN, (Reason.SEAL_PERIOD_NO_TIME,))
    signature = sole(now)
    assert signature.standard == STANDARDS[says["asn1_fields"]]
    assert outcomes(signature)[CheckName.SEAL_SIGNATURE] is YES_OR_NO[says["seal_signature_ok"]]
    assert signature.seal is not None
    assert (signature.seal.id, signature.seal.name) == (says["seal_id"], says["seal_name"])


def test_a_signed_data_with_its_content_verifies() -> None:
    """The signature of CFCA's software holds; who issued the certificate, nobody here knows."""
    verdict = judge("gmsm-cms/sadkSignedData.p7.der", at=datetime(2025, 1, 1, tzinfo=UTC))
    assert (verdict.format, verdict.outcome) == ("signed-data", Outcome.UNKNOWN)
    assert set(verdict.reasons) == {Reason.SIGNER_CHAIN_UNKNOWN_ISSUER}
    assert outcomes(sole(verdict))[CheckName.SIGNATURE] is Outcome.VALID


def test_a_signed_data_without_its_content_cannot_be_verified() -> None:
    """There is nothing that the signature could be compared with, so there is no check of it."""
    verdict = judge("gmsm-cms/sadkSignedDataDetach.p7.der", at=datetime(2025, 1, 1, tzinfo=UTC))
    assert Reason.DATA_HASH_NOT_AT_HAND in verdict.reasons
    assert CheckName.SIGNATURE not in outcomes(sole(verdict))


@pytest.mark.parametrize("name", ["ofdrw/gm_Signature.xml", "ofdrw/user_cert.pem", "tongsuo-certs/sm2-cert.pem"])
def test_what_is_no_document_is_said_to_be_none(name: str) -> None:
    """A Signature.xml or a certificate by itself is not recognised, rather than read as something else."""
    assert judge(name).reasons == (Reason.FORMAT_UNRECOGNISED,)


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("allprotected.ofd", datetime(2020, 10, 23, 11, 44, 36, tzinfo=UTC)),
        ("V4RideRight.ofd", datetime(2021, 1, 1, tzinfo=UTC)),
    ],
)
def test_before_its_signing_time_a_sample_lies_in_the_future(name: str, before: datetime, store: TrustStore) -> None:
    """Whoever is asked about a signature that has not been made yet answers so."""
    verdict = judge(f"ofdrw/{name}", store=store, at=before)
    assert (verdict.outcome, verdict.reasons) == (Outcome.INVALID, (Reason.TIMESTAMP_IN_FUTURE,))


@pytest.fixture(scope="module")
def ended(trust: Path) -> Ended:
    """Run the command line once over everything that lies in the folder of samples."""
    inputs = sorted(vector_path("ofd").iterdir())
    return tongban("verify", "--json", "--trust", trust, "--at", "2026-08-31T00:00:00Z", *inputs)


def test_the_command_line_gives_the_same_answers(ended: Ended, store: TrustStore) -> None:
    """Every file that is a document has one line, with the outcome and the reasons of the pipeline."""
    names = {str(Path(one["input"]).relative_to(VECTORS / "ofd")): one for one in ended.objects}
    documents = {f"ofdrw/{name}" for name in (*OFD, *SEALS, SIGNED_VALUE, "hello.ofd", "gm_Signature.xml")}
    assert names.keys() == documents | {
        "expected.json",  # it was named, not found in a folder
        "gmsm-cms/sadkSignedData.p7.der",
        "gmsm-cms/sadkSignedDataDetach.p7.der",
    }
    for name in names.keys() - {"expected.json"}:
        verdict = judge(name, store=store)
        assert (names[name]["outcome"], names[name]["reasons"]) == (verdict.outcome, list(verdict.reasons))
        assert names[name]["format"] == verdict.format


def test_the_command_line_says_what_it_passed_over(ended: Ended) -> None:
    """Certificates in the folders are counted; an invalid document makes the exit code 1."""
    assert ended.code == 1
    assert ended.err == "tongban: passed over 10 files that are no documents (certificates, lists, texts).\n"


def test_the_command_line_is_3_when_only_trust_is_missing() -> None:
    """The first thing a new user tries: a good sample without anchors."""
    ended = tongban("verify", "--json", vector_path("ofd/ofdrw/allprotected.ofd"))
    assert (ended.code, ended.object["outcome"]) == (3, "unknown")
    assert ended.object["signatures"][0]["signed_at"] == "2020-10-23T11:45:37Z"
