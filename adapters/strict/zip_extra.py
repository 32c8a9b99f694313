"""The extra fields of ZIP records: sizes beyond 32 bits, times and owners; an unknown field is room for a hidden file.

Some readers follow records that others never see, so nothing may stand here that could be a record.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NoReturn

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_ZIP_EXTRA

# APPNOTE 6.3.10 sections 4.5 and 4.6; the time and owner fields are Info-ZIP's.
_EXTRA: Final = struct.Struct("<HH")
_ZIP64: Final = 0x0001
_TIMESTAMPS: Final = 0x5455
_UNIX_OWNER: Final = 0x7875
_NTFS_TIMES: Final = 0x000A
_UNICODE_PATH: Final = 0x7075  # a second name for the member, which some readers prefer
_NTFS_LENGTH: Final = 32
_NTFS_HEADER: Final = struct.pack("<IHH", 0, 1, 24)  # reserved, then one attribute with three times
_MAX_OWNER_ID: Final = 8  # bytes of a user or group number
_IN_ZIP64: Final = 0xFFFFFFFF


def resolve_sizes(extra: bytes, raw_name: bytes, sizes: list[int], where: str) -> list[int]:
    """Replace every 0xFFFFFFFF by its value of the ZIP64 extra field (section 4.5.3), which may hold nothing more.

    Other extra fields are known ones, each at most once and of its exact form.

    Raises:
        MalformedDocumentError: ZIP, ZIP_MEMBER_NAME (a second name) or TOO_LARGE.

    """
    for tag, content in _fields(extra, where) if extra else ():
        if tag == _ZIP64:
            wanted = [place for place, size in enumerate(sizes) if size == _IN_ZIP64]
            if len(content) != 8 * len(wanted):
                _refuse(where)
            for order, place in enumerate(wanted):
                sizes[place] = int.from_bytes(content[8 * order : 8 * order + 8], "little")
        elif tag == _UNICODE_PATH:
            if content != b"\x01" + zlib.crc32(raw_name).to_bytes(4, "little") + raw_name:
                _refuse(where, Malformed.ZIP_MEMBER_NAME)
        elif not _is_harmless(tag, content):
            _refuse(f"extra field of {where}")
    return sizes


def _refuse(where: str, malformed: Malformed = Malformed.ZIP) -> NoReturn:
    raise MalformedDocumentError(malformed, where)


def _fields(extra: bytes, where: str) -> Iterator[tuple[int, bytes]]:
    """Cut the extra fields of one record apart; no field may come twice."""
    if len(extra) > MAX_ZIP_EXTRA:
        _refuse(where, Malformed.TOO_LARGE)
    seen = set()
    position = 0
    while position < len(extra):
        start = position + _EXTRA.size
        if start > len(extra):
            _refuse(where)
        tag, length = _EXTRA.unpack_from(extra, position)
        position = start + length
        if position > len(extra) or tag in seen:
            _refuse(where)
        seen.add(tag)
        yield tag, extra[start:position]


def _is_harmless(tag: int, content: bytes) -> bool:
    """Whether an extra field is one of times or owners, and has exactly the form of it."""
    length = len(content)
    match tag:
        case _ if tag == _NTFS_TIMES:
            return length == _NTFS_LENGTH and content.startswith(_NTFS_HEADER)
        case _ if tag == _TIMESTAMPS:
            # Bits 0 to 2 say which times there are; the central record has the first one at most.
            return length > 0 and content[0] < 8 and length in {5, 1 + 4 * content[0].bit_count()}  # noqa: PLR2004 - bits
        case _ if tag == _UNIX_OWNER:
            user = content[1] if length > 1 else _MAX_OWNER_ID
            group = content[2 + user] if length > 2 + user else _MAX_OWNER_ID + 1
            return content[:1] == b"\x01" and max(user, group) <= _MAX_OWNER_ID and length == 3 + user + group
        case _:
            return False
