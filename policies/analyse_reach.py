"""What the reachable rule sets of a licence type show, as bits: one bit for each form of each field."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from policies.compile import Axis, LicenceTable
from policies.dimension import Context
from policies.fold import Reached, Sets, fold, fold_circumstances, witness
from policies.form import MATCH, Form
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
    """

    table: LicenceTable
    sets: Mapping[int, Reached]
    marks: dict[tuple[str, str], int] = field(default_factory=dict)
    seen: dict[str, dict[int, Seen]] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    plans: dict[int, Reached] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the sets."""
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
        """Return the bits of all forms of these kinds that these fields are ever shown in."""
        wanted, kinds = set(names), set(kinds)
        return sum(
            1 << mark for (name, form), mark in self.marks.items() if name in wanted and form.partition(":")[0] in kinds
        )

    def forms(self, plan: int) -> dict[str, Form]:
        """Return the form in which each field is shown; those that are only compared are left out."""
        return {
            name: _parse(form) for (name, form), mark in self.marks.items() if plan >> mark & 1 and form != MATCH.kind
        }

    def by_matter(self) -> dict[int, int]:
        """Return for each column of item and consent the bits of all forms that are shown in some context."""
        return self._by(fold(fold_circumstances(self.table), self.table.asker), self.table.matter)

    def by_asker(self) -> dict[int, int]:
        """Return for each column of kind of caller and home the bits of all forms that are shown in some context."""
        return self._by(fold(fold_circumstances(self.table), self.table.matter), self.table.asker)

    def _by(self, sets: Sets, axis: Axis[Any]) -> dict[int, int]:
        found = {}
        for column in {group.column for group in axis.groups}:
            forms = 0
            for reached in {rules & column for rules in sets}:
                forms |= self.shown[reached]
            found[column] = forms
        return found

    def contexts_of(self, matter: int, asker: int | None = None) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Count off the plans, as bits of forms, of one column of item and consent, and of one asker's if named.

        The path beside it lacks the matter; with an asker it lacks the asker too.
        """
        sets = fold_circumstances(self.table)
        if asker is None:
            sets = fold(sets, self.table.asker)
        column = matter if asker is None else matter & asker
        for rules, reached in sets.items():
            yield self.shown[rules & column], reached.path

    def witness(self, path: Iterable[Any]) -> Context:
        """Return the context of a path."""
        return witness(self.table.licence.id, path)


@lru_cache(maxsize=1024)  # forms are named by policies: a few dozen
def _parse(form: str) -> Form:
    return Form.parse(form)
