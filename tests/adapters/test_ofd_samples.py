"""Real OFD files: what another implementation found in them, and what happens when they are damaged."""

import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.document import Document, DocumentSignature, Format, Note
from adapters.errors import Malformed, MalformedDocumentError
from adapters.ofd.package import Package
from adapters.ofd.reader import parse_ofd
from adapters.ofd.signatures import read_signatures
from tests.support.ofd import (
    NAMESPACE,
    SIGNATURE,
    SIGNATURE_LIST,
    SIGNED_VALUE,
    element,
    package,
    part,
    read,
    without,
)
from tests.support.vectors import expected, vector

SEAL_FILE = "Doc_0/Signs/Sign_0/Seal.esl"
OFD_SAMPLES = ["SESV4SignDoc.ofd", "V4RideRight.ofd", "allprotected.ofd", "hello.ofd"]


def _only(document: Document) -> DocumentSignature:
    (signature,) = document.signatures
    return signature


def _members_of(name: str) -> dict[str, bytes]:
    """Return the members of a real package as another reader sees them."""
    with zipfile.ZipFile(BytesIO(vector(f"ofd/ofdrw/{name}"))) as archive:
        return {entry: archive.read(entry) for entry in archive.namelist() if not entry.endswith("/")}


@pytest.mark.parametrize("name", OFD_SAMPLES)
def test_real_packages_say_what_was_found_independently(name: str) -> None:
    """Members, signatures, references and coverage are those of the other implementation that read the samples."""
    wanted = expected()[f"ofdrw/{name}"]
    document = parse_ofd(vector(f"ofd/ofdrw/{name}"))
    assert document.format is Format.OFD
    assert dict(document.members) == _members_of(name)
    assert len(document.members) == wanted["files"]
    assert (Note.NAMESPACE_WITHOUT_YEAR in document.notes) is (wanted["namespace"] != NAMESPACE)
    assert document.package_index == "OFD.xml"
    assert document.document_roots == ("Doc_0/Document.xml",)
    assert document.licence is None
    assert document.licence_members == frozenset()
    assert len(document.signatures) == len(wanted["signatures"])
    for signature, fields in zip(document.signatures, wanted["signatures"], strict=True):
        _compare_signature(document, signature, fields)


def _compare_signature(document: Document, signature: DocumentSignature, fields: Mapping[str, Any]) -> None:
    assert signature.id == fields["id"]
    assert signature.kind.value == fields["type"].removesuffix(" (default)").lower()
    assert signature.location == fields["path"]
    assert signature.data == document.members[fields["path"]]
    assert signature.signed_at == datetime.fromisoformat(fields["sign_time_utc"]).replace(tzinfo=UTC)
    assert signature.signed.algorithm == fields["sign_alg"]
    assert signature.references is not None
    assert signature.references.method == fields["check_method"]
    assert len(signature.references.entries) == fields["references"]
    assert all(entry.content is not None for entry in signature.references.entries)
    assert all(len(entry.expected or b"") == 32 for entry in signature.references.entries)
    covered = {entry.path for entry in signature.references.entries} | signature.own_files
    assert sorted(document.members.keys() - covered) == fields["not_covered"]
    assert signature.own_files == {fields["path"], SIGNED_VALUE, SEAL_FILE}
    assert document.signature_lists == {SIGNATURE_LIST}
    assert signature.seal is not None
    assert signature.seal.header_version == fields["seal"]["header_version"]
    assert signature.seal.identifier == fields["seal"]["seal_id"]
    assert signature.seal.name == fields["seal"]["seal_name"]
    assert f"{signature.seal.valid_to:%Y%m%d%H%M%SZ}" == fields["seal"]["valid_to"]
    assert signature.seal.encoded == document.members[SEAL_FILE]


def test_a_signature_file_without_signed_value_is_refused() -> None:
    """The sample Signature.xml of the library's own tests signs nothing."""
    entry = element("Signature", ID="1", BaseLoc="s")
    read = Package({"list": part("Signatures", entry).encode(), "s": vector("ofd/ofdrw/gm_Signature.xml")})
    with pytest.raises(MalformedDocumentError) as caught:
        read_signatures(read, "list")
    assert (caught.value.malformed, caught.value.where) == (Malformed.STRUCTURE, "s SignedValue")


def test_a_seal_file_that_is_another_seal_is_noted_and_not_excused() -> None:
    """Only the seal inside the signed value counts; the file beside it is content like any other."""
    members = _members_of("allprotected.ofd")
    seal = members[SEAL_FILE]
    signature = _only(read({**members, SEAL_FILE: seal[:-1] + bytes([seal[-1] ^ 1])}))
    assert Note.SEAL_FILE_DIFFERS in signature.notes
    assert signature.own_files == {SIGNATURE, SIGNED_VALUE}


def test_a_missing_seal_file_is_accepted() -> None:
    """The seal is in the signed value; the reference to the file stays, without content."""
    signature = _only(read(without(_members_of("allprotected.ofd"), SEAL_FILE)))
    assert signature.seal is not None
    assert Note.SEAL_FILE_DIFFERS not in signature.notes
    assert signature.references is not None
    assert [entry.path for entry in signature.references.entries if entry.content is None] == [SEAL_FILE]


@pytest.mark.parametrize("name", OFD_SAMPLES)
@settings(max_examples=40, deadline=2_000)
@given(data=st.data())
def test_a_damaged_package_is_read_or_refused_in_words(name: str, data: st.DataObject) -> None:
    """Flip, drop, repeat or insert bytes anywhere in a real package, or in a member of it: never another error."""
    if data.draw(st.booleans()):
        candidate = _damaged(vector(f"ofd/ofdrw/{name}"), data)
    else:
        members = _members_of(name)
        path = data.draw(st.sampled_from(sorted(members)))
        candidate = package({**members, path: _damaged(members[path], data)})
    try:
        document = parse_ofd(candidate)
    except MalformedDocumentError:
        return
    assert document.format is Format.OFD


def _damaged(content: bytes, data: st.DataObject) -> bytes:
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 8)))
    return content[:start] + data.draw(st.binary(max_size=8)) + content[end:]
