"""The short-lived token by which a caller signs in: a JWT (RFC 7519) checked as strictly as RFC 8725 asks.

1. size and form; 2. header: typ, alg, kid, no crit; 3. who it claims to be; 4. that caller, by exact id and key id;
5. exactly the algorithm registered for the caller; 6. the signature; 7. times, audience and token id.
Nothing of the token is relied on before step 6, except to find the key.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NoReturn

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import Algorithm
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidSignatureError, PyJWTError

from adapters.errors import MalformedDocumentError
from adapters.strict.json import parse_json
from gateway.callers import Caller, CallerRegistry, TokenAlgorithm
from keys.errors import SignatureVerificationError
from keys.own.record import KeyAlgorithm
from keys.own.signer import Signer
from keys.sm2 import Sm2PrivateKey, Sm2PublicKey

MAX_TOKEN_CHARACTERS: Final = 8 * 1024  # ours have about 500; the header line of the HTTP server ends here too
MAX_LIFETIME: Final = timedelta(minutes=5)  # design section 5.2
LEEWAY: Final = timedelta(seconds=30)  # how far the clocks of the two sides may differ
_LEEWAY_SECONDS: Final = LEEWAY.total_seconds()
MAX_TOKEN_ID_CHARACTERS: Final = 64  # a UUID has 36
SM2_SIGNATURE_BYTES: Final = 64  # r and s, 32 bytes each, big-endian: the JOSE custom

_COMPACT_FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

_OF_KEY: Final = {
    KeyAlgorithm.ED25519: TokenAlgorithm.EDDSA,
    KeyAlgorithm.P256: TokenAlgorithm.ES256,
    KeyAlgorithm.SM2: TokenAlgorithm.SM2,
}

CallerPrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | Sm2PrivateKey


class SignInFailure(StrEnum):
    """Why a caller was not let in: for metrics and the request log, never for the caller."""

    NO_TOKEN = "no-token"  # noqa: S105 — a reason, not a secret
    FORM = "form"
    HEADER = "header"
    CLAIMS = "claims"
    UNKNOWN_CALLER = "unknown-caller"
    INACTIVE_CALLER = "inactive-caller"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    REPEATED = "repeated"  # of a caller whose tokens work once
    NOT_YET_VALID = "not-yet-valid"
    LIFETIME = "lifetime"
    FACADE = "facade"  # another system's way to sign in; why it was refused is in the request log
    HOLDER = "holder"  # of an identity platform: whom it names is no holder
    ACTING_FOR = "acting-for"
    ASSURANCE = "assurance"


class SignInError(Exception):
    """The token proves nothing; ``failure`` says why, for the operator only."""

    def __init__(self, failure: SignInFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignedIn:
    """Who signed a token, and all that it claims; an identity platform's claims name people."""

    caller: Caller
    claims: Mapping[str, object]
    token_id: str  # by which it is told from other tokens of the caller
    issued_at: int  # by the clock of who signed it, in whole seconds since 1970
    begins: float  # seconds since 1970; both without the leeway
    expires: float

    @property
    def ends_at(self) -> datetime:
        """When the token is over, with the leeway."""
        return datetime.fromtimestamp(self.expires, UTC) + LEEWAY


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str
    typ: str = "JWT"
    crit: Any = None


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str | list[str]
    exp: float
    iat: float
    jti: str
    nbf: float | None = None


class Sm2Algorithm(Algorithm):
    """SM2 with SM3 as a JWS algorithm: raw 64-byte signatures over the signing input, default user ID."""

    def prepare_key(self, key: Any) -> Any:  # noqa: ANN401 — the signature of the base class
        """Take only our own key values: texts and bytes have no business here."""
        if not isinstance(key, Sm2PublicKey | Sm2PrivateKey):
            raise TypeError(f"an SM2 key was expected, got {type(key).__name__}")
        return key

    def sign(self, msg: bytes, key: Sm2PrivateKey) -> bytes:
        """Return r and s as 64 bytes."""
        r, s = decode_dss_signature(key.sign(msg))
        return r.to_bytes(SM2_SIGNATURE_BYTES // 2) + s.to_bytes(SM2_SIGNATURE_BYTES // 2)

    def verify(self, msg: bytes, key: Sm2PublicKey, sig: bytes) -> bool:
        """Say whether the 64 bytes are a signature of the message."""
        if len(sig) != SM2_SIGNATURE_BYTES:
            return False  # DER is for certificates, not for tokens
        try:
            key.verify(msg, sig)
        except SignatureVerificationError:
            return False
        return True

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> NoReturn:  # noqa: ANN401, FBT001, FBT002 — as in the base class
        """Refuse: no JWK form of an SM2 key is registered."""
        raise NotImplementedError

    @staticmethod
    def from_jwk(jwk: Any) -> NoReturn:  # noqa: ANN401 — the signature of the base class
        """Refuse: no JWK form of an SM2 key is registered."""
        raise NotImplementedError


def _make_jws() -> PyJWS:
    """Return a JWS reader of our own that knows three algorithms and neither ``none`` nor any HMAC."""
    jws = PyJWS(algorithms=[TokenAlgorithm.EDDSA.value, TokenAlgorithm.ES256.value])
    jws.register_algorithm(TokenAlgorithm.SM2.value, Sm2Algorithm())
    return jws


_JWS: Final = _make_jws()


def authenticate(token: str, *, callers: CallerRegistry, audience: str, at: datetime) -> SignedIn:
    """Return the caller that signed the token, as of ``at``, and what it claims besides.

    Raises:
        SignInError: anything at all is wrong with it.

    """
    # 1. size and form: the compact form of RFC 7515 without padding, which the JWS reader alone would forgive
    if len(token) > MAX_TOKEN_CHARACTERS or not _COMPACT_FORM.fullmatch(token):
        raise SignInError(SignInFailure.FORM)
    # 2. header
    header, claims, content = _read_parts(token)
    # 3. and 4. the caller
    caller = callers.find(claims.iss, header.kid)
    if caller is None:
        raise SignInError(SignInFailure.UNKNOWN_CALLER)
    # 5. the algorithm
    if caller.algorithm is None or header.alg != caller.algorithm.value:
        raise SignInError(SignInFailure.ALGORITHM)
    # 6. the signature
    try:
        _JWS.decode_complete(token, key=caller.public_key, algorithms=[caller.algorithm.value])  # type: ignore[arg-type]  # an SM2 key is no key type of the library
    except InvalidSignatureError as error:
        raise SignInError(SignInFailure.SIGNATURE) from error
    except (PyJWTError, ValueError) as error:
        raise SignInError(SignInFailure.FORM) from error
    # 7. times, audience and token id
    _check_claims(claims, audience=audience)
    signed_in = SignedIn(
        caller=caller,
        claims=content,
        token_id=claims.jti,
        issued_at=int(claims.iat),
        begins=claims.iat if claims.nbf is None else max(claims.iat, claims.nbf),
        expires=claims.exp,
    )
    check_times(signed_in, at=at)
    return signed_in


def check_times(signed_in: SignedIn, *, at: datetime) -> None:
    """Refuse what was verified once and is over, or not yet begun, at another moment.

    Raises:
        SignInError: the token or its caller is.

    """
    now = at.timestamp()
    if now >= signed_in.expires + _LEEWAY_SECONDS:
        raise SignInError(SignInFailure.EXPIRED)
    if signed_in.begins > now + _LEEWAY_SECONDS:
        raise SignInError(SignInFailure.NOT_YET_VALID)
    if not signed_in.caller.is_active(at):
        raise SignInError(SignInFailure.INACTIVE_CALLER)


def encode_token(
    *,
    caller_id: str,
    key_id: str,
    algorithm: TokenAlgorithm,
    private_key: CallerPrivateKey,
    audience: str,
    issued_at: datetime,
    token_id: str,
    lifetime: timedelta = MAX_LIFETIME,
    more: Mapping[str, object] = MappingProxyType({}),
) -> str:
    """Return a token as a caller makes it; ``token_id`` must be fresh for every token, ``more`` are other claims."""
    claims = {
        **more,
        "iss": caller_id,
        "aud": audience,
        "iat": int(issued_at.timestamp()),
        "exp": int((issued_at + lifetime).timestamp()),
        "jti": token_id,
    }
    return _JWS.encode(
        msgspec.json.encode(claims),
        private_key,  # type: ignore[arg-type]  # an SM2 key is no key type of the library
        algorithm=algorithm.value,
        headers={"kid": key_id},
    )


def sign_token(
    signer: Signer,
    *,
    caller_id: str,
    key_id: str,
    audience: str,
    issued_at: datetime,
    token_id: str,
    lifetime: timedelta = MAX_LIFETIME,
) -> str:
    """Return a token that a key signs wherever it is kept, such as in a device; raises what the signer raises."""
    algorithm = _OF_KEY[signer.algorithm]
    header = {"alg": algorithm.value, "kid": key_id, "typ": "JWT"}
    claims = {
        "iss": caller_id,
        "aud": audience,
        "iat": int(issued_at.timestamp()),
        "exp": int((issued_at + lifetime).timestamp()),
        "jti": token_id,
    }
    signing_input = b".".join(_encode_part(msgspec.json.encode(part)) for part in (header, claims))
    signature = signer.sign(signing_input)
    if algorithm is not TokenAlgorithm.EDDSA:  # RFC 7518 section 3.4: r and s as they are, not in DER
        r, s = decode_dss_signature(signature)
        signature = b"".join(number.to_bytes(SM2_SIGNATURE_BYTES // 2) for number in (r, s))
    return (signing_input + b"." + _encode_part(signature)).decode()


def _encode_part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _read_parts(token: str) -> tuple[_Header, _Claims, Mapping[str, object]]:
    """Read header and claims, those that every token has and all of them; nothing is proven yet."""
    header_part, claims_part, _ = token.split(".")
    try:
        header = msgspec.convert(_read_part(header_part), _Header)
    except (ValueError, MalformedDocumentError) as error:
        raise SignInError(SignInFailure.HEADER) from error
    if header.typ.upper() != "JWT" or header.crit is not None:
        raise SignInError(SignInFailure.HEADER)
    try:
        content = msgspec.convert(_read_part(claims_part), dict[str, object])
        claims = msgspec.convert(content, _Claims)
    except (ValueError, MalformedDocumentError) as error:
        raise SignInError(SignInFailure.CLAIMS) from error
    return header, claims, content


def _read_part(part: str) -> object:
    """Read the JSON of one part, in which no name stands twice: another reader might believe the other one.

    The JWS reader refuses base64url that is not canonical before anything is relied on.
    """
    return parse_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _check_claims(claims: _Claims, *, audience: str) -> None:
    """Refuse a token that is for somebody else, or for too long."""
    if audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
        raise SignInError(SignInFailure.AUDIENCE)
    if not 0 < claims.exp - claims.iat <= MAX_LIFETIME.total_seconds():
        raise SignInError(SignInFailure.LIFETIME)
    if not 1 <= len(claims.jti) <= MAX_TOKEN_ID_CHARACTERS:
        raise SignInError(SignInFailure.CLAIMS)
