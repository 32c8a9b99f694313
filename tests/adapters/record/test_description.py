"""A record as plain data: complete, and in words that stay."""

import json
from dataclasses import fields
from datetime import date

from adapters.record.description import FACTS, describe_record, differing_facts
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordFlag, RecordStatus

RECORD = LicenceRecord(
    number="1",
    holders=(RecordHolder(name="甲", code="2", code_type="111"),),
    issued_on=date(2024, 2, 29),
    status=RecordStatus.ACTIVE,
    surface={"a": "b", "texts": ("c",), "rows": ({"d": "e"},)},
    document=RecordDocument(format="ofd", content=b"x"),
    flags=frozenset({RecordFlag.FIELDS_ASIDE}),
    aside={"$.odd": "1"},
)


def test_nothing_is_left_out() -> None:
    """Every field of a record is in its description."""
    assert set(describe_record(RECORD)) == {field.name for field in fields(LicenceRecord)}


def test_it_is_json() -> None:
    """A description can be spelt as JSON, with dates and bytes as texts."""
    found = json.loads(json.dumps(describe_record(RECORD)))
    assert found["issued_on"] == "2024-02-29"
    assert found["valid_to"] is None
    assert found["holders"] == [{"name": "甲", "code": "2", "code_type": "111"}]
    assert found["surface"] == {"a": "b", "texts": ["c"], "rows": [{"d": "e"}]}
    assert found["document"] == {"format": "ofd", "content": "eA==", "link": ""}
    assert found["flags"] == ["fields.aside"]


def test_differing_facts_are_of_the_licence() -> None:
    """Two records differ in what they say about the licence, and not in the message that they came in."""
    assert differing_facts(RECORD, LicenceRecord()) == (
        "number",
        "holders",
        "issued_on",
        "status",
        "surface",
        "document",
    )
    assert set(FACTS).isdisjoint({"aside", "flags", "source", "raw_status"})
