"""A record is read from JSON as it was written, and from nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.error import AdapterError, AdapterFault
from adapters.record.description import describe_record
from adapters.record.reading import parse_record
from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordFlag, RecordStatus

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=3).map(tuple)
SURFACES = st.one_of(TEXT, st.lists(TEXT, max_size=3).map(tuple), ROWS)
RECORDS = st.builds(
    LicenceRecord,
    **dict.fromkeys(["identifier", "number", "type_code", "name", "issuer", "issuer_code", "area"], TEXT),
    **dict.fromkeys(["trust_level", "source", "raw_status"], TEXT),
    **dict.fromkeys(["issued_on", "valid_from", "valid_to"], st.none() | st.dates()),
    **dict.fromkeys(["long_term", "under_objection"], st.booleans()),
    holders=st.lists(st.builds(RecordHolder, name=TEXT, code=TEXT, code_type=TEXT), max_size=3).map(tuple),
    status=st.sampled_from(RecordStatus),
    surface=st.dictionaries(TEXT, SURFACES, max_size=3),
    document=st.none() | st.builds(RecordDocument, format=TEXT, content=st.binary(max_size=9), link=TEXT),
    aside=st.dictionaries(TEXT, TEXT, max_size=3),
    flags=st.frozensets(st.sampled_from(RecordFlag)),
)


@given(RECORDS)
def test_what_is_written_is_read(record: LicenceRecord) -> None:
    """What `describe_record` writes is read as the same record."""
    assert parse_record(json.dumps(describe_record(record)).encode()) == record


@given(st.binary())
def test_garbage(data: bytes) -> None:
    """Garbage raises the package's own error."""
    try:
        parse_record(data)
    except AdapterError:
        pass


@pytest.mark.parametrize(
    ("changes", "fault", "where"),
    [
        ({"colour": "red"}, AdapterFault.SHAPE, "$"),
        ({"number": 7}, AdapterFault.SHAPE, "$.number"),
        ({"number": None}, AdapterFault.SHAPE, "$.number"),
        ({"number": "7" * 20_000}, AdapterFault.SHAPE, "$.number"),
        ({"status": "gilded"}, AdapterFault.SHAPE, "$.status"),
        ({"valid_to": "2026-02-30"}, AdapterFault.SHAPE, "$.valid_to"),
        ({"holders": [{"name": "a"}, {"nom": "b"}]}, AdapterFault.SHAPE, "$.holders[1]"),
        ({"holders": [{}] * 501}, AdapterFault.SHAPE, "$.holders"),
        ({"surface": {"x": ["a", {"b": "c"}]}}, AdapterFault.SHAPE, "$.surface"),
        ({"document": {"content": "?"}}, AdapterFault.VALUE, "$.document.content"),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], fault: AdapterFault, where: str) -> None:
    """What is wrong is named by its place, and no value is repeated."""
    with pytest.raises(AdapterError) as caught:
        parse_record(json.dumps({"number": "N-1", **changes}).encode())
    assert (caught.value.fault, caught.value.where) == (fault, where)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"number":"a","number":"b"}', b'{"number":"\\ud800"}', b"\xff{}"])
def test_what_is_no_record(data: bytes) -> None:
    """What two readers may read differently is no record, and neither is a list."""
    with pytest.raises(AdapterError):
        parse_record(data)
