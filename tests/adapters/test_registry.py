"""Formats are recognised by content, each input by one adapter at most."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.document import Document, Format
from adapters.errors import Malformed, MalformedDocumentError
from adapters.registry import ADAPTERS, parse_document
from adapters.strict.bounds import MAX_DOCUMENT
from tests.support.ofd import package, signed_members
from tests.support.vectors import vector

SAMPLES = {
    "ofdrw/allprotected.ofd": Format.OFD,
    "ofdrw/hello.ofd": Format.OFD,
    "ofdrw/UserV1.esl": Format.SEAL,
    "ofdrw/UserV4.esl": Format.SEAL,
    "ofdrw/SignedValueV4.dat": Format.SEAL_SIGNATURE,
    "gmsm-cms/sadkSignedData.p7.der": Format.SIGNED_DATA,
    "gmsm-cms/sadkSignedDataDetach.p7.der": Format.SIGNED_DATA,
}


@pytest.mark.parametrize(("name", "format_"), SAMPLES.items())
def test_real_files_are_recognised_by_one_adapter(name: str, format_: Format) -> None:
    """The format is that of the content, and no second adapter claims it."""
    data = vector(f"ofd/{name}")
    assert [adapter.name for adapter in ADAPTERS if adapter.recognises(data)] == [format_]
    assert parse_document(data).format is format_


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0", b"P", b"PK", b"%PDF-1.7", b"<?xml version='1.0'?><Signature/>", b"0\0", b"0\x80\0\0",
        b"0\x03\x02\x01\x01", b"\x00" + package(signed_members()), b"-----BEGIN CERTIFICATE-----",
    ],
)  # fmt: skip
def test_other_content_is_unrecognised(data: bytes) -> None:
    """No format is guessed, and nothing is read as far as the first byte that would fit."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_document(data)
    assert caught.value.malformed is Malformed.UNRECOGNISED


@pytest.mark.parametrize("name", ["user_cert.pem", "gm_Signature.xml"])
def test_certificates_and_loose_parts_are_unrecognised(name: str) -> None:
    """A certificate is no document, and a Signature.xml without its package neither."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_document(vector(f"ofd/ofdrw/{name}"))
    assert caught.value.malformed is Malformed.UNRECOGNISED


def test_the_size_is_looked_at_first() -> None:
    """Even bytes of no format are too large before they are unrecognised."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_document(bytes(MAX_DOCUMENT + 1))
    assert caught.value.malformed is Malformed.TOO_LARGE


def test_every_format_has_one_adapter() -> None:
    """The table is complete and without repetition."""
    assert sorted(adapter.name for adapter in ADAPTERS) == sorted(Format)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda tail: b"0\x82\x01\x20" + tail)))
def test_garbage_raises_only_our_error(data: bytes) -> None:
    """Random bytes are refused in words, by whichever adapter."""
    assert sum(adapter.recognises(data) for adapter in ADAPTERS) <= 1
    try:
        parse_document(data)
    except MalformedDocumentError:
        pass


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=60)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(name: str, data: st.DataObject) -> None:
    """Bytes replaced in a real file give a document or our error, and at most one adapter claims the result."""
    content = vector(f"ofd/{name}")
    start = data.draw(st.integers(0, min(len(content), 400)) | st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 6)))
    damaged = content[:start] + data.draw(st.binary(max_size=6)) + content[end:]
    assert sum(adapter.recognises(damaged) for adapter in ADAPTERS) <= 1
    try:
        assert isinstance(parse_document(damaged), Document)
    except MalformedDocumentError:
        pass
