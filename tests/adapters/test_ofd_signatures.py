"""Signatures in OFD files: valid ones in every spelling, then one thing wrong at a time."""

import base64

import pytest

from adapters.document import Document, DocumentSignature, Note, SignatureKind, Standard
from adapters.errors import Malformed
from adapters.strict import bounds
from tests.support.ofd import (
    BARE_SIGNATURE,
    CHECK_VALUE,
    SIGNATURE,
    SIGNATURE_LIST,
    SIGNED_VALUE,
    Members,
    element,
    part,
    read,
    refused,
    signed_members,
    unsigned_members,
    without,
)


def _only(document: Document) -> DocumentSignature:
    (signature,) = document.signatures
    return signature


def test_a_package_without_signatures_has_none() -> None:
    """Nothing is wrong with it as a file; whether it may stay unsigned is for the caller."""
    document = read(unsigned_members())
    assert document.signatures == ()
    assert document.signature_lists == frozenset()


@pytest.mark.parametrize("body", [element("Signatures"), element("Signatures", " ")])
def test_an_empty_signatures_element_names_no_list(body: str) -> None:
    """Some producers write the element before anything is signed."""
    assert read(unsigned_members(body=body)).signatures == ()


def test_an_empty_list_has_no_signatures() -> None:
    """It may not stay uncovered either: a list that lists nothing may be anything."""
    document = read(without(without(signed_members(entry=element("MaxSignId", "0")), SIGNATURE), SIGNED_VALUE))
    assert document.signatures == ()
    assert document.signature_lists == frozenset()


@pytest.mark.parametrize(
    "extra",
    [
        element("Content", element("Layer", "another page")),
        "text",
        "<!-- comment -->",
        element("MaxSignId", "1" * 17),
        element("MaxSignId", element("x")),
    ],
)
def test_a_list_that_holds_anything_else_is_not_taken_for_one(extra: str) -> None:
    """What may stay uncovered must not be of use for anything but listing signatures."""
    document = read(signed_members(entry=ENTRY + extra))
    assert (len(document.signatures), document.signature_lists) == (1, frozenset())
    inside = ENTRY.replace("></ofd:Signature>", f">{extra}</ofd:Signature>")
    assert read(signed_members(entry=inside)).signature_lists == frozenset()
    assert read(signed_members(entry=ENTRY + element("MaxSignId", "1"))).signature_lists == {SIGNATURE_LIST}


def test_the_smallest_signature() -> None:
    """Its data are the bytes of Signature.xml as stored; its own files are that file and the signed value."""
    members = signed_members()
    signature = _only(read(members))
    assert (signature.id, signature.kind, signature.standard) == ("1", SignatureKind.SIGN, Standard.BARE)
    assert signature.location == SIGNATURE
    assert signature.data == signature.signed.message == str(members[SIGNATURE]).encode()
    assert signature.signed.signature == BARE_SIGNATURE
    assert signature.own_files == {SIGNATURE, SIGNED_VALUE}
    assert signature.references is not None
    (entry,) = signature.references.entries
    assert (entry.path, entry.expected) == ("OFD.xml", bytes(range(32)))
    assert entry.content == str(members["OFD.xml"]).encode()


def test_the_order_of_children_does_not_matter() -> None:
    """The signed value before the signed information, and references behind other children, are read by name."""
    content = element("SignedValue", "SignedValue.dat") + element(
        "SignedInfo",
        element("Seal", element("BaseLoc", "Seal.esl"))
        + element("StampAnnot", ID="1", PageRef="1") * 2
        + element("References", CheckMethod="SM3")
        + element("Provider", ProviderName="x"),
    )
    signature = _only(read({**signed_members(), SIGNATURE: part("Signature", content)}))
    assert signature.own_files == {SIGNATURE, SIGNED_VALUE}
    assert signature.references is not None
    assert signature.references.entries == ()


def test_a_missing_type_means_seal() -> None:
    """A bare value is no seal signature, so the default shows in what is refused, with the file that is at fault."""
    refusal = refused(signed_members(entry=element("Signature", ID="1", BaseLoc=f"/{SIGNATURE}")))
    assert refusal.malformed is Malformed.DER
    assert refusal.where.startswith(SIGNED_VALUE)


def test_the_signature_lists_of_all_bodies_are_read() -> None:
    """A second document in the package is walked and its signatures are found; ids are unique per list only."""
    first = signed_members()
    second = {
        name.replace("Doc_0", "Doc_1"): content.replace("Doc_0", "Doc_1") if isinstance(content, str) else content
        for name, content in first.items()
        if name != "OFD.xml"
    }
    body = element(
        "DocBody", element("DocRoot", "Doc_0/Document.xml") + element("Signatures", "Doc_0/Signs/Signatures.xml")
    )
    bodies = body + body.replace("Doc_0", "Doc_1")
    document = read({**first, **second, "OFD.xml": part("OFD", bodies)})
    assert [signature.location for signature in document.signatures] == [SIGNATURE, SIGNATURE.replace("Doc_0", "Doc_1")]
    assert document.document_roots == ("Doc_0/Document.xml", "Doc_1/Document.xml")
    assert len(document.signature_lists) == 2


def test_the_signatures_of_all_lists_are_bounded_together() -> None:
    """Two lists of half the bound each, and one signature more."""
    first = signed_members()
    half = bounds.MAX_SIGNATURES // 2
    members: dict[str, bytes | str] = {"OFD.xml": ""}
    for n, number in ((0, half), (1, half + 1)):
        entries = [element("Signature", ID=str(i), Type="Sign", BaseLoc=f"{i}.xml") for i in range(number)]
        signatures = {f"Signs/{i}.xml": str(first[SIGNATURE]).replace("Sign_0/", f"{i}_") for i in range(number)}
        files: dict[str, bytes | str] = {
            "Document.xml": first["Doc_0/Document.xml"],
            "Pages/Page_0/Content.xml": "",
            "Signs/Signatures.xml": part("Signatures", "".join(entries)),
            **signatures,
            **{f"Signs/{i}_SignedValue.dat": BARE_SIGNATURE for i in range(number)},
        }
        for name, content in files.items():
            moved = content.replace("Doc_0", f"Doc_{n}") if isinstance(content, str) else content
            members[f"Doc_{n}/{name}"] = moved
    body = element("DocRoot", "Doc_0/Document.xml") + element("Signatures", SIGNATURE_LIST)
    bodies = element("DocBody", body) + element("DocBody", body.replace("Doc_0", "Doc_1"))
    refusal = refused({**members, "OFD.xml": part("OFD", bodies)})
    assert (refusal.malformed, refusal.where) == (Malformed.TOO_LARGE, "Doc_1/Signs/Signatures.xml")
    document = read({**members, "OFD.xml": part("OFD", element("DocBody", body))})
    assert len(document.signatures) == half


def _with_reference(reference: str, method: str = ' CheckMethod="SM3"') -> dict[str, bytes | str]:
    return signed_members(references=f"<ofd:References{method}>{reference}</ofd:References>")


@pytest.mark.parametrize(
    ("check_value", "wanted"),
    [
        (element("CheckValue", CHECK_VALUE), bytes(range(32))),
        (element("CheckValue", f"\n {CHECK_VALUE[:20]}\n {CHECK_VALUE[20:]} "), bytes(range(32))),
        (element("CheckValue", base64.b64encode(b"short").decode()), b"short"),
        (element("CheckValue", base64.b64encode(bytes(64)).decode()), bytes(64)),
        ("", None),
        (element("CheckValue"), None),
        (element("CheckValue", "not base64!"), None),
        (element("CheckValue", CHECK_VALUE[:-1]), None),
        (element("CheckValue", base64.b64encode(bytes(65)).decode()), None),
    ],
)
def test_a_digest_is_kept_as_it_is(check_value: str, wanted: bytes | None) -> None:
    """A wrong length stays, for the check to fail; what is missing or no base64 is None, which fails too."""
    references = _only(read(_with_reference(element("Reference", check_value, FileRef="/OFD.xml")))).references
    assert references is not None
    assert [entry.expected for entry in references.entries] == [wanted]


@pytest.mark.parametrize(
    ("location", "member"),
    [
        ("/OFD.xml", "OFD.xml"),
        ("./OFD.xml", "OFD.xml"),
        ("OFD.xml", "OFD.xml"),
        ("../../../OFD.xml", "OFD.xml"),
        ("Doc_0/Document.xml", "Doc_0/Document.xml"),
        ("./SignedValue.dat", SIGNED_VALUE),
        ("/./OFD.xml", "OFD.xml"),
    ],
)
def test_a_reference_is_found_from_its_file_or_from_the_root(location: str, member: str) -> None:
    """Absolute, relative to Signature.xml, or relative to the package as some producers mean it; never to both."""
    references = _only(read(_with_reference(element("Reference", FileRef=location)))).references
    assert references is not None
    assert [entry.path for entry in references.entries] == [member]
    assert references.entries[0].content is not None


@pytest.mark.parametrize(
    ("locations", "moved"),
    [
        (["OFD.xml"], "OFD.xml"),
        (["./OFD.xml", "Doc_0/Document.xml"], "Doc_0/Document.xml"),
        (["OFD.xml", "Doc_0/Pages/Page_0/Content.xml"], "Doc_0/Pages/Page_0/Content.xml"),
    ],
)
def test_a_member_under_both_bases_is_refused(locations: list[str], moved: str) -> None:
    """The protected file must not be put aside under the signature's folder while another takes its place."""
    members = _with_reference("".join(element("Reference", FileRef=location) for location in locations))
    refusal = refused({**members, f"Doc_0/Signs/Sign_0/{moved}": members[moved]})
    assert (refusal.malformed, refusal.where) == (Malformed.STRUCTURE, f"{SIGNATURE} @FileRef")


def test_references_with_two_bases_are_refused() -> None:
    """A resource moved under the signature's folder is not found there while others are found from the root."""
    locations = ("./OFD.xml", "./Doc_0/Res/code.png")
    members = _with_reference("".join(element("Reference", FileRef=location) for location in locations))
    assert read({**members, "Doc_0/Res/code.png": b"1"}).signatures
    refusal = refused({**members, "Doc_0/Signs/Sign_0/Doc_0/Res/code.png": b"1"})
    assert refusal.malformed is Malformed.STRUCTURE
    mixed = _with_reference(element("Reference", FileRef="SignedValue.dat") + element("Reference", FileRef="OFD.xml"))
    assert refused(mixed).malformed is Malformed.STRUCTURE


@pytest.mark.parametrize(
    ("location", "relative"),
    [("/OFD.xml", False), ("OFD.xml", False), ("../../../OFD.xml", True), ("SignedValue.dat", True), ("missing", True)],
)
def test_references_from_the_folder_of_the_signature_are_noted(location: str, *, relative: bool) -> None:
    """They mean what they say only as long as the signature stays where it was."""
    notes = _only(read(_with_reference(element("Reference", FileRef=location)))).notes
    assert (Note.RELATIVE_REFERENCES in notes) is relative


@pytest.mark.parametrize("location", ["/missing.xml", "missing.xml", "/ofd.xml", "../missing.xml", "/Doc_0"])
def test_a_dangling_reference_has_no_content(location: str) -> None:
    """Names are compared exactly, case included: a reader that ignores case could be shown something else."""
    references = _only(read(_with_reference(element("Reference", FileRef=location)))).references
    assert references is not None
    assert references.entries[0].content is None


def test_two_references_to_one_member_are_both_kept() -> None:
    """Each of them will have to match."""
    reference = element("Reference", FileRef="/OFD.xml") + element("Reference", FileRef="OFD.xml")
    references = _only(read(_with_reference(reference))).references
    assert references is not None
    assert [entry.path for entry in references.entries] == ["OFD.xml", "OFD.xml"]


@pytest.mark.parametrize(
    ("attribute", "method"),
    [("", ""), (' CheckMethod="MD5"', "MD5"), (' CheckMethod=""', ""), (' CheckMethod="sm3"', "sm3")],
)
def test_the_digest_method_is_kept_as_written(attribute: str, method: str) -> None:
    """A missing attribute is the empty text, never a default."""
    references = _only(read(_with_reference("", attribute))).references
    assert references is not None
    assert references.method == method


def test_the_odd_name_of_sm3_is_noted() -> None:
    """One vendor writes the identifier of HMAC-SM3 and means SM3."""
    assert _only(read(_with_reference("", ' CheckMethod="1.2.156.10197.1.401.2"'))).notes == {
        Note.NON_STANDARD_CHECK_METHOD
    }


SIGNED = signed_members()
ENTRY = element("Signature", ID="1", Type="Sign", BaseLoc=f"/{SIGNATURE}")
REFERENCES = element("References", CheckMethod="SM3")
VALUE = element("SignedValue", f"/{SIGNED_VALUE}")


def _signature(content: str) -> dict[str, bytes | str]:
    return {**SIGNED, SIGNATURE: part("Signature", content)}


MALFORMED_SIGNATURES = {
    "the list is missing": (without(SIGNED, SIGNATURE_LIST), Malformed.MISSING_MEMBER),
    "the signature is missing": (without(SIGNED, SIGNATURE), Malformed.MISSING_MEMBER),
    "the signed value is missing": (without(SIGNED, SIGNED_VALUE), Malformed.MISSING_MEMBER),
    "the signed value is empty": ({**SIGNED, SIGNED_VALUE: b""}, Malformed.DER),
    "the signed value is text": ({**SIGNED, SIGNED_VALUE: b"signed"}, Malformed.DER),
    "the list has another root": ({**SIGNED, SIGNATURE_LIST: part("Signature", ENTRY)}, Malformed.XML),
    "the signature has another root": ({**SIGNED, SIGNATURE: part("Signatures", "")}, Malformed.XML),
    "the signature is not XML": ({**SIGNED, SIGNATURE: "signature"}, Malformed.XML),
    "the signature has a document type": (
        {**SIGNED, SIGNATURE: "<!DOCTYPE Signature>" + part("Signature", "")},
        Malformed.XML_DTD,
    ),
    "no signed value": (_signature(element("SignedInfo", REFERENCES)), Malformed.STRUCTURE),
    "two signed values": (_signature(element("SignedInfo", REFERENCES) + VALUE * 2), Malformed.STRUCTURE),
    "no signed information": (_signature(VALUE), Malformed.STRUCTURE),
    "two pieces of signed information": (
        _signature(element("SignedInfo", REFERENCES) * 2 + VALUE),
        Malformed.STRUCTURE,
    ),
    "no references": (_signature(element("SignedInfo") + VALUE), Malformed.STRUCTURE),
    "two lists of references": (_signature(element("SignedInfo", REFERENCES * 2) + VALUE), Malformed.STRUCTURE),
    "a signed value that a comment splits": (
        _signature(element("SignedInfo", REFERENCES) + element("SignedValue", f"/<!-- -->{SIGNED_VALUE}")),
        Malformed.STRUCTURE,
    ),
    "a signed value without a path": (
        _signature(element("SignedInfo", REFERENCES) + element("SignedValue")),
        Malformed.PATH,
    ),
    "a signed value that is the signature": (
        _signature(element("SignedInfo", REFERENCES) + element("SignedValue", "Signature.xml")),
        Malformed.LOOP,
    ),
    "a signed value that is a page": (
        _signature(element("SignedInfo", REFERENCES) + element("SignedValue", "/Doc_0/Pages/Page_0/Content.xml")),
        Malformed.LOOP,
    ),
    "two seals": (signed_members(signed_info=element("Seal") * 2), Malformed.STRUCTURE),
    "a reference to nothing": (_with_reference(element("Reference")), Malformed.STRUCTURE),
    "a reference with two digests": (
        _with_reference(element("Reference", element("CheckValue", CHECK_VALUE) * 2, FileRef="/OFD.xml")),
        Malformed.STRUCTURE,
    ),
    "a digest that a comment splits": (
        _with_reference(element("Reference", element("CheckValue", f"AA<!-- -->{CHECK_VALUE}"), FileRef="/OFD.xml")),
        Malformed.STRUCTURE,
    ),
    "a reference that leaves the package": (
        _with_reference(element("Reference", FileRef="/../OFD.xml")),
        Malformed.PATH,
    ),
    "a reference with a backslash": (_with_reference(element("Reference", FileRef="\\OFD.xml")), Malformed.PATH),
    "too many references": (
        _with_reference(element("Reference", FileRef="/OFD.xml") * (bounds.MAX_REFERENCES + 1)),
        Malformed.TOO_LARGE,
    ),
    "one signature listed twice": (signed_members(entry=ENTRY + ENTRY.replace('"1"', '"2"')), Malformed.STRUCTURE),
    "two signatures with one id": (
        signed_members(entry=ENTRY + ENTRY.replace("Sign_0", "Sign_1")),
        Malformed.STRUCTURE,
    ),
    "two signatures without an id": (
        signed_members(entry=(ENTRY + ENTRY.replace("Sign_0", "Sign_1")).replace('ID="1"', "")),
        Malformed.STRUCTURE,
    ),
    "an entry without a place": (signed_members(entry=element("Signature", ID="1")), Malformed.STRUCTURE),
    "an entry of another type": (signed_members(entry=ENTRY.replace('"Sign"', '"sign"')), Malformed.STRUCTURE),
    "an entry that is the list": (
        signed_members(entry=element("Signature", ID="1", BaseLoc="Signatures.xml")),
        Malformed.LOOP,
    ),
    "an entry outside the package": (
        signed_members(entry=element("Signature", ID="1", BaseLoc="../../../x.xml")),
        Malformed.PATH,
    ),
    "a base signature that is not listed": (
        signed_members(entry=ENTRY.replace("/>", ">").replace("ofd:Signature ", 'ofd:Signature Relative="7" ')),
        Malformed.STRUCTURE,
    ),
    "a signature that is its own base": (
        signed_members(entry=ENTRY.replace("ofd:Signature ", 'ofd:Signature Relative="1" ')),
        Malformed.LOOP,
    ),
    "two signatures that are each other's base": (
        signed_members(
            entry=ENTRY.replace("ofd:Signature ", 'ofd:Signature Relative="2" ')
            + element("Signature", ID="2", Relative="1", Type="Sign", BaseLoc="Sign_1/Signature.xml")
        ),
        Malformed.LOOP,
    ),
    "too many signatures": (
        signed_members(
            entry="".join(element("Signature", ID=str(n), BaseLoc=f"{n}.xml") for n in range(bounds.MAX_SIGNATURES + 1))
        ),
        Malformed.TOO_LARGE,
    ),
}


@pytest.mark.parametrize(("members", "malformed"), MALFORMED_SIGNATURES.values(), ids=MALFORMED_SIGNATURES.keys())
def test_a_signature_that_cannot_be_read_one_way_is_refused(members: Members, malformed: Malformed) -> None:
    """Missing, repeated, split or circular: the kind of fault says which."""
    assert refused(members).malformed is malformed
