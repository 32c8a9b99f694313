"""The key to which a credential is bound (RFC 7800 section 3.2)."""

from collections.abc import Mapping

from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.public_key import PublicKey, parse_jwk
from keys.sd_jwt.strict_json import Json


def read_holder_key(claims: Mapping[str, Json]) -> PublicKey:
    """Return the key of ``cnf``; raises SdJwtError with HOLDER_KEY when there is none, or it cannot be used."""
    confirmation = claims.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    if not isinstance(jwk, dict):
        raise SdJwtError(SdJwtFault.HOLDER_KEY, "cnf.jwk was expected")
    return parse_jwk(jwk)
