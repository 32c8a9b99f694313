"""What a parser may raise: one error, with the kind of fault as an enum and its place as text."""

from enum import StrEnum


class Malformed(StrEnum):
    """The kinds of fault a reader can find; the word is stable and appears in verdicts as the detail."""

    UNRECOGNISED = "unrecognised"  # no format of ours
    TOO_LARGE = "too-large"  # a bound of adapters.strict.bounds was reached
    ZIP = "zip"  # not a ZIP, truncated, or records that contradict each other
    ZIP_MEMBER_NAME = "zip.member-name"  # duplicate, absolute, "..", backslash, control characters
    ZIP_ENCRYPTED = "zip.encrypted"
    ZIP_OVERLAP = "zip.overlap"  # members that share bytes, or bytes that belong to no member
    XML = "xml"  # not well formed, or not the expected root
    XML_DTD = "xml.dtd"  # any document type declaration or entity
    XML_ENCODING = "xml.encoding"  # anything but UTF-8
    DER = "der"  # not DER, or not the structure of the standard
    BASE64 = "base64"
    JSON = "json"
    DATE = "date"
    PATH = "path"  # a location that is not inside the package
    MISSING_MEMBER = "missing-member"  # a file that another file names is absent
    LOOP = "loop"  # files that name each other in a circle
    STRUCTURE = "structure"  # well-formed, but a required element is missing or repeated


class MalformedDocumentError(Exception):
    """The bytes are not a document as the standard has it; the sender is at fault.

    ``malformed`` is the kind, ``where`` a member path, an offset or an element name, never a value of a field.
    """

    def __init__(self, malformed: Malformed, where: str = "") -> None:
        super().__init__(f"{malformed}: {where}" if where else str(malformed))
        self.malformed = malformed
        self.where = where
