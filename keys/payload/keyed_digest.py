"""Signatures by a shared secret: HMAC, and the digests into which some gateways mix the secret.

A digest over text and secret is no HMAC: who knows one may lengthen the text where the secret stands in front. The
gateways that ask for it put the secret in the middle or fix the lengths; nothing of our own is signed so.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keys.payload.encryption import KeySpelling, parse_key
from keys.payload.errors import RequestFault, RequestSignatureError
from keys.payload.secret import Secret
from keys.payload.template import Template


def compute_hmac_sha256(text: bytes, secret: bytes) -> bytes:
    """Return HMAC-SHA256 (RFC 2104) of the text."""
    return hmac.digest(secret, text, hashlib.sha256)


def compute_sha256(text: bytes, _secret: bytes) -> bytes:
    """Return SHA-256 of a text that holds the secret already."""
    return hashlib.sha256(text).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedDigest:
    """A digest of text and secret; whoever can verify can sign."""

    compute: Callable[[bytes, bytes], bytes]  # text, secret
    key_spelling: KeySpelling = KeySpelling.TEXT

    def make_maker(self, key: Secret) -> "SharedSecret":
        """Bind the secret, as `keys.payload.request_signature.Scheme` has it."""
        return SharedSecret(compute=self.compute, identity=Secret(parse_key(key, self.key_spelling)).reveal())

    make_prover = make_maker


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSecret:
    """A digest with its secret, which repr does not show."""

    compute: Callable[[bytes, bytes], bytes]
    identity: bytes = field(repr=False)

    def make(self, template: Template, fields: Mapping[str, str]) -> bytes:
        """Compute the digest."""
        return self.compute(template.fill(fields, self.identity), self.identity)

    def prove(self, template: Template, fields: Mapping[str, str], signature: bytes) -> bytes:
        """Compare in constant time with the digest that was to be expected."""
        text = template.fill(fields, self.identity)
        if not hmac.compare_digest(self.compute(text, self.identity), signature):
            raise RequestSignatureError(RequestFault.BAD)
        return text
