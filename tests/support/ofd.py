"""Small OFD packages made by hand: a ZIP writer whose every field can lie, and members that are valid to start from."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.document import Document
from adapters.errors import MalformedDocumentError
from adapters.ofd.reader import parse_ofd

NAMESPACE = "http://www.ofdspec.org/2016"

_LOCAL = (
    "signature",
    "version",
    "flags",
    "method",
    "time",
    "date",
    "crc",
    "packed",
    "size",
    "name_length",
    "extra_length",
)
_LOCAL_FORM = "<IHHHHHIIIHH"
_CENTRAL = (
    "signature", "made_by", "version", "flags", "method", "time", "date", "crc", "packed", "size",
    "name_length", "extra_length", "comment_length", "disk", "internal", "attributes", "offset",
)  # fmt: skip
_CENTRAL_FORM = "<IHHHHHHIIIHHHHHII"
_END = ("signature", "disk", "directory_disk", "here", "count", "length", "offset", "comment_length")
_END_FORM = "<IHHHHIIH"


@dataclass(frozen=True, kw_only=True)
class ZipMember:
    """One member; ``local`` and ``central`` replace fields of its headers, ``raw_name`` and ``extra`` included.

    ``packed`` replaces the packed bytes, ``after`` follows them (data descriptors go there).
    """

    name: str
    content: bytes = b""
    method: int = 8
    flags: int = 0
    packed: bytes | None = None
    after: bytes = b""
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)
    hidden: bool = False  # in the file, not in the directory


def deflate(content: bytes) -> bytes:
    """Pack as ZIP does: without zlib header and checksum."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def build_zip(
    members: Sequence[ZipMember],
    *,
    prefix: bytes = b"",
    before_directory: bytes = b"",
    before_end: bytes = b"",
    comment: bytes = b"",
    suffix: bytes = b"",
    end: Mapping[str, Any] | None = None,
) -> bytes:
    """Write a ZIP that is valid unless something was replaced; offsets follow what was really written."""
    body = bytearray(prefix)
    directory = bytearray()
    listed = 0
    for member in members:
        packed = member.packed
        if packed is None:
            packed = deflate(member.content) if member.method == 8 else member.content
        values = {
            "made_by": 20, "version": 20, "flags": member.flags, "method": member.method, "time": 0, "date": 0x21,
            "crc": zlib.crc32(member.content), "packed": len(packed), "size": len(member.content), "disk": 0,
            "internal": 0, "attributes": 0, "offset": len(body), "comment_length": 0,
            "raw_name": member.name.encode("utf-8"), "extra": b"",
        }  # fmt: skip
        body += (
            _record(_LOCAL_FORM, _LOCAL, {**values, "signature": 0x04034B50, **member.local}) + packed + member.after
        )
        if not member.hidden:
            directory += _record(_CENTRAL_FORM, _CENTRAL, {**values, "signature": 0x02014B50, **member.central})
            listed += 1
    body += before_directory
    values = {
        "signature": 0x06054B50, "disk": 0, "directory_disk": 0, "here": listed, "count": listed,
        "length": len(directory), "offset": len(body), "comment_length": len(comment), **(end or {}),
    }  # fmt: skip
    return (
        bytes(body + directory)
        + before_end
        + struct.pack(_END_FORM, *(values[name] for name in _END))
        + comment
        + suffix
    )


def _record(form: str, names: Sequence[str], values: dict[str, Any]) -> bytes:
    raw_name: bytes = values["raw_name"]
    extra: bytes = values["extra"]
    values.setdefault("name_length", len(raw_name))
    values.setdefault("extra_length", len(extra))
    return struct.pack(form, *(values[name] for name in names)) + raw_name + extra


# Texts are written in UTF-8. Both forms are named, because a mapping of bytes is not one of bytes or texts to mypy.
Members = Mapping[str, bytes] | Mapping[str, bytes | str]


def package(members: Members) -> bytes:
    """Write members as a plain, valid package."""
    return build_zip([ZipMember(name=name, content=_bytes(content)) for name, content in members.items()])


def _bytes(content: bytes | str) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def element(name: str, content: str = "", **attributes: str) -> str:
    """Write one element in the ofd prefix."""
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<ofd:{name}{written}>{content}</ofd:{name}>"


def part(name: str, content: str, *, namespace: str = NAMESPACE) -> str:
    """Write a whole XML file with that root."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ofd:{name} xmlns:ofd="{namespace}">{content}</ofd:{name}>'


PAGES = element("Pages", element("Page", ID="1", BaseLoc="Pages/Page_0/Content.xml"))


def unsigned_members(*, info: str = "", document: str = "", body: str = "") -> dict[str, bytes | str]:
    """Return the smallest document with one page; the texts are put into DocInfo, Document and DocBody."""
    doc_info = element("DocInfo", element("DocID", "0123456789abcdef0123456789abcdef") + info)
    return {
        "OFD.xml": part("OFD", element("DocBody", doc_info + element("DocRoot", "Doc_0/Document.xml") + body)),
        "Doc_0/Document.xml": part("Document", element("CommonData") + PAGES + document),
        "Doc_0/Pages/Page_0/Content.xml": part("Page", ""),
    }


def with_document(content: str, **files: str) -> dict[str, bytes | str]:
    """Return the smallest document with another Document.xml, and XML files beside it by name."""
    beside = {f"Doc_0/{name}.xml": text for name, text in files.items()}
    return {**unsigned_members(), "Doc_0/Document.xml": part("Document", content), **beside}


# DER SEQUENCE { INTEGER 1, INTEGER 2 }: the barest signature value of type Sign that is in use.
BARE_SIGNATURE = bytes.fromhex("3006020101020102")
SIGNATURE_LIST = "Doc_0/Signs/Signatures.xml"
SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"
SIGNED_VALUE = "Doc_0/Signs/Sign_0/SignedValue.dat"
CHECK_VALUE = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="  # the bytes 0 to 31


def signed_members(
    *,
    info: str = "",
    document: str = "",
    entry: str = "",
    references: str | None = None,
    signed_info: str = "",
    signature: str = "",
) -> dict[str, bytes | str]:
    """Return the smallest document with one signature of type Sign over OFD.xml (its digest is not the right one)."""
    if entry == "":
        entry = element("Signature", ID="1", Type="Sign", BaseLoc=f"/{SIGNATURE}")
    if references is None:
        reference = element("Reference", element("CheckValue", CHECK_VALUE), FileRef="/OFD.xml")
        references = element("References", reference, CheckMethod="SM3")
    return {
        **unsigned_members(info=info, document=document, body=element("Signatures", f"/{SIGNATURE_LIST}")),
        SIGNATURE_LIST: part("Signatures", entry),
        SIGNATURE: part(
            "Signature",
            element("SignedInfo", references + signed_info) + element("SignedValue", f"/{SIGNED_VALUE}") + signature,
        ),
        SIGNED_VALUE: BARE_SIGNATURE,
    }


def read(members: Members) -> Document:
    """Read a package of these members."""
    return parse_ofd(package(members))


def refused(members: Members) -> MalformedDocumentError:
    """Return the error with which a package of these members is refused."""
    with pytest.raises(MalformedDocumentError) as caught:
        read(members)
    return caught.value


def without(members: Members, name: str) -> dict[str, bytes | str]:
    """Return the members but one."""
    return {key: content for key, content in members.items() if key != name}
