"""Decrypting what stands in a request, so that nobody learns from the answer whether it could be decrypted.

Somebody without an account who is told of bad padding could read what a partner sent (Vaudenay's padding oracle). So
what cannot be decrypted reads as nothing, goes the same way as what can, and is spoken of once it is known who asks.
"""

from typing import Final

from adapters.mapping.error import AdapterError, AdapterFault
from gateway.adapters.incoming import Decryptors, TextDecryptor
from keys.payload.encryption import Encrypted
from keys.payload.errors import PayloadError

MAX_TEXTS: Final = 32  # encrypted texts of one request; a question has a few, and SM2 takes 0.3 ms for each


class Opening:
    """The decryptors of one request, and whether they read all of it."""

    def __init__(self, decryptors: Decryptors) -> None:
        """Decrypt with these."""
        self.decryptors: Decryptors = [(path, _Text(self, one)) for path, one in decryptors]
        self.has_failed = False
        self._left = MAX_TEXTS

    def take(self) -> None:
        """Count one text; raises AdapterError TOO_LARGE for one too many."""
        if not self._left:
            raise AdapterError(AdapterFault.TOO_LARGE)
        self._left -= 1


class _Text:
    def __init__(self, opening: Opening, decryptor: TextDecryptor) -> None:
        self._opening = opening
        self._decryptor = decryptor

    def decrypt_text(self, encrypted: Encrypted) -> str:
        """Return the text, "" for one that cannot be read."""
        self._opening.take()
        try:
            return self._decryptor.decrypt_text(encrypted)
        except PayloadError:
            self._opening.has_failed = True
            return ""
