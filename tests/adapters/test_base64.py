"""Strict base64."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.base64 import decode_base64


@given(st.binary(max_size=200))
def test_what_is_written_is_read(data):
    """Standard base64 is read back, as text or as bytes."""
    encoded = base64.b64encode(data)
    assert decode_base64(encoded, limit=200) == data
    assert decode_base64(encoded.decode(), limit=200) == data


@given(st.text(alphabet="AB+/=\n 9zé-_", max_size=24) | st.binary(max_size=24))
def test_what_is_read_has_one_spelling(text):
    """Whatever is accepted is exactly what an encoder writes; all else raises only our error."""
    try:
        decoded = decode_base64(text, limit=100)
    except MalformedDocumentError:
        return
    encoded = base64.b64encode(decoded)
    assert text == (encoded if isinstance(text, bytes) else encoded.decode())


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("missing padding", "QQ"),
        ("surplus padding", "QUJD="),
        ("padding in the middle", "QQ==QQ=="),
        ("unused bits that are not zero", "QR=="),
        ("URL alphabet", "-_-_"),
        ("white space that was not allowed", "QUJD\n"),
        ("a letter beyond ASCII", "QUJé"),
        ("one character too many", "QUJDQ"),
    ],
)
def test_other_spellings_are_refused(why, text):
    """Every other spelling is refused as BASE64, and the text is not repeated."""
    with pytest.raises(MalformedDocumentError) as caught:
        decode_base64(text, limit=100, where="CheckValue")
    assert caught.value.malformed is Malformed.BASE64, why
    assert str(caught.value) == "base64: CheckValue"


def test_white_space_of_xml_only_where_allowed():
    """XML white space is passed over on request; no other space is."""
    assert decode_base64("\r\n\tQU JD \n", limit=3, whitespace=True) == b"ABC"
    for text in ("QUJD\x0b", "QU\xa0JD"):
        with pytest.raises(MalformedDocumentError):
            decode_base64(text, limit=100, whitespace=True)


def test_the_limit_is_that_of_the_result():
    """One byte beyond the limit is too large, however it is spelt."""
    encoded = base64.b64encode(bytes(32)).decode()
    assert decode_base64(encoded, limit=32) == bytes(32)
    for text, whitespace in ((encoded, False), (" " * 10_000, True)):
        with pytest.raises(MalformedDocumentError) as caught:
            decode_base64(text, limit=31, whitespace=whitespace)
        assert caught.value.malformed is Malformed.TOO_LARGE
