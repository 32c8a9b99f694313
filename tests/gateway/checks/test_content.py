"""References, coverage and data hash, each from a good value with one thing broken."""

import hashlib
from dataclasses import replace

import pytest

from adapters.document import (
    Document,
    DocumentSignature,
    Format,
    Reference,
    References,
    SignatureKind,
    SignedPart,
    Standard,
)
from adapters.licence import Licence
from gateway.checks.content import MemberDigests, check_coverage, check_data_hash, check_references
from gateway.reason import Reason
from gateway.verdict import Outcome
from keys.digest import Digest

MEMBERS = {
    "OFD.xml": b"index",
    "Doc_0/Document.xml": b"<ofd:Document/>",
    "Doc_0/Pages/Page_0/Content.xml": b"page",
    "Doc_0/Signs/Signatures.xml": b"list",
    "Doc_0/Signs/Sign_0/Signature.xml": b"signature",
    "Doc_0/Signs/Sign_0/SignedValue.dat": b"value",
}
DIGESTS = MemberDigests(MEMBERS)
OWN = frozenset({"Doc_0/Signs/Sign_0/Signature.xml", "Doc_0/Signs/Sign_0/SignedValue.dat"})


def sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def members(more: dict[str, bytes]) -> MemberDigests:
    return MemberDigests({**MEMBERS, **more})


def reference(path: str) -> Reference:
    return Reference(path=path, expected=sm3(MEMBERS[path]), content=MEMBERS[path])


def good_signature() -> DocumentSignature:
    covered = [path for path in MEMBERS if path not in OWN and not path.endswith("Signatures.xml")]
    return DocumentSignature(
        id="1",
        kind=SignatureKind.SEAL,
        standard=Standard.GBT_38540_2020,
        signed=SignedPart(message=b"", signature=b"", algorithm="", certificate=None),
        signed_at=None,
        data=b"signature",
        data_hash=sm3(b"signature"),
        references=References(method="SM3", entries=tuple(map(reference, covered))),
        own_files=OWN,
    )


def document(signature: DocumentSignature, **changes: object) -> Document:
    base = Document(
        format=Format.OFD,
        signatures=(signature,),
        members=MEMBERS,
        signature_lists=frozenset({"Doc_0/Signs/Signatures.xml"}),
        package_index="OFD.xml",
        document_roots=("Doc_0/Document.xml",),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # the caller names fields of Document


def with_entries(signature: DocumentSignature, *entries: Reference) -> DocumentSignature:
    return replace(signature, references=References(method="SM3", entries=entries))


def without(signature: DocumentSignature, path: str) -> DocumentSignature:
    assert signature.references is not None
    return with_entries(signature, *(e for e in signature.references.entries if e.path != path))


@pytest.mark.parametrize("method", ["SM3", "sm3", "1.2.156.10197.1.401", "1.2.156.10197.1.401.2"])
def test_every_spelling_of_sm3_is_accepted(method: str) -> None:
    """The names that real producers write for SM3 all mean SM3."""
    signature = good_signature()
    assert signature.references is not None
    named = replace(signature, references=replace(signature.references, method=method))
    check = check_references(named, DIGESTS)
    assert check is not None
    assert check.outcome is Outcome.VALID


@pytest.mark.parametrize("method", ["", "MD5", "SHA1", "SHA256", "1.2.840.113549.2.5"])
def test_any_other_method_is_weak_even_when_the_digests_match(method: str) -> None:
    """A missing method means MD5 in the standard, and nothing but SM3 passes."""
    signature = good_signature()
    assert signature.references is not None
    named = replace(signature, references=replace(signature.references, method=method))
    check = check_references(named, DIGESTS)
    assert check is not None
    assert check.reason is Reason.REFERENCES_WEAK_DIGEST


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ((), Reason.REFERENCES_NO_VALUE),
        ((Reference(path="a", expected=None, content=b"a"),), Reason.REFERENCES_NO_VALUE),
        ((Reference(path="a", expected=sm3(b"a")[:31], content=b"a"),), Reason.REFERENCES_NO_VALUE),
        ((Reference(path="a", expected=sm3(b"a"), content=None),), Reason.REFERENCES_MISSING_MEMBER),
        ((Reference(path="a", expected=sm3(b"b"), content=b"a"),), Reason.REFERENCES_MISMATCH),
    ],
)
def test_a_reference_that_proves_nothing_is_a_failure(entries: tuple[Reference, ...], reason: Reason) -> None:
    """Every reference must name a member that is there and has exactly the stated SM3 digest."""
    check = check_references(with_entries(good_signature(), *entries), members({"a": b"a"}))
    assert check is not None
    assert (check.outcome, check.reason) == (Outcome.INVALID, reason)


def test_one_mismatch_among_good_references_is_named() -> None:
    """The detail of a mismatch names the changed member and no other."""
    signature = good_signature()
    assert signature.references is not None
    bad = Reference(path="changed.xml", expected=sm3(b"x"), content=b"y")
    check = check_references(
        with_entries(signature, *signature.references.entries, bad), members({"changed.xml": b"y"})
    )
    assert check is not None
    assert check.detail == "changed.xml"


def test_formats_without_references_have_no_such_checks() -> None:
    """A check that does not apply to the format is absent."""
    bare = replace(good_signature(), references=None)
    assert check_references(bare, DIGESTS) is None
    assert check_coverage(bare, document(bare)) is None


def test_the_list_of_signatures_and_own_files_may_stay_outside() -> None:
    """A signature that allows later ones leaves the list out; its own files cannot be inside."""
    signature = good_signature()
    check = check_coverage(signature, document(signature))
    assert check is not None
    assert check.outcome is Outcome.VALID


@pytest.mark.parametrize("path", ["Doc_0/Document.xml", "Doc_0/Pages/Page_0/Content.xml"])
def test_uncovered_content_is_a_failure(path: str) -> None:
    """Whatever a reader can show must be among the references."""
    signature = without(good_signature(), path)
    check = check_coverage(signature, document(signature))
    assert check is not None
    assert (check.outcome, check.reason) == (Outcome.INVALID, Reason.COVERAGE_UNCOVERED_CONTENT)
    assert path in (check.detail or "")


def test_a_smuggled_member_is_a_failure() -> None:
    """A member that nobody references fails every signature of the package."""
    signature = good_signature()
    check = check_coverage(signature, document(signature, members={**MEMBERS, "Doc_0/extra.xml": b""}))
    assert check is not None
    assert check.reason is Reason.COVERAGE_UNCOVERED_CONTENT


def test_the_index_may_stay_outside_when_nothing_depends_on_it() -> None:
    """OFD.xml without licence data, naming one covered document, is tolerated."""
    signature = without(good_signature(), "OFD.xml")
    check = check_coverage(signature, document(signature))
    assert check is not None
    assert check.outcome is Outcome.VALID


def test_an_uncovered_index_must_not_carry_the_licence_data() -> None:
    """Metadata that anybody can change is never believed."""
    signature = without(good_signature(), "OFD.xml")
    licence = Licence(
        name="", number="", type_code="", identifier=None, issuer="", issuer_code="", issued_on=None, holders=(),
        valid_from=None, valid_to=None, long_term=True, copy=None,
    )  # fmt: skip
    check = check_coverage(signature, document(signature, licence=licence, licence_members=frozenset({"OFD.xml"})))
    assert check is not None
    assert (check.outcome, check.reason) == (Outcome.INVALID, Reason.COVERAGE_UNCOVERED_METADATA)


def test_an_uncovered_index_must_have_no_second_list_to_choose() -> None:
    """Which of two lists a viewer reads would be anybody's choice."""
    signature = without(good_signature(), "OFD.xml")
    two = frozenset({"Doc_0/Signs/Signatures.xml", "Doc_0/Other.xml"})
    check = check_coverage(signature, document(signature, signature_lists=two))
    assert check is not None
    assert check.reason is Reason.COVERAGE_UNCOVERED_CONTENT
    covered = check_coverage(good_signature(), document(good_signature(), signature_lists=two))
    assert covered is not None
    assert covered.outcome is Outcome.VALID


def test_an_uncovered_index_must_have_no_second_document_to_choose() -> None:
    """A covered file that is a document root too could be shown instead."""
    signature = without(good_signature(), "OFD.xml")
    assert signature.references is not None
    second = Reference(path="Doc_1/Document.xml", expected=b"", content=b"<Document/>")
    choosing = with_entries(signature, *signature.references.entries, second)
    members = {**MEMBERS, "Doc_1/Document.xml": b"<Document/>"}
    check = check_coverage(choosing, document(choosing, members=members))
    assert check is not None
    assert check.reason is Reason.COVERAGE_UNCOVERED_CONTENT


@pytest.mark.parametrize("roots", [(), ("Doc_1/Document.xml",), ("Doc_0/Document.xml", "Doc_1/Document.xml")])
def test_an_uncovered_index_must_name_exactly_the_covered_document(roots: tuple[str, ...]) -> None:
    """DocRoot of an uncovered OFD.xml is not taken on faith."""
    signature = without(good_signature(), "OFD.xml")
    check = check_coverage(signature, document(signature, document_roots=roots))
    assert check is not None
    assert check.reason is Reason.COVERAGE_UNCOVERED_CONTENT


def test_files_of_another_listed_signature_are_excused() -> None:
    """A later signature is checked itself, so its files need no cover by the earlier one."""
    first = good_signature()
    later = replace(first, id="2", own_files=frozenset({"Doc_0/Signs/Sign_1/Signature.xml"}))
    package = document(
        first, signatures=(first, later), members={**MEMBERS, "Doc_0/Signs/Sign_1/Signature.xml": b"later"}
    )
    check = check_coverage(first, package)
    assert check is not None
    assert check.outcome is Outcome.VALID


def test_names_in_a_detail_are_few_short_and_printable() -> None:
    """A hostile package cannot make a verdict long or put control characters into it."""
    signature = good_signature()
    hostile = {f"{'x' * 500}\x1b{index}": b"" for index in range(500)}
    check = check_coverage(signature, document(signature, members={**MEMBERS, **hostile}))
    assert check is not None
    assert check.detail is not None
    assert len(check.detail) < 1_000
    assert "\x1b" not in check.detail


def test_the_data_hash_must_be_that_of_the_signed_description() -> None:
    """One changed byte of Signature.xml is a mismatch."""
    signature = good_signature()
    good = check_data_hash(signature, DIGESTS)
    assert good is not None
    assert good.outcome is Outcome.VALID
    bad = check_data_hash(replace(signature, data=b"signaturE"), DIGESTS)
    assert bad is not None
    assert (bad.outcome, bad.reason) == (Outcome.INVALID, Reason.DATA_HASH_MISMATCH)


def test_signed_data_are_digested_once_however_many_sign_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signers of one SignedData share its content; other data never share a digest by chance."""
    computed = []
    digest = Digest(name="SM3", compute=lambda data: computed.append(data) or sm3(data), acceptable=True)
    monkeypatch.setattr("gateway.checks.content.DIGESTS", {good_signature().data_hash_algorithm: digest})
    digests = MemberDigests(MEMBERS)
    signature = good_signature()
    for one in (signature, signature, replace(signature, data=b"other", data_hash=sm3(b"other"))):
        check = check_data_hash(one, digests)
        assert check is not None
        assert check.outcome is Outcome.VALID
    assert computed == [b"signature", b"other"]


def test_a_seal_signature_without_the_file_is_unknown() -> None:
    """A bare SignedValue.dat proves nothing about content that is not at hand."""
    check = check_data_hash(replace(good_signature(), data=None), DIGESTS)
    assert check is not None
    assert (check.outcome, check.reason) == (Outcome.UNKNOWN, Reason.DATA_HASH_NOT_AT_HAND)


def test_a_seal_signature_without_a_hash_is_invalid() -> None:
    """Only a plain signature may sign the data directly."""
    check = check_data_hash(replace(good_signature(), data_hash=None), DIGESTS)
    assert check is not None
    assert check.reason is Reason.DATA_HASH_MISMATCH
    assert check_data_hash(replace(good_signature(), data_hash=None, kind=SignatureKind.SIGN), DIGESTS) is None


def test_a_member_is_digested_once_however_often_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work for a document is bounded by its size, not by how many references signatures make to it."""
    computed = []
    monkeypatch.setattr("gateway.checks.content.sm3", lambda data: computed.append(data) or sm3(data))
    path = "Doc_0/Document.xml"
    digests = MemberDigests(MEMBERS)
    for _ in range(3):
        check = check_references(with_entries(good_signature(), *([reference(path)] * 50)), digests)
        assert check is not None
        assert check.outcome is Outcome.VALID
    assert computed == [MEMBERS[path]]
