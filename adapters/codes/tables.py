"""The tables of codes that mean the same: issuers, licence types and types of holder codes; a site may add to each."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar

from adapters.codes.holder_types import HolderTypes, load_holder_types, shipped_holder_types
from adapters.codes.issuers import Issuers, load_issuers, shipped_issuers
from adapters.codes.licence_types import LicenceTypes, load_licence_types, shipped_licence_types
from adapters.mapping.fault import MappingError, MappingFault
from adapters.mapping.toml import digest_tables

ISSUERS: Final = "issuers.toml"
LICENCE_TYPES: Final = "licence_types.toml"
HOLDER_TYPES: Final = "holder_types.toml"
TABLE_FILES: Final = (ISSUERS, LICENCE_TYPES, HOLDER_TYPES)

_Kind = TypeVar("_Kind", Issuers, LicenceTypes, HolderTypes)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTables:
    """One table of each kind. ``digest`` is that of a site's own entries, "" where it has none."""

    issuers: Issuers
    types: LicenceTypes
    holder_types: HolderTypes
    digest: str = ""


@cache
def shipped_tables() -> CodeTables:
    """Return the tables that come with the package, with nothing of a site."""
    return CodeTables(issuers=shipped_issuers(), types=shipped_licence_types(), holder_types=shipped_holder_types())


def load_tables(files: Mapping[str, bytes], *, place: str = "") -> CodeTables:
    """Read a site's own entries, by the names of `TABLE_FILES`; the shipped ones stay, but for what is there again.

    Faults name a file by ``place`` and its name.

    Raises:
        MappingError: with all faults of all files.

    """
    faults: list[MappingFault] = []

    def read(name: str, load: Callable[..., _Kind], base: _Kind) -> _Kind:
        try:
            return load(files[name], place + name, base=base) if name in files else base
        except MappingError as error:
            faults.extend(error.faults)
            return base

    shipped = shipped_tables()
    issuers = read(ISSUERS, load_issuers, shipped.issuers)
    types = read(LICENCE_TYPES, load_licence_types, shipped.types)
    holder_types = read(HOLDER_TYPES, load_holder_types, shipped.holder_types)
    if faults:
        raise MappingError(faults)
    own = {name: tomllib.loads(files[name].decode("utf-8")) for name in TABLE_FILES if name in files}
    digest = digest_tables(own) if own else ""
    return CodeTables(issuers=issuers, types=types, holder_types=holder_types, digest=digest)
