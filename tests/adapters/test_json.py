"""Strict JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.json import parse_json

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
KEYS = st.text('ab"\\[{', max_size=3)
VALUES = st.recursive(
    SCALARS, lambda children: st.lists(children, max_size=3) | st.dictionaries(KEYS, children, max_size=3), max_leaves=8
)


def refusal(data: bytes, **bounds: int) -> MalformedDocumentError:
    with pytest.raises(MalformedDocumentError) as caught:
        parse_json(data, **bounds)
    return caught.value


@given(VALUES, st.booleans())
def test_what_is_written_is_read(value, ascii_only):
    """Any JSON value is read back, whether escapes are used or not."""
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=30) | st.text('[]{}",:\\u0dtrue1eE-+.é ', max_size=30).map(str.encode))
def test_garbage_raises_only_our_error(data):
    """Garbage raises only our error; what is accepted, Python's own reader accepts with the same value."""
    try:
        value = parse_json(data)
    except MalformedDocumentError:
        return
    assert json.loads(data) == value


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("the same key twice", b'{"a":1,"a":2}'),
        ("the same key in two spellings", b'{"a":1,"\\u0061":2}'),
        ("NaN", b"[NaN]"),
        ("infinity", b"-Infinity"),
        ("a float beyond the range", b"1e999"),
        ("an integer of twenty digits", b"1" * 20),
        ("a lone surrogate", b'["\\ud800"]'),
        ("a byte order mark", b"\xef\xbb\xbf1"),
        ("Latin-1", b'"\xe9"'),
        ("UTF-16", '"a"'.encode("utf-16")),
        ("two values", b"1 2"),
        ("nothing", b""),
        ("a control character in a string", b'"\n"'),
        ("a comment", b"[1] // one"),
        ("brackets that do not pair", b"[{]}"),
        ("an unfinished string", b'"abc\\'),
    ],
)
def test_what_two_readers_may_read_differently_is_refused(why, data):
    """Ambiguous or foreign text is refused as JSON."""
    assert refusal(data).malformed is Malformed.JSON, why


def test_depth_is_bounded_and_brackets_in_strings_do_not_count():
    """Nesting beyond the bound is refused however deep; text that only looks nested is read."""
    assert parse_json(b"[[[1]]]", max_depth=3) == [[[1]]]
    assert refusal(b"[[[1]]]", max_depth=2).malformed is Malformed.JSON
    assert refusal(b'{"a":' * 500_000).malformed is Malformed.JSON
    assert parse_json(b'["[[[[\\"[[[["]', max_depth=1) == ['[[[["[[[[']


def test_pairs_of_surrogates_are_read():
    """A rare character that is written as two escapes is one character."""
    assert parse_json(b'"\\ud840\\udc00"') == "\U00020000"


def test_the_size_is_bounded():
    """One byte beyond the limit is too large."""
    assert parse_json(b"[1]", limit=3) == [1]
    assert refusal(b"[1]", limit=2).malformed is Malformed.TOO_LARGE


def test_refusals_do_not_repeat_the_text():
    """What was read does not appear in the error nor hang on it."""
    error = refusal('{"name": "张三", }'.encode())
    assert "张三" not in str(error)
    assert error.__cause__ is None


def test_a_text_full_of_escaped_quotes_is_refused_in_linear_time():
    """An unfinished string of a megabyte of escapes does not make the reader start again at each."""
    assert refusal(b'"' + b'\\"' * 500_000).malformed is Malformed.JSON
