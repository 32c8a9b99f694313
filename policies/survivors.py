"""Mutants that survive: mistakes that change an answer and that no test of the policy notices."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from policies.bundle import Bundle
from policies.compile import compile_bundle
from policies.difference.diff import diff
from policies.dimension import Context, Dimension
from policies.engine import build_plan
from policies.given import contexts_of
from policies.grant import rows
from policies.mutate import Mutant
from policies.reference import conditions
from policies.rule import PolicyTest, Rule
from policies.testing import differences_of, known_names


class Bench:
    """The tests of a policy, laid out so that a mutant is tried only where it can make a difference.

    Bit *i* of a column says whether context *i* of all tests has the value.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Lay out the tests of a bundle, which pass."""
        self._bundle: Final = bundle
        self._rules: Final = {rule.id: rule for rule in bundle.rules}
        self._licences: Final = {licence.id: licence for licence in bundle.licences}
        known = known_names(bundle)
        self._trials: Final[list[tuple[Context, PolicyTest]]] = [
            (context, test) for test in bundle.tests for context in contexts_of(test.given, known)
        ]
        self._columns: Final[dict[tuple[Dimension, str], int]] = {}
        self._as_asked = 0  # the contexts with the consent that the item asks for
        for place, (context, _) in enumerate(self._trials):
            for key in zip(Dimension, context, strict=True):
                self._columns[key] = self._columns.get(key, 0) | 1 << place
            if context.consent == known.item[context.item].consent:
                self._as_asked |= 1 << place

    def survivors(self, made: Iterable[Mutant]) -> Iterator[Mutant]:
        """Return those mutants that no test notices and that change an answer."""
        return (mutant for mutant in made if self.survives(mutant))

    def survives(self, mutant: Mutant) -> bool:
        """Say whether a mutant changes an answer, and no test notices."""
        return not self.notices(mutant) and bool(diff(self._bundle, mutant.bundle).lines)

    def notices(self, mutant: Mutant) -> bool:
        """Say whether a test fails under a mutant."""
        old = self._rules[mutant.rule]
        new = next((rule for rule in mutant.bundle.rules if rule.id == mutant.rule), None)
        tried: dict[str, list[tuple[Context, PolicyTest]]] = {}
        for place in rows(self._touched(old, new)):
            context, test = self._trials[place]
            tried.setdefault(context.licence, []).append((context, test))
        for licence, trials in tried.items():
            table = compile_bundle(replace(mutant.bundle, licences=(self._licences[licence],)))[licence]
            if any(differences_of(build_plan(table, context), test) for context, test in trials):
                return True
        return False

    def _touched(self, old: Rule, new: Rule | None) -> int:
        """Return the contexts in which the change of a rule can make a difference."""
        before = self._matched(old)
        after = 0 if new is None else self._matched(new)
        same_words = new is not None and (old.grant, old.oblige, old.overrides) == (
            new.grant,
            new.oblige,
            new.overrides,
        )
        return before ^ after if same_words else before | after

    def _matched(self, rule: Rule) -> int:
        """Return the contexts that a rule accepts."""
        matched = self._as_asked if rule.wants_consent_asked else (1 << len(self._trials)) - 1
        for dimension, accepted in conditions(rule).items():
            if accepted is not None:
                column = 0
                for value in accepted:
                    column |= self._columns.get((dimension, value), 0)
                matched &= column
        return matched
