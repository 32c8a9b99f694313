"""The forms of messages: hostile and ambiguous bytes are refused in bounded time, with the reason."""

import pytest

from adapters.mapping.adapter import load_adapter
from adapters.mapping.bounds import MAX_MESSAGE
from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.delimited import delimited
from adapters.mapping.forms.form_text import form_text
from adapters.mapping.forms.json import json_form
from adapters.mapping.forms.xml import xml_form
from tests.adapters.mapping.dialects import ALL

TOWN = "urn:town:1"
FORMS = {
    "json": json_form(Charset.UTF_8, MAX_MESSAGE),
    "json-gbk": json_form(Charset.GBK, MAX_MESSAGE),
    "xml": xml_form(Charset.UTF_8, MAX_MESSAGE, {"p": TOWN}, declaration=True),
    "xml-gbk": xml_form(Charset.GBK, MAX_MESSAGE, {"": TOWN}, declaration=True),
    "form": form_text(Charset.GB18030, MAX_MESSAGE),
    "lines": delimited(Charset.UTF_8, MAX_MESSAGE, separator="|", columns=("a", "b"), header=False, quoted=False),
    "quoted": delimited(Charset.UTF_8, MAX_MESSAGE, separator=",", columns=("a", "b"), header=True, quoted=True),
}


@pytest.mark.parametrize(
    ("form", "data", "fault"),
    [
        ("json", b'{"a": 1, "a": 2}', AdapterFault.SYNTAX),
        ("json", '{"a": "名"}'.encode("gbk"), AdapterFault.CHARSET),
        ("json", '{"a": "名'.encode()[:-1], AdapterFault.CHARSET),  # half a character
        ("json", b"\xef\xbb\xbf{}", AdapterFault.SYNTAX),
        ("json", b'{"a": 123456789012345678901234567890}', AdapterFault.SYNTAX),
        ("json", b'{"a": 1e999}', AdapterFault.SYNTAX),
        ("json", b'{"a": NaN}', AdapterFault.SYNTAX),
        ("json", b'{"a": "\\ud800"}', AdapterFault.CHARSET),
        ("json", b"[" * 100_000, AdapterFault.SYNTAX),
        ("json", b'"' + b"x" * MAX_MESSAGE + b'"', AdapterFault.TOO_LARGE),
        ("json-gbk", '{"a": "名"}'.encode(), AdapterFault.CHARSET),
        ("json-gbk", '{"a": "名'.encode("gbk")[:-1], AdapterFault.CHARSET),
        ("xml", b"<a>", AdapterFault.SYNTAX),
        ("xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', AdapterFault.SYNTAX),
        ("xml", b'<?xml version="1.0" encoding="GBK"?><a/>', AdapterFault.CHARSET),
        ("xml", b"<a>x<!-- y -->z</a>", AdapterFault.SYNTAX),
        ("xml", b"<a>x<b/></a>", AdapterFault.SYNTAX),
        ("xml", b"<a><b/>x</a>", AdapterFault.SYNTAX),
        ("xml", b"<a>" * 200_000, AdapterFault.TOO_LARGE),
        ("xml", b"<a>" + b"x" * MAX_MESSAGE + b"</a>", AdapterFault.TOO_LARGE),
        ("xml-gbk", '<?xml version="1.0" encoding="UTF-8"?><a>名</a>'.encode("gbk"), AdapterFault.CHARSET),
        ("xml-gbk", "<a>名</a>".encode(), AdapterFault.CHARSET),
        ("form", b"a=1&a=2", AdapterFault.SYNTAX),
        ("form", b"a", AdapterFault.SYNTAX),
        ("form", b"a=%FF", AdapterFault.CHARSET),
        ("form", "a=名".encode(), AdapterFault.CHARSET),
        ("form", b"&".join(b"a%d=1" % number for number in range(501)), AdapterFault.TOO_LARGE),
        ("lines", b"1|2|3\n", AdapterFault.SHAPE),
        ("lines", b"\xff|2\n", AdapterFault.CHARSET),
        ("lines", b"1|2\n" * 10_001, AdapterFault.TOO_LARGE),
        ("quoted", b"", AdapterFault.SHAPE),
        ("quoted", b"b,a\r\n1,2\r\n", AdapterFault.SHAPE),
        ("quoted", b'a,b\r\n"1"x,2\r\n', AdapterFault.SYNTAX),
    ],
)
def test_it_is_refused(form: str, data: bytes, fault: AdapterFault) -> None:
    """Each way to be wrong has its reason."""
    with pytest.raises(AdapterError) as caught:
        FORMS[form].read(data)
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("form", "data", "tree"),
    [
        ("json-gbk", '{"a": "名"}'.encode("gbk"), {"a": "名"}),
        ("xml", f'<p:a xmlns:p="{TOWN}" i="1">\n <p:b> x </p:b><p:b/>\n</p:a>'.encode(), None),
        ("xml", b"<a><!-- between elements --><b>1</b></a>", {"a": {"b": "1"}}),
        ("xml-gbk", '<?xml version="1.0" encoding="gb2312"?><a>名</a>'.encode("gbk"), {"a": "名"}),
        ("form", b"a=%C3%FB+1&b=", {"a": "名 1", "b": ""}),
        ("lines", b"1|2\r\n3|\n", [{"a": "1", "b": "2"}, {"a": "3", "b": ""}]),
        ("quoted", b'a,b\r\n"1,\n""",2\r\n', [{"a": '1,\n"', "b": "2"}]),
    ],
)
def test_it_is_read(form: str, data: bytes, tree: object) -> None:
    """A message becomes a tree."""
    namespaced = {f"{{{TOWN}}}a": {"@i": "1", f"{{{TOWN}}}b": [" x ", ""]}}
    assert FORMS[form].read(data) == (namespaced if tree is None else tree)


@pytest.mark.parametrize("form", ["json", "json-gbk", "form"])
def test_what_is_written_is_read(form: str) -> None:
    """A tree comes back from its own bytes."""
    tree = {"a": "名 &=%+<>\"'\r\n\t", "b": ""}
    assert FORMS[form].read(FORMS[form].write(tree)) == tree


def test_xml_keeps_the_white_space_of_values() -> None:
    """Line ends and tabs in elements and attributes survive XML's own normalisation."""
    tree = {"a": {"@i": " \r\n\t<&>\"' ", "b": [" \r\n\t ", {"@j": "", "": "]]>"}]}}
    assert FORMS["xml"].read(FORMS["xml"].write(tree)) == tree


@pytest.mark.parametrize("text", ["\0", "\x0b", "\ud800", "\ufffe"])
def test_xml_refuses_characters_that_it_does_not_have(text: str) -> None:
    """A control character is refused when it is written, and not dropped."""
    with pytest.raises(AdapterError):
        FORMS["xml"].write({"a": text})


@pytest.mark.parametrize("name", ["1a", "a b", "a>", "", "a:b"])
def test_xml_refuses_names_that_are_none(name: str) -> None:
    """The name of a surface field that is no XML name is refused when it is written."""
    with pytest.raises(AdapterError):
        FORMS["xml"].write({"a": {name: "1", "x": "2"}} if name else {"a b": "1"})


def test_namespaces_count() -> None:
    """An element of the right name in another namespace is another element."""
    adapter = load_adapter(ALL["xml-town"].encode(), "x")
    message = b'<p:ANSWER xmlns:p="urn:other"><p:HEAD code="00"/></p:ANSWER>'
    assert adapter.parse(message).raw_outcome == ""


def test_ten_megabytes_in_one_field_are_refused() -> None:
    """A huge value is refused by the bound of the message, before anything is built of it."""
    adapter = load_adapter(ALL["form-town"].encode(), "x")
    with pytest.raises(AdapterError) as caught:
        adapter.parse(b"ret=ok&no=" + b"x" * 10_000_000)
    assert caught.value.fault is AdapterFault.TOO_LARGE


def test_no_value_is_in_an_error() -> None:
    """What an error says, and what it carries along, has nothing of the message."""
    adapter = load_adapter(ALL["json-town"].encode(), "x")
    holder = "110101199003070000"
    body = f'{{\\"rows\\": [{{\\"no\\": \\"{holder}\\"}}, {{\\"q\\": \\"{holder}\\"}}]}}'
    parsed = adapter.parse(f'{{"status": {{"code": 200}}, "body": "{body}"}}'.encode())
    assert len(parsed.refused) == 2
    for one in parsed.refused:
        chain = [one.error, one.error.__cause__]
        assert all(holder not in repr(error) for error in chain)
