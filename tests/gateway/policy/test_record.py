"""Records of decisions: written and read alike, with nothing in them but dimension values and ids."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.callers import CallerId
from gateway.decision import decision_moment, make_decision_id
from gateway.policy.moment import china_day, encode_moment, parse_moment
from gateway.policy.record import (
    MAX_RECORD_BYTES,
    DecisionRecord,
    RecordError,
    encode_record,
    parse_record,
    spell_forms,
)
from policies.dimension import Context
from policies.engine import Engine
from policies.loader import load_policy
from tests.support.policy import small_policy
from tests.support.policy_site import NOW

CONTEXT = Context("34-001", "counter", "own", "id-card", "active", "person", "adult", "statutory", "valid")
ENGINE = Engine(load_policy(small_policy()).bundle)

moments = st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - hypothesis adds the zone
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)


def make_record(at: datetime = NOW, context: Context = CONTEXT) -> DecisionRecord:
    plan = ENGINE.decide(context)
    return DecisionRecord(
        decision=make_decision_id(at),
        at=at,
        caller=CallerId("hall"),
        context=context,
        bundle="sha256:" + "0" * 64,
        plan=plan.id,
        forms=spell_forms(plan),
    )


@given(moments)
def test_what_is_written_is_read(at: datetime) -> None:
    """A record is read as it was written, in one line."""
    record = make_record(at)
    encoded = encode_record(record)
    assert b"\n" not in encoded
    assert parse_record(encoded) == record


@given(moments)
def test_moments(at: datetime) -> None:
    """A moment has one spelling, and the id of a decision tells when it was made."""
    assert parse_moment(encode_moment(at)) == at
    assert abs(decision_moment(make_decision_id(at)) - at) <= timedelta(milliseconds=1)  # ids round down


@pytest.mark.parametrize(
    "text", ["2026-06-01T04:00:00Z", "2026-06-01T04:00:00.000", "2026-06-01T12:00:00.000+08:00", ""]
)
def test_other_spellings(text: str) -> None:
    """Another spelling of a moment is none."""
    with pytest.raises(ValueError):  # noqa: PT011 - of which function does not matter
        parse_moment(text)


def test_days_are_those_of_china() -> None:
    """A day begins at midnight in China."""
    assert china_day(datetime(2026, 6, 1, 15, 59, tzinfo=UTC)).day == 1
    assert china_day(datetime(2026, 6, 1, 16, 0, tzinfo=UTC)).day == 2


def test_forms() -> None:
    """The forms are spelled by field, as policies spell them; what is withheld is left out."""
    record = make_record()
    assert record.forms == (
        "address=mask:addr-district,birth_date=general:year,holder_id=match,holder_name=plain,status=plain"
    )
    assert make_record(context=CONTEXT._replace(caller="nobody")).forms == ""


@given(st.binary(max_size=300))
def test_garbage(data: bytes) -> None:
    """Garbage is no record, and nothing but its own error is raised."""
    with pytest.raises(RecordError):
        parse_record(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"caller":"hall",', b""),
        (b'"caller":"hall"', b'"caller":1'),
        (b'"caller":"hall"', b'"caller":"hall","name":"x"'),
        (b'"age":"adult",', b""),
        (b'"age":"adult"', b'"age":"adult","sex":"f"'),
        (b"T04:00:00.000Z", b"T04:00:00Z"),
        (b"2026-06-01T04:00:00.000Z", b"0001-01-01T00:00:00.000+14:00"),
    ],
)
def test_broken_records(old: bytes, new: bytes) -> None:
    """A record with a member less, more or otherwise is none."""
    good = encode_record(make_record())
    assert old in good
    with pytest.raises(RecordError):
        parse_record(good.replace(old, new))


def test_bound() -> None:
    """A record that is longer than any is none."""
    with pytest.raises(RecordError):
        parse_record(b" " * MAX_RECORD_BYTES + encode_record(make_record()))


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 26 + "\n", "U" * 26, "8" + "0" * 25, "../../../../../etc/passwd"])
def test_no_ids(text: str) -> None:
    """What is no id of a decision has no moment."""
    with pytest.raises(ValueError, match="the id of a decision"):
        decision_moment(text)


def test_ids_beyond_time() -> None:
    """An id that says a time after the year 9999 is none."""
    with pytest.raises(ValueError, match="the id of a decision"):
        decision_moment("7" + "Z" * 25)
