"""The signature made with an e-seal (SES_Signature): signed bytes are sliced from the input, nothing is verified."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat import asn1

from adapters.document import (
    Document,
    DocumentSignature,
    Format,
    Note,
    References,
    Seal,
    SignatureKind,
    SignedPart,
    Standard,
)
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ses.seal import (
    FIELDS_2014,
    FIELDS_2020,
    FIELDS_2025,
    bounded,
    bounded_certificate,
    critical_extensions,
    is_seal_at,
    notes_of_extensions,
    read_seal_2014,
    read_seal_2020,
    whole_bytes,
)
from adapters.ses.signing_time import parse_time_octets
from adapters.ses.structures import SealSignature2014, SealSignature2020
from adapters.signature_value import notes_of_signature
from adapters.strict.bounds import (
    MAX_DIGEST,
    MAX_SEAL_NUMBER,
    MAX_SEAL_SIGNATURE,
    MAX_SEAL_TEXT,
    MAX_SIGNATURE_VALUE,
    MAX_TIMESTAMP,
)
from adapters.strict.der import IA5_STRING, INTEGER, SEQUENCE, Element, decode, parse_element, peek_header
from adapters.timestamp import parse_timestamp_token

_SEAL_FIELD: Final = 1  # place of eseal in TBS_Sign


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSignature:
    """An SES_Signature as read.

    ``signed`` holds the original bytes of TBS_Sign, with the seal inside them.
    ``signed_at`` is the signer's own claim in UTC; None: the 2014 form holds nothing readable there.
    ``data_hash`` is the SM3 that the signed bytes state for Signature.xml; ``property_info`` is where that file is
    said to be, as found: it is compared, never shown or opened.
    ``timestamp`` is a token over the signature value, or anything else that stands there; in the 2014 form it is what
    timeInfo holds, and the note TIMESTAMP_IN_TIME_INFO says when that is a token.
    """

    encoded: bytes
    standard: Standard
    version: int
    seal: Seal
    signed: SignedPart
    signed_at: datetime | None
    data_hash: bytes
    property_info: str
    timestamp: bytes | None
    notes: frozenset[Note]
    critical_extensions: frozenset[str] = frozenset()


def looks_like_seal_signature(data: bytes) -> bool:
    """Say whether the bytes begin like an SES_Signature, well-formed or not: a version, then a seal."""
    outer = peek_header(data, 0)
    tbs = peek_header(data, outer[1]) if outer is not None and outer[0] == SEQUENCE else None
    version = peek_header(data, tbs[1]) if tbs is not None and tbs[0] == SEQUENCE else None
    return version is not None and version[0] == INTEGER and is_seal_at(data, version[2])


def parse_seal_signature(data: bytes) -> SealSignature:
    """Read an SES_Signature of any of the three standards.

    The number of fields decides the form (2: 2014, 4 or 5: the later ones); within the later ones the seal decides.
    A version number that contradicts the structure becomes a note.

    Raises:
        MalformedDocumentError: ``DER`` or ``TOO_LARGE``; names of structures only, never what they hold.
    """
    root = parse_element(data, limit=MAX_SEAL_SIGNATURE)
    fields = root.children()
    if len(fields) == FIELDS_2014:
        return _read_2014(data, fields[0], decode(SealSignature2014, data, "SES_Signature"))
    if len(fields) in {FIELDS_2020, FIELDS_2025}:
        return _read_2020(data, fields[0], decode(SealSignature2020, data, "SES_Signature"))
    raise MalformedDocumentError(Malformed.DER, f"SES_Signature has {len(fields)} fields")


def document_signature(
    parsed: SealSignature,
    *,
    id: str,  # noqa: A002 - the field of DocumentSignature
    data: bytes | None,
    references: References | None,
    own_files: frozenset[str],
    location: str,
) -> DocumentSignature:
    """Put a seal signature into the place where it was found; ``location`` is the path of its Signature.xml.

    ``data`` are the bytes of that file. A property info that names another file is noted, and not more: what binds
    the file is the data hash.
    """
    notes = parsed.notes
    if location and parsed.property_info.lstrip("/") != location.lstrip("/"):
        notes |= {Note.PROPERTY_INFO_DIFFERS}
    return DocumentSignature(
        id=id,
        kind=SignatureKind.SEAL,
        standard=parsed.standard,
        signed=parsed.signed,
        signed_at=parsed.signed_at,
        data=data,
        data_hash=parsed.data_hash,
        references=references,
        own_files=own_files,
        location=location,
        seal=parsed.seal,
        timestamp=parsed.timestamp,
        critical_extensions=parsed.critical_extensions,
        notes=notes,
    )


def seal_signature_document(data: bytes) -> Document:
    """Read a bare SES_Signature (``SignedValue.dat``) as a document with one signature, whose data are not at hand.

    Raises:
        MalformedDocumentError: as :func:`parse_seal_signature`.
    """
    signature = document_signature(
        parse_seal_signature(data), id="1", data=None, references=None, own_files=frozenset(), location=""
    )
    return Document(format=Format.SEAL_SIGNATURE, signatures=(signature,))


def _read_2020(data: bytes, tbs_element: Element, decoded: SealSignature2020) -> SealSignature:
    tbs = decoded.tbs
    seal = read_seal_2020(tbs_element.child(_SEAL_FIELD), tbs.seal)
    signature = whole_bytes(decoded.signature, "signature", MAX_SIGNATURE_VALUE)
    property_info, notes = _property_info(tbs.property_info)
    notes |= notes_of_signature(signature) | notes_of_extensions(tbs.extensions)
    return SealSignature(
        encoded=data,
        standard=seal.standard,
        version=_version(tbs.version),
        seal=seal,
        signed=SignedPart(
            message=tbs_element.encoded,
            signature=signature,
            algorithm=decoded.algorithm.dotted_string,
            certificate=bounded_certificate(decoded.certificate, "cert"),
        ),
        signed_at=tbs.signed_at.as_datetime(),
        data_hash=_data_hash(tbs.data_hash),
        property_info=property_info,
        timestamp=None if decoded.timestamp is None else whole_bytes(decoded.timestamp, "timeStamp", MAX_TIMESTAMP),
        notes=notes | _version_notes(tbs.version, seal),
        critical_extensions=critical_extensions(tbs.extensions),
    )


def _read_2014(data: bytes, tbs_element: Element, decoded: SealSignature2014) -> SealSignature:
    tbs = decoded.tbs
    seal = read_seal_2014(tbs_element.child(_SEAL_FIELD), tbs.seal)
    signature = whole_bytes(decoded.signature, "signature", MAX_SIGNATURE_VALUE)
    property_info, notes = _property_info(tbs.property_info)
    if isinstance(tbs.time_info, bytes) or isinstance(tbs.data_hash, bytes):
        notes |= {Note.MIXED_ENCODING}
    signed_at, timestamp, time_notes = _time_2014(_octets(tbs.time_info, "timeInfo", MAX_TIMESTAMP))
    return SealSignature(
        encoded=data,
        standard=seal.standard,
        version=_version(tbs.version),
        seal=seal,
        signed=SignedPart(
            message=tbs_element.encoded,
            signature=signature,
            algorithm=tbs.algorithm.dotted_string,
            certificate=bounded_certificate(tbs.certificate, "cert"),
        ),
        signed_at=signed_at,
        data_hash=_data_hash(tbs.data_hash),
        property_info=property_info,
        timestamp=timestamp,
        notes=notes | time_notes | notes_of_signature(signature) | _version_notes(tbs.version, seal),
    )


def _time_2014(octets: bytes) -> tuple[datetime | None, bytes | None, frozenset[Note]]:
    """Return the claimed time, what is to be judged as a time stamp, and what is unusual about them.

    The signer signs timeInfo, so its time is the signer's claim whoever made it; what is neither token nor time is
    handed on as an unusable time stamp, and the signature has no signing time.
    """
    try:
        return parse_time_octets(octets), None, frozenset({Note.TEXT_TIME})
    except MalformedDocumentError:
        pass  # the standard's own case: a time stamp
    try:
        generated_at = parse_timestamp_token(octets).generated_at
    except MalformedDocumentError:
        return None, octets or None, frozenset()
    return generated_at, octets, frozenset({Note.TIMESTAMP_IN_TIME_INFO})


def _property_info(field: asn1.TLV) -> tuple[str, frozenset[Note]]:
    """Return the path as text; octets beyond ASCII are read as UTF-8, with a note, and never refuse a signature."""
    if field.tag_bytes != bytes((IA5_STRING,)):
        raise MalformedDocumentError(Malformed.DER, "propertyInfo")
    octets = bounded(bytes(field.data), "propertyInfo", MAX_SEAL_TEXT)
    notes = frozenset() if octets.isascii() else frozenset({Note.NON_ASCII_TEXT})
    return octets.decode("utf-8", "replace"), notes


def _data_hash(field: asn1.BitString | bytes) -> bytes:
    octets = _octets(field, "dataHash", MAX_DIGEST)
    if not octets:
        raise MalformedDocumentError(Malformed.DER, "dataHash is empty")
    return octets


def _octets(field: asn1.BitString | bytes, where: str, limit: int) -> bytes:
    return bounded(field, where, limit) if isinstance(field, bytes) else whole_bytes(field, where, limit)


def _version(version: int) -> int:
    if not 0 <= version <= MAX_SEAL_NUMBER:
        raise MalformedDocumentError(Malformed.DER, "version")
    return version


def _version_notes(version: int, seal: Seal) -> frozenset[Note]:
    """Note a TBS_Sign whose version is not that of the seal inside it, or whose seal contradicts itself."""
    if version != seal.header_version or Note.VERSION_CONTRADICTION in seal.notes:
        return frozenset({Note.VERSION_CONTRADICTION})
    return frozenset()
