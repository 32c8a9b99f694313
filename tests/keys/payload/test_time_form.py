"""Times as other systems write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.payload.time_form import CHINA, TimeForm, encode_time, parse_time

UNITS = {
    TimeForm.EPOCH_SECONDS: timedelta(seconds=1),
    TimeForm.EPOCH_MILLISECONDS: timedelta(milliseconds=1),
    TimeForm.COMPACT: timedelta(seconds=1),
}
MOMENTS = st.datetimes(datetime(2002, 1, 1), datetime(2285, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - drawn in UTC


@given(moment=MOMENTS, form=st.sampled_from(TimeForm))
def test_round_trip(moment, form):
    """What is written is read, cut to the unit of the form."""
    read = parse_time(encode_time(moment, form), form)
    assert timedelta(0) <= moment - read < UNITS[form]


@given(text=st.text(max_size=16), form=st.sampled_from(TimeForm))
def test_one_spelling(text, form):
    """What is read has one spelling, and garbage is a ValueError."""
    try:
        moment = parse_time(text, form)
    except ValueError:
        return
    assert encode_time(moment, form) == text


def test_china():
    """A compact time is meant in China, eight hours ahead."""
    assert parse_time("20260301120000", TimeForm.COMPACT) == datetime(2026, 3, 1, 4, tzinfo=UTC)
    assert CHINA.utcoffset(None) == timedelta(hours=8)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("20260230120000", TimeForm.COMPACT),
        ("20260301240000", TimeForm.COMPACT),
        ("20260301120060", TimeForm.COMPACT),
        ("2026030112000", TimeForm.COMPACT),
        ("１７７２３３７６００", TimeForm.EPOCH_SECONDS),
        ("0772337600", TimeForm.EPOCH_SECONDS),
        ("1772337600000", TimeForm.EPOCH_SECONDS),
        ("1772337600", TimeForm.EPOCH_MILLISECONDS),
        (" 1772337600", TimeForm.EPOCH_SECONDS),
        ("1772337600\n", TimeForm.EPOCH_SECONDS),
    ],
)
def test_times_that_are_none(text, form):
    """Another length, other digits and days that do not exist are refused."""
    with pytest.raises(ValueError, match=r"expected|data|must be|range"):
        parse_time(text, form)


@pytest.mark.parametrize("form", TimeForm)
def test_moments_without_a_spelling(form):
    """A moment that would need another number of digits is not written."""
    with pytest.raises(ValueError, match="expected"):
        encode_time(
            datetime(1970, 1, 1, tzinfo=UTC) if form is not TimeForm.COMPACT else datetime(999, 1, 1, tzinfo=UTC), form
        )
