"""How a private key rests: scrypt (RFC 7914) makes a key of the passphrase, an AEAD cipher seals with it.

The header of the file is associated data, so that nothing in it can be changed without the passphrase.
Parameters that come from a file are bounded on both sides before any work is done: too little would protect nothing,
too much would let whoever wrote the file exhaust the memory of whoever reads it.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256, SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keys.own.errors import OwnKeyError, OwnKeyFault

MIN_PASSPHRASE_BYTES: Final = 12  # for new keys; below, a list of words finds it in spite of scrypt
MAX_PASSPHRASE_BYTES: Final = 1024
MIN_LOG2_N: Final = 14  # 16 MiB: the least that RFC 7914 section 2 and OWASP have in their tables
MAX_LOG2_N: Final = 18  # 256 MiB and 0.7 s, the most that a start may cost
MIN_R: Final = 8
MAX_R: Final = 16
MAX_P: Final = 4
MAX_SCRYPT_BYTES: Final = 256 * 1024 * 1024  # memory is 128 * n * r
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12  # NIST SP 800-38D section 5.2.1.1
TAG_BYTES: Final = 16
_ROW_BYTES: Final = 128  # RFC 7914 section 2: a block of scrypt has 128 * r bytes


class KeyCipher(StrEnum):
    """The ciphers of key files."""

    AES_256_GCM = "aes-256-gcm"  # NIST SP 800-38D
    SM4_GCM = "sm4-gcm"  # GB/T 32907, RFC 8998


_KEY_BYTES: Final = MappingProxyType({KeyCipher.AES_256_GCM: 32, KeyCipher.SM4_GCM: 16})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScryptParameters:
    """Work of scrypt; the default takes 128 MiB and 0.3 s on the machine of 2026, once for each start."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        """Refuse what is out of bounds.

        Raises:
            OwnKeyError: KDF_OUT_OF_BOUNDS.

        """
        if (
            self.n.bit_count() != 1
            or not 1 << MIN_LOG2_N <= self.n <= 1 << MAX_LOG2_N
            or not MIN_R <= self.r <= MAX_R
            or not 1 <= self.p <= MAX_P
            or _ROW_BYTES * self.n * self.r > MAX_SCRYPT_BYTES
        ):
            raise OwnKeyError(
                OwnKeyFault.KDF_OUT_OF_BOUNDS,
                f"scrypt with n a power of two in 2^{MIN_LOG2_N}..2^{MAX_LOG2_N}, r in {MIN_R}..{MAX_R}, "
                f"p in 1..{MAX_P}, and at most {MAX_SCRYPT_BYTES} bytes was expected",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """With what one file is sealed; salt and nonce are fresh for each file, so no key of a cipher is used twice."""

    cipher: KeyCipher
    scrypt: ScryptParameters
    salt: bytes
    nonce: bytes

    def __post_init__(self) -> None:
        """Raise ValueError unless salt and nonce have their sizes."""
        if len(self.salt) != SALT_BYTES or len(self.nonce) != NONCE_BYTES:
            raise ValueError(f"a salt of {SALT_BYTES} and a nonce of {NONCE_BYTES} bytes were expected")

    @classmethod
    def fresh(cls, cipher: KeyCipher, scrypt: ScryptParameters) -> "Protection":
        """Draw salt and nonce from the system's randomness."""
        return cls(
            cipher=cipher,
            scrypt=scrypt,
            salt=secrets.token_bytes(SALT_BYTES),
            nonce=secrets.token_bytes(NONCE_BYTES),
        )


def check_new_passphrase(passphrase: bytes) -> None:
    """Refuse a passphrase that is too short for a new key, or too long for any.

    Raises:
        OwnKeyError: WEAK_PASSPHRASE, TOO_LARGE.

    """
    if len(passphrase) < MIN_PASSPHRASE_BYTES:
        raise OwnKeyError(OwnKeyFault.WEAK_PASSPHRASE, f"at least {MIN_PASSPHRASE_BYTES} bytes were expected")
    if len(passphrase) > MAX_PASSPHRASE_BYTES:
        raise OwnKeyError(OwnKeyFault.TOO_LARGE, f"a passphrase of at most {MAX_PASSPHRASE_BYTES} bytes was expected")


def seal(secret: bytes, *, passphrase: bytes, protection: Protection, header: bytes) -> bytes:
    """Encrypt ``secret`` and bind ``header`` to it; the result ends with the tag.

    Raises:
        OwnKeyError: NO_MEMORY.

    """
    with _derive(passphrase, protection) as key:
        encryptor = Cipher(_algorithm(protection.cipher, key), GCM(protection.nonce)).encryptor()
        encryptor.authenticate_additional_data(header)
        return encryptor.update(secret) + encryptor.finalize() + encryptor.tag


def unseal(sealed: bytes, *, passphrase: bytes, protection: Protection, header: bytes) -> bytes:
    """Return what `seal` sealed with the same passphrase and header.

    Raises:
        OwnKeyError: WRONG_PASSPHRASE, also when anything was changed; MALFORMED, NO_MEMORY.

    """
    if len(sealed) <= TAG_BYTES:
        raise OwnKeyError(OwnKeyFault.MALFORMED, "the ciphertext is too short")
    if len(passphrase) > MAX_PASSPHRASE_BYTES:
        raise OwnKeyError(OwnKeyFault.WRONG_PASSPHRASE)
    with _derive(passphrase, protection) as key:
        mode = GCM(protection.nonce, sealed[-TAG_BYTES:])
        decryptor = Cipher(_algorithm(protection.cipher, key), mode).decryptor()
        decryptor.authenticate_additional_data(header)
        try:
            return decryptor.update(sealed[:-TAG_BYTES]) + decryptor.finalize()
        except InvalidTag:
            raise OwnKeyError(OwnKeyFault.WRONG_PASSPHRASE) from None


@contextmanager
def _derive(passphrase: bytes, protection: Protection) -> Iterator[bytearray]:
    """Derive the cipher's key and overwrite it afterwards: the one secret here whose memory Python lets us reach."""
    key = bytearray(_KEY_BYTES[protection.cipher])
    scrypt = protection.scrypt
    try:
        kdf = Scrypt(salt=protection.salt, length=len(key), n=scrypt.n, r=scrypt.r, p=scrypt.p)
        kdf.derive_into(passphrase, key)
        yield key
    except MemoryError as error:
        raise OwnKeyError(OwnKeyFault.NO_MEMORY, f"scrypt needs {_ROW_BYTES * scrypt.n * scrypt.r} bytes") from error
    finally:
        key[:] = bytes(len(key))


def _algorithm(cipher: KeyCipher, key: bytearray) -> AES256 | SM4:
    return AES256(key) if cipher is KeyCipher.AES_256_GCM else SM4(key)  # type: ignore[arg-type]  # takes any buffer; a copy could not be overwritten
