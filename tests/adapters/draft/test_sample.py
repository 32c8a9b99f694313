"""Samples: their character set and their form are found strictly, or said to be none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.draft.error import DraftError, DraftFault
from adapters.draft.sample import MAX_SAMPLE, MAX_SAMPLES, Samples, read_samples
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.form import FormName

LINES = "证照编号|持证人\n京1|张三\n京2|李四\n"


def read(*samples: bytes) -> Samples:
    return read_samples([(f"s{number}", data) for number, data in enumerate(samples)])


@pytest.mark.parametrize(
    ("data", "form", "charset"),
    [
        ('{"a": "证"}'.encode(), FormName.JSON, Charset.UTF_8),
        ('[{"a": "证照"}]'.encode("gbk"), FormName.JSON, Charset.GB18030),
        ("<a>证</a>".encode(), FormName.XML, Charset.UTF_8),
        ("<a>证照</a>".encode("gb18030"), FormName.XML, Charset.GB18030),
        ('<?xml version="1.0" encoding="GBK"?><a>证</a>'.encode("gbk"), FormName.XML, Charset.GBK),
        (b'<?xml version="1.0" encoding="gb2312"?><a>x</a>', FormName.XML, Charset.GBK),
        (b"a=%E8%AF%81&b=\n", FormName.FORM, Charset.UTF_8),
        (b"a=%D6%A4%D5%D5&b=1", FormName.FORM, Charset.GB18030),
        (LINES.encode(), FormName.DELIMITED, Charset.UTF_8),
        (LINES.encode("gbk"), FormName.DELIMITED, Charset.GB18030),
    ],
)
def test_form_and_character_set_are_found(data: bytes, form: FormName, charset: Charset) -> None:
    """UTF-8 first, because GB 18030 reads most bytes as something; XML is believed about GBK."""
    layout = read(data).layout
    assert (layout.form, layout.charset) == (form, charset)


def test_columns_are_named_by_a_header_or_by_number() -> None:
    """A first line with digits in it is a record."""
    assert read(LINES.encode()).layout.columns == ("证照编号", "持证人")
    layout = read("京20200001,张三\n京20200002,李四\n".encode()).layout
    assert (layout.columns, layout.header, layout.separator) == (("1", "2"), False, ",")


def test_quoted_values_may_hold_the_separator() -> None:
    """The separator is that of the first line then."""
    samples = read('no,holder\n京20200001,"张三,李四"\n'.encode())
    assert samples.layout.quoted
    assert samples.trees == ([{"no": "京20200001", "holder": "张三,李四"}],)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", DraftFault.EMPTY),
        (b" \n", DraftFault.EMPTY),
        (b"\xff\xfe\x00", DraftFault.CHARSET),
        ("证".encode()[:-1] + b"\xff", DraftFault.CHARSET),
        (b"{", DraftFault.FORM),
        (b'{"a": 1, "a": 2}', DraftFault.FORM),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', DraftFault.FORM),
        (b"<a>", DraftFault.FORM),
        (b"hello", DraftFault.FORM),
        (b"a=1&a=2", DraftFault.FORM),
        (b"a,b\nc\n", DraftFault.FORM),
        (b'{"a": 1e999}', DraftFault.FORM),
        (b" " * (MAX_SAMPLE + 1), DraftFault.TOO_LARGE),
    ],
)
def test_bad_input_has_a_typed_error(data: bytes, fault: DraftFault) -> None:
    """Wrong bytes, duplicate keys, entities and monsters are faults of one sample, which is named."""
    with pytest.raises(DraftError) as caught:
        read(b'{"a": 1}', data)
    assert caught.value.sample == "s1" or fault is DraftFault.CHARSET
    assert caught.value.fault in {fault, DraftFault.MIXED}
    with pytest.raises(DraftError) as caught:
        read(data)
    assert caught.value.fault is fault


def test_samples_of_two_forms_make_no_draft() -> None:
    """One mapping has one form."""
    with pytest.raises(DraftError) as caught:
        read(b'{"a": 1}', b"<a/>")
    assert (caught.value.fault, caught.value.sample) == (DraftFault.MIXED, "s1")


@pytest.mark.parametrize(("count", "fault"), [(0, DraftFault.NO_SAMPLES), (MAX_SAMPLES + 1, DraftFault.TOO_MANY)])
def test_the_number_of_samples_is_bounded(count: int, fault: DraftFault) -> None:
    """At least one, and no more than a draft looks at."""
    with pytest.raises(DraftError) as caught:
        read(*[b"{}"] * count)
    assert caught.value.fault is fault


@given(st.lists(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)), max_size=3))
def test_garbage_raises_only_the_one_error(samples: list[bytes]) -> None:
    """Whatever the bytes, there are trees or a DraftError."""
    try:
        found = read(*samples)
    except DraftError:
        return
    assert len(found.trees) == len(samples)


def test_no_value_of_a_sample_is_in_an_error() -> None:
    """An error names the sample and the kind of fault."""
    with pytest.raises(DraftError) as caught:
        read(json.dumps({"name": "张三"}, ensure_ascii=False).encode() + b"]")
    assert "张三" not in str(caught.value)
