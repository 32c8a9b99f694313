"""Masked numbers of holders: whose they may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sources.masks import is_masked, may_be

CITIZEN = "11010519491231002X"
OLD = "110105491231002"
TEXTS = st.text(alphabet="0123456789X", max_size=18)


@pytest.mark.parametrize(
    ("stated", "is_possible"),
    [
        ((), True),
        (("*",), True),
        ((f"{CITIZEN[:4]}**********{CITIZEN[14:]}",), True),
        (("1101*002X",), True),  # systems do not keep to the number of characters
        (("1101××1949●●002X",), True),
        (("1101**1950**002X",), False),
        (("1102**********002X",), False),
        (("1101**********0021",), False),
        ((OLD[:6] + "******" + OLD[-3:],), True),
        (("9999*", "1101*"), True),
        ((CITIZEN,), True),
        (("110105194912310021",), False),
        ((f"{CITIZEN}*{CITIZEN}",), False),
    ],
)
def test_who_may_be_meant(stated: tuple[str, ...], *, is_possible: bool) -> None:
    """A mask fits whoever has the same characters around it; one of several numbers is enough."""
    assert may_be(CITIZEN, stated) is is_possible


@given(TEXTS, st.lists(st.tuples(st.integers(0, 18), st.integers(1, 5), st.sampled_from("*＊×●")), max_size=4))
def test_whatever_is_masked_it_fits(holder: str, masks: list[tuple[int, int, str]]) -> None:
    """However a number is masked, its holder fits."""
    code = holder
    for begin, length, mask in masks:
        code = code[:begin] + mask * length + code[begin + length :]
    assert may_be(holder, (code,))
    assert is_masked(code) is bool(masks)
