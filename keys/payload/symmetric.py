"""Payloads under a shared key: SM4 (GB/T 32907) and AES in the modes that other systems ask for.

ECB shows which blocks are equal, and neither ECB nor CBC proves that nothing was changed. Both are here because others
demand them; nothing of our own is protected with them.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB, GCM
from cryptography.hazmat.primitives.padding import PKCS7

from keys.payload.charset import Charset
from keys.payload.encryption import Decryptor, Encrypted, Encryptor, KeySpelling, parse_key
from keys.payload.errors import PayloadError, PayloadFault
from keys.payload.secret import Secret
from keys.payload.spelling import Spelling, encode_spelling, parse_spelling

BLOCK: Final = 16  # bytes, of SM4 and of AES
NONCE: Final = 12  # NIST SP 800-38D section 5.2.1.1
TAG: Final = 16
_BLOCK_BITS: Final = 8 * BLOCK


class BlockCipher(StrEnum):
    """The block ciphers."""

    SM4 = "sm4"
    AES = "aes"


class Mode(StrEnum):
    """The modes; ECB and CBC fill the last block as PKCS#7 has it."""

    ECB = "ecb"
    CBC = "cbc"
    GCM = "gcm"


class IvPlace(StrEnum):
    """Where the initialisation vector travels."""

    NONE = "none"  # ECB has none
    FRONT = "front"  # fresh each time, before the ciphertext and spelled with it
    BESIDE = "beside"  # fresh each time, in a field of its own and spelled like the ciphertext
    FIXED = "fixed"  # agreed once for all; equal beginnings then look equal


KEY_BYTES: Final = MappingProxyType({BlockCipher.SM4: frozenset({16}), BlockCipher.AES: frozenset({16, 24, 32})})
IV_BYTES: Final = MappingProxyType({Mode.ECB: 0, Mode.CBC: BLOCK, Mode.GCM: NONCE})
IV_PLACES: Final = MappingProxyType(
    {
        Mode.ECB: frozenset({IvPlace.NONE}),
        Mode.CBC: frozenset({IvPlace.FRONT, IvPlace.BESIDE, IvPlace.FIXED}),
        # A nonce that is used twice under one key gives away the plaintexts and the key of the tag.
        Mode.GCM: frozenset({IvPlace.FRONT, IvPlace.BESIDE}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymmetricEncryption:
    """A cipher with its parameters; ``associated`` is what GCM binds besides, ``fixed_iv`` is b"" unless FIXED."""

    cipher: BlockCipher
    mode: Mode
    iv_place: IvPlace = IvPlace.NONE
    fixed_iv: bytes = b""
    associated: bytes = b""
    charset: Charset = Charset.UTF_8
    spelling: Spelling = Spelling.BASE64
    key_spelling: KeySpelling = KeySpelling.HEX

    def __post_init__(self) -> None:
        """Raise ValueError for parameters that contradict each other."""
        if self.iv_place not in IV_PLACES[self.mode]:
            raise ValueError(f"{self.mode} has no IV that is {self.iv_place}")
        if len(self.fixed_iv) != (IV_BYTES[self.mode] if self.iv_place is IvPlace.FIXED else 0):
            raise ValueError("an IV of the mode's length was expected where it is fixed, and only there")
        if self.associated and self.mode is not Mode.GCM:
            raise ValueError("only gcm binds associated data")

    def make_encryptor(self, key: Secret) -> Encryptor:
        """Bind the shared key, as `keys.payload.encryption.Encryption` has it."""
        algorithm = self._read_key(key)
        return Encryptor(charset=self.charset, seal=lambda plaintext: self._seal(algorithm, plaintext))

    def make_decryptor(self, key: Secret) -> Decryptor:
        """Bind the shared key, as `keys.payload.encryption.Encryption` has it."""
        algorithm = self._read_key(key)
        return Decryptor(
            charset=self.charset,
            proves_integrity=self.mode is Mode.GCM,
            unseal=lambda encrypted: self._unseal(algorithm, encrypted),
        )

    def _read_key(self, key: Secret) -> SM4 | AES:
        value = parse_key(key, self.key_spelling)
        if len(value) not in KEY_BYTES[self.cipher]:
            sizes = " or ".join(str(size) for size in sorted(KEY_BYTES[self.cipher]))
            raise PayloadError(PayloadFault.KEY, f"a key of {sizes} bytes was expected, got {len(value)}")
        return SM4(value) if self.cipher is BlockCipher.SM4 else AES(value)

    def _seal(self, algorithm: SM4 | AES, plaintext: bytes) -> Encrypted:
        iv = self.fixed_iv or secrets.token_bytes(IV_BYTES[self.mode])
        ciphertext = encrypt(algorithm, self.mode, plaintext, iv=iv, associated=self.associated)
        if self.iv_place is IvPlace.FRONT:
            ciphertext = iv + ciphertext
        beside = encode_spelling(iv, self.spelling) if self.iv_place is IvPlace.BESIDE else ""
        return Encrypted(text=encode_spelling(ciphertext, self.spelling), iv=beside)

    def _unseal(self, algorithm: SM4 | AES, encrypted: Encrypted) -> bytes:
        iv, ciphertext = self.fixed_iv, parse_spelling(encrypted.text, self.spelling)
        if bool(encrypted.iv) is not (self.iv_place is IvPlace.BESIDE):
            raise PayloadError(PayloadFault.IV, "an IV beside the ciphertext was expected where agreed, and only there")
        if self.iv_place is IvPlace.BESIDE:
            iv = parse_spelling(encrypted.iv, self.spelling)
        elif self.iv_place is IvPlace.FRONT:
            size = IV_BYTES[self.mode]
            iv, ciphertext = ciphertext[:size], ciphertext[size:]
        return decrypt(algorithm, self.mode, ciphertext, iv=iv, associated=self.associated)


def encrypt(algorithm: SM4 | AES, mode: Mode, plaintext: bytes, *, iv: bytes, associated: bytes = b"") -> bytes:
    """Encrypt bytes; with GCM the tag stands at the end (RFC 8998). ``iv`` must have the mode's length."""
    if mode is Mode.GCM:
        sealer = Cipher(algorithm, GCM(iv)).encryptor()
        sealer.authenticate_additional_data(associated)
        return sealer.update(plaintext) + sealer.finalize() + sealer.tag
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(algorithm, _block_mode(mode, iv)).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def decrypt(algorithm: SM4 | AES, mode: Mode, ciphertext: bytes, *, iv: bytes, associated: bytes = b"") -> bytes:
    """Decrypt what `encrypt` made.

    Raises:
        PayloadError: IV, STRUCTURE for an impossible length, NOT_DECRYPTED.

    """
    if len(iv) != IV_BYTES[mode]:
        raise PayloadError(PayloadFault.IV, f"{IV_BYTES[mode]} bytes were expected, got {len(iv)}")
    if mode is Mode.GCM:
        return _decrypt_gcm(algorithm, ciphertext, iv, associated)
    if not ciphertext or len(ciphertext) % BLOCK:
        raise PayloadError(PayloadFault.STRUCTURE, f"blocks of {BLOCK} bytes were expected, got {len(ciphertext)}")
    decryptor = Cipher(algorithm, _block_mode(mode, iv)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise PayloadError(PayloadFault.NOT_DECRYPTED) from None


def _decrypt_gcm(algorithm: SM4 | AES, sealed: bytes, nonce: bytes, associated: bytes) -> bytes:
    if len(sealed) < TAG:
        raise PayloadError(PayloadFault.STRUCTURE, f"a tag of {TAG} bytes was expected, got {len(sealed)}")
    opener = Cipher(algorithm, GCM(nonce, sealed[-TAG:])).decryptor()
    opener.authenticate_additional_data(associated)
    try:
        return opener.update(sealed[:-TAG]) + opener.finalize()
    except InvalidTag:
        raise PayloadError(PayloadFault.NOT_DECRYPTED) from None


def _block_mode(mode: Mode, iv: bytes) -> ECB | CBC:
    return ECB() if mode is Mode.ECB else CBC(iv)  # noqa: S305 - as the other side demands; see the docstring above
