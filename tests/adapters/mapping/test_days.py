"""Days with a time and a zone: which day it is in China, and which forms cannot be."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.codecs.codec import MalformedCodecError
from adapters.mapping.codecs.days import date_codec

FORMS = (
    "yyyy-MM-ddTHH:mm:ssZ",
    "yyyy-MM-ddTHH:mm:ss.SSSZ",
    "yyyy-MM-ddTHH:mm:ss+08:00",
    "yyyyMMddTHHmmss+0800",
    "yyyyMMddHHmmssSSS",
    "yyyy-MM-dd HH:mm",
)


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        ("yyyy-MM-ddTHH:mm:ssZ", "2024-01-01T15:59:59Z", date(2024, 1, 1)),
        ("yyyy-MM-ddTHH:mm:ssZ", "2024-01-01T16:00:00Z", date(2024, 1, 2)),
        ("yyyy-MM-ddTHH:mm:ss.SSSZ", "2023-12-31T20:00:00.123Z", date(2024, 1, 1)),
        ("yyyy-MM-ddTHH:mm:ss+08:00", "2024-01-01T20:00:00+08:00", date(2024, 1, 1)),
        ("yyyy-MM-ddTHH:mm:ss", "2024-01-01T20:00:00", date(2024, 1, 1)),
    ],
)
def test_a_moment_is_a_day_in_china(form: str, text: str, day: date) -> None:
    """A time in UTC is the day that it is in China then; one without a zone is one in China."""
    assert date_codec(form).parse(text) == day


@given(st.sampled_from(FORMS), st.dates(min_value=date(1000, 1, 2)))
def test_a_day_is_written_so_that_it_reads_the_same(form: str, day: date) -> None:
    """Midnight in China is written, in the zone of the form, and the loss of the time is told."""
    codec = date_codec(form)
    assert codec.parse(codec.render(day)) == day
    assert codec.loses is not None


@pytest.mark.parametrize(
    ("form", "text"), [(FORMS[0], "9999-12-31T16:00:00Z"), (FORMS[2], "2024-01-01T20:00:00+09:00")]
)
def test_another_moment_is_refused(form: str, text: str) -> None:
    """What is beyond the calendar, or in another zone, is outside of the domain."""
    with pytest.raises(ValueError, match=r"^$"):
        date_codec(form).parse(text)


@pytest.mark.parametrize(
    "form",
    ["yyyyMMddmmss", "yyyyMMddHHss", "yyyy-MM-ddSSS", "yyyy-MM-ddZ", "Zyyyy-MM-dd", "yyyy-MM-ddTHH:mm:ss+09:00"],
)
def test_a_form_that_cannot_be(form: str) -> None:
    """A time has its greater parts, a zone has a time, and only UTC and China's are known."""
    with pytest.raises(MalformedCodecError):
        date_codec(form)
