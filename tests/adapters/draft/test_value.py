"""What values look like: forms of dates, words for no end, codes, files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.draft.value import Kind, find_traits
from adapters.mapping.codecs.registry import parse_codec


@pytest.mark.parametrize(
    ("values", "forms"),
    [
        (["2020-01-01", "2021-12-31"], ("yyyy-MM-dd",)),
        (["20200101"], ("yyyyMMdd",)),
        (["2020年01月01日"], ("yyyy年MM月dd日",)),
        (["2020年1月1日"], ("yyyy年M月d日",)),
        (["2020/01/01"], ("yyyy/MM/dd",)),
        (["2020.01.01"], ("yyyy.MM.dd",)),
        (["2020-01-01 10:20:30"], ("yyyy-MM-dd HH:mm:ss",)),
        (["20200101102030"], ("yyyyMMddHHmmss",)),
        (["1577808000000"], ("epoch-ms",)),
        ([1577808000], ("epoch-s",)),
        (["2020-01-01", "2020-01-01 10:20:30"], ("yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss")),
        (["2020-01-01", "长期", "", "null"], ("yyyy-MM-dd",)),
        (["2020-02-29", "2024-02-29"], ("yyyy-MM-dd",)),
        (["2020-01-01T10:20:30Z"], ("yyyy-MM-ddTHH:mm:ssZ",)),
        (["2020-01-01T10:20:30.000+08:00"], ("yyyy-MM-ddTHH:mm:ss.SSS+08:00",)),
    ],
)
def test_forms_of_dates_are_found(values: list[object], forms: tuple[str, ...]) -> None:
    """Every form of the domain, alone and mixed, beside words that are no dates; each is one that codecs have."""
    traits = find_traits(values)
    assert (traits.kind, traits.date_forms) == (Kind.DATE, forms)
    parse_codec(f"date:{'|'.join(forms)}", {})


@pytest.mark.parametrize(
    "values", [["2021-02-29"], ["20201301"], ["0101-01-01"], ["12345678"], ["2020-01-01", "京1号"], []]
)
def test_what_is_no_date_has_no_form(values: list[object]) -> None:
    """One value that is none is enough: no form is proposed that could not read them all."""
    assert find_traits(values).date_forms == ()


def test_words_for_no_end_and_for_nothing_are_kept_apart() -> None:
    """The most frequent spelling stands first, because the first one is written."""
    traits = find_traits(["长期", "99991231", "99991231", "20200101", "null", "-", " 20200102 "])
    assert traits.long_terms == ("99991231", "长期")
    assert (traits.nulls, traits.empties, traits.padded) == (True, ("-",), True)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["11010519491231002X", "440524188001010014"], Kind.CITIZEN_ID),
        (["91350100M000100Y43"], Kind.CREDIT_CODE),
        (["91350100M000100Y43", "11010519491231002X"], Kind.HOLDER_CODE),
        (["1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F"], Kind.IDENTIFIER),
        (["11100000000013338W001"], Kind.TYPE_CODE),
        (["M000100Y-4"], Kind.ORGANISATION_CODE),
        (["440100", "440305"], Kind.AREA_CODE),
        (["https://licence.example/1"], Kind.LINK),
        (["QUJD" * 200], Kind.FILE),
        (["01", "02", "01"], Kind.CODE),
        (["ISSUED"], Kind.CODE),
        (["张三"], None),
        (["13800138000"], None),
        ([""], None),
    ],
)
def test_kinds_of_values_are_found(values: list[object], kind: Kind | None) -> None:
    """Codes tell what they are by their check characters; a name and a telephone number are texts like any other."""
    assert find_traits(values).kind is kind


def test_a_number_of_many_digits_is_no_code() -> None:
    """What may be a person's number is never listed among the codes of a place."""
    assert find_traits(["13800138000", "1"]).codes == ()
    assert find_traits(["2", "1", "1"]).codes == ("1", "2")


@pytest.mark.parametrize(
    ("values", "system"),
    [(["10", "70"], "guangdong"), (["SF"], "fujian"), (["111", "001"], "gb"), (["77"], ""), ([], "")],
)
def test_the_system_of_holder_types_is_found(values: list[object], system: str) -> None:
    """Codes that one system has, all of them."""
    assert find_traits(values).holder_system == system


def test_a_separator_stands_between_values() -> None:
    """A comma at the end separates nothing."""
    assert find_traits(["张三、李四", "王五"]).separator == "、"
    assert find_traits(["张三、"]).separator == ""


@given(st.lists(st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.booleans()), max_size=10))
def test_any_values_have_traits(values: list[object]) -> None:
    """Nothing that a message may hold is an error here."""
    traits = find_traits(values)
    assert (traits.kind is Kind.DATE) == bool(traits.date_forms)


@pytest.mark.parametrize(
    ("text", "wide"), [("（甲）：乙；丙", False), ("甲１", True), ("甲Ａ", True), ("甲ｚ", True), ("甲1", False)]
)
def test_signs_are_not_wide(text: str, *, wide: bool) -> None:
    """Full-width digits and letters are another spelling; full-width signs are how Chinese is written."""
    assert find_traits([text]).wide is wide
