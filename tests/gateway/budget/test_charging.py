"""Which budgets a question spends from."""

from typing import Any

import pytest
from msgspec import structs

from gateway.budget.charging import PER_MINUTE, Charging, Subject, Use
from gateway.budget.neighbours import neighbours_of
from gateway.budget.store import Charge
from policies.rule import Budget, BudgetSubject, Counted

CHARGING = Charging(b"k" * 32)
USE = Use(
    caller="hall",
    kind="counter",
    official="clerk",
    item="i1",
    case="c1",
    asked=Subject(licence="L1", holders=("H1",)),
    found=Subject(licence="L1 of its type", holders=("H1", "H2")),
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
        (("subject",), {"asked": Subject(licence="L9"), "found": Subject()}),
    ],
)
def test_what_is_counted_for_each(per: tuple[str, ...], change: dict[str, Any]) -> None:
    """Another caller, official, case, item or holder has a count of its own; nothing else makes a difference."""
    one = budget("questions", *per)
    keys = {charge.key for charge in charges(one)}
    assert keys.isdisjoint(charge.key for charge in charges(one, structs.replace(USE, **change)))
    assert keys == {charge.key for charge in charges(one, structs.replace(USE, numbers=(), compares=False, kind="tax"))}


def keys(one: Budget, use: Use) -> set[bytes]:
    return {charge.key for charge in charges(one, use)}


def test_subjects_are_counted_each() -> None:
    """A budget of the subject counts the licence that was found, and each of its holders, by itself."""
    assert len(keys(budget("matches", "subject"), structs.replace(USE, asked=Subject()))) == 3


def test_what_was_typed_in_is_nobody_else_s() -> None:
    """What was only typed in is counted for the caller alone; what was found for all callers together."""
    one = budget("matches", "subject")
    vain = structs.replace(USE, found=Subject())
    given = structs.replace(USE, asked=Subject())
    assert len(keys(one, vain)) == 2
    assert keys(one, vain).isdisjoint(keys(one, given))
    assert keys(one, vain).isdisjoint(keys(one, structs.replace(vain, caller="other")))
    assert keys(one, given) == keys(one, structs.replace(given, caller="other"))


def test_a_right_guess_needs_the_room_of_a_wrong_one() -> None:
    """Whoever has spent what it may type in about somebody is refused when it guesses right, too."""
    one = budget("matches", "subject")
    wrong, right = charges(one, structs.replace(USE, found=Subject())), charges(one)
    assert right[: len(wrong)] == wrong
    assert len(right) == len(wrong) + 3


def test_a_budget_of_caller_and_subject() -> None:
    """Where the caller is part of the key anyway, one name is counted once, found or typed in."""
    one = budget("matches", "caller", "subject")
    assert len(charges(one)) == 3 + 1
    assert keys(one, structs.replace(USE, found=Subject())) & keys(one, USE)


@pytest.mark.parametrize(
    "name", ["clerk-7 ", "Clerk-7", "\uff43lerk-7", "clerk\u20117", "clerk-7\u200b", "clerk\u22127"]
)
@pytest.mark.parametrize("per", ["official", "case"])
def test_one_official_by_any_spelling(name: str, per: str) -> None:
    """Width, case, spaces, invisible characters and kinds of dashes make no other official and no other case."""
    one = budget("questions", "caller", per)
    assert charges(one, structs.replace(USE, **{per: name})) == charges(one, structs.replace(USE, **{per: "clerk-7"}))
    assert charges(one, structs.replace(USE, **{per: name})) != charges(one, structs.replace(USE, **{per: "clerk-77"}))


@pytest.mark.parametrize(
    ("per", "is_fixed"),
    [(("caller",), True), (("caller", "item"), True), (("caller", "official"), False), (("subject",), False)],
)
def test_keys_that_are_known_beforehand(per: tuple[str, ...], *, is_fixed: bool) -> None:
    """Keys of callers and items alone always have room; all others have it in the share of the caller."""
    found = charges(budget("questions", *per))
    assert {charge.is_fixed for charge in found} == {is_fixed}
    other = charges(budget("questions", *per), structs.replace(USE, caller="other"))
    assert {charge.owner for charge in found}.isdisjoint(charge.owner for charge in other)


def test_neighbours_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is near a number is found out once for all budgets, and by the keys under which numbers are remembered."""
    asked: list[str] = []

    def neighbours(number: str) -> frozenset[str]:
        asked.append(number)
        return neighbours_of(number)

    monkeypatch.setattr("gateway.budget.charging.neighbours_of", neighbours)
    budgets = [budget("neighbours", id="one"), budget("neighbours", "official", id="two")]
    found = CHARGING.charges(budgets, USE)
    next_one = CHARGING.charges(budgets[:1], structs.replace(USE, numbers=("JY13499010001000",)))
    assert asked == []
    for charge in found:
        assert charge.near is not None
        assert next_one[0].member in charge.near()
    assert asked == ["JY13499010000999"]


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
    assert bool(charges(budget(counts), structs.replace(USE, **changes))) is applies


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
    (miss,) = charges(budget("misses"), structs.replace(USE, misses=True))
    assert (hit.is_free, miss.is_free) == (True, False)
    assert structs.replace(hit, is_free=False) == miss


def test_without_a_case() -> None:
    """Budgets of a case leave alone what is asked for no case; whoever names no official shares one count."""
    assert charges(budget("questions", "caller", "case"), structs.replace(USE, case=None)) == ()
    assert charges(budget("questions", "caller", "official"), structs.replace(USE, official=""))


def test_keys_are_secret() -> None:
    """Two processes with different secrets have no key in common, two budgets have none, and no key holds a text."""
    here, there = (
        Charging(secret).charges([budget("questions", "official")], USE) for secret in (b"1" * 32, b"2" * 32)
    )
    assert here[0].key != there[0].key
    assert charges(budget(id="b1"))[0].key != charges(budget(id="b2"))[0].key
    assert b"clerk" not in here[0].key
    joined = [
        charges(budget("questions", "caller", "official"), structs.replace(USE, caller=a, official=b))
        for a, b in (("x", "yz"), ("xy", "z"))
    ]
    assert joined[0][0].key != joined[1][0].key


def test_what_a_rule_obliges_to() -> None:
    """The questions of an official a minute that a rule allows are counted beside the budgets."""
    (charge,) = CHARGING.charges([], structs.replace(USE, per_minute=30))
    assert (charge.budget, charge.limit, charge.window_seconds) == (PER_MINUTE, 30, 60)


def test_subjects_without_holders() -> None:
    """Where no holder is known the licence stands for one; persons who are only asked about count as well."""
    nobody = structs.replace(USE, asked=Subject(licence="L1"), found=Subject(licence="L1 of its type"))
    assert len(charges(budget("subjects"), nobody)) == 1
    assert len(charges(budget("subjects"), structs.replace(nobody, found=Subject()))) == 1
    assert len(charges(budget("subjects"), structs.replace(USE, persons=("H1", "H3")))) == 3


def test_questions_that_are_not_alike() -> None:
    """Which budgets count a question is found out once for all that are alike, and never for another."""
    budgets = (
        budget(item=("i1",)),
        budget("matches", caller=("counter",)),
        budget("misses"),
        budget("questions", "case"),
    )
    uses = [
        structs.replace(USE, item=item, kind=kind, case=case, compares=compares, looks_up=compares)
        for item in ("i1", "i2")
        for kind in ("counter", "tax")
        for case in ("c1", None)
        for compares in (True, False)
    ]
    for use in (*uses, *uses):
        assert CHARGING.charges(budgets, use) == CHARGING.charges(list(budgets), use)
