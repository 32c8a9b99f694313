"""Documents in OFD files: what a viewer would open must be there, once, and in no circle."""

import pytest

from adapters.document import Note
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ofd.document import is_document_root
from adapters.ofd.package import Package, Part
from adapters.ofd.reader import parse_ofd
from adapters.strict import bounds
from tests.support.ofd import (
    NAMESPACE,
    PAGES,
    SIGNATURE_LIST,
    Members,
    ZipMember,
    build_zip,
    element,
    part,
    read,
    refused,
    signed_members,
    unsigned_members,
    with_document,
    without,
)

LIST_REFERENCE = element("Attachments", "Attachments.xml")
UNSIGNED = unsigned_members()
INDEX_BODY = element("DocBody", element("DocRoot", "Doc_0/Document.xml"))


def _index(content: str) -> dict[str, bytes | str]:
    return {**UNSIGNED, "OFD.xml": part("OFD", content)}


MALFORMED_DOCUMENTS = {
    "no index": (without(UNSIGNED, "OFD.xml"), Malformed.MISSING_MEMBER),
    "an index in another case": (
        {"ofd.xml": UNSIGNED["OFD.xml"], **without(UNSIGNED, "OFD.xml")},
        Malformed.MISSING_MEMBER,
    ),
    "another root": ({**UNSIGNED, "OFD.xml": part("Ofd", INDEX_BODY)}, Malformed.XML),
    "another encoding": (
        {**UNSIGNED, "OFD.xml": str(UNSIGNED["OFD.xml"]).encode("utf-16")},
        Malformed.XML_ENCODING,
    ),
    "no body": (_index(""), Malformed.STRUCTURE),
    "too many bodies": (_index(INDEX_BODY * (bounds.MAX_BODIES + 1)), Malformed.TOO_LARGE),
    "too many versions": (
        _index(
            element(
                "DocBody",
                element("DocRoot", "Doc_0/Document.xml")
                + element("Versions", element("Version", BaseLoc="V.xml") * (bounds.MAX_BODIES + 1)),
            )
        ),
        Malformed.TOO_LARGE,
    ),
    "no document": (_index(element("DocBody")), Malformed.STRUCTURE),
    "two documents in one body": (
        _index(element("DocBody", element("DocRoot", "Doc_0/Document.xml") * 2)),
        Malformed.STRUCTURE,
    ),
    "a document without a path": (_index(element("DocBody", element("DocRoot"))), Malformed.PATH),
    "a document outside the package": (_index(element("DocBody", element("DocRoot", "../D.xml"))), Malformed.PATH),
    "a document that is the index": (_index(element("DocBody", element("DocRoot", "OFD.xml"))), Malformed.LOOP),
    "a missing document": (without(UNSIGNED, "Doc_0/Document.xml"), Malformed.MISSING_MEMBER),
    "a document with another root": ({**UNSIGNED, "Doc_0/Document.xml": part("Page", PAGES)}, Malformed.XML),
    "no pages": (with_document(""), Malformed.STRUCTURE),
    "no page": (with_document(element("Pages")), Malformed.STRUCTURE),
    "two lists of pages": (with_document(PAGES * 2), Malformed.STRUCTURE),
    "a page without a place": (with_document(element("Pages", element("Page", ID="1"))), Malformed.STRUCTURE),
    "a missing page": (without(UNSIGNED, "Doc_0/Pages/Page_0/Content.xml"), Malformed.MISSING_MEMBER),
    "a page that is the document": (
        with_document(element("Pages", element("Page", BaseLoc="Document.xml"))),
        Malformed.LOOP,
    ),
    "a missing template": (
        with_document(element("CommonData", element("TemplatePage", ID="2", BaseLoc="Tpls/T.xml")) + PAGES),
        Malformed.MISSING_MEMBER,
    ),
    "a missing page of annotations": (
        with_document(
            PAGES + element("Annotations", "A.xml"),
            A=part("Annotations", element("Page", element("FileLoc", "none.xml"), PageID="1")),
        ),
        Malformed.MISSING_MEMBER,
    ),
    "annotations that name their list": (
        with_document(
            PAGES + element("Annotations", "A.xml"),
            A=part("Annotations", element("Page", element("FileLoc", "A.xml"), PageID="1")),
        ),
        Malformed.LOOP,
    ),
    "a missing list of attachments": (with_document(PAGES + LIST_REFERENCE), Malformed.MISSING_MEMBER),
    "a missing list of custom tags": (with_document(PAGES + element("CustomTags", "T.xml")), Malformed.MISSING_MEMBER),
    "two lists of attachments": (with_document(PAGES + LIST_REFERENCE * 2), Malformed.STRUCTURE),
    "a missing attachment": (
        with_document(
            PAGES + LIST_REFERENCE,
            Attachments=part("Attachments", element("Attachment", element("FileLoc", "none.xml"))),
        ),
        Malformed.MISSING_MEMBER,
    ),
    "an attachment without a place": (
        with_document(PAGES + LIST_REFERENCE, Attachments=part("Attachments", element("Attachment"))),
        Malformed.STRUCTURE,
    ),
    "an attachment that is its own list": (
        with_document(
            PAGES + LIST_REFERENCE,
            Attachments=part("Attachments", element("Attachment", element("FileLoc", "Attachments.xml"))),
        ),
        Malformed.LOOP,
    ),
    "attachments and tags in one list": (
        with_document(
            PAGES + LIST_REFERENCE + element("CustomTags", "Attachments.xml"), Attachments=part("Attachments", "")
        ),
        Malformed.LOOP,
    ),
    "a missing custom tag": (
        with_document(
            PAGES + element("CustomTags", "T.xml"),
            T=part("CustomTags", element("CustomTag", element("FileLoc", "none.xml"))),
        ),
        Malformed.MISSING_MEMBER,
    ),
    "a missing version": (
        _index(
            element(
                "DocBody",
                element("DocRoot", "Doc_0/Document.xml") + element("Versions", element("Version", BaseLoc="V.xml")),
            )
        ),
        Malformed.MISSING_MEMBER,
    ),
    "one list of attachments for two documents": (
        {
            **_index(INDEX_BODY + INDEX_BODY.replace("Document", "Second")),
            "Doc_0/Document.xml": part("Document", PAGES + LIST_REFERENCE),
            "Doc_0/Second.xml": part("Document", PAGES + LIST_REFERENCE),
            "Doc_0/Attachments.xml": part("Attachments", ""),
        },
        Malformed.STRUCTURE,
    ),
}


@pytest.mark.parametrize(("members", "malformed"), MALFORMED_DOCUMENTS.values(), ids=MALFORMED_DOCUMENTS.keys())
def test_a_document_that_names_what_is_not_there_is_refused(members: Members, malformed: Malformed) -> None:
    """Missing files, repeated elements, paths that lead out, and files that name themselves."""
    assert refused(members).malformed is malformed


def test_a_version_is_a_document_that_a_viewer_may_show() -> None:
    """It is walked like the others and counted among the roots."""
    versions = element("Versions", element("Version", ID="1", BaseLoc="Doc_0/V.xml"))
    body = element("DocBody", element("DocRoot", "Doc_0/Document.xml") + versions)
    members = {
        **_index(body),
        "Doc_0/V.xml": part("DocVersion", element("DocRoot", "Old.xml")),
        "Doc_0/Old.xml": UNSIGNED["Doc_0/Document.xml"],
    }
    assert read(members).document_roots == ("Doc_0/Document.xml", "Doc_0/Old.xml")
    assert refused(without(members, "Doc_0/Old.xml")).malformed is Malformed.MISSING_MEMBER


def test_a_missing_list_of_annotations_is_noted() -> None:
    """It shows nothing; if it was signed, its reference is dangling."""
    assert read(with_document(PAGES + element("Annotations", "A.xml"))).notes == {Note.ANNOTATIONS_MISSING}


@pytest.mark.parametrize("name", ["BaseLoc", "FileLoc"])
def test_shown_files_may_differ_in_case_under_a_note(name: str) -> None:
    """Real producers name TPLS and store Tpls; no second member can be meant, the package reader has seen to that."""
    if name == "BaseLoc":
        members = with_document(PAGES.replace("Pages/Page_0", "PAGES/Page_0"))
    else:
        annotations = part("Annotations", element("Page", element("FileLoc", "a_page.XML"), PageID="1"))
        members = {**with_document(PAGES + element("Annotations", "A.xml"), A=annotations), "Doc_0/A_Page.xml": "x"}
    assert read(members).notes == {Note.LOCATION_DIFFERS_IN_CASE}


def test_the_older_namespace_is_read_under_a_note() -> None:
    """Files before 2016 leave the year out of the namespace."""
    members = {
        name: str(content).replace(NAMESPACE, "http://www.ofdspec.org") for name, content in unsigned_members().items()
    }
    assert read(members).notes == {Note.NAMESPACE_WITHOUT_YEAR}


def test_the_xml_of_a_package_is_bounded_together() -> None:
    """Files that are fine one by one are refused when there is too much to read."""
    padding = f"<!--{' ' * 1_000_000}-->" * (bounds.MAX_XML // 1_000_010)
    members = dict(signed_members())
    for name in ("OFD.xml", "Doc_0/Document.xml", SIGNATURE_LIST):
        members[name] = str(members[name]) + padding
    stored = [
        ZipMember(name=name, content=content.encode() if isinstance(content, str) else content, method=0)
        for name, content in members.items()
    ]
    with pytest.raises(MalformedDocumentError) as caught:
        parse_ofd(build_zip(stored))
    assert (caught.value.malformed, caught.value.where) == (Malformed.TOO_LARGE, SIGNATURE_LIST)


def test_a_file_plays_one_part() -> None:
    """Content may be named again, a file that names others may not; another part is a loop."""
    read = Package({"a": b"", "b": b""})
    assert read.claim("a", Part.CONTENT) == read.claim("a", Part.CONTENT) == read.claim("b", Part.DOCUMENT) == b""
    for path, part_again, malformed in (
        ("a", Part.DOCUMENT, Malformed.LOOP),
        ("b", Part.CONTENT, Malformed.LOOP),
        ("b", Part.DOCUMENT, Malformed.STRUCTURE),
        ("c", Part.CONTENT, Malformed.MISSING_MEMBER),
    ):
        with pytest.raises(MalformedDocumentError) as caught:
            read.claim(path, part_again)
        assert (caught.value.malformed, caught.value.where) == (malformed, path)


@pytest.mark.parametrize("kind", ["PublicRes", "DocumentRes"])
def test_a_missing_list_of_resources_is_noted(kind: str) -> None:
    """Real files name lists that are not there; what is put there later is content that nobody signed."""
    content = element("CommonData", element(kind, "Res.xml")) + PAGES
    assert read(with_document(content)).notes == {Note.RESOURCES_MISSING}
    assert read(with_document(content, Res=part("Res", ""))).notes == frozenset()


@pytest.mark.parametrize(
    ("content", "is_root"),
    [
        (b"<Document/>", True),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><ofd:Document xmlns:ofd='u'>", True),
        (b"<?x <Other?><Document>", True),
        (b"<Documents/>", False),
        (b"<!-- <Document/> --><Page/>", False),
        (b"<ofd:Page><Document/></ofd:Page>", False),
        (b"<!--" * 10_000, False),
        (b"", False),
    ],
)
def test_a_document_root_is_told_by_its_first_element(content: bytes, *, is_root: bool) -> None:
    """An index that nobody covers could choose any of them."""
    assert is_document_root(content) is is_root
