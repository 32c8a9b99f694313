"""A presentation in parts, valid as it is made, and the ways to change one of them.

Everything is made from fixed keys and salts with Ed25519, whose signatures are the same each time.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys.own.signer import SoftwareSigner
from keys.sd_jwt.base64url import encode_base64url
from keys.sd_jwt.claims import encode_moment
from keys.sd_jwt.public_key import encode_jwk, read_public_key
from tests.keys.sd_jwt.credentials import AUDIENCE, DAY, ISSUER, NONCE, NOW, TYPE

ISSUER_KEY = SoftwareSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
HOLDER_KEY = SoftwareSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))))
OTHER_KEY = SoftwareSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96))))


def fold(*content: Any) -> str:
    """Write a disclosure, well formed or not."""
    return encode_base64url(json.dumps(list(content), ensure_ascii=False).encode())


def digest(encoded: str) -> str:
    """Return what stands in the place of a disclosure, and of a presentation in the holder's signature."""
    return encode_base64url(hashlib.sha256(encoded.encode()).digest())


NAME = fold("c2FsdC0x", "holder_name", "某某有限公司")
ROW = fold("c2FsdC0y", {"name": "张三"})
DECOY = digest("a decoy")


def sign(header: dict[str, Any] | str, payload: dict[str, Any] | str, key: SoftwareSigner) -> str:
    """Sign whatever is given; text is taken as the JSON that it may be."""
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (header, payload)]
    signing_input = ".".join(encode_base64url(part.encode()) for part in parts)
    return f"{signing_input}.{encode_base64url(key.sign(signing_input.encode()))}"


@dataclass(slots=True)
class Parts:
    """A presentation in parts, valid as it is made; a case changes one of them."""

    header: Any
    payload: Any
    disclosures: list[str]
    binding_header: Any
    binding: Any
    key: SoftwareSigner = ISSUER_KEY
    binding_key: SoftwareSigner = HOLDER_KEY
    is_bound: bool = False
    finish: Callable[[str], str] = str

    @classmethod
    def valid(cls) -> "Parts":
        """Make a presentation in which everything is right."""
        return cls(
            header={"alg": "EdDSA", "typ": "dc+sd-jwt", "kid": ISSUER_KEY.key_id},
            payload={
                "iss": ISSUER,
                "vct": TYPE,
                "iat": encode_moment(NOW - DAY),
                "exp": encode_moment(NOW + DAY),
                "cnf": {"jwk": encode_jwk(read_public_key(HOLDER_KEY.public_key))},
                "name": "营业执照",
                "holders": [{"...": digest(ROW)}],
                "_sd": sorted([digest(NAME), DECOY]),
                "_sd_alg": "sha-256",
            },
            disclosures=[NAME, ROW],
            binding_header={"alg": "EdDSA", "typ": "kb+jwt"},
            binding={"iat": encode_moment(NOW), "aud": AUDIENCE, "nonce": NONCE},
        )

    def encode(self) -> str:
        """Sign and join the parts."""
        text = "~".join([sign(self.header, self.payload, self.key), *self.disclosures, ""])
        if self.is_bound:
            binding = self.binding if "sd_hash" in self.binding else {**self.binding, "sd_hash": digest(text)}
            text += sign(self.binding_header, binding, self.binding_key)
        return self.finish(text)


Change = Callable[[Parts], object]


def issued(presentation: str) -> str:
    """Return the issuer's part."""
    return presentation.split("~", 1)[0]


def claim(name: str, value: Any) -> Change:
    """Replace a claim of the issuer."""
    return lambda parts: parts.payload.update({name: value})


def no_claim(name: str) -> Change:
    """Take a claim of the issuer away."""
    return lambda parts: parts.payload.pop(name)


def header(**values: Any) -> Change:
    """Replace members of the issuer's header."""
    return lambda parts: parts.header.update(values)


def binding(**values: Any) -> Change:
    """Replace claims of the holder."""
    return lambda parts: parts.binding.update(values)


def text(finish: Callable[[str], str]) -> Change:
    """Change the finished text."""
    return lambda parts: setattr(parts, "finish", finish)


def part(name: str, value: Any) -> Change:
    """Replace a part."""
    return lambda parts: setattr(parts, name, value)


def shows(*more: str, embed: bool = True) -> Change:
    """Add disclosures of properties, with their digests or without."""

    def change(parts: Parts) -> None:
        parts.disclosures += more
        if embed:
            parts.payload["_sd"] = [*parts.payload["_sd"], *(digest(one) for one in more)]

    return change
