"""Every shipped system: what its codes mean, that nothing becomes better than it is, and what its samples read as."""

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.answer import AnswerFlag, AnswerOutcome
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.record.description import differing_facts
from adapters.record.record import LicenceRecord
from adapters.record.status import RecordFlag, RecordStatus
from tests.support.adapters import SHIPPED_FILES, records_of, shipped
from tests.vectors.adapter_messages import MESSAGES
from tests.vectors.build_adapter_systems import FOLDER, build

ADAPTERS = [load_adapter(path.read_bytes(), path.name) for path in SHIPPED_FILES]
EACH = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.id)
TEN = (
    "national",
    "exchange",
    "jiangsu",
    "fujian-soap",
    "fujian-post",
    "shandong",
    "shanghai",
    "zhejiang",
    "gbt36906",
    "police-package",
)
ENDED = (RecordStatus.CANCELLED, RecordStatus.REVOKED, RecordStatus.SUPERSEDED, RecordStatus.EXPIRED)


def test_samples_read_as_they_did() -> None:
    """What the script makes is what stands in the folder: the samples, and what they are read as."""
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert build() == {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("system", TEN)
def test_a_sample_of_a_found_licence_is_read_whole(system: str) -> None:
    """The sample of a found licence has a number and a holder, and no record of it is refused."""
    parsed = shipped(system).parse(MESSAGES[system]["found"])
    assert (parsed.outcome, parsed.refused) == (AnswerOutcome.FOUND, ())
    for record in parsed.records:
        assert record.number
        assert record.holders
        assert record.source == system


@EACH
@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(data=st.data())
def test_what_is_written_is_read(adapter: Adapter, data: st.DataObject) -> None:
    """A record in a system's domain comes back as it was; where there is no status, all of it but the status."""
    drawn = data.draw(records_of(adapter))
    assume(differing_facts(drawn, LicenceRecord(status=drawn.status)))  # in XML a record of nothing is nothing found
    rule = adapter.rules.status
    record = drawn if rule is not None else replace(drawn, status=RecordStatus.ACTIVE)
    try:
        message = adapter.render([record])
    except AdapterError as error:
        assume(error.fault is not AdapterFault.CHARSET)  # a character that the system cannot spell
        raise
    parsed = adapter.parse(message)
    assert (parsed.outcome, parsed.refused) == (AnswerOutcome.FOUND, ())
    (read,) = parsed.records
    assert set(differing_facts(record, read)) <= (set() if rule is not None else {"status"})
    assert read.status is (record.status if rule is not None else RecordStatus.UNKNOWN)
    assert dict(read.aside) == {}
    assert adapter.render([replace(read, status=record.status)]) == message


def _written(adapter: Adapter, status: RecordStatus) -> bytes | None:
    """Return a message about a licence of this status, or None where the system has no words for it."""
    try:
        return adapter.render([LicenceRecord(number="1", status=status)])
    except AdapterError as error:
        if error.fault is AdapterFault.STATUS:
            return None
        raise


@EACH
@pytest.mark.parametrize("status", list(RecordStatus))
def test_nothing_ended_becomes_better(adapter: Adapter, status: RecordStatus) -> None:
    """What ended is written as ended or not at all; what is not active is never written as active."""
    message = _written(adapter, status)
    if message is None:
        return
    (read,) = adapter.parse(message).records
    if status in ENDED:
        assert read.status in ENDED
    elif adapter.rules.status is None:
        assert (status, read.status) == (RecordStatus.ACTIVE, RecordStatus.UNKNOWN)
    else:
        assert read.status is status


@EACH
@pytest.mark.parametrize("code", ["never-seen", "00000", "ACTIVE", "null"])
def test_a_status_never_seen_is_unknown(adapter: Adapter, code: str) -> None:
    """A code of the status that no table names is unknown with a flag and its raw value, or an error of the message."""
    rule = adapter.rules.status
    if rule is None:
        return
    known = next(iter(rule.spellings.values())).encode()
    message = adapter.render([LicenceRecord(number="1", status=next(iter(rule.spellings)))])
    assert message.count(b'"' + known + b'"') >= 1
    parsed = adapter.parse(message.replace(b'"' + known + b'"', b'"' + code.encode() + b'"'))
    if rule.of_message:
        assert parsed.outcome is AnswerOutcome.ERROR
        assert parsed.records == ()
        return
    if parsed.records:  # the code of the envelope may be spelt as the status was
        assert parsed.records[0].status is RecordStatus.UNKNOWN
        assert parsed.records[0].raw_status == code
        assert RecordFlag.STATUS_UNSEEN in parsed.records[0].flags
    else:
        assert AnswerFlag.OUTCOME_UNSEEN in parsed.flags


SHANDONG = {
    AnswerOutcome.FOUND: ["0", "21", "22", "23"],
    AnswerOutcome.NOT_PROVIDED: ["2", "13"],
    AnswerOutcome.NOT_FOUND: ["10"],
    AnswerOutcome.DENIED: ["11", "100"],
    AnswerOutcome.ERROR: ["12", *map(str, (101, 102, 103, 105, 106, 107, 108, 109, 110, 111, 113))],
}
EXCHANGE = {
    AnswerOutcome.FOUND: ["0"],
    AnswerOutcome.DENIED: [
        *("-2", "-4", "-5", "-20", "-30", "-31", "-32", "-33", "-34", "-35", "-45", "-46", "-47", "-49", "-51")
    ],
    AnswerOutcome.RETRY: ["-6", "-21", "-22", "-41", "-42", "-50", "2010", "12100", "12101"],
    AnswerOutcome.NOT_PROVIDED: ["-48"],
    AnswerOutcome.ERROR: ["1", "-19", "12102", "12103", "12104"],
}


def _codes(table: dict[AnswerOutcome, list[str]]) -> Iterable[tuple[str, AnswerOutcome]]:
    return ((code, outcome) for outcome, codes in table.items() for code in codes)


@pytest.mark.parametrize(("system", "table"), [("shandong", SHANDONG), ("exchange", EXCHANGE)])
def test_every_documented_code_has_its_meaning(system: str, table: dict[AnswerOutcome, list[str]]) -> None:
    """The codes that a platform publishes mean what it says, and no other code has a meaning."""
    (rule,) = shipped(system).rules.outcomes
    assert dict(rule.meanings) == dict(_codes(table))


def test_a_key_being_refreshed_is_asked_for_again_after_twenty_seconds() -> None:
    """The exchange platform's -50 says when to come back; the police's -50 says nothing of the kind."""
    parsed = shipped("exchange").parse(MESSAGES["exchange"]["key-being-refreshed"])
    assert (parsed.outcome, parsed.retry_after_seconds) == (AnswerOutcome.RETRY, 20)
    parsed = shipped("police-package").parse(MESSAGES["police-package"]["permit-check-failed"])
    assert (parsed.outcome, parsed.retry_after_seconds) == (AnswerOutcome.DENIED, None)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("0", RecordStatus.ACTIVE),
        ("21", RecordStatus.CANCELLED),
        ("22", RecordStatus.EXPIRED),
        ("23", RecordStatus.SUSPENDED),
    ],
)
def test_shandong_says_the_status_with_its_code(code: str, status: RecordStatus) -> None:
    """One code of Shandong says both that the licence is there and what has become of it, and is written so."""
    adapter = shipped("shandong")
    record = LicenceRecord(number="1", status=status)
    message = adapter.render([record])
    assert json.loads(message)["code"] == code
    assert adapter.parse(message).records[0].status is status


def test_an_abolished_licence_without_data_is_not_missing() -> None:
    """Shandong's 21 without data is a record that is cancelled; "not found" would be another answer."""
    parsed = shipped("shandong").parse(MESSAGES["shandong"]["abolished-without-data"])
    assert parsed.outcome is AnswerOutcome.FOUND
    assert [record.status for record in parsed.records] == [RecordStatus.CANCELLED]


def test_a_code_without_a_status_gives_no_record() -> None:
    """Data beside a code that no table names are not read: Shandong's 104 is an error and an alarm."""
    parsed = shipped("shandong").parse(MESSAGES["shandong"]["code-never-seen"])
    assert (parsed.outcome, parsed.records) == (AnswerOutcome.ERROR, ())
    assert AnswerFlag.OUTCOME_UNSEEN in parsed.flags


def test_not_activated_is_never_written() -> None:
    """GB/T 36906's 1 is read as unknown, and nothing is written as it: some answer so for a cancelled licence."""
    adapter = shipped("gbt36906")
    messages = {status: _written(adapter, status) for status in RecordStatus}
    assert [status for status, message in messages.items() if message is None] == [RecordStatus.UNKNOWN]
    said = {json.loads(message)["data"][0]["status"] for message in messages.values() if message is not None}
    assert said == {"0", "2", "3"}


def test_fujian_reads_areas_of_eleven_and_twelve_digits() -> None:
    """Zeros at the end of an area code may be missing; six digits are kept, and twelve written."""
    adapter = shipped("fujian-post")
    parsed = adapter.parse(MESSAGES["fujian-post"]["found"])
    assert [record.area for record in parsed.records] == ["350100", "350100"]
    message = adapter.render([replace(record, status=RecordStatus.ACTIVE) for record in parsed.records])
    assert [row["areaCode"] for row in json.loads(message)["data"]] == ["350100000000"] * 2


@pytest.mark.parametrize("cut", [1, 3])
def test_half_a_character_of_gbk_is_refused(cut: int) -> None:
    """A text in GBK that ends within a character is refused as a whole."""
    message = MESSAGES["fujian-soap"]["found"]
    start = message.index("张样".encode("gbk"))
    with pytest.raises(AdapterError) as caught:
        shipped("fujian-soap").parse(message[: start + cut] + message[start + 4 :])
    assert caught.value.fault is AdapterFault.CHARSET


def test_the_joint_number_of_the_police_comes_along() -> None:
    """The number that ties the messages of one case together is in the envelope, both ways."""
    adapter = shipped("police-package")
    parsed = adapter.parse(MESSAGES["police-package"]["found"])
    assert parsed.envelope["case"] == "YWXT0001"
    records = [replace(record, status=RecordStatus.ACTIVE) for record in parsed.records]
    assert adapter.parse(adapter.render(records, envelope=parsed.envelope)).envelope == parsed.envelope
