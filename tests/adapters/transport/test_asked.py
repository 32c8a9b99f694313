"""Reading requests by the templates that write them."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapters.transport.asked import is_readable, join, missing_fields, read_text, read_tree, signed_fields, xml_tree
from adapters.transport.recipe import Tree
from adapters.transport.template import Place, Template, parse_template

NAMES = ("identifier", "number", "use", "case", "area")
FIXED = st.text(
    st.characters(codec="utf-8", exclude_characters="{}", categories=["L", "N", "P"]), min_size=1, max_size=4
)
VALUES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=8)


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """Return a template whose places can be told apart."""
    parts: list[str | Place] = []
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)):
        fixed = draw(FIXED) if parts else draw(FIXED | st.just(""))
        parts += [fixed, *parse_template(f"{{{name}}}").parts]
    parts.append(draw(FIXED | st.just("")))
    return Template(parts=tuple(part for part in parts if part))


@given(template=templates(), values=st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)))
def test_what_was_filled_is_read(template: Template, values: dict[str, str]) -> None:
    """What a template writes is read back, where no value holds the fixed text behind it."""
    fixed = [part for part in template.parts if isinstance(part, str)]
    assume(not any(one in value for one in fixed for value in values.values()))
    text = template.fill(values, str)
    said = read_text(template, text)
    assert said is not None
    filled = {str(place): values[str(place)] for place in template.places}
    ambiguous = any(text.count(one) > 1 for one in fixed)
    assert ambiguous or said.texts == filled


@given(template=templates(), text=st.text(max_size=20))
def test_no_text_is_read_as_another(template: Template, text: str) -> None:
    """Whatever is read, the template writes the same text with it; nothing said is read as nothing."""
    assert is_readable(template)
    said = read_text(template, text)
    if said is not None and text:
        assert template.fill(said.texts, str) == text
    if said is not None and not text:
        assert not any(said.texts.values())


TREE: Tree = {
    "data": {"holder": (parse_template("{holder_code}"),), "use": parse_template("{use}"), "version": 7, "is": True},
    "kind": parse_template("query"),
}
GOOD: dict[str, Any] = {"data": {"holder": ["H"], "use": "U", "version": 7, "is": True}, "kind": "query"}


def test_a_tree() -> None:
    """Texts are found wherever they stand; what no template names is passed over."""
    for tree in (GOOD, GOOD | {"more": [1]}, GOOD | {"data": GOOD["data"] | {"version": "7"}}):
        said = read_tree(TREE, tree)
        assert said is not None
        assert dict(said.texts) == {"holder_code": "H", "use": "U"}


@pytest.mark.parametrize("use", [None, "", "missing"])
def test_what_is_left_out_says_nothing(use: str | None) -> None:
    """A member that is missing, null or empty reads as nothing."""
    data = {name: one for name, one in GOOD["data"].items() if name != "use"} | (
        {} if use == "missing" else {"use": use}
    )
    said = read_tree(TREE, GOOD | {"data": data})
    assert said is not None
    assert said.texts["use"] == ""


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"kind": None},
        {"data": "text"},
        {"data": []},
        {"data": GOOD["data"] | {"holder": ["H", "I"]}},
        {"data": GOOD["data"] | {"holder": "H"}},
        {"data": GOOD["data"] | {"use": ["U"]}},
        {"data": GOOD["data"] | {"use": {"a": "b"}}},
        {"data": GOOD["data"] | {"use": True}},
        {"data": GOOD["data"] | {"use": 1.5}},
        {"data": GOOD["data"] | {"version": 8}},
        {"data": GOOD["data"] | {"is": 1}},
    ],
)
def test_another_call(change: dict[str, Any]) -> None:
    """A tree of another shape, or with other fixed texts, was not written by these templates."""
    assert read_tree(TREE, GOOD | change) is None


def test_a_value_that_differs() -> None:
    """One name with two texts is contradictory; with one and nothing, the text counts."""
    tree: Tree = {"a": parse_template("{use}"), "b": parse_template("{use}")}
    one, two = read_tree(tree, {"a": "x", "b": "y"}), read_tree(tree, {"a": "", "b": "y"})
    assert one is not None
    assert one.contradictory == {"use"}
    assert two is not None
    assert (two.contradictory, two.texts["use"]) == (frozenset(), "y")
    assert join([one, two]).contradictory == {"use"}  # type: ignore[union-attr]
    assert join([one, None]) is None


def test_xml() -> None:
    """A template of XML is read by its elements, whatever the prefixes and the white space of who wrote it."""
    pattern = xml_tree(parse_template('<s:a xmlns:s="urn:x"><s:b no="1">{number}</s:b><c>{holder_code}-</c></s:a>'))
    said = read_tree(pattern, {"{urn:x}a": {"{urn:x}b": {"@no": "1", "": "N"}, "c": "H-"}})
    assert said is not None
    assert dict(said.texts) == {"number": "N", "holder_code": "H"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_garbage(tree: object) -> None:
    """Any tree is read or refused."""
    read_tree(TREE, json.loads(json.dumps(tree)))


VALUES = {
    name: parse_template(text)
    for name, text in {"app": "{setting.id}", "time": "{now.epoch-ms}", "who": "{number}-{setting.id}"}.items()
}


@pytest.mark.parametrize(
    ("places", "missing"),
    [({"value.app", "value.time", "value.who"}, []), ({"value.time", "number"}, []), ({"value.time"}, ["who"]),
     (set(), ["time", "who"])],
)  # fmt: skip
def test_fields_that_nobody_can_know(places: set[str], missing: list[str]) -> None:
    """A field of a signature is in the request, or made of what is there and what both sides agreed."""
    assert missing_fields(VALUES, places, VALUES) == missing


def test_fields_are_made_as_the_sender_made_them() -> None:
    """What a request carries counts as it stands; only what it does not carry is made."""
    said = {"value.time": "1", "number": "N"}
    assert signed_fields(VALUES, said, VALUES, {"setting.id": "I"}) == {"app": "I", "time": "1", "who": "N-I"}
    assert signed_fields(VALUES, {**said, "value.app": ""}, VALUES, {"setting.id": "I"})["app"] == ""
    assert signed_fields(VALUES, {}, VALUES, {"setting.id": "I"}) == {"app": "I"}
