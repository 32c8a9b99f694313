"""A file of a policy: bounded, in UTF-8, and its tables found on their lines."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.fault import PolicyError
from policies.toml import MAX_DEPTH, MAX_DOTS, MAX_FILE_BYTES, MAX_KEYS, parse_policy_file
from tests.support.policy import small_policy


def fault_of(data):
    with pytest.raises(PolicyError) as caught:
        parse_policy_file(data, "a.toml")
    (fault,) = caught.value.faults
    assert fault.file == "a.toml"
    return fault


BREAKAGES = {
    "a byte order mark": (b"\xef\xbb\xbfa = 1", 1, "UTF-8 without a byte order mark", "a byte order mark"),
    "another encoding": (
        "a = 1\nb = '证照'".encode("gb18030"),
        2,
        "text in UTF-8",
        "not UTF-8 from byte 8 of the line",
    ),
    "a word without quotes": (b"a = 1\nregion = NO\n", 2, "quoted text", "NO"),
    "a word without quotes in a list": (b'a = ["x", NO]\n', 1, "quoted text", "NO"),
    "a number with a leading zero": (b"code = 012345\n", 1, "quoted text", "012345"),
    "a code without quotes": (b"item = 11340000-000123\n", 1, "quoted text", "11340000-000123"),
    "a key twice": (b"a = 1\na = 2\nb = 3\n", 2, "TOML", "Cannot overwrite a value"),
    "a key twice at the end": (b"a = 1\na = 2", 2, "TOML", "at its end: Cannot overwrite a value"),
    "a text that never ends": (b'a = "x\n', 1, "TOML", "a syntax error in column"),
    "a control character": (b"a = '\x00'\n", 1, "TOML", "a syntax error in column 6"),
    "a day that does not exist": (b"a = 2026-02-30\n", 1, "TOML", "a syntax error"),
    "a number without end": (b"a = " + b"9" * 5000, None, "numbers of fewer digits", "thousands of digits"),
    "lists in lists": (b"a = " + b"[" * 5000 + b"]" * 5000, None, f"at most {MAX_DEPTH} deep", "deeper ones"),
    "one list too deep": (b"a = " + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), None, "deep", "deeper ones"),
    "tables in tables": (b"a.b.c.d.e.f.g.h.i.j = 1", None, f"at most {MAX_DEPTH} deep", "deeper ones"),
    "a key of many parts": (b"x = 1\na" + b".a" * (MAX_DOTS + 1) + b" = 1", 2, f"{MAX_DOTS} dots", "more of them"),
    "too many bytes": (b"#" * (MAX_FILE_BYTES + 1), None, f"{MAX_FILE_BYTES} bytes", f"{MAX_FILE_BYTES + 1} bytes"),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_what_is_no_file_of_a_policy_is_refused_with_its_line(name):
    """The fault names the line, what was expected and what was found."""
    data, line, expected, found = BREAKAGES[name]
    fault = fault_of(data)
    assert fault.line == line
    assert expected in fault.expected.en
    assert found in fault.found.en
    assert fault.sentence_zh.startswith("a.toml")


def test_what_is_just_inside_the_bounds_is_read():
    """The bounds themselves are allowed."""
    deep = b"a = " + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_policy_file(deep, "a").tables["a"]
    assert parse_policy_file(b"#" * MAX_FILE_BYTES, "a").tables == {}
    assert parse_policy_file(b'a = "' + b"." * MAX_DOTS + b'"', "a").tables["a"] == "." * MAX_DOTS


def test_tables_and_their_keys_are_found_on_their_lines():
    """The n-th header, keys in it, in its sub-tables and in dotted keys; what stands in braces is where these begin."""
    text = """\
[bundle]
name = "x"

[[ rule ]]  # the first
id = "a"
caller . kind = ["x"]
[rule.grant]
f = "plain"
[[rule]]
id = "b"
list = [
  "one",
  "two",
]
grant = { f = "plain" }
"""
    file = parse_policy_file(text.replace("\n", "\r\n").encode(), "a.toml")
    places = {
        ("bundle",): 1,
        ("bundle", "name"): 2,
        ("rule", 0): 4,
        ("rule", 0, "missing"): 4,
        ("rule", 0, "caller", "kind"): 6,
        ("rule", 0, "grant", "f"): 8,
        ("rule", 1): 9,
        ("rule", 1, "list"): 11,
        ("rule", 1, "grant", "f"): 15,
        ("unknown",): None,
    }
    assert {path: file.place(path).line for path in places} == places


@pytest.mark.parametrize(
    "text",
    [
        'a = """\n[[rule]]\n"""\n[[rule]]\nid = 1\n',
        "a = '''\n[[rule]]\n'''\n[[rule]]\nid = 1\n",
        '[["rule"]]\nid = 1\n',
        '[[rule]]\nid = 0\n[["rule"]]\nid = 1\n',
        "rule = [{ id = 1 }]\n",
    ],
)
def test_where_a_line_is_not_certain_there_is_none(text):
    """Texts of several lines, quoted headers and lists in braces have no lines, rather than wrong ones."""
    assert parse_policy_file(text.encode(), "a").place(("rule", 0)).line is None


@given(
    st.integers(0, 12).flatmap(
        lambda size: st.lists(
            st.sampled_from(["[[rule]]", "[[item]]", "# [[rule]]", "", "[item.x]", 'k{} = "[[rule]]"']), max_size=size
        )
    )
)
def test_the_line_of_a_table_is_that_of_its_header(lines):
    """For any sequence of headers, keys and comments that is TOML, each table is found on the line of its header."""
    text = "\n".join(line.format(number) for number, line in enumerate(lines))
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    file = parse_policy_file(text.encode(), "a")
    for name in ("rule", "item"):
        headers = [number for number, line in enumerate(lines, start=1) if line == f"[[{name}]]"]
        if isinstance(tables.get(name), list):
            assert [file.place((name, place)).line for place in range(len(headers))] == headers


@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(str.encode)
    | st.text(alphabet='[]{}="a.\n #', max_size=60).map(str.encode)
)
def test_garbage_raises_only_the_typed_error(data):
    """Whatever the bytes are, they are read or refused with one fault."""
    refused = None
    try:
        parse_policy_file(data, "a.toml")
    except PolicyError as error:
        refused = error
    assert refused is None or len(refused.faults) == 1


def test_every_table_of_the_small_policy_has_its_line():
    """The lines of a whole policy are those where its headers stand."""
    for name, data in small_policy().items():
        file = parse_policy_file(data, name)
        lines = data.decode().split("\n")
        for table, value in file.tables.items():
            places = [("bundle",)] if table == "bundle" else [(table, place) for place in range(len(value))]
            for place in places:
                line = file.place(place).line
                assert line is not None
                assert lines[line - 1].strip("[]") == table


@pytest.mark.parametrize("head", ["", "[[rule]]\n", "[rule.grant]\n"])
def test_a_table_has_so_many_keys(head):
    """A table of a million keys would be a million faults."""
    keys = [f"key-{number} = 1\n" for number in range(MAX_KEYS + 1)]
    assert parse_policy_file((head + "".join(keys[:-1])).encode(), "a.toml").tables
    assert fault_of((head + "".join(keys)).encode()).expected.en == f"at most {MAX_KEYS} keys in one table"
