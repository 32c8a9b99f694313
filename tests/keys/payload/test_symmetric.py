"""SM4 and AES payloads: the vectors of the standards, another implementation, and every way to be wrong."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from gmssl import sm4 as gmssl_sm4
from hypothesis import given
from hypothesis import strategies as st

from keys.payload import bounds
from keys.payload.charset import Charset
from keys.payload.encryption import Decryptor, Encrypted, KeySpelling
from keys.payload.errors import PayloadError, PayloadFault
from keys.payload.secret import Secret
from keys.payload.spelling import Spelling, encode_spelling
from keys.payload.symmetric import IV_PLACES, BlockCipher, IvPlace, Mode, SymmetricEncryption, decrypt, encrypt

KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
HEX_KEY = Secret(KEY.hex().encode())
IV = bytes(range(16))
PLACES = [(mode, place) for mode in Mode for place in sorted(IV_PLACES[mode])]


def plan(mode: Mode = Mode.GCM, place: IvPlace | None = None, **changed: object) -> SymmetricEncryption:
    place = place or {Mode.ECB: IvPlace.NONE}.get(mode, IvPlace.FRONT)
    fixed = IV if place is IvPlace.FIXED else b""
    values = {"cipher": BlockCipher.SM4, "mode": mode, "iv_place": place, "fixed_iv": fixed, **changed}
    return SymmetricEncryption(**values)


def fault_of(decryptor: Decryptor, encrypted: Encrypted) -> PayloadFault:
    with pytest.raises(PayloadError) as caught:
        decryptor.decrypt_text(encrypted)
    return caught.value.fault


def test_sm4_block():
    """One block under SM4 is what GB/T 32907 annex A.1 says."""
    assert encrypt(SM4(KEY), Mode.ECB, KEY, iv=b"")[:16].hex().upper() == "681EDF34D206965E86B3E94F536E4246"


@pytest.mark.slow
def test_sm4_a_million_times():
    """A million encryptions in a row give what GB/T 32907 annex A.2 says."""
    context, block = Cipher(SM4(KEY), ECB()).encryptor(), KEY  # noqa: S305 - what the vector is about
    for _ in range(1_000_000):
        block = context.update(block)
    assert block.hex().upper() == "595298C7C6FD271F0402F804C33D3F66"


def test_sm4_gcm():
    """SM4-GCM is what RFC 8998 appendix A.1 says, with the tag at the end."""
    plaintext = b"".join(bytes((byte,)) * 8 for byte in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    iv = bytes.fromhex("00001234567800000000ABCD")
    associated = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    sealed = encrypt(SM4(KEY), Mode.GCM, plaintext, iv=iv, associated=associated)
    assert sealed.hex().upper() == (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert decrypt(SM4(KEY), Mode.GCM, sealed, iv=iv, associated=associated) == plaintext


def test_aes_cbc():
    """AES-CBC is what NIST SP 800-38A section F.2.1 says."""
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    block = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    assert encrypt(AES(key), Mode.CBC, block, iv=IV)[:16].hex() == "7649abac8119b246cee98e9b12e9197d"


@given(plaintext=st.binary(min_size=1, max_size=100), mode=st.sampled_from([Mode.ECB, Mode.CBC]))
def test_gmssl_agrees(plaintext, mode):
    """Another implementation of SM4 writes the same bytes and reads ours."""
    peer = gmssl_sm4.CryptSM4()
    peer.set_key(KEY, gmssl_sm4.SM4_ENCRYPT)
    theirs = peer.crypt_ecb(plaintext) if mode is Mode.ECB else peer.crypt_cbc(IV, plaintext)
    assert encrypt(SM4(KEY), mode, plaintext, iv=b"" if mode is Mode.ECB else IV) == theirs


@pytest.mark.parametrize(("mode", "place"), PLACES)
@given(text=st.text(max_size=50), spelling=st.sampled_from(Spelling))
def test_round_trip(mode, place, text, spelling):
    """What is encrypted is decrypted, whatever the mode, the place of the IV and the spelling."""
    both = plan(mode, place, spelling=spelling)
    encrypted = both.make_encryptor(HEX_KEY).encrypt_text(text)
    assert both.make_decryptor(HEX_KEY).decrypt_text(encrypted) == text


@pytest.mark.parametrize("charset", [Charset.GBK, Charset.GB18030])
@given(data=st.data())
def test_gbk_and_gb18030(charset, data):
    """A GBK payload is the GBK bytes under the cipher, as Fujian has it; one in GB 18030 has every character."""
    text = data.draw(st.text(st.characters(codec=charset.value), max_size=50))
    fujian = plan(Mode.ECB, charset=charset)
    encrypted = fujian.make_encryptor(HEX_KEY).encrypt_text(text)
    assert decrypt(SM4(KEY), Mode.ECB, base64.b64decode(encrypted.text), iv=b"") == text.encode(charset.value)
    assert fujian.make_decryptor(HEX_KEY).decrypt_text(encrypted) == text


def test_a_character_outside_the_charset():
    """What GBK does not have is refused on the way out, and not replaced."""
    with pytest.raises(PayloadError) as caught:
        plan(Mode.ECB, charset=Charset.GBK).make_encryptor(HEX_KEY).encrypt_text("𠮷")
    assert caught.value.fault is PayloadFault.CHARSET


@given(
    text=st.text(min_size=1, max_size=40),
    place=st.sampled_from(sorted(IV_PLACES[Mode.GCM])),
    flip=st.integers(0, 10_000),
)
def test_tampering_with_gcm(text, place, flip):
    """Whatever bit of nonce, ciphertext or tag is flipped, nothing is decrypted."""
    both = plan(Mode.GCM, place, spelling=Spelling.HEX, associated=b"app")
    encrypted = both.make_encryptor(HEX_KEY).encrypt_text(text)
    parts = [bytearray.fromhex(encrypted.iv), bytearray.fromhex(encrypted.text)]
    whole = parts[0] + parts[1]
    whole[flip // 8 % len(whole)] ^= 1 << flip % 8
    changed = Encrypted(iv=whole[: len(parts[0])].hex(), text=whole[len(parts[0]) :].hex())
    assert fault_of(both.make_decryptor(HEX_KEY), changed) is PayloadFault.NOT_DECRYPTED


def test_other_associated_data():
    """What was bound to one application is not decrypted for another."""
    encrypted = plan(associated=b"one").make_encryptor(HEX_KEY).encrypt_text("text")
    assert fault_of(plan(associated=b"two").make_decryptor(HEX_KEY), encrypted) is PayloadFault.NOT_DECRYPTED


def test_another_charset_than_agreed():
    """Where integrity is proven, it is said that the text is of another charset."""
    encrypted = plan(charset=Charset.GBK).make_encryptor(HEX_KEY).encrypt_text("证照")
    assert fault_of(plan().make_decryptor(HEX_KEY), encrypted) is PayloadFault.CHARSET


@pytest.mark.parametrize("mode", [Mode.ECB, Mode.CBC])
def test_bad_padding_looks_like_bad_text(mode):
    """Without integrity, bad padding and bytes that are no text give one answer: two would be a padding oracle."""
    both = plan(mode)
    iv = b"" if mode is Mode.ECB else IV
    context = Cipher(SM4(KEY), ECB()).encryptor()  # noqa: S305 - one raw block, to make bad padding
    bad_padding = context.update(bytes(16)) if mode is Mode.ECB else context.update(IV)
    bad_text = encrypt(SM4(KEY), mode, b"\xff\xfe", iv=iv)
    raised = []
    for ciphertext in (bad_padding, bad_text):
        with pytest.raises(PayloadError) as caught:
            both.make_decryptor(HEX_KEY).decrypt_text(Encrypted(text=encode_spelling(iv + ciphertext, Spelling.BASE64)))
        raised.append((caught.value.fault, str(caught.value)))
    assert raised == [(PayloadFault.NOT_DECRYPTED, "not-decrypted")] * 2


@pytest.mark.parametrize(("mode", "place"), PLACES)
@given(garbage=st.binary(max_size=80), iv=st.binary(max_size=20))
def test_garbage(mode, place, garbage, iv):
    """Garbage raises the one error of this package, or is decrypted to something where nothing proves integrity."""
    decryptor = plan(mode, place, spelling=Spelling.HEX).make_decryptor(HEX_KEY)
    try:
        decryptor.decrypt_text(Encrypted(text=garbage.hex(), iv=iv.hex()))
    except PayloadError:
        return
    assert not decryptor.proves_integrity


@pytest.mark.parametrize(
    ("encrypted", "mode", "place", "fault"),
    [
        (Encrypted(text=""), Mode.ECB, IvPlace.NONE, PayloadFault.STRUCTURE),
        (Encrypted(text="00" * 15), Mode.ECB, IvPlace.NONE, PayloadFault.STRUCTURE),
        (Encrypted(text="00" * 16), Mode.CBC, IvPlace.FRONT, PayloadFault.STRUCTURE),
        (Encrypted(text="00" * 15), Mode.CBC, IvPlace.FRONT, PayloadFault.IV),
        (Encrypted(text="00" * 16), Mode.CBC, IvPlace.BESIDE, PayloadFault.IV),
        (Encrypted(text="00" * 16, iv="00" * 12), Mode.CBC, IvPlace.BESIDE, PayloadFault.IV),
        (Encrypted(text="00" * 16, iv="00" * 16), Mode.CBC, IvPlace.FIXED, PayloadFault.IV),
        (Encrypted(text="00" * 27), Mode.GCM, IvPlace.FRONT, PayloadFault.STRUCTURE),
        (Encrypted(text="0"), Mode.ECB, IvPlace.NONE, PayloadFault.SPELLING),
        (Encrypted(text="zz"), Mode.ECB, IvPlace.NONE, PayloadFault.SPELLING),
    ],
)
def test_forms(encrypted, mode, place, fault):
    """An impossible length, and an IV where none was agreed, are named."""
    assert fault_of(plan(mode, place, spelling=Spelling.HEX).make_decryptor(HEX_KEY), encrypted) is fault


@pytest.mark.parametrize(
    ("cipher", "key", "spelling", "fault"),
    [
        (BlockCipher.SM4, b"00" * 15, KeySpelling.HEX, PayloadFault.KEY),
        (BlockCipher.SM4, b"00" * 32, KeySpelling.HEX, PayloadFault.KEY),
        (BlockCipher.SM4, b"0" * 31, KeySpelling.HEX, PayloadFault.SPELLING),
        (BlockCipher.SM4, "密".encode() * 11, KeySpelling.HEX, PayloadFault.SPELLING),
        (BlockCipher.SM4, b"=" * 24, KeySpelling.BASE64, PayloadFault.SPELLING),
        (BlockCipher.AES, b"0" * 17, KeySpelling.TEXT, PayloadFault.KEY),
    ],
)
def test_keys_that_are_none(cipher, key, spelling, fault):
    """A key of another length or spelling is refused when it is bound, in words that do not repeat it."""
    with pytest.raises(PayloadError) as caught:
        plan(cipher=cipher, key_spelling=spelling).make_decryptor(Secret(key))
    assert caught.value.fault is fault
    assert key.decode("utf-8") not in str(caught.value)


@pytest.mark.parametrize(
    ("spelled", "spelling"),
    [
        (KEY.hex().encode(), KeySpelling.HEX),
        (KEY.hex().upper().encode() + b"\r\n", KeySpelling.HEX),
        (base64.b64encode(KEY) + b"\n", KeySpelling.BASE64),
        (KEY, KeySpelling.TEXT),
    ],
)
def test_one_key_in_all_spellings(spelled, spelling):
    """A key is the same however the site keeps it, and a line end behind it is no part of it."""
    encrypted = plan().make_encryptor(HEX_KEY).encrypt_text("证照")
    assert plan(key_spelling=spelling).make_decryptor(Secret(spelled)).decrypt_text(encrypted) == "证照"


@pytest.mark.parametrize(
    "changed",
    [
        {"mode": Mode.GCM, "iv_place": IvPlace.FIXED, "fixed_iv": bytes(12)},
        {"mode": Mode.ECB, "iv_place": IvPlace.FRONT},
        {"mode": Mode.CBC, "iv_place": IvPlace.FIXED, "fixed_iv": bytes(15)},
        {"mode": Mode.CBC, "iv_place": IvPlace.FRONT, "fixed_iv": IV},
        {"mode": Mode.CBC, "iv_place": IvPlace.FRONT, "associated": b"app"},
    ],
)
def test_contradictions(changed):
    """Parameters that contradict each other make no function; a fixed nonce for GCM is one of them."""
    with pytest.raises(ValueError, match=r"IV|associated"):
        SymmetricEncryption(cipher=BlockCipher.SM4, **changed)


def test_a_fresh_iv_each_time():
    """The same text twice is two ciphertexts, wherever the IV is not fixed by agreement."""
    for mode, place in PLACES:
        encryptor = plan(mode, place).make_encryptor(HEX_KEY)
        same = encryptor.encrypt_text("same") == encryptor.encrypt_text("same")
        assert same is (place in (IvPlace.NONE, IvPlace.FIXED))


def test_nothing_is_shown():
    """No repr of a bound function shows the key."""
    shown = repr(plan().make_encryptor(HEX_KEY)) + repr(plan().make_decryptor(HEX_KEY))
    assert KEY.hex() not in shown
    assert repr(KEY) not in shown


def test_sizes(monkeypatch):
    """More than the bound is refused before any work is done, on both ways."""
    monkeypatch.setattr("keys.payload.encryption.MAX_PAYLOAD", 8)
    with pytest.raises(PayloadError) as caught:
        plan().make_encryptor(HEX_KEY).encrypt_bytes(bytes(9))
    assert caught.value.fault is PayloadFault.TOO_LARGE
    too_long = Encrypted(text="0" * (bounds.MAX_SPELLED + 1))
    assert fault_of(plan(spelling=Spelling.HEX).make_decryptor(HEX_KEY), too_long) is PayloadFault.TOO_LARGE
