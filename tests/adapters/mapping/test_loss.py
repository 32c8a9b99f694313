"""The loss table: whatever is not written is in it, or refused."""

import json

import pytest

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.loss import Verdict
from adapters.mapping.rule import Direction
from adapters.record.record import LicenceRecord, Surface
from adapters.record.status import RecordStatus

HEAD = """
[system]
id = "town"
zh = "镇"
en = "Town"

[message]
form = "json"

[status]
at = "$.state"
codes = { "1" = "active" }

[[field]]
to = "surface.kind"
at = "$.kind"
"""


def load(*fields: str) -> Adapter:
    """Return the adapter of a mapping with these fields."""
    return load_adapter("\n".join((HEAD, *(f"[[field]]\n{one}" for one in fields))).encode(), "town.toml")


def lines(adapter: Adapter, name: str) -> list[tuple[Direction, Verdict, str]]:
    """Return the lines of a field."""
    return [(one.direction, one.verdict, one.what.en) for one in adapter.losses if one.name == name]


CONDITION = 'to = "number"\nat = "$.no"\nwhen = { at = "$.kind", is = "1" }'


@pytest.mark.parametrize(("loses", "verdict"), [("", Verdict.UNDECLARED), ('\nloses = "x"', Verdict.DECLARED)])
def test_a_condition_is_a_loss(loses: str, verdict: Verdict) -> None:
    """A field that is written under a condition is lost where it is not met, and the file says so."""
    adapter = load(CONDITION + loses)
    assert lines(adapter, "number") == [(Direction.OUT, verdict, 'it is not written unless kind is "1"')]
    record = LicenceRecord(number="N", status=RecordStatus.ACTIVE, surface={"kind": "2"})
    assert json.loads(adapter.render([record])) == {"kind": "2", "state": "1"}


def test_a_condition_of_what_is_only_read_is_none() -> None:
    """What is not written at all is lost once, condition or not."""
    assert [one for _, _, one in lines(load(f'{CONDITION}\nonly = "in"\nloses = "x"'), "number")] == [
        "it is not written here"
    ]


TABLE = (
    'to = "surface.T[].a"\nat = "$.t[*].a"',
    'to = "surface.T[].c"\nat = "$.t[*].x.c"',
    'to = "surface.*"\nat = "$.s"',
)


def render(adapter: Adapter, table: Surface) -> object:
    return json.loads(adapter.render([LicenceRecord(status=RecordStatus.ACTIVE, surface={"T": table})]))


def test_a_column_without_a_rule_is_refused() -> None:
    """A row with a column that the mapping does not name is not written, and the loss table says that."""
    adapter = load(*TABLE)
    assert lines(adapter, "surface.T") == [(Direction.OUT, Verdict.REFUSED, "columns that no rule names")]
    assert render(adapter, ({"a": "1", "c": "3"}, {"a": "2", "b": ""})) == {
        "t": [{"a": "1", "x": {"c": "3"}}, {"a": "2"}], "state": "1"}  # fmt: skip
    with pytest.raises(AdapterError) as caught:
        render(adapter, ({"a": "1", "b": "2"},))
    assert (caught.value.fault, caught.value.where) == (AdapterFault.VALUE, "$.t[*]")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('to = "valid_to"\nat = "$.to"\ncodec = ["date:yyyyMMdd"]', [Verdict.REFUSED]),
        ('to = "valid_to"\nat = "$.to"\ncodec = ["long-term:长期", "date:yyyyMMdd"]', []),
    ],
)
def test_an_end_without_a_word_for_none_is_told(field: str, expected: list[Verdict]) -> None:
    """A validity without an end is refused where no word is there for it, and the loss table says that."""
    assert [verdict for _, verdict, _ in lines(load(field), "valid_to")] == expected
