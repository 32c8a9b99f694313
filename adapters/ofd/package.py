"""The members of an OFD package while it is read: which file plays which part, and what was unusual on the way."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from xml.etree.ElementTree import Element

from adapters.document import Note
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ofd.location import resolve
from adapters.strict.bounds import MAX_PACKAGE_XML
from adapters.strict.member_name import fold
from adapters.strict.xml import WHITE_SPACE, parse_xml, text_of


class Part(StrEnum):
    """The parts a file can play in naming others, and those that name none."""

    INDEX = "OFD.xml"
    VERSION = "version"
    DOCUMENT = "document"
    ANNOTATION_LIST = "annotation list"
    ATTACHMENT_LIST = "attachment list"
    TAG_LIST = "custom tag list"
    SIGNATURE_LIST = "signature list"
    SIGNATURE = "signature"
    SIGNED_VALUE = "signed value"
    CONTENT = "content"  # pages, templates, resources, annotations, attachments, tags: they may share a file


class Package:
    """Members by name; a file that is to play two parts names itself in the end, which is a loop."""

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self.members = members
        self.notes: set[Note] = set()
        self._parts: dict[str, Part] = {}
        self._parsed = 0  # bytes of XML read so far

    def claim(self, path: str, part: Part) -> bytes:
        """Return a member for its part; only content may be named more than once.

        Raises:
            MalformedDocumentError: MISSING_MEMBER; LOOP, when the member already plays another part; STRUCTURE, when
                it plays this one already (so that a list of names cannot make us read one file a thousand times).

        """
        content = self.members.get(path)
        if content is None:
            raise MalformedDocumentError(Malformed.MISSING_MEMBER, path)
        before = self._parts.get(path)
        if before not in {None, part}:
            raise MalformedDocumentError(Malformed.LOOP, path)
        if before is not None and part is not Part.CONTENT:
            raise MalformedDocumentError(Malformed.STRUCTURE, path)
        self._parts[path] = part
        return content

    def parse(self, path: str, part: Part, *, root: str) -> Element:
        """Return the root element of a member for its part.

        Raises:
            MalformedDocumentError: what :meth:`claim` and the XML reader raise; TOO_LARGE, when all XML files of the
                package together are.

        """
        self.count(len(self.claim(path, part)), path)
        return parse_xml(self.members[path], root=root, where=path)

    def count(self, size: int, path: str) -> None:
        """Count the bytes of an XML file that is read.

        Raises:
            MalformedDocumentError: TOO_LARGE, when all of them together are more than MAX_PACKAGE_XML.

        """
        self._parsed += size
        if self._parsed > MAX_PACKAGE_XML:
            raise MalformedDocumentError(Malformed.TOO_LARGE, path)

    def claim_shown(self, path: str) -> bytes:
        """Return a member that a viewer shows; its name may differ in case or width, under a note.

        Real files name "TPLS/…" for "Tpls/…". The reader of the package has refused two names that differ in nothing
        else, so viewers that are strict show nothing, and all others show this member.

        Raises:
            MalformedDocumentError: as :meth:`claim`.

        """
        if path not in self.members and fold(path) in self._by_folded_name:
            self.notes.add(Note.LOCATION_DIFFERS_IN_CASE)
            path = self._by_folded_name[fold(path)]
        return self.claim(path, Part.CONTENT)

    @cached_property
    def _by_folded_name(self) -> dict[str, str]:
        return {fold(name): name for name in self.members}


def location_in(element: Element, base: str) -> str:
    """Return the member that the text of an element names; ``base`` is the member in which the element stands."""
    return resolve(base, text_of(element, where=base))


def location_at(element: Element, name: str, base: str) -> str:
    """Return the member that an attribute names; a missing attribute is STRUCTURE."""
    location = element.attrib.get(name)
    if location is None:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{base} @{name}")
    return resolve(base, location.strip(WHITE_SPACE))
