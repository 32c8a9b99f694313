"""Folding: every reachable set of rules, how many contexts lead there exactly, and one of them."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from policies.compile import Axis, LicenceTable
from policies.dimension import Context
from policies.fault import Words

V = TypeVar("V", bound=Hashable)

MAX_PLANS: Final = 200_000  # reachable rule sets of a bundle: about 100 MB of plans; a province's policy has thousands
MAX_STEPS: Final = 20_000_000  # sets times columns, over a bundle: some seconds; 1,000 rules of a province take 100,000


class TooManyPlansError(Exception):
    """Folding was given up: what was expected, and how much there was by then."""

    def __init__(self, expected: Words, reached: int) -> None:
        """Keep both."""
        self.expected = expected
        self.reached = reached
        super().__init__(f"{expected.en} were expected, got at least {reached}")


@dataclass(slots=True, kw_only=True)
class Allowance:
    """How much may be folded: so many rule sets in all, so many steps in all; and how much of both is used up."""

    sets: int = MAX_PLANS
    steps: int = MAX_STEPS
    sets_kept: int = 0
    steps_taken: int = 0

    def step(self, steps: int) -> None:
        """Take so many steps.

        Raises:
            TooManyPlansError: they are too many.

        """
        self.steps_taken += steps
        if self.steps_taken > self.steps:
            expected = Words(
                f"规则组合的计算不超过 {self.steps} 步", f"at most {self.steps} steps to find all sets of rules"
            )
            raise TooManyPlansError(expected, self.steps_taken)

    def check_sets(self, sets: int) -> None:
        """Raise if there are too many sets, beside those that are kept.

        Raises:
            TooManyPlansError: there are.

        """
        if self.sets_kept + sets > self.sets:
            expected = Words(f"可达到的规则组合不超过 {self.sets} 个", f"at most {self.sets} reachable sets of rules")
            raise TooManyPlansError(expected, self.sets_kept + sets)


class Reached(NamedTuple):
    """How many contexts reach a rule set, and the values of one that does, in the order of folding."""

    contexts: int
    path: tuple[Any, ...]


Sets = Mapping[int, Reached]


def fold(sets: Sets, axis: Axis[V], allowance: Allowance | None = None) -> dict[int, Reached]:
    """Divide each set by the values of one more axis.

    Raises:
        TooManyPlansError: it took more than is allowed.

    """
    allowed = allowance or Allowance()
    distinct: dict[int, tuple[int, V]] = {}
    for group in axis.groups:
        times, example = distinct.get(group.column, (0, group.values[0]))
        distinct[group.column] = times + len(group.values), example
    columns = [(column, times, example) for column, (times, example) in distinct.items()]
    allowed.step(len(sets) * len(columns))
    grown: dict[int, Reached] = {}
    for rules, (contexts, path) in sets.items():
        for column, times, example in columns:
            key = rules & column
            seen = grown.get(key)
            if seen is None:
                grown[key] = Reached(contexts * times, (*path, example))
            else:
                grown[key] = Reached(seen[0] + contexts * times, seen[1])
        allowed.check_sets(len(grown))
    return grown


def start(table: LicenceTable) -> Sets:
    """Begin with all rules of a licence type."""
    return {(1 << len(table.rules)) - 1: Reached(1, ())}


def fold_asking(table: LicenceTable, allowance: Allowance | None = None) -> Sets:
    """Fold what a caller chooses: item and consent, and who asks.

    Most rules speak of few items, so that this comes first and leaves few rules for the rest.
    """
    return fold(fold(start(table), table.matter, allowance), table.asker, allowance)


def fold_circumstances(sets: Sets, table: LicenceTable, allowance: Allowance | None = None) -> dict[int, Reached]:
    """Fold what a caller does not choose: the outcome of the checks, the status, the holder."""
    by_outcome = fold(sets, table.outcome, allowance)
    return fold(fold(by_outcome, table.status, allowance), table.party, allowance)


def fold_licence(table: LicenceTable, allowance: Allowance | None = None) -> dict[int, Reached]:
    """Fold everything about a licence type; `witness` reads the paths."""
    return fold_circumstances(fold_asking(table, allowance), table, allowance)


def witness(licence: str, path: Iterable[Any]) -> Context:
    """Return the context of a path of `fold_licence`."""
    (item, consent), (caller, home), outcome, status, (holder, age) = path
    return Context(
        item=item,
        caller=caller,
        home=home,
        licence=licence,
        status=status,
        holder=holder,
        age=age,
        consent=consent,
        outcome=outcome,
    )
