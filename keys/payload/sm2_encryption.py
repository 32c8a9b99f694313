"""Payloads to the owner of an SM2 key (GB/T 32918.4); the hash in the ciphertext proves that nothing was changed."""

from dataclasses import dataclass
from typing import Final

from keys.errors import MalformedKeyError, SignatureVerificationError
from keys.payload.charset import Charset
from keys.payload.encryption import Decryptor, Encrypted, Encryptor, KeySpelling, parse_key
from keys.payload.errors import PayloadError, PayloadFault
from keys.payload.secret import Secret
from keys.payload.sm2_ciphertext import Sm2Form, encode_sm2_ciphertext, parse_sm2_ciphertext
from keys.payload.spelling import Spelling, encode_spelling, parse_spelling
from keys.sm2 import Sm2PrivateKey, Sm2PublicKey

_SCALAR: Final = 32  # bytes of a private key's number
_BARE_POINT: Final = 64  # bytes of x‖y


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Encryption:
    """SM2 with its parameters; a key is hexadecimal (a point with or without 04, a number) or base64 of DER."""

    form: Sm2Form = Sm2Form.C1C3C2
    charset: Charset = Charset.UTF_8
    spelling: Spelling = Spelling.HEX
    key_spelling: KeySpelling = KeySpelling.HEX

    def __post_init__(self) -> None:
        """Raise ValueError for a key as text: points and numbers are no text."""
        if self.key_spelling is KeySpelling.TEXT:
            raise ValueError("an SM2 key is spelled hex or base64")

    def make_encryptor(self, key: Secret) -> Encryptor:
        """Bind the receiver's public key, as `keys.payload.encryption.Encryption` has it."""
        public_key = parse_sm2_public_key(key, self.key_spelling)
        return Encryptor(charset=self.charset, seal=lambda plaintext: self._seal(public_key, plaintext))

    def make_decryptor(self, key: Secret) -> Decryptor:
        """Bind our private key, as `keys.payload.encryption.Encryption` has it."""
        private_key = parse_sm2_private_key(key, self.key_spelling)
        return Decryptor(
            charset=self.charset,
            proves_integrity=True,
            unseal=lambda encrypted: self._unseal(private_key, encrypted),
        )

    def _seal(self, key: Sm2PublicKey, plaintext: bytes) -> Encrypted:
        if not plaintext:
            raise PayloadError(PayloadFault.EMPTY, "at least one byte was expected")
        ciphertext = parse_sm2_ciphertext(key.encrypt(plaintext), Sm2Form.DER)
        return Encrypted(text=encode_spelling(encode_sm2_ciphertext(ciphertext, self.form), self.spelling))

    def _unseal(self, key: Sm2PrivateKey, encrypted: Encrypted) -> bytes:
        if encrypted.iv:
            raise PayloadError(PayloadFault.IV, "SM2 has no IV")
        ciphertext = parse_sm2_ciphertext(parse_spelling(encrypted.text, self.spelling), self.form)
        try:
            return key.decrypt(encode_sm2_ciphertext(ciphertext, Sm2Form.DER))
        except ValueError:
            raise PayloadError(PayloadFault.NOT_DECRYPTED) from None


def parse_sm2_public_key(key: Secret, spelling: KeySpelling) -> Sm2PublicKey:
    """Read a public key: a point 04‖x‖y or x‖y in hexadecimal, or a SubjectPublicKeyInfo in base64.

    Raises:
        PayloadError: SPELLING, KEY.

    """
    value = parse_key(key, spelling)
    try:
        if spelling is KeySpelling.BASE64:
            return Sm2PublicKey.from_spki(value)
        return Sm2PublicKey.from_point(b"\x04" + value if len(value) == _BARE_POINT else value)
    except SignatureVerificationError as error:
        raise PayloadError(PayloadFault.KEY, error.detail) from error


def parse_sm2_private_key(key: Secret, spelling: KeySpelling) -> Sm2PrivateKey:
    """Read a private key: its number, 32 bytes in hexadecimal, or an unencrypted PrivateKeyInfo in base64.

    Raises:
        PayloadError: SPELLING, KEY.

    """
    value = parse_key(key, spelling)
    if spelling is KeySpelling.HEX and len(value) != _SCALAR:
        raise PayloadError(PayloadFault.KEY, f"a number of {_SCALAR} bytes was expected, got {len(value)}")
    try:
        if spelling is KeySpelling.BASE64:
            return Sm2PrivateKey.parse_pkcs8(value)
        return Sm2PrivateKey.from_scalar(int.from_bytes(value))
    except MalformedKeyError as error:
        raise PayloadError(PayloadFault.KEY, str(error)) from error
