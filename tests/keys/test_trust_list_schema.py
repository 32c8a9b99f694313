"""The published JSON Schema and our reader say the same of a trust list, as far as a schema can tell."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from keys import trust_list_parse
from keys.errors import MalformedTrustListError, TrustListFlaw
from keys.trust import Purpose
from keys.trust_list import KeyRole, ListAlgorithm, encode_trust_list
from keys.trust_list_parse import parse_trust_list
from tests.support.trust_lists import CALLER, REMOVAL, canonical, listed_anchors, make_list, signed

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "trust-list.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
FULL = signed(make_list(keys=(CALLER,), removed=(REMOVAL,), previous="ab" * 32, version=7))
CONTENT = json.loads(encode_trust_list(FULL))
NAMED, LIMITED, BARE = (
    next(place for place, entry in enumerate(CONTENT["entries"]) if is_it(entry))
    for is_it in (
        lambda entry: entry["subject"] is not None,
        lambda entry: entry["licence_types"] != "*",
        lambda entry: entry["public_key"] is not None,
    )
)
MISSING = object()


def broken(path, value):
    """Change one member, or take it away, and put the entries in order again."""
    content = deepcopy(CONTENT)
    *way, last = path
    place = content
    for step in way:
        place = place[step]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    if isinstance(content.get("entries"), list):
        content["entries"].sort(key=canonical)
    return content


def reader_takes(content) -> bool:
    try:
        parse_trust_list(canonical(content))
    except MalformedTrustListError:
        return False
    return True


def test_the_schema_is_one():
    """The file is itself a JSON Schema of the draft that it names."""
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(SCHEMA)


@given(st.lists(listed_anchors(), max_size=3, unique=True))
def test_what_we_write_keeps_the_schema(entries):
    """Every list that we write and read is one by the schema."""
    for one in (FULL, signed(replace(make_list(), anchors=tuple(entries)))):
        data = encode_trust_list(one)
        parse_trust_list(data)
        VALIDATOR.validate(json.loads(data))


ENTRY, KEY, GONE, SIGNATURE = ("entries", LIMITED), ("keys", 0), ("removed", 0), ("signatures", 0)
BROKEN = [
    *(((member,), MISSING) for member in sorted(CONTENT)),
    *(((*where, member), MISSING) for where, part in (
        (ENTRY, "entry"), (KEY, "key"), (GONE, "removal"), (SIGNATURE, "signature"),
    ) for member in SCHEMA["$defs"][part]["required"]),
    *(((*where, "more"), 1) for where in ((), ENTRY, KEY, GONE, SIGNATURE)),
    (("schema",), "tongban-trust-list/2"),
    (("name",), "Province"),
    (("name",), ""),
    (("version",), 0),
    (("version",), 2**53),
    (("version",), "1"),
    (("version",), True),
    (("issued",), "2026-03-01T00:00:00+00:00"),
    (("expires",), None),
    (("previous",), "AB" * 32),
    (("threshold",), 0),
    (("keys",), []),
    (("entries",), {}),
    ((*KEY, "id"), "a b"),
    ((*KEY, "algorithm"), "rsa"),
    ((*KEY, "public_key"), "A"),
    ((*KEY, "public_key"), "MFk\n"),
    ((*KEY, "roles"), []),
    ((*KEY, "roles"), ["king"]),
    ((*ENTRY, "certificate"), ""),
    ((*ENTRY, "certificate"), "MAA"),
    ((*ENTRY, "certificate"), "MAB="),  # bits that count for nothing
    ((*ENTRY, "certificate"), "MA-_"),
    ((*ENTRY, "certificate"), None),
    (("entries", BARE, "public_key"), None),
    (("entries", BARE, "subject"), CONTENT["entries"][NAMED]["subject"]),
    (("entries", NAMED, "public_key"), CONTENT["entries"][BARE]["public_key"]),
    ((*ENTRY, "purposes"), []),
    ((*ENTRY, "purposes"), "signer"),
    ((*ENTRY, "purposes"), ["everything"]),
    ((*ENTRY, "purposes"), ["signer", "signer"]),
    ((*ENTRY, "licence_types"), "all"),
    ((*ENTRY, "licence_types"), []),
    ((*ENTRY, "licence_types"), ["a b"]),
    ((*ENTRY, "licence_types"), ["A", "A"]),
    ((*ENTRY, "authorities"), [f"{number:05}" for number in range(1001)]),
    ((*ENTRY, "region"), "37"),
    ((*ENTRY, "source"), "x" * 501),
    ((*ENTRY, "start"), "2026-01-01"),
    ((*GONE, "fingerprint"), "00"),
    ((*GONE, "reason"), None),
    ((*SIGNATURE, "value"), "A==="),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), BROKEN, ids=range(len(BROKEN)))
def test_both_refuse_a_list_with_one_thing_broken(path, value):
    """What the schema can tell to be wrong, the reader refuses too."""
    content = broken(path, value)
    assert not VALIDATOR.is_valid(content)
    assert not reader_takes(content)


@pytest.mark.parametrize(
    ("path", "value", "flaw"),
    [
        (("issued",), "2026-02-30T00:00:00Z", TrustListFlaw.TIME),
        (("expires",), "2020-01-01T00:00:00Z", TrustListFlaw.TIME),
        (("threshold",), 4, TrustListFlaw.THRESHOLD),
        (("keys",), CONTENT["keys"] * 2, TrustListFlaw.NOT_CANONICAL),
        ((*KEY, "public_key"), "MAA=", TrustListFlaw.KEY),
        ((*KEY, "algorithm"), "p-256", TrustListFlaw.KEY),
        ((*ENTRY, "certificate"), "MAA=", TrustListFlaw.CERTIFICATE),
        ((*ENTRY, "authorities"), ["B", "A"], TrustListFlaw.NOT_CANONICAL),
        ((*ENTRY, "source"), "a\u202eb", TrustListFlaw.TEXT),
        (("entries", NAMED, "subject"), None, TrustListFlaw.CA_AS_MAKER),
        (("entries", NAMED, "subject"), "MAA=", TrustListFlaw.ENTRY),
    ],
)
def test_what_only_the_reader_can_tell(path, value, flaw):
    """Order, moments that do not exist, and what is inside keys and certificates, are for the reader alone to tell."""
    content = broken(path, value)
    assert VALIDATOR.is_valid(content)
    with pytest.raises(MalformedTrustListError) as caught:
        parse_trust_list(canonical(content))
    assert caught.value.flaw is flaw


def test_the_schema_has_the_bounds_of_the_code():
    """Patterns, words and numbers in the JSON Schema are those that the reader enforces."""
    parts, members = SCHEMA["$defs"], SCHEMA["properties"]
    for name, pattern in (
        ("name", trust_list_parse._NAME),
        ("keyId", trust_list_parse._KEY_ID),
        ("code", trust_list_parse._CODE),
        ("digest", trust_list_parse._DIGEST),
        ("moment", trust_list_parse._MOMENT),
    ):
        assert parts[name]["pattern"] == f"^{pattern.pattern}$"
    assert parts["entry"]["properties"]["region"]["pattern"] == f"^({trust_list_parse._REGION.pattern})$"
    assert members["entries"]["maxItems"] == trust_list_parse.MAX_ENTRIES
    assert members["removed"]["maxItems"] == trust_list_parse.MAX_REMOVED
    assert members["keys"]["maxItems"] == trust_list_parse.MAX_KEYS
    assert members["signatures"]["maxItems"] == trust_list_parse.MAX_SIGNATURES
    assert members["version"]["maximum"] == trust_list_parse._MAX_VERSION
    assert parts["codes"]["oneOf"][1]["maxItems"] == trust_list_parse.MAX_CODES
    assert parts["text"]["maxLength"] == trust_list_parse.MAX_TEXT
    assert parts["entry"]["properties"]["purposes"]["items"]["enum"] == sorted(Purpose)
    assert parts["key"]["properties"]["roles"]["items"]["enum"] == sorted(KeyRole)
    assert parts["key"]["properties"]["algorithm"]["enum"] == sorted(ListAlgorithm)
