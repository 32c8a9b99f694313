"""Issuers (颁发机构) and their aliases: which codes name the same authority."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from adapters.codes.code import fold_code
from adapters.codes.organisation import organisation_of
from adapters.mapping.fault import Words, quote
from adapters.mapping.rule import Evidence
from adapters.mapping.table import Table
from adapters.mapping.toml import parse_toml

MAX_ISSUERS: Final = 5_000  # of one table; a province has some thousand authorities, and few have two codes
MAX_ALIASES: Final = 32  # of one issuer; two have been met, and a merged authority may bring a dozen along

_FILE: Final = "issuers.toml"
_CODE: Final = Words("由字母和数字组成的代码", "a code of letters and digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One authority. ``code`` is its main code, ``aliases`` the others; ``name`` is "" when it is not known."""

    code: str
    aliases: tuple[str, ...]
    name: str
    evidence: Evidence
    note: str


class Issuers:
    """The issuers of a table, by each of their codes."""

    __slots__ = ("_by_key", "issuers")

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        """Index the issuers; the reader made sure that no code names two of them."""
        self.issuers = tuple(issuers)
        self._by_key: Mapping[str, Issuer] = {
            issuer_key(code): issuer for issuer in self.issuers for code in (issuer.code, *issuer.aliases)
        }

    def find(self, code: str) -> Issuer | None:
        """Return the issuer that a code names, or None."""
        return self._by_key.get(issuer_key(code))

    def key_of(self, code: str) -> str:
        """Return a text that is the same for all codes of one issuer, in the table or not; "" for no code."""
        issuer = self.find(code)
        return issuer_key(code if issuer is None else issuer.code)


def issuer_key(code: str) -> str:
    """Return the organisation code of a code, or the code in one spelling when it is none that holds."""
    return organisation_of(code) or fold_code(code)


def load_issuers(data: bytes, file: str, *, base: Issuers | None = None) -> Issuers:
    """Read a table of issuers; ``file`` is how faults name it.

    With ``base`` its issuers stay, but for those whose main code the file has too.

    Raises:
        MappingError: with all faults of the file.

    """
    toml = parse_toml(data, file)
    root = Table(toml.tables, (), toml.faults)
    tables = root.tables("issuer", most=MAX_ISSUERS)
    own = {issuer_key(code) for table in tables if isinstance(code := table.peek("code"), str)}
    kept = [one for one in (() if base is None else base.issuers) if issuer_key(one.code) not in own]
    seen = {issuer_key(code): code for one in kept for code in (one.code, *one.aliases)}
    issuers = [_read(table, seen) for table in tables]
    root.finish()
    toml.faults.raise_if_any()
    return Issuers([*kept, *issuers])


@cache
def shipped_issuers() -> Issuers:
    """Return the table that comes with the package; that of a site goes beside it."""
    return load_issuers(files("adapters.codes").joinpath(_FILE).read_bytes(), _FILE)


def _read(table: Table, seen: dict[str, str]) -> Issuer:
    issuer = Issuer(
        code=table.text("code", expected=_CODE),
        aliases=table.texts("aliases", most=MAX_ALIASES),
        name=table.text("name", default=""),
        evidence=table.choice("evidence", Evidence, default=Evidence.INFERRED),
        note=table.text("note", default=""),
    )
    for key, code in [("code", issuer.code), *(("aliases", alias) for alias in issuer.aliases)]:
        folded = fold_code(code)
        if not (folded.isascii() and folded.isalnum()):
            table.fault(key, expected=_CODE, found=quote(code))
        elif other := seen.get(issuer_key(code)):
            expected = Words("只属于一个机构的代码", "a code of one issuer only")
            table.fault(key, expected=expected, found=quote(other))
        seen[issuer_key(code)] = code
    table.finish()
    return issuer
