"""Where an OFD file carries the metadata of GB/T 36903; no text at hand says which place GB/T 36905 prescribes."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from adapters.errors import Malformed, MalformedDocumentError
from adapters.licence import Licence
from adapters.metadata import IDENTIFYING_TAGS, is_licence_metadata, is_tag, parse_licence
from adapters.ofd.document import INDEX, Body, DocumentFiles, NamedFile, add_element
from adapters.ofd.package import Package
from adapters.strict.bounds import MAX_LICENCE_ELEMENTS, MAX_LICENCE_FILE, MAX_LICENCE_FILES
from adapters.strict.xml import attribute, is_element, local_name, parse_xml, text_of

# Attachments may be XML of any kind and encoding (invoices in GBK are); only those that speak of a licence are read:
# a tag stands there as the name of an element, or in the quotes of an attribute.
_MENTIONS_A_TAG: Final = re.compile(
    rb"""[<:"'](?:%s)[\s/>"']""" % b"|".join(sorted(tag.encode("ascii") for tag in IDENTIFYING_TAGS))
)
_MAX_BRACKETS: Final = 4 * MAX_LICENCE_ELEMENTS  # a start and an end tag each, and as many again for grouping


def find_licence(
    package: Package, bodies: Sequence[Body], documents: Sequence[DocumentFiles]
) -> tuple[Licence, str] | None:
    """Return the licence and the member that carries it, from the first place that has one.

    1. CustomDatas of OFD.xml.
    2. An attachment in XML.
    3. A file of custom tags.

    A member that no signature covers carries nothing that may be trusted; that is for the caller to judge, for
    attachments and tags together with the lists that name them.

    Raises:
        MalformedDocumentError: a file that speaks of a licence cannot be read, or says two things about one element.

    """
    for body in bodies:  # 1
        if is_licence_metadata(body.custom):
            return parse_licence(body.custom), INDEX
    attachments = [file for document in documents for file in document.attachments if _is_xml(file)]  # 2
    tags = [file for document in documents for file in document.tags]  # 3
    paths = dict.fromkeys(file.path for file in attachments + tags)
    if len(paths) > MAX_LICENCE_FILES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "attachments")
    for path in paths:
        elements = _read_elements(package.members[path], path)
        if is_licence_metadata(elements):
            return parse_licence(elements), path
    return None


def _is_xml(file: NamedFile) -> bool:
    return file.format in {"xml", "text/xml", "application/xml"} or file.path.lower().endswith(".xml")


def _read_elements(content: bytes, path: str) -> Mapping[str, str]:
    """Return licence elements at any depth: ``<ZZMC>…</ZZMC>`` or ``<… Name="ZZMC">…</…>``.

    None are looked for in files larger than MAX_LICENCE_FILE: those are other data.
    """
    if len(content) > MAX_LICENCE_FILE or _MENTIONS_A_TAG.search(content) is None:
        return {}
    if content.count(b"<") > _MAX_BRACKETS:
        raise MalformedDocumentError(Malformed.TOO_LARGE, path)
    elements: dict[str, str] = {}
    for element in parse_xml(content, root=None, where=path).iter():
        name = _tag_of(element)
        # A tag around other elements points at text on a page (ObjectRef) or groups; it is no value itself.
        if name is not None and not any(is_element(node) for node in element):
            add_element(elements, name, text_of(element, where=path), path)
    return elements


def _tag_of(element: Element) -> str | None:
    if not is_element(element):
        return None
    names = (local_name(element), attribute(element, "Name"), attribute(element, "name"))
    return next((name for name in names if name is not None and is_tag(name)), None)
