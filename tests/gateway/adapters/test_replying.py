"""What the side that is asked writes is what the side that asks reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.error import AdapterError, AdapterFault
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.json import json_form
from adapters.mapping.forms.xml import xml_form
from adapters.mapping.path import MessagePath, parse_path
from gateway.adapters.replying import write_texts
from gateway.adapters.tree import find_text

NAMES = {"s": "urn:s", "f": "urn:f"}
KEYS = st.sampled_from(["a", "b", "c"])
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=20)


def json_path(*keys: str) -> MessagePath:
    """Return a path of JSON."""
    return parse_path("$." + ".".join(keys), is_xml=False, namespaces={})


def xml_path(text: str) -> MessagePath:
    """Return a path of XML."""
    return parse_path(text, is_xml=True, namespaces=NAMES)


@given(keys=st.lists(KEYS, min_size=1, max_size=3), text=TEXTS)
def test_json(keys: list[str], text: str) -> None:
    """A text is found where it was put."""
    path = json_path(*keys)
    written = write_texts({path: text})
    assert find_text(json_form(Charset.UTF_8, 10_000).read(written.body), path) == text


@given(text=TEXTS)
def test_xml(text: str) -> None:
    """So it is in XML, whatever prefixes are written."""
    paths = {xml_path("/s:Envelope/s:Body/f:Answer"): text, xml_path("/s:Envelope/@version"): "1"}
    written = write_texts(paths)
    tree = xml_form(Charset.UTF_8, 10_000, {}, declaration=True).read(written.body)
    assert {path: find_text(tree, path) for path in paths} == paths


@pytest.mark.parametrize(
    "texts",
    [
        {parse_path("$.a[*].b", is_xml=False, namespaces={}): "x"},
        {parse_path("$.a@json.b", is_xml=False, namespaces={}): "x"},
        {parse_path("$", is_xml=False, namespaces={}): "x"},
        {json_path("a"): "x", json_path("a", "b"): "y"},
        {json_path("a", "b"): "x", json_path("a"): "y"},
    ],
)
def test_where_nothing_can_be_put(texts: dict[MessagePath, str]) -> None:
    """A list, a text in a text, the message itself, and two that do not go together are refused."""
    with pytest.raises(AdapterError) as caught:
        write_texts(texts)
    assert caught.value.fault is AdapterFault.SHAPE
