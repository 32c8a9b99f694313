"""The strict XML reader: UTF-8, no document type, nothing without a bound."""

import tracemalloc
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict import bounds
from adapters.strict.xml import attribute, child, children, local_name, namespace, parse_xml, required_child, text_of

LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    "<a>&c;</a>"
)


def _parse(text: str | bytes, root: str | None = None) -> Element:
    return parse_xml(text.encode("utf-8") if isinstance(text, str) else text, root=root, where="x.xml")


def _refused(text: str | bytes, root: str | None = None) -> Malformed:
    with pytest.raises(MalformedDocumentError) as caught:
        _parse(text, root)
    assert caught.value.where == "x.xml"
    return caught.value.malformed


@pytest.mark.parametrize(
    "text",
    [
        "<a>证照</a>",
        "\ufeff<a>证照</a>",
        '<?xml version="1.0"?><a>证照</a>',
        "<?xml version='1.0' encoding='utf-8' standalone=\"yes\" ?>\n<a>证照</a>\n",
        '\ufeff<?xml version="1.0" encoding="UTF8"?><!-- x --><?y z?><a>证照</a><!-- x -->',
    ],
)
def test_utf8_is_read_however_it_is_announced(text: str) -> None:
    """A byte order mark, a declaration, comments and instructions around the root change nothing."""
    root = _parse(text, "a")
    assert (local_name(root), text_of(root)) == ("a", "证照")


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1/">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY % x "y"> %x;]><a/>',
        "<!DOCTYPE a><a/>",
        "<a><![CDATA[<!DOCTYPE html>]]></a>",
        "<a><!-- <!ENTITY x 'y'> --></a>",
    ],
)
def test_a_document_type_is_refused_unread(text: str) -> None:
    """No entity is ever declared, so none is expanded and none is fetched."""
    assert _refused(text) is Malformed.XML_DTD


@pytest.mark.parametrize(
    "data",
    [
        '<?xml version="1.0" encoding="GBK"?><a/>'.encode("gbk"),
        "<a>证照</a>".encode("gbk"),
        "<a/>".encode("utf-16"),
        "<a/>".encode("utf-16-le"),
        "<a/>".encode("utf-32-be"),
        b'<?xml version="1.0" encoding="us-ascii"?><a/>',
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        b"<a>\xc0\xaf</a>",
        b"<a>\xed\xa0\x80</a>",
    ],
)
def test_other_encodings_are_refused(data: bytes) -> None:
    """By declaration or in fact; overlong forms and surrogates are not UTF-8 either."""
    assert _refused(data) is Malformed.XML_ENCODING


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "<a>&x;</a>",
        "<a b='1' b='2'/>",
        "<p:a/>",
        "<a>\x01</a>",
        '<?xml version="1.1"?><a/>',
        '<?xml encoding="UTF-8"?><a/>',
        ' <?xml version="1.0"?><a/>',
        "<a>&#0;</a>",
        "<a><![CDATA[</a>",
    ],
)
def test_what_is_not_well_formed_is_refused(text: str) -> None:
    """There is no repair."""
    assert _refused(text) is Malformed.XML


def test_another_root_is_refused() -> None:
    """The root is compared by local name, case included."""
    assert _refused("<Ofd/>", "OFD") is Malformed.XML
    assert local_name(_parse("<x:OFD xmlns:x='y'/>", "OFD")) == "OFD"


@pytest.mark.parametrize(
    "text",
    [
        "<a>" * 65 + "</a>" * 65,
        "<a>" * 190_000 + "</a>" * 190_000,
        "<a>" + "<b/>" * bounds.MAX_XML_ELEMENTS + "</a>",
        "<a " + " ".join(f"b{index}=''" for index in range(bounds.MAX_XML_ATTRIBUTES + 1)) + "/>",
        f"<a b='{'x' * (bounds.MAX_XML_ATTRIBUTE_VALUE + 1)}'/>",
        f"<a>{'x' * (bounds.MAX_XML_TEXT + 1)}</a>",
        f"<a><b/>{'x' * (bounds.MAX_XML_TEXT + 1)}</a>",
        f"<a><!-- -->{'x' * (bounds.MAX_XML_TEXT + 1)}</a>",
        "<a>" + "<b c='' d=''/>" * (bounds.MAX_XML_ATTRIBUTES_TOTAL // 2 + 1) + "</a>",
        "<a " + " ".join(f"xmlns:b{index}='u'" for index in range(bounds.MAX_XML_NAMESPACES + 1)) + "/>",
        "<a>" + "<b xmlns='u'/>" * (bounds.MAX_XML_NAMESPACES + 1) + "</a>",
        f"<a xmlns='{'u' * (bounds.MAX_XML_NAMESPACE + 1)}'/>",
        f'<a b=\'xmlns="\' xmlns:p \n= "{"u" * (bounds.MAX_XML_NAMESPACE + 1)}"/>',
        "<" * (2 * bounds.MAX_XML_ELEMENTS + 1),
        " " * (bounds.MAX_XML + 1),
    ],
    ids=[
        "depth",
        "deep",
        "elements",
        "attributes",
        "attribute",
        "text",
        "tail",
        "tail of a comment",
        "attributes of all elements",
        "namespaces",
        "namespaces below",
        "namespace",
        "namespace behind a decoy",
        "brackets",
        "bytes",
    ],
)
def test_every_length_has_a_bound(text: str) -> None:
    """Depth, elements, attributes, values, text and bytes."""
    assert _refused(text) is Malformed.TOO_LARGE


def test_just_within_the_bounds_is_read() -> None:
    """The bounds themselves are allowed."""
    depth = bounds.MAX_XML_DEPTH
    assert len(list(_parse("<a>" * depth + "</a>" * depth).iter())) == depth
    many = " ".join(f"b{index}=''" for index in range(bounds.MAX_XML_ATTRIBUTES))
    assert len(_parse(f"<a {many}/>").attrib) == bounds.MAX_XML_ATTRIBUTES


@pytest.mark.parametrize("unique", [True, False])
def test_a_long_namespace_is_not_copied_into_every_name(unique: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """What a small file makes the reader allocate is bounded by its length, not by its square."""
    names = (f"<a{index if unique else ''}/>" for index in range(20_000))
    bomb = f"<OFD xmlns='{'u' * 20_000}'>{''.join(names)}</OFD>".encode()
    tracemalloc.start()
    assert _refused(bomb) is Malformed.TOO_LARGE
    assert tracemalloc.get_traced_memory()[1] < 10 * len(bomb)
    tracemalloc.stop()


def test_a_namespace_within_the_bounds_is_read() -> None:
    """As many declarations as are allowed, each as long as is allowed."""
    uris = ["u" * (bounds.MAX_XML_NAMESPACE - 2) + f"{index:02}" for index in range(bounds.MAX_XML_NAMESPACES)]
    root = _parse("<a>" + "".join(f"<p:b xmlns:p='{uri}'/>" for uri in uris) + "</a>")
    assert [namespace(node) for node in root] == uris


def test_only_white_space_of_xml_is_cut_off() -> None:
    """An ideographic space belongs to the text: nobody else would take it away."""
    assert text_of(_parse("<a>\t\u3000x\u3000\r\n</a>")) == "\u3000x\u3000"


@pytest.mark.parametrize("inside", ["<!-- x -->", "<?x y?>", "<b/>", "<!---->"])
def test_text_that_something_splits_is_refused(inside: str) -> None:
    """Some readers would join the pieces, some take the first."""
    with pytest.raises(MalformedDocumentError) as caught:
        text_of(_parse(f"<a>AB{inside}CD</a>"), where="x.xml")
    assert caught.value.malformed is Malformed.STRUCTURE


def test_character_data_is_one_text() -> None:
    """CDATA sections and character references are part of the text; white space around it is not."""
    assert text_of(_parse("<a>\n A<![CDATA[<B>]]>&#x43;&amp; </a>")) == "A<B>C&"


def test_children_are_found_by_local_name() -> None:
    """The namespace does not count; comments, instructions and grandchildren are no children of that name."""
    root = _parse("<a xmlns:x='1' xmlns:y='2'><x:b n='1'/><!-- b --><?b b?><y:b n='2'/><c><b n='3'/></c></a>")
    assert [attribute(found, "n") for found in children(root, "b")] == ["1", "2"]
    assert [namespace(found) for found in children(root, "b")] == ["1", "2"]
    assert namespace(root) == ""
    assert child(root, "d") is None
    assert attribute(root, "n") is None
    only = required_child(root, "c")
    assert local_name(only) == "c"


@pytest.mark.parametrize(("text", "name"), [("<a><b/><b/></a>", "b"), ("<a/>", "b")])
def test_a_required_child_is_there_once(text: str, name: str) -> None:
    """None and two are both refused, with the name of the element."""
    with pytest.raises(MalformedDocumentError) as caught:
        required_child(_parse(text), name, where="x.xml")
    assert (caught.value.malformed, caught.value.where) == (Malformed.STRUCTURE, "x.xml b")


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="<>/a!?-[]&;=' \"x", max_size=60).map(str.encode)))
def test_garbage_raises_only_our_error(data: bytes) -> None:
    """Random bytes, and random mark-up, are refused in words or read."""
    try:
        parse_xml(data, root=None)
    except MalformedDocumentError:
        pass
