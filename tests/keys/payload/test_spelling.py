"""Bytes as text, text as bytes, and secrets that are not shown."""

import base64
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.payload.bounds import MAX_SECRET
from keys.payload.charset import Charset, encode_text, parse_text
from keys.payload.errors import PayloadError, PayloadFault
from keys.payload.secret import Secret
from keys.payload.spelling import Spelling, encode_spelling, parse_spelling


def fault_of(call, *arguments, **named) -> PayloadFault:
    with pytest.raises(PayloadError) as caught:
        call(*arguments, **named)
    return caught.value.fault


@given(value=st.binary(max_size=200), spelling=st.sampled_from(Spelling))
def test_round_trip(value, spelling):
    """What is written is read."""
    assert parse_spelling(encode_spelling(value, spelling), spelling) == value


@given(value=st.binary(max_size=300))
def test_lines(value):
    """Base64 in lines is what MIME encoders write, but for the end of the last line."""
    lines = base64.encodebytes(value).decode().replace("\n", "\r\n")
    assert encode_spelling(value, Spelling.BASE64_LINES) == lines.removesuffix("\r\n")
    assert parse_spelling(lines, Spelling.BASE64_LINES) == value


@given(
    text=st.text(st.sampled_from("AB+/=aé\n 0g"), max_size=12),
    spelling=st.sampled_from([Spelling.BASE64, Spelling.HEX]),
)
def test_one_spelling(text, spelling):
    """What is read has one spelling but for the case of hexadecimal digits; garbage raises the one error."""
    try:
        value = parse_spelling(text, spelling)
    except PayloadError:
        return
    written = encode_spelling(value, spelling)
    assert written == (text if spelling is Spelling.BASE64 else text.lower())


@pytest.mark.parametrize("text", ["QQ", "QQ===", "QR==", "Q Q=", "QQ==\n", "QQ-_", "ＱＱ=="])
def test_base64_that_is_none(text):
    """Missing and surplus padding, unused bits, white space and the other alphabet are refused."""
    assert fault_of(parse_spelling, text, Spelling.BASE64) is PayloadFault.SPELLING


@pytest.mark.parametrize("text", ["0", "0x00", "00 00", "zz", "００"])
def test_hexadecimal_that_is_none(text):
    """Half a byte, a prefix, white space and other digits are refused."""
    assert fault_of(parse_spelling, text, Spelling.HEX) is PayloadFault.SPELLING


def test_bounds():
    """Text beyond the bound is refused before it is read."""
    assert fault_of(parse_spelling, "00" * 5, Spelling.HEX, limit=9) is PayloadFault.TOO_LARGE


@given(text=st.text(max_size=50), charset=st.sampled_from(Charset))
def test_charsets(text, charset):
    """Text that a charset has comes back as it was; what it does not have is refused."""
    try:
        encoded = encode_text(text, charset)
    except PayloadError:
        return
    assert parse_text(encoded, charset) == text


@given(encoded=st.binary(max_size=20), charset=st.sampled_from(Charset))
def test_one_spelling_in_bytes(encoded, charset):
    """Bytes that are text have one spelling; all others are refused."""
    try:
        text = parse_text(encoded, charset)
    except PayloadError:
        return
    assert encode_text(text, charset) == encoded


@pytest.mark.parametrize("charset", Charset)
def test_half_a_character(charset):
    """A character that was cut in two is refused."""
    assert fault_of(parse_text, "照".encode(charset)[:-1], charset) is PayloadFault.CHARSET


def test_text_beyond_the_bound(monkeypatch):
    """Text beyond the bound is refused in both directions."""
    monkeypatch.setattr("keys.payload.charset.MAX_PAYLOAD", 3)
    assert fault_of(encode_text, "abcd", Charset.GBK) is PayloadFault.TOO_LARGE
    assert fault_of(parse_text, b"abcd", Charset.GBK) is PayloadFault.TOO_LARGE


def test_a_secret_is_not_shown():
    """A secret has no repr, no hash and no pickled form, and compares by its bytes."""
    secret = Secret(b"correct horse")
    assert "correct" not in f"{secret!r} {secret}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        hash(secret)
    assert secret == Secret(b"correct horse")
    assert secret != Secret(b"correct horsE")
    assert secret != b"correct horse"


@pytest.mark.parametrize("value", [b"", bytes(MAX_SECRET + 1)])
def test_what_is_no_secret(value):
    """Nothing is no secret, and a secret has a bound."""
    assert fault_of(Secret, value) is PayloadFault.KEY
