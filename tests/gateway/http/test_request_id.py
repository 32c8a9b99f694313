"""Ids that senders give to their requests: they stand in logs, so that nobody's number may be one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.request_id import select_request_id
from policies.forms.citizen import check_character

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
    ],
)
def test_a_number_of_a_person_is_no_id(sent: str) -> None:
    """A citizen number, old or new, alone or inside of more, is replaced by an id of ours."""
    assert len(select_request_id(sent)) == 32
    assert select_request_id(sent) != sent


@pytest.mark.parametrize(
    "sent", [FIRST + "0", "370101199913010010", "20261122103000123456", "1763848800123456", "2026-11-22.0001"]
)
def test_other_numbers_are_ids(sent: str) -> None:
    """Serial numbers and moments come back as they were sent."""
    assert check_character(FIRST) != "0"
    assert select_request_id(sent) == sent


@given(st.uuids())
def test_identifiers_of_machines_are_ids(sent: object) -> None:
    """What programs make up comes back, but for the few that happen to hold a number which somebody may have."""
    found = select_request_id(str(sent))
    assert found == str(sent) or sum(sign.isdecimal() for sign in str(sent)) >= 15
