"""A cache whose keeper need not be trusted: names say nothing, and what was not sealed here is not there."""

import hashlib
import hmac
import os
from collections import OrderedDict
from enum import StrEnum
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.cache.cache import NO_TALLY, Cache, CacheFault, CacheTally

FORMAT: Final = 1  # of what is written: salt, nonce, ciphertext with its tag
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12  # NIST SP 800-38D section 5.2.1.1
TAG_BYTES: Final = 16
# Values under one key. Nonces are random, and NIST SP 800-38D section 8.3 allows 2^32: a gateway that writes thousands
# a second would be there in weeks, so the key of the values is derived anew, for each process and after so many.
MAX_SEALED: Final = 1 << 30
_NAME_KEY_BYTES: Final = 32
_REMEMBERED: Final = 64  # keys of other processes; deriving one again takes some 10 microseconds


class SealCipher(StrEnum):
    """The ciphers that values are sealed with."""

    AES_256_GCM = "aes-256-gcm"  # NIST SP 800-38D
    SM4_GCM = "sm4-gcm"  # GB/T 32907, RFC 8998


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class Sealing:
    """Names and seals values of one kind for a keeper that need not be trusted.

    A name becomes a place, the HMAC-SHA256 of itself, so that whoever reads what is kept cannot try names. A value is
    encrypted and authenticated together with its place: one that was changed, moved to another place, or written for
    another kind, in another format, under another secret or by somebody else, does not open.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        kind: str,
        cipher: SealCipher = SealCipher.AES_256_GCM,
        max_sealed: int = MAX_SEALED,
    ) -> None:
        """Seal values of one ``kind`` under a secret of 32 bytes or more, which all who share them have."""
        self._secret = secret
        self._purpose = f"tongban cache {FORMAT} {cipher} {kind}".encode()
        self._cipher = cipher
        self._max_sealed = max_sealed
        self._name_key = _derive(secret, b"", self._purpose + b" names", _NAME_KEY_BYTES)
        self._keys: OrderedDict[bytes, _Aead] = OrderedDict()
        self._salt, self._sealed = os.urandom(SALT_BYTES), 0

    def place(self, name: bytes) -> bytes:
        """Return where the value of a name lies."""
        return hmac.digest(self._name_key, name, hashlib.sha256)

    def seal(self, place: bytes, value: bytes) -> bytes:
        """Return a value as it may lie there."""
        if self._sealed >= self._max_sealed:
            self._salt, self._sealed = os.urandom(SALT_BYTES), 0
        self._sealed += 1
        nonce = os.urandom(NONCE_BYTES)
        return self._salt + nonce + self._key(self._salt).encrypt(nonce, value, place)

    def open(self, place: bytes, sealed: bytes) -> bytes | None:
        """Return what was sealed for this place; None: this was not."""
        if len(sealed) < SALT_BYTES + NONCE_BYTES + TAG_BYTES:
            return None
        salt, nonce = sealed[:SALT_BYTES], sealed[SALT_BYTES : SALT_BYTES + NONCE_BYTES]
        try:
            return self._key(salt).decrypt(nonce, sealed[SALT_BYTES + NONCE_BYTES :], place)
        except InvalidTag:
            return None

    def _key(self, salt: bytes) -> _Aead:
        key = self._keys.get(salt)
        if key is None:
            if self._cipher is SealCipher.AES_256_GCM:
                key = AESGCM(_derive(self._secret, salt, self._purpose + b" values", 32))
            else:
                key = _Sm4Gcm(_derive(self._secret, salt, self._purpose + b" values", 16))
            self._keys[salt] = key
            if len(self._keys) > _REMEMBERED:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end(salt)
        return key


class SealedCache:
    """A `Cache` on another one, for one kind of values: what was not sealed here is a miss and a metric."""

    def __init__(
        self,
        inner: Cache,
        secret: bytes,
        *,
        kind: str,
        cipher: SealCipher = SealCipher.AES_256_GCM,
        tally: CacheTally = NO_TALLY,
        max_sealed: int = MAX_SEALED,
    ) -> None:
        """Keep values there, as `Sealing` seals them; another ``secret`` finds nothing."""
        self._inner = inner
        self._sealing = Sealing(secret, kind=kind, cipher=cipher, max_sealed=max_sealed)
        self._tally = tally

    async def get(self, name: bytes) -> bytes | None:
        """Return the value under a name, if it was sealed here for this name."""
        place = self._sealing.place(name)
        sealed = await self._inner.get(place)
        if sealed is None:
            return None
        value = self._sealing.open(place, sealed)
        if value is None:
            self._tally.fault(CacheFault.FORGED)
        return value

    async def put(self, name: bytes, value: bytes, *, seconds: float) -> None:
        """Seal a value and keep it."""
        place = self._sealing.place(name)
        await self._inner.put(place, self._sealing.seal(place, value), seconds=seconds)

    async def forget(self, name: bytes) -> None:
        """Drop the value under a name."""
        await self._inner.forget(self._sealing.place(name))


class _Sm4Gcm:
    """SM4 in GCM in the form of `AESGCM`: the tag behind the ciphertext."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        worker = Cipher(self._algorithm, GCM(nonce)).encryptor()
        worker.authenticate_additional_data(associated_data or b"")
        return worker.update(data) + worker.finalize() + worker.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        worker = Cipher(self._algorithm, GCM(nonce, data[-TAG_BYTES:])).decryptor()
        worker.authenticate_additional_data(associated_data or b"")
        return worker.update(data[:-TAG_BYTES]) + worker.finalize()


def _derive(secret: bytes, salt: bytes, purpose: bytes, length: int) -> bytes:
    """Return a key for one purpose (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=purpose).derive(secret)
