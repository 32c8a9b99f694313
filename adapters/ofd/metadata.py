"""Where an OFD file carries the metadata of GB/T 36903; no text at hand says which place GB/T 36905 prescribes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from adapters.errors import Malformed, MalformedDocumentError
from adapters.licence import Licence
from adapters.metadata import EXTENSION_PREFIX, TAGS, is_licence_metadata, is_tag, parse_licence
from adapters.ofd.document import INDEX, Body, DocumentFiles, NamedFile, add_element
from adapters.ofd.package import Package
from adapters.strict.bounds import MAX_LICENCE_FILE, MAX_LICENCE_FILES
from adapters.strict.xml import WHITE_SPACE, attribute, is_element, local_name, parse_xml, text_of

# A file in which no tag stands as written holds none, unless a character reference spells it.
_HAS_A_TAG: Final = re.compile(b"|".join(sorted(name.encode("ascii") for name in TAGS | {EXTENSION_PREFIX})))

# A file that cannot be parsed speaks of a licence when a tag stands there as a name or in the quotes of an attribute.
_NAMES_A_TAG: Final = re.compile(rb"""[<:"'](?:%s)[\s/>"']""" % b"|".join(sorted(tag.encode("ascii") for tag in TAGS)))

_XML_STARTS: Final = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff\0<")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The licence, the members that carry elements of it, and whether a file speaks of one and cannot be used."""

    licence: Licence | None
    members: frozenset[str]
    unreadable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One file; ``unusable`` when it speaks of a licence and cannot be read, ``points`` when its tags hold no texts."""

    elements: dict[str, str]
    unusable: bool = False
    points: bool = False


_OTHER_DATA: Final = _File(elements={})


def find_licence(package: Package, bodies: Sequence[Body], documents: Sequence[DocumentFiles]) -> Metadata:
    """Return the licence that all places together describe.

    1. CustomDatas of OFD.xml, in every body.
    2. Attachments in XML.
    3. Files of custom tags.

    All of them are read, because another reader may prefer any: an element that is stated twice must say the same.
    A member that no signature covers carries nothing that may be trusted; that is for the caller to judge, for
    attachments and tags together with the lists that name them.

    Raises:
        MalformedDocumentError: STRUCTURE, when two places contradict each other, or a text is not one; TOO_LARGE.

    """
    found: list[tuple[str, _File]] = [(INDEX, _File(elements=dict(body.custom))) for body in bodies]  # 1
    attachments = [file for one in documents for file in one.attachments if _is_xml(file, package)]  # 2
    tags = [file for one in documents for file in one.tags]  # 3
    paths = dict.fromkeys(file.path for file in attachments + tags)
    if len(paths) > MAX_LICENCE_FILES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "attachments")
    found += [(path, _read_file(package, path)) for path in paths]
    elements: dict[str, str] = {}
    for path, file in found:
        for name, text in file.elements.items():
            add_element(elements, name, text, path)
    unreadable = any(file.unusable for _, file in found)
    if not is_licence_metadata(elements):
        pointed = any(file.points for _, file in found)
        return Metadata(licence=None, members=frozenset(), unreadable=unreadable or pointed)
    return Metadata(
        licence=parse_licence(elements),
        members=frozenset(path for path, file in found if file.elements),
        unreadable=unreadable,
    )


def _is_xml(file: NamedFile, package: Package) -> bool:
    """Whether a file says that it is XML, or begins like it."""
    return (
        file.format in {"xml", "text/xml", "application/xml"}
        or file.path.lower().endswith(".xml")
        or package.members[file.path].startswith(_XML_STARTS)
    )


def _read_file(package: Package, path: str) -> _File:
    """Return licence elements at any depth: ``<ZZMC>…</ZZMC>`` or ``<… Name="ZZMC">…</…>``.

    Attachments may be XML of any kind and encoding (invoices in GBK are), so what cannot be parsed is a fault only
    where it speaks of a licence. Files larger than MAX_LICENCE_FILE are other data, or unusable.
    """
    content = package.members[path]
    start = content[:MAX_LICENCE_FILE]
    if b"&#" not in start and not _HAS_A_TAG.search(start.replace(b"\0", b"")):
        return _OTHER_DATA
    unusable = _File(elements={}, unusable=_NAMES_A_TAG.search(start.replace(b"\0", b"")) is not None)
    if len(content) > MAX_LICENCE_FILE:
        return unusable
    package.count(len(content), path)
    try:
        root = parse_xml(content, root=None, where=path)
    except MalformedDocumentError:
        return unusable
    return _read_elements(root, path)


def _read_elements(root: Element, path: str) -> _File:
    elements: dict[str, str] = {}
    valued = points = False
    for element in root.iter():
        name = _tag_of(element)
        if name is None:
            continue
        # A tag around other elements points at text on a page (ObjectRef) or groups; it is no value itself.
        if any(is_element(node) for node in element):
            points = True
            continue
        text = text_of(element, where=path)
        if not text and (attribute(element, "Value") or attribute(element, "value")):
            valued = True  # a spelling that nobody here has seen, so nobody can say what it means
            continue
        add_element(elements, name, text, path)
    return _File(elements=elements, unusable=valued, points=points)


def _tag_of(element: Element) -> str | None:
    if not is_element(element):
        return None
    names = (local_name(element), attribute(element, "Name"), attribute(element, "name"))
    stripped = (name.strip(WHITE_SPACE) for name in names if name is not None)
    return next((name for name in stripped if is_tag(name)), None)
