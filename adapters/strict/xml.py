"""A strict reader of XML: UTF-8 without document types, bounded before the tree is built, and exactly afterwards.

It stands on expat, through the standard library, and not on libxml2: a libxml2 parser under lxml keeps every element
and attribute name it ever saw for the life of its thread, so that hostile files would fill the memory of a gateway
that runs for months.
Elements are compared by local name, because OFD files come with more than one namespace.
"""

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import (
    MAX_XML,
    MAX_XML_ATTRIBUTE_VALUE,
    MAX_XML_ATTRIBUTES,
    MAX_XML_ATTRIBUTES_TOTAL,
    MAX_XML_DEPTH,
    MAX_XML_ELEMENTS,
    MAX_XML_NAMESPACE,
    MAX_XML_NAMESPACES,
    MAX_XML_TEXT,
)

_BOM: Final = b"\xef\xbb\xbf"
_DECLARATION: Final = re.compile(
    rb"""<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')"""
    rb"""(?:\s+encoding\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'))?"""
    rb"""(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>"""
)
_NAMESPACE_MARK: Final = b"xmlns"
_LONG_NAMESPACE: Final = re.compile(
    rb"""xmlns[^\s=]*\s*=\s*(?:"[^"]{%d}|'[^']{%d})""" % (MAX_XML_NAMESPACE + 1, MAX_XML_NAMESPACE + 1)
)
_UTF8_NAMES: Final = {b"utf-8", b"utf8"}
WHITE_SPACE: Final = " \t\r\n"  # XML 1.0 section 2.3; an ideographic space is a character like any other
_FORBIDDEN: Final = (b"<!DOCTYPE", b"<!ENTITY")


def parse_xml(data: bytes, *, root: str | None, where: str = "") -> Element:
    """Return the root element, whose local name must be ``root`` unless that is None.

    Comments and processing instructions stay in the tree, so that :func:`text_of` can refuse text they split.
    A document type or entity declaration is refused wherever its first characters stand, even quoted in a CDATA
    section: no file of a licence needs one. ``where`` is the member path for error texts.

    Raises:
        MalformedDocumentError: TOO_LARGE, XML_ENCODING, XML_DTD or XML; nothing else.

    """
    if len(data) > MAX_XML:
        raise MalformedDocumentError(Malformed.TOO_LARGE, where)
    data = data.removeprefix(_BOM)
    _check_encoding(data, where)
    if any(word in data for word in _FORBIDDEN):
        raise MalformedDocumentError(Malformed.XML_DTD, where)
    _check_amounts(data, where)
    parser = XMLParser(  # noqa: S314 -- without a document type expat has nothing to expand and nothing to fetch
        target=TreeBuilder(insert_comments=True, insert_pis=True), encoding="utf-8"
    )
    try:
        parser.feed(data)
        element: Element = parser.close()
    except (ParseError, ValueError) as error:
        raise MalformedDocumentError(Malformed.XML, where) from error
    _check_shape(element, where)
    if len(data) > MAX_XML_ATTRIBUTE_VALUE:  # nothing in a smaller file can be longer than the file
        _check_lengths(element, where)
    if root is not None and local_name(element) != root:
        raise MalformedDocumentError(Malformed.XML, where)
    return element


def _check_encoding(data: bytes, where: str) -> None:
    """UTF-8 in fact, and UTF-8 or nothing by declaration: another reader would believe the declaration."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(Malformed.XML_ENCODING, where) from error
    if "\0" in text:  # UTF-16 or UTF-32 of mostly ASCII text is valid UTF-8 with zeros in between
        raise MalformedDocumentError(Malformed.XML_ENCODING, where)
    if data[:5] == b"<?xml" and data[5:6].isspace():
        declaration = _DECLARATION.match(data)
        if declaration is None:
            raise MalformedDocumentError(Malformed.XML, where)
        name = declaration["double"] or declaration["single"]
        if name is not None and name.lower() not in _UTF8_NAMES:
            raise MalformedDocumentError(Malformed.XML_ENCODING, where)


def _check_amounts(data: bytes, where: str) -> None:
    """Bound what the parser would build, by counting the characters that it cannot do without.

    Whatever is counted stands in the file as written, because no reference can stand for it in mark-up:
    "<" for every element, two quotes for every attribute, "xmlns" for every namespace. Texts may hold them too, and
    then count for nothing; no file of a licence comes near.
    """
    quotes = data.count(b'"') + data.count(b"'")
    # A start tag and an end tag each.
    if data.count(b"<") > 2 * MAX_XML_ELEMENTS or quotes > 2 * MAX_XML_ATTRIBUTES_TOTAL:
        raise MalformedDocumentError(Malformed.TOO_LARGE, where)
    if data.count(_NAMESPACE_MARK) > MAX_XML_NAMESPACES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, where)
    # Each place is looked at by itself: a quoted text that looks like a declaration must not hide the next one.
    found = data.find(_NAMESPACE_MARK)
    while found >= 0:
        if _LONG_NAMESPACE.match(data, found):
            raise MalformedDocumentError(Malformed.TOO_LARGE, where)
        found = data.find(_NAMESPACE_MARK, found + 1)


def _check_shape(root: Element, where: str) -> None:
    """Depth, number of elements and of attributes; without recursion, for the depth is the sender's choice."""
    level = [root]
    elements = 0
    depth = 0
    while level:
        depth += 1
        elements += len(level)
        most_attributes = max([len(element.attrib) for element in level])
        if depth > MAX_XML_DEPTH or elements > MAX_XML_ELEMENTS or most_attributes > MAX_XML_ATTRIBUTES:
            raise MalformedDocumentError(Malformed.TOO_LARGE, where)
        level = [child for element in level for child in element]


def _check_lengths(root: Element, where: str) -> None:
    """Lengths of attribute values, and of the texts in and behind elements."""
    for element in root.iter():
        texts = max(len(element.text or ""), len(element.tail or ""))
        if texts > MAX_XML_TEXT or any(len(value) > MAX_XML_ATTRIBUTE_VALUE for value in element.attrib.values()):
            raise MalformedDocumentError(Malformed.TOO_LARGE, where)


def is_element(node: Element) -> bool:
    """Whether a node is an element, and no comment or processing instruction (whose tag is a function)."""
    return isinstance(node.tag, str)


def local_name(element: Element) -> str:
    """Return the name without its namespace."""
    return element.tag.rpartition("}")[2]


def namespace(element: Element) -> str:
    """Return the namespace, or "" when there is none."""
    return element.tag.partition("}")[0].removeprefix("{") if "}" in element.tag else ""


def children(element: Element, name: str) -> list[Element]:
    """Return the direct children of that local name, in document order."""
    ending = "}" + name
    found = []
    for node in element:
        tag: object = node.tag  # a function, for a comment
        if isinstance(tag, str) and (tag.endswith(ending) or tag == name):
            found.append(node)
    return found


def child(element: Element, name: str, *, where: str = "") -> Element | None:
    """Return the only child of that name, or None.

    Raises:
        MalformedDocumentError: STRUCTURE, when there are two: readers would disagree about which one counts.

    """
    found = children(element, name)
    if len(found) > 1:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{where} {name}".strip())
    return found[0] if found else None


def required_child(element: Element, name: str, *, where: str = "") -> Element:
    """Return the only child of that name.

    Raises:
        MalformedDocumentError: STRUCTURE, when there is none or more than one.

    """
    found = child(element, name, where=where)
    if found is None:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{where} {name}".strip())
    return found


def text_of(element: Element, *, where: str = "") -> str:
    """Return the text without the white space of XML around it; "" when there is none.

    Raises:
        MalformedDocumentError: STRUCTURE, when a comment, a processing instruction or an element stands in the text:
            some readers would join the pieces, some take the first only.

    """
    if len(element):
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{where} {local_name(element)}".strip())
    return (element.text or "").strip(WHITE_SPACE)


def attribute(element: Element, name: str) -> str | None:
    """Return the attribute of that name without namespace, as written; None when it is missing."""
    return element.attrib.get(name)
