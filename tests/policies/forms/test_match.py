"""Comparing: one bit for everything together, equal for equal things, no for anything unclear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.catalogue import ValueType
from policies.forms import match
from policies.forms.match import MOST_HOLDERS, comparison_key, matches
from tests.policies.forms.support import citizen_number

NUMBER = citizen_number()
OTHER = citizen_number(sequence="124")
TYPES = {
    "holder_name": ValueType.NAME,
    "holder_id": ValueType.CITIZEN_ID,
    "phone": ValueType.PHONE,
    "valid_to": ValueType.DATE,
    "licence_no": ValueType.CODE,
}
ONE = {
    "holder_name": ("张三",), "holder_id": (NUMBER,), "phone": ("13812341234",), "valid_to": ("2030-01-02",),
    "licence_no": ("皖1",),
}  # fmt: skip
TWO = {"holder_name": ("张三", "李四"), "holder_id": (NUMBER, OTHER), "licence_no": ("皖1",)}


@pytest.mark.parametrize(
    ("value_type", "one", "other"),
    [
        (ValueType.CITIZEN_ID, NUMBER, NUMBER[:6] + NUMBER[8:17]),
        (ValueType.HOLDER_CODE, NUMBER, NUMBER[:6] + NUMBER[8:17]),
        (ValueType.CITIZEN_ID, citizen_number(sequence="125"), citizen_number(sequence="125").lower()),
        (ValueType.PASSPORT, "E12345678", "ｅ12345678"),
        (ValueType.PLATE, "皖A12345", "皖A·12345"),
        (ValueType.NAME, "买买提·阿不都", "买买提.阿不都"),
        (ValueType.NAME, "John Smith", "JOHN  SMITH"),
        (ValueType.PHONE, "13812341234", "+86 138-1234-1234"),
        (ValueType.PHONE, "0551-62345667", "(0551)62345667"),
        (ValueType.PHONE, "0551-62345678", "+86-551-62345678"),
        (ValueType.PHONE, "0551-62345678", "+86 0551 62345678"),
        (ValueType.PHONE, "0551-62345678", "86-551-62345678"),
        (ValueType.PHONE, "010-62345678", "0086 10 62345678"),
        (ValueType.PHONE, "13812341234", "8613812341234"),
        (ValueType.DATE, "2024-03-05", "2024年3月5日"),
        (ValueType.DATE, "2024-03-05", "2024-03-05 00:00:00"),
        (ValueType.DATE, "2024-03-05", " 2024-03-05 06:07 "),
        (ValueType.DATE, "2024-03-05", "２０２４-０３-０５"),
        (ValueType.BANK_CARD, "6200000000000005", "6200 0000-0000 0005"),
        (ValueType.AMOUNT, "120万元", "1,200,000.00"),
        (ValueType.EMAIL, "Zhang@Example.com", "zhang@example.com"),
        (ValueType.TERM, "男", " 男 "),
    ],
)
def test_spellings_of_one_value_are_equal(value_type: ValueType, one: str, other: str) -> None:
    """Each type compares what its values mean."""
    assert comparison_key(one, value_type) == comparison_key(other, value_type) is not None


@pytest.mark.parametrize(
    ("asked", "known", "answer"),
    [
        ({"holder_name": "张三", "holder_id": NUMBER}, ONE, True),
        ({"holder_name": "张 三", "holder_id": NUMBER[:6] + NUMBER[8:17]}, ONE, True),
        ({"holder_name": "张三", "holder_id": OTHER}, ONE, False),
        ({"holder_name": "张四", "holder_id": NUMBER}, ONE, False),
        ({"holder_name": "李四", "holder_id": OTHER}, TWO, True),
        ({"holder_name": "李四", "holder_id": OTHER, "licence_no": "皖1"}, TWO, True),
        ({"holder_name": "张三", "holder_id": OTHER}, TWO, False),
        ({"holder_name": "张三"}, {"holder_name": ("张三",), "holder_id": (NUMBER, OTHER)}, True),
        ({"holder_name": "张三", "holder_id": NUMBER}, {"holder_name": ("张三",), "holder_id": (NUMBER, OTHER)}, False),
        ({}, ONE, False),
        ({"holder_name": "张三"}, {}, False),
        ({"holder_name": "张三"}, {"holder_name": ()}, False),
        ({"holder_name": "无"}, {"holder_name": ("无",)}, False),
        ({"holder_name": ""}, {"holder_name": ("",)}, False),
        ({"holder_name": "张\u0378"}, {"holder_name": ("张\u0378",)}, False),
        ({"unknown": "张三"}, {"unknown": ("张三",)}, False),
        ({"holder_name": "张三", "unknown": "x"}, ONE, False),
        ({"holder_name": "张三"}, {"holder_name": ("张三",) * (MOST_HOLDERS + 1)}, False),
    ],
)
def test_one_and_the_same_holder_matches_everything(
    asked: dict[str, str],
    known: dict[str, tuple[str, ...]],
    answer: bool,  # noqa: FBT001 -- a table
) -> None:
    """Everything asked is true of one holder, or the answer is no."""
    assert matches(asked, known, TYPES) is answer


@given(st.dictionaries(st.sampled_from([*TYPES, "unknown"]), st.text()), st.sampled_from([ONE, TWO, {}]))
def test_a_wrong_element_more_never_makes_a_match(asked: dict[str, str], known: dict[str, tuple[str, ...]]) -> None:
    """Asking more can only turn a yes into a no, and no text is too odd to ask."""
    if matches(asked, known, TYPES):
        for field in asked:
            fewer = {name: text for name, text in asked.items() if name != field}
            assert matches(fewer, known, TYPES) or not fewer
    assert not matches({**asked, "holder_name": "别人"}, known, TYPES)


def test_every_element_is_compared_after_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of comparisons is that of fields and holders, whether the first misses or the licence is none."""
    calls: list[bool] = []

    def compare(one: bytes, other: bytes) -> bool:
        calls.append(True)
        return one == other

    monkeypatch.setattr("policies.forms.match.hmac.compare_digest", compare)
    counts = []
    for name, known in (("张三", ONE), ("别人", ONE), ("张三", {})):
        calls.clear()
        matches({"holder_name": name, "holder_id": NUMBER}, known, TYPES)
        counts.append(len(calls))
    assert counts == [2, 2, 2]


def test_a_licence_that_does_not_exist_is_read_like_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many values are brought into their canonical text for nobody as for a licence of one holder."""
    read: list[ValueType] = []
    canonical_text = match.canonical_text

    def count(text: str, value_type: ValueType) -> str | None:
        read.append(value_type)
        return canonical_text(text, value_type)

    monkeypatch.setattr("policies.forms.match.canonical_text", count)
    asked = {"holder_name": "张三", "holder_id": NUMBER, "valid_to": "2030-01-02"}
    counts = []
    for known in (ONE, {}, {"holder_name": ("张三",)}, {"holder_name": ()}):
        read.clear()
        matches(asked, known, TYPES)
        counts.append(sorted(read))
    assert counts[0] == counts[1] == counts[2] == counts[3]
    assert len(counts[0]) == 2 * len(asked)


@pytest.mark.parametrize("value_type", ValueType)
def test_nobody_is_never_matched(value_type: ValueType) -> None:
    """The invented values that are read in place of a licence's equal nothing that is asked."""
    stand_in = match._STAND_INS.get(value_type, match._STAND_IN)
    assert comparison_key(stand_in, value_type) is not None
    for known in ({}, {"x": ()}):
        assert matches({"x": stand_in}, known, {"x": value_type}) is False


def test_numbers_that_only_look_alike() -> None:
    """A number without area code is not completed, and another number stays another."""
    assert comparison_key("62345678", ValueType.PHONE) != comparison_key("0551-62345678", ValueType.PHONE)
    assert comparison_key("86234567", ValueType.PHONE) != comparison_key("0234567", ValueType.PHONE)
    assert comparison_key("2024-03-05", ValueType.CODE) != comparison_key("20240305", ValueType.CODE)
