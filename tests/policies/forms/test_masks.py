"""Masks and coarser values: good cases of every scheme, and everything else hidden."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.form import FormKind
from policies.forms.citizen import MASKS
from policies.forms.registry import SCHEMES
from policies.forms.scheme import HIDDEN, Gives
from tests.policies.forms.support import applied, citizen_number, credit_code

NUMBER = citizen_number()
OLD_NUMBER = NUMBER[:6] + NUMBER[8:17]
SOLE_TRADER = credit_code("92340104MA2XXXXXX")
CARD = "6200000000000005"

GOOD = [
    ("mask:name", "张三", "张*"),
    ("mask:name", "张三丰", "张**"),
    ("mask:name", "张三丰年", "张**"),
    ("mask:name", "欧阳明", "欧阳*"),
    ("mask:name", "欧阳小明", "欧阳**"),
    ("mask:name", "欧阳", "欧*"),
    ("mask:name", "𠮷田某", "𠮷**"),
    *(("mask:name", f"买买提{dot}阿不都", "买**·") for dot in "\u00b7\u2022\u30fb\uff0e\u2027\u25cf."),
    ("mask:name", "JOHN SMITH", "J**"),
    ("mask:name", "John·Smith", "J**·"),
    ("mask:name", "O'Neil, Zoë", "O**"),
    ("mask:name-rare", "王小明", "王**"),
    ("mask:name-rare", "亓小明", "**"),
    ("mask:name-rare", "欧阳小明", "**"),
    ("mask:name-rare", "买买提·阿不都", "**"),
    ("mask:id-1-1", NUMBER, "3" + "*" * 16 + NUMBER[-1]),
    ("mask:id-1-1", OLD_NUMBER, "3" + "*" * 16 + NUMBER[-1]),
    ("mask:id-1-2", NUMBER, "3" + "*" * 15 + NUMBER[-2:]),
    ("mask:id-0-4", NUMBER, "*" * 14 + NUMBER[-4:]),
    ("mask:id-3-4", NUMBER, "340" + "*" * 11 + NUMBER[-4:]),
    ("mask:id-6-0", NUMBER, "340104" + "*" * 12),
    ("mask:id-6-4", NUMBER, "340104" + "*" * 8 + NUMBER[-4:]),
    ("mask:id-14-0", NUMBER, "34010419880612****"),
    ("mask:id-14-0", OLD_NUMBER, "34010419880612****"),
    ("mask:passport-1-1", "E12345673", "E*******3"),
    ("mask:passport-1-1", "EA1234567", "E*******7"),
    ("mask:passport-1-1", "H0123456789", "H*******9"),
    ("mask:passport-1-1", "CHN123456789012", "C*******2"),
    ("mask:card-0-4", CARD, "****0005"),
    ("mask:phone-3-4", "13812341234", "138****1234"),
    ("mask:phone-3-4", "0551-62345667", "0551-******67"),
    ("mask:phone-3-4", "05516234567", "0551-******67"),
    ("mask:phone-0-4", "13812341234", "*******1234"),
    ("mask:landline", "010-62345678", "010-******78"),
    ("mask:addr-district", "合肥市蜀山区长江西路1号", "合肥市蜀山区***"),
    ("mask:plate-2-1", "皖A12347", "皖A****7"),
    ("mask:plate-2-1", "皖AD12347", "皖A****7"),
    ("mask:plate-2-1", "皖A1234学", "皖A****学"),
    ("mask:email", "zhang@example.com", "z***@example.com"),
    ("mask:email", "zh@example.com", "***@example.com"),
    ("mask:credit-code", "91350100M000100Y43", "91350100M000100Y43"),
    ("mask:credit-code", SOLE_TRADER, "92" + "*" * 15 + SOLE_TRADER[-1]),
    ("mask:date-year", date(2024, 3, 5), "2024-**-**"),
    ("mask:date-year", "20240305", "2024-**-**"),
    ("general:year", date(2024, 3, 5), "2024"),
    ("general:year", "2024年3月5日", "2024"),
    ("general:year", "长期", "长期"),
    ("general:year", datetime(2024, 3, 5, 6, 7, tzinfo=UTC), "2024"),
    ("general:year-month", "2024/3/5", "2024-03"),
    ("general:year-month", date(2024, 3, 5), "2024-03"),
    ("general:age-band", date(1990, 11, 22), "30–39"),
    ("general:age-band", date(1986, 11, 23), "30–39"),
    ("general:age-band", date(1986, 11, 22), "40–49"),
    ("general:age-band", "1930-01-01", "90+"),
    ("general:age-band", date(2026, 11, 22), "0–9"),
    ("general:band", "120万元", "100–500 万"),
    ("general:band", "1.2亿元", "1–10 亿"),
    ("general:band", "人民币1,200,000.00元整", "100–500 万"),
    ("general:band", "¥9999.99", "0–1 万"),
    ("general:band", "10000", "1–10 万"),
    ("general:band", "200亿", "100 亿以上"),
    ("general:district", "安徽省合肥市蜀山区长江西路1号", "安徽省合肥市蜀山区"),
    ("general:district", "340104", "340104"),
    ("general:district", "340104001002", "340104"),
    ("general:city", "安徽省合肥市蜀山区长江西路1号", "安徽省合肥市"),
    ("general:city", "340104", "340100"),
]

BAD = [
    ("mask:name", ["", "张", "张三1", "张\u200b三", "\u202e张三", "张三\n", "王\ue000", "\u2f00二",
                   "ab\u0435", "张" * 21, "J", "a" * 61, "不详", "未填写", "已注销", "n/a", "**"]),
    ("mask:name-rare", ["", "王", "王1", "王\u200b明", "不详", "已注销"]),
    ("mask:id-1-1", ["", NUMBER[:-1], NUMBER + "0", NUMBER.replace("3", "３"), NUMBER[:17] + "?", "0" + NUMBER[1:],
                     citizen_number(born="19880230"), citizen_number(born="19870229"), citizen_number(born="15880101"),
                     "34010488023012a", OLD_NUMBER[:8] + "0230" + "123", NUMBER[:16] + "_" + NUMBER[17:], "٣" * 18]),
    ("mask:id-0-4", [NUMBER[:17] + ("1" if NUMBER[17] != "1" else "2"), " " + NUMBER]),
    ("mask:passport-1-1", ["", "E1234", "e12345678", "EABCDEFGH", "E1234567８", "E" + "1" * 18, "E 1234567", NUMBER,
                            OLD_NUMBER]),
    ("mask:card-0-4", ["", CARD[:-1] + "6", CARD[:14], "0" * 20, "６" + CARD[1:], CARD + " "]),
    ("mask:phone-3-4", ["", "1381234123", "138123412345", "12812341234", "1381234123４", "+8613812341234",
                        "0551-1234567",
                        "0551-62345667-8", "062345678"]),
    ("mask:phone-0-4", ["0551-62345667", "1381234123"]),
    ("mask:landline", ["13812341234", "010-623456789"]),
    ("mask:plate-2-1", ["", "皖A1234", "皖A1234567", "皖I12345", "A12345", "皖A123O5", "皖A·12345", "皖a12345"]),
    ("mask:email", ["", "zhang", "zhang@", "@example.com", "zhang@example", "zhang@ex ample.com",
                    "zh\u0430ng@example.com",
                    "a" * 65 + "@example.com", "zhang@" + "a" * 250 + ".com"]),
    ("mask:credit-code", ["", NUMBER, NUMBER + "L1", "91350100M000100Y44", "91350100m000100y43", "9135O100M000100Y43"]),
    ("general:year", ["", "2024", "2024-13-01", "2024-02-30", "20２4-01-01", "1024-01-01",
                      "长期有效吗", date(1, 1, 1)]),
    ("general:age-band", [date(2027, 1, 1), date(1850, 1, 1), "", "长期"]),
    ("general:band", ["", "万", "100万美元", "壹佰万元", "1,2,3", "-5", "1e9", "1" * 50, "约100万元"]),
    ("general:district", ["34010", "3401040", "蜀山", "040104"]),
]  # fmt: skip

UNDERSTOOD = [value for _, value, _ in GOOD]
SHOWING = [form for form, scheme in SCHEMES.items() if scheme.gives is Gives.TEXT]


@pytest.mark.parametrize(("form", "value", "shown"), GOOD)
def test_a_value_of_its_type_is_shown_in_part(form: str, value: str | date, shown: str) -> None:
    """Each scheme shows exactly the part that its name says."""
    assert applied(form, value) == shown


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in BAD for value in values])
def test_anything_else_is_hidden(form: str, value: str | date) -> None:
    """What is not what its type promises becomes the fixed token, never itself."""
    assert applied(form, value) == HIDDEN


@pytest.mark.parametrize(
    ("form", "long", "short"),
    [
        *((f"mask:{mask}", NUMBER, OLD_NUMBER) for mask in MASKS),
        ("mask:passport-1-1", "E12345673", "E0123456783"),
        ("mask:landline", "0551-62345667", "0551-6234567"),
        ("mask:phone-3-4", "0551-62345667", "0551-6234567"),
        ("mask:plate-2-1", "皖AD12347", "皖A12347"),
    ],
)
def test_stars_do_not_tell_the_length(form: str, long: str, short: str) -> None:
    """Of two values that differ in the hidden characters and in length, the masks are the same."""
    assert applied(form, long) == applied(form, short) != HIDDEN


def test_every_scheme_that_shows_something_has_a_good_case() -> None:
    """No mask is without a case here."""
    assert set(SHOWING) == {form for form, _, _ in GOOD}


def _is_little(form: str, shown: object) -> bool:
    """Say whether an answer is the token, or shows no more characters than the scheme declares."""
    scheme = SCHEMES[form]
    if shown == HIDDEN:
        return True
    limit = scheme.reveals
    assert isinstance(shown, str)
    if limit is None:
        return scheme.counts_as_plain
    if form in {"general:band", "general:age-band"}:
        return True  # bands are words of their own
    if form == "mask:landline" or form.startswith("mask:phone"):
        shown = shown.replace("-", "")
    if scheme.form.kind is FormKind.MASK or form == "general:year-month":
        shown = shown.replace("***", "").replace("*", "").replace("-", "").replace("·", "")
    return len(shown) <= limit


@given(st.text() | st.text(alphabet="0123456789X") | st.sampled_from([str(value) for value in UNDERSTOOD]), st.data())
def test_no_mask_shows_more_than_it_says(text: str, data: st.DataObject) -> None:
    """Whatever the text, a scheme shows no more characters than it declares, and never fails."""
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.text(max_size=2)) + text[at:]
    for form in SHOWING:
        assert _is_little(form, applied(form, text))


@given(st.text())
def test_an_unusual_text_is_hidden_by_every_scheme(text: str) -> None:
    """A text with a control character, a mark of direction or an unassigned code point is never shown in part."""
    for form in SHOWING:
        for odd in ("\x00", "\u202e", "\u200f", "\u0378", "\u200b"):
            assert applied(form, f"{text}{odd}") == HIDDEN


@given(st.dates())
def test_no_scheme_fails_for_a_date(day: date) -> None:
    """A mask for texts hides a date; a date is shown by year, month or band."""
    for form in SHOWING:
        shown = applied(form, day)
        assert isinstance(shown, str)
        assert day.isoformat() not in shown
