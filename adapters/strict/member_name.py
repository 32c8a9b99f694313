"""The names of a package's members: one meaning on every system, or refused."""

import re
import unicodedata
from typing import Final

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_MEMBER_NAME, MAX_PATH_SEGMENTS

# The names that nearly all members have; any other is looked at piece by piece.
_PLAIN_SEGMENT: Final = r"(?!(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?![\w-]))\w[\w-]*(?:\.+[\w-]+)*"
_PLAIN_NAME: Final = re.compile(
    rf"(?:{_PLAIN_SEGMENT}/){{0,{MAX_PATH_SEGMENTS - 1}}}{_PLAIN_SEGMENT}", re.ASCII | re.IGNORECASE
)

# Names that Windows changes or does not take for a file: characters with a meaning, ends that are cut off, devices
# (with any extension). A package unpacked there would not hold what was verified.
_NOT_ON_WINDOWS: Final = frozenset(':*?"<>|')
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9]) *(?:\..*)?", re.DOTALL)


def decode_name(raw_name: bytes, where: str, *, says_utf8: bool) -> str:
    """UTF-8, or without the UTF-8 flag the GB18030 of older Chinese packers; one of the two, or refused.

    Raises:
        MalformedDocumentError: ZIP_MEMBER_NAME.

    """
    if not raw_name or len(raw_name) > MAX_MEMBER_NAME:
        raise MalformedDocumentError(Malformed.ZIP_MEMBER_NAME, where)
    try:
        return raw_name.decode("utf-8")
    except UnicodeDecodeError as error:
        if says_utf8:
            raise MalformedDocumentError(Malformed.ZIP_MEMBER_NAME, where) from error
    try:
        return raw_name.decode("gb18030")
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(Malformed.ZIP_MEMBER_NAME, where) from error


def has_two_readings(raw_name: bytes, name: str) -> bool:
    """Whether a name that does not say its encoding is UTF-8 and, to a reader that assumes Chinese, another name."""
    if raw_name.isascii():
        return False
    try:
        return raw_name.decode("gb18030") != name
    except UnicodeDecodeError:
        return False


def is_plain_name(name: str) -> bool:
    """Whether a name, of a folder with "/" at its end, leads to one file inside the package on every system."""
    if _PLAIN_NAME.fullmatch(name):
        return True
    segments = name.removesuffix("/").split("/")
    return not (
        "\\" in name
        or len(segments) > MAX_PATH_SEGMENTS
        or not _NOT_ON_WINDOWS.isdisjoint(name)
        or any(_is_no_file_name(segment) for segment in segments)
        or _has_controls(name)
    )


def fold(name: str) -> str:
    """Return what a reader that ignores case and width compares."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _is_no_file_name(segment: str) -> bool:
    """Whether a segment is empty, leads elsewhere, loses its end on Windows, or is a device there."""
    return not segment or segment[-1] in ". " or _DEVICE.fullmatch(fold(segment)) is not None


def _has_controls(name: str) -> bool:
    """Whether a name has characters that do not show: controls, direction marks, line separators, unassigned ones."""
    if name.isascii():
        return not name.isprintable()
    return any(unicodedata.category(character) in {"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"} for character in name)
