"""Verifies a credential, or a presentation of one, as strictly as RFC 9901 section 7 and RFC 8725 ask.

1. size and form; 2. header and the claims that find the key; 3. the key, by exact issuer and id, and of this time;
4. exactly its algorithm; 5. the issuer's signature; 6. disclosures; 7. type and times; 8. the holder's signature, where
it was asked for. Nothing is relied on before step 5, except to find the key.

Whether the credential was revoked is not known here: ``status`` says where to ask, and until somebody has asked, the
outcome is unknown and not valid.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from keys.sd_jwt.bounds import LEEWAY, MAX_BINDING_AGE
from keys.sd_jwt.claims import read_moment, read_text
from keys.sd_jwt.compact_form import SdJwt, parse_sd_jwt
from keys.sd_jwt.disclosure import compute_digest
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.holder import read_holder_key
from keys.sd_jwt.issuance import MEDIA_TYPE
from keys.sd_jwt.jws import Jws, verify_jws
from keys.sd_jwt.presentation import BINDING_TYPE
from keys.sd_jwt.public_key import PublicKey
from keys.sd_jwt.strict_json import Json
from keys.sd_jwt.unfolding import read_digest_name, unfold


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerKey:
    """A key with which an issuer may sign credentials; it counts in ``valid_from <= at < valid_until``."""

    key: PublicKey
    valid_from: datetime
    valid_until: datetime


IssuerKeys = Callable[[str, str], IssuerKey | None]  # issuer, key id: exactly this key, or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a verifier asked; ``nonce`` must be its own, fresh, and forgotten once it was answered."""

    audience: str
    nonce: str
    max_age: timedelta = MAX_BINDING_AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCredential:
    """A credential that verified; ``claims`` are those in the open and those disclosed, and may name people.

    ``is_bound``: who presented it has the holder's key, and answered our question.
    """

    issuer: str
    type_name: str
    claims: Mapping[str, Json] = field(repr=False)
    expires: datetime
    status: Json = field(repr=False)
    is_bound: bool


def verify_sd_jwt(
    text: str,
    *,
    issuers: IssuerKeys,
    types: Collection[str],
    at: datetime,
    question: Question | None,
) -> VerifiedCredential:
    """Verify a credential of one of these types at the moment ``at``.

    ``question`` None: a credential as it comes from its issuer, or a presentation for which no proof of possession was
    asked; whether it is needed is the verifier's rule, and never what the presenter happens to send.

    Raises:
        SdJwtError: the first of what `SdJwtFault` lists.

    """
    # 1. size and form
    sd_jwt = parse_sd_jwt(text)
    payload = sd_jwt.issued.payload
    # 2. header and claims
    if sd_jwt.issued.header.get("typ") != MEDIA_TYPE:
        raise SdJwtError(SdJwtFault.HEADER, f"typ {MEDIA_TYPE} was expected")
    issuer, key_id = read_text(payload, "iss"), read_text(sd_jwt.issued.header, "kid", SdJwtFault.HEADER)
    # 3. the key
    issuer_key = issuers(issuer, key_id)
    if issuer_key is None or not issuer_key.valid_from <= at < issuer_key.valid_until:
        raise SdJwtError(SdJwtFault.UNKNOWN_ISSUER)
    # 4. and 5. algorithm and signature
    verify_jws(sd_jwt.issued, issuer_key.key)
    # 6. disclosures
    claims = unfold(payload, sd_jwt.disclosures).claims
    # 7. type and times
    type_name = read_text(payload, "vct")
    if type_name not in types:
        raise SdJwtError(SdJwtFault.TYPE)
    expires = _check_times(claims, at)
    # 8. the holder
    _verify_binding(sd_jwt, question, at)
    return VerifiedCredential(
        issuer=issuer,
        type_name=type_name,
        claims=MappingProxyType(dict(claims)),
        expires=expires,
        status=claims.get("status"),
        is_bound=question is not None,
    )


def _check_times(claims: Mapping[str, Json], at: datetime) -> datetime:
    """Return the end; a credential without one could never be withdrawn by waiting, and is refused."""
    expires = read_moment(claims, "exp")
    if expires is None:
        raise SdJwtError(SdJwtFault.CLAIMS, "exp")
    if at >= expires + LEEWAY:
        raise SdJwtError(SdJwtFault.EXPIRED)
    for name in ("nbf", "iat"):
        begins = read_moment(claims, name)
        if begins is not None and at < begins - LEEWAY:
            raise SdJwtError(SdJwtFault.NOT_YET_VALID, name)
    return expires


def _verify_binding(sd_jwt: SdJwt, question: Question | None, at: datetime) -> None:
    """Verify the holder's JWS exactly where it was asked for (RFC 9901 section 7.3)."""
    if question is None:
        if sd_jwt.binding is not None:
            raise SdJwtError(SdJwtFault.BINDING_UNEXPECTED)
        return
    if sd_jwt.binding is None:
        raise SdJwtError(SdJwtFault.BINDING_MISSING)
    _verify_holder_signature(sd_jwt.binding, read_holder_key(sd_jwt.issued.payload))
    claims = sd_jwt.binding.payload
    if read_text(claims, "aud", SdJwtFault.BINDING_CLAIMS) != question.audience:
        raise SdJwtError(SdJwtFault.AUDIENCE)
    if read_text(claims, "nonce", SdJwtFault.BINDING_CLAIMS) != question.nonce:
        raise SdJwtError(SdJwtFault.NONCE)
    signed_at = read_moment(claims, "iat", SdJwtFault.BINDING_CLAIMS)
    if signed_at is None:
        raise SdJwtError(SdJwtFault.BINDING_CLAIMS, "iat")
    if not signed_at - LEEWAY <= at < signed_at + question.max_age + LEEWAY:
        raise SdJwtError(SdJwtFault.BINDING_TIME)
    expected = compute_digest(sd_jwt.bound_text, read_digest_name(sd_jwt.issued.payload))
    if read_text(claims, "sd_hash", SdJwtFault.BINDING_CLAIMS) != expected:
        raise SdJwtError(SdJwtFault.BINDING_DIGEST)


def _verify_holder_signature(binding: Jws, key: PublicKey) -> None:
    if binding.header.get("typ") != BINDING_TYPE:
        raise SdJwtError(SdJwtFault.BINDING_CLAIMS, f"typ {BINDING_TYPE} was expected")
    try:
        verify_jws(binding, key)
    except SdJwtError as error:
        raise SdJwtError(SdJwtFault.BINDING_SIGNATURE, str(error.fault)) from error
