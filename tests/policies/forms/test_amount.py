"""Amounts: what they are in yuan, and that bands are half-open and in order."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.forms.amount import BANDS, EDGES, band_of, parse_amount
from tests.policies.forms.support import SURROUNDINGS


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("120万元", "1200000"), ("120 万元", "1200000"), ("1.5亿", "150000000"), ("3百万元", "3000000"),
        ("2千万元整", "20000000"), ("1,234.50", "1234.50"), ("¥ 5", "5"), ("人民币5元", "5"),
        ("500万元人民币", "5000000"),
        ("500万元（人民币）", "5000000"), ("0", "0"),
    ],
)  # fmt: skip
def test_amounts_as_licences_write_them(text: str, yuan: str) -> None:
    """Signs, commas and units are read; the result is exact."""
    assert parse_amount(text) == Decimal(yuan)


def test_a_band_begins_at_its_edge() -> None:
    """An amount on an edge is in the band above, one fen less in the band below."""
    for at, edge in enumerate(EDGES):
        assert band_of(str(edge), SURROUNDINGS) == BANDS[at + 1]
        assert band_of(f"{edge - 1}.99", SURROUNDINGS) == BANDS[at]
    assert len(BANDS) == len(EDGES) + 1
    assert sorted(EDGES) == list(EDGES)


@given(st.text() | st.text(alphabet="0123456789.,万亿元千百"))
def test_no_text_is_too_odd(text: str) -> None:
    """A text is an amount that is not negative, or none."""
    amount = parse_amount(text)
    assert amount is None or amount >= 0
