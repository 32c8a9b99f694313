"""Signing times as vendors write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Malformed, MalformedDocumentError
from adapters.ses.signing_time import parse_signing_time, parse_time_octets

MOMENT = datetime(2020, 10, 23, 11, 45, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2020-10-23 19:45:37",
        "20201023194537",
        "20201023114537.000Z",
        "20201023114537Z",
        "2020-10-23T19:45:37",
        "2020-10-23T19:45:37+08:00",
        "20201023194537+0800",
        "2020-10-23 11:45:37Z",
        "2020-10-23T08:15:37-0330",
    ],
)
def test_the_forms_in_use_mean_one_moment(text):
    """Without a zone it is China Standard Time, with one it is what is written."""
    assert parse_signing_time(text) == MOMENT
    assert parse_signing_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "200422021807Z",
        "20200422021807 Z",
        " 20201023194537",
        "2020-10-23",
        "2020-10-23 19:45",
        "2020-10-2319:45:37",
        "2020-13-01 00:00:00",
        "2020-02-30 00:00:00",
        "2020-10-23 24:00:00",
        "2020-10-23 23:59:60",
        "2020-10-23 19:45:37+24:00",
        "2020-10-23 19:45:37+08:60",
        "2020-10-23 19:45:37.",
        "0001-01-01 00:00:00",
        "0000-01-01 00:00:00Z",
        "２０２０-10-23 19:45:37",
        "2020-10-23 19:45:37\n",
        "2020-10-23 19:45:37." + "0" * 100,
    ],
)
def test_everything_else_is_refused(text):
    """Other forms, impossible moments and a UTCTime that looks like a short date are no signing time."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_signing_time(text)
    assert caught.value.malformed is Malformed.DATE


def test_fractions_are_kept_to_the_microsecond():
    """Three digits are milliseconds; digits beyond the sixth are cut off."""
    assert parse_signing_time("20201010065840.923Z").microsecond == 923_000
    assert parse_signing_time("20201010065840.123456789Z").microsecond == 123_456


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001 - the zone is drawn apart
    st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    st.sampled_from((" ", "T")),
)
def test_what_is_written_is_read(moment, zone, separator):
    """Every ISO time with an offset is read as that moment."""
    there = moment.replace(tzinfo=zone)
    assert parse_signing_time(there.isoformat(separator)) == there


@given(st.binary(max_size=40) | st.text("0123456789-:TZ+. ", max_size=30).map(str.encode))
def test_garbage_raises_only_our_error(octets):
    """Whatever stands in timeInfo is a moment in UTC or refused."""
    try:
        moment = parse_time_octets(octets)
    except MalformedDocumentError:
        return
    assert moment.utcoffset() == timedelta(0)
