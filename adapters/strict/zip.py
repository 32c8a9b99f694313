"""A strict reader of ZIP packages: every record is checked against every other before anything is inflated.

Readers of ZIP files disagree: some follow the central directory, some the local headers, some take the last of two
members with one name, some ignore case.
A package that two readers could see differently is refused, so that what was verified is what will be shown.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import (
    MAX_DOCUMENT,
    MAX_MEMBER,
    MAX_MEMBER_NAME,
    MAX_MEMBERS,
    MAX_MEMBERS_TOTAL,
    MAX_RATIO,
    MAX_ZIP_COMMENT,
    RATIO_FREE,
)
from adapters.strict.member_name import decode_name, fold, has_two_readings, is_plain_name
from adapters.strict.zip_extra import resolve_sizes

# APPNOTE 6.3.10 sections 4.3.7, 4.3.9, 4.3.12 and 4.3.16: fixed parts of the records, signature first.
_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")
_LOCAL_SIGNATURE: Final = 0x04034B50
_CENTRAL_SIGNATURE: Final = 0x02014B50
_END_SIGNATURE: Final = b"PK\x05\x06"
_DESCRIPTOR_SIGNATURE: Final = b"PK\x07\x08"
_ZIP64_LOCATOR: Final = b"PK\x06\x07"  # section 4.3.15, 20 bytes long, directly before the end record
_ZIP64_LOCATOR_SIZE: Final = 20

_STORED: Final = 0
_DEFLATED: Final = 8

# General purpose flags, section 4.4.4: bits 1 and 2 tell how hard the packer tried, 3 that sizes follow, 11 UTF-8.
_ENCRYPTED: Final = 1 << 0 | 1 << 6 | 1 << 13
_SIZES_FOLLOW: Final = 1 << 3
_UTF8: Final = 1 << 11
_KNOWN_FLAGS: Final = 1 << 1 | 1 << 2 | _SIZES_FOLLOW | _UTF8

_LONGEST_COMMENT: Final = 0xFFFF
_EMPTY_STREAM: Final = b"\x03\x00"  # DEFLATE's spelling of nothing

_UNIX_TYPE: Final = 0o170000
_UNIX_REGULAR: Final = 0o100000
_UNIX_DIRECTORY: Final = 0o040000
_DOS_DIRECTORY: Final = 0x10


@dataclass(frozen=True, slots=True)
class _Member:
    """One entry of the central directory, sizes resolved; ``index`` is its number, for error texts."""

    index: int
    raw_name: bytes
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def looks_like_zip(data: bytes) -> bool:
    """Whether the input begins like a ZIP file, even an empty one."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def read_package(data: bytes, *, doubtful_names: set[str] | None = None) -> Mapping[str, bytes]:
    """Return the files of a package by name, in the order of its directory; directories are checked and left out.

    ``doubtful_names`` collects the names that do not say their encoding and can be read in two.

    1. The end record stands exactly at the end, the directory exactly before it.
    2. Every entry of the directory is plain: known method and flags, a name with one meaning, sizes within bounds.
    3. Every local header says what the directory says, and together they fill the file without gap or overlap.
    4. Members are inflated into the size they declared and no further, and their CRC is checked.

    Raises:
        MalformedDocumentError: ZIP, ZIP_MEMBER_NAME, ZIP_ENCRYPTED, ZIP_OVERLAP or TOO_LARGE; nothing else.

    """
    if len(data) > MAX_DOCUMENT:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "package")
    count, directory, end = _read_end(data)  # 1
    members = _read_directory(data, count, directory, end)  # 2
    _check_names(members)
    _check_sizes(members)
    starts = _read_local_headers(data, members, directory)  # 3
    if doubtful_names is not None:
        doubtful_names.update(
            member.name
            for member in members
            if not member.flags & _UTF8 and has_two_readings(member.raw_name, member.name)
        )
    view = memoryview(data)
    return {  # 4
        member.name: _inflate(view[start : start + member.packed], member)
        for member, start in zip(members, starts, strict=True)
        if not member.name.endswith("/")
    }


def _refuse(where: str, malformed: Malformed = Malformed.ZIP) -> NoReturn:
    raise MalformedDocumentError(malformed, where)


def _read_end(data: bytes) -> tuple[int, int, int]:
    """Return number of entries, offset of the directory, offset of the end record.

    A second place that could be the end record (its comment would reach the end of the file too) is refused:
    readers that search forwards and backwards would open different directories.
    """
    ends = []
    found = data.find(_END_SIGNATURE, max(0, len(data) - _END.size - _LONGEST_COMMENT))
    while found >= 0:
        if found + _END.size <= len(data):
            comment = int.from_bytes(data[found + 20 : found + 22], "little")
            if found + _END.size + comment == len(data):
                ends.append(found)
        found = data.find(_END_SIGNATURE, found + 1)
    if len(ends) != 1:
        _refuse("end record")
    end = ends[0]
    # Some readers take the last signature without looking at its comment, or prefer a ZIP64 record whatever is said.
    if data.find(_END_SIGNATURE, end + 1) >= 0:
        _refuse("archive comment")
    if data.startswith(_ZIP64_LOCATOR, max(0, end - _ZIP64_LOCATOR_SIZE)):
        _refuse("ZIP64 end record")
    _, disk, directory_disk, here, count, size, directory, comment = _END.unpack_from(data, end)
    if disk or directory_disk or here != count or directory + size != end:
        _refuse("end record")
    if comment > MAX_ZIP_COMMENT:
        _refuse("archive comment", Malformed.TOO_LARGE)
    if count > MAX_MEMBERS:
        _refuse("number of members", Malformed.TOO_LARGE)
    return count, directory, end


def _read_directory(data: bytes, count: int, directory: int, end: int) -> list[_Member]:
    """Read exactly ``count`` entries that fill the space between ``directory`` and ``end``."""
    members = []
    position = directory
    for index in range(count):
        where = f"directory entry {index}"
        if position + _CENTRAL.size > end:
            _refuse(where)
        (
            signature, _, _, flags, method, _, _, crc, packed, size,
            name_length, extra_length, comment_length, disk, _, attributes, offset,
        ) = _CENTRAL.unpack_from(data, position)  # fmt: skip
        name_start = position + _CENTRAL.size
        extra_start = name_start + name_length
        position = extra_start + extra_length + comment_length
        if signature != _CENTRAL_SIGNATURE or position > end or disk:
            _refuse(where)
        if comment_length:
            _refuse(f"comment of {where}")
        raw_name = data[name_start:extra_start]
        extra = data[extra_start : extra_start + extra_length]
        size, packed, offset = resolve_sizes(extra, raw_name, [size, packed, offset], where)
        name = decode_name(raw_name, where, says_utf8=bool(flags & _UTF8))
        member = _Member(index, raw_name, name, flags, method, crc, packed, size, offset)
        _check_entry(member, attributes, where)
        members.append(member)
    if position != end:
        _refuse("directory")
    return members


def _check_entry(member: _Member, attributes: int, where: str) -> None:
    """Refuse what is no plain file or directory under a name with one meaning."""
    name = member.name
    if member.flags & _ENCRYPTED:
        _refuse(where, Malformed.ZIP_ENCRYPTED)
    if member.flags & ~_KNOWN_FLAGS or member.method not in {_STORED, _DEFLATED}:
        _refuse(where)
    is_directory = name.endswith("/")
    # The upper half of the attributes is the Unix mode, whatever system the entry claims to come from.
    allowed_type = _UNIX_DIRECTORY if is_directory else _UNIX_REGULAR
    if (attributes >> 16) & _UNIX_TYPE not in {0, allowed_type}:
        _refuse(where)
    if (member.size or member.crc) if is_directory else attributes & _DOS_DIRECTORY:
        _refuse(where)
    if not is_plain_name(name):
        _refuse(where, Malformed.ZIP_MEMBER_NAME)


def _check_names(members: list[_Member]) -> None:
    """Refuse names that some reader takes for one: equal, different in case or width, or a file that is a folder."""
    folded: dict[str, str] = {}
    folders = set()
    for member in members:
        name = fold(member.name.removesuffix("/"))
        if len(name) > MAX_MEMBER_NAME or name in folded:  # one character may unfold to eighteen
            _refuse(f"directory entry {member.index}", Malformed.ZIP_MEMBER_NAME)
        folded[name] = member.name
        parent = name.rpartition("/")[0]
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition("/")[0]
    for folder in folders:
        if not folded.get(folder, "/").endswith("/"):
            _refuse("a file is also a folder", Malformed.ZIP_MEMBER_NAME)


def _check_sizes(members: list[_Member]) -> None:
    """Refuse by what the directory declares, before a byte is inflated."""
    total = 0
    for member in members:
        where = f"directory entry {member.index}"
        total += member.size
        if member.size > MAX_MEMBER or total > MAX_MEMBERS_TOTAL:
            _refuse(where, Malformed.TOO_LARGE)
        if member.size > RATIO_FREE and member.size > MAX_RATIO * member.packed:
            _refuse(where, Malformed.TOO_LARGE)


def _read_local_headers(data: bytes, members: list[_Member], directory: int) -> list[int]:
    """Return where each member's packed bytes start; the members must fill the file from 0 to the directory."""
    starts = [0] * len(members)
    expected = 0
    in_file_order = sorted(members, key=lambda member: member.offset)
    ends = [*(member.offset for member in in_file_order[1:]), directory]
    for member, end in zip(in_file_order, ends, strict=False):
        if member.offset != expected:
            _refuse(f"member at {member.offset}", Malformed.ZIP_OVERLAP)
        starts[member.index] = _check_local_header(data, member, end)
        expected = end
    if expected != directory:
        _refuse("directory", Malformed.ZIP_OVERLAP)
    return starts


def _check_local_header(data: bytes, member: _Member, end: int) -> int:
    """Return where the packed bytes start, once the local header and what follows up to ``end`` agree with the entry.

    Sizes are compared as resolved: ZIP64 in the local header only, or a data descriptor, is no difference.
    A directory has no bytes, or those of an empty stream: whatever else it held, no reader would miss it here.
    """
    where = f"member at {member.offset}"
    name_start = member.offset + _LOCAL.size
    if name_start > end:
        _refuse(where, Malformed.ZIP_OVERLAP)
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(
        data, member.offset
    )
    extra_start = name_start + name_length
    start: int = extra_start + extra_length
    raw_name = data[name_start:extra_start]
    # The UTF-8 flag means nothing for an ASCII name, and whether sizes follow is the local header's own affair.
    ignored = _SIZES_FOLLOW | (_UTF8 if raw_name.isascii() else 0)
    if (
        signature != _LOCAL_SIGNATURE
        or raw_name != member.raw_name
        or method != member.method
        or (flags ^ member.flags) & ~ignored
    ):
        _refuse(where)
    if start + member.packed > end:
        _refuse(where, Malformed.ZIP_OVERLAP)
    size, packed = resolve_sizes(data[extra_start:start], raw_name, [size, packed], where)
    declared, resolved = (crc, packed, size), (member.crc, member.packed, member.size)
    if member.name.endswith("/") and data[start : start + member.packed] not in {b"", _EMPTY_STREAM}:
        _refuse(where)
    rest = data[start + member.packed : end]
    if flags & _SIZES_FOLLOW:
        # Who reads from the front cannot know where stored bytes end.
        if method == _STORED:
            _refuse(where)
        if any(early not in {0, final} for early, final in zip(declared, resolved, strict=True)):
            _refuse(where)
        _check_descriptor(rest, resolved, where)
    elif declared != resolved:
        _refuse(where)
    elif rest:
        _refuse(where, Malformed.ZIP_OVERLAP)
    return start


def _check_descriptor(rest: bytes, resolved: tuple[int, int, int], where: str) -> None:
    """Check a data descriptor (section 4.3.9): with or without signature, sizes of 4 or 8 bytes, nothing beside it."""
    body = rest.removeprefix(_DESCRIPTOR_SIGNATURE) if len(rest) in {16, 24} else rest
    form = {12: "<III", 20: "<IQQ"}.get(len(body))
    if form is None:
        _refuse(where, Malformed.ZIP_OVERLAP)
    if struct.unpack(form, body) != resolved:
        _refuse(where)


def _inflate(packed: memoryview, member: _Member) -> bytes:
    """Return the content; a stream that is longer, shorter or followed by anything is refused, as is a wrong CRC."""
    where = f"member at {member.offset}"
    if member.method == _STORED:
        content = bytes(packed)
    else:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = inflater.decompress(packed, member.size + 1)  # one more than declared: enough to catch a lie
        except zlib.error as error:
            raise MalformedDocumentError(Malformed.ZIP, where) from error
        if not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
            _refuse(where)
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        _refuse(where)
    return content
