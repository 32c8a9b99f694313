"""``tongban bench policy``: a decision with its forms, beside Cedar and Rego; analysis and comparison of policies."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from time import perf_counter
from typing import Any, Final, TypeVar

from msgspec import UNSET

from benchmarks.policy_material import (
    SEED,
    SORTS,
    SORTS_AS_WRITTEN,
    Sort,
    full_context,
    make_hundred,
    make_licence,
    make_thousand,
    next_version,
)
from benchmarks.policy_peers import Ask, PeerMissingError, cedar, rego
from benchmarks.report import Reach, report, spread
from gateway.disclosure import BoundPlan, FieldShown, Limits, bind_plan, disclose
from policies.analysis.analyse import analyse
from policies.bundle import Bundle
from policies.compile import compile_bundle
from policies.difference.diff import diff
from policies.dimension import Context, LicenceStatus
from policies.engine import Engine, build_plan
from policies.fold import fold_licence, witness
from policies.forms.pseudonym import Pseudonyms
from policies.forms.registry import scheme_of
from policies.forms.scheme import HIDDEN, Apply, Surroundings
from policies.grant import rows
from policies.plan import Plan

T = TypeVar("T")

DECIDE_GOAL_US: Final = 2.0
APPLY_GOAL_US: Final = 10.0
DISCLOSE_GOAL_US: Final = 20.0  # our own: the design has goals for deciding and applying, and none for all of it
PLAN_GOAL_US: Final = 50.0
COMPILE_GOALS_MS: Final = (10.0, 100.0)
FOLD_GOALS_MS: Final = (20.0, 300.0)
ANALYSE_GOAL_S: Final = 0.3
DIFF_GOAL_S: Final = 0.3
CONTEXTS_GOAL: Final = 5_000_000_000
PEERS: Final[dict[str, tuple[Callable[[Bundle], Ask], float, int]]] = {
    # how to ask it, how many times as fast we are to be, how many questions of a round it gets
    "cedarpy": (cedar, 20.0, 50),
    "regopy": (rego, 100.0, 10),
}
MAX_SLOW_ROUNDS: Final = 10  # of what takes a good part of a second
_CALLS: Final = 2_000
_CONTEXTS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The small policy, compiled, and questions that reach as many of its rule sets as possible."""

    bundle: Bundle
    engine: Engine
    contexts: Sequence[Context]


def run(*, rounds: int, rules: int = 1_000, kinds: int = 403) -> dict[str, Any]:
    """Measure and return the report; every answer is checked.

    Raises:
        RuntimeError: an answer was wrong, or another engine gave a different one.

    """
    material = make_material()
    decisions: dict[str, list[float]] = {name: [] for name in ("decide", "apply", "written", "disclose", "plan")}
    written = Engine(make_hundred(SORTS_AS_WRITTEN))
    for _ in range(rounds):
        decisions["decide"].append(measure_decide(material))
        decisions["apply"].append(measure_apply(material.engine, SORTS))
        decisions["written"].append(measure_apply(written, SORTS_AS_WRITTEN))
        decisions["disclose"].append(measure_disclose(material.engine))
        decisions["plan"].append(measure_plan(material))
    peers = {name: measure_peer(material, name, rounds) for name in PEERS}
    slow = min(rounds, MAX_SLOW_ROUNDS)
    small = measure_policy(material.bundle, rounds)
    large_bundle = make_thousand(rules=rules, kinds=kinds)
    large = measure_policy(large_bundle, slow)
    contexts = sum(table.contexts for table in compile_bundle(large_bundle).values())
    count = f"{rules} rules"
    reach = [
        _lower("decide, 100 rules, 20 fields", median(decisions["decide"]), "µs", DECIDE_GOAL_US),
        _lower("decide and apply 20 forms", median(decisions["apply"]), "µs", APPLY_GOAL_US),
        _lower("decide and apply 20 forms, as written", median(decisions["written"]), "µs", APPLY_GOAL_US),
        _lower(
            "decide, read and disclose 20 fields of a licence", median(decisions["disclose"]), "µs", DISCLOSE_GOAL_US
        ),
        _lower("plan that is not remembered", median(decisions["plan"]), "µs", PLAN_GOAL_US),
        *(
            Reach(measure=f"which rules match, nothing remembered, times as fast as {name}",
                  value=found["ratio_matching"]["median"], unit="×", goal=PEERS[name][1], better="higher")
            for name, found in peers.items() if found is not None
        ),
        _lower("compile 100 rules", median(small["compile"]) * 1000, "ms", COMPILE_GOALS_MS[0]),
        _lower(f"compile {count}", median(large["compile"]) * 1000, "ms", COMPILE_GOALS_MS[1]),
        _lower("fold 100 rules", median(small["fold"]) * 1000, "ms", FOLD_GOALS_MS[0]),
        _lower(f"fold {count}", median(large["fold"]) * 1000, "ms", FOLD_GOALS_MS[1]),
        _lower(f"fold and analyse {count}", median(large["analyse"]), "s", ANALYSE_GOAL_S),
        Reach(measure=f"contexts of the {count}", value=contexts, unit="contexts", goal=CONTEXTS_GOAL, better="higher"),
        _lower("compare two versions of 100 rules", median(small["diff"]), "s", DIFF_GOAL_S),
        _lower(f"compare two versions of {count}", median(large["diff"]), "s", DIFF_GOAL_S),
    ]  # fmt: skip
    return report(
        "policy",
        rounds=rounds,
        reach=reach,
        detail={
            "decide_us": spread(decisions["decide"]),
            "decide_and_apply_us": spread(decisions["apply"]),
            "decide_and_apply_as_written_us": spread(decisions["written"]),
            "decide_read_and_disclose_us": spread(decisions["disclose"]),
            "plan_us": spread(decisions["plan"]),
            "peers": {name: found or "not installed" for name, found in peers.items()},
            "rule_sets": {"100": material.engine.reachable, str(rules): Engine(large_bundle).reachable},
            "small_s": {name: spread(found) for name, found in small.items()},
            "large_s": {name: spread(found) for name, found in large.items()},
            "slow_rounds": slow,
            "how": "wall-clock time; policies are generated with a fixed seed; peers take turns with us in every round "
            "on the same contexts, with policies parsed (Cedar) or compiled (Rego) beforehand, after the sets of rules "
            "that match were found to be equal; the ratio that has a goal is for the one question that all can answer, "
            "which rules match, with nothing remembered; `ratio_whole_plan` is for building a whole plan, every field "
            "with its form or reason and the obligations, against their answer to that question; `ratio_remembered` "
            "for a remembered decision, which is what a gateway mostly asks for; every figure of a round is the mean "
            "of its calls, and medians are over rounds; of the 20 forms 16 change the value, nearly each kind of form "
            "once; as written, 12 do, the share in that plan of the example site that changes the largest share; "
            "disclosing is deciding, finding each value in the licence, the forms of the first figure, and the answer "
            "about each field, without its JSON text; analysing a policy is folding it and all "
            "findings, once it is compiled; comparing two versions includes compiling both",
        },
    )


def make_material() -> Material:
    """Compile the policy of 100 rules, and choose contexts at random among one for each of its rule sets."""
    bundle = make_hundred()
    engine = Engine(bundle)
    examples = [witness(name, reached.path) for name, sets in engine.folds.items() for reached in sets.values()]
    random.Random(SEED).shuffle(examples)
    return Material(bundle=bundle, engine=engine, contexts=tuple(examples[:_CONTEXTS]))


def measure_decide(material: Material) -> float:
    """Ask for decisions that were asked for before; microseconds for one."""
    decide = material.engine.decide
    for context in material.contexts:
        decide(context)
    begun = perf_counter()
    for _ in range(max(1, _CALLS // len(material.contexts))):
        for context in material.contexts:
            decide(context)
    asked = max(1, _CALLS // len(material.contexts)) * len(material.contexts)
    return (perf_counter() - begun) / asked * 1_000_000


def measure_apply(engine: Engine, sorts: Mapping[str, Sort]) -> float:
    """Decide and turn 20 values into their forms; microseconds for one licence.

    Raises:
        RuntimeError: not every field left, or a mask showed everything or nothing.

    """
    context = full_context()
    bound: dict[str, tuple[tuple[str, Apply], ...]] = {}
    values = {name: sort.value for name, sort in sorts.items()}
    surroundings = _surroundings()
    decide = engine.decide

    def answer() -> dict[str, object]:
        plan = decide(context)
        schemes = bound.get(plan.id)
        if schemes is None:
            schemes = bound[plan.id] = bind(plan, sorts)
        return {name: apply(values[name], surroundings) for name, apply in schemes}

    found = answer()
    if len(found) != len(sorts) or HIDDEN in found.values() or None in found.values():
        raise RuntimeError(f"all fields in their forms were expected, got {found}")
    begun = perf_counter()
    for _ in range(_CALLS):
        answer()
    return (perf_counter() - begun) / _CALLS * 1_000_000


def measure_disclose(engine: Engine) -> float:
    """Decide, read 20 fields of a licence and make the answer about each, as the gateway does; microseconds.

    Raises:
        RuntimeError: not every field left.

    """
    context, licence, limits = full_context(), make_licence(), Limits(is_valid=True)
    types = {one.id: one for one in engine.bundle.licences}
    bound: dict[str, BoundPlan] = {}
    around = _surroundings()
    decide = engine.decide

    def answer() -> Mapping[str, FieldShown]:
        plan = decide(context)
        found = bound.get(plan.id)
        if found is None:
            found = bound[plan.id] = bind_plan(plan, types[plan.licence])
        return disclose(found, licence, status=LicenceStatus.ACTIVE, around=around, limits=limits)

    found = answer()
    shown = {name: one.value for name, one in found.items() if one.reason is UNSET}
    if len(shown) != len(SORTS) or HIDDEN in shown.values():
        raise RuntimeError(f"all fields in their forms were expected, got {found}")
    begun = perf_counter()
    for _ in range(_CALLS):
        answer()
    return (perf_counter() - begun) / _CALLS * 1_000_000


def bind(plan: Plan, sorts: Mapping[str, Sort]) -> tuple[tuple[str, Apply], ...]:
    """Return the functions of a plan's forms."""
    found = []
    for decision in plan.fields:
        scheme = scheme_of(decision.form)
        if not decision.is_withheld and scheme is not None:
            found.append((decision.field, scheme.apply_to(sorts[decision.field].type)))
    return tuple(found)


def measure_plan(material: Material) -> float:
    """Build plans from the columns, as for a decision that is not remembered; microseconds for one."""
    tables = material.engine.tables
    begun = perf_counter()
    for context in material.contexts:
        build_plan(tables[context.licence], context)
    return (perf_counter() - begun) / len(material.contexts) * 1_000_000


def measure_peer(material: Material, name: str, rounds: int) -> dict[str, Any] | None:
    """Take turns with another engine; None when it is not installed.

    Raises:
        RuntimeError: it found other rules to match.

    """
    build, _, count = PEERS[name]
    try:
        ask = build(material.bundle)
    except PeerMissingError:
        return None
    contexts = material.contexts[:count]
    for context in (full_context(), *contexts):
        ours, theirs = frozenset(material.engine.decide(context).rules), ask(context)
        if not ours == theirs == name_matching(material.engine, context):
            raise RuntimeError(f"{name} was expected to match {sorted(ours)}, got {sorted(theirs)} in {context}")
    tables = material.engine.tables
    asks: dict[str, tuple[Callable[[Context], object], int]] = {
        "theirs": (ask, 1),
        "matching": (lambda one: name_matching(material.engine, one), 20),
        "whole_plan": (lambda one: build_plan(tables[one.licence], one), 1),
        "remembered": (material.engine.decide, 20),
    }
    taken: dict[str, list[float]] = {way: [] for way in asks}
    for _ in range(rounds):
        for way, (one, repeat) in asks.items():
            taken[way].append(_time(one, contexts, repeat=repeat))
    ratios = {
        f"ratio_{way}": spread([theirs / own for own, theirs in zip(taken[way], taken["theirs"], strict=True)])
        for way in asks
        if way != "theirs"
    }
    return {**{f"{way}_us": spread(found) for way, found in taken.items()}, **ratios, "checked": count + 1}


def name_matching(engine: Engine, context: Context) -> frozenset[str]:
    """Say which rules match, from the columns and nothing remembered: the one question that every engine answers."""
    ruled = engine.tables[context.licence].rules
    return frozenset(ruled[row].id for row in rows(engine.matching(context)))


def measure_policy(bundle: Bundle, rounds: int) -> dict[str, list[float]]:
    """Compile, fold, analyse and compare a policy; seconds.

    Raises:
        RuntimeError: the contexts of the rule sets do not add up, or the comparison found nothing.

    """
    found: dict[str, list[float]] = {name: [] for name in ("compile", "fold", "analyse", "diff")}
    later = next_version(bundle)
    engine = Engine(bundle)
    for _ in range(rounds):
        seconds, tables = _clock(lambda: compile_bundle(bundle))
        found["compile"].append(seconds)
        fold_seconds, folds = _clock(lambda: [fold_licence(table) for table in tables.values()])  # noqa: B023 -- called at once
        found["fold"].append(fold_seconds)
        seconds, analysis = _clock(lambda: analyse(engine))
        found["analyse"].append(fold_seconds + seconds)
        if analysis.contexts != sum(reached.contexts for sets in folds for reached in sets.values()):
            raise RuntimeError("the contexts of the rule sets do not add up to all contexts")
        seconds, compared = _clock(lambda: diff(bundle, later))
        found["diff"].append(seconds)
        if not compared.widens:
            raise RuntimeError("a comparison that widens was expected")
    return found


def _surroundings() -> Surroundings:
    pseudonyms = Pseudonyms(master=bytes(32), partner="bench", purpose="bench", epoch=1)
    return Surroundings(today=date(2026, 3, 1), pseudonyms=pseudonyms)


def _time(ask: Callable[[Context], object], contexts: Sequence[Context], repeat: int) -> float:
    begun = perf_counter()
    for _ in range(repeat):
        for context in contexts:
            ask(context)
    return (perf_counter() - begun) / (repeat * len(contexts)) * 1_000_000


def _clock(call: Callable[[], T]) -> tuple[float, T]:
    begun = perf_counter()
    result = call()
    return perf_counter() - begun, result


def _lower(measure: str, value: float, unit: str, goal: float) -> Reach:
    return Reach(measure=measure, value=value, unit=unit, goal=goal, better="lower")
