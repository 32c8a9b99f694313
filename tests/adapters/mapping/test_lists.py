"""Lists in messages: what they become in the record, and which of them a mapping may not have."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.fault import MappingError
from adapters.mapping.loss import Verdict
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordStatus

HEAD = '[system]\nid = "x"\nzh = "x"\nen = "x"\n[message]\n'


def field(to: str, at: str, **more: object) -> str:
    """Return one rule."""
    return f'[[field]]\nto = "{to}"\nat = {json.dumps(at)}\n' + "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in more.items()
    )


def load(*fields: str, form: str = "json") -> Adapter:
    """Return the adapter of a mapping with these fields."""
    return load_adapter((HEAD + f'form = "{form}"\n' + "".join(fields)).encode(), "x.toml")


def both_ways(adapter: Adapter, message: bytes) -> LicenceRecord:
    """Return the record of a message, which is written as the same message again."""
    (record,) = adapter.parse(message).records
    assert adapter.render([replace(record, status=RecordStatus.ACTIVE)]).replace(b'"', b"'") == message.replace(
        b'"', b"'"
    )
    return record


def test_plain_texts_are_a_column_of_the_holders() -> None:
    """Codes in a list of texts are those of the holders, one by one, alone and beside names in another list."""
    codes = field("holders[].code", "$.codes[*]")
    record = both_ways(load(codes), b'{"codes":["a","b"]}')
    assert record.holders == (RecordHolder(code="a"), RecordHolder(code="b"))
    for names, message in (
        (field("holders[].name", "$.names[*]"), b'{"names":["A",""],"codes":["a","b"]}'),
        (field("holders[].name", "$.rows[*].n"), b'{"rows":[{"n":"A"},{}],"codes":["a","b"]}'),
    ):
        record = both_ways(load(names, codes), message)
        assert record.holders == (RecordHolder(name="A", code="a"), RecordHolder(code="b"))


def test_plain_texts_in_xml() -> None:
    """Elements that repeat are a list, and one alone is a list of one."""
    adapter = load(field("holders[].code", "/a/c[*]"), form="xml")
    for texts in (["1"], ["1", "2"]):
        rows = "".join(f"<c>{text}</c>" for text in texts)
        record = both_ways(adapter, f"<?xml version='1.0' encoding='UTF-8'?><a>{rows}</a>".encode())
        assert [one.code for one in record.holders] == texts


def test_columns_of_different_length_are_refused() -> None:
    """Two codes beside one name belong to nobody who can be told."""
    adapter = load(field("holders[].name", "$.names[*]"), field("holders[].code", "$.codes[*]"))
    (refused,) = adapter.parse(b'{"names":["A"],"codes":["a","b"]}').refused
    assert refused.error.fault is AdapterFault.HOLDERS


def test_a_list_that_is_only_written_says_nothing() -> None:
    """Rows that no rule reads become no holders, and a second list for writing is none too many."""
    adapter = load(field("holders[].code", "$.a[*].c", only="out", loses="x"))
    assert adapter.parse(b'{"a":[{"c":"1"},{"c":"2"}]}').records[0].holders == ()
    adapter = load(field("holders[].name", "$.a[*].n"), field("holders[].code", "$.b[*].c", only="out", loses="x"))
    assert adapter.parse(b'{"a":[{"n":"A"}],"b":[{"c":"1"}]}').records[0].holders == (RecordHolder(name="A"),)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ([field("holders[].name", "$.a[*].n"), field("holders[].code", "$.b[*].c")], "field[2].at"),
        ([field("surface.x[].y", "$.a[*].n"), field("surface.x[].z", "$.b[*].n")], "field[2].at"),
        ([field("holders[].code", "$.a[*].n", codec=["split:-"])], "field[1].codec"),
        ([field("surface.x[]", "$.a[*]", codec=["split:-"])], "field[1].codec"),
        ([field("surface.x[].y", "$.a[*]")], "field[1].at"),
        ([field("surface.x[]", "$.a[*].n")], "field[1].at"),
        (['[[field]]\nto = "surface.x[].y"\nat = ["$.a[*].n", "$.a[*].m"]\ncodec = "join:-"\n'], "field[1].at"),
        (
            [field("surface.k", "$.k"), field("surface.x[]", "$.a[*]") + 'when = {at = "$.k", is = "1"}\n'],
            "field[2].when.at",
        ),
    ],
)
def test_a_list_that_would_lose_something_is_a_fault(fields: list[str], key: str) -> None:
    """Two lists for one target, several texts of one entry, or a column where there are none: the file is refused."""
    with pytest.raises(MappingError) as caught:
        load(*fields)
    assert key in [fault.key for fault in caught.value.faults]


@pytest.mark.parametrize(
    "text",
    [
        '[[field]]\nat = "$.x"\nconstant = "abc"\ncodec = ["date:yyyy-MM-dd"]\n',
        '[[field]]\nto = "name"\nat = ["$.x", "$.y"]\ndefault = "ab"\ncodec = ["join:-"]\n',
        '[[field]]\nto = "name"\nat = "$.x"\ndefault = "5"\ncodec = ["number-text"]\n',
    ],
)
def test_a_text_where_codecs_take_none_is_a_fault(text: str) -> None:
    """A constant that no codec writes, or a default that none reads, is a fault of the file."""
    with pytest.raises(MappingError):
        load(text)


@pytest.mark.parametrize(
    "codecs",
    [["width:half", "split:；"], ["width:full", "split:："], ["upper", "split:x"], ["width:half", "null:－"]],
)
def test_a_separator_that_never_comes_is_a_fault(codecs: list[str]) -> None:
    """A codec cannot wait for what the one before it writes in another way: two holders would be welded together."""
    with pytest.raises(MappingError) as caught:
        load(field("holders[].name", "$.a", codec=codecs))
    assert [fault.key for fault in caught.value.faults] == ["field[1].codec"]


@pytest.mark.parametrize(
    "codecs", [["split:；"], ["width:half", "split:;"], ["trim", "split: "], ["upper", "split:、"]]
)
def test_a_separator_that_comes(codecs: list[str]) -> None:
    """What stays as it is may be waited for."""
    load(field("holders[].name", "$.a", codec=codecs))


PAIRED = (
    field("holders[].name", "$.a", codec=["split:；", "trim"], loses="x"),
    field("holders[].code_type", "$.t", codec=["split:；", "holder-type:guangdong"]),
)


def test_codecs_behind_a_separator_are_done_with_each_part() -> None:
    """Names and code types of several holders stand in one text each, in the system's own codes."""
    adapter = load(*PAIRED)
    (record,) = adapter.parse('{"a": "甲； 乙", "t": "10；70"}'.encode()).records
    assert [one.name for one in record.holders] == ["甲", "乙"]
    assert json.loads(adapter.render([replace(record, status=RecordStatus.ACTIVE)])) == {"a": "甲；乙", "t": "10；70"}


def test_a_part_that_is_nothing_is_refused() -> None:
    """No holder without a name is made of white space between separators."""
    assert load(*PAIRED).parse('{"a": "甲； "}'.encode()).refused[0].error.fault is AdapterFault.VALUE


BOTH_ENDS = tuple(
    field(name, "$.v", codec=codecs, only="in", loses="x")
    for name, codecs in (
        ("valid_from", ["before:至", "date:yyyy.MM.dd"]),
        ("valid_to", ["after:至", "long-term:长期", "date:yyyy.MM.dd"]),
    )
)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("2025.12.03至长期", (date(2025, 12, 3), None, True)),
        ("2025.12.03至2030.12.02", (date(2025, 12, 3), date(2030, 12, 2), False)),
    ],
)
def test_both_ends_in_one_text(text: str, ends: tuple[object, ...]) -> None:
    """Two rules read a validity that is printed as one text."""
    (record,) = load(*BOTH_ENDS).parse(json.dumps({"v": text}).encode()).records
    assert (record.valid_from, record.valid_to, record.long_term) == ends


@pytest.mark.parametrize("text", ["2025.12.03", "至长期", "2025.12.03至", "2025.12.03至2026.12.03至长期"])
def test_one_end_is_not_both(text: str) -> None:
    """A text without both ends, or with more, is refused."""
    assert load(*BOTH_ENDS).parse(json.dumps({"v": text}).encode()).refused


WRITTEN_ENDS = (
    field("valid_from", "$.v", codec=["before:至", "date:yyyy.MM.dd"]),
    field("valid_to", "$.v", codec=["after:至", "long-term:长期", "date:yyyy.MM.dd"]),
)
DAYS = st.dates(date(1900, 1, 1), date(2999, 12, 31))


@given(DAYS, st.none() | DAYS)
def test_both_ends_are_written_together(begin: date, end: date | None) -> None:
    """Two rules with both sides of a text write it, lose nothing, and read what they wrote."""
    adapter = load(*WRITTEN_ENDS)
    record = LicenceRecord(
        valid_from=begin, valid_to=end, long_term=end is None, status=RecordStatus.ACTIVE, source=adapter.id
    )
    message = adapter.render([record])
    assert list(json.loads(message)) == ["v"]
    (again,) = adapter.parse(message).records
    assert (again.valid_from, again.valid_to, again.long_term) == (begin, end, end is None)
    assert not [one for one in adapter.losses if one.is_fault and one.name.startswith("valid")]


def test_one_end_is_not_written_without_the_other() -> None:
    """Where neither is said nothing is written; one alone is refused, as the loss table says."""
    adapter = load(*WRITTEN_ENDS)
    nothing = LicenceRecord(status=RecordStatus.ACTIVE, number="1")
    assert json.loads(adapter.render([nothing])) == {}
    with pytest.raises(AdapterError) as caught:
        adapter.render([replace(nothing, valid_from=date(2025, 12, 3))])
    assert caught.value.fault is AdapterFault.VALUE
    refused = [one.name for one in adapter.losses if one.verdict is Verdict.REFUSED and "side" in one.what.en]
    assert refused == ["valid_from", "valid_to"]


XML_PAIRS = """
[system]
id = "t"
zh = "t"
en = "t"
[message]
form = "xml"
[[field]]
to = "number"
at = "/r/no"
[[field]]
to = "surface.*"
at = "/r/face/f[*]"
pairs = { name = "/@n", value = "$" }
"""


@given(st.dictionaries(st.text("甲乙ab<&\"' ", min_size=1), st.text("丙丁cd<&]> ", min_size=1), max_size=4))
def test_names_and_texts_of_xml_elements(surface: dict[str, str]) -> None:
    """A list of elements with a name as attribute and the value as text is surface fields, both ways."""
    adapter = load_adapter(XML_PAIRS.encode(), "x.toml")
    message = adapter.render([LicenceRecord(number="1", surface=surface, status=RecordStatus.ACTIVE)])
    (again,) = adapter.parse(message).records
    assert (again.surface, again.aside) == (surface, {})


def test_what_stands_beside_a_pair_of_xml_is_kept_aside() -> None:
    """Another attribute is told, and an element without a value says nothing."""
    adapter = load_adapter(XML_PAIRS.encode(), "x.toml")
    message = '<r><no>1</no><face><f n="a" t="x">v</f><f n="b"/></face></r>'
    (record,) = adapter.parse(message.encode()).records
    assert record.surface == {"a": "v"}
    assert list(record.aside.values()) == ["x"]
    with pytest.raises(MappingError) as caught:
        load_adapter(XML_PAIRS.replace('"/@n"', '"/n"').encode(), "x.toml")
    assert [fault.key for fault in caught.value.faults] == ["field[2].pairs"]


def test_what_cannot_be_written_is_only_read() -> None:
    """A rule whose codecs cannot write says that it is only read."""
    with pytest.raises(MappingError) as caught:
        load(field("number", "$.v", codec=["before:至"], loses="x"))
    assert [fault.key for fault in caught.value.faults] == ["field[1].only"]
