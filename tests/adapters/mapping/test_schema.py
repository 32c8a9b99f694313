"""docs/adapters.schema.json and the reader agree about mapping files."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adapters.mapping.adapter import load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.codecs.registry import CODECS
from adapters.mapping.fault import MappingError
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.form import FormName
from adapters.mapping.rule import Absent, Direction, Evidence
from adapters.mapping.target import CARRIED, GROUPS, SCALARS
from adapters.record.status import RecordStatus
from tests.adapters.mapping.dialects import ALL

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "docs" / "adapters.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
DEFS = SCHEMA["$defs"]


def test_the_schema_is_one() -> None:
    """The schema is valid under its own dialect."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_what_the_reader_takes_the_schema_takes(text: str) -> None:
    """Files of every form are valid."""
    VALIDATOR.validate(tomllib.loads(text))


def test_the_words_are_the_same() -> None:
    """Every word that the reader knows is in the schema, and no other."""
    properties = DEFS["field"]["properties"]
    assert set(DEFS["evidence"]["enum"]) == set(Evidence)
    assert set(properties["only"]["enum"]) == set(Direction)
    assert set(DEFS["outcome"]["properties"]["codes"]["additionalProperties"]["enum"]) == set(AnswerOutcome)
    assert set(DEFS["status"]["properties"]["codes"]["additionalProperties"]["enum"]) == set(RecordStatus)
    forms = {one["properties"]["form"]["const"]: one["properties"] for one in DEFS["message"]["oneOf"]}
    assert set(forms) == set(FormName)
    assert set(forms["json"]["absent"]["enum"]) == set(Absent)
    assert all(set(one["charset"]["enum"]) == set(Charset) for one in forms.values())
    assert set(SCHEMA["properties"]["losses"]["properties"]) == {*CARRIED, *GROUPS}
    pattern = DEFS["codec"]["pattern"].removeprefix("^(?:").partition(")")[0]
    assert set(pattern.split("|")) == {*CODECS, "table", "holder-type", "issuer", "licence-type"}
    assert all(jsonschema.Draft202012Validator(DEFS["target"]).is_valid(name) for name in SCALARS)


@pytest.mark.parametrize(
    "extra",
    [
        "[systems]",
        '[[field]]\nto = "number"\nat = "$.x"\nodd = "1"',
        '[[field]]\nto = "nummer"\nat = "$.x"',
        '[[field]]\nto = "surface.x"\nat = "x"',
        '[[field]]\nto = "surface.x"',
        '[[field]]\nto = "surface.x"\nat = "$.x"\ncodec = ["no-such"]',
        '[[field]]\nto = "surface.x"\nat = "$.x"\nwhen = {at = "$.y"}',
        '[[envelope]]\nat = "$.x"',
        '[[outcome]]\nat = "$.x"\ncodes = {"1" = "fine"}',
        '[[outcome]]\nat = "$.x"\ncodes = {"1" = "found", "2" = "retry"}\nretry_after_seconds = {"2" = 0}',
        '[codes.y]\nwins = ["1"]',
        '[losses]\nnumbr = "x"',
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(extra: str) -> None:
    """A file with one thing wrong is refused by both."""
    text = '[system]\nid = "x"\nzh = "x"\nen = "x"\n[message]\nform = "json"\n' + extra
    assert not VALIDATOR.is_valid(tomllib.loads(text))
    with pytest.raises(MappingError):
        load_adapter(text.encode(), "x.toml")


def test_every_key_of_the_reader_is_in_the_schema() -> None:
    """The reader names the keys that it knows when it meets another one; the schema has the same."""
    for table, properties in {
        "system": DEFS["system"]["properties"],
        "status": DEFS["status"]["properties"],
        "codes.x": DEFS["table"]["properties"],
        "": SCHEMA["properties"],
    }.items():
        assert _known_keys(f"[{table}]\n" if table else "") == set(properties)
    for table in ("field", "envelope", "outcome"):
        assert _known_keys(f"[[{table}]]\n") == set(DEFS[table]["properties"])


def _known_keys(header: str) -> set[str]:
    """Return the keys that the reader lists beside an unknown one."""
    with pytest.raises(MappingError) as caught:
        load_adapter(f'{header}odd = "1"\n'.encode(), "x.toml")
    fault = next(one for one in caught.value.faults if one.key.endswith("odd"))
    return set(fault.expected.en.removeprefix("one of ").split(", "))
