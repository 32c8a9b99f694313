"""Whether the content of a document is what was signed: references, coverage, data hash."""

from collections.abc import Mapping

from adapters.document import Document, DocumentSignature, Note, SignatureKind
from adapters.ofd.document import is_document_root
from gateway.checks.answers import invalid, name_members, unknown, valid
from gateway.reason import Reason
from gateway.verdict import Check, CheckName
from keys.digest import DIGESTS, Digest, sm3

SM3_LENGTH = 32

# Names of SM3 that real producers write as @CheckMethod; the last one is non-standard and recorded by the reader.
SM3_METHODS = frozenset({"SM3", "1.2.156.10197.1.401", "1.2.156.10197.1.401.2"})


class MemberDigests:
    """The digests of a document's members and signed data, each computed once however often signatures refer to it.

    64 signatures may list 2,000 members each, and one may list the same large member 2,000 times; 64 signers of a
    SignedData share its content.
    """

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self._members = members
        self._known: dict[str, bytes] = {}
        self._known_data: dict[tuple[int, str], tuple[bytes, bytes]] = {}

    def of(self, path: str) -> bytes:
        """Return the digest of a member, which must be there."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = sm3(self._members[path])
        return known

    def of_data(self, data: bytes, algorithm: str, digest: Digest) -> bytes:
        """Return the digest of signed data by the algorithm of that name; equal bytes elsewhere are other data."""
        key = (id(data), algorithm)
        known = self._known_data.get(key)
        if known is None:  # the data are kept, so that no other data can come to have their identity
            known = self._known_data[key] = (data, digest.compute(data))
        return known[1]


def check_references(signature: DocumentSignature, digests: MemberDigests) -> Check | None:
    """Decide whether every member that the signature lists is there and has the digest that the signature states.

    None where the format has no references. SM3 is demanded: GB/T 33190 takes a missing method for MD5.
    References that start from the folder of the description mean what was signed only while it lies where the seal
    signature says: whoever moves it with the protected files can put others in their places.
    """
    references = signature.references
    if references is None:
        return None
    check = CheckName.REFERENCES
    if references.method.upper() not in SM3_METHODS:
        return invalid(check, Reason.REFERENCES_WEAK_DIGEST, name_members([references.method or "(missing)"]))
    if not references.entries:
        return invalid(check, Reason.REFERENCES_NO_VALUE)
    missing = [entry.path for entry in references.entries if entry.content is None]
    if missing:
        return invalid(check, Reason.REFERENCES_MISSING_MEMBER, name_members(missing))
    unstated = [e.path for e in references.entries if e.expected is None or len(e.expected) != SM3_LENGTH]
    if unstated:
        return invalid(check, Reason.REFERENCES_NO_VALUE, name_members(unstated))
    changed = [entry.path for entry in references.entries if digests.of(entry.path) != entry.expected]
    if changed:
        return invalid(check, Reason.REFERENCES_MISMATCH, name_members(changed))
    if Note.RELATIVE_REFERENCES in signature.notes:
        if signature.seal is None:
            return unknown(check, Reason.REFERENCES_PLACE_NOT_STATED, name_members([signature.location]))
        if Note.PROPERTY_INFO_DIFFERS in signature.notes:
            return invalid(check, Reason.REFERENCES_RELOCATED, name_members([signature.location]))
    return valid(check)


def check_coverage(signature: DocumentSignature, document: Document) -> Check | None:
    """Decide whether everything a reader can show or a program can read is among the references.

    May stay outside, because real producers leave it outside: lists that hold signatures and nothing else, this
    signature's own files, the files of other listed signatures (each is checked itself), and OFD.xml when there is
    nothing to choose for it: no custom data, one document, which is covered and the only one that is, and one list
    of signatures. Anything else is uncovered content.
    """
    if signature.references is None:
        return None
    check = CheckName.COVERAGE
    covered = {entry.path for entry in signature.references.entries}
    index = document.package_index
    uncovered = document.members.keys() - covered
    uncovered = uncovered.difference(*(other.own_files for other in document.signatures))
    if index not in uncovered or len(document.signature_lists) == 1:
        uncovered -= document.signature_lists
    if index in uncovered:
        if document.index_has_custom_data or index in document.licence_members:
            return invalid(check, Reason.COVERAGE_UNCOVERED_METADATA, name_members([index]))
        if _has_one_document(document, covered):
            uncovered -= {index}
    if uncovered:
        return invalid(check, Reason.COVERAGE_UNCOVERED_CONTENT, name_members(uncovered))
    outside = sorted(document.members.keys() - covered)
    return valid(check, f"outside, as allowed: {name_members(outside)}" if outside else None)


def _has_one_document(document: Document, covered: set[str]) -> bool:
    """Whether the index names one document, which is covered, and could not name another that is."""
    roots = {path for path in covered if is_document_root(document.members.get(path, b""))}
    return set(document.document_roots) == roots and len(roots) == 1


def check_data_hash(signature: DocumentSignature, digests: MemberDigests) -> Check | None:
    """Decide whether the signed hash is that of the signed data (Signature.xml, or the content of a SignedData).

    Content that a SignedData carries itself must be the data or its SM3 digest.
    None where this kind of signature signs the data directly.
    """
    check = CheckName.DATA_HASH
    if signature.data is None:
        return unknown(check, Reason.DATA_HASH_NOT_AT_HAND)
    hashed = signature.data
    if signature.attached is not None:
        if signature.attached not in (signature.data, sm3(signature.data)):
            return invalid(check, Reason.DATA_HASH_MISMATCH, "the attached content is not the signed file")
        hashed = signature.attached
    if signature.data_hash is None:
        # A plain signature covers the bytes themselves; a seal signature always states a hash.
        if signature.kind is SignatureKind.SEAL:
            return invalid(check, Reason.DATA_HASH_MISMATCH, "no hash is stated")
        return None if signature.attached is None else valid(check)
    digest = DIGESTS.get(signature.data_hash_algorithm)
    if digest is None or not digest.acceptable:
        return invalid(check, Reason.DATA_HASH_WEAK_DIGEST, signature.data_hash_algorithm[:60])
    if digests.of_data(hashed, signature.data_hash_algorithm, digest) != signature.data_hash:
        return invalid(check, Reason.DATA_HASH_MISMATCH)
    return valid(check)
