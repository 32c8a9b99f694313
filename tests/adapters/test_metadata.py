"""The metadata of GB/T 36903: what is readable is read, what is odd is flagged, what is missing stays empty."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Malformed, MalformedDocumentError
from adapters.licence import AnnotatedCopy, Holder, Licence, LicenceFlag
from adapters.metadata import is_licence_metadata, is_tag, parse_date, parse_end, parse_licence
from adapters.strict import bounds

ELEMENTS = {
    "ZZMC": "中华人民共和国二级建造师注册证书",
    "ZZLXDM": "11100000000013338W001",
    "ZZBH": "鲁237000000001",
    "ZZBS": "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
    "ZZBFJG": "示例省住房和城乡建设厅",
    "ZZBFJGDM": "11220000013544541J",
    "ZZBFRQ": "2024-05-01",
    "CZZT": "张三",
    "CZZTDM": "11010519491231002X",
    "CZZTDMLX": "公民身份号码",
    "CZZTDMLXDM": "111",
    "ZZYXQQSRQ": "2024-05-01",
    "ZZYXQJZRQ": "2027-04-30",
    "KZ_ZCZY": "建筑工程",
}


def _licence(**changes: str | None) -> Licence:
    elements = {**ELEMENTS, **changes}
    return parse_licence({tag: text for tag, text in elements.items() if text is not None})


def test_a_licence_without_oddities_has_no_flags() -> None:
    """Every element finds its field, and all of them are kept as written."""
    licence = _licence()
    assert licence.flags == frozenset()
    assert (licence.name, licence.number) == (ELEMENTS["ZZMC"], ELEMENTS["ZZBH"])
    assert licence.type_code == ELEMENTS["ZZLXDM"]
    assert (licence.issuer, licence.issuer_code) == (ELEMENTS["ZZBFJG"], ELEMENTS["ZZBFJGDM"])
    assert licence.identifier is not None
    assert licence.identifier.serial == "2430599"
    assert licence.issued_on == licence.valid_from == date(2024, 5, 1)
    assert (licence.valid_to, licence.long_term) == (date(2027, 4, 30), False)
    assert licence.holders == (Holder(name="张三", code="11010519491231002X", code_type="111"),)
    assert licence.copy is None
    assert licence.elements == ELEMENTS


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-05-01", date(2024, 5, 1)),
        ("2024-5-1", date(2024, 5, 1)),
        ("2024/05/01", date(2024, 5, 1)),
        ("20240501", date(2024, 5, 1)),
        ("2024年05月01日", date(2024, 5, 1)),
        ("2024年5月1日", date(2024, 5, 1)),
        ("２０２４年５月１日", date(2024, 5, 1)),
        (" 2024-02-29 ", date(2024, 2, 29)),
        ("2024-05-01 23:59:59", date(2024, 5, 1)),
        ("2024-05-01 23:59", date(2024, 5, 1)),
        ("2024-05-01T00:00:00.000", date(2024, 5, 1)),
        ("2024-05-01T00:00:00+08:00", date(2024, 5, 1)),
        ("2024-05-01T15:59:59Z", date(2024, 5, 1)),
        ("2024-05-01T16:00:00Z", date(2024, 5, 2)),
        ("2024-05-01T00:00:00-0800", date(2024, 5, 1)),
        ("2024年5月1日 09:30:00", date(2024, 5, 1)),
        ("20240501093000", date(2024, 5, 1)),
        ("9999-12-31", date(9999, 12, 31)),
        ("9999-12-31 23:59:59", date(9999, 12, 31)),
    ],
)
def test_dates_are_read_in_every_form_that_files_use(text: str, day: date) -> None:
    """A moment with a zone is the day it falls on in China; without one it is the day as written."""
    assert parse_date(text) == day


@pytest.mark.parametrize(
    "text",
    [
        "", "长期", "null", "2024", "2024-05", "2023-02-29", "2024-13-01", "2024-00-10", "20241301", "2024年2月30日",
        "24-05-01", "01/05/2024", "2024-05/01", "2024.05.01", "2024-05-01 24:00:00", "2024-05-01 12:60",
        "2024-05-01T00:00:00+99:00", "2024-05-01T00:00:00+08:99", "2024-05-01T00:00:00+08:60",
        "2024-05-01 morning", "1714521600000", "0000-01-01", "9999-12-31T23:59:59-01:00",
        "٢٠٢٤-٠٥-٠١", "2024-05-01" * 100,
    ],
)  # fmt: skip
def test_other_texts_are_no_dates(text: str) -> None:
    """Days that do not exist, and forms that could mean two days, are not guessed at."""
    assert parse_date(text) is None


@pytest.mark.parametrize("tag", ["ZZBFRQ", "ZZYXQQSRQ", "ZZYXQJZRQ"])
def test_an_unreadable_date_is_flagged(tag: str) -> None:
    """The field stays empty, and nothing turns unreadable into long-term."""
    licence = _licence(**{tag: "2023-02-29"})
    assert licence.flags == {LicenceFlag.DATE_UNREADABLE}
    assert not licence.long_term
    fields = {"ZZBFRQ": licence.issued_on, "ZZYXQQSRQ": licence.valid_from, "ZZYXQJZRQ": licence.valid_to}
    assert fields[tag] is None


@pytest.mark.parametrize("text", ["", " ", "长期", "9999-12-31", "2099-12-31", "99991231", "9999年12月31日 23:59:59"])
@pytest.mark.parametrize("tag", ["ZZYXQJZRQ", "ZZYXQJZSJ"])
def test_long_term_is_a_word_an_empty_text_or_a_far_day(text: str, tag: str) -> None:
    """There is no last day then, and no flag."""
    licence = _licence(ZZYXQJZRQ=None, **{tag: text}) if tag != "ZZYXQJZRQ" else _licence(ZZYXQJZRQ=text)
    assert licence.long_term
    assert licence.valid_to is None
    assert licence.flags == frozenset()


def test_a_missing_end_is_not_long_term() -> None:
    """Who says nothing about the end has not said that there is none."""
    licence = _licence(ZZYXQJZRQ=None)
    assert (licence.valid_to, licence.long_term) == (None, False)


def test_both_endings_of_the_validity_tags_are_read() -> None:
    """Some producers write …SJ where others write …RQ; of two, the one with a text counts."""
    times = {"ZZYXQQSRQ": "", "ZZYXQQSSJ": "2024-05-01 00:00:00", "ZZYXQJZRQ": "", "ZZYXQJZSJ": "2027-04-30 23:59:59"}
    licence = _licence(**times)
    assert (licence.valid_from, licence.valid_to) == (date(2024, 5, 1), date(2027, 4, 30))
    assert not licence.long_term


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ZZYXQQSRQ", "ZZYXQQSSJ"),
        ("ZZYXQJZRQ", "ZZYXQJZSJ"),
        ("ZZBFRQ", "ZZBFSJ"),
        ("JZJZZSJ", "JZJZZRQ"),
        ("JZJYXQJZSJ", "JZJYXQJZRQ"),
    ],
)
@pytest.mark.parametrize("other", ["2020-01-01", "长期", "soon"])
def test_two_tags_for_one_date_that_disagree_are_refused(first: str, second: str, other: str) -> None:
    """Readers would disagree about which one counts; two spellings of one day are one statement."""
    for texts in (("2024-05-01", other), (other, "2024-05-01")):
        with pytest.raises(MalformedDocumentError) as caught:
            _licence(**dict(zip((first, second), texts, strict=True)))
        assert (caught.value.malformed, caught.value.where) == (Malformed.STRUCTURE, first)
    assert _licence(**{first: "2024-05-01", second: "2024年5月1日 08:00:00"}).flags == frozenset()


def test_two_words_for_no_end_agree() -> None:
    """A far day beside the word for long-term says the same."""
    assert _licence(ZZYXQJZRQ="长期", ZZYXQJZSJ="9999-12-31").long_term


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2024-06-30", datetime(2024, 6, 30, 16, tzinfo=UTC)),
        ("2024年6月30日", datetime(2024, 6, 30, 16, tzinfo=UTC)),
        ("2024-06-30 10:00:00", datetime(2024, 6, 30, 2, tzinfo=UTC)),
        ("20240630100000", datetime(2024, 6, 30, 2, tzinfo=UTC)),
        ("2024-06-30T10:00:00Z", datetime(2024, 6, 30, 10, tzinfo=UTC)),
        ("9999-12-31", datetime.max.replace(tzinfo=UTC)),
        ("soon", None),
    ],
)
def test_an_end_is_a_moment_or_the_end_of_a_day_in_china(text: str, end: datetime | None) -> None:
    """A day counts whole; who states a time of day means that moment."""
    assert parse_end(text) == end


def test_only_white_space_of_xml_is_cut_off() -> None:
    """An ideographic space is a text, and no way to write nothing."""
    assert _licence(ZZMC="\u3000x").name == "\u3000x"
    assert not _licence(ZZYXQJZRQ="\u3000").long_term


@pytest.mark.parametrize("separator", ["、", ",", "，", ";", "；"])
def test_several_holders_are_paired_by_position(separator: str) -> None:
    """Name, code and type belong together; one type counts for all."""
    texts = {"CZZT": f"张三{separator}李四", "CZZTDM": f"1{separator} 2{separator}"}
    for types in ("111", f"111{separator}111"):
        licence = _licence(**texts, CZZTDMLXDM=types)
        assert licence.holders == tuple(
            Holder(name=name, code=code, code_type="111") for name, code in (("张三", "1"), ("李四", "2"))
        )
        assert licence.flags == frozenset()


def test_the_type_in_words_is_used_when_there_is_no_code() -> None:
    """CZZTDMLXDM is a code, CZZTDMLX says the same in words."""
    assert _licence(CZZTDMLXDM=None).holders[0].code_type == "公民身份号码"


def test_holders_without_codes_are_no_mismatch() -> None:
    """What is missing altogether leaves empty places."""
    licence = _licence(CZZT="张三、李四", CZZTDM=None, CZZTDMLX=None, CZZTDMLXDM=None)
    assert [holder.name for holder in licence.holders] == ["张三", "李四"]
    assert licence.flags == frozenset()
    assert _licence(CZZT=None, CZZTDM=None, CZZTDMLX=None, CZZTDMLXDM=None).holders == ()


@pytest.mark.parametrize(
    ("names", "codes", "types"),
    [("张三、李四", "1", "111"), ("张三", "1、2", "111"), ("张三、李四", "1、2", "111、111、111"), ("、", "、", "111")],
)
def test_holders_that_do_not_pair_stay_whole_under_a_flag(names: str, codes: str, types: str) -> None:
    """Nothing is guessed: a comma in one company's name looks just like a second holder."""
    licence = _licence(CZZT=names, CZZTDM=codes, CZZTDMLXDM=types)
    assert licence.holders == (Holder(name=names, code=codes, code_type=types),)
    assert licence.flags == {LicenceFlag.HOLDERS_DO_NOT_PAIR}


def test_an_annotated_copy_has_an_end_of_its_own() -> None:
    """Its elements are read beside those of the licence."""
    copy = {
        "JZJZZSJ": "2024-06-01 10:00:00",
        "JZJZZZ": "示例政务服务中心",
        "JZJZZSY": "投标",
        "JZJYXQJZSJ": "2024-06-30 23:59:59",
    }
    assert _licence(**copy).copy == AnnotatedCopy(
        made_at="2024-06-01 10:00:00",
        made_by="示例政务服务中心",
        reason="投标",
        valid_until=datetime(2024, 6, 30, 15, 59, 59, tzinfo=UTC),
    )
    broken = _licence(**{**copy, "JZJYXQJZSJ": "soon"})
    assert broken.copy is not None
    assert broken.copy.valid_until is None
    assert broken.flags == {LicenceFlag.DATE_UNREADABLE}
    assert _licence(JZJZZZ="", JZJZZSY=" ").copy is None


@pytest.mark.parametrize(
    ("identifier", "flags"),
    [
        ("20230000403A1B2C", {LicenceFlag.IDENTIFIER_NON_STANDARD, LicenceFlag.IDENTIFIER_CHECK_CHARACTER}),
        (ELEMENTS["ZZBS"].replace(".F", ".G"), {LicenceFlag.IDENTIFIER_CHECK_CHARACTER}),
        (
            "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
            {LicenceFlag.IDENTIFIER_NON_STANDARD},
        ),
        ("", set()),
    ],
)
def test_an_odd_identifier_is_flagged_and_kept(identifier: str, flags: set[LicenceFlag]) -> None:
    """Form and check character are flagged separately; no identifier is no flag."""
    licence = _licence(ZZBS=identifier)
    assert licence.flags == flags
    assert (licence.identifier.text if licence.identifier else "") == identifier


@pytest.mark.parametrize(
    "elements",
    [
        {str(index): "" for index in range(bounds.MAX_LICENCE_ELEMENTS + 1)},
        {"ZZMC": "x" * (bounds.MAX_LICENCE_TEXT + 1)},
        {"KZ_" + "x" * bounds.MAX_LICENCE_NAME: ""},
        {"ZZBS": "1" * (bounds.MAX_IDENTIFIER + 1)},
        {"CZZT": "、".join("张" * (bounds.MAX_HOLDERS + 1))},
    ],
    ids=["elements", "text", "name", "identifier", "holders"],
)
def test_every_length_has_a_bound(elements: dict[str, str]) -> None:
    """Too much of anything is refused, without a value in the error."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_licence(elements)
    assert caught.value.malformed is Malformed.TOO_LARGE
    assert len(caught.value.where) < 50


@pytest.mark.parametrize(
    ("elements", "licence"),
    [
        ({"ZZMC": "营业执照"}, True),
        ({"CZZT": "张三"}, True),
        ({"KZ_ZCZY": "建筑工程"}, False),
        ({"native-producer": "x", "producer-version": "1"}, False),
        ({"ZZYXQJZRQ": "2024-05-01"}, True),
        ({"JZJYXQJZSJ": "2024-05-01"}, True),
        ({}, False),
    ],
)
def test_marks_of_a_producer_are_no_licence(elements: dict[str, str], *, licence: bool) -> None:
    """Something must be a tag of the standard: also an end of validity alone is one that counts."""
    assert is_licence_metadata(elements) is licence


def test_tags_and_extension_fields_are_told_from_other_names() -> None:
    """Only these are taken from a file."""
    assert all(map(is_tag, ELEMENTS))
    assert not any(map(is_tag, ["native-producer", "zzmc", "ZZ", "发票代码", ""]))


@given(st.dictionaries(st.one_of(st.sampled_from(sorted(ELEMENTS)), st.text(max_size=10)), st.text(max_size=60)))
def test_any_texts_make_a_licence_or_our_error(elements: dict[str, str]) -> None:
    """Garbage is flagged or kept; a readable end and long-term never come together."""
    licence = parse_licence(elements)
    assert licence.elements == elements
    assert not (licence.long_term and licence.valid_to)
