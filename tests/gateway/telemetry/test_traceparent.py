"""The header by which a request belongs to a trace."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.telemetry.traceparent import TraceParent, encode_trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


def test_the_example_of_the_recommendation() -> None:
    """A header of version 00 names a trace and a span, whether its sender records them or not."""
    expected = TraceParent(trace=int(TRACE, 16), span=int(SPAN, 16))
    assert TraceParent.parse(GOOD) == TraceParent.parse(GOOD[:-1] + "0") == expected
    assert encode_trace(expected.trace) == TRACE


def test_a_later_version() -> None:
    """What a later version adds at its end is left aside."""
    assert TraceParent.parse(f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like") == TraceParent.parse(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.upper(),
        GOOD + "-more",
        GOOD + " ",
        "ff" + GOOD[2:],
        GOOD.replace(TRACE, "0" * 32),
        GOOD.replace(SPAN, "0" * 16),
        GOOD.replace(SPAN, SPAN[1:]),
        f"cc-{TRACE}-{SPAN}-01.more",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 255}",
        GOOD.replace("4", "４"),
    ],
)
def test_what_is_no_header(text: str) -> None:
    """What does not follow the rules names no trace."""
    assert TraceParent.parse(text) is None


@given(st.text(max_size=80))
@example(GOOD)
def test_garbage_is_nothing(text: str) -> None:
    """Whatever is sent either names a trace in hexadecimal digits, or nothing."""
    found = TraceParent.parse(text)
    assert found is None or text[3:35] == encode_trace(found.trace)
