"""What a site knows of another system and no recipe holds: its address, our accounts and our secrets there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keys.payload.errors import PayloadError, PayloadFault
from keys.payload.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemAccess:
    """``base`` is the address that ``{base}`` stands for, without a slash at its end; repr shows no secret."""

    base: str
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)


def reveal_text(secret: Secret) -> str:
    """Return a secret as the text that a request carries; line ends around it are no part of it.

    Raises:
        PayloadError: KEY, it is no text.

    """
    try:
        return secret.reveal().strip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError:
        raise PayloadError(PayloadFault.KEY, "text was expected") from None  # the cause carries the secret
