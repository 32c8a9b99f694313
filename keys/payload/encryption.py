"""An encrypted payload, what makes it and what reads it, whatever the algorithm."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from keys.payload.bounds import MAX_PAYLOAD
from keys.payload.charset import Charset, encode_text, parse_text
from keys.payload.errors import PayloadError, PayloadFault
from keys.payload.secret import Secret
from keys.payload.spelling import Spelling, parse_spelling


class KeySpelling(StrEnum):
    """How a key is written where the site keeps it."""

    HEX = "hex"
    BASE64 = "base64"
    TEXT = "text"  # the characters themselves are the key, as in "0123456789abcdef" for 16 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Encrypted:
    """A payload as it travels; ``iv`` is "" unless it has a field of its own in the message."""

    text: str
    iv: str = ""


class Encryption(Protocol):
    """A named function with its parameters and without a key; a key is given as its text, as the site keeps it."""

    def make_encryptor(self, key: Secret) -> "Encryptor":
        """Bind the key to which is encrypted; raises PayloadError with KEY or SPELLING."""
        ...

    def make_decryptor(self, key: Secret) -> "Decryptor":
        """Bind the key that decrypts; raises PayloadError with KEY or SPELLING."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryptor:
    """A function with its key, on the way out; repr shows no key."""

    charset: Charset
    seal: Callable[[bytes], Encrypted] = field(repr=False)

    def encrypt_text(self, text: str) -> Encrypted:
        """Encrypt text in the agreed charset.

        Raises:
            PayloadError: CHARSET, TOO_LARGE; EMPTY for SM2.

        """
        return self.encrypt_bytes(encode_text(text, self.charset))

    def encrypt_bytes(self, plaintext: bytes) -> Encrypted:
        """Encrypt a file; raises PayloadError with TOO_LARGE, and EMPTY for SM2."""
        if len(plaintext) > MAX_PAYLOAD:
            raise PayloadError(PayloadFault.TOO_LARGE, f"at most {MAX_PAYLOAD} bytes were expected")
        return self.seal(plaintext)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decryptor:
    """A function with its key, on the way in; repr shows no key."""

    charset: Charset
    proves_integrity: bool  # what was changed on the way is never decrypted
    unseal: Callable[[Encrypted], bytes] = field(repr=False)

    def decrypt_text(self, encrypted: Encrypted) -> str:
        """Decrypt text in the agreed charset.

        Without integrity, what is not of the charset is NOT_DECRYPTED: whoever can tell bad padding from bad text
        could decrypt by asking (Vaudenay's padding oracle).

        Raises:
            PayloadError: TOO_LARGE, SPELLING, IV, STRUCTURE, NOT_DECRYPTED; CHARSET where integrity is proven.

        """
        plaintext = self.unseal(encrypted)
        try:
            return parse_text(plaintext, self.charset)
        except PayloadError as error:
            if self.proves_integrity:
                raise
            raise PayloadError(PayloadFault.NOT_DECRYPTED) from error

    def decrypt_bytes(self, encrypted: Encrypted) -> bytes:
        """Decrypt a file; raises as `decrypt_text` does, without CHARSET."""
        return self.unseal(encrypted)


def parse_key(key: Secret, spelling: KeySpelling) -> bytes:
    """Return the bytes of a key that the site keeps as text; line ends around it are no part of it.

    Raises:
        PayloadError: SPELLING.

    """
    text = key.reveal().strip(b"\r\n")
    if spelling is KeySpelling.TEXT:
        return text
    try:
        characters = text.decode("ascii")
    except UnicodeDecodeError:
        raise PayloadError(PayloadFault.SPELLING, f"a key in {spelling} was expected") from None  # it could quote it
    return parse_spelling(characters, Spelling.HEX if spelling is KeySpelling.HEX else Spelling.BASE64)
