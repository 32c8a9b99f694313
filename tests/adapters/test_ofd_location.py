"""Locations in an OFD package: to a member, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Malformed, MalformedDocumentError
from adapters.ofd.location import resolve


@pytest.mark.parametrize(
    ("base", "location", "member"),
    [
        ("OFD.xml", "Doc_0/Document.xml", "Doc_0/Document.xml"),
        ("OFD.xml", "/Doc_0/Document.xml", "Doc_0/Document.xml"),
        ("Doc_0/Document.xml", "Pages/Page_0/Content.xml", "Doc_0/Pages/Page_0/Content.xml"),
        ("Doc_0/Document.xml", "./Pages/./P.xml", "Doc_0/Pages/P.xml"),
        ("Doc_0/Signs/Signatures.xml", "../Document.xml", "Doc_0/Document.xml"),
        ("Doc_0/Signs/Signatures.xml", "a/../b.xml", "Doc_0/Signs/b.xml"),
        ("Doc_0/Signs/Signatures.xml", "/OFD.xml", "OFD.xml"),
        ("a/b.xml", "中文.xml", "a/中文.xml"),
    ],
)
def test_locations_lead_to_members(base: str, location: str, member: str) -> None:
    """Absolute ones from the root, relative ones from the folder of the file they stand in."""
    assert resolve(base, location) == member


@pytest.mark.parametrize(
    "location",
    [
        "", "/", ".", "..", "./", "../", "a/", "a//b", "//a", "/../a", "/a/../b", "../../a", "a/../../../b", "a\\b",
        "\\a", "a\0", "a\nb", "a/.", "a/..", "a\u202eb", "x" * 2_000,
    ],
)  # fmt: skip
def test_other_locations_are_refused(location: str) -> None:
    """Out of the package, folders, empty segments, backslashes, characters that do not show."""
    with pytest.raises(MalformedDocumentError) as caught:
        resolve("Doc_0/Document.xml", location)
    assert (caught.value.malformed, caught.value.where) == (Malformed.PATH, "Doc_0/Document.xml")


@given(st.text(alphabet="a./\\", max_size=20))
def test_a_location_never_leaves_the_package(location: str) -> None:
    """Whatever is written, the result is a plain relative name."""
    try:
        member = resolve("Doc_0/Signs/x.xml", location)
    except MalformedDocumentError:
        return
    assert {"", ".", ".."}.isdisjoint(member.split("/"))
