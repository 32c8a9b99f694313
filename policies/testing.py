"""The tests that stand beside the rules: in a given context exactly the listed fields leave, in exactly these forms."""

from dataclasses import dataclass

from policies.bundle import Bundle
from policies.dimension import AgeClass, Consent, Context, HolderType
from policies.engine import Engine
from policies.fault import Words
from policies.form import MATCH, WITHHELD
from policies.grant import parse_grant
from policies.plan import FieldDecision, Plan
from policies.rule import Given, PolicyTest


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that left otherwise than a test expects; both as rules spell it, `mask:name+match`."""

    field: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What one test found; it passed when there is no difference."""

    __test__ = False  # no class of tests, whatever its name says

    name: str
    context: Context
    plan: Plan
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Say whether the policy does what the test expects."""
        return not self.differences

    @property
    def sentence(self) -> Words:
        """Say what came out."""
        if self.passed:
            return Words(f"通过：{self.name}", f"passed: {self.name}")
        zh = "；".join(f"{one.field} 应为 {one.expected}，实际为 {one.got}" for one in self.differences)
        en = "; ".join(f"{one.field}: expected {one.expected}, got {one.got}" for one in self.differences)
        return Words(f"未通过：{self.name}：{zh}", f"failed: {self.name}: {en}")


def run_tests(engine: Engine) -> tuple[TestResult, ...]:
    """Run all tests of a bundle."""
    return tuple(run_test(engine, test) for test in engine.bundle.tests)


def run_test(engine: Engine, test: PolicyTest) -> TestResult:
    """Compare the plan of the test's context with what the test expects; fields it does not list are to be withheld.

    Raises:
        ValueError: the test expects what is no form. A bundle that was loaded has no such test.

    """
    context = context_of(test.given, engine.bundle)
    plan = engine.decide(context)
    got = {decision.field: spell_decision(decision) for decision in plan.fields}
    expected = {name: _spell_expected(test.expect.get(name, str(WITHHELD))) for name in got.keys() | test.expect.keys()}
    differences = tuple(
        Difference(field=name, expected=form, got=got.get(name, str(WITHHELD)))
        for name, form in sorted(expected.items())
        if form != got.get(name, str(WITHHELD))
    )
    return TestResult(name=test.name, context=context, plan=plan, differences=differences)


def context_of(given: Given, bundle: Bundle) -> Context:
    """Complete a test's context: holders are adults, and consent is what the item's mode asks for."""
    age = given.age
    if age is None:
        age = AgeClass.NOT_APPLICABLE if given.holder is HolderType.ORGANISATION else AgeClass.ADULT
    consent = given.consent
    if consent is None:
        consent = next((item.consent for item in bundle.items if item.id == given.item), Consent.NONE)
    return Context(
        item=given.item,
        caller=given.caller,
        home=given.home.value,
        licence=given.licence,
        status=given.status.value,
        holder=given.holder.value,
        age=age.value,
        consent=consent.value,
        outcome=given.outcome.value,
    )


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
