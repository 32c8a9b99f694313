"""The signatures of an OFD package (GB/T 33190 section 18, GM/T 0099): who signed which members; nothing is judged."""

from collections.abc import Sequence
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
from adapters.strict.xml import (
    WHITE_SPACE,
    attribute,
    child,
    children,
    is_element,
    local_name,
    required_child,
    text_of,
)

_NON_STANDARD_SM3: Final = "1.2.156.10197.1.401.2"  # HMAC-SM3 in truth; one vendor writes it and digests with SM3
_MAX_NUMBER_LENGTH: Final = 16  # characters of MaxSignId
_KINDS: Final = {None: SignatureKind.SEAL, "Seal": SignatureKind.SEAL, "Sign": SignatureKind.SIGN}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One entry of Signatures.xml; ``relative`` is the id of the signature it builds on (GM/T 0099)."""

    id: str
    kind: SignatureKind
    path: str
    relative: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureList:
    """One Signatures.xml: its signatures in its order; ``is_plain``: it holds nothing that could be anything else."""

    signatures: tuple[DocumentSignature, ...]
    is_plain: bool


def read_signatures(package: Package, list_path: str) -> SignatureList:
    """Return the signatures that one Signatures.xml lists.

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
    return SignatureList(
        signatures=tuple(_read_signature(package, entry) for entry in entries), is_plain=_is_plain(root)
    )


def _is_plain(root: Element) -> bool:
    """Whether a list of signatures has entries and their highest number, and no other element or text."""
    for node in root:
        if (node.tail or "").strip(WHITE_SPACE) or not is_element(node):
            return False
        text = (node.text or "").strip(WHITE_SPACE)
        if len(node) or local_name(node) not in {"MaxSignId", "Signature"}:
            return False
        if text and (local_name(node) == "Signature" or len(text) > _MAX_NUMBER_LENGTH):
            return False
    return not (root.text or "").strip(WHITE_SPACE)


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
    references, relative = _read_references(package, info, entry.path)
    seal_path = _read_seal_path(info, entry.path)
    own_files = frozenset({entry.path, value_path})
    try:
        signature = _join(value, entry, data=package.members[entry.path], references=references, own_files=own_files)
    except MalformedDocumentError as error:  # say in which of the files it is
        raise MalformedDocumentError(error.malformed, f"{value_path} {error.where}".strip()) from error
    notes = set(signature.notes)
    if relative:
        notes.add(Note.RELATIVE_REFERENCES)
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


def _read_references(package: Package, info: Element, path: str) -> tuple[References, bool]:
    """Return the references, and whether any of them starts from the folder of Signature.xml."""
    element = required_child(info, "References", where=path)
    entries = children(element, "Reference")
    if len(entries) > MAX_REFERENCES:
        raise MalformedDocumentError(Malformed.TOO_LARGE, path)
    locations = [_location_of(entry, path) for entry in entries]
    base = _select_base(package, locations, path)
    references = References(
        method=attribute(element, "CheckMethod") or "",
        entries=tuple(
            _read_reference(package, entry, resolve(base, location), path)
            for entry, location in zip(entries, locations, strict=True)
        ),
    )
    return references, "/" in base and not all(location.startswith("/") for location in locations)


def _location_of(entry: Element, path: str) -> str:
    location = attribute(entry, "FileRef")
    if location is None:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{path} @FileRef")
    return location.strip(WHITE_SPACE)


def _select_base(package: Package, locations: Sequence[str], path: str) -> str:
    """Return from where the relative FileRefs of one signature start: Signature.xml (``path``), or the root ("").

    The standard says the first; "./Doc_0/Document.xml" and the like in real files mean the second. It is one of the
    two for all of them, and no FileRef may fit both: else a member could be put aside under the signature's folder
    while another takes its place. Where no member is there, the standard holds, and the references dangle.

    Raises:
        MalformedDocumentError: STRUCTURE, when neither or both will do; PATH.

    """
    from_root = from_folder = False
    for location in locations:
        if location.startswith("/"):
            continue
        here, there = resolve(path, location), _from_root(location)
        if here == there:
            continue
        found_here, found_there = here in package.members, there in package.members
        from_folder |= found_here
        from_root |= found_there
    if from_root and from_folder:
        raise MalformedDocumentError(Malformed.STRUCTURE, f"{path} @FileRef")
    return "" if from_root else path


def _from_root(location: str) -> str | None:
    """Return the member that a relative location names from the root, or None where it would leave the package."""
    try:
        return resolve("", location)
    except MalformedDocumentError:
        return None


def _read_reference(package: Package, element: Element, member: str, path: str) -> Reference:
    """Read one protected member; no usable digest and no such member are for the caller to judge, not for us."""
    value = child(element, "CheckValue", where=path)
    return Reference(
        path=member,
        expected=None if value is None else _decode_digest(text_of(value, where=path)),
        content=package.members.get(member),
    )


def _decode_digest(text: str) -> bytes | None:
    """Return the bytes of a CheckValue, of whatever length; None when there are none to compare."""
    try:
        return decode_base64(text, limit=MAX_DIGEST, whitespace=True) or None
    except MalformedDocumentError:
        return None
