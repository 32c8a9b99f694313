"""The laws of every codec: what it writes it reads, and what it reads it writes again, up to what it says it loses."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.mapping.codecs.chain import compose
from adapters.mapping.codecs.codec import Codec, LongTerm, MalformedCodecError, Sort
from adapters.mapping.codecs.registry import CODECS, parse_codec
from adapters.mapping.codecs.tables import CodeTable
from tests.support.adapters import TREES, values_of

TABLES = {
    "plain": CodeTable(meanings={"1": "a", "2": "b"}, spellings={"a": "1", "b": "2"}),
    "merged": CodeTable(meanings={"1": "a", "2": "a"}, spellings={"a": "2"}),
    "open": CodeTable(meanings={"1": "a"}, spellings={"a": "1"}, keeps_unknown=True),
}
EXAMPLES = [
    "text",
    "trim",
    "upper",
    "width:half",
    "width:full",
    "prefix:KZ_",
    "suffix:号",
    "null-string",
    "null:-",
    "null:-|无",
    "long-term:长期",
    "long-term:长期|9999-12-31",
    "long-term:",
    "date:yyyy-MM-dd",
    "date:yyyyMMdd",
    "date:yyyy年MM月dd日",
    "date:yyyy年M月d日",
    "date:yyyy/M/d",
    "date:yyyy-MM-dd HH:mm:ss",
    "date:yyyyMMddHHmmss",
    "date:yyyy-MM-ddTHH:mm:ss.SSSZ",
    "date:yyyy-MM-ddTHH:mm:ss+08:00",
    "date:epoch-ms",
    "date:epoch-s",
    "date:yyyy-MM-dd|yyyyMMdd|epoch-ms",
    "day-parts",
    "day-parts:02",
    "join:-",
    "split:、",
    "split:aa",
    "for-all",
    "table:plain",
    "table:merged",
    "table:open",
    "holder-type:guangdong",
    "holder-type:fujian",
    "issuer",
    "licence-type",
    "area:6",
    "area:12",
    "flag:1|0",
    "boolean",
    "number-text",
    "decimal-text",
    "json-text",
    "base64",
    "base64-text",
]
EACH = pytest.mark.parametrize("name", EXAMPLES)
_PIECES = st.sampled_from(
    [
        "2024",
        "-",
        "02",
        "29",
        "年",
        "月",
        "日",
        "1",
        "0",
        "长期",
        "null",
        "KZ_",
        "号",
        "Ａ",
        "a",
        " ",
        "T",
        ":",
        "W",
        "aa",
    ]
)
_WRITTEN = st.lists(_PIECES, max_size=7).map("".join)
FOREIGN = {
    Sort.TEXT: _WRITTEN | st.text(max_size=12),
    Sort.NUMBER: st.integers() | st.floats(),
    Sort.FLAG: st.booleans(),
    Sort.TEXTS: st.lists(_WRITTEN, min_size=1, max_size=4).map(tuple),
    Sort.TREE: TREES,
}


def test_every_codec_has_an_example() -> None:
    """The laws below are asked of every codec there is, but for those that never write."""
    assert {name.partition(":")[0] for name in EXAMPLES} == {
        *(*CODECS, "table", "holder-type", "issuer", "licence-type")
    } - {"before", "after"}


@EACH
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_it_writes_it_reads(name: str, data: st.DataObject) -> None:
    """A neutral value in the domain comes back as it was."""
    chain = compose([parse_codec(name, TABLES)])
    value = data.draw(values_of(chain, chain.neutral))
    value = value[:1] if name == "for-all" else value  # how many holders there are, the holders' names say
    foreign = value if chain.render is None else chain.render(value)
    assert (foreign if chain.parse is None else chain.parse(foreign)) == value


@EACH
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_it_reads_it_writes(name: str, data: st.DataObject) -> None:
    """A foreign value is refused, or written again as it was; up to a loss, it reads as the same again."""
    codec = parse_codec(name, TABLES)
    foreign = data.draw(FOREIGN[codec.foreign])
    neutral = _read(codec, foreign)
    if neutral is None:
        return
    again = codec.render(neutral)
    if codec.loses is None:
        assert again == foreign
        assert type(again) is type(foreign)
    assert codec.parse(again) == neutral


# What hostile messages and hostile licences hold: digits of other scripts, halves of characters, numbers beyond every
# bound, thousands of digits, characters that grow when their case changes.
_HOSTILE = st.sampled_from(
    [
        "²",
        "٣",
        "\U0001d7d8",
        "\ud800",
        "\x00",
        "ß",
        "İ",
        "ﬃ",
        "\ufeff",
        "9" * 19,
        "9" * 5000,
        "-",
        "-0",
        "1e999",
        "==",
        "{",
        "%",
    ]
)
_HOSTILE_TEXT = st.lists(_PIECES | _HOSTILE | st.text(max_size=4), max_size=6).map("".join)
_HOSTILE_NUMBER = (
    st.integers()
    | st.floats()
    | st.sampled_from([2**63, -(2**63), 10**18, 10**400, -0.0, 0.0, 5e-324, 1.7976931348623157e308, 1e15, 1e16, True])
)
HOSTILE = {
    Sort.TEXT: _HOSTILE_TEXT,
    Sort.NUMBER: _HOSTILE_NUMBER,
    Sort.FLAG: st.booleans(),
    Sort.TEXTS: st.lists(_HOSTILE_TEXT, max_size=5).map(tuple) | st.just(("9",) * 501),
    Sort.TREE: st.recursive(
        _HOSTILE_TEXT | _HOSTILE_NUMBER | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_HOSTILE_TEXT, inner, max_size=3),
        max_leaves=6,
    ).filter(lambda tree: isinstance(tree, dict | list)),
    Sort.DAY: st.dates(),
    Sort.BYTES: st.binary(max_size=20),
}


@EACH
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_hostile_values_raise_only_what_is_said(name: str, data: st.DataObject) -> None:
    """Whatever a message or a licence holds, a codec takes it or raises one of the two errors of codecs."""
    codec = parse_codec(name, TABLES)
    with suppress(ValueError, KeyError):
        codec.parse(data.draw(HOSTILE[codec.foreign]))
    with suppress(ValueError, KeyError):
        codec.render(data.draw(HOSTILE[codec.neutral]))


def _read(codec: Codec, foreign: object) -> object:
    """Return the neutral value; None when it is refused, or a special word."""
    if isinstance(foreign, str) and (foreign in codec.words or foreign == ""):
        return None
    try:
        found = codec.parse(foreign)
    except (ValueError, KeyError):
        return None
    return None if found == "" else found


@pytest.mark.parametrize(
    ("name", "foreign", "neutral"),
    [
        ("date:yyyy-MM-dd", "2024-02-29", date(2024, 2, 29)),
        ("date:yyyy年M月d日", "2024年5月1日", date(2024, 5, 1)),
        ("date:yyyy-MM-dd HH:mm:ss", "2024-05-01 23:59:59", date(2024, 5, 1)),
        ("date:epoch-ms", "1714492800000", date(2024, 5, 1)),
        ("date:epoch-ms", "-1", date(1970, 1, 1)),
        ("area:12", "440106001002", "440106"),
        ("width:half", "（１２）", "(12)"),
        ("width:full", "（１２）", "(12)"),
        ("holder-type:guangdong", "70", "001"),
        ("issuer", "12110000400777687U", "11110000000021135M"),
        ("issuer", "11430000006122244L", "11430000006122244L"),
        ("long-term:长期|9999-12-31", "9999-12-31", LongTerm.LONG_TERM),
        ("null:-", "-", None),
        ("null-string", "NULL", None),
    ],
)
def test_it_reads(name: str, foreign: object, neutral: object) -> None:
    """A foreign value reads as this."""
    chain = compose([parse_codec(name, TABLES)])
    assert chain.parse is not None
    assert chain.parse(foreign) == neutral


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("date:yyyy-MM-dd", "2023-02-29"),
        ("date:yyyy-MM-dd", "2024-W01-1"),
        ("date:yyyy-MM-dd", "２０２４-01-01"),
        ("date:yyyy-MM-dd", "2024-1-1"),
        ("date:yyyyMMdd", "2024W011"),
        ("date:yyyyMMdd", "00010101"),
        ("date:yyyy年M月d日", "2024年05月01日"),
        ("date:yyyy-MM-dd HH:mm:ss", "2024-05-01 24:00:00"),
        ("date:epoch-ms", "01714492800000"),
        ("date:epoch-ms", "999999999999999999"),
        ("day-parts", ("2024", "05", "1")),
        ("day-parts", ("2024", "5")),
        ("day-parts", ("2024", "5", "202420242024")),
        ("json-text", [2**64]),
        ("json-text", {"a": "\ud800"}),
        ("area:6", "４４０１０６"),
        ("prefix:KZ_", "KZ_"),
        ("split:、", "甲、"),
        ("base64", "QQ"),
        ("base64", "QR=="),
        ("base64-text", "/w=="),
        ("decimal-text", -0.0),
        ("decimal-text", float("nan")),
        ("decimal-text", float("inf")),
        ("number-text", 2**63),
        ("number-text", 1.0),
        ("number-text", True),
    ],
)
def test_it_refuses(name: str, foreign: object) -> None:
    """A foreign value outside of the domain is refused, and never repaired."""
    codec = parse_codec(name, TABLES)
    with pytest.raises(ValueError):  # noqa: PT011 -- without a text, which would hold the value
        codec.parse(foreign)


@pytest.mark.parametrize(
    "name",
    [
        "no-such",
        "text:x",
        "date:",
        "date:yyyy",
        "date:yyyy-MM-dd-dd",
        "date:dd MMM yyyy",
        "table:none",
        "holder-type:none",
        "flag:1",
        "flag:1|1",
        "area:9",
        "width:x",
        "split:",
        "join:",
        "prefix:",
        "day-parts:3",
        "for-all:x",
        "null:",
    ],
)
def test_a_codec_that_is_none_is_refused(name: str) -> None:
    """An unknown name or argument is refused with what was expected."""
    with pytest.raises(MalformedCodecError):
        parse_codec(name, TABLES)


def test_a_chain_must_fit_together() -> None:
    """A codec that does not take what the one before it makes is refused, and so is a word that stands twice."""
    for names in (["date:yyyyMMdd", "trim"], ["number-text", "boolean"], ["null:-", "long-term:-"]):
        with pytest.raises(MalformedCodecError):
            compose([parse_codec(name, TABLES) for name in names])


def test_words_are_written_through_the_codecs_before_them() -> None:
    """A special word behind a number is written as a number."""
    chain = compose([parse_codec(name, TABLES) for name in ("number-text", "long-term:0", "date:epoch-ms")])
    assert chain.written == {LongTerm.LONG_TERM: 0}
    assert chain.parse is not None
    assert chain.parse(0) is LongTerm.LONG_TERM


def test_a_value_that_reads_as_a_word_is_not_written() -> None:
    """The day that stands for "no end" cannot be written as a day."""
    chain = compose([parse_codec(name, TABLES) for name in ("long-term:9999-12-31", "date:yyyy-MM-dd")])
    assert chain.render is not None
    with pytest.raises(ValueError):  # noqa: PT011 -- without a text, which would hold the value
        chain.render(date(9999, 12, 31))
