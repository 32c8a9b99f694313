"""A policy whose tables were read, but not yet judged together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from policies.catalogue import CallerKind, LicenceType, Residual, Slug
from policies.fault import Report
from policies.item import Day, Item
from policies.reading import Origin, one_of, quoted
from policies.rule import Budget, PolicyTest, Rule, Together

_Value_co = TypeVar("_Value_co", bound=Struct, covariant=True)

Schema = Annotated[
    str,
    Meta(pattern=r"^tongban-policy/1\Z", extra={"zh": '"tongban-policy/1"', "en": '"tongban-policy/1"'}),
]
Version = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,31}\Z",
        extra={"zh": '版本号，如 "2026.1"', "en": 'a version, such as "2026.1"'},
    ),
]


class Head(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The table ``[bundle]``."""

    schema: Schema
    name: Slug
    version: Version
    valid_from: Day
    valid_to: Day
    residual: Residual = 10_000


@dataclass(frozen=True, slots=True)
class Entry(Generic[_Value_co]):
    """A table that was read, and where it stands."""

    value: _Value_co
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class Draft:
    """All tables of a policy that could be read.

    ``broken`` holds, by the name of the table, the ids of those that could not: they are known names all the same,
    and nothing is said about what they hold. ``unread`` are the tables of which more may stand where nothing could be
    read: in a file that is no TOML, or under a name that was meant for theirs.
    """

    head: Entry[Head] | None = None
    callers: list[Entry[CallerKind]] = field(default_factory=list)
    licences: list[Entry[LicenceType]] = field(default_factory=list)
    items: list[Entry[Item]] = field(default_factory=list)
    rules: list[Entry[Rule]] = field(default_factory=list)
    together: list[Entry[Together]] = field(default_factory=list)
    budgets: list[Entry[Budget]] = field(default_factory=list)
    tests: list[Entry[PolicyTest]] = field(default_factory=list)
    broken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()

    @cached_property
    def caller(self) -> dict[str, CallerKind]:
        """The kinds of callers by id."""
        return {entry.value.id: entry.value for entry in self.callers}

    @cached_property
    def licence(self) -> dict[str, LicenceType]:
        """The licence types by id."""
        return {entry.value.id: entry.value for entry in self.licences}

    @cached_property
    def item(self) -> dict[str, Item]:
        """The items by code."""
        return {entry.value.id: entry.value for entry in self.items}

    @cached_property
    def rule(self) -> dict[str, Rule]:
        """The rules by id."""
        return {entry.value.id: entry.value for entry in self.rules}

    @cached_property
    def field_names(self) -> frozenset[str]:
        """The names of the fields of all licence types."""
        return frozenset(name for licence in self.licence.values() for name in licence.fields)

    def has_all(self, table: str) -> bool:
        """Say whether every entry of a table could be read."""
        return table not in self.unread and not self.broken.get(table)

    def knows(self, table: str, name: str) -> bool:
        """Say whether a name is, or may be, that of an entry of a table."""
        named: Mapping[str, object] = getattr(self, _BY_NAME[table])
        return name in named or name in self.broken.get(table, frozenset()) or table in self.unread

    def check_names(
        self, table: str, names: Iterator[str] | tuple[str, ...], origin: Origin, report: Report, *keys: str
    ) -> None:
        """Note every name that no entry of a table has."""
        for name in names:
            if not self.knows(table, name):
                named: Mapping[str, object] = getattr(self, _BY_NAME[table])
                origin.fault(report, *keys, expected=one_of(named), found=quoted(name), meant=report.hint(name, named))


def label_of(table: str, value: object, place: int) -> str:
    """Return how faults name a table: by its id, or else by its place among those of its kind."""
    key = "name" if table == "test" else "id"
    name = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
    return f"{table} {name}" if isinstance(name, str) and name else f"{table} #{place + 1}"


_BY_NAME = {"caller_kind": "caller", "licence": "licence", "item": "item", "rule": "rule"}
