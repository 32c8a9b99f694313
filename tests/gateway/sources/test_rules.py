"""The rules of a site: which sources are asked about a licence, in which order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sources.errand import Errand
from gateway.sources.rules import (
    SOURCES_FILE,
    STORE,
    SourceRule,
    Wanted,
    load_sources,
    select_rules,
    undecided_rules,
    wanted_by_key,
    wanted_by_licence,
)
from gateway.sources.source import by_identifier, by_number
from gateway.toml_table import Fault
from tests.support.sharing import make_licence

SYSTEMS = ("guangdong", "national")
IDENTIFIER = "1.2.156.3005.2.11100000000013338W004.11430000006122244L.JY14401060000019.001.1"
TYPE = "11100000000013338W004"
ERRAND = Errand(until=0.0)
SOUND = """
[[source]]
system = "guangdong"
areas = ["44", "4401"]
types = ["食品经营许可证"]
authoritative = true

[[source]]
system = "store"

[[source]]
system = "national"
documents = false
fresh_seconds = 30
"""


def load(folder: Path, text: str, systems: tuple[str, ...] = SYSTEMS) -> tuple[tuple[SourceRule, ...], list[Fault]]:
    """Read the rules of a folder."""
    (folder / SOURCES_FILE).write_text(text, "utf-8")
    faults: list[Fault] = []
    return load_sources(folder, systems=systems, faults=faults).rules, faults


def rule(system: str, *areas: str) -> str:
    return f'[[source]]\nsystem = "{system}"\n' + (f"areas = {list(areas)}\n" if areas else "")


def test_without_a_file(tmp_path: Path) -> None:
    """Without rules the gateway's own store is the only source."""
    assert load_sources(tmp_path, systems=SYSTEMS, faults=[]).rules == (STORE,)


def test_a_sound_file(tmp_path: Path) -> None:
    """Rules are those of the file, in its order."""
    rules, faults = load(tmp_path, SOUND)
    assert faults == []
    assert [one.system for one in rules] == ["guangdong", "store", "national"]
    assert rules[0] == SourceRule(
        system="guangdong", areas=("44", "4401"), types=frozenset({"食品经营许可证"}), is_authoritative=True
    )
    assert (rules[2].takes_documents, rules[2].fresh_seconds, rules[0].fresh_seconds) == (False, 30, 0)


def test_the_store_is_first_where_no_rule_places_it(tmp_path: Path) -> None:
    """A file that does not name the store leaves it first, but behind every source whose word is final."""
    final = rule("guangdong") + 'types = ["食品经营许可证"]\nauthoritative = true\n'
    for text, systems in (
        (rule("national"), ["store", "national"]),
        (final + rule("national"), ["guangdong", "store", "national"]),
        (rule("national", "11") + final, ["national", "guangdong", "store"]),
        (rule("guangdong") + "authoritative = true\n", ["guangdong", "store"]),
    ):
        rules, faults = load(tmp_path, text)
        assert faults == []
        assert [one.system for one in rules] == systems


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (rule("nobody"), "source[1].system"),
        (rule("guangdong", "4"), "source[1].areas"),
        (rule("guangdong", "44010600"), "source[1].areas"),
        (rule("guangdong") + 'types = ["  "]\n', "source[1].types"),
        (rule("guangdong") + "final = true\n", "source[1].final"),
        (rule("guangdong") + "authoritative = 1\n", "source[1].authoritative"),
        (rule("guangdong") + "fresh_seconds = 3601\n", "source[1].fresh_seconds"),
        (rule("store") + "fresh_seconds = 1\n", "source[1].fresh_seconds"),
        (rule("guangdong") + rule("guangdong", "44"), "source[2].system"),
        (rule("guangdong", "44") + rule("guangdong", "4401", "4403"), "source[2].system"),
        (rule("guangdong") + "authoritative = true\n" + rule("national"), "source[2].system"),
        (rule("store", "44"), "source"),
        ("[source]\n", "source"),
        ("[[sources]]\n", "sources"),
        ("[[source]\n", ""),
    ],
)
def test_one_broken_thing(tmp_path: Path, text: str, key: str) -> None:
    """Whatever is wrong is a fault that names its key; so is a rule that no question reaches."""
    _, faults = load(tmp_path, text)
    assert key in [fault.key for fault in faults]


def test_a_rule_that_leaves_something_is_reached(tmp_path: Path) -> None:
    """A later rule for the same source is no fault where it fits more than the earlier one."""
    _, faults = load(tmp_path, rule("guangdong", "4401") + rule("guangdong", "44") + rule("guangdong"))
    assert faults == []


def test_a_system_that_is_called_as_the_store_is(tmp_path: Path) -> None:
    """No other system can be called as the gateway's own store is."""
    _, faults = load(tmp_path, rule("national"), (*SYSTEMS, "store"))
    assert [(fault.file, fault.key) for fault in faults] == [("systems.toml", "store")]


def test_what_a_key_tells() -> None:
    """An identifier tells where it was issued and its type; a number tells what the question says."""
    assert wanted_by_key(by_identifier(IDENTIFIER), ERRAND) == Wanted(area="430000", types=frozenset({TYPE}))
    assert wanted_by_key(by_identifier("a business number"), ERRAND) == Wanted(area="", types=frozenset())
    errand = Errand(until=0.0, type_code=TYPE, type_name="食品经营许可证")
    wanted = wanted_by_key(by_number("1", "食品经营许可证"), errand)
    assert wanted == Wanted(area="", types=frozenset({TYPE, "食品经营许可证"}))


def test_what_a_document_tells() -> None:
    """Without an identifier the issuer's code tells where a licence was issued, if it is one."""
    licence = make_licence(issuer_code="11440000006122244L")
    assert wanted_by_licence(licence).area == "440000"
    assert wanted_by_licence(make_licence(issuer_code="none")).area == ""


def test_rules_that_cannot_be_decided() -> None:
    """A rule for areas or types is undecided for a licence of which nobody knows them, unless its source is asked."""
    area, food = SourceRule(system="a", areas=("44",)), SourceRule(system="f", types=frozenset({"FOOD"}))
    final = SourceRule(system="z", is_authoritative=True)
    unknown = Wanted(area="", types=frozenset())
    assert undecided_rules((area, food, STORE), unknown) == (area, food)
    assert undecided_rules((final, area, food), unknown) == ()
    assert undecided_rules((area, SourceRule(system="a")), unknown) == ()
    assert undecided_rules((area, food), Wanted(area="110000", types=frozenset({"TRADE"}))) == ()
    assert undecided_rules((area, food), Wanted(area="", types=frozenset({"TRADE"}))) == (area,)


AREAS = st.lists(st.sampled_from(["11", "1101", "110101", "44", "4401"]), max_size=3, unique=True).map(tuple)
TYPES = st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2)
RULES = st.builds(
    SourceRule, system=st.sampled_from(["x", "y"]), areas=AREAS, types=TYPES, is_authoritative=st.booleans()
)
WANTED = st.builds(Wanted, area=st.sampled_from(["", "110101", "110200", "440100", "990000"]), types=TYPES)


@given(RULES, RULES, WANTED)
def test_what_covers_fits(one: SourceRule, other: SourceRule, wanted: Wanted) -> None:
    """A rule that covers another one fits everything that the other one fits."""
    if one.covers(other) and other.fits(wanted):
        assert one.fits(wanted)


@given(RULES, st.sampled_from(["110101", "990000"]), st.frozensets(st.sampled_from(["a", "b"]), min_size=1, max_size=2))
def test_what_is_known_is_decided(one: SourceRule, area: str, types: frozenset[str]) -> None:
    """Of a licence whose area and type are known every rule is decided; what fits may fit."""
    wanted = Wanted(area=area, types=types)
    assert one.fits(wanted) is one.may_fit(wanted)


@given(st.lists(RULES, max_size=5).map(tuple), WANTED)
def test_nobody_is_asked_behind_an_authority(rules: tuple[SourceRule, ...], wanted: Wanted) -> None:
    """Sources are asked once each, in order, only where their rule fits, and none behind an authority."""
    selected = select_rules(rules, wanted)
    assert all(one.fits(wanted) for one in selected)
    assert len({one.system for one in selected}) == len(selected)
    assert list(selected) == [one for one in rules if any(one is other for other in selected)][: len(selected)]
    ends = [place for place, one in enumerate(rules) if one.fits(wanted) and one.is_authoritative]
    if ends:
        assert not {one.system for one in selected} - {one.system for one in rules[: ends[0] + 1]}
