"""The registered claims of a credential (RFC 7519; draft-ietf-oauth-sd-jwt-vc section 2.2.2), read and written."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from keys.sd_jwt.bounds import MAX_SECONDS, MAX_TEXT
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.strict_json import Json

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def encode_moment(at: datetime) -> int:
    """Write a moment as NumericDate, cut to whole seconds."""
    return int((at - _EPOCH) // timedelta(seconds=1))


def read_moment(claims: Mapping[str, Json], name: str, fault: SdJwtFault = SdJwtFault.CLAIMS) -> datetime | None:
    """Return the moment of a claim; None where it is not there. Raises SdJwtError with ``fault`` for any other type."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
        raise SdJwtError(fault, name)
    return _EPOCH + timedelta(seconds=value)


def read_text(claims: Mapping[str, Json], name: str, fault: SdJwtFault = SdJwtFault.CLAIMS) -> str:
    """Return a text that must be there; raises SdJwtError with ``fault``."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise SdJwtError(fault, name)
    return value
