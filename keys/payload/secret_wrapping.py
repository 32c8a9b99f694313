"""A secret that arrives encrypted: the exchange platform hands out its signing secret under the application's key.

The secret has an end and is replaced; when to fetch the next one is for whoever keeps it.
"""

from dataclasses import dataclass

from keys.payload.bounds import MAX_WRAPPED_SECRET
from keys.payload.encryption import Encrypted, KeySpelling, parse_key
from keys.payload.errors import PayloadError, PayloadFault
from keys.payload.secret import Secret
from keys.payload.symmetric import SymmetricEncryption


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretWrapping:
    """How a secret is encrypted, and how the decrypted one is spelled."""

    cipher: SymmetricEncryption
    secret_spelling: KeySpelling = KeySpelling.TEXT

    def unwrap(self, wrapped: Encrypted, key: Secret) -> Secret:
        """Decrypt a secret; never writes it anywhere.

        Raises:
            PayloadError: TOO_LARGE, KEY, SPELLING, IV, STRUCTURE, NOT_DECRYPTED.

        """
        if len(wrapped.text) > MAX_WRAPPED_SECRET:
            raise PayloadError(PayloadFault.TOO_LARGE, f"at most {MAX_WRAPPED_SECRET} characters were expected")
        secret = Secret(self.cipher.make_decryptor(key).decrypt_bytes(wrapped))
        return Secret(parse_key(secret, self.secret_spelling))
