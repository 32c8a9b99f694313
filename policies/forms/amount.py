"""Amounts of money, in yuan, and the bands that stand for them."""

import re
from bisect import bisect_right
from decimal import Decimal
from typing import Final

from policies.forms.scheme import HIDDEN, Surroundings, Value

LONGEST_AMOUNT: Final = 40  # characters
_MOST_DIGITS: Final = 15  # before the point
_WAN: Final = 10_000
_YI: Final = 100_000_000
_UNITS: Final = {None: 1, "千": 1000, "万": _WAN, "百万": 100 * _WAN, "千万": 1000 * _WAN, "亿": _YI}

# Digits with or without commas, at most 15 before the point and 6 behind; yuan only: other currencies are not read.
_AMOUNT: Final = re.compile(
    r"(?:人民币|RMB|CNY|[¥￥])? ?([0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.([0-9]{1,6}))? ?"
    r"(百万|千万|[千万亿])?(?:元|圆)?(?:整|人民币|\(人民币\)|（人民币）)?"
).fullmatch

# The lower edges of the bands in yuan: 0, 1, 10, 50, 100, 500, 1000, 5000 times ten thousand, then 1, 10, 100 times
# a hundred million. An amount on an edge is in the band above.
EDGES: Final = tuple(_WAN * edge for edge in (1, 10, 50, 100, 500, 1000, 5000)) + tuple(
    _YI * edge for edge in (1, 10, 100)
)
BANDS: Final = (
    "0–1 万", "1–10 万", "10–50 万", "50–100 万", "100–500 万", "500–1000 万", "1000–5000 万", "5000–10000 万",
    "1–10 亿", "10–100 亿", "100 亿以上",
)  # fmt: skip


def parse_amount(text: str) -> Decimal | None:
    """Return an amount in yuan, or None for what is no amount of yuan."""
    found = _AMOUNT(text) if len(text) <= LONGEST_AMOUNT else None
    if found is None:
        return None
    whole, fraction, unit = found.groups()
    return Decimal(f"{whole.replace(',', '')}.{fraction or 0}") * _UNITS[unit]


def band_of(value: Value, _around: Surroundings) -> object:
    """Return the band of an amount."""
    if not isinstance(value, str):
        return HIDDEN
    is_usual = len(value) <= _MOST_DIGITS and value.isascii() and value.isdigit()
    amount = int(value) if is_usual else parse_amount(value)
    return HIDDEN if amount is None else BANDS[bisect_right(EDGES, amount)]
