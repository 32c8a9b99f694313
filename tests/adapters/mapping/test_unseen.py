"""What nobody named is never a good answer: codes outside of their codecs, tables and messages of another kind."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerFlag, AnswerOutcome, Parsed
from adapters.mapping.error import AdapterFault
from adapters.record.status import RecordFlag, RecordStatus

HEAD = """
[system]
id = "town"
zh = "镇"
en = "Town"

[message]
form = "json"
records = "$.list[*]"

[codes.word]
pairs = { "0" = "1", "9" = "2" }
"""
STATUS = """
[status]
at = "$.state"
codes = { "1" = "active", "2" = "cancelled" }
"""


def load(*parts: str) -> Adapter:
    """Return the adapter of a mapping."""
    return load_adapter("\n".join((HEAD, *parts)).encode(), "town.toml")


def parse(adapter: Adapter, tree: object) -> Parsed:
    return adapter.parse(json.dumps(tree).encode())


CODECS = {"prefix:ZT": "ZT1", "table:word": "0", "suffix:/": "1/"}
CHAINS = {codec: load(STATUS, f'codec = ["{codec}"]') for codec in CODECS}
OUTCOMES = {
    codec: load(f'[[outcome]]\nat = "$.code"\ncodes = {{ "1" = "found", "2" = "retry" }}\ncodec = ["{codec}"]', STATUS)
    for codec in CODECS
}
CODES = st.sampled_from(["1", "2", "ZT", "ZT3", "1/1", " 1", "", 1, 2, 1.0, True]) | st.text(max_size=4)


@given(st.sampled_from(sorted(CODECS)), CODES)
def test_a_status_that_its_codecs_do_not_read_is_unknown(codec: str, code: object) -> None:
    """Whatever a code looks like, it is active only when it is the agreed spelling of an active licence."""
    (record,) = parse(CHAINS[codec], {"list": [{"state": code}]}).records
    assert (record.status is RecordStatus.ACTIVE) == (code == CODECS[codec] and not isinstance(code, int | float))
    if code in {"1", "2"} and code != CODECS[codec]:
        assert (record.status, record.raw_status) == (RecordStatus.UNKNOWN, code)
        assert record.flags == {RecordFlag.STATUS_UNSEEN}


@given(st.sampled_from(sorted(CODECS)), CODES)
def test_an_outcome_that_its_codecs_do_not_read_is_an_error(codec: str, code: object) -> None:
    """Whatever a code looks like, it has found something only when it is the agreed spelling of that."""
    parsed = parse(OUTCOMES[codec], {"code": code, "list": [{"state": "1"}]})
    assert (parsed.outcome is AnswerOutcome.FOUND) == (code == CODECS[codec] and not isinstance(code, int | float))
    assert type(parsed.raw_outcome) is str


@pytest.mark.parametrize("code", [1, "1"])
def test_a_code_is_compared_by_its_text(code: object) -> None:
    """With number-text a code counts as a number and as its text."""
    adapter = load(STATUS, 'codec = ["number-text"]')
    assert parse(adapter, {"list": [{"state": code}]}).records[0].status is RecordStatus.ACTIVE


def test_a_number_meets_the_codecs_of_texts() -> None:
    """A number where a text was agreed is read as its text, by the same codecs."""
    assert parse(CHAINS["table:word"], {"list": [{"state": 0}]}).records[0].status is RecordStatus.ACTIVE


LEVEL = """
[[field]]
to = "trust_level"
at = "$.level"
codec = ["table:word"]
default = "0"
loses = "x"
"""


@pytest.mark.parametrize(("row", "expected"), [({}, "1"), ({"level": "9"}, "2"), ({"level": "8"}, "")])
def test_an_unseen_code_is_no_default(row: Mapping[str, str], expected: str) -> None:
    """The default stands for nothing said, never for something said that nobody knows."""
    (record,) = parse(load(LEVEL, STATUS), {"list": [row]}).records
    assert record.trust_level == expected


def test_an_unseen_code_under_another_name_is_no_default() -> None:
    """The same holds for a value under its other name."""
    adapter = load(LEVEL.replace("default", 'also = "$.rank"\ndefault'), STATUS)
    assert [one.trust_level for one in parse(adapter, {"list": [{"rank": "8"}, {"rank": "9"}, {}]}).records] == [
        "", "2", "1"]  # fmt: skip


def test_an_unseen_objection_is_not_none() -> None:
    """A record whose objection nobody can read is refused: "no objection" would be a guess."""
    adapter = load('[[field]]\nto = "under_objection"\nat = "$.o"\ncodec = ["table:word", "flag:1|2"]', STATUS)
    parsed = parse(adapter, {"list": [{"o": "0"}, {"o": "9"}, {"o": "disputed"}]})
    assert [one.under_objection for one in parsed.records] == [True, False]
    assert [(one.index, one.error.fault) for one in parsed.refused] == [(2, AdapterFault.VALUE)]


def test_an_unseen_status_of_the_message_is_heard() -> None:
    """A message without records whose status nobody named is a record of unknown status, and no "not found"."""
    adapter = load(STATUS, "of_message = true")
    parsed = parse(adapter, {"state": "77"})
    assert parsed.outcome is AnswerOutcome.FOUND
    assert [(one.status, one.flags) for one in parsed.records] == [
        (RecordStatus.UNKNOWN, {RecordFlag.STATUS_UNSEEN})]  # fmt: skip
    assert [parse(adapter, one).outcome for one in ({"state": "1"}, {})] == [AnswerOutcome.NOT_FOUND] * 2


NAMED = load('[[outcome]]\nat = "$.code"\ncodes = { "0" = "found" }', STATUS)


@pytest.mark.parametrize(
    ("adapter", "tree"),
    [
        (load(STATUS), {"error": "token expired"}),
        (load(STATUS), {"code": 500, "message": "x"}),
        (load(STATUS), None),
        (NAMED, {"code": "0", "data": [{"state": "1"}]}),
    ],
)
def test_a_message_of_another_kind_is_an_error(adapter: Adapter, tree: object) -> None:
    """Where the records should be is nothing, and beside it what nobody named: that is no "not found"."""
    parsed = parse(adapter, tree)
    assert parsed.outcome is AnswerOutcome.ERROR
    assert AnswerFlag.RECORDS_MISSING in parsed.flags


@pytest.mark.parametrize("tree", [{"list": [], "more": 1}, {"list": None, "more": 1}, {}])
def test_an_empty_message_has_found_nothing(tree: object) -> None:
    """An empty place of records is "not found", whatever stands beside it, and so is a message that says nothing."""
    assert parse(load(STATUS), tree).outcome is AnswerOutcome.NOT_FOUND
