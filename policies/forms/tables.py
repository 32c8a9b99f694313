"""The tables that the forms ship: surnames and administrative divisions. Read once, when the package is imported."""

import hashlib
import tomllib
from importlib.resources import files
from typing import Any, Final

_FILES: Final = ("areas.toml", "surnames.toml")
_CONTENT: Final = {name: files("policies.forms").joinpath(name).read_bytes() for name in _FILES}


def _parse(name: str) -> dict[str, Any]:
    return tomllib.loads(_CONTENT[name].decode("utf-8"))


_SURNAMES: Final = _parse("surnames.toml")
_AREAS: Final = _parse("areas.toml")

COMPOUND_SURNAMES: Final[frozenset[str]] = frozenset(" ".join(_SURNAMES["compound"]).split())
COMMON_SURNAMES: Final[frozenset[str]] = frozenset("".join(_SURNAMES["common"]))
PROVINCES: Final[tuple[str, ...]] = tuple(_AREAS["provinces"])
CITIES_WITHOUT_DISTRICTS: Final[frozenset[str]] = frozenset(_AREAS["without-districts"])
CITIES_WITH_BANNERS: Final[frozenset[str]] = frozenset(_AREAS["with-banners"])
LONG_NAMES: Final[frozenset[str]] = frozenset(" ".join(_AREAS["long-names"]).split())
ODD_PLACES: Final[frozenset[str]] = frozenset(_AREAS["odd-places"])

# Over names and bytes of all files, so that a changed table changes the version of every bundle.
TABLES_DIGEST: Final = hashlib.sha256(
    b"".join(name.encode() + b"\0" + hashlib.sha256(_CONTENT[name]).digest() for name in _FILES)
).hexdigest()
