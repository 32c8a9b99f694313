"""A verdict as JSON: its shape, its times and its words."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decision import DECISION_ID_PATTERN, make_decision_id
from gateway.http.messages.answers import CheckAnswer, SignatureAnswer
from gateway.log_lines import encode_line
from gateway.reason import Reason
from gateway.rendering import encode_time, explanations_to_list, verdict_to_dict
from gateway.verdict import Check, CheckName, Outcome, SealSummary, SignatureVerdict, Verdict

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: EPOCH + timedelta(milliseconds=milliseconds))
CHECKS = st.builds(
    Check,
    check=st.sampled_from(CheckName),
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.sampled_from(Reason),
    detail=st.none() | st.text(max_size=20),
)
TEXTS = st.text(max_size=20)
SIGNATURES = st.builds(
    SignatureVerdict,
    id=TEXTS,
    kind=st.sampled_from(["seal", "sign"]),
    standard=TEXTS,
    signed_at=st.none() | MOMENTS,
    signer=st.none() | TEXTS,
    seal=st.none() | st.builds(SealSummary, id=TEXTS, name=TEXTS, maker=st.none() | TEXTS),
    checks=st.lists(CHECKS, max_size=3).map(tuple),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
)
VERDICTS = st.builds(
    Verdict,
    format=st.none() | st.sampled_from(["ofd", "seal"]),
    checks=st.lists(CHECKS, max_size=3).map(tuple),
    signatures=st.lists(SIGNATURES, max_size=2).map(tuple),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
)


@given(VERDICTS)
def test_shape(verdict: Verdict) -> None:
    """Any verdict becomes plain JSON with always the same keys, and says what the verdict says."""
    content = json.loads(json.dumps(verdict_to_dict(verdict)))
    assert list(content) == ["format", "outcome", "reasons", "checks", "signatures", "notes"]
    assert content["outcome"] == verdict.outcome
    assert content["reasons"] == list(verdict.reasons)
    assert [explanation["reason"] for explanation in explanations_to_list(verdict.reasons)] == content["reasons"]
    msgspec.convert(content["checks"], list[CheckAnswer])
    signatures = msgspec.convert(content["signatures"], list[SignatureAnswer])
    assert [signature.outcome for signature in signatures] == [one.outcome for one in verdict.signatures]


def test_times() -> None:
    """Times are UTC with Z, whatever zone they come in, with fractions only where there are any."""
    china = timezone(timedelta(hours=8))
    assert encode_time(datetime(2020, 10, 23, 19, 45, 37, tzinfo=china)) == "2020-10-23T11:45:37Z"
    assert encode_time(datetime(2020, 10, 23, 11, 45, 37, 500000, tzinfo=UTC)) == "2020-10-23T11:45:37.500000Z"
    with pytest.raises(ValueError, match="time zone"):
        encode_time(datetime(2020, 10, 23))  # noqa: DTZ001 — the one that is refused


@given(MOMENTS, MOMENTS, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_decision_ids_sort_by_time(first: datetime, second: datetime, one: bytes, other: bytes) -> None:
    """Decision ids sort like the moments of the decisions, to the millisecond."""
    if int(first.timestamp() * 1000) < int(second.timestamp() * 1000):
        assert make_decision_id(first, one) < make_decision_id(second, other)


@given(MOMENTS)
def test_decision_ids_have_one_form(moment: datetime) -> None:
    """A decision id has 26 characters of Crockford's alphabet, and another one every time."""
    first, second = make_decision_id(moment), make_decision_id(moment)
    assert first != second
    assert len(first) == 26
    assert re.match(DECISION_ID_PATTERN, first)


def test_decision_id_of_a_known_moment() -> None:
    """The id agrees with the example of the ULID specification, 01ARZ3NDEKTSV4RRFFQ69G5FAV."""
    moment = datetime(2016, 7, 30, 23, 54, 10, 259000, tzinfo=UTC)
    assert make_decision_id(moment, bytes.fromhex("d6764c61efb99302bd5b")) == "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@given(st.text(max_size=30))
def test_log_line_is_one_line(text: str) -> None:
    """Whatever its words are, an entry of the request log is one line of JSON."""
    line = encode_line(at="", request_id=text, caller=text, route=text, status=200, outcome=text, milliseconds=1.23456)
    assert json.loads(line)["request_id"] == text
    assert "\n" not in line
    assert "\r" not in line
