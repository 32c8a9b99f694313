"""Which budgets a question spends from."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.budget.charging import PER_MINUTE, Charging, Use
from gateway.budget.store import Charge
from policies.rule import Budget, BudgetSubject, Counted

CHARGING = Charging(b"k" * 32)
USE = Use(
    caller="hall",
    kind="counter",
    official="clerk",
    item="i1",
    case="c1",
    licence=("L1",),
    holders=("H1", "H2"),
    numbers=("JY13499010000999",),
    compares=True,
    looks_up=True,
)


def budget(counts: str = "questions", *per: str, **changes: Any) -> Budget:
    content: dict[str, Any] = {"zh": "预算", "en": "budget", "limit": 3, "window_seconds": 60} | changes
    return Budget(
        id=content.pop("id", "b"), counts=Counted(counts), per=tuple(map(BudgetSubject, per or ("caller",))), **content
    )


def charges(one: Budget, use: Use = USE) -> tuple[Charge, ...]:
    return CHARGING.charges([one], use)


@pytest.mark.parametrize(
    ("per", "change"),
    [
        (("caller",), {"caller": "other"}),
        (("official",), {"official": "other"}),
        (("case",), {"case": "other"}),
        (("item",), {"item": "other"}),
        (("caller", "official"), {"official": "other"}),
        (("subject",), {"holders": (), "licence": ("L9",)}),
    ],
)
def test_what_is_counted_for_each(per: tuple[str, ...], change: dict[str, Any]) -> None:
    """Another caller, official, case, item or holder has a count of its own; nothing else makes a difference."""
    one = budget("questions", *per)
    keys = {charge.key for charge in charges(one)}
    assert keys.isdisjoint(charge.key for charge in charges(one, replace(USE, **change)))
    assert keys == {charge.key for charge in charges(one, replace(USE, numbers=(), compares=False, kind="tax"))}


def test_subjects_are_counted_each() -> None:
    """A budget of the subject counts the licence, and each of its holders, by itself."""
    assert len({charge.key for charge in charges(budget("matches", "subject"))}) == 3


@pytest.mark.parametrize(
    ("counts", "changes", "applies"),
    [
        ("questions", {"compares": False, "looks_up": False}, True),
        ("matches", {}, True),
        ("matches", {"compares": False}, False),
        ("misses", {"compares": False}, True),
        ("misses", {"looks_up": False}, True),
        ("misses", {"compares": False, "looks_up": False}, False),
        ("subjects", {"compares": False}, True),
        ("neighbours", {"numbers": ()}, False),
        ("neighbours", {"numbers": ("张三",)}, False),
        ("neighbours", {}, True),
    ],
)
def test_what_is_counted(counts: str, changes: dict[str, Any], *, applies: bool) -> None:
    """Each kind of budget counts its kind of question."""
    assert bool(charges(budget(counts), replace(USE, **changes))) is applies


@pytest.mark.parametrize(
    ("changes", "applies"),
    [
        ({"item": ("i1",)}, True),
        ({"item": ("i2",)}, False),
        ({"caller": ("counter",)}, True),
        ({"caller": ("tax",)}, False),
    ],
)
def test_for_some(changes: dict[str, Any], *, applies: bool) -> None:
    """A budget for some items or kinds of callers leaves others alone."""
    assert bool(charges(budget(**changes))) is applies


def test_misses_need_room_also_for_hits() -> None:
    """A question that hits costs nothing of a budget of misses, and needs the same room as one that misses."""
    (hit,) = charges(budget("misses"))
    (miss,) = charges(budget("misses"), replace(USE, misses=True))
    assert (hit.is_free, miss.is_free) == (True, False)
    assert replace(hit, is_free=False) == miss


def test_without_a_case() -> None:
    """Budgets of a case leave alone what is asked for no case; whoever names no official shares one count."""
    assert charges(budget("questions", "caller", "case"), replace(USE, case=None)) == ()
    assert charges(budget("questions", "caller", "official"), replace(USE, official=""))


def test_keys_are_secret() -> None:
    """Two processes with different secrets have no key in common, two budgets have none, and no key holds a text."""
    here, there = (
        Charging(secret).charges([budget("questions", "official")], USE) for secret in (b"1" * 32, b"2" * 32)
    )
    assert here[0].key != there[0].key
    assert charges(budget(id="b1"))[0].key != charges(budget(id="b2"))[0].key
    assert b"clerk" not in here[0].key
    joined = [
        charges(budget("questions", "caller", "official"), replace(USE, caller=a, official=b))
        for a, b in (("x", "yz"), ("xy", "z"))
    ]
    assert joined[0][0].key != joined[1][0].key


def test_what_a_rule_obliges_to() -> None:
    """The questions of an official a minute that a rule allows are counted beside the budgets."""
    (charge,) = CHARGING.charges([], replace(USE, per_minute=30))
    assert (charge.budget, charge.limit, charge.window_seconds) == (PER_MINUTE, 30, 60)


def test_subjects_without_holders() -> None:
    """Where no holder is known the licence stands for one; persons who are only asked about count as well."""
    assert len(charges(budget("subjects"), replace(USE, holders=()))) == 1
    assert len(charges(budget("subjects"), replace(USE, persons=("H1", "H3")))) == 3
