"""Registered callers with their private keys, the tokens they make, and sites that know them; all invented."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.callers import Caller, CallerId, CallerKey, CallerRegistry, KeyId, TokenAlgorithm
from gateway.settings import HttpSettings, Settings
from gateway.site import Site
from gateway.tokens import CallerPrivateKey, Sm2Algorithm, encode_token
from keys.sm2 import Sm2PrivateKey, Sm2PublicKey
from keys.trust import TrustStore

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
AUDIENCE = "https://tongban.test"


def make_key(algorithm: TokenAlgorithm) -> CallerPrivateKey:
    """Make a new private key for the algorithm."""
    match algorithm:
        case TokenAlgorithm.EDDSA:
            return ed25519.Ed25519PrivateKey.generate()
        case TokenAlgorithm.ES256:
            return ec.generate_private_key(ec.SECP256R1())
        case TokenAlgorithm.SM2:
            return Sm2PrivateKey.generate()


def public_half(key: CallerPrivateKey) -> CallerKey:
    """Return the public key of a private one."""
    return key.public_key if isinstance(key, Sm2PrivateKey) else key.public_key()


def encode_pem(key: CallerKey) -> str:
    """Return a public key as a caller registers it."""
    if not isinstance(key, Sm2PublicKey):
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    text = urlsafe_b64encode(key.spki).decode().replace("-", "+").replace("_", "/")
    return f"-----BEGIN PUBLIC KEY-----\n{text[:64]}\n{text[64:]}\n-----END PUBLIC KEY-----\n"


def encode_part(content: object) -> str:
    """Return one part of a token: JSON in base64url without padding."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A caller as the gateway knows it, with the private key that only the caller has."""

    caller: Caller
    private_key: CallerPrivateKey

    def token(self, at: datetime = NOW, **changes: Any) -> str:
        """Return a good token of this caller, except for the changes."""
        values: dict[str, Any] = {
            "caller_id": self.caller.id,
            "key_id": self.caller.key_id,
            "algorithm": self.caller.algorithm,
            "private_key": self.private_key,
            "audience": AUDIENCE,
            "issued_at": at,
            "token_id": "1f0c7c1a",
        }
        return encode_token(**(values | changes))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return good claims, except for the changes; None takes a claim away."""
        begun = int(NOW.timestamp())
        claims = {"iss": self.caller.id, "aud": AUDIENCE, "iat": begun, "exp": begun + 300, "jti": "1f0c7c1a"}
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def sign(self, header: dict[str, Any], claims: object) -> str:
        """Return a token with any header and claims, properly signed with this caller's key."""
        signing_input = f"{encode_part(header)}.{encode_part(claims)}"
        message = signing_input.encode()
        if isinstance(self.private_key, Sm2PrivateKey):
            signature = Sm2Algorithm().sign(message, self.private_key)
        elif isinstance(self.private_key, ed25519.Ed25519PrivateKey):
            signature = self.private_key.sign(message)
        else:
            raise NotImplementedError("sign with EdDSA or SM2")
        return f"{signing_input}.{encode_part(signature)}"

    def header(self, **changes: Any) -> dict[str, Any]:
        """Return a good header, except for the changes; None takes a parameter away."""
        header = {"alg": self.caller.algorithm.value, "kid": self.caller.key_id, "typ": "JWT"}
        return {name: value for name, value in (header | changes).items() if value is not None}


def make_party(algorithm: TokenAlgorithm = TokenAlgorithm.EDDSA, **changes: Any) -> Party:
    """Make a caller with a new key; ``changes`` are fields of ``Caller``."""
    private_key = make_key(algorithm)
    caller = Caller(
        id=CallerId("service-hall"),
        name="Service hall",
        name_zh="政务服务大厅",
        organisation="11370000000000000X",
        region="370000",
        key_id=KeyId("2026-1"),
        algorithm=algorithm,
        public_key=public_half(private_key),
    )
    return Party(caller=replace(caller, **changes), private_key=private_key)


def make_site(parties: Iterable[Party] = (), *, trust: TrustStore | None = None, **http: Any) -> Site:
    """Make a site that knows the parties; ``http`` are fields of ``HttpSettings``."""
    settings = Settings(
        name="Test gateway", name_zh="测试网关", region="370000", audience=AUDIENCE, http=HttpSettings(**http)
    )
    callers = CallerRegistry(party.caller for party in parties)
    return Site(settings=settings, trust=trust or TrustStore.empty(), callers=callers)


def moments_before(seconds: float) -> datetime:
    """Return the moment so many seconds before the tests' present."""
    return NOW - timedelta(seconds=seconds)
