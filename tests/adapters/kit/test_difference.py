"""Where two values of JSON differ."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.difference import MAX_DIFFERENCES, differing_paths

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@given(VALUES)
def test_the_same_differs_nowhere(value: object) -> None:
    """A value is the same as its own copy."""
    assert differing_paths(value, json.loads(json.dumps(value))) == ()


@given(VALUES, VALUES)
def test_others_differ_somewhere(one: object, other: object) -> None:
    """Two values that are written differently differ at some path, whichever is first."""
    differs = json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)
    assert bool(differing_paths(one, other)) is bool(differing_paths(other, one)) is differs


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}, ("$.a[1].b",)),
        ({"a": [1]}, {"a": [1, 2]}, ("$.a[1]",)),
        ({"a": 1}, {"a": 1, "b": None}, ("$.b",)),
        ({"a": True}, {"a": 1}, ("$.a",)),
        ({"a": {}}, {"a": []}, ("$.a",)),
        ({"a\x1b[2J": 1}, {}, ("$.a?[2J",)),
    ],
)
def test_paths(one: Any, other: Any, paths: tuple[str, ...]) -> None:
    """A path names members and places; what would move a cursor is not repeated."""
    assert differing_paths(one, other) == paths


def test_paths_are_bounded() -> None:
    """However much differs, a report ends."""
    assert len(differing_paths(list(range(1000)), [])) == MAX_DIFFERENCES
