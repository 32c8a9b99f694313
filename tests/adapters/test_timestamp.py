"""Reading time stamp tokens."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.document import Standard
from adapters.errors import Malformed, MalformedDocumentError
from adapters.strict.bounds import MAX_TIMESTAMP
from adapters.strict.der import encode_element, encode_sequence
from adapters.timestamp import parse_timestamp_token
from tests.support.mutations import mutated
from tests.support.signed_data import (
    DIGEST,
    NULL,
    RFC_SIGNED_DATA,
    TIMESTAMP,
    TST_INFO,
    attribute,
    make_certificate,
    make_signed_data,
    make_signer,
    make_token,
    make_tst_info,
    oid,
    signed_attributes,
)

ACCURACY = bytes.fromhex("3007020101800200ff")
ORDERING_WRITTEN_OUT = bytes.fromhex("010100")
NONCE = bytes.fromhex("02080123456789abcdef")
AUTHORITY = encode_element(0xA0, encode_element(0xA4, encode_sequence(())))
EXTENSIONS = encode_element(0xA1, encode_sequence((oid("1.2.3"), encode_element(0x04, b""))))


def refusal(data: bytes) -> MalformedDocumentError:
    with pytest.raises(MalformedDocumentError) as caught:
        parse_timestamp_token(data)
    return caught.value


def wrapped(content: bytes | None, content_type: str = TST_INFO, **changes: object) -> bytes:
    """Return a SignedData around other content."""
    signer = make_signer(signed=signed_attributes(content_type))
    return make_signed_data(**{"content_type": content_type, "content": content, "signers": (signer,)} | changes)


@pytest.mark.parametrize(
    ("kind", "standard"), [("1.2.156.10197.6.1.4.2.2", Standard.GBT_35275_2017), (RFC_SIGNED_DATA, Standard.RFC_5652)]
)
def test_a_token_says_what_existed_when(kind, standard):
    """Time, imprint and everything needed to verify the token are read from either kind of SignedData."""
    token = parse_timestamp_token(make_token(kind=kind))
    assert (token.standard, token.policy, token.serial) == (standard, "1.2.3.4", 42)
    assert token.generated_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert (token.imprint, token.imprint_algorithm) == (DIGEST, "1.2.156.10197.1.401")
    assert (token.content, token.content_digest) == (make_tst_info(), DIGEST)
    assert token.content_digest_algorithm == "1.2.156.10197.1.401"
    assert (token.signed.certificate, token.certificates) == (make_certificate(), (make_certificate(),))
    assert token.signed.message == encode_element(0x31, b"".join(signed_attributes(TST_INFO)))


@pytest.mark.parametrize("present", range(32))
def test_every_optional_field_may_be_there(present):
    """Accuracy, ordering, nonce, authority and extensions are optional each by itself."""
    fields = (ACCURACY, ORDERING_WRITTEN_OUT, NONCE, AUTHORITY, EXTENSIONS)
    tail = b"".join(field for bit, field in enumerate(fields) if present >> bit & 1)
    assert parse_timestamp_token(make_token(tail=tail)).serial == 42


TOKEN_ATTRIBUTES = signed_attributes(TST_INFO)
TOKEN_SIGNER = make_signer(signed=TOKEN_ATTRIBUTES)
RESPONSE = encode_sequence((encode_sequence((b"\x02\x01\x00",)), make_token()))
NO_TOKENS = [
    ("nothing", b"", Malformed.DER),
    ("a text", b"2025-01-01 00:00:00", Malformed.DER),
    ("a hash", DIGEST, Malformed.DER),
    (
        "a response around the token",
        encode_sequence((encode_sequence((b"\x02\x01\x00",)), make_token())),
        Malformed.DER,
    ),
    ("other signed data", make_signed_data(), Malformed.STRUCTURE),
    ("detached content", wrapped(None), Malformed.STRUCTURE),
    ("no signer", wrapped(make_tst_info(), signers=()), Malformed.STRUCTURE),
    ("no signed attributes", wrapped(make_tst_info(), signers=(make_signer(),)), Malformed.STRUCTURE),
    ("content that is no TSTInfo", wrapped(b"\x30\x00"), Malformed.DER),
    ("another version", make_token(version=b"\x02\x01\x02"), Malformed.STRUCTURE),
    ("an empty imprint", make_token(imprint=b""), Malformed.STRUCTURE),
    ("a local time", make_token(generated_at=b"20250101000000"), Malformed.DER),
    ("two signers", wrapped(make_tst_info(), signers=(TOKEN_SIGNER,) * 2), Malformed.TOO_LARGE),
    ("too many elements", make_token(tail=encode_element(0xA1, EXTENSIONS[2:] * 700)), Malformed.TOO_LARGE),
    (
        "unsigned attributes",
        wrapped(
            make_tst_info(), signers=(make_signer(signed=TOKEN_ATTRIBUTES, unsigned=(attribute(TIMESTAMP, NULL),)),)
        ),
        Malformed.STRUCTURE,
    ),
    ("a revocation list", wrapped(make_tst_info(), revocation_lists=(encode_sequence(()),)), Malformed.STRUCTURE),
    ("unknown fields", make_token(tail=b"\x04\x00"), Malformed.DER),
    ("too many extensions", make_token(tail=encode_element(0xA1, EXTENSIONS[2:] * 65)), Malformed.TOO_LARGE),
    ("too many bytes", bytes(MAX_TIMESTAMP + 1), Malformed.TOO_LARGE),
]


@pytest.mark.parametrize(("why", "data", "kind"), NO_TOKENS, ids=[why for why, _, _ in NO_TOKENS])
def test_what_is_no_token_is_refused(why, data, kind):
    """Whatever else stands in a time stamp's place is no token."""
    assert refusal(data).malformed is kind, why


@given(st.binary(max_size=60) | mutated(make_token(tail=ACCURACY + NONCE + AUTHORITY)))
def test_garbage_and_damage_raise_only_our_error(data):
    """Whatever is read has a moment in UTC."""
    try:
        token = parse_timestamp_token(data)
    except MalformedDocumentError:
        return
    assert token.generated_at.tzinfo is not None
