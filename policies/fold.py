"""Folding: every reachable set of rules, how many contexts lead there exactly, and one of them."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from policies.compile import Axis, LicenceTable
from policies.dimension import Context

V = TypeVar("V", bound=Hashable)

MAX_PLANS: Final = 200_000  # reachable rule sets of a bundle: about 100 MB of plans; a province's policy has thousands


class TooManyPlansError(Exception):
    """Folding was given up; ``reached`` is how many rule sets had been found by then."""

    def __init__(self, reached: int) -> None:
        """Keep the number."""
        self.reached = reached
        super().__init__(f"at most {MAX_PLANS} reachable rule sets were expected, got at least {reached}")


class Reached(NamedTuple):
    """How many contexts reach a rule set, and the values of one that does, in the order of folding."""

    contexts: int
    path: tuple[Any, ...]


Sets = Mapping[int, Reached]


def fold(sets: Sets, axis: Axis[V], limit: int = MAX_PLANS) -> dict[int, Reached]:
    """Divide each set by the values of one more axis.

    Raises:
        TooManyPlansError: more than ``limit`` sets came out.

    """
    distinct: dict[int, tuple[int, V]] = {}
    for group in axis.groups:
        times, example = distinct.get(group.column, (0, group.values[0]))
        distinct[group.column] = times + len(group.values), example
    columns = [(column, times, example) for column, (times, example) in distinct.items()]
    grown: dict[int, Reached] = {}
    for rules, (contexts, path) in sets.items():
        for column, times, example in columns:
            key = rules & column
            seen = grown.get(key)
            if seen is None:
                grown[key] = Reached(contexts * times, (*path, example))
            else:
                grown[key] = Reached(seen[0] + contexts * times, seen[1])
        if len(grown) > limit:
            raise TooManyPlansError(len(grown))
    return grown


def start(table: LicenceTable) -> Sets:
    """Begin with all rules of a licence type."""
    return {(1 << len(table.rules)) - 1: Reached(1, ())}


def fold_circumstances(table: LicenceTable, limit: int = MAX_PLANS) -> Sets:
    """Fold what a caller does not choose: the outcome of the checks, the status, the holder."""
    return fold(fold(fold(start(table), table.outcome, limit), table.status, limit), table.party, limit)


def fold_licence(table: LicenceTable, limit: int = MAX_PLANS) -> dict[int, Reached]:
    """Fold everything about a licence type; `witness` reads the paths."""
    return fold(fold(fold_circumstances(table, limit), table.asker, limit), table.matter, limit)


def witness(licence: str, path: Iterable[Any]) -> Context:
    """Return the context of a path of `fold_licence`."""
    outcome, status, (holder, age), (caller, home), (item, consent) = path
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
