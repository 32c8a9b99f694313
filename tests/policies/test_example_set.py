"""The example policy set: what the folder holds, and that its tests notice any mistake in its rules."""

import csv
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from benchmarks.policy_peers import cedar
from gateway.demo.catalogue import drafts
from gateway.demo.licences import TYPE_CODES
from policies import reference
from policies.analysis.analyse import analyse
from policies.analysis.finding import FindingKind, Severity
from policies.bundle import Bundle, encode_bundle, parse_bundle
from policies.dimension import AgeClass, Context, LicenceStatus, OutcomeClass
from policies.engine import Engine
from policies.fold import witness
from policies.given import contexts_of
from policies.loader import load_policy
from policies.mutate import Mutant, mutants
from policies.plan import Withheld
from policies.rule import BudgetSubject, Counted
from policies.survivors import Bench
from policies.testing import known_names, run_tests
from tests.support.callers import NOW
from tests.support.policies import all_contexts, is_no_wider, shown
from tests.support.vectors import vector_path

FOLDER: Final = Path(__file__).resolve().parents[2] / "examples" / "site" / "policies"
SEED: Final = 20260101
SAMPLED: Final = 50  # mutants of some 14,000
IN_FORCE: Final = frozenset({LicenceStatus.ACTIVE, LicenceStatus.UNKNOWN})
YOUNG: Final = frozenset({AgeClass.UNDER_14, AgeClass.UNDETERMINED})
DOUBT: Final = "待核实"


@cache
def example() -> Bundle:
    """Return the example set."""
    return load_policy({path.name: path.read_bytes() for path in FOLDER.glob("*.toml")}).bundle


@cache
def engine() -> Engine:
    """Return the example set, compiled."""
    return Engine(example())


@cache
def asked() -> frozenset[Context]:
    """Return the contexts of its tests."""
    known = known_names(example())
    return frozenset(context for test in example().tests for context in contexts_of(test.given, known))


def test_it_is_as_large_as_a_real_one() -> None:
    """Licence types, items, kinds of callers and rules, each in the number that makes the set worth reading."""
    bundle = example()
    assert len(bundle.licences) >= 12
    assert len(bundle.items) >= 30
    assert {kind.id for kind in bundle.callers} == {
        "counter", "approval", "partner-counter", "notary", "bank-kiosk", "tax", "court", "auditor",
    }  # fmt: skip
    assert len(bundle.rules) >= 100
    assert parse_bundle(encode_bundle(bundle)) == bundle


def test_the_analysis_finds_no_fault() -> None:
    """No conflict, no limit broken, no number that can be guessed, no rule that never counts."""
    analysis = analyse(engine())
    assert [one.sentence.en for one in analysis.findings if one.severity is not Severity.NOTE] == []
    assert {one.kind for one in analysis.findings} <= {FindingKind.UNCOVERED, FindingKind.TOGETHER}
    assert (analysis.coverage, analysis.untested) == (1.0, ())


def test_its_items_are_those_of_the_list() -> None:
    """Thirty items and more have exactly the name, in both languages, of the working list of cross-province items."""
    with vector_path("../domain/items.csv").open(encoding="utf-8", newline="") as file:
        known = {row["item_cn"]: row["item_en"] for row in csv.DictReader(file)}
    listed = [item for item in example().items if not item.id.startswith("EX-QT-")]
    assert len(listed) >= 30
    assert {item.zh: item.en for item in listed} == {item.zh: known.get(item.zh) for item in listed}
    assert all(item.id.startswith("EX-") for item in example().items)


def test_every_basis_names_a_law_or_a_doubt() -> None:
    """A legal basis is a law in brackets, a document with its number, or the words that it is to be verified."""
    named = [*((rule.id, rule.basis) for rule in example().rules), *((item.id, item.basis) for item in example().items)]
    assert [name for name, basis in named if not any(mark in basis for mark in ("《", "〔", DOUBT))] == []


def test_the_licences_of_the_demo_are_among_its_types() -> None:
    """By type code and name, with a field for every element that the demo's licences state."""
    types = {code: licence for licence in example().licences for code in licence.codes}
    assert {kind.value: types[code].zh for kind, code in TYPE_CODES.items()} == {kind: kind for kind in TYPE_CODES}
    for draft in drafts(NOW):
        sources = {field.source for field in types[TYPE_CODES[draft.kind]].fields.values()}
        assert {tag for tag in draft.elements if tag.startswith("KZ_")} <= sources


def test_its_own_tests_pass() -> None:
    """Each test beside the rules gets exactly what it expects."""
    assert [result.sentence.en for result in run_tests(engine()) if not result.passed] == []


def test_every_rule_counts_in_a_test() -> None:
    """Each rule gives, or explicitly withholds, a field in the context of some test."""
    plans = [engine().decide(context) for context in asked()]
    winning = {rule for plan in plans for one in plan.fields for rule in (one.rule, one.match_rule)}
    assert {rule.id for rule in example().rules} <= winning


def test_every_form_of_a_ceiling_comes_up_in_a_test() -> None:
    """What an item may receive at most is received in some test, form by form."""
    allowed = {
        (item.id, name, form) for item in example().items for name, forms in item.ceiling.items() for form in forms
    }
    received = set()
    for context in asked():
        for one in engine().decide(context).fields:
            received |= {(context.item, one.field, str(one.form))} | {(context.item, one.field, str(one.shown))}
            received |= {(context.item, one.field, "match")} if one.match_rule else set()
    assert allowed - received == set()


def test_a_licence_out_of_force_gives_its_status_only() -> None:
    """Suspended, expired, revoked, cancelled, superseded; and whatever the checks did not find valid."""
    for context in all_contexts(example()):
        if context.status not in IN_FORCE or context.outcome != OutcomeClass.VALID:
            assert shown(engine().decide(context)).keys() <= {"status"}


def test_children_are_told_of_less() -> None:
    """Under 14 nothing more leaves than of adults, and what is withheld is withheld by name, for all such holders."""
    protected = set()
    for context in all_contexts(example()):
        if context.age in YOUNG and context.holder == "person":
            plan = engine().decide(context)
            assert is_no_wider(plan, engine().decide(context._replace(age=AgeClass.ADULT)))
            assert shown(plan) == shown(engine().decide(context._replace(age=AgeClass.UNDER_14)))
            if context.status in IN_FORCE and any(one.reason is Withheld.PROTECTED for one in plan.fields):
                protected.add(context.licence)
    assert protected >= {
        "id-card", "household-register", "birth-certificate", "social-security-card", "property-certificate",
        "disability-certificate",
    }  # fmt: skip


def test_what_is_longest_kept_and_most_limited() -> None:
    """Households, property and orphans ten years; banks ask ten times a minute; only the public look-up is brief."""
    obliged = {(context.item[:5], context.caller, engine().decide(context).obligations) for context in asked()}
    banks = {one.per_minute for _, caller, one in obliged if caller == "bank-kiosk" and one and one.audit == "full"}
    assert banks == {10}
    kept = {item: max(one.keep_days for name, _, one in obliged if one and name == item) for item, _, _ in obliged}
    assert {item for item, days in kept.items() if days == 3650} == {"EX-GA", "EX-ZR", "EX-MZ", "EX-QT"}
    briefly = {item for item, _, one in obliged if one and one.audit == "brief"}
    assert briefly == {"EX-QT"}


@pytest.mark.slow
def test_the_wheel_carries_the_set(tmp_path: Path) -> None:
    """The package has the very files of the example, by a link, and a wheel has them as files."""
    root = FOLDER.parents[2]
    assert (root / "gateway" / "example_policies").resolve() == FOLDER
    for name in ("gateway", "examples", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        copy(root / name, tmp_path / name, **({"symlinks": True} if copy is shutil.copytree else {}))
    build = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 — our own
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        held = {Path(name).name: packed.read(name) for name in packed.namelist() if "/example_policies/" in name}
    assert held == {path.name: path.read_bytes() for path in FOLDER.glob("*.toml")}


def test_budgets_count_probing() -> None:
    """Misses and neighbours are limited, for officials and callers; comparisons about one holder for all together."""
    budgets = example().budgets
    assert {budget.counts for budget in budgets} == set(Counted)
    assert {subject for budget in budgets for subject in budget.per} == set(BudgetSubject)
    assert any(budget.counts is Counted.MATCHES and budget.per == (BudgetSubject.SUBJECT,) for budget in budgets)
    assert len(example().together) >= 5


def survivors(made: Iterable[Mutant]) -> list[str]:
    """Return the mistakes that change an answer and that no test notices."""
    return [mutant.description.en for mutant in Bench(example()).survivors(made)]


def test_a_sample_of_mistakes_is_noticed() -> None:
    """Of a sample by a fixed seed, each mistake that changes any answer makes a test fail."""
    made = list(mutants(example()))
    assert survivors(random.Random(SEED).sample(made, SAMPLED)) == []


@pytest.mark.slow
def test_every_mistake_is_noticed() -> None:
    """Each mistake that changes any answer makes a test fail."""
    assert survivors(mutants(example())) == []


def test_three_engines_agree_on_every_reachable_set() -> None:
    """The naive loop gives the same plan in one context of each reachable rule set, and Cedar the same rules."""
    pytest.importorskip("cedarpy", reason="a development oracle")
    agree(witness(name, reached.path) for name, sets in engine().folds.items() for reached in sets.values())


@pytest.mark.slow
def test_three_engines_agree_on_every_context() -> None:
    """So do they in every context that there is."""
    pytest.importorskip("cedarpy", reason="a development oracle")
    agree(all_contexts(example()))


def agree(contexts: Iterable[Context]) -> None:
    ask = cedar(example())
    for context in contexts:
        plan = engine().decide(context)
        assert reference.decide(example(), context) == plan
        assert ask(context) == frozenset(plan.rules)
