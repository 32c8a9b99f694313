"""An adapter in both directions, for every form of message."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerFlag, AnswerOutcome
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.record.description import differing_facts
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordFlag, RecordStatus
from tests.adapters.mapping.dialects import ALL
from tests.support.adapters import records_of

ADAPTERS = {name: load_adapter(text.encode(), name) for name, text in ALL.items()}
EACH = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS)
SLOW = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)

ACTIVE = LicenceRecord(number="1", type_code="T1", status=RecordStatus.ACTIVE, source="json-town")


def json_town(**row: object) -> bytes:
    """Return a message of JSON town with one record."""
    rows = json.dumps({"rows": [{"no": 1, "kind": "licence", "zt": "1", **row}]}, ensure_ascii=False)
    return json.dumps({"status": {"code": 200}, "body": rows}, ensure_ascii=False).encode()


def fault_of(message: bytes, adapter: str = "json-town") -> AdapterFault:
    """Return why the one record of a message was refused."""
    parsed = ADAPTERS[adapter].parse(message)
    assert parsed.outcome is AnswerOutcome.PARTIAL
    assert AnswerFlag.RECORDS_REFUSED in parsed.flags
    return parsed.refused[0].error.fault


@EACH
def test_it_declares_exactly_what_it_loses(adapter: Adapter) -> None:
    """The systems made up for tests lose what they declare, and nothing else."""
    assert [loss for loss in adapter.losses if loss.is_fault] == []


@EACH
@SLOW
@given(data=st.data())
def test_what_is_written_is_read(adapter: Adapter, data: st.DataObject) -> None:
    """A record within the domain of a system comes back as it was, and its message is written the same again."""
    most = 3 if adapter.rules.message.records.lists else 1
    records = data.draw(st.lists(records_of(adapter), min_size=1, max_size=most))
    message = adapter.render(records)
    parsed = adapter.parse(message)
    assert parsed.refused == ()
    for before, after in zip(records, parsed.records, strict=True):
        assert differing_facts(before, after) == ()
        assert dict(after.aside) == {}
    assert dict(parsed.aside) == {}
    assert adapter.render(parsed.records) == message


@EACH
@SLOW
@given(data=st.binary(max_size=60))
def test_garbage_raises_only_our_error(adapter: Adapter, data: bytes) -> None:
    """Bytes that are no message raise AdapterError, or are read as a message that says little."""
    with suppress(AdapterError):
        adapter.parse(data)


@EACH
@SLOW
@given(data=st.data())
def test_a_broken_message_raises_only_our_error(adapter: Adapter, data: st.DataObject) -> None:
    """A message cut off, or with a few bytes changed, is read or refused, and nothing else happens."""
    message = bytearray(adapter.render([data.draw(records_of(adapter))]))
    for _ in range(data.draw(st.integers(min_value=1, max_value=3))):
        message[data.draw(st.integers(min_value=0, max_value=len(message) - 1))] = data.draw(st.integers(0, 255))
    with suppress(AdapterError):
        adapter.parse(bytes(message[: data.draw(st.integers(min_value=1, max_value=len(message)))]))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@SLOW
@given(
    key=st.sampled_from(["no", "mc", "fz", "q", "z", "qh", "yy", "czr", "wj", "je", "mx", "ext", "zt"]),
    value=JSON_VALUES,
)
def test_any_value_anywhere_is_read_or_refused(key: str, value: object) -> None:
    """Whatever stands in place of a value, the record is read or refused with a reason, and the message is not lost."""
    ADAPTERS["json-town"].parse(json_town(**{key: value}))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"q": "20230229"}, AdapterFault.VALUE),  # 29 February in a year that has none
        ({"q": "20241301"}, AdapterFault.VALUE),
        ({"q": "2024-01-01"}, AdapterFault.VALUE),
        ({"q": 20240101}, AdapterFault.TYPE),
        ({"q": ["20240101"]}, AdapterFault.SHAPE),
        ({"z": 10**18}, AdapterFault.VALUE),  # a moment beyond the calendar
        ({"no": "1"}, AdapterFault.TYPE),
        ({"no": True}, AdapterFault.TYPE),
        ({"no": 1.5}, AdapterFault.VALUE),
        ({"fz": []}, AdapterFault.SHAPE),
        ({"fz": "text"}, AdapterFault.TYPE),
        ({"czr": {"xm": "one"}}, AdapterFault.SHAPE),
        ({"czr": [1]}, AdapterFault.TYPE),
        ({"czr": [{}] * 501}, AdapterFault.TOO_LARGE),
        ({"qh": "44010"}, AdapterFault.VALUE),
        ({"yy": "2"}, AdapterFault.VALUE),
        ({"dj": "x" * 16_385}, AdapterFault.TOO_LARGE),
        ({"ext": {"a": "x" * 16_385}}, AdapterFault.TOO_LARGE),
        ({"wj": {"nr": "####"}}, AdapterFault.VALUE),
    ],
)
def test_a_value_outside_of_the_domain_refuses_its_record(row: dict[str, object], fault: AdapterFault) -> None:
    """A record with a value that its codecs do not take is refused with the reason."""
    assert fault_of(json_town(**row)) is fault


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_empty_say_nothing(nothing: object) -> None:
    """Missing, null and empty read as "nothing said"."""
    record = (
        ADAPTERS["json-town"].parse(json_town(q=nothing, dj=nothing, fz=nothing, czr=nothing, ext=nothing)).records[0]
    )
    assert differing_facts(record, ADAPTERS["json-town"].parse(json_town()).records[0]) == ()


def test_the_29th_of_february_is_a_day_in_leap_years() -> None:
    """29 February 2024 is read."""
    assert ADAPTERS["json-town"].parse(json_town(q="20240229")).records[0].valid_from == date(2024, 2, 29)


def test_a_moment_is_the_day_in_china() -> None:
    """16:00 UTC is the next day in China, one millisecond before is not."""
    midnight = 1_714_492_800_000  # 2024-05-01 00:00 in China
    parse = ADAPTERS["json-town"].parse
    assert parse(json_town(fz={"rq": midnight})).records[0].issued_on == date(2024, 5, 1)
    assert parse(json_town(fz={"rq": midnight - 1})).records[0].issued_on == date(2024, 4, 30)


@pytest.mark.parametrize("code", ["9", "", None, 1.0, True, " 1", "active"])
def test_a_status_that_nobody_wrote_down_is_never_active(code: object) -> None:
    """A code that the table does not name is unknown, with an alarm."""
    record = ADAPTERS["json-town"].parse(json_town(zt=code)).records[0]
    assert record.status is RecordStatus.UNKNOWN
    assert record.flags & {RecordFlag.STATUS_UNSEEN, RecordFlag.STATUS_MISSING}


def test_codes_are_compared_by_their_text() -> None:
    """A status code as a number means what its digits mean."""
    assert ADAPTERS["json-town"].parse(json_town(zt=2)).records[0].status is RecordStatus.REVOKED


def test_a_code_that_the_table_does_not_name_stays_aside() -> None:
    """The field stays empty, the raw value is kept, a flag says so."""
    message = ADAPTERS["xml-town"].render(
        [replace(ACTIVE, holders=(RecordHolder(name="甲", code="A", code_type="111"),))]
    )
    record = ADAPTERS["xml-town"].parse(message.replace(b'lx="1"', b'lx="9"')).records[0]
    assert record.holders[0].code_type == ""
    assert RecordFlag.CODE_UNSEEN in record.flags
    assert list(record.aside.values()) == ["9"]


def test_what_no_rule_names_is_kept_by_its_path() -> None:
    """Unknown members are aside: of the record with their place in a list, of the envelope in the message."""
    body = json_town(odd={"a": [1]}, czr=[{"xm": "甲"}, {"xm": "乙", "tel": "1"}])
    message = json.loads(body) | {"trace": "t"}
    parsed = ADAPTERS["json-town"].parse(json.dumps(message).encode())
    assert dict(parsed.records[0].aside) == {"$.odd": '{"a":[1]}', "$.czr[1].tel": "1"}
    assert RecordFlag.FIELDS_ASIDE in parsed.records[0].flags
    assert dict(parsed.aside) == {"$.trace": "t"}
    assert AnswerFlag.FIELDS_ASIDE in parsed.flags


def test_one_bad_record_leaves_the_others() -> None:
    """Records that can be read are there, the bad one is named by its place, and the outcome is partial."""
    rows = json.dumps({"rows": [{"no": 1, "zt": "1"}, {"no": "x"}, {"no": 3, "zt": "2"}]})
    parsed = ADAPTERS["json-town"].parse(json.dumps({"status": {"code": 200}, "body": rows}).encode())
    assert [one.number for one in parsed.records] == ["1", "3"]
    assert [(one.index, one.error.where) for one in parsed.refused] == [(1, "$.no")]
    assert parsed.outcome is AnswerOutcome.PARTIAL


@pytest.mark.parametrize(
    ("code", "outcome", "flag"),
    [
        (404, AnswerOutcome.NOT_FOUND, None),
        (501, AnswerOutcome.NOT_PROVIDED, None),
        (418, AnswerOutcome.ERROR, AnswerFlag.OUTCOME_UNSEEN),
        (None, AnswerOutcome.ERROR, AnswerFlag.OUTCOME_MISSING),
    ],
)
def test_outcomes(code: object, outcome: AnswerOutcome, flag: AnswerFlag | None) -> None:
    """A code means what the table says; one that it does not name is an error, with an alarm."""
    parsed = ADAPTERS["json-town"].parse(json.dumps({"status": {"code": code}, "body": None}).encode())
    assert parsed.outcome is outcome
    assert parsed.flags == ({flag} if flag else set())


def test_found_without_records_is_not_found() -> None:
    """A system that found an empty list has not found anything."""
    parsed = ADAPTERS["json-town"].parse(b'{"status": {"code": 200}, "body": ""}')
    assert parsed.outcome is AnswerOutcome.NOT_FOUND


def test_retry_says_when() -> None:
    """The seconds to wait come from the mapping."""
    parsed = ADAPTERS["xml-town"].parse(ADAPTERS["xml-town"].render([], AnswerOutcome.RETRY))
    assert (parsed.outcome, parsed.retry_after_seconds) == (AnswerOutcome.RETRY, 20)


@EACH
def test_every_outcome_that_a_system_can_say_comes_back(adapter: Adapter) -> None:
    """An outcome is written and read as the same, or refused."""
    said = {outcome for rule in adapter.rules.outcomes for outcome in rule.spellings} - {AnswerOutcome.FOUND}
    for outcome in set(AnswerOutcome) - {AnswerOutcome.FOUND}:
        if outcome in said or not adapter.rules.outcomes:
            if outcome in said:
                assert adapter.parse(adapter.render([], outcome)).outcome is outcome
        elif outcome is not AnswerOutcome.NOT_FOUND:
            with pytest.raises(AdapterError) as caught:
                adapter.render([], outcome)
            assert caught.value.fault is AdapterFault.OUTCOME


def test_the_envelope_goes_both_ways() -> None:
    """Values around the records are written and read by their names."""
    message = ADAPTERS["xml-town"].render([ACTIVE], envelope={"case": "办件1"})
    assert dict(ADAPTERS["xml-town"].parse(message).envelope) == {"case": "办件1"}


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (replace(ACTIVE, status=RecordStatus.SUSPENDED), AdapterFault.STATUS),
        (replace(ACTIVE, status=RecordStatus.UNKNOWN), AdapterFault.STATUS),
        (replace(ACTIVE, number="01"), AdapterFault.VALUE),
        (replace(ACTIVE, area="4401"), AdapterFault.VALUE),
        (replace(ACTIVE, valid_from=date(1, 1, 1)), AdapterFault.VALUE),
        (replace(ACTIVE, valid_from=date(2024, 1, 1), long_term=True, area="440100", number="x"), AdapterFault.VALUE),
        (replace(ACTIVE, surface={"rows": "text"}), AdapterFault.SHAPE),
        (replace(ACTIVE, surface={"amount": ("1",)}), AdapterFault.SHAPE),
        (replace(ACTIVE, trust_level="x" * 16_385), AdapterFault.TOO_LARGE),
        (replace(ACTIVE, name="\ud800"), AdapterFault.CHARSET),
    ],
)
def test_what_a_system_cannot_say_is_refused(record: LicenceRecord, fault: AdapterFault) -> None:
    """A record outside of the domain is refused when it is written, and nothing is left out silently."""
    with pytest.raises(AdapterError) as caught:
        ADAPTERS["json-town"].render([record])
    assert caught.value.fault is fault


def test_a_second_holder_is_refused_where_there_is_room_for_one() -> None:
    """Two holders are not written as one."""
    holders = (RecordHolder(name="甲"), RecordHolder(name="乙"))
    with pytest.raises(AdapterError) as caught:
        ADAPTERS["line-town"].render([LicenceRecord(status=RecordStatus.ACTIVE, holders=holders)])
    assert caught.value.fault is AdapterFault.HOLDERS


@pytest.mark.parametrize("name", ["甲|乙", "甲\n乙"])
def test_a_separator_in_a_value_is_refused(name: str) -> None:
    """A delimited line cannot hold its own separator, nor a line end."""
    with pytest.raises(AdapterError) as caught:
        ADAPTERS["line-town"].render([LicenceRecord(status=RecordStatus.ACTIVE, name=name)])
    assert caught.value.fault is AdapterFault.VALUE


def test_more_parts_than_fields_are_refused() -> None:
    """A text of three parts is not written into two fields."""
    with pytest.raises(AdapterError) as caught:
        ADAPTERS["form-town"].render([LicenceRecord(status=RecordStatus.ACTIVE, identifier="a/b/c")])
    assert caught.value.fault is AdapterFault.VALUE


def test_columns_of_holders_must_pair() -> None:
    """Two names and three codes are refused, and nothing is guessed."""
    message = b"ret=ok&no=%B5%DA1&czzt=a%A1%A2b&czztdm=1%A1%A22%A1%A23&zt=%D3%D0%D0%A7"
    assert fault_of(message, "form-town") is AdapterFault.HOLDERS


def test_no_status_means_active_only() -> None:
    """A system without a status is never told about a licence that is not active, and never says that one is."""
    text = ALL["line-town"].split("[status]")[0] + '[losses]\nstatus = "none"\n'
    adapter = load_adapter(text.encode(), "x")
    with pytest.raises(AdapterError) as caught:
        adapter.render([LicenceRecord(number="1", status=RecordStatus.REVOKED)])
    assert caught.value.fault is AdapterFault.STATUS
    message = adapter.render([LicenceRecord(number="1", status=RecordStatus.ACTIVE)])
    assert adapter.parse(message).records[0].status is RecordStatus.UNKNOWN


CONDITIONS = """
[system]
id = "when"
zh = "x"
en = "x"

[message]
form = "json"

[[field]]
to = "surface.kind"
at = "$.kind"

[[field]]
to = "holders[].code"
at = "$.idcard"
when = { at = "$.kind", is = "person" }

[[field]]
to = "holders[].code"
at = "$.uscc"
when = { at = "$.kind", is = "company" }
"""


def test_conditions_choose_the_field() -> None:
    """A rule with a condition counts where the field beside it says so, when reading and when writing."""
    adapter = load_adapter(CONDITIONS.encode(), "when")
    record = adapter.parse(b'{"uscc": "U", "kind": "company", "idcard": "I"}').records[0]
    assert record.holders == (RecordHolder(code="U"),)
    assert dict(record.aside) == {"$.idcard": "I"}
    assert json.loads(adapter.render([replace(record, status=RecordStatus.ACTIVE)])) == {"kind": "company", "uscc": "U"}
