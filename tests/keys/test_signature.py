"""The table of signature algorithms: each with its key, none with another's."""

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import SignatureFault, SignatureVerificationError
from keys.signature import ALGORITHMS, REFUSED, SignatureEncoding, verify_recurring, verify_signature
from keys.spki import KeyType, parse_spki
from tests.support import pki

MESSAGE = b"what was signed"
SM2 = "1.2.156.10197.1.501"
ECDSA = "1.2.840.10045.4.3.2"
ED25519 = "1.3.101.112"
RSA256, RSA384, RSA512 = (f"1.2.840.113549.1.1.{number}" for number in (11, 12, 13))
RSA_SM3 = "1.2.156.10197.1.504"

KEYS = {
    SM2: pki.sm2_key(),
    ECDSA: pki.p256_key(),
    ED25519: pki.ed25519_key(),
    RSA256: pki.rsa_key(),
    RSA384: pki.rsa_key(digest=hashes.SHA384(), algorithm=RSA384),
    RSA512: pki.rsa_key(digest=hashes.SHA512(), algorithm=RSA512),
    RSA_SM3: pki.rsa_key(digest=hashes.SM3(), algorithm=RSA_SM3),
}
SIGNED = {algorithm: key.sign(MESSAGE) for algorithm, key in KEYS.items()}


def fault_of(algorithm, *, message=MESSAGE, signature=None, spki=None, **named):
    with pytest.raises(SignatureVerificationError) as caught:
        verify_signature(
            message=message,
            signature=SIGNED[algorithm] if signature is None else signature,
            algorithm=algorithm,
            spki=KEYS[algorithm].spki if spki is None else spki,
            **named,
        )
    return caught.value.fault


@pytest.mark.parametrize("algorithm", KEYS)
def test_good_signatures_verify(algorithm):
    """Every algorithm of the table verifies what its key signed, and nothing else."""
    key, signature = KEYS[algorithm], SIGNED[algorithm]
    found = verify_signature(message=MESSAGE, signature=signature, algorithm=algorithm, spki=key.spki)
    assert found is SignatureEncoding.DER
    assert fault_of(algorithm, message=MESSAGE + b"!") is SignatureFault.BAD


@pytest.mark.parametrize("algorithm", ["1.2.156.10197.1.301", "1.2.156.10197.1.301.1"])
def test_sm2_has_three_names(algorithm):
    """The names that GB/T 35275 and some vendors write for SM2 with SM3 mean the same."""
    verify_signature(message=MESSAGE, signature=SIGNED[SM2], algorithm=algorithm, spki=KEYS[SM2].spki)


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("key", [SM2, ECDSA, ED25519, RSA256])
def test_a_key_of_another_algorithm_is_never_tried(algorithm, key):
    """An algorithm with a key of another type is the wrong key type, whatever the signature."""
    if ALGORITHMS[algorithm].key_type is not ALGORITHMS[key].key_type:
        assert fault_of(algorithm, spki=KEYS[key].spki) is SignatureFault.WRONG_KEY_TYPE


@pytest.mark.parametrize("algorithm", [*REFUSED, "1.2.3", "", "nonsense"])
def test_weak_and_unknown_algorithms_are_unsupported(algorithm):
    """SHA-1, MD5, and names that say too little are refused by name; unknown ones too."""
    with pytest.raises(SignatureVerificationError) as caught:
        verify_signature(message=MESSAGE, signature=SIGNED[SM2], algorithm=algorithm, spki=KEYS[SM2].spki)
    assert caught.value.fault is SignatureFault.UNSUPPORTED_ALGORITHM


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("signature", [b"", b"\0", bytes(64)[:-1], bytes(4096)])
def test_values_of_another_form_are_malformed(algorithm, signature):
    """A value that the algorithm cannot have written is malformed, not merely wrong."""
    assert fault_of(algorithm, signature=signature) is SignatureFault.MALFORMED


def test_ecdsa_has_no_raw_form():
    """64 raw bytes are an SM2 custom and malformed for ECDSA."""
    assert fault_of(ECDSA, signature=b"\1" * 64) is SignatureFault.MALFORMED


def test_short_rsa_keys_are_unusable():
    """An RSA key of fewer than 2048 bits signs nothing that counts."""
    key = pki.rsa_key(1024)
    assert fault_of(RSA256, spki=key.spki, signature=key.sign(MESSAGE)) is SignatureFault.UNUSABLE_KEY


@pytest.mark.parametrize(
    "spki",
    [
        b"",
        b"\x30\x00",
        b"\x30\x03\x30\x01\x00",
        KEYS[SM2].spki + b"\0",
        KEYS[SM2].spki[:-1],
        pki.sequence(pki.sequence(pki.oid("1.2.840.113549.1.1.1"), b"\5\0"), pki.bits(b"no key")),
        pki.sequence(KEYS[SM2].spki[2:23], b"\x03\x01\x00"),
        pki.sequence(KEYS[SM2].spki[2:23], b"\x03\x03\x01\x04\x02"),
    ],
    ids=["empty", "no-fields", "no-algorithm", "trailing", "cut-short", "no-rsa-key", "no-point", "odd-bits"],
)
def test_unreadable_keys_are_unusable(spki):
    """A key that cannot be read is unusable, under every algorithm that could be meant."""
    for algorithm in (SM2, RSA256):
        assert fault_of(algorithm, spki=spki) in {SignatureFault.UNUSABLE_KEY, SignatureFault.WRONG_KEY_TYPE}


def test_unknown_key_types_are_told_from_unreadable_ones():
    """A readable key of an algorithm that we lack is the wrong type."""
    spki = pki.sequence(pki.sequence(pki.oid("1.2.840.10045.2.1"), pki.oid("1.3.132.0.34")), pki.bits(b"\4" * 97))
    assert parse_spki(spki)[0] is None
    assert fault_of(SM2, spki=spki) is SignatureFault.WRONG_KEY_TYPE
    assert parse_spki(KEYS[ED25519].spki)[0] is KeyType.ED25519


def test_the_user_id_reaches_sm2():
    """Another user id makes another signature; other algorithms do not look at it."""
    key = pki.sm2_key(user_id=b"somebody else")
    signature = key.sign(MESSAGE)
    named = {"message": MESSAGE, "signature": signature, "algorithm": SM2, "spki": key.spki}
    verify_signature(**named, user_id=b"somebody else")
    assert fault_of(SM2, spki=key.spki, signature=signature) is SignatureFault.BAD
    verify_signature(
        message=MESSAGE, signature=SIGNED[ECDSA], algorithm=ECDSA, spki=KEYS[ECDSA].spki, user_id=b"ignored"
    )


def test_a_key_that_no_honest_party_has_is_refused_before_it_is_decoded():
    """An RSA key beyond 8192 bits is refused by its length, so that it costs nothing and is not remembered."""
    huge = pki.sequence(
        pki.sequence(pki.oid("1.2.840.113549.1.1.1"), b"\5\0"),
        pki.bits(pki.sequence(pki.integer(1 << 16_383), pki.integer(65_537))),
    )
    assert fault_of(RSA256, spki=huge) is SignatureFault.UNUSABLE_KEY


@given(st.sampled_from(sorted(KEYS)), st.binary(max_size=200), st.binary(max_size=400))
def test_garbage_raises_only_our_error(algorithm, signature, spki):
    """Any bytes as signature, or as key, end in our own error."""
    fault_of(algorithm, signature=signature)
    fault_of(algorithm, spki=spki)


@given(st.data())
def test_a_changed_byte_never_verifies(data):
    """Changing any byte of message, signature or key leaves nothing that verifies, under any algorithm."""
    algorithm = data.draw(st.sampled_from(sorted(KEYS)))
    parts = {"message": MESSAGE, "signature": SIGNED[algorithm], "spki": KEYS[algorithm].spki}
    which = data.draw(st.sampled_from(sorted(parts)))
    place = data.draw(st.integers(0, len(parts[which]) - 1))
    changed = bytearray(parts[which])
    changed[place] ^= data.draw(st.integers(1, 255))
    fault_of(algorithm, **{which: bytes(changed)})


@pytest.mark.parametrize("algorithm", KEYS)
def test_what_recurs_is_verified_as_anything_is(algorithm):
    """What was signed is remembered, and nothing that differs from it in any part is taken for it."""
    key, signature = KEYS[algorithm], SIGNED[algorithm]
    good = {"message": MESSAGE, "signature": signature, "algorithm": algorithm, "spki": key.spki}
    changed = [{"message": MESSAGE + b"!"}, {"signature": signature[:-1] + bytes([signature[-1] ^ 1])}]
    changed += [{"algorithm": other, "spki": KEYS[other].spki} for other in KEYS if other != algorithm]
    changed.append({"message": MESSAGE + signature[:1], "signature": signature[1:]})
    for _ in range(2):
        assert verify_recurring(**good) is SignatureEncoding.DER
        for change in changed:
            with pytest.raises(SignatureVerificationError):
                verify_recurring(**(good | change))
