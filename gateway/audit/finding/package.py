"""The file of a finding: a ZIP that has one spelling, so that no byte of it can be changed unnoticed.

Members in the order of their names, stored, without times, owners, extra fields and comments. Whatever the reader takes
out of a package is written again and must be the same bytes: an extra member, a second directory, bytes behind the end
and names with two meanings all differ. Nothing is compressed, so nothing inflates.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from typing import Final
from zlib import crc32

from gateway.audit.errors import LogFlaw, MalformedLogDataError

KIB: Final = 1024
MAX_PACKAGE: Final = 96 * 1024 * KIB  # bytes; 10,000 entries with their proofs and openings take 25 MB
MAX_MEMBERS: Final = 300  # 256 policy bundles: more than a site activates in a year; and the files beside them

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")  # APPNOTE 6.3.10 section 4.3.7
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")  # section 4.3.12
_END: Final = struct.Struct("<4sHHHHIIH")  # section 4.3.16
_LOCAL_SIGNATURE: Final = b"PK\x03\x04"
_CENTRAL_SIGNATURE: Final = b"PK\x01\x02"
_END_SIGNATURE: Final = b"PK\x05\x06"
_NEEDED: Final = 10  # version 1.0, the first
_MADE_BY: Final = 3 << 8 | _NEEDED  # Unix, so that its modes count
_DAY: Final = 1 << 5 | 1  # 1980-01-01, the first day that the format knows
_MODE: Final = 0o100644 << 16
_NAME: Final = re.compile(r"(?:[a-z][a-z0-9-]{0,63}/)?[a-z0-9][a-z0-9-]{0,127}(?:\.[a-z]{1,8})?")


def encode_package(files: Mapping[str, bytes]) -> bytes:
    """Write files as a package; ValueError for names or sizes that none has."""
    if not 1 <= len(files) <= MAX_MEMBERS or not all(_NAME.fullmatch(name) for name in files):
        raise ValueError(f"1 to {MAX_MEMBERS} plain names were expected")
    data = b"".join(_pieces(files))
    if len(data) > MAX_PACKAGE:
        raise ValueError(f"up to {MAX_PACKAGE} bytes were expected, got {len(data)}")
    return data


def parse_package(data: bytes) -> Mapping[str, bytes]:
    """Read the files of a package.

    Raises:
        MalformedLogDataError: TOO_LARGE; PACKAGE, it is no ZIP, or not in its one spelling.

    """
    if len(data) > MAX_PACKAGE:
        raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"a finding of up to {MAX_PACKAGE} bytes was expected")
    files: dict[str, bytes] = {}
    at = 0
    while data.startswith(_LOCAL_SIGNATURE, at):
        if len(files) == MAX_MEMBERS:
            raise MalformedLogDataError(LogFlaw.TOO_LARGE, f"up to {MAX_MEMBERS} files were expected")
        name, content, at = _read_member(data, at)
        files[name] = content
    at = 0
    for piece in _pieces(files):
        if not data.startswith(piece, at):
            raise MalformedLogDataError(LogFlaw.PACKAGE, f"a ZIP in its one spelling was expected, it differs at {at}")
        at += len(piece)
    if not files or at != len(data):
        raise MalformedLogDataError(LogFlaw.PACKAGE, f"a ZIP was expected to end at {at}")
    return files


def _read_member(data: bytes, at: int) -> tuple[str, bytes, int]:
    """Return name, content and where the next one begins; the caller writes it again to see whether it was so."""
    start = at + _LOCAL.size
    if start > len(data):
        raise MalformedLogDataError(LogFlaw.PACKAGE, f"a member was expected at {at}")
    *_, size, name_length, _ = _LOCAL.unpack_from(data, at)
    name = data[start : start + name_length].decode("ascii", "replace")
    if not _NAME.fullmatch(name):
        raise MalformedLogDataError(LogFlaw.PACKAGE, f"a plain name was expected at {at}")
    end = start + name_length + size
    return name, data[start + name_length : end], end


def _pieces(files: Mapping[str, bytes]) -> Iterator[bytes]:
    directory = []
    at = 0
    for name, content in sorted(files.items()):
        encoded, checksum, size = name.encode(), crc32(content), len(content)
        head = _LOCAL.pack(_LOCAL_SIGNATURE, _NEEDED, 0, 0, 0, _DAY, checksum, size, size, len(encoded), 0) + encoded
        directory.append(
            _CENTRAL.pack(
                *(_CENTRAL_SIGNATURE, _MADE_BY, _NEEDED, 0, 0, 0, _DAY, checksum, size, size),
                *(len(encoded), 0, 0, 0, 0, _MODE, at),
            )
            + encoded
        )
        yield head
        yield content
        at += len(head) + size
    entries = b"".join(directory)
    yield entries
    yield _END.pack(_END_SIGNATURE, 0, 0, len(directory), len(directory), len(entries), at, 0)
