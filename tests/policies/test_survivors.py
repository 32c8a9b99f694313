"""Mutants that no test notices: the bench finds exactly those that running all tests and the diff would."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policies.bundle import Bundle
from policies.difference.diff import diff
from policies.engine import Engine
from policies.mutate import mutants
from policies.rule import Given, PolicyTest
from policies.survivors import Bench
from policies.testing import run_tests, spell_decision
from tests.support.policies import all_contexts, bundles, make_bundle, make_rule


def with_tests_of(bundle: Bundle, starts: list[int]) -> Bundle:
    """Return the bundle with a test of some of its contexts, each as it is decided now."""
    contexts, engine = list(all_contexts(bundle)), Engine(bundle)
    tests = []
    for place in sorted({start % len(contexts) for start in starts}) if contexts else ():
        plan = engine.decide(contexts[place])
        leaves = {one.field: tuple(spell_decision(one).split("+")) for one in plan.fields if not one.is_withheld}
        asked = Given(**contexts[place]._asdict())
        test = PolicyTest(name=str(place), given=asked, expect=leaves)
        tests.append(test if plan.obligations is None else replace(test, obligations=plan.obligations))
    return replace(bundle, tests=tuple(tests))


@settings(max_examples=20, deadline=None)
@given(bundles(max_rules=3), st.lists(st.integers(0, 100_000), min_size=1, max_size=4), st.integers(0, 10_000))
def test_the_bench_notices_what_running_all_tests_would(bundle: Bundle, starts: list[int], start: int) -> None:
    """For some mutants of each policy; where none is noticed, the diff says whether it survives."""
    tested = with_tests_of(bundle, starts)
    assert all(one.passed for one in run_tests(Engine(tested)))
    bench, made = Bench(tested), list(mutants(tested))
    for place in range(min(8, len(made))):
        mutant = made[(start + place * 7) % len(made)]
        noticed = any(not one.passed for one in run_tests(Engine(mutant.bundle)))
        assert bench.notices(mutant) == noticed
        assert bench.survives(mutant) == (not noticed and bool(diff(tested, mutant.bundle).lines))


def test_without_tests_every_change_survives() -> None:
    """What changes an answer is not noticed by nobody; what changes none is no mistake."""
    bundle = make_bundle(make_rule("R-1", {"holder_name": "mask:name"}, item=("i1",)))
    made = list(mutants(bundle))
    survivors = list(Bench(bundle).survivors(made))
    assert survivors == [one for one in made if diff(bundle, one.bundle).lines]
    assert survivors
