"""SM2 payloads: the sample of GB/T 32918.5, another implementation, all forms, and every way to be wrong."""

import base64

import pytest
from gmssl import sm2 as gmssl_sm2
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.payload.encryption import Encrypted, KeySpelling
from keys.payload.errors import PayloadError, PayloadFault
from keys.payload.secret import Secret
from keys.payload.sm2_ciphertext import Sm2Form, encode_sm2_ciphertext, parse_sm2_ciphertext
from keys.payload.sm2_encryption import Sm2Encryption, parse_sm2_private_key, parse_sm2_public_key
from keys.payload.spelling import Spelling
from keys.sm2 import CURVE_ORDER, Sm2PrivateKey

D = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
POINT = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
C1 = (
    "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
)
C2 = "21886CA989CA9C7D58087307CA93092D651EFA"
C3 = "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
SAMPLE = {
    Sm2Form.C1C3C2: "04" + C1 + C3 + C2,
    Sm2Form.C1C3C2_BARE: C1 + C3 + C2,
    Sm2Form.C1C2C3: "04" + C1 + C2 + C3,
    Sm2Form.C1C2C3_BARE: C1 + C2 + C3,
    Sm2Form.DER: "307C022004EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "022100E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    "0420" + C3 + "0413" + C2,
}
PUBLIC, PRIVATE = Secret(POINT.encode()), Secret(D.encode())


def fault_of(form: Sm2Form, text: str) -> PayloadFault:
    with pytest.raises(PayloadError) as caught:
        Sm2Encryption(form=form).make_decryptor(PRIVATE).decrypt_text(Encrypted(text=text))
    return caught.value.fault


@pytest.mark.parametrize("form", Sm2Form)
def test_sample_of_the_standard(form):
    """The sample of GB/T 32918.5 annex C is decrypted in every form, in both cases."""
    decryptor = Sm2Encryption(form=form).make_decryptor(PRIVATE)
    for text in (SAMPLE[form], SAMPLE[form].lower()):
        assert decryptor.decrypt_text(Encrypted(text=text)) == "encryption standard"


def test_forms_turn_into_each_other():
    """The parts of a ciphertext are the same in all forms, and each form has one spelling."""
    parsed = {form: parse_sm2_ciphertext(bytes.fromhex(text), form) for form, text in SAMPLE.items()}
    assert len(set(parsed.values())) == 1
    for form, ciphertext in parsed.items():
        assert encode_sm2_ciphertext(ciphertext, form).hex().upper() == SAMPLE[form]


@settings(max_examples=30)
@given(text=st.text(min_size=1, max_size=60), form=st.sampled_from(Sm2Form), spelling=st.sampled_from(Spelling))
def test_round_trip(text, form, spelling):
    """What is encrypted is decrypted, whatever the form and the spelling."""
    both = Sm2Encryption(form=form, spelling=spelling)
    assert both.make_decryptor(PRIVATE).decrypt_text(both.make_encryptor(PUBLIC).encrypt_text(text)) == text


@pytest.mark.parametrize(("mode", "form"), [(1, Sm2Form.C1C3C2_BARE), (0, Sm2Form.C1C2C3_BARE)])
def test_gmssl_agrees(mode, form):
    """Another implementation reads what we write, and we read what it writes."""
    peer = gmssl_sm2.CryptSM2(private_key=D, public_key=POINT, mode=mode)
    ours = Sm2Encryption(form=form)
    text = "不动产权证书"
    assert ours.make_decryptor(PRIVATE).decrypt_text(Encrypted(text=peer.encrypt(text.encode()).hex())) == text
    assert peer.decrypt(bytes.fromhex(ours.make_encryptor(PUBLIC).encrypt_text(text).text)).decode() == text


@settings(max_examples=100)
@given(form=st.sampled_from(Sm2Form), flip=st.integers(0, 2_000))
def test_tampering(form, flip):
    """Whatever bit is flipped, nothing is decrypted and the error is typed."""
    whole = bytearray.fromhex(SAMPLE[form])
    whole[flip // 8 % len(whole)] ^= 1 << flip % 8
    assert fault_of(form, whole.hex()) in {PayloadFault.STRUCTURE, PayloadFault.NOT_DECRYPTED}


@given(form=st.sampled_from(Sm2Form), garbage=st.binary(max_size=200))
def test_garbage(form, garbage):
    """Garbage raises the one error of this package."""
    assert fault_of(form, garbage.hex()) in {PayloadFault.STRUCTURE, PayloadFault.NOT_DECRYPTED}


DER = SAMPLE[Sm2Form.DER]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Sm2Form.C1C3C2, ""),
        (Sm2Form.C1C3C2, "04" + C1 + C3),  # no text
        (Sm2Form.C1C3C2, SAMPLE[Sm2Form.C1C3C2_BARE][2:]),
        (Sm2Form.C1C3C2, "02" + C1 + C3 + C2),
        (Sm2Form.C1C3C2_BARE, SAMPLE[Sm2Form.C1C3C2]),
        (Sm2Form.C1C3C2, SAMPLE[Sm2Form.C1C2C3]),
        (Sm2Form.C1C2C3, SAMPLE[Sm2Form.C1C3C2]),
        (Sm2Form.DER, SAMPLE[Sm2Form.C1C3C2]),
        (Sm2Form.DER, DER + "00"),
        (Sm2Form.DER, "307D" + DER[4:] + "00"),
        (Sm2Form.DER, DER.replace("022004", "022084", 1)),  # a negative x
        (Sm2Form.DER, "3080" + DER[4:] + "0000"),
        (Sm2Form.DER, "307B" + DER[4:].replace("0420" + C3, "041F" + C3[2:])),
        (Sm2Form.DER, "3069" + DER[4:].replace("0413" + C2, "0400")),
    ],
)
def test_another_form_than_agreed(form, text):
    """The form is never guessed: another one, or a broken one, is not decrypted."""
    assert fault_of(form, text) in {PayloadFault.STRUCTURE, PayloadFault.NOT_DECRYPTED}


@pytest.mark.parametrize(
    "point",
    [
        C1[:-1] + "1",  # off the curve
        "0" * 128,
        "F" * 128,
        C1[:64] + "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF",
    ],
)
def test_a_point_off_the_curve(point):
    """A C1 that is not on the curve is not decrypted with: its answers would tell the private key bit by bit."""
    assert fault_of(Sm2Form.C1C3C2_BARE, point + C3 + C2) is PayloadFault.NOT_DECRYPTED


def test_another_key():
    """What was encrypted to another key is not decrypted."""
    other = Secret(Sm2PrivateKey.generate().public_key.point.hex().encode())
    encrypted = Sm2Encryption().make_encryptor(other).encrypt_text("text")
    assert fault_of(Sm2Form.C1C3C2, encrypted.text) is PayloadFault.NOT_DECRYPTED


def test_nothing_cannot_be_encrypted():
    """SM2 has no ciphertext of an empty text, and says so."""
    with pytest.raises(PayloadError) as caught:
        Sm2Encryption().make_encryptor(PUBLIC).encrypt_text("")
    assert caught.value.fault is PayloadFault.EMPTY


def test_an_iv_is_refused():
    """An IV beside an SM2 ciphertext means that another function was agreed."""
    with pytest.raises(PayloadError) as caught:
        Sm2Encryption().make_decryptor(PRIVATE).decrypt_text(Encrypted(text=SAMPLE[Sm2Form.C1C3C2], iv="00"))
    assert caught.value.fault is PayloadFault.IV


def test_keys_in_all_spellings():
    """A key is the same as a point with and without 04, as DER, and as a number."""
    key = parse_sm2_private_key(PRIVATE, KeySpelling.HEX)
    pkcs8 = Secret(base64.b64encode(key.encode_pkcs8()))
    assert parse_sm2_private_key(pkcs8, KeySpelling.BASE64).public_key == key.public_key
    assert parse_sm2_public_key(Secret(b"04" + POINT.encode()), KeySpelling.HEX) == key.public_key
    assert parse_sm2_public_key(PUBLIC, KeySpelling.HEX) == key.public_key
    spki = Secret(base64.b64encode(key.public_key.spki))
    assert parse_sm2_public_key(spki, KeySpelling.BASE64) == key.public_key


@pytest.mark.parametrize(
    ("parse", "key", "spelling"),
    [
        (parse_sm2_public_key, POINT[:-2], KeySpelling.HEX),
        (parse_sm2_public_key, POINT[:-1] + "4", KeySpelling.HEX),
        (parse_sm2_public_key, "AAAA", KeySpelling.BASE64),
        (parse_sm2_private_key, D[:-2], KeySpelling.HEX),
        (parse_sm2_private_key, "00" * 32, KeySpelling.HEX),
        (parse_sm2_private_key, f"{CURVE_ORDER - 1:064x}", KeySpelling.HEX),
        (parse_sm2_private_key, "AAAA", KeySpelling.BASE64),
    ],
)
def test_keys_that_are_none(parse, key, spelling):
    """What is no key is refused when it is bound, in words that do not repeat it."""
    with pytest.raises(PayloadError) as caught:
        parse(Secret(key.encode()), spelling)
    assert caught.value.fault is PayloadFault.KEY
    assert key not in str(caught.value)


def test_keys_as_text_are_no_parameters():
    """A point or a number is never the characters themselves."""
    with pytest.raises(ValueError, match="hex or base64"):
        Sm2Encryption(key_spelling=KeySpelling.TEXT)


def test_nothing_is_shown():
    """No repr of a bound function shows the private key."""
    assert D.lower() not in repr(Sm2Encryption().make_decryptor(PRIVATE)).lower()
