"""The signatures of an OFD package (GB/T 33190 section 18, GM/T 0099): who signed which members; nothing is judged."""

from dataclasses import dataclass, replace
from typing import Final
from xml.etree.ElementTree import Element

from adapters.cms import sign_signature
from adapters.document import DocumentSignature, Note, Reference, References, SignatureKind
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ofd.location import resolve
from adapters.ofd.package import Package, Part, location_at, location_in
from adapters.ses.signature import document_signature, parse_seal_signature
from adapters.strict.base64 import decode_base64
from adapters.strict.bounds import MAX_DIGEST, MAX_REFERENCES, MAX_SIGNATURES
from adapters.strict.xml import attribute, child, children, required_child, text_of

_NON_STANDARD_SM3: Final = "1.2.156.10197.1.401.2"  # HMAC-SM3 in truth; one vendor writes it and digests with SM3
_KINDS: Final = {None: SignatureKind.SEAL, "Seal": SignatureKind.SEAL, "Sign": SignatureKind.SIGN}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One entry of Signatures.xml; ``relative`` is the id of the signature it builds on (GM/T 0099)."""

    id: str
    kind: SignatureKind
    path: str
    relative: str | None


def read_signatures(package: Package, list_path: str) -> tuple[DocumentSignature, ...]:
    """Return the signatures that one Signatures.xml lists, in its order.

    Raises:
        MalformedDocumentError: a signature is missing, has no value, cannot be read, or is listed twice; or the list
            is longer than MAX_SIGNATURES.

    """
    root = package.parse(list_path, Part.SIGNATURE_LIST, root="Signatures")
    elements = children(root, "Signature")
    if len(elements) > MAX_SIGNATURES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, list_path)
    entries = [_read_entry(element, list_path) for element in elements]
    ids = {entry.id for entry in entries}
    if len(ids) < len(entries) or len({entry.path for entry in entries}) < len(entries):
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{list_path} Signature")
    _check_bases(entries, list_path)
    return tuple(_read_signature(package, entry) for entry in entries)


def _read_entry(element: Element, list_path: str) -> _Entry:
    kind = _KINDS.get(attribute(element, "Type"))
    if kind is None:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{list_path} @Type")
    return _Entry(
        id=attribute(element, "ID") or "",
        kind=kind,
        path=location_at(element, "BaseLoc", list_path),
        relative=attribute(element, "Relative"),
    )


def _check_bases(entries: list[_Entry], list_path: str) -> None:
    """Refuse a base signature that is not listed, and signatures that are each other's base."""
    bases = {entry.id: entry.relative for entry in entries if entry.relative is not None}
    listed = {entry.id for entry in entries}
    for start in bases:
        seen = {start}
        base = bases.get(start)
        while base is not None:
            if base not in listed:
                raise MalformedDocumentError(Malformed.STRUCTURE, f"{list_path} @Relative")
            if base in seen:
                raise MalformedDocumentError(Malformed.LOOP, f"{list_path} @Relative")
            seen.add(base)
            base = bases.get(base)


def _read_signature(package: Package, entry: _Entry) -> DocumentSignature:
    """Read Signature.xml and the value beside it, and join them.

    A Seal.esl that is not the seal inside the signed value is noted, and is no file of this signature.
    """
    root = package.parse(entry.path, Part.SIGNATURE, root="Signature")
    info = required_child(root, "SignedInfo", where=entry.path)
    value_path = location_in(required_child(root, "SignedValue", where=entry.path), entry.path)
    value = package.claim(value_path, Part.SIGNED_VALUE)
    references = _read_references(package, info, entry.path)
    seal_path = _read_seal_path(info, entry.path)
    own_files = frozenset({entry.path, value_path})
    try:
        signature = _join(value, entry, data=package.members[entry.path], references=references, own_files=own_files)
    except MalformedDocumentError as error:  # say in which of the files it is
        raise MalformedDocumentError(error.malformed, f"{value_path} {error.where}".strip()) from error
    notes = set(signature.notes)
    if references.method == _NON_STANDARD_SM3:
        notes.add(Note.NON_STANDARD_CHECK_METHOD)
    seal_file = None if seal_path is None else package.members.get(seal_path)
    if seal_path is not None and seal_file is not None and signature.seal is not None:
        if seal_file == signature.seal.encoded:
            own_files |= {seal_path}
        else:
            notes.add(Note.SEAL_FILE_DIFFERS)
    return replace(signature, own_files=own_files, notes=frozenset(notes))


def _join(
    value: bytes, entry: _Entry, *, data: bytes, references: References, own_files: frozenset[str]
) -> DocumentSignature:
    """Read the signed value by the type that the list states: an e-seal's signature, or one of a plain certificate."""
    if entry.kind is SignatureKind.SEAL:
        return document_signature(
            parse_seal_signature(value),
            id=entry.id,
            data=data,
            references=references,
            own_files=own_files,
            location=entry.path,
        )
    return sign_signature(
        value, id=entry.id, data=data, references=references, own_files=own_files, location=entry.path
    )


def _read_seal_path(info: Element, path: str) -> str | None:
    """Return where a copy of the seal is said to be; the file may be absent, the seal is in the signed value."""
    seal = child(info, "Seal", where=path)
    location = None if seal is None else child(seal, "BaseLoc", where=path)
    return None if location is None else location_in(location, path)


def _read_references(package: Package, info: Element, path: str) -> References:
    element = required_child(info, "References", where=path)
    entries = children(element, "Reference")
    if len(entries) > MAX_REFERENCES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, path)
    return References(
        method=attribute(element, "CheckMethod") or "",
        entries=tuple(_read_reference(package, entry, path) for entry in entries),
    )


def _read_reference(package: Package, element: Element, path: str) -> Reference:
    """Read one protected member; no usable digest and no such member are for the caller to judge, not for us."""
    location = attribute(element, "FileRef")
    if location is None:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{path} @FileRef")
    member = _referenced(package, location.strip(), path)
    value = child(element, "CheckValue", where=path)
    return Reference(
        path=member,
        expected=None if value is None else _decode_digest(text_of(value, where=path)),
        content=package.members.get(member),
    )


def _referenced(package: Package, location: str, path: str) -> str:
    """Return the member that a FileRef means: from the folder of Signature.xml, else from the root of the package.

    The standard says the first; "./Doc_0/Document.xml" and the like in real files mean the second.
    Nothing is gained by choosing wrongly: the digest is compared with the member that is chosen, and no other counts
    as protected.
    """
    member = resolve(path, location)
    if member in package.members or location.startswith("/") or ".." in location.split("/"):
        return member
    return resolve("", location)


def _decode_digest(text: str) -> bytes | None:
    """Return the bytes of a CheckValue, of whatever length; None when there are none to compare."""
    try:
        return decode_base64(text, limit=MAX_DIGEST, whitespace=True) or None
    except MalformedDocumentError:
        return None
