"""Composing OFD packages and adding signatures to them."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from posixpath import dirname, join, normpath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.ofd.markup import NAMESPACE, number
from adapters.ofd.page import Font, Page, Path, Picture, Text, encode_page, rectangle, text_width, wrap
from adapters.ofd.sealing import SignaturePlan, Stamp, add_signatures
from adapters.ofd.writer import (
    PACKAGE_INDEX,
    SIGNATURE_LIST,
    Attachment,
    CustomTag,
    DocumentInfo,
    PackageContent,
    encode_elements,
    encode_members,
    encode_package,
    page_id,
)

PLACES = {"DocRoot", "Signatures", "PublicRes", "DocumentRes", "Attachments", "CustomTags", "FileLoc", "MediaFile"}
SIGNATURE_PLACES = {"SignedValue", "BaseLoc"}

CONTENT = PackageContent(
    info=DocumentInfo(
        identifier="0" * 32,
        title="许可证",
        author="某局",
        creator="test",
        creator_version="1",
        created=date(2026, 8, 31),
        custom={"ZZMC": "许可证", "ZZBH": "A<1>&\"2'"},
    ),
    pages=(
        Page(
            width=210,
            height=297,
            items=(
                Path(data=rectangle(10, 10, 190, 277)),
                Text(x=20, y=30, size=5, content="编号 A1"),
                Picture(resource="code.png", x=20, y=200, width=30, height=30),
            ),
        ),
        Page(width=210, height=297, items=(Text(x=20, y=30, size=5, content="第二页", font=Font.HEI),)),
    ),
    pictures={"code.png": b"\x89PNG..."},
    attachments=(Attachment(name="a", file_name="a.xml", format="xml", content=b"<a/>", created=date(2026, 8, 31)),),
    tags=(CustomTag(type_id="t", file_name="t.xml", content=b"<t/>"),),
)


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


PLAN = SignaturePlan(
    seal=b"seal",
    signed_at=datetime(2026, 8, 30, 20, 30, 5, tzinfo=UTC),
    stamps=(Stamp(page_id=page_id(0), x=130, y=220, width=40, height=40),),
    digest=sha256,
    sealer=lambda description, path: path.encode() + b"|" + sha256(description),
    provider="test",
    provider_version="1",
)


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def resolved(base: str, location: str) -> str:
    return normpath(location.lstrip("/") if location.startswith("/") else join(dirname(base), location))


def named_members(members: Mapping[str, bytes]) -> set[str]:
    """Every member that an XML member names, by element or by attribute."""
    named = set()
    for name, content in members.items():
        if not name.endswith(".xml"):
            continue
        root = etree.fromstring(content)
        # MediaFile is relative to the folder that the resource file declares.
        base = join(dirname(name), root.get("BaseLoc", ""), "x") if local(root) == "Res" else name
        for element in root.iter():
            if local(element) in PLACES | SIGNATURE_PLACES and (element.text or "").strip():
                named.add(resolved(base, element.text or ""))
            if local(element) in {"Page", "Signature"} and "BaseLoc" in element.attrib:
                named.add(resolved(name, element.attrib["BaseLoc"]))
    return named


def references(description: bytes) -> dict[str, bytes]:
    return {
        element.attrib["FileRef"].lstrip("/"): base64.b64decode(element[0].text or "")
        for element in etree.fromstring(description).iter(f"{{{NAMESPACE}}}Reference")
    }


class TestMembers:
    """What `encode_members` writes."""

    @pytest.mark.parametrize("content", [CONTENT, replace(CONTENT, attachments=(), tags=(), pages=CONTENT.pages[1:])])
    def test_every_member_is_named_and_every_name_is_a_member(self, content):
        """The members of a sealed package are OFD.xml and exactly those that other members name."""
        members = add_signatures(encode_members(content, signed=True), [PLAN])
        assert named_members(members) | {PACKAGE_INDEX} == set(members)

    def test_an_unsigned_package_names_no_signature_list(self):
        """Without signatures OFD.xml says nothing of them."""
        members = encode_members(CONTENT, signed=False)
        assert b"Signatures" not in members[PACKAGE_INDEX]
        assert named_members(members) | {PACKAGE_INDEX} == set(members)

    def test_identifiers_are_unique_and_below_the_stated_maximum(self):
        """No two objects of a document share an identifier, and MaxUnitID is the largest one."""
        members = encode_members(CONTENT, signed=False)
        parts = [members[name] for name in members if name.startswith(("Doc_0/Pages", "Doc_0/P", "Doc_0/D"))]
        elements = [element for part in dict.fromkeys(parts) for element in etree.fromstring(part).iter()]
        identifiers = [int(element.attrib["ID"]) for element in elements if "ID" in element.attrib]
        assert len(set(identifiers)) == len(identifiers)
        (maximum,) = [int(element.text or "") for element in elements if local(element) == "MaxUnitID"]
        assert max(identifiers) == maximum

    def test_pages_use_fonts_and_pictures_that_are_defined(self):
        """Every Font and ResourceID of a page is defined in the resources."""
        members = encode_members(CONTENT, signed=False)
        defined = {
            element.attrib["ID"]
            for name in ("Doc_0/PublicRes.xml", "Doc_0/DocumentRes.xml")
            for element in etree.fromstring(members[name]).iter()
            if "ID" in element.attrib
        }
        used = {
            element.attrib[key]
            for name, part in members.items()
            if name.startswith("Doc_0/Pages/")
            for element in etree.fromstring(part).iter()
            for key in ("Font", "ResourceID")
            if key in element.attrib
        }
        assert used
        assert used <= defined

    def test_custom_data_come_back_as_written(self):
        """CustomDatas hold the given names and texts, special characters included."""
        index = etree.fromstring(encode_members(CONTENT, signed=False)[PACKAGE_INDEX])
        read = {element.attrib["Name"]: element.text for element in index.iter(f"{{{NAMESPACE}}}CustomData")}
        assert read == CONTENT.info.custom

    def test_a_picture_that_is_not_in_the_package_is_refused(self):
        """A page cannot use a picture that the package does not hold."""
        with pytest.raises(KeyError):
            encode_members(replace(CONTENT, pictures={}), signed=False)

    def test_metadata_files_hold_one_element_for_each_tag(self):
        """`encode_elements` writes each tag as one child in no namespace."""
        root = etree.fromstring(encode_elements({"ZZMC": "许可证", "KZ_A": "<&>"}, name="Metadata"))
        assert {element.tag: element.text for element in root} == {"ZZMC": "许可证", "KZ_A": "<&>"}


class TestPackage:
    """What `encode_package` writes."""

    def test_what_is_packed_comes_out_again(self):
        """A package holds each member once, with its bytes, OFD.xml first."""
        members = encode_members(CONTENT, signed=False)
        shuffled = dict(reversed(members.items()))
        with zipfile.ZipFile(io.BytesIO(encode_package(shuffled))) as package:
            assert package.namelist()[0] == PACKAGE_INDEX
            assert {name: package.read(name) for name in package.namelist()} == members

    def test_the_same_members_give_the_same_bytes(self):
        """Packing depends on nothing but the members."""
        assert encode_package(encode_members(CONTENT, signed=True)) == encode_package(
            encode_members(CONTENT, signed=True)
        )


class TestSignatures:
    """What `add_signatures` adds."""

    def test_a_signature_protects_everything_but_its_own_two_files(self):
        """References name every member except Signature.xml and SignedValue.dat, each with its digest."""
        members = add_signatures(encode_members(CONTENT, signed=True), [PLAN])
        own = {"Doc_0/Signs/Sign_0/Signature.xml", "Doc_0/Signs/Sign_0/SignedValue.dat"}
        expected = {name: sha256(content) for name, content in members.items() if name not in own}
        assert references(members["Doc_0/Signs/Sign_0/Signature.xml"]) == expected

    def test_an_open_list_lets_a_second_signature_be_added(self):
        """A signature that leaves the list out stays true when a second is added, which protects the first."""
        members = add_signatures(encode_members(CONTENT, signed=True), [replace(PLAN, covers_list=False), PLAN])
        first = references(members["Doc_0/Signs/Sign_0/Signature.xml"])
        second = references(members["Doc_0/Signs/Sign_1/Signature.xml"])
        assert SIGNATURE_LIST not in first
        assert all(sha256(members[name]) == digest for name, digest in (*first.items(), *second.items()))
        added = {name for name in members if name.startswith("Doc_0/Signs/Sign_1/")} - {"Doc_0/Signs/Sign_1/Seal.esl"}
        assert set(members) - set(second) == added

    def test_a_covered_list_breaks_when_a_signature_is_added(self):
        """A signature that covers the list no longer agrees with it once another one is listed."""
        members = add_signatures(encode_members(CONTENT, signed=True), [PLAN, PLAN])
        assert references(members["Doc_0/Signs/Sign_0/Signature.xml"])[SIGNATURE_LIST] != sha256(
            members[SIGNATURE_LIST]
        )

    def test_the_sealer_gets_the_stored_description_and_its_path(self):
        """What is signed are the bytes of Signature.xml as stored, under its absolute path."""
        members = add_signatures(encode_members(CONTENT, signed=True), [PLAN])
        description = members["Doc_0/Signs/Sign_0/Signature.xml"]
        expected = b"/Doc_0/Signs/Sign_0/Signature.xml|" + sha256(description)
        assert members["Doc_0/Signs/Sign_0/SignedValue.dat"] == expected

    def test_the_stated_time_is_local_and_the_method_may_be_left_out(self):
        """SignatureDateTime is China's time without a zone; check_method None leaves the attribute out."""
        members = add_signatures(encode_members(CONTENT, signed=True), [replace(PLAN, check_method=None)])
        description = members["Doc_0/Signs/Sign_0/Signature.xml"]
        assert b"<ofd:SignatureDateTime>2026-08-31 04:30:05<" in description
        assert b"CheckMethod" not in description

    def test_the_given_members_stay_as_they_are(self):
        """Signing returns new members and leaves its input alone."""
        members = encode_members(CONTENT, signed=True)
        before = dict(members)
        add_signatures(members, [PLAN])
        assert members == before


XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), min_size=1, max_size=40)


class TestPage:
    """What `encode_page` writes."""

    @given(content=XML_TEXT)
    def test_a_text_comes_back_with_one_step_for_each_character_but_the_last(self, content):
        """TextCode holds the text as given and DeltaX as many steps as there are gaps."""
        page = Page(width=100, height=100, items=(Text(x=1, y=9, size=4, content=content),))
        part = etree.fromstring(encode_page(page, identifiers=count(1), fonts={Font.SONG: 1}, pictures={}))
        (code,) = part.iter(f"{{{NAMESPACE}}}TextCode")
        assert code.text == content
        assert len(spelt_steps(code.get("DeltaX", ""))) == len(content) - 1

    @given(value=st.floats(-1e6, 1e6))
    def test_numbers_are_plain_decimals_to_a_thousandth(self, value):
        """A length has no exponent, no needless zero, and lies within half a thousandth."""
        spelt = number(value)
        assert abs(float(spelt) - value) <= 0.0005 + 1e-9
        assert set(spelt) <= set("-.0123456789")
        assert spelt != "-0"
        assert not (spelt.endswith("0") and "." in spelt)

    @given(content=XML_TEXT, width=st.floats(6, 60))
    def test_wrapped_lines_fit_and_lose_nothing(self, content, width):
        """Lines joined give the text again, and none is wider than asked."""
        lines = wrap(content, 5, width)
        assert "".join(lines) == content
        assert all(text_width(line, 5) <= width + 1e-9 for line in lines)


def spelt_steps(array: str) -> list[float]:
    """Read a DeltaX array, groups ("g count value") included."""
    steps: list[float] = []
    words = iter(array.split())
    for word in words:
        if word == "g":
            repeat = int(next(words))
            steps += [float(next(words))] * repeat
        else:
            steps.append(float(word))
    return steps
