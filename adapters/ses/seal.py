"""The e-seal (SESeal): its structure decides its standard, and what the maker signed is sliced from the input."""

import re
from typing import Final

from cryptography.hazmat import asn1

from adapters.document import Document, Format, Note, Seal, SealPicture, SignedPart, Standard
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ses.structures import CertificateDigest, Extension, Header, Picture, Seal2014, Seal2020
from adapters.signature_value import notes_of_signature
from adapters.strict.bounds import (
    MAX_ATTRIBUTES,
    MAX_CERTIFICATE,
    MAX_CERTIFICATES,
    MAX_DIGEST,
    MAX_PICTURE,
    MAX_PICTURE_MM,
    MAX_SEAL,
    MAX_SEAL_NUMBER,
    MAX_SEAL_TEXT,
    MAX_SIGNATURE_VALUE,
    MAX_TIMESTAMP,
)
from adapters.strict.der import (
    IA5_STRING,
    OCTET_STRING,
    SEQUENCE,
    Element,
    decode,
    encode_sequence,
    parse_element,
    peek_header,
)

SEAL_MARK: Final = "ES"  # header.ID of every e-seal
LIST_OF_CERTIFICATES: Final = 1  # certListType
LIST_OF_DIGESTS: Final = 2
FIELDS_2014: Final = 2
FIELDS_2020: Final = 4
FIELDS_2025: Final = 5  # the fifth is the time stamp
VERSIONS_2014: Final = range(1, 4)
VERSION_2020: Final = 4
VERSION_2025: Final = 5

# Control characters, line and paragraph separators and bidirectional overrides: they would let a seal's name change
# what a terminal, a log line or a clerk's screen shows. Private-use characters stay: rare Chinese names need them.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def looks_like_seal(data: bytes) -> bool:
    """Say whether the bytes begin like an e-seal, well-formed or not."""
    return is_seal_at(data, 0)


def is_seal_at(data: bytes, position: int) -> bool:
    """Say whether a seal begins at ``position``: three SEQUENCEs that open with the IA5String "ES"."""
    for _ in range(3):
        header = peek_header(data, position)
        if header is None or header[0] != SEQUENCE:
            return False
        position = header[1]
    return data[position : position + 4] == bytes((IA5_STRING, len(SEAL_MARK))) + SEAL_MARK.encode("ascii")


def parse_seal(data: bytes) -> Seal:
    """Read an e-seal of any of the three standards; nothing is verified.

    The number of fields decides the standard (2: 2014, 4: 2020, 5: 2025, and 2025 also by header version 5);
    a header version that says otherwise becomes a note.

    Raises:
        MalformedDocumentError: ``DER`` or ``TOO_LARGE``; names of structures only, never what they hold.
    """
    root = parse_element(data, limit=MAX_SEAL)
    fields = len(root.children())
    if fields == FIELDS_2014:
        return read_seal_2014(root, decode(Seal2014, data, "SESeal"))
    if fields in {FIELDS_2020, FIELDS_2025}:
        return read_seal_2020(root, decode(Seal2020, data, "SESeal"))
    raise MalformedDocumentError(Malformed.DER, f"SESeal has {fields} fields")


def seal_document(data: bytes) -> Document:
    """Read a bare seal file (``*.esl``) as a document without signatures.

    Raises:
        MalformedDocumentError: as :func:`parse_seal`.
    """
    return Document(format=Format.SEAL, bare_seal=parse_seal(data))


def read_seal_2020(element: Element, seal: Seal2020) -> Seal:
    """Turn a decoded version 4 or 5 seal into a Seal; ``element`` is where it stands in the input."""
    if element.end - element.start > MAX_SEAL:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SESeal")
    info_element = element.child(0)
    info = seal.info
    certificates, digests = _listed_2020(info.property.list_type, _list_of(info_element, index=3))
    version = _number(info.header.version, "header.version")
    newer = seal.timestamp is not None or version == VERSION_2025
    expected = VERSION_2025 if newer else VERSION_2020
    signature = whole_bytes(seal.signature, "signedValue", MAX_SIGNATURE_VALUE)
    notes = notes_of_signature(signature) | notes_of_extensions(info.extensions)
    if version != expected:
        notes |= {Note.VERSION_CONTRADICTION}
    return Seal(
        encoded=element.encoded,
        standard=Standard.GMT_0031_2025 if newer else Standard.GBT_38540_2020,
        header_version=version,
        vendor=_vendor(info.header),
        identifier=_text(info.identifier.as_str(), "esID"),
        name=_text(info.property.name, "property.name"),
        type=_number(info.property.type, "property.type"),
        created=info.property.created.as_datetime(),
        valid_from=info.property.valid_from.as_datetime(),
        valid_to=info.property.valid_to.as_datetime(),
        signer_certificates=certificates,
        signer_digests=digests,
        picture=_picture(info.picture),
        maker=SignedPart(
            message=info_element.encoded,
            signature=signature,
            algorithm=seal.algorithm.dotted_string,
            certificate=bounded_certificate(seal.certificate, "cert"),
        ),
        timestamp=None if seal.timestamp is None else whole_bytes(seal.timestamp, "timeStamp", MAX_TIMESTAMP),
        critical_extensions=critical_extensions(info.extensions),
        notes=notes,
    )


def read_seal_2014(element: Element, seal: Seal2014) -> Seal:
    """Turn a decoded version 1 to 3 seal into a Seal; ``element`` is where it stands in the input.

    The maker's message is not in the file: the standard has sealInfo, certificate and algorithm signed under one
    SEQUENCE, which is put around the original bytes of the three.
    """
    if element.end - element.start > MAX_SEAL:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "SESeal")
    info_element, sign_info_element = element.children()
    certificate_element, algorithm_element, _ = sign_info_element.children()
    info = seal.info
    certificates, notes = _listed_2014(_list_of(info_element, index=2))
    version = _number(info.header.version, "header.version")
    signature = whole_bytes(seal.sign_info.signature, "signData", MAX_SIGNATURE_VALUE)
    notes |= notes_of_signature(signature) | notes_of_extensions(info.extensions)
    if version not in VERSIONS_2014:
        notes |= {Note.VERSION_CONTRADICTION}
    times = (info.property.created, info.property.valid_from, info.property.valid_to)
    if any(isinstance(time, asn1.GeneralizedTime) for time in times):
        notes |= {Note.MIXED_ENCODING}
    created, valid_from, valid_to = (time.as_datetime() for time in times)
    return Seal(
        encoded=element.encoded,
        standard=Standard.GMT_0031_2014,
        header_version=version,
        vendor=_vendor(info.header),
        identifier=_text(info.identifier.as_str(), "esID"),
        name=_text(info.property.name, "property.name"),
        type=_number(info.property.type, "property.type"),
        created=created,
        valid_from=valid_from,
        valid_to=valid_to,
        signer_certificates=certificates,
        signer_digests=(),
        picture=_picture(info.picture),
        maker=SignedPart(
            message=encode_sequence((info_element.encoded, certificate_element.encoded, algorithm_element.encoded)),
            signature=signature,
            algorithm=seal.sign_info.algorithm.dotted_string,
            certificate=bounded_certificate(seal.sign_info.certificate, "cert"),
        ),
        critical_extensions=critical_extensions(info.extensions),
        notes=notes,
    )


def notes_of_extensions(extensions: list[Extension] | None) -> frozenset[Note]:
    """Note a critical FALSE that is written out although DER leaves defaults away; bound their number."""
    if extensions is None:
        return frozenset()
    if len(extensions) > MAX_ATTRIBUTES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "extDatas")
    written_out = any(extension.critical is False for extension in extensions)
    return frozenset({Note.DEFAULT_WRITTEN_OUT}) if written_out else frozenset()


def critical_extensions(extensions: list[Extension] | None) -> frozenset[str]:
    """Return the dotted OIDs of the extensions that must be understood; no extension of a seal is known here."""
    return frozenset(extension.identifier.dotted_string for extension in extensions or () if extension.critical)


def whole_bytes(bits: asn1.BitString, where: str, limit: int) -> bytes:
    """Return the bytes of a BIT STRING without unused bits, at most ``limit`` of them."""
    if bits.padding_bits():
        raise MalformedDocumentError(Malformed.DER, f"{where} has unused bits")
    return bounded(bits.as_bytes(), where, limit)


def bounded(data: bytes, where: str, limit: int) -> bytes:
    """Return ``data`` if it is at most ``limit`` bytes long."""
    if len(data) > limit:
        raise MalformedDocumentError(Malformed.TOO_LARGE, where)
    return data


def bounded_certificate(data: bytes, where: str) -> bytes:
    """Return the bytes that are said to be a certificate; whether they are one is for others to read."""
    return bounded(data, where, MAX_CERTIFICATE)


def _list_of(info: Element, *, index: int) -> tuple[Element, ...]:
    """Return the entries of certList, field ``index`` of the property inside sealInfo."""
    certificate_list = info.child(2).child(index)
    if certificate_list.tag != SEQUENCE:
        raise MalformedDocumentError(Malformed.DER, "certList")
    entries = certificate_list.children()
    if len(entries) > MAX_CERTIFICATES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, "certList")
    return entries


def _listed_2020(list_type: int, entries: tuple[Element, ...]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the listed certificates and the listed digests; certListType says which of the two there are."""
    if list_type == LIST_OF_CERTIFICATES:
        if any(entry.tag != OCTET_STRING for entry in entries):
            raise MalformedDocumentError(Malformed.DER, "certList")
        return tuple(bounded_certificate(entry.content, "certList") for entry in entries), ()
    if list_type == LIST_OF_DIGESTS:
        return (), tuple(_digest(decode(CertificateDigest, entry.encoded, "certList")) for entry in entries)
    raise MalformedDocumentError(Malformed.DER, "certListType")


def _digest(entry: CertificateDigest) -> bytes:
    return bounded(entry.value, "certList", MAX_DIGEST)


def _listed_2014(entries: tuple[Element, ...]) -> tuple[tuple[bytes, ...], frozenset[Note]]:
    """Return the listed certificates; entries that are put into an IA5String are read with a note."""
    notes: frozenset[Note] = frozenset()
    for entry in entries:
        if entry.tag == IA5_STRING:
            notes = frozenset({Note.IA5_CERTIFICATE_LIST})
        elif entry.tag != OCTET_STRING:
            raise MalformedDocumentError(Malformed.DER, "certList")
    return tuple(bounded_certificate(entry.content, "certList") for entry in entries), notes


def _picture(picture: Picture) -> SealPicture:
    width, height = picture.width, picture.height
    if not (0 <= width <= MAX_PICTURE_MM and 0 <= height <= MAX_PICTURE_MM):
        raise MalformedDocumentError(Malformed.DER, "picture size")
    return SealPicture(
        format=_text(picture.format.as_str(), "picture.type").lower(),
        data=bounded(picture.data, "picture.data", MAX_PICTURE),
        width_mm=width,
        height_mm=height,
    )


def _vendor(header: Header) -> str:
    if header.identifier.as_str() != SEAL_MARK:
        raise MalformedDocumentError(Malformed.DER, "header.ID")
    return _text(header.vendor.as_str(), "header.Vid")


def _text(text: str, where: str) -> str:
    if len(text) > MAX_SEAL_TEXT:
        raise MalformedDocumentError(Malformed.TOO_LARGE, where)
    if _UNPRINTABLE.search(text):
        raise MalformedDocumentError(Malformed.DER, f"{where} has control characters")
    return text


def _number(value: int, where: str) -> int:
    if not 0 <= value <= MAX_SEAL_NUMBER:
        raise MalformedDocumentError(Malformed.DER, where)
    return value
