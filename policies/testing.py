"""The tests that stand beside the rules: in given contexts exactly the listed fields leave, in exactly these forms."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from policies.bundle import Bundle
from policies.catalogue import CallerKind, LicenceType
from policies.dimension import AgeClass, Consent, Context, HolderType, Home, LicenceStatus, OutcomeClass
from policies.engine import Engine
from policies.fault import Words
from policies.form import MATCH, WITHHELD
from policies.given import contexts_of, named
from policies.grant import parse_grant
from policies.item import Item
from policies.plan import FieldDecision, Plan
from policies.rule import Except, Given, Obligations, PolicyTest


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that left otherwise than a test expects, as rules spell it: `mask:name+match`; or an obligation."""

    field: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What one test found; it passed when there is no difference.

    ``context`` is the first in which it failed, with the plan and the differences there, or the first of all;
    it has ``contexts`` of them and failed in ``failures``.
    """

    __test__ = False  # no class of tests, whatever its name says

    name: str
    context: Context
    plan: Plan
    differences: tuple[Difference, ...]
    contexts: int = 1
    failures: int = 0

    @property
    def passed(self) -> bool:
        """Say whether the policy does what the test expects."""
        return not self.differences

    @property
    def sentence(self) -> Words:
        """Say what came out, and where it is otherwise."""
        if self.passed:
            return Words(f"通过：{self.name}", f"passed: {self.name}")
        zh = "；".join(f"{one.field} 应为 {one.expected}，实际为 {one.got}" for one in self.differences)
        en = "; ".join(f"{one.field}: expected {one.expected}, got {one.got}" for one in self.differences)
        where = " / ".join(self.context)
        more_zh = f"（{self.contexts} 种情形中有 {self.failures} 种）" if self.contexts > 1 else ""
        more_en = f" (in {self.failures} of {self.contexts} contexts)" if self.contexts > 1 else ""
        return Words(f"未通过：{self.name}：{where}：{zh}{more_zh}", f"failed: {self.name}: {where}: {en}{more_en}")


class KnownNames(NamedTuple):
    """What a bundle knows, by id."""

    item: Mapping[str, Item]
    caller: Mapping[str, CallerKind]
    licence: Mapping[str, LicenceType]


def known_names(bundle: Bundle) -> KnownNames:
    """Return the items, kinds of callers and licence types of a bundle."""
    return KnownNames(
        {one.id: one for one in bundle.items},
        {one.id: one for one in bundle.callers},
        {one.id: one for one in bundle.licences},
    )


def run_tests(engine: Engine) -> tuple[TestResult, ...]:
    """Run all tests of a bundle."""
    known = known_names(engine.bundle)
    return tuple(run_test(engine, test, known) for test in engine.bundle.tests)


def run_test(engine: Engine, test: PolicyTest, known: KnownNames | None = None) -> TestResult:
    """Hold the plan of each context of the test against what it expects; fields it does not list are to be withheld.

    Raises:
        ValueError: the test speaks of no context, or expects what is no form. A bundle that was loaded has no such
            test.

    """
    known = known_names(engine.bundle) if known is None else known
    first: tuple[Context, Plan, tuple[Difference, ...]] | None = None
    contexts = failures = 0
    for context in contexts_of(test.given, known):
        plan = engine.decide(context)
        differences = differences_of(plan, test)
        contexts += 1
        failures += bool(differences)
        if first is None or (differences and failures == 1):
            first = context, plan, differences
    if first is None:
        raise ValueError(f"test {test.name!r} speaks of no context that can occur")
    context, plan, differences = first
    return TestResult(
        name=test.name, context=context, plan=plan, differences=differences, contexts=contexts, failures=failures
    )


def differences_of(plan: Plan, test: PolicyTest) -> tuple[Difference, ...]:
    """Return what of a plan is otherwise than a test expects: fields by name, then obligations."""
    got = {one.field: spell_decision(one) for one in plan.fields if not one.is_withheld}
    expected = {name: _spell_expected(form) for name, form in test.expect.items()}
    silent = str(WITHHELD)
    fields = (
        Difference(field=name, expected=expected.get(name, silent), got=got.get(name, silent))
        for name in sorted(expected.keys() | got.keys())
        if expected.get(name, silent) != got.get(name, silent)
    )
    if plan.obligations is None or plan.obligations == test.obligations:
        return tuple(fields)
    return (*fields, *_differences_of_obligations(plan.obligations, test.obligations))


def _differences_of_obligations(got: Obligations, expected: Obligations) -> Iterator[Difference]:
    for name in Obligations.__struct_fields__:
        one, other = getattr(expected, name), getattr(got, name)
        if one != other:
            yield Difference(field=f"obligations.{name}", expected=_spell_value(one), got=_spell_value(other))


def _spell_value(value: object) -> str:
    return "–" if value is None else str(value).lower()


def context_of(given: Given, bundle: Bundle) -> Context:
    """Return one context, the first that a test speaks of; with one value everywhere also one that cannot occur.

    Where a test does not say, holders are adults, and consent is what the item's mode asks for.
    """
    known = known_names(bundle)
    first = next(contexts_of(given, known), None)
    if first is not None:
        return first
    item = _one(given.item, known.item)
    asked = known.item.get(item)
    holder = _one(given.holder, HolderType)
    usual = AgeClass.NOT_APPLICABLE if holder == HolderType.ORGANISATION else AgeClass.ADULT
    return Context(
        item=item,
        caller=_one(given.caller, known.caller),
        home=_one(given.home, Home),
        licence=_one(given.licence, known.licence),
        status=_one(given.status, LicenceStatus),
        holder=holder,
        age=_one(given.age, (usual,)),
        consent=_one(given.consent, (Consent.NONE if asked is None else asked.consent,)),
        outcome=_one(given.outcome, OutcomeClass),
    )


def _one(values: str | tuple[str, ...] | Except[str] | None, known: Iterable[str]) -> str:
    names = named(values)
    if names and not isinstance(values, Except):
        return str(names[0])
    return next((str(name) for name in known if name not in names), "")


def spell_decision(decision: FieldDecision) -> str:
    """Spell what leaves of a field: its form, and `match` besides where it may be compared."""
    return _spell(str(decision.shown), is_beside=decision.match_rule is not None and decision.shown != MATCH)


def _spell_expected(expected: str | tuple[str, ...]) -> str:
    grant = parse_grant(expected)
    if grant.form == WITHHELD and grant.may_match:
        return str(MATCH)
    return _spell(str(grant.form), is_beside=grant.may_match)


def _spell(form: str, *, is_beside: bool) -> str:
    return f"{form}+{MATCH}" if is_beside else form
