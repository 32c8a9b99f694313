"""The spellings of {r, s}: which are read, which are refused, and the one that is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.encoding import SignatureEncoding, encode_signature, parse_signature
from keys.errors import SignatureFault, SignatureVerificationError
from keys.sm2 import CURVE_ORDER as N
from keys.sm2 import canonical_signature

R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
DER = encode_signature(R, S)
numbers = st.integers(1, N - 1) | st.integers(1, 2**16) | st.sampled_from([1, 0x7F, 0x80, 2**248, N - 1])


def whole(*parts):
    body = b"".join(parts)
    return bytes((0x30, len(body))) + body


def number(content):
    return bytes((2, len(content))) + content


R_DER, S_DER = number(b"\0" + R.to_bytes(32)), number(b"\0" + S.to_bytes(32))


@given(numbers, numbers)
def test_what_we_write_we_read(r, s):
    """Every pair within range survives being written as DER and, apart from pairs of 64 bytes, is read as canonical."""
    value = encode_signature(r, s)
    if len(value) != 64:
        assert parse_signature(value, N) == (r, s, SignatureEncoding.DER)
    assert parse_signature(value, N, raw_allowed=False) == (r, s, SignatureEncoding.DER)
    assert parse_signature(r.to_bytes(32) + s.to_bytes(32), N) == (r, s, SignatureEncoding.RAW)


@given(numbers, numbers, st.integers(0, 8), st.integers(0, 8))
def test_one_signature_has_one_identity(r, s, pad_r, pad_s):
    """However a signature is spelled, its canonical form is the same minimal DER."""
    padded = [number(bytes(pad) + n.to_bytes(n.bit_length() // 8 + 1)) for pad, n in ((pad_r, r), (pad_s, s))]
    value = whole(*padded)
    spelling = SignatureEncoding.DER if pad_r == pad_s == 0 else SignatureEncoding.DER_NON_CANONICAL
    assert parse_signature(value, N, raw_allowed=False) == (r, s, spelling)
    if len(value) != 64:
        assert canonical_signature(value) == encode_signature(r, s)
    assert canonical_signature(r.to_bytes(32) + s.to_bytes(32)) == encode_signature(r, s)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x30",
        DER[:-1],
        DER + b"\0",
        b"\x31" + DER[1:],
        whole(R_DER, S_DER, number(b"\1")),
        whole(R_DER, S_DER, b"\0"),
        whole(R_DER),
        whole(R_DER, number(b"")),
        whole(R_DER, number(R.to_bytes(32))),  # the high bit without a leading zero: negative
        whole(R_DER, number(b"\xff\x01")),
        whole(R_DER, number(b"\0")),
        whole(number(b"\0"), S_DER),
        whole(R_DER, number(b"\0" + N.to_bytes(32))),
        whole(number(b"\0" + (N + 1).to_bytes(32)), S_DER),
        b"\x30\x81" + DER[1:],  # a long length where a short one does
        b"\x30\x80" + R_DER + S_DER + b"\0\0",  # an indefinite length
        whole(b"\x02\x81\x21\x00" + R.to_bytes(32), S_DER),
        whole(R_DER, b"\x04" + S_DER[1:]),
        whole(number(bytes(60) + R.to_bytes(32)), number(bytes(60) + S.to_bytes(32))),  # beyond any honest padding
        R.to_bytes(32) + S.to_bytes(32)[1:],  # 63 bytes: a lost leading zero
        R.to_bytes(32) + S.to_bytes(33),
        bytes(32) + S.to_bytes(32),
        R.to_bytes(32) + bytes(32),
        N.to_bytes(32) + S.to_bytes(32),
        R.to_bytes(32) + N.to_bytes(32),
        b"\xff" * 64,
        b"\xff" * 5000,
    ],
)
def test_every_other_spelling_is_refused(value):
    """Nothing but DER with at most needless zeros, or 64 raw bytes, in range, is a signature."""
    with pytest.raises(ValueError, match="expected"):
        parse_signature(value, N)
    with pytest.raises(SignatureVerificationError) as caught:
        canonical_signature(value)
    assert caught.value.fault is SignatureFault.MALFORMED


def test_raw_is_refused_where_the_algorithm_has_no_raw_form():
    """64 raw bytes are an SM2 custom; elsewhere they are malformed."""
    with pytest.raises(ValueError, match="expected"):
        parse_signature(R.to_bytes(32) + S.to_bytes(32), N, raw_allowed=False)


def test_64_bytes_are_always_raw():
    """A DER value of exactly 64 bytes is read as raw, so that the length alone decides."""
    value = encode_signature(1 << 224, 1 << 228)
    assert len(value) == 64
    assert parse_signature(value, N)[2] is SignatureEncoding.RAW


@given(st.binary(max_size=200))
def test_garbage_raises_only_our_error(value):
    """Any bytes are a signature with one canonical form, or our own error."""
    try:
        canonical = canonical_signature(value)
    except SignatureVerificationError:
        return
    assert parse_signature(canonical, N, raw_allowed=False)[2] is SignatureEncoding.DER
