"""Second opinions: Cedar on decisions, a BDD and z3 on differences. None of them sees a column of bits."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.policy_peers import PeerMissingError, cedar, rego
from policies import reference
from policies.bundle import Bundle
from policies.difference.diff import diff
from policies.difference.line import Topic
from policies.dimension import FIXED_VALUES, PARTIES, Dimension
from policies.engine import Engine
from policies.fold import witness
from policies.form import WITHHELD
from policies.grant import parse_grant
from policies.item import possible_consents
from policies.rule import Rule
from tests.support.policies import FIELDS, bundles, make_bundle, make_rule

pytest.importorskip("cedarpy", reason="a development oracle")

Axes = dict[str, list[Hashable]]
Key = tuple[str, str, str, str]  # licence type, field, old form, new form
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(bundles())
def test_cedar_finds_the_same_rules(bundle: Bundle) -> None:
    """In one context of every reachable rule set, Cedar's satisfied policies are the rules of the plan."""
    engine, ask = Engine(bundle), cedar(bundle)
    for name, sets in engine.folds.items():
        for reached in sets.values():
            one = witness(name, reached.path)
            assert ask(one) == frozenset(engine.decide(one).rules)


def test_rego_finds_the_same_rules() -> None:
    """The Rego of the benchmark means what the rules mean."""
    pytest.importorskip("regopy", reason="a peer of the benchmark")
    bundle = make_bundle(
        make_rule("R-1", {"holder_name": "mask:name"}, item=("i1", "i3")),
        make_rule("R-2", {"phone": "exists"}, consent=("given",)),
    )
    engine, ask = Engine(bundle), rego(bundle)
    for name, sets in engine.folds.items():
        for reached in sets.values():
            one = witness(name, reached.path)
            assert ask(one) == frozenset(engine.decide(one).rules)


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark goes on without it and says so."""
    monkeypatch.setitem(__import__("sys").modules, "cedarpy", None)
    with pytest.raises(PeerMissingError, match="cedarpy"):
        cedar(make_bundle())


class Logic:
    """The few operations that both solvers have; ``is_value`` says that an axis has a value."""

    def __init__(
        self, is_value: Callable[[str, Hashable], Any], every: Callable[..., Any], some: Callable[..., Any], no: Any
    ) -> None:
        self.is_value = is_value
        self.every = every
        self.some = some
        self.no = no


def axes_of(bundle: Bundle, licence_id: str) -> Axes:
    """Return the possible values of each axis, spelled out here once more."""
    licence = next((one for one in bundle.licences if one.id == licence_id), None)
    if licence is None:
        return {name: [] for name in ("matter", "asker", "status", "party", "outcome")}
    return {
        "matter": [
            (item.id, one.value)
            for item in bundle.items
            if licence_id in item.licences
            for one in possible_consents(item)
        ],
        "asker": [(kind.id, home.value) for kind in bundle.callers for home in kind.home],
        "status": [one.value for one in FIXED_VALUES[Dimension.STATUS]],
        "party": [(holder, age) for holder, age in PARTIES if holder in licence.holders],
        "outcome": [one.value for one in FIXED_VALUES[Dimension.OUTCOME]],
    }


PARTS = {
    "matter": (Dimension.ITEM, Dimension.CONSENT),
    "asker": (Dimension.CALLER, Dimension.HOME),
    "status": (Dimension.STATUS,),
    "party": (Dimension.HOLDER, Dimension.AGE),
    "outcome": (Dimension.OUTCOME,),
}


def matches(logic: Logic, rule: Rule, bundle: Bundle, axes: Axes) -> Any:
    """Say when a rule matches: on each axis one of the values that it accepts."""
    accepted = reference.conditions(rule)
    asked = {item.id: item.consent for item in bundle.items}

    def accepts(axis: str, value: Any) -> bool:
        if axis == "matter" and rule.wants_consent_asked and value[1] != asked[value[0]]:
            return False
        parts = value if isinstance(value, tuple) else (value,)
        conditions = [(accepted[one], part) for one, part in zip(PARTS[axis], parts, strict=True)]
        return all(values is None or part in values for values, part in conditions)

    return logic.every(
        *(
            logic.some(*(logic.is_value(axis, value) for value in values if accepts(axis, value)))
            for axis, values in axes.items()
        )
    )


def shown_when(logic: Logic, bundle: Bundle, licence_id: str, field: str) -> Mapping[str, Any]:
    """Return for each form of a field when it is shown, `match` for when it may be compared."""
    licence = next((one for one in bundle.licences if one.id == licence_id), None)
    if licence is None or field not in licence.fields or not licence.fields[field].may_be_shared:
        return {}
    axes = axes_of(bundle, licence_id)
    rules = {
        rule.id: rule
        for rule in bundle.rules
        if field in rule.grant and (rule.licence.type is None or licence_id in rule.licence.type)
    }
    when = {name: matches(logic, rule, bundle, axes) for name, rule in rules.items()}
    grants = {name: parse_grant(rule.grant[field]) for name, rule in rules.items()}
    protected = logic.some(*(when[name] for name, grant in grants.items() if grant.is_protected))
    listed = logic.some(
        *(
            logic.is_value("matter", (item.id, one.value))
            for item in bundle.items
            if field in item.ceiling and licence_id in item.licences
            for one in possible_consents(item)
        )
    )
    parts: dict[str, list[Any]] = {}
    for name, grant in grants.items():
        overridden = logic.some(*(when[other] for other, rule in rules.items() if name in rule.overrides))
        holds = logic.every(when[name], logic.no(overridden), logic.no(protected), listed)
        if grant.form != WITHHELD:
            parts.setdefault(str(grant.form), []).append(holds)
        if grant.may_match:
            parts.setdefault("match", []).append(holds)
    return {form: logic.some(*holds) for form, holds in parts.items()}


def spellings(logic: Logic, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return when a field leaves in each spelling of a diff, such as `mask:name+match`."""
    match = shown.get("match", logic.some())
    forms = {form: when for form, when in shown.items() if form != "match"}
    none = logic.no(logic.some(*forms.values()))
    found = {"withheld": logic.every(none, logic.no(match)), "match": logic.every(none, match)}
    for form, when in forms.items():
        found[form] = logic.every(when, logic.no(match))
        found[f"{form}+match"] = logic.every(when, match)
    return found


def changes(logic: Logic, old: Bundle, new: Bundle, licence: str) -> dict[Key, Any]:
    """Return for each change of a field when it happens."""
    found: dict[Key, Any] = {}
    for field in FIELDS:
        before, after = (spellings(logic, shown_when(logic, one, licence, field)) for one in (old, new))
        for was, when in before.items():
            for becomes, then in after.items():
                if was != becomes:
                    found[licence, field, was, becomes] = logic.every(when, then)
    return found


def lines(old: Bundle, new: Bundle) -> Counter[Key]:
    """Return the contexts of each change by our own diff."""
    found: Counter[Key] = Counter()
    for line in diff(old, new).lines:
        if line.topic is Topic.FIELD:
            found[line.licence, line.field, line.old, line.new] += line.contexts
    return found


def both_axes(old: Bundle, new: Bundle, licence: str) -> Axes:
    """Return the values that either version has."""
    before, after = axes_of(old, licence), axes_of(new, licence)
    return {axis: list(dict.fromkeys((*before[axis], *after[axis]))) for axis in before}


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(bundles(max_rules=4, agreeing=True), bundles(max_rules=4, agreeing=True))
def test_a_bdd_finds_the_same_differences_with_the_same_counts(old: Bundle, new: Bundle) -> None:
    """Field by field and form by form, as many contexts as the diff says."""
    autoref = pytest.importorskip("dd.autoref", reason="a development oracle")
    expected: Counter[Key] = Counter()
    for licence in ("l1", "l2"):
        axes = both_axes(old, new, licence)
        manager = autoref.BDD()
        bits = {
            axis: [f"{axis}_{number}" for number in range(len(values).bit_length())] for axis, values in axes.items()
        }
        names = [name for group in bits.values() for name in group]
        manager.declare(*names)

        def is_value(axis: str, value: Hashable, axes=axes, bits=bits, manager=manager) -> Any:
            number = axes[axis].index(value)
            return manager.cube({name: bool(number >> place & 1) for place, name in enumerate(bits[axis])})

        def every(*parts: Any, manager=manager) -> Any:
            found = manager.true
            for part in parts:
                found &= part
            return found

        def some(*parts: Any, manager=manager) -> Any:
            found = manager.false
            for part in parts:
                found |= part
            return found

        logic = Logic(is_value, every, some, lambda one: ~one)
        possible = every(*(some(*(is_value(axis, value) for value in values)) for axis, values in axes.items()))
        for key, when in changes(logic, old, new, licence).items():
            count = int(manager.count(when & possible, nvars=len(names)))
            if count:
                expected[key] = count
    assert lines(old, new) == expected


@settings(max_examples=12, deadline=None, suppress_health_check=SLOW)
@given(bundles(max_rules=3, agreeing=True), bundles(max_rules=3, agreeing=True))
def test_z3_finds_the_same_differences(old: Bundle, new: Bundle) -> None:
    """A change is possible exactly when the diff has a line for it; where it has none, there is provably none."""
    z3 = pytest.importorskip("z3", reason="a development oracle")
    found: set[Key] = set()
    for licence in ("l1", "l2"):
        axes = both_axes(old, new, licence)
        variables = {axis: z3.Int(axis) for axis in axes}

        def is_value(axis: str, value: Hashable, axes=axes, variables=variables) -> Any:
            return variables[axis] == axes[axis].index(value)

        logic = Logic(is_value, z3.And, z3.Or, z3.Not)
        solver = z3.Solver()
        for axis, values in axes.items():
            solver.add(variables[axis] >= 0, variables[axis] < len(values))
        for key, when in changes(logic, old, new, licence).items():
            if solver.check(when) == z3.sat:
                found.add(key)
    assert found == set(lines(old, new))


def test_equal_versions_are_proved_equal() -> None:
    """Neither solver finds a context in which a policy differs from itself."""
    z3 = pytest.importorskip("z3", reason="a development oracle")
    bundle = make_bundle(make_rule("R-1", {"holder_name": ("mask:name", "match")}, item=("i1",)))
    variables: Sequence[Any] = {axis: z3.Int(axis) for axis in PARTS}
    axes = axes_of(bundle, "l1")
    logic = Logic(lambda axis, value: variables[axis] == axes[axis].index(value), z3.And, z3.Or, z3.Not)
    solver = z3.Solver()
    solver.add(z3.Or(*changes(logic, bundle, bundle, "l1").values()))
    assert solver.check() == z3.unsat
    assert not lines(bundle, bundle)
