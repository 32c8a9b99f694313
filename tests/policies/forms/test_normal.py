"""The normal spelling: what it makes equal, what it refuses, and that it stays what it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.forms import normal
from policies.forms.normal import LONGEST_TEXT, Unfit, UnfitTextError, is_nothing, normalise


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("张　三", "张三"),
        (" 张 三\t", "张三"),
        ("１３８ １２３４ ５６７８", "13812345678"),
        ("John  Smith", "John Smith"),
        ("安徽（合肥）公司", "安徽(合肥)公司"),
        ("皖政〔2024〕12号", "皖政(2024)12号"),
        ("皖政【2024】12号", "皖政(2024)12号"),
        *((f"买买提{dot}阿不都", "买买提·阿不都") for dot in "\u00b7\u2022\u30fb\uff0e\u2027\u25cf.\uff65"),
        ("3.14", "3.14"),
        ("a.b@example.com", "a.b@example.com"),
        ("34010419880612123x", "34010419880612123X"),
        ("34010419880612123ｘ", "34010419880612123X"),
        ("max", "max"),
        ("张\u200b三\u200f", "张三"),
        ("\u202e张三\u202c", "张三"),
        ("\ufeff张三", "张三"),
        ("葛\U000e0100某", "葛某"),
        ("\uf900", "豈"),
    ],
)
def test_spellings_of_one_text_become_one(text: str, normal: str) -> None:
    """Widths, brackets, dots, white space, invisible marks and the last x of a number make no difference."""
    assert normalise(text) == normal


@pytest.mark.parametrize(
    "text",
    ["", " ", "　", "null", "NULL", "Null", "ｎｕｌｌ", "无", " 无 ", "-", "－", "\u200b", "--", "不详", "暂无",
     "未填写", "n/a", "N / A", "*", "******", "-----", "……", "／", "没有"],
)  # fmt: skip
def test_a_text_that_says_nothing_is_nothing(text: str) -> None:
    """Empty, "null", "无", "不详", strokes and stars are no value, in any width."""
    assert normalise(text) is None
    assert is_nothing(text)


@pytest.mark.parametrize("text", ["0", "无锡", "nullable", "张三", "不详细", "空军", "5*", "-1", "A-----", "未来"])
def test_a_text_that_only_begins_like_nothing_is_something(text: str) -> None:
    """Only the whole text says nothing."""
    assert not is_nothing(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("张\u0378三", Unfit.UNASSIGNED),
        ("张\ud800", Unfit.UNASSIGNED),
        ("张\x00三", Unfit.CONTROL),
        ("张\x1b三", Unfit.CONTROL),
        ("张" * (LONGEST_TEXT + 1), Unfit.TOO_LONG),
        ("\ufdfa" * (LONGEST_TEXT // 2), Unfit.TOO_LONG),
    ],
)
def test_what_no_field_holds_is_refused(text: str, kind: Unfit) -> None:
    """Unassigned code points, half pairs, control characters and endless texts have no normal spelling."""
    with pytest.raises(UnfitTextError) as refused:
        normalise(text)
    assert refused.value.kind is kind
    assert not is_nothing(text)


@given(st.text(alphabet=st.characters()) | st.text(alphabet=" .·．・-xX0９张\u200b\u0301（〔ﾞカ"))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    """The normal spelling of a normal spelling is itself, and garbage raises only our error."""
    try:
        once = normalise(text)
    except UnfitTextError:
        return
    if once is not None:
        assert normalise(once) == once
        assert unicodedata.is_normalized("NFKC", once)


@given(st.text(alphabet="0123456789xXaZnul-[] ", max_size=12))
def test_the_usual_spelling_is_the_normal_one(text: str) -> None:
    """A text that is returned at a glance is what normalising would have made of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normal, "_IS_USUAL", lambda _: None)
        careful = normalise(text)
    assert normalise(text) == careful


@given(st.text(alphabet="不详暂无未填写空null/aA*-. \t\u3000０1x龥\x00", max_size=7))
def test_what_is_seen_at_a_glance_is_what_normalising_says(text: str) -> None:
    """A text says nothing exactly when it has no normal spelling."""
    try:
        nothing = normalise(text) is None
    except UnfitTextError:
        nothing = False
    assert is_nothing(text) is nothing


_USUAL = st.lists(
    st.sampled_from([*"无空暂缺未知粤号第年（）()〔〕.-0129xXbn", " ", "null", "n/a", "〇", "豈", "\u9fef", "\u9ff0"]),
    max_size=16,
).map("".join)


@given(text=_USUAL)
def test_a_usual_text_has_the_spelling_of_every_other(text: str) -> None:
    """What is recognised as usual at a glance is spelt as the long way spells it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normal, "_IS_USUAL", lambda _: None)
        patch.setattr(normal, "_IS_USUAL_HAN", lambda _: None)
        expected = normalise(text)
    assert normalise(text) == expected
