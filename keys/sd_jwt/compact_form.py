"""The compact form ``<issuer's JWS>~<disclosure>~…~<holder's JWS or nothing>`` (RFC 9901 section 4)."""

from dataclasses import dataclass
from typing import Final

from keys.sd_jwt.bounds import MAX_DISCLOSURES, MAX_SD_JWT
from keys.sd_jwt.disclosure import Disclosure, parse_disclosure
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.jws import Jws, parse_jws

SEPARATOR: Final = "~"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SdJwt:
    """What was read and nothing of it verified; ``bound_text`` is what the holder signs the digest of."""

    bound_text: str
    issued: Jws
    disclosures: tuple[Disclosure, ...]
    binding: Jws | None


def parse_sd_jwt(text: str) -> SdJwt:
    """Read the compact form.

    Raises:
        SdJwtError: TOO_LARGE, FORM, BASE64, JSON, DISCLOSURE, RESERVED_NAME.

    """
    if len(text) > MAX_SD_JWT:
        raise SdJwtError(SdJwtFault.TOO_LARGE, f"at most {MAX_SD_JWT} characters were expected, got {len(text)}")
    if text.count(SEPARATOR) - 1 > MAX_DISCLOSURES:
        raise SdJwtError(SdJwtFault.TOO_LARGE, f"at most {MAX_DISCLOSURES} disclosures were expected")
    if not text.isascii() or SEPARATOR not in text:
        raise SdJwtError(SdJwtFault.FORM, "parts with ~ behind each were expected")
    issued, *encoded, binding = text.split(SEPARATOR)
    if "" in encoded:
        raise SdJwtError(SdJwtFault.FORM, "a disclosure was expected, got nothing")
    return SdJwt(
        bound_text=text.removesuffix(binding),
        issued=parse_jws(issued),
        disclosures=tuple(parse_disclosure(one) for one in encoded),
        binding=parse_jws(binding) if binding else None,
    )


def join_sd_jwt(issued: str, disclosures: tuple[Disclosure, ...]) -> str:
    """Write the compact form without a holder's JWS, which goes behind it."""
    return SEPARATOR.join((issued, *(one.encoded for one in disclosures), ""))
