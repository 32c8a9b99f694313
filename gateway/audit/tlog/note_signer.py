"""Signing notes with our own keys: as the log, over a text, and as a witness, over a checkpoint and a time.

One private key signs for one type of key only, so that no signature of one kind can pass for one of another.
"""

from types import MappingProxyType
from typing import Final

from gateway.audit.tlog.cosignature import Cosignature, encode_cosignature, encode_cosigned_message
from gateway.audit.tlog.note import NoteSignature
from gateway.audit.tlog.note_key import NoteKey, SignatureType
from keys.own.record import KeyAlgorithm, KeyId
from keys.own.signer import Signer
from keys.spki import parse_spki

_LOG_TYPES: Final = MappingProxyType({KeyAlgorithm.ED25519: SignatureType.ED25519, KeyAlgorithm.SM2: SignatureType.SM2})
_WITNESS_TYPES: Final = MappingProxyType({KeyAlgorithm.ED25519: SignatureType.COSIGNATURE})


class NoteSigner:
    """Signs texts under a name, with an Ed25519 or an SM2 key."""

    __slots__ = ("_signer", "key")

    key: NoteKey

    def __init__(self, name: str, signer: Signer) -> None:
        """Take a key; raises ValueError for a name that no key has, and for another algorithm."""
        if signer.algorithm not in _LOG_TYPES:
            raise ValueError(f"an Ed25519 or an SM2 key was expected, got {signer.algorithm}")
        self.key = NoteKey(name, _LOG_TYPES[signer.algorithm], parse_spki(signer.public_key)[1])
        self._signer = signer

    @property
    def fingerprint(self) -> KeyId:
        """The id of the key, the same under every name."""
        return self._signer.key_id

    def sign(self, text: str) -> NoteSignature:
        """Sign the text of a note; raises what `keys.own.signer.Signer.sign` raises."""
        return NoteSignature(name=self.key.name, key_id=self.key.key_id, value=self._signer.sign(text.encode()))


class Cosigner:
    """Signs checkpoints as a witness, under a name, with an Ed25519 key that signs nothing else."""

    __slots__ = ("_signer", "key")

    key: NoteKey

    def __init__(self, name: str, signer: Signer) -> None:
        """Take a key; raises ValueError for a name that no key has, and for another algorithm."""
        if signer.algorithm not in _WITNESS_TYPES:
            raise ValueError(f"an Ed25519 key was expected, got {signer.algorithm}")
        self.key = NoteKey(name, _WITNESS_TYPES[signer.algorithm], parse_spki(signer.public_key)[1])
        self._signer = signer

    def cosign(self, text: str, seconds: int) -> NoteSignature:
        """Cosign the text of a checkpoint as of ``seconds`` since 1970; it was found consistent with all before.

        Raises what `keys.own.signer.Signer.sign` raises.
        """
        signature = self._signer.sign(encode_cosigned_message(text, seconds))
        value = encode_cosignature(Cosignature(seconds=seconds, signature=signature))
        return NoteSignature(name=self.key.name, key_id=self.key.key_id, value=value)
