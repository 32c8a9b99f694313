"""A status that counts for the whole message, codes that are read and never written, and values with several names."""

import json
from dataclasses import replace
from datetime import date

import pytest

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.codecs.registry import parse_codec
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.fault import MappingError
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordFlag, RecordStatus

TEXT = """
[system]
id = "town"
zh = "镇"
en = "Town"

[message]
form = "json"
records = "$.list[*]"

[[outcome]]
at = "$.code"
codes = { "0" = "found", "1" = "found", "2" = "retry" }
wins = ["0"]

[[field]]
to = "number"
at = "$.no"

[[field]]
to = "surface.kind"
at = "$.kind"
also = "$.sort"
loses = "the name"

[[field]]
to = "valid_to"
at = "$.end"
also = ["$.until", "$.ext@json.last"]
codec = ["long-term:长期", "date:yyyyMMdd"]
loses = "the name"

[status]
at = "$.code"
of_message = true
codes = { "0" = "active", "1" = "cancelled" }
"""


def load(text: str) -> Adapter:
    """Return the adapter of a mapping."""
    return load_adapter(text.encode(), "town.toml")


TOWN = load(TEXT)


def parse(**tree: object) -> LicenceRecord:
    """Return the record that one row reads as."""
    (record,) = TOWN.parse(json.dumps({"code": "0", "list": [tree]}).encode()).records
    return record


def test_one_status_counts_for_every_record() -> None:
    """A status of the message is that of all its records, and is written where they share it."""
    parsed = TOWN.parse(b'{"code": "1", "list": [{"no": "1"}, {"no": "2"}]}')
    assert [(one.number, one.status, one.raw_status) for one in parsed.records] == [
        ("1", RecordStatus.CANCELLED, "1"),
        ("2", RecordStatus.CANCELLED, "1"),
    ]
    assert json.loads(TOWN.render(parsed.records))["code"] == "1"


def test_records_of_different_status_are_not_written_together() -> None:
    """No record is given the status of another."""
    records = [LicenceRecord(number="1", status=one) for one in (RecordStatus.ACTIVE, RecordStatus.CANCELLED)]
    with pytest.raises(AdapterError) as caught:
        TOWN.render(records)
    assert caught.value.fault is AdapterFault.STATUS


def test_an_ended_licence_without_data_is_a_record() -> None:
    """A code that says "cancelled" is heard without any data; one that says "active" has found nothing."""
    for message in (b'{"code": "1"}', b'{"code": "1", "list": []}', b'{"code": "1", "list": null}'):
        parsed = TOWN.parse(message)
        assert parsed.outcome is AnswerOutcome.FOUND
        assert [one.status for one in parsed.records] == [RecordStatus.CANCELLED]
    assert TOWN.parse(b'{"code": "0", "list": []}').outcome is AnswerOutcome.NOT_FOUND


def test_another_outcome_has_no_status() -> None:
    """Beside an outcome without records the status says nothing, when it is read and when it is written."""
    parsed = TOWN.parse(b'{"code": "2", "list": [{"no": "1"}]}')
    assert (parsed.outcome, parsed.records) == (AnswerOutcome.RETRY, ())
    assert json.loads(TOWN.render([], AnswerOutcome.RETRY))["code"] == "2"


def test_a_missing_code_is_no_status() -> None:
    """A message without the code has an error as its outcome, and no record is taken as active."""
    parsed = TOWN.parse(b'{"list": [{"no": "1"}]}')
    assert (parsed.outcome, parsed.records) == (AnswerOutcome.ERROR, ())


def test_a_status_of_the_message_needs_a_message_around_the_records() -> None:
    """Where the message is the record, its status is one of the record."""
    with pytest.raises(MappingError) as caught:
        load(TEXT.replace('records = "$.list[*]"', ""))
    assert "status.of_message" in [fault.key for fault in caught.value.faults]


def test_a_code_that_is_only_read_is_never_written() -> None:
    """What a code says beyond our word for it is not claimed for other licences."""
    text = TEXT.replace('"1" = "cancelled" }', '"1" = "cancelled", "7" = "unknown" }\nreads_only = ["7"]\nloses = "7"')
    text = text.replace("of_message = true\n", "").replace('[status]\nat = "$.code"', '[status]\nat = "$.zt"')
    adapter = load(text)
    assert not [loss for loss in adapter.losses if loss.name == "status" and loss.is_fault]
    (record,) = adapter.parse(b'{"code": "0", "list": [{"zt": "7"}]}').records
    assert (record.status, record.raw_status) == (RecordStatus.UNKNOWN, "7")
    assert RecordFlag.STATUS_UNSEEN not in record.flags
    with pytest.raises(AdapterError) as caught:
        adapter.render([record])
    assert caught.value.fault is AdapterFault.STATUS


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('wins = ["0"]', 'wins = ["0"]\nreads_only = ["9"]'), "outcome[1].reads_only"),
        (('wins = ["0"]', 'reads_only = ["0", "1"]'), "outcome[1].reads_only"),
        (('also = "$.sort"', 'also = "$.sort[*]"'), "field[2].also"),
        (('also = "$.sort"', 'also = "sort"'), "field[2].also"),
        (('also = "$.sort"', 'also = "$.sort"\nonly = "out"'), "field[2].also"),
        (('also = "$.sort"', 'also = "$.sort"\nwhen = { at = "$.no", is = "1" }'), "field[2].also"),
    ],
)
def test_what_contradicts_itself_is_a_fault(change: tuple[str, str], key: str) -> None:
    """Codes that are not there, and other names where there is no one value, are faults at their place."""
    with pytest.raises(MappingError) as caught:
        load(TEXT.replace(*change))
    assert key in [fault.key for fault in caught.value.faults]


@pytest.mark.parametrize("row", [{"end": "20240229"}, {"until": "20240229"}, {"ext": '{"last":"20240229"}'}])
def test_a_value_is_read_under_each_of_its_names(row: dict[str, str]) -> None:
    """Whichever name is there is read, through the same codecs, and the first one is written."""
    record = parse(no="1", **row)
    assert (record.valid_to, dict(record.aside)) == (date(2024, 2, 29), {})
    message = json.loads(TOWN.render([replace(record, status=RecordStatus.ACTIVE)]))
    assert message["list"] == [{"no": "1", "end": "20240229"}]
    assert parse(until="长期").long_term
    assert parse(sort="a").surface == {"kind": "a"}


def test_names_that_contradict_each_other_are_refused() -> None:
    """Two names with one value are one value; with two values, the record is refused and neither is believed."""
    assert parse(end="20240229", until="20240229", kind="a", sort="a").valid_to == date(2024, 2, 29)
    for row in (
        {"end": "20240229", "until": "20250228"},
        {"end": "长期", "until": "20250228"},
        {"kind": "a", "sort": "b"},
    ):
        parsed = TOWN.parse(json.dumps({"code": "0", "list": [row]}).encode())
        assert [one.error.fault for one in parsed.refused] == [AdapterFault.VALUE]


def test_other_names_are_a_loss() -> None:
    """Which of its names a value had is not kept, and the mapping must say so."""
    adapter = load(TEXT.replace('loses = "the name"\n', "", 1))
    (loss,) = [loss for loss in adapter.losses if loss.is_fault and loss.name == "surface.kind"]
    assert loss.what.en == "which of the names it had"


@pytest.mark.parametrize("text", ["35", "3501", "350100", "350100000", "35010000000", "350100000000"])
def test_areas_may_leave_zeros_away(text: str) -> None:
    """An area of 2, 4, 6, 9, 11 or 12 digits is read as six, and written as twelve."""
    codec = parse_codec("area:2-12", {})
    assert codec.parse(text) == text.ljust(12, "0")[:6]
    assert codec.render(codec.parse(text)) == text.ljust(12, "0")


@pytest.mark.parametrize("text", ["", "3", "350", "35010", "3501000", "3501000000", "3501000000000", "３５", "35010x"])
def test_what_is_no_area_is_refused(text: str) -> None:
    """Any other number of digits, and anything but digits, is outside of the domain."""
    with pytest.raises(ValueError):  # noqa: PT011 -- codecs raise it without words
        parse_codec("area:2-12", {}).parse(text)
