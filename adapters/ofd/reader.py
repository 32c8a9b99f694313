"""From the bytes of an OFD package (GB/T 33190) to a document; the steps are in the modules beside this one."""

from adapters.document import Document, DocumentSignature, Format, Note
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ofd.document import INDEX, read_document, read_index
from adapters.ofd.metadata import find_licence
from adapters.ofd.package import Package
from adapters.ofd.signatures import read_signatures
from adapters.strict.bounds import MAX_SIGNATURES
from adapters.strict.zip import looks_like_zip, read_package

looks_like_ofd = looks_like_zip


def parse_ofd(data: bytes) -> Document:
    """Return what an OFD package says: its members, its signatures over them, and the licence it carries.

    1. The package is opened as strictly as a ZIP can be read.
    2. OFD.xml names the documents and the lists of signatures.
    3. Each document is walked as far as a viewer would to show it.
    4. Each signature is read with the members it protects; a package may have none.
    5. The licence metadata are put together from every place that has any.

    Raises:
        MalformedDocumentError: the package is not one, contradicts itself, or names what is not there.

    """
    doubtful_names: set[str] = set()
    package = Package(read_package(data, doubtful_names=doubtful_names))  # 1
    if doubtful_names:
        package.notes.add(Note.NAME_IN_TWO_ENCODINGS)
    index = read_index(package)  # 2
    bodies = index.bodies
    roots = list(dict.fromkeys(root for body in bodies for root in (body.document, *body.versions)))
    documents = [read_document(package, root) for root in roots]  # 3
    lists = list(dict.fromkeys(body.signature_list for body in bodies if body.signature_list is not None))
    signatures: list[DocumentSignature] = []
    plain_lists = set()
    for path in lists:
        listed = read_signatures(package, path)  # 4
        signatures += listed.signatures
        if listed.signatures and listed.is_plain:
            plain_lists.add(path)
        if len(signatures) > MAX_SIGNATURES:
            raise MalformedDocumentError(Malformed.TOO_LARGE, path)
    found = find_licence(package, bodies, documents)  # 5
    return Document(
        format=Format.OFD,
        signatures=tuple(signatures),
        members=package.members,
        signature_lists=frozenset(plain_lists),
        package_index=INDEX,
        document_roots=tuple(roots),
        licence=found.licence,
        licence_members=found.members,
        licence_unreadable=found.unreadable,
        index_has_custom_data=index.has_custom_data,
        notes=frozenset(package.notes),
    )
