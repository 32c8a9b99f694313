"""Ids that senders give to their requests: they stand in logs, so that nobody's number may be one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.batch import MAX_LINES
from gateway.http.request_id import select_request_id
from policies.forms.citizen import LENGTH, check_character, is_new_number

FIRST = "37010119900101001"
NUMBER = FIRST + check_character(FIRST)
OLD = "370101900101001"


@pytest.mark.parametrize(
    "sent",
    [
        NUMBER,
        NUMBER.lower(),
        OLD,
        f"case-{NUMBER}-1",
        f"7{NUMBER}",
        f"{NUMBER[:6]}-{NUMBER[6:14]}-{NUMBER[14:]}",
        f"{OLD}.2",
        FIRST,
        f"{FIRST}-",
        f"7.{FIRST[:6]}.{FIRST[6:]}-a",
        *(f"case-{FIRST[:length]}" for length in (14, 15, 16)),
    ],
)
def test_a_number_of_a_person_is_no_id(sent: str) -> None:
    """A citizen number, old or new, alone or inside of more, or without its end, is replaced by an id of ours."""
    assert len(select_request_id(sent)) == 32
    assert select_request_id(sent) != sent


@pytest.mark.parametrize(
    "sent",
    [
        FIRST + "0",
        FIRST[:16] + "a",
        "370101199913010010",
        "20261122103000123456",
        "20261120100517123",
        "1763848800123456",
        "2026-11-22.0001",
    ],
)
def test_other_numbers_are_ids(sent: str) -> None:
    """Serial numbers and moments come back as they were sent."""
    assert check_character(FIRST) != "0"
    assert select_request_id(sent) == sent


@given(st.uuids())
def test_identifiers_of_machines_are_ids(sent: object) -> None:
    """What programs make up comes back, but for the few that happen to hold a number which somebody may have."""
    found = select_request_id(str(sent))
    assert found == str(sent) or sum(sign.isdecimal() for sign in str(sent)) >= 14


@given(
    st.integers(1, 17),
    st.integers(0, 999),
    st.integers(1, MAX_LINES),
    st.from_regex(r"([1-9][0-9]{0,5})?", fullmatch=True),
)
def test_no_line_of_a_batch_has_a_number(length: int, place: int, line: int, before: str) -> None:
    """What the number of a line adds to the id of its batch makes no number of a person of it."""
    found = select_request_id(before + f"{FIRST[:14]}{place:03}"[:length])
    said = f"{found}{line}"
    assert not any(is_new_number(said[begin:][:LENGTH]) for begin in range(len(said)))
