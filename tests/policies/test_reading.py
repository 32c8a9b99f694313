"""A table as a typed value: every fault of it, in words that say what to write instead."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from policies.bundle import Bundle
from policies.catalogue import CallerKind, LicenceType, find_hidden
from policies.fault import MAX_FAULTS, Place, Report, Words, nearest, spell
from policies.item import Item
from policies.reading import Origin, read_table
from policies.rule import Budget, PolicyTest, Rule, Together
from policies.toml import parse_policy_file
from policies.validation.draft import Head

SHAPES = (Head, CallerKind, LicenceType, Item, Rule, Together, Budget, PolicyTest)

RULE = """\
[[rule]]
id = "R-014"
why = "a reason"
basis = "to be verified"
grant = { holder_name = "plain" }
"""


def read(text, shape=Rule):
    report = Report()
    file = parse_policy_file(text.encode(), "a.toml")
    value = file.tables["rule"][0]
    origin = Origin(file=file, path=("rule", 0), label="rule R-014")
    return read_table(value, shape, origin, report), report.error().faults


def test_what_is_right_is_read():
    """A table without faults becomes the value."""
    value, faults = read(RULE)
    assert isinstance(value, Rule)
    assert (value.id, value.grant, faults) == ("R-014", {"holder_name": "plain"}, ())


# What is added to the rule: (text, key, expected, found, meant); the line is that of the added text.
ADDED = {
    "an unknown key": ('licences = ["x"]', "licences", "one of id, why", "an unknown key", "licence"),
    "a table for a text list": ('item = { a = "x" }', "item", "a list of at least one", "a table", ""),
    "a text for a list": ('item = "34-001"', "item", "a list of at least one", '"34-001"', ""),
    "an empty list": ("item = []", "item", "a list of at least one", "an empty list", ""),
    "a number for a code": ("item = [34001]", "item", "quoted text (a code", "34001 without quotes", ""),
    "a day for a code": ("item = [2026-01-01]", "item", "quoted text", "2026-01-01 without quotes", ""),
    "a flag for a code": ("item = [true]", "item", "quoted text", "true without quotes", ""),
    "a code with a line break": ('item = ["34-001\\n"]', "item", "a code of", "the invisible character U+000A", ""),
    "a code with a direction mark": ('item = ["34-\u202e001"]', "item", "a code of", "invisible character U+202E", ""),
    "other digits": ('item = ["３４"]', "item", "a code of", '"\\uff13\\uff14"', ""),
    "an unknown value": ('consent = ["givn"]', "consent", "one of none, given, statutory", '"givn"', "given"),
    "a number for a value": ("consent = [1]", "consent", "quoted text (one of none", "1 without quotes", ""),
    "an unknown key inside": ('caller = { kinds = ["x"] }', "caller.kinds", "one of kind, home", "unknown key", "kind"),
    "a number out of range": ("oblige = { keep_days = 0 }", "oblige.keep_days", "from 1 to 36525", "0", ""),
    "a huge number": ("oblige.keep_days = 99999999999999999999", "oblige.keep_days", "from 1 to", "a huge number", ""),
    "a fraction": ("oblige.keep_days = 1.5", "oblige.keep_days", "a whole number", "1.5", ""),
    "a flag for a number": ("oblige.keep_days = true", "oblige.keep_days", "a whole number", "true", ""),
    "a text for a flag": ('oblige.watermark = "yes"', "oblige.watermark", "true / false", '"yes"', ""),
    "a text for a table": ('caller = "x"', "caller", "a table", '"x"', ""),
    "a list for a table": ("caller = [1]", "caller", "a table", "a list", ""),
}


@pytest.mark.parametrize("name", ADDED)
def test_each_fault_names_line_key_expectation_and_hint(name):
    """One thing added to a right rule gives one fault that says where, what was expected, found and meant."""
    text, key, expected, found, meant = ADDED[name]
    value, (fault,) = read(f"{RULE}{text}\n")
    assert value is None
    assert (fault.file, fault.line, fault.key) == ("a.toml", 6, f"rule R-014.{key}")
    assert expected in fault.expected.en
    assert found in fault.found.en
    assert fault.meant == meant


REPLACED = {
    "a missing key": ('why = "a reason"\n', "", "why", 1, "quoted text", "nothing"),
    "an empty text": ('"a reason"', '""', "why", 3, "quoted text", "an empty text"),
    "a text of spaces": ('"a reason"', '"  "', "why", 3, "no space at either end", '"  "'),
    "a text too long": ('"a reason"', f'"{"x" * 513}"', "why", 3, "at most 512", "513 characters"),
    "a zero-width space": ('"a reason"', '"a\u200breason"', "why", 3, "visible characters", "U+200B"),
    "a right-to-left mark": ('"a reason"', '"a \u200freason"', "why", 3, "visible characters", "U+200F"),
    "a private character": ('"a reason"', '"a \ue000 reason"', "why", 3, "visible characters", "U+E000"),
    "a tag": ('"a reason"', '"a \U000e0041 reason"', "why", 3, "visible characters", "U+E0041"),
    "an empty table": ('{ holder_name = "plain" }', "{}", "grant", 5, "a table of at least one", "a table"),
    "a look-alike key": ("holder_name", '"h\u043elder_name"', "grant.h\\u043elder_name", 5, "lower-case", "\\u043e"),
    "no form": ('"plain"', "1", "grant.holder_name", 5, "a form, such as plain", "1 without quotes"),
    "an empty list of forms": ('"plain"', "[]", "grant.holder_name", 5, "a list of at least one", "an empty list"),
    "a form too long": ('"plain"', f'"{"x" * 65}"', "grant.holder_name", 5, "a form", "65 characters"),
}


@pytest.mark.parametrize("name", REPLACED)
def test_each_replacement_is_found(name):
    """One thing replaced in a right rule gives one fault at its place."""
    old, new, key, line, expected, found = REPLACED[name]
    assert RULE.count(old) == 1
    value, (fault,) = read(RULE.replace(old, new))
    assert value is None
    assert (fault.line, fault.key) == (line, f"rule R-014.{key}")
    assert expected in fault.expected.en
    assert found in fault.found.en


def test_all_faults_of_a_table_are_found_together():
    """Faults beside and inside each other are all reported."""
    _value, faults = read('[[rule]]\nid = 1\nitem = []\ncaller = { home = ["here", "there"], x = 1 }\n')
    assert [fault.key.removeprefix("rule R-014.") for fault in faults] == [
        "why", "basis", "grant", "id", "item", "caller.home", "caller.home", "caller.x",
    ]  # fmt: skip


def parts_of(kind):
    """Return the types inside a type."""
    match kind:
        case inspect.StructType():
            return [field.type for field in kind.fields]
        case inspect.DictType():
            return [kind.key_type, kind.value_type]
        case inspect.VarTupleType():
            return [kind.item_type]
        case inspect.UnionType():
            return list(kind.types)
        case _:
            return []


def texts_of(kind):
    """Find the words of every text inside a type, None for a text without words."""
    if isinstance(kind, inspect.Metadata) and isinstance(kind.type, inspect.StrType):
        return [kind.extra]
    own = [None] if isinstance(kind, inspect.StrType) else []
    return own + [extra for part in parts_of(kind) for extra in texts_of(part)]


def test_every_text_of_a_bundle_is_described_in_two_languages():
    """No text of the format is expected without words for people."""
    for shape in SHAPES:
        for extra in texts_of(inspect.type_info(shape)):
            assert extra is not None
            assert extra["zh"]
            assert extra["en"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.dates()
    | st.sampled_from(["plain", "R-1", "given", "2026-01-01", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "zh", "en", "fields", "type", "caller", "grant", "case", "item"]) | st.text(max_size=5),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.sampled_from(SHAPES), st.fixed_dictionaries({}, optional={
    name: VALUES for shape in SHAPES for name in shape.__struct_fields__
}))  # fmt: skip
def test_a_table_is_read_or_has_faults_that_the_walk_finds(shape, table):
    """Whatever a table holds, it becomes the value exactly when msgspec reads it, and else has faults of our own."""
    table = {key: value for key, value in table.items() if key in shape.__struct_fields__}
    report = Report()
    origin = Origin(file=parse_policy_file(b"", "a"), path=(), label="x")
    value = read_table(table, shape, origin, report)
    assert (value is None) == bool(report)
    for fault in report.error().faults:
        assert fault.expected.en != "a table as the format says"
    if value is not None:
        assert value == msgspec.convert(table, shape)


def test_the_report_stays_bounded():
    """Of very many faults the first are kept, and the others are counted."""
    report = Report()
    for number in range(MAX_FAULTS + 7):
        words = Words("x", "x")
        report.add(Place("a", number), "", expected=words, found=words)
    error = report.error()
    assert (len(error.faults), error.more, report.count) == (MAX_FAULTS, 7, MAX_FAULTS + 7)
    assert str(error).endswith("and 7 more faults")
    assert error.sentences_zh[-1] == "另有 7 处错误"


def test_hints_stop_when_they_cost_too_much():
    """Nearest names are looked for in a bounded number of names, then no more."""
    report = Report()
    known = [f"rule-{number:05}" for number in range(30_000)]
    assert report.hint("rule-0000l", known)
    assert report.hint("rule-0000l", known) == ""
    assert nearest("holdr_name", ["holder_name", "status"]) == "holder_name"


@given(st.text())
def test_what_is_shown_cannot_deceive(text):
    """What a fault repeats holds nothing invisible, nothing that runs from right to left, and no other alphabet."""
    shown = spell(text)
    assert find_hidden(shown) == ""
    assert shown.isprintable() or "\u3000" in shown or not shown.isascii()
    assert len(shown) <= 60 * 10 + 1


def test_patterns_end_where_the_text_ends():
    """No name of the format may end with a line break, which `$` would allow."""
    for name in ("x\n", "x"):
        raised = False
        try:
            msgspec.convert({"id": name, "zh": "x", "en": "x"}, CallerKind)
        except msgspec.ValidationError:
            raised = True
        assert raised == name.endswith("\n")
    assert Bundle.__struct_config__.forbid_unknown_fields
