"""SM2 keys: the vectors of GB/T 32918.5, other implementations, and every way to be wrong."""

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
from gmssl import sm2 as gmssl_sm2
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import sm2
from keys.encoding import encode_signature, parse_signature
from keys.errors import LibraryUnusableError, MalformedKeyError, SignatureFault, SignatureVerificationError
from keys.libcrypto import MAX_USER_ID
from keys.sm2 import CURVE_ORDER, SignatureEncoding, Sm2PrivateKey, Sm2PublicKey
from keys.spki import encode_sm2_spki
from tests.support import pki

D = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
POINT = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
MESSAGE = b"message digest"
DER = bytes.fromhex(
    "3046022100F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "022100B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
RAW = R.to_bytes(32) + S.to_bytes(32)
KEY = Sm2PrivateKey.from_scalar(D)


def fault_of(call, *arguments, **named):
    with pytest.raises(SignatureVerificationError) as caught:
        call(*arguments, **named)
    return caught.value.fault


def test_the_vector_of_the_standard():
    """The key, the signature and its three spellings of GB/T 32918.5 are read as the standard has them."""
    assert KEY.public_key.point == POINT
    assert encode_signature(R, S) == DER
    assert KEY.public_key.verify(MESSAGE, DER) is SignatureEncoding.DER
    assert KEY.public_key.verify(MESSAGE, RAW) is SignatureEncoding.RAW
    padded = b"\x30\x47" + DER[2:4].replace(b"\x21", b"\x22") + b"\0" + DER[4:]
    assert KEY.public_key.verify(MESSAGE, padded) is SignatureEncoding.DER_NON_CANONICAL


@pytest.mark.parametrize("user_id", [b"ALICE123@YAHOO.COM", b"1234567812345679", b"1"])
def test_the_user_id_is_part_of_what_is_signed(user_id):
    """A signature under one user id verifies under that one only; none is tried in its place."""
    signature = KEY.sign(MESSAGE, user_id=user_id)
    KEY.public_key.verify(MESSAGE, signature, user_id=user_id)
    assert fault_of(KEY.public_key.verify, MESSAGE, signature) is SignatureFault.BAD
    assert fault_of(KEY.public_key.verify, MESSAGE, DER, user_id=user_id) is SignatureFault.BAD


@pytest.mark.parametrize("size", [0, MAX_USER_ID + 1])
def test_a_user_id_that_no_signature_can_have_is_a_mistake_of_the_caller(size):
    """An empty or over-long user id is refused before anything is verified or signed."""
    with pytest.raises(ValueError, match="user id"):
        KEY.public_key.verify(MESSAGE, DER, user_id=bytes(size))
    with pytest.raises(ValueError, match="user id"):
        KEY.sign(MESSAGE, user_id=bytes(size))


def test_numbers_with_leading_zeros():
    """Signatures whose r or s is short verify in DER and in raw form, where each number is 32 bytes."""
    found = set()
    for counter in range(4000):
        message = counter.to_bytes(4)
        signature = KEY.sign(message)
        r, s, _ = parse_signature(signature, CURVE_ORDER)
        short = {name for name, number in (("r", r), ("s", s)) if number < 1 << 248}
        if short - found:
            found |= short
            assert KEY.public_key.verify(message, signature) is SignatureEncoding.DER
            assert KEY.public_key.verify(message, r.to_bytes(32) + s.to_bytes(32)) is SignatureEncoding.RAW
        if found == {"r", "s"}:
            return
    pytest.fail("no short number in 4000 signatures")


def test_coordinates_with_leading_zeros():
    """A key whose coordinates begin with a zero byte signs and verifies as any other."""
    found = set()
    for scalar in range(1, 6000):
        point = Sm2PrivateKey.from_scalar(scalar).public_key.point
        short = {name for name, first in (("x", point[1]), ("y", point[33])) if first == 0}
        if short - found:
            found |= short
            key = Sm2PrivateKey.from_scalar(scalar)
            key.public_key.verify(MESSAGE, key.sign(MESSAGE))
        if found == {"x", "y"}:
            return
    pytest.fail("no short coordinate among 6000 keys")


def test_gmssl_agrees():
    """A pure Python implementation accepts our signatures, and we accept its."""
    theirs = gmssl_sm2.CryptSM2(private_key=f"{D:064x}", public_key=POINT[1:].hex(), asn1=False)
    for number in range(3):
        message = bytes((number,)) * (number * 40)
        r, s, _ = parse_signature(KEY.sign(message), CURVE_ORDER)
        assert theirs.verify_with_sm3(f"{r:064x}{s:064x}", message)
        signature = bytes.fromhex(theirs.sign_with_sm3(message))
        assert KEY.public_key.verify(message, signature) is SignatureEncoding.RAW


def test_tongsuo_agrees():
    """A third implementation, built from another fork of OpenSSL, accepts our signatures, and we accept its."""
    ec = pytest.importorskip("tongsuopy.crypto.asymciphers.ec", reason="tongsuopy has no wheel for this machine")
    hashes = pytest.importorskip("tongsuopy.crypto.hashes", reason="tongsuopy has no wheel for this machine")
    private = ec.derive_private_key(D, ec.SM2())
    algorithm = ec.ECDSA(hashes.SM3())
    for message in (b"", b"abc", bytes(1000)):
        private.public_key().verify(KEY.sign(message), message, algorithm)
        KEY.public_key.verify(message, private.sign(message, algorithm))


def near(point, place, value):
    return point[:place] + bytes((value,)) + point[place + 1 :]


@pytest.mark.parametrize(
    "point",
    [
        b"",
        b"\0",  # infinity, as SEC 1 spells it
        b"\4" + bytes(64),
        POINT[:-1],
        POINT + b"\0",
        near(POINT, 64, POINT[64] ^ 1),
        near(POINT, 1, POINT[1] ^ 1),
        b"\6" + POINT[1:],  # the hybrid form
        b"\4" + (int.from_bytes(POINT[1:33]) + P).to_bytes(33)[-32:] + POINT[33:],
        b"\4" + P.to_bytes(32) + POINT[33:],
        b"\4" + b"\xff" * 64,
    ],
)
def test_points_off_the_curve_are_no_key(point):
    """A point that is malformed, off the curve, not reduced or infinite is refused before it is used."""
    assert fault_of(Sm2PublicKey.from_point, point) is SignatureFault.UNUSABLE_KEY
    assert fault_of(Sm2PublicKey.from_spki, encode_sm2_spki(point)) is SignatureFault.UNUSABLE_KEY


def test_compressed_points_are_the_same_key():
    """The compressed form, which the standard allows, is read with either parity; an x without a point is refused."""
    for scalar in (D, D + 1, D + 2, D + 3):
        point = Sm2PrivateKey.from_scalar(scalar).public_key.point
        compressed = bytes((2 + (point[64] & 1),)) + point[1:33]
        assert Sm2PublicKey.from_spki(encode_sm2_spki(compressed)).point == point
    refused = 0
    for x in range(1, 9):
        try:
            Sm2PublicKey.from_spki(encode_sm2_spki(b"\2" + x.to_bytes(32)))
        except SignatureVerificationError as error:
            refused += error.fault is SignatureFault.UNUSABLE_KEY
    assert 0 < refused < 8


def test_both_spellings_of_the_algorithm_are_the_same_key():
    """The curve's OID in place of id-ecPublicKey, as early Tongsuo wrote it, is the same key."""
    spki = KEY.public_key.spki
    algorithm = pki.sequence(pki.oid("1.2.156.10197.1.301"), pki.oid("1.2.156.10197.1.301"))
    other = pki.sequence(algorithm, pki.bits(POINT))
    assert other != spki
    assert Sm2PublicKey.from_spki(other) == Sm2PublicKey.from_spki(spki)
    assert hash(Sm2PublicKey.from_spki(other)) == hash(Sm2PublicKey.from_point(POINT))


def test_keys_of_other_algorithms_are_the_wrong_type():
    """A P-256 or RSA key is never taken for an SM2 key."""
    for key in (pki.p256_key(), pki.ed25519_key()):
        assert fault_of(Sm2PublicKey.from_spki, key.spki) is SignatureFault.WRONG_KEY_TYPE


@given(st.binary(max_size=120))
def test_garbage_is_no_public_key(data):
    """Any bytes are an SM2 key or our own error."""
    with pytest.raises(SignatureVerificationError):
        Sm2PublicKey.from_spki(data)
    with pytest.raises(MalformedKeyError):
        Sm2PrivateKey.parse_pkcs8(data)


@settings(max_examples=40)
@given(st.data())
def test_a_changed_byte_never_verifies(data):
    """Changing any byte of message, signature or key leaves nothing that verifies."""
    parts = {"message": MESSAGE, "signature": data.draw(st.sampled_from([DER, RAW])), "spki": KEY.public_key.spki}
    which = data.draw(st.sampled_from(sorted(parts)))
    place = data.draw(st.integers(0, len(parts[which]) - 1))
    parts[which] = near(parts[which], place, parts[which][place] ^ data.draw(st.integers(1, 255)))
    with pytest.raises(SignatureVerificationError):
        Sm2PublicKey.from_spki(parts["spki"]).verify(parts["message"], parts["signature"])


def test_private_keys_survive_pkcs8():
    """What we write as PKCS#8 we read as the same key, and what we sign with it verifies."""
    key = Sm2PrivateKey.generate()
    again = Sm2PrivateKey.parse_pkcs8(key.encode_pkcs8())
    assert again.public_key == key.public_key
    assert again.encode_pkcs8() == key.encode_pkcs8()
    key.public_key.verify(b"x", again.sign(b"x"))


@pytest.mark.parametrize("scalar", [-1, 0, CURVE_ORDER - 1, CURVE_ORDER, CURVE_ORDER + 5, 2**300])
def test_numbers_out_of_range_are_no_private_key(scalar):
    """A private number lies within 1..n-2; anything else is refused without being shown."""
    with pytest.raises(MalformedKeyError) as caught:
        Sm2PrivateKey.from_scalar(scalar)
    assert str(scalar) not in str(caught.value)


def test_a_public_half_of_another_key_is_refused():
    """A PKCS#8 whose two halves do not belong together is no key."""
    other = Sm2PrivateKey.generate().public_key.point
    with pytest.raises(MalformedKeyError, match="another key"):
        Sm2PrivateKey.parse_pkcs8(sm2._encode_private_key(D, other))


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_pkcs8_with_a_broken_frame_is_refused(place):
    """A changed byte in the frame of a PKCS#8 is refused, or yields another key, never a crash."""
    encoded = KEY.encode_pkcs8()
    try:
        key = Sm2PrivateKey.parse_pkcs8(near(encoded, place, encoded[place] ^ 0x55))
    except MalformedKeyError:
        return
    assert key.public_key != KEY.public_key


def test_the_private_number_is_never_shown():
    """Neither repr nor str of a private key show anything of it."""
    assert repr(KEY) == str(KEY) == "Sm2PrivateKey(<hidden>)"
    assert POINT.hex() in repr(KEY.public_key)


def test_threads_share_keys_while_they_are_evicted(monkeypatch):
    """A key that falls out of memory while another thread verifies with it stays alive until that is done."""
    monkeypatch.setattr(sm2, "_keys", sm2.Memo(2))
    pairs = [(key.public_key.spki, key.sign(MESSAGE)) for key in (Sm2PrivateKey.generate() for _ in range(6))]

    def verify(number):
        spki, signature = pairs[number % len(pairs)]
        Sm2PublicKey.from_spki(spki).verify(MESSAGE, signature)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(verify, range(120)))
    gc.collect()
    assert len(sm2._keys) == 2


def test_the_self_test_catches_a_library_that_says_yes(monkeypatch):
    """A library that accepts everything, or refuses everything, stops the import in words."""
    for answer in (True, False):
        monkeypatch.setattr(sm2.KeyHandle, "is_signed", lambda *_, answer=answer: answer)
        with pytest.raises(LibraryUnusableError, match=r"GB/T 32918\.5"):
            sm2._test_itself()
