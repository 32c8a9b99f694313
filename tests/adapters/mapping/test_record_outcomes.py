"""Codes that stand in the records of a message: what has one is none of a licence."""

import json

import pytest

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerFlag, AnswerOutcome, Parsed
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.fault import MappingError
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordStatus
from tests.support.adapters import shipped

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
codes = { "0" = "found", "9" = "error" }

[[outcome]]
at = "$.wrong"
of_record = true
codes = { "ok" = "found", "1" = "not-found", "2" = "retry", "3" = "error" }
retry_after_seconds = { "2" = 20 }

[[field]]
to = "number"
at = "$.no"
"""
FOUND, NOT_FOUND, PARTIAL = AnswerOutcome.FOUND, AnswerOutcome.NOT_FOUND, AnswerOutcome.PARTIAL
RETRY, ERROR = AnswerOutcome.RETRY, AnswerOutcome.ERROR


def load(text: str) -> Adapter:
    """Return the adapter of a mapping."""
    return load_adapter(text.encode(), "town.toml")


TOWN = load(TEXT)


def parse(*codes: str | None, adapter: Adapter = TOWN) -> Parsed:
    """Return what a message reads as: a record for each code, or for None a record of a licence."""
    rows = [{"no": f"{place}"} if code is None else {"wrong": code} for place, code in enumerate(codes)]
    return adapter.parse(json.dumps({"code": "0", "list": rows}).encode())


@pytest.mark.parametrize(
    ("codes", "outcome", "raw"),
    [
        ([None], FOUND, "0"),
        (["ok"], FOUND, "0"),
        (["1"], NOT_FOUND, "1"),
        (["1", "1"], NOT_FOUND, "1"),
        (["1", "3"], ERROR, "3"),
        (["2", "1"], RETRY, "2"),
        (["3", "2"], ERROR, "3"),
        ([None, "1"], FOUND, "0"),
        ([None, "3"], PARTIAL, "3"),
        (["2", None], PARTIAL, "2"),
    ],
)
def test_records_say_what_they_are(codes: list[str | None], outcome: AnswerOutcome, raw: str) -> None:
    """A record with a code is no licence, is kept with its place, and makes nothing "not found" that may be there."""
    parsed = parse(*codes)
    is_told = [code not in {None, "ok"} for code in codes]
    assert (parsed.outcome, parsed.raw_outcome) == (outcome, raw)
    assert [one.index for one in parsed.refused] == [place for place, told in enumerate(is_told) if told]
    assert all((one.error.fault, one.error.where) == (AdapterFault.OUTCOME, "$.wrong") for one in parsed.refused)
    assert len(parsed.records) == is_told.count(False)
    assert AnswerFlag.RECORDS_REFUSED not in parsed.flags


def test_a_record_says_when_to_come_back() -> None:
    """The seconds of a code count where it decides."""
    assert parse("2").retry_after_seconds == 20
    assert parse("2", None).retry_after_seconds is None


def test_a_code_never_seen_is_an_error() -> None:
    """A code in a record that nobody wrote down is an error and an alarm, and never "not found"."""
    parsed = parse("7", "1")
    assert (parsed.outcome, parsed.raw_outcome) == (ERROR, "7")
    assert AnswerFlag.OUTCOME_UNSEEN in parsed.flags
    assert [one.outcome for one in parsed.refused] == [ERROR, NOT_FOUND]


def test_what_cannot_be_read_stays_what_it_is() -> None:
    """A record that cannot be read makes the answer partial, whatever the records beside it say."""
    parsed = TOWN.parse(b'{"code": "0", "list": [{"no": []}, {"wrong": "1"}]}')
    assert (parsed.outcome, [one.outcome for one in parsed.refused]) == (PARTIAL, [None, NOT_FOUND])
    assert AnswerFlag.RECORDS_REFUSED in parsed.flags


@pytest.mark.parametrize("outcome", [NOT_FOUND, RETRY, ERROR])
def test_an_outcome_is_written_where_it_can_be_said(outcome: AnswerOutcome) -> None:
    """A code of the message says it, else one in a record; it is read as the same again."""
    message = TOWN.render([], outcome)
    assert TOWN.parse(message).outcome is outcome
    assert (
        json.loads(message)
        == {
            NOT_FOUND: {"code": "0", "list": [{"wrong": "1"}]},
            RETRY: {"code": "0", "list": [{"wrong": "2"}]},
            ERROR: {"code": "9", "list": []},
        }[outcome]
    )


def test_a_licence_says_that_it_is_one() -> None:
    """Where the system has a code for a record of a licence, it is written."""
    message = TOWN.render([LicenceRecord(number="1", status=RecordStatus.ACTIVE)])
    assert json.loads(message)["list"] == [{"wrong": "ok", "no": "1"}]
    with pytest.raises(AdapterError):
        TOWN.render([], AnswerOutcome.DENIED)


def test_no_code_may_be_all_that_says_found() -> None:
    """A system that writes codes into bad records alone needs none for a licence."""
    adapter = load(TEXT.replace('"ok" = "found", ', ""))
    assert json.loads(adapter.render([LicenceRecord(number="1", status=RecordStatus.ACTIVE)]))["list"] == [{"no": "1"}]


def test_a_code_of_a_record_needs_a_message_around_it() -> None:
    """Where the message is the record, its code is one of the message."""
    with pytest.raises(MappingError) as caught:
        load(TEXT.replace('records = "$.list[*]"', "").replace('at = "$.code"', 'at = "$.list"'))
    assert "outcome[2].of_record" in [fault.key for fault in caught.value.faults]


def test_the_police_do_not_recognise_a_permit() -> None:
    """Their -902 is "not found", and what is wrong with a question is an error; no licence is read out of either."""
    police = shipped("police-package")
    text = "<PACKAGE><PACKAGEHEAD><FHDM>0</FHDM></PACKAGEHEAD><DATA>{}</DATA></PACKAGE>"
    for codes, outcome in ((["-902"], NOT_FOUND), (["-902", "-901"], ERROR), (["-904"], ERROR)):
        rows = "".join(f"<RECORD><CWDM>{code}</CWDM></RECORD>" for code in codes)
        parsed = police.parse(text.format(rows).encode())
        assert (parsed.outcome, parsed.records) == (outcome, ())
    assert police.parse(police.render([], NOT_FOUND)).raw_outcome == "-902"
