"""What an OFD package holds: the bodies of OFD.xml, and for each document the files that a viewer would open."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from adapters.document import Note
from adapters.errors import Malformed, MalformedDocumentError
from adapters.metadata import is_same_statement, is_tag
from adapters.ofd.package import Package, Part, location_at, location_in
from adapters.strict.bounds import MAX_BODIES
from adapters.strict.xml import (
    WHITE_SPACE,
    attribute,
    child,
    children,
    is_element,
    local_name,
    namespace,
    required_child,
    text_of,
)

INDEX: Final = "OFD.xml"  # fixed name, GB/T 33190 section 6
_NAMESPACE_WITHOUT_YEAR: Final = "http://www.ofdspec.org"
_CUSTOM_DATAS: Final = frozenset({"CustomDatas", "CuslomDatas"})

# Custom data that say which program wrote the file, in the spellings of real files; anything else may be relied on.
_PRODUCER_MARKS: Final = frozenset({"native-producer", "native_producer", "producer-version", "template-version"})

# The start of a document root, behind whatever may stand before a root element.
_DOCUMENT_START: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s+|<\?.*?\?>|<!--.*?-->)*+<(?:[^\s<>/:]+:)?Document[\s/>]", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One DocBody: its document, earlier or later versions of it, its list of signatures, its licence elements.

    ``custom`` holds those CustomDatas whose names are tags of GB/T 36903 or extension fields.
    """

    document: str
    versions: tuple[str, ...]
    signature_list: str | None
    custom: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file that a list of attachments or custom tags names; ``format`` is @Format in lower case, or ""."""

    path: str
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFiles:
    """What a document carries beside its pages."""

    attachments: tuple[NamedFile, ...] = ()
    tags: tuple[NamedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """OFD.xml; ``has_custom_data``: whether any program could take more from it than the names of files.

    Texts of DocInfo (title, author and the like) do not count: nobody here uses or shows them.
    """

    bodies: tuple[Body, ...]
    has_custom_data: bool


def is_document_root(content: bytes) -> bool:
    """Whether a member looks like the root file of a document, which an index could choose to show."""
    return _DOCUMENT_START.match(content) is not None


def read_index(package: Package) -> Index:
    """Return what OFD.xml says.

    Raises:
        MalformedDocumentError: whatever is wrong with OFD.xml or the versions that it names.

    """
    index = package.parse(INDEX, Part.INDEX, root="OFD")
    if namespace(index) == _NAMESPACE_WITHOUT_YEAR:
        package.notes.add(Note.NAMESPACE_WITHOUT_YEAR)
    bodies = children(index, "DocBody")
    if not bodies:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{INDEX} DocBody")
    if len(bodies) > MAX_BODIES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, f"{INDEX} DocBody")
    return Index(
        bodies=tuple(_read_body(package, body) for body in bodies),
        has_custom_data=any(_is_custom_data(node) for node in index.iter() if is_element(node)),
    )


def read_document(package: Package, path: str) -> DocumentFiles:
    """Open what a viewer opens to show a document; what lists of resources and pages name is not followed.

    Pages, templates, attachments and tags that are named must be there. A list of annotations or of resources that is
    missing shows nothing (real files name some; if it was signed, its reference is dangling), so it is noted only.

    Raises:
        MalformedDocumentError: MISSING_MEMBER, LOOP, PATH, STRUCTURE, or what is wrong with an XML file.

    """
    document = package.parse(path, Part.DOCUMENT, root="Document")
    pages = children(required_child(document, "Pages", where=path), "Page")
    if not pages:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{path} Page")
    common = child(document, "CommonData", where=path)
    templates = [] if common is None else children(common, "TemplatePage")
    for kind in ("PublicRes", "DocumentRes"):
        for resources in [] if common is None else children(common, kind):
            if location_in(resources, path) not in package.members:
                package.notes.add(Note.RESOURCES_MISSING)
    for page in pages + templates:
        package.claim_shown(location_at(page, "BaseLoc", path))
    _read_annotations(package, document, path)
    return DocumentFiles(
        attachments=_read_list(package, document, path, name="Attachments", entry="Attachment"),
        tags=_read_list(package, document, path, name="CustomTags", entry="CustomTag"),
    )


def _read_body(package: Package, body: Element) -> Body:
    signatures = child(body, "Signatures", where=INDEX)
    versions = child(body, "Versions", where=INDEX)
    entries = [] if versions is None else children(versions, "Version")
    if len(entries) > MAX_BODIES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, f"{INDEX} Versions")
    return Body(
        document=location_in(required_child(body, "DocRoot", where=INDEX), INDEX),
        versions=tuple(_read_version(package, location_at(entry, "BaseLoc", INDEX)) for entry in entries),
        signature_list=None if signatures is None else _signature_list(signatures),
        custom=_read_custom_datas(package, child(body, "DocInfo", where=INDEX)),
    )


def _is_custom_data(element: Element) -> bool:
    """Whether an element is one of custom data and no mark of a producer, or bears the name of a licence element."""
    own, name = local_name(element), attribute(element, "Name")
    if own in _CUSTOM_DATAS:
        return any(is_element(node) and local_name(node) != "CustomData" for node in element)
    return (own == "CustomData" and name not in _PRODUCER_MARKS) or is_tag(own) or is_tag(name or "")


def _signature_list(signatures: Element) -> str | None:
    """Return where the signatures are listed; an empty element lists none."""
    return location_in(signatures, INDEX) if text_of(signatures, where=INDEX) else None


def _read_version(package: Package, path: str) -> str:
    """Return the document of one version (GB/T 33190 section 19), which a viewer may show instead of DocRoot."""
    version = package.parse(path, Part.VERSION, root="DocVersion")
    return location_in(required_child(version, "DocRoot", where=path), path)


def _read_custom_datas(package: Package, info: Element | None) -> dict[str, str]:
    """Return the licence elements of a DocInfo, under the right spelling of CustomDatas or the one that is in use."""
    if info is None:
        return {}
    well_spelt = child(info, "CustomDatas", where=INDEX)
    misspelt = child(info, "CuslomDatas", where=INDEX)
    if misspelt is not None:
        package.notes.add(Note.MISSPELT_CUSTOM_DATAS)
    if well_spelt is not None and misspelt is not None:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{INDEX} CustomDatas")
    found = well_spelt if well_spelt is not None else misspelt
    elements: dict[str, str] = {}
    for entry in [] if found is None else children(found, "CustomData"):
        name = (attribute(entry, "Name") or "").strip(WHITE_SPACE)
        if is_tag(name):
            add_element(elements, name, text_of(entry, where=INDEX), INDEX)
    return elements


def add_element(elements: dict[str, str], name: str, text: str, where: str) -> None:
    """Add a licence element; one that says two things is refused, because readers would disagree which one counts."""
    if not is_same_statement(name, elements.setdefault(name, text), text):
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{where} {name}")


def _read_annotations(package: Package, document: Element, path: str) -> None:
    named = child(document, "Annotations", where=path)
    if named is None:
        return
    list_path = location_in(named, path)
    if list_path not in package.members:
        package.notes.add(Note.ANNOTATIONS_MISSING)
        return
    annotations = package.parse(list_path, Part.ANNOTATION_LIST, root="Annotations")
    for page in children(annotations, "Page"):
        package.claim_shown(location_in(required_child(page, "FileLoc", where=list_path), list_path))


def _read_list(package: Package, document: Element, path: str, *, name: str, entry: str) -> tuple[NamedFile, ...]:
    """Read the list of attachments or of custom tags; both name their files in FileLoc."""
    named = child(document, name, where=path)
    if named is None:
        return ()
    list_path = location_in(named, path)
    part = Part.ATTACHMENT_LIST if entry == "Attachment" else Part.TAG_LIST
    files = []
    for element in children(package.parse(list_path, part, root=name), entry):
        file_path = location_in(required_child(element, "FileLoc", where=list_path), list_path)
        package.claim(file_path, Part.CONTENT)
        files.append(NamedFile(path=file_path, format=(attribute(element, "Format") or "").lower()))
    return tuple(files)
