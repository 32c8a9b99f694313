"""What the reachable rule sets of a licence type show, as bits: one bit for each form of each field."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from policies.compile import LicenceTable
from policies.dimension import Context
from policies.fold import Reached, fold, fold_circumstances, start, witness
from policies.form import MATCH, Form, FormKind
from policies.forms.registry import scheme_of
from policies.grant import FieldTable


@dataclass(slots=True)
class Seen:
    """What a set of rules that mention a field gives: its forms as bits, in how many contexts, in which for example."""

    forms: int
    winners: int
    clash: tuple[int, int] | None
    path: tuple[Any, ...]
    contexts: int = 0


@dataclass(slots=True)
class Reach:
    """The reachable rule sets of a licence type, read once.

    ``seen`` holds for each field that may be shared the rule sets that mention it; ``shown`` for each reachable rule
    set the bits of all forms it shows; ``plans`` the different values of those. ``marks`` numbers the bits.
    ``matters``, ``askers`` and ``circumstances`` are the different columns of what is asked, by whom, and of the rest.
    """

    table: LicenceTable
    sets: Mapping[int, Reached]
    marks: dict[tuple[str, str], int] = field(default_factory=dict)
    seen: dict[str, dict[int, Seen]] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    plans: dict[int, Reached] = field(default_factory=dict)
    matters: frozenset[int] = frozenset()
    askers: frozenset[int] = frozenset()
    circumstances: frozenset[int] = frozenset()
    _by_asking: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the sets."""
        self.matters = frozenset(group.column for group in self.table.matter.groups)
        self.askers = frozenset(group.column for group in self.table.asker.groups)
        self.circumstances = frozenset(fold_circumstances(start(self.table), self.table))
        fields = [one for one in self.table.fields if one.field.may_be_shared and one.rows]
        self.seen = {one.name: {} for one in fields}
        tables = [(one, one.rows, self.seen[one.name]) for one in fields]
        for rules, reached in self.sets.items():
            forms = 0
            for table, rows, seen in tables:
                found = seen.get(rules & rows)
                if found is None:
                    found = seen[rules & rows] = self._see(table, rules & rows, reached.path)
                found.contexts += reached.contexts
                forms |= found.forms
            self.shown[rules] = forms
            before = self.plans.get(forms)
            self.plans[forms] = reached if before is None else Reached(before[0] + reached[0], before[1])

    def _see(self, table: FieldTable, rules: int, path: tuple[Any, ...]) -> Seen:
        resolved = table.resolve(rules)
        forms = sum(1 << self._mark(table.name, form) for form in resolved.forms)
        return Seen(forms, resolved.winners, resolved.clash, path)

    def _mark(self, name: str, form: str) -> int:
        return self.marks.setdefault((name, form), len(self.marks))

    def bits(self, names: Iterable[str], kinds: Iterable[str]) -> int:
        """Return the bits of all forms of these kinds that these fields are ever shown in.

        Forms by which whole values may leave are of the kind plain too.
        """
        wanted, kinds = set(names), set(kinds)
        return sum(
            1 << mark
            for (name, form), mark in self.marks.items()
            if name in wanted and not kinds.isdisjoint(_kinds(form))
        )

    def forms(self, plan: int) -> dict[str, Form]:
        """Return the form in which each field is shown, `match` where it is compared only."""
        found: dict[str, Form] = {}
        for (name, form), mark in self.marks.items():
            if plan >> mark & 1 and (form != MATCH.kind or name not in found):
                found[name] = _parse(form)
        return found

    def by_matter(self) -> dict[int, int]:
        """Return for each column of item and consent the bits of all forms that are shown in some context."""
        return {column: self._forms_for(column, self.askers) for column in self.matters}

    def by_asker(self) -> dict[int, int]:
        """Return for each column of kind of caller and home the bits of all forms that are shown in some context."""
        return {column: self._forms_for(column, self.matters) for column in self.askers}

    def _forms_for(self, column: int, others: Iterable[int]) -> int:
        forms = 0
        for asking in {column & other for other in others}:
            forms |= self.forms_of(asking)
        return forms

    def forms_of(self, asking: int) -> int:
        """Return the bits of all forms that are shown in some circumstances, of a column of item, consent and asker."""
        forms = self._by_asking.get(asking)
        if forms is None:
            forms = 0
            for reached in {asking & rules for rules in self.circumstances}:
                forms |= self.shown[reached]
            self._by_asking[asking] = forms
        return forms

    def plans_of(self, matter: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Count off the plans, as bits of forms, of one column of item and consent; the path beside it lacks these."""
        sets = fold_circumstances(fold({matter: Reached(1, ())}, self.table.asker), self.table)
        for rules, reached in sets.items():
            yield self.shown[rules], reached.path

    def witness(self, path: Iterable[Any]) -> Context:
        """Return the context of a path."""
        return witness(self.table.licence.id, path)


@lru_cache(maxsize=1024)
def _kinds(form: str) -> frozenset[FormKind]:
    parsed = _parse(form)
    scheme = scheme_of(parsed)
    counts_as_plain = scheme is not None and scheme.counts_as_plain
    return frozenset({parsed.kind, FormKind.PLAIN} if counts_as_plain else {parsed.kind})


@lru_cache(maxsize=1024)  # forms are named by policies: a few dozen
def _parse(form: str) -> Form:
    return Form.parse(form)
