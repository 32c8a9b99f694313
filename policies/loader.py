"""A policy from its files: every table of every file read, judged together, and put into one bundle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from msgspec import Struct

from policies.bundle import Bundle, canonical
from policies.catalogue import CallerKind, LicenceType
from policies.fault import Place, PolicyError, Report, Words, same, spell
from policies.forms.registry import REGISTRY_VERSION
from policies.item import Item
from policies.reading import Origin, one_of, quoted, read_table
from policies.rule import Budget, PolicyTest, Rule, Together
from policies.toml import PolicyFile, parse_policy_file
from policies.validation.draft import Draft, Entry, Head, label_of
from policies.validation.validate import LIMITS, check_count, validate

MAX_FILES: Final = 1_000  # a file for each department, and room
MAX_POLICY_BYTES: Final = 8 * 1024 * 1024  # of all files: 10,000 rules of 800 bytes, read in some seconds
_LONGEST_NAME: Final = 200  # characters of a file's name that faults repeat

_Value = TypeVar("_Value", bound=Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A bundle that is right in its language and names, and where its tables stand.

    ``places`` are by `rule R-014`, `item 34-001`, `test …`; limits on forms together by `together 1`, their number in
    the bundle.
    """

    bundle: Bundle
    places: Mapping[str, Place]

    def place(self, table: str, name: str) -> Place:
        """Return where the table of this name stands: `place("rule", "R-014")`."""
        return self.places.get(f"{table} {name}", Place("", None))


def load_policy(files: Mapping[str, bytes]) -> Loaded:
    """Read a policy from the contents of its files; names and order of the files have no meaning.

    1. Read each file. 2. Gather the tables by name. 3. Read each table. 4. Judge all together. What needs the compiled
    rules (conflicts, limits on forms together, what an answer gives away) is for `policies.analysis.analyse` to find.

    Raises:
        PolicyError: with all faults of all files.

    """
    report = Report()
    _check_size(files, report)
    if report:
        raise report.error()
    reader = _Reader(report)
    for name in sorted(files):
        reader.read_file(name, files[name])
    draft = reader.draft()
    if reader.is_bounded:
        validate(draft, report)
    if report or draft.head is None:
        raise report.error()
    bundle = _bundle(draft.head.value, draft)
    return Loaded(bundle=bundle, places=reader.places | _limit_places(bundle, draft))


def _check_size(files: Mapping[str, bytes], report: Report) -> None:
    if len(files) > MAX_FILES:
        expected = Words(f"至多 {MAX_FILES} 个文件", f"at most {MAX_FILES} files")
        report.add(Place("", None), "", expected=expected, found=same(str(len(files))))
    size = sum(map(len, files.values()))
    if size > MAX_POLICY_BYTES:
        expected = Words(
            f"全部文件至多 {MAX_POLICY_BYTES} 字节（更大的策略读取过慢）",
            f"at most {MAX_POLICY_BYTES} bytes in all files (a larger policy is read too slowly)",
        )
        report.add(Place("", None), "", expected=expected, found=Words(f"{size} 字节", f"{size} bytes"))


@dataclass(kw_only=True)
class _Table:
    """A table of a file that was not read yet."""

    value: object
    origin: Origin


@dataclass
class _Reader:
    """Gathers the tables of all files, and reads them."""

    report: Report
    places: dict[str, Place] = field(default_factory=dict)
    is_bounded: bool = True
    _tables: dict[str, list[_Table]] = field(default_factory=lambda: {name: [] for name in LIMITS})
    _broken: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in LIMITS})
    _unread: set[str] = field(default_factory=set)

    def read_file(self, name: str, data: bytes) -> None:
        """Gather the tables of a file."""
        try:
            file = parse_policy_file(data, spell(name, _LONGEST_NAME))
        except PolicyError as error:
            self.report.extend(error)
            self._unread |= LIMITS.keys()
            return
        for table, value in file.tables.items():
            origin = Origin(file=file, path=(table,), label=table)
            if table not in LIMITS:
                found = Words("未知的表", "an unknown table")
                meant = self.report.hint(table, LIMITS)
                origin.fault(self.report, expected=one_of(LIMITS), found=found, meant=meant)
                self._unread.add(meant)
            elif table == "bundle":
                self._tables[table].append(_Table(value=value, origin=origin))
            elif isinstance(value, list):
                self._gather(table, value, file)
            else:
                expected = Words(f"[[{table}]]", f"[[{table}]], as there may be several")
                origin.fault(self.report, expected=expected, found=quoted(value))
                self._unread.add(table)

    def _gather(self, table: str, values: Iterable[object], file: PolicyFile) -> None:
        for place, value in enumerate(values):
            origin = Origin(file=file, path=(table, place), label=label_of(table, value, place))
            self._tables[table].append(_Table(value=value, origin=origin))

    def draft(self) -> Draft:
        """Read all tables; those beyond the bounds are not read."""
        counts = {table: len(found) for table, found in self._tables.items() if table != "bundle"}
        are_bounded = [check_count(table, count, self.report) for table, count in counts.items()]
        self.is_bounded = all(are_bounded)
        if not self.is_bounded:
            return Draft()
        return Draft(
            head=self._read_head(),
            callers=self._read("caller_kind", CallerKind),
            licences=self._read("licence", LicenceType),
            items=self._read("item", Item),
            rules=self._read("rule", Rule),
            together=self._read("together", Together),
            budgets=self._read("budget", Budget),
            tests=self._read("test", PolicyTest),
            broken={table: frozenset(names) for table, names in self._broken.items()},
            unread=frozenset(self._unread),
        )

    def _read_head(self) -> Entry[Head] | None:
        tables = self._tables["bundle"]
        if not tables and "bundle" not in self._unread:
            expected = Words("恰有一个文件含 [bundle]", "[bundle] in exactly one file")
            self.report.add(Place("", None), "bundle", expected=expected, found=quoted(None))
        for other in tables[1:]:
            expected = Words("恰有一个文件含 [bundle]", "[bundle] in exactly one file")
            first = tables[0].origin.file.file
            found = Words(f"另一个（已见于 {first}）", f"another one besides that in {first}")
            other.origin.fault(self.report, expected=expected, found=found)
        heads = self._read("bundle", Head)
        return heads[0] if heads else None

    def _read(self, table: str, shape: type[_Value]) -> list[Entry[_Value]]:
        entries = []
        for found in self._tables[table]:
            value = read_table(found.value, shape, found.origin, self.report)
            self.places.setdefault(found.origin.label, found.origin.place())
            if value is not None:
                entries.append(Entry(canonical(value), found.origin))
            else:
                name = found.value.get("id") if isinstance(found.value, dict) else None
                self._broken[table].add(name if isinstance(name, str) else "")
        return entries


def _bundle(head: Head, draft: Draft) -> Bundle:
    return canonical(
        Bundle(
            schema=head.schema,
            name=head.name,
            version=head.version,
            valid_from=head.valid_from,
            valid_to=head.valid_to,
            forms=REGISTRY_VERSION,
            callers=_values(draft.callers),
            licences=_values(draft.licences),
            items=_values(draft.items),
            rules=_values(draft.rules),
            together=_values(draft.together),
            budgets=_values(draft.budgets),
            tests=_values(draft.tests),
            residual=head.residual,
        )
    )


def _limit_places(bundle: Bundle, draft: Draft) -> dict[str, Place]:
    """Return the places of limits on forms together; they have no ids, and go by their number in the bundle."""
    origins = {entry.value: entry.origin for entry in draft.together}
    return {f"together {number}": origins[limit].place() for number, limit in enumerate(bundle.together, start=1)}


def _values(entries: Iterable[Entry[_Value]]) -> tuple[_Value, ...]:
    return tuple(entry.value for entry in entries)
