"""Requests signed with SM2 (GB/T 32918.2): whoever verifies cannot sign."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from keys.encoding import SignatureEncoding, parse_signature
from keys.errors import SignatureFault, SignatureVerificationError
from keys.libcrypto import MAX_USER_ID
from keys.payload.encryption import KeySpelling
from keys.payload.errors import RequestFault, RequestSignatureError
from keys.payload.secret import Secret
from keys.payload.sm2_encryption import parse_sm2_private_key, parse_sm2_public_key
from keys.payload.template import Template
from keys.sm2 import CURVE_ORDER, DEFAULT_USER_ID, Sm2PrivateKey, Sm2PublicKey

_NUMBER: Final = 32  # bytes of r and of s


class SignatureForm(StrEnum):
    """How the value is written before it is spelled."""

    RAW = "raw"  # r‖s, 64 bytes
    DER = "der"  # SEQUENCE{r, s}


_ENCODINGS: Final = {SignatureForm.RAW: SignatureEncoding.RAW, SignatureForm.DER: SignatureEncoding.DER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Scheme:
    """SM2 with SM3; the user id is what both sides agreed, and never tried."""

    form: SignatureForm = SignatureForm.RAW
    user_id: bytes = DEFAULT_USER_ID
    key_spelling: KeySpelling = KeySpelling.HEX

    def __post_init__(self) -> None:
        """Raise ValueError for a user id that SM2 does not have, and for keys as text."""
        if not 0 < len(self.user_id) <= MAX_USER_ID or self.key_spelling is KeySpelling.TEXT:
            raise ValueError(f"a user id of 1 to {MAX_USER_ID} bytes and a key spelled hex or base64 were expected")

    def make_maker(self, key: Secret) -> "Sm2Maker":
        """Bind our private key, as `keys.payload.request_signature.Scheme` has it."""
        return Sm2Maker(scheme=self, key=parse_sm2_private_key(key, self.key_spelling))

    def make_prover(self, key: Secret) -> "Sm2Prover":
        """Bind the other side's public key, as `keys.payload.request_signature.Scheme` has it."""
        return Sm2Prover(scheme=self, key=parse_sm2_public_key(key, self.key_spelling))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Maker:
    """SM2 with a private key."""

    scheme: Sm2Scheme
    key: Sm2PrivateKey = field(repr=False)

    def make(self, template: Template, fields: Mapping[str, str]) -> bytes:
        """Sign the text."""
        signature = self.key.sign(template.fill(fields), user_id=self.scheme.user_id)
        if self.scheme.form is SignatureForm.DER:
            return signature
        r, s, _ = parse_signature(signature, CURVE_ORDER)
        return r.to_bytes(_NUMBER) + s.to_bytes(_NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Prover:
    """SM2 with a public key."""

    scheme: Sm2Scheme
    key: Sm2PublicKey

    @property
    def identity(self) -> bytes:
        """The public key."""
        return self.key.spki

    def prove(self, template: Template, fields: Mapping[str, str], signature: bytes) -> bytes:
        """Verify a signature in the one form that was agreed."""
        text = template.fill(fields)
        try:
            encoding = self.key.verify(text, signature, user_id=self.scheme.user_id)
        except SignatureVerificationError as error:
            fault = RequestFault.BAD if error.fault is SignatureFault.BAD else RequestFault.MALFORMED
            raise RequestSignatureError(fault) from error
        if encoding is not _ENCODINGS[self.scheme.form]:
            raise RequestSignatureError(RequestFault.MALFORMED, f"a signature {self.scheme.form} was expected")
        return text
