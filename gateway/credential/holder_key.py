"""The public key of a holder, as wallets and people hand it over: a JWK, or PEM."""

from typing import Final

from keys.pem import is_pem, read_pem
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.public_key import PublicKey, encode_jwk, parse_jwk, read_public_key
from keys.sd_jwt.strict_json import parse_json

MAX_KEY: Final = 16 * 1024  # bytes; a key has fewer than 300, and a JWK may have a certificate beside it
_LABEL: Final = "PUBLIC KEY"


def parse_holder_key(data: bytes) -> PublicKey:
    """Read a key of SM2, P-256 or Ed25519; whatever it was spelled like, it comes out in one spelling.

    Raises:
        SdJwtError: JSON; BASE64 for a number of a JWK; HOLDER_KEY for what is no public key, or none of ours.

    """
    if len(data) > MAX_KEY:
        raise SdJwtError(SdJwtFault.TOO_LARGE)
    if is_pem(data):
        blocks = read_pem(data).blocks
        if len(blocks) != 1 or blocks[0].label != _LABEL or blocks[0].content is None:
            raise SdJwtError(SdJwtFault.HOLDER_KEY, "one public key was expected")
        return parse_jwk(encode_jwk(read_public_key(blocks[0].content)))
    jwk = parse_json(data)
    if not isinstance(jwk, dict):
        raise SdJwtError(SdJwtFault.HOLDER_KEY, "a JWK was expected")
    return parse_jwk(jwk)
