"""To which trace a request belongs."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.http.state import RECORDER
from gateway.http.tracing import TRACE, begin_request
from policies.forms.citizen import check_character

FIRST = "37010119900101001"
NUMBER = FIRST + check_character(FIRST)
OURS, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("trace", "span", "is_taken"),
    [
        (OURS, SPAN, True),
        (f"{NUMBER:a<32}", SPAN, False),
        (f"{NUMBER:0>32}", SPAN, False),
        (f"{FIRST:a<32}", SPAN, False),
        (OURS, "a370101900101001", False),
    ],
)
def test_no_trace_has_a_number_of_a_person(trace: str, span: str, *, is_taken: bool) -> None:
    """A trace of the sender stands in the log, unless one of its ids holds a citizen number."""
    app = web.Application()
    app[RECORDER] = None
    request = make_mocked_request("GET", "/", headers={"traceparent": f"00-{trace}-{span}-01"}, app=app)
    assert begin_request(request, "/") is None
    assert request.get(TRACE) == (trace if is_taken else None)
