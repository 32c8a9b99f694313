"""Locations in an OFD package (ST_Loc, GB/T 33190 section 7.4): from what a file says to the name of a member."""

import re
from typing import Final, NoReturn

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_LOCATION

# The locations that nearly all files state; any other is taken apart.
_PLAIN_ABSOLUTE: Final = re.compile(r"(?:/\w[\w.-]*)+", re.ASCII)


def resolve(base: str, location: str) -> str:
    """Return the member that ``location`` names when it stands in the member ``base``; no leading slash, exact case.

    Absolute locations start at the root of the package, relative ones in the folder of ``base``.
    "." is skipped; ".." goes up in a relative location, as long as it stays inside the package.

    Raises:
        MalformedDocumentError: PATH, for anything else: empty, a folder, "//", a backslash, control characters.

    """
    if len(location) <= MAX_LOCATION and _PLAIN_ABSOLUTE.fullmatch(location):
        return location[1:]
    if not location or len(location) > MAX_LOCATION or "\\" in location or not location.isprintable():
        _refuse(base)
    absolute = location.startswith("/")
    segments = [] if absolute else base.split("/")[:-1]
    for segment in location.removeprefix("/").split("/"):
        if segment == ".." and not absolute and segments:
            segments.pop()
        elif segment in {"", ".."}:
            _refuse(base)
        elif segment != ".":
            segments.append(segment)
    # "Signs/." and "Signs/.." name folders, however they are reached.
    if not segments or location.rpartition("/")[2] in {".", ".."}:
        _refuse(base)
    return "/".join(segments)


def _refuse(base: str) -> NoReturn:
    raise MalformedDocumentError(Malformed.PATH, base)
