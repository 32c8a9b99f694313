"""Composing OFD packages (GB/T 33190): the way back of the reader, for issuers and for tests.

The writer knows layout and names; what is signed and by whom comes in as a function (see ``adapters.ofd.sealing``).
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import count

from lxml import etree

from adapters.ofd.markup import child, encode, numbers, root
from adapters.ofd.page import Font, Page, encode_page

PACKAGE_INDEX = "OFD.xml"  # fixed by GB/T 33190 section 6
DOCUMENT_ROOT = "Doc_0/Document.xml"
SIGNATURE_LIST = "Doc_0/Signs/Signatures.xml"

# Identifiers are unique in a document (GB/T 33190 section 7.2): fonts, colour space, pages, pictures, then objects.
_FONT_IDS: Mapping[Font, int] = {font: position for position, font in enumerate(Font, start=1)}
_COLOUR_SPACE_ID = len(Font) + 1
_FIRST_PAGE_ID = _COLOUR_SPACE_ID + 1

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a ZIP can hold; a fixed one keeps packages reproducible
_REGULAR_FILE = 0o100644 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """What OFD.xml says of the document; ``identifier`` is 32 hexadecimal digits, ``custom`` becomes CustomDatas."""

    identifier: str
    title: str
    author: str
    creator: str
    creator_version: str
    created: date
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that travels inside the package and is listed in Attachments.xml."""

    name: str
    file_name: str
    format: str
    content: bytes
    created: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomTag:
    """A file of custom tags, listed in CustomTags.xml under the name of its scheme."""

    type_id: str
    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageContent:
    """One document before it is sealed: information, pages, PNG pictures by file name, attachments, tags."""

    info: DocumentInfo
    pages: tuple[Page, ...]
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    tags: tuple[CustomTag, ...] = ()


def page_id(index: int) -> int:
    """Tell the identifier that the page with this index (from 0) has in every package written here."""
    return _FIRST_PAGE_ID + index


def encode_members(content: PackageContent, *, signed: bool) -> dict[str, bytes]:
    """Write every member of the package except the signatures; ``signed`` says whether OFD.xml names their list.

    A signature that protects OFD.xml has to find that entry in place, so it is written before anything is signed.

    Raises:
        KeyError: a page uses a picture that ``pictures`` does not hold.
    """
    identifiers = count(page_id(len(content.pages)))
    picture_ids = {name: next(identifiers) for name in content.pictures}
    pages = {
        f"Doc_0/Pages/Page_{index}/Content.xml": encode_page(
            page, identifiers=identifiers, fonts=_FONT_IDS, pictures=picture_ids
        )
        for index, page in enumerate(content.pages)
    }
    members = {
        PACKAGE_INDEX: _encode_package_index(content.info, signed=signed),
        DOCUMENT_ROOT: _encode_document(content, last_id=next(identifiers) - 1),
        "Doc_0/PublicRes.xml": _encode_public_resources(),
    }
    if content.pictures:
        members["Doc_0/DocumentRes.xml"] = _encode_document_resources(picture_ids)
    members |= pages
    members |= {f"Doc_0/Res/{name}": picture for name, picture in content.pictures.items()}
    if content.attachments:
        members["Doc_0/Attachs/Attachments.xml"] = _encode_attachments(content.attachments)
        members |= {f"Doc_0/Attachs/{entry.file_name}": entry.content for entry in content.attachments}
    if content.tags:
        members["Doc_0/Tags/CustomTags.xml"] = _encode_custom_tags(content.tags)
        members |= {f"Doc_0/Tags/{tag.file_name}": tag.content for tag in content.tags}
    return members


def encode_package(members: Mapping[str, bytes]) -> bytes:
    """Put the members into a ZIP: OFD.xml first, then in the given order; the same members give the same bytes."""
    names = sorted(members, key=lambda name: name != PACKAGE_INDEX)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name in names:
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # the same bytes on every system
            entry.external_attr = _REGULAR_FILE
            package.writestr(entry, members[name], compresslevel=6)
    return buffer.getvalue()


def encode_elements(elements: Mapping[str, str], *, name: str) -> bytes:
    """Write metadata as an XML file of its own, one element for each tag; not part of OFD, so in no namespace."""
    part = etree.Element(name)
    for tag, value in elements.items():
        etree.SubElement(part, tag).text = value
    return encode(part)


def _encode_package_index(info: DocumentInfo, *, signed: bool) -> bytes:
    part = root("OFD", {"Version": "1.0", "DocType": "OFD"})
    body = child(part, "DocBody")
    entry = child(body, "DocInfo")
    for name, text in {
        "DocID": info.identifier,
        "Title": info.title,
        "Author": info.author,
        "CreationDate": info.created.isoformat(),
        "Creator": info.creator,
        "CreatorVersion": info.creator_version,
    }.items():
        child(entry, name, text)
    if info.custom:
        customs = child(entry, "CustomDatas")
        for tag, value in info.custom.items():
            child(customs, "CustomData", value, {"Name": tag})
    child(body, "DocRoot", DOCUMENT_ROOT)
    if signed:
        child(body, "Signatures", f"/{SIGNATURE_LIST}")
    return encode(part)


def _encode_document(content: PackageContent, *, last_id: int) -> bytes:
    part = root("Document")
    common = child(part, "CommonData")
    child(common, "MaxUnitID", str(last_id))
    box = numbers(0, 0, content.pages[0].width, content.pages[0].height)
    area = child(common, "PageArea")
    child(area, "PhysicalBox", box)
    child(area, "ApplicationBox", box)
    child(common, "PublicRes", "PublicRes.xml")
    if content.pictures:
        child(common, "DocumentRes", "DocumentRes.xml")
    child(common, "DefaultCS", str(_COLOUR_SPACE_ID))
    pages = child(part, "Pages")
    for index in range(len(content.pages)):
        location = f"Pages/Page_{index}/Content.xml"
        child(pages, "Page", attributes={"ID": str(page_id(index)), "BaseLoc": location})
    if content.attachments:
        child(part, "Attachments", "/Doc_0/Attachs/Attachments.xml")
    if content.tags:
        child(part, "CustomTags", "/Doc_0/Tags/CustomTags.xml")
    return encode(part)


def _encode_public_resources() -> bytes:
    part = root("Res", {"BaseLoc": "Res"})
    spaces = child(part, "ColorSpaces")
    child(spaces, "ColorSpace", attributes={"ID": str(_COLOUR_SPACE_ID), "Type": "RGB", "BitsPerComponent": "8"})
    fonts = child(part, "Fonts")
    for font, identifier in _FONT_IDS.items():
        child(fonts, "Font", attributes={"ID": str(identifier), "FontName": font, "FamilyName": font})
    return encode(part)


def _encode_document_resources(picture_ids: Mapping[str, int]) -> bytes:
    part = root("Res", {"BaseLoc": "Res"})
    media = child(part, "MultiMedias")
    for name, identifier in picture_ids.items():
        attributes = {"ID": str(identifier), "Type": "Image", "Format": "PNG"}
        child(child(media, "MultiMedia", attributes=attributes), "MediaFile", name)
    return encode(part)


def _encode_attachments(attachments: tuple[Attachment, ...]) -> bytes:
    part = root("Attachments")
    for position, entry in enumerate(attachments, start=1):
        attributes = {
            "ID": str(position),
            "Name": entry.name,
            "Format": entry.format,
            "CreationDate": entry.created.isoformat(),
            "Size": str(-(-len(entry.content) // 1024)),  # in kB, rounded up (GB/T 33190 section 20)
            "Visible": "false",
        }
        child(child(part, "Attachment", attributes=attributes), "FileLoc", entry.file_name)
    return encode(part)


def _encode_custom_tags(tags: tuple[CustomTag, ...]) -> bytes:
    part = root("CustomTags")
    for tag in tags:
        child(child(part, "CustomTag", attributes={"TypeID": tag.type_id}), "FileLoc", tag.file_name)
    return encode(part)
