"""Texts in trees: found by path, replaced by path."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.error import AdapterError
from adapters.mapping.path import MessagePath, parse_path
from gateway.adapters.tree import find_text, put, replace_texts

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just('{"b": "x"}'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from(["$.a", "$.a.b", "$.a[*].b", "$.a@json.b", "$.a[*]", "$.a@xml/b"])


def path(text: str) -> MessagePath:
    """Return a path."""
    return parse_path(text, is_xml=not text.startswith("$"), namespaces={})


@pytest.mark.parametrize(
    ("tree", "at", "expected"),
    [
        ({"a": {"b": "x"}}, "$.a.b", "x"),
        ({"a": {"b": 12}}, "$.a.b", "12"),
        ({"a": {"b": ""}}, "$.a.b", None),
        ({"a": None}, "$.a.b", None),
        ({}, "$.a.b", None),
        ({"a": '{"b": "x"}'}, "$.a@json.b", "x"),
        ({"a": {"": "x", "@id": "1"}}, "/a", "x"),
    ],
)
def test_a_text_is_found(tree: object, at: str, expected: str | None) -> None:
    """What stands at a path is returned as a text, and nothing where nothing stands."""
    assert find_text(tree, path(at)) == expected


@pytest.mark.parametrize("tree", [{"a": ["x"]}, {"a": {"b": "x"}}, {"a": True}, {"a": 1.5}, ["x"]])
def test_what_is_no_text_is_refused(tree: object) -> None:
    """A list, an object or a flag is not taken for a text."""
    with pytest.raises(AdapterError):
        find_text(tree, path("$.a"))


@pytest.mark.parametrize(
    ("tree", "at", "expected"),
    [
        ({"a": {"b": "x", "c": 1}}, "$.a.b", {"a": {"b": "XX", "c": 1}}),
        ({"a": [{"b": "x"}, {}, {"b": "y"}]}, "$.a[*].b", {"a": [{"b": "XX"}, {}, {"b": "YY"}]}),
        ({"a": ["x", "", None]}, "$.a[*]", {"a": ["XX", "", None]}),
        ({"a": ""}, "$.a", {"a": ""}),
        ({"c": "x"}, "$.a.b", {"c": "x"}),
    ],
)
def test_every_text_is_replaced(tree: object, at: str, expected: object) -> None:
    """Every text at the path is replaced, and nothing else changes."""
    assert replace_texts(tree, path(at), lambda text: 2 * text.upper()) == expected


def test_a_text_inside_a_text_is_replaced() -> None:
    """JSON in a string is written again around what was replaced."""
    found = replace_texts({"a": '{"b":"x","c":1}'}, path("$.a@json.b"), str.upper)
    assert isinstance(found, dict)
    assert json.loads(found["a"]) == {"b": "X", "c": 1}


@given(tree=TREES, at=PATHS)
def test_any_tree_is_read_or_refused(tree: object, at: str) -> None:
    """Garbage raises only the error of adapters; replacing a text by itself and back keeps what is found."""
    try:
        before = find_text(tree, path(at))
        after = find_text(replace_texts(tree, path(at), lambda text: text), path(at))
    except AdapterError:
        return
    assert before == after


@pytest.mark.parametrize(
    ("tree", "at", "expected"),
    [
        ({}, "$.a.b", {"a": {"b": "x"}}),
        ({"a": {"b": "y", "c": 1}}, "$.a.b", {"a": {"b": "x", "c": 1}}),
        ({"a": [1]}, "$.a.b", {"a": {"b": "x"}}),
        ({}, "$.a@json.b", {"a": '{"b":"x"}'}),
        ({"a": '{"c":1}'}, "$.a@json.b", {"a": '{"c":1,"b":"x"}'}),
        ({}, "/a/b", {"a": {"b": "x"}}),
        ({"a": {"": "y", "@id": "1"}}, "/a", {"a": {"": "x", "@id": "1"}}),
    ],
)
def test_a_value_is_put(tree: object, at: str, expected: object) -> None:
    """What stood at a path gives way, what is beside it stays, and what is missing on the way is made."""
    assert put(tree, path(at), "x") == expected


@given(tree=TREES, at=PATHS)
def test_what_was_put_is_found(tree: object, at: str) -> None:
    """A text that was put at a path is found there; a path through a list is refused."""
    try:
        made = put(tree, path(at), "x")
    except AdapterError:
        return
    assert find_text(made, path(at)) == "x"
