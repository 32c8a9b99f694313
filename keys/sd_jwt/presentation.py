"""What a holder does: choose what to show, and sign for one verifier and one question.

Holders use wallets of their own; this is for a wallet in a provincial app, for counters that present on behalf of
somebody, and for tests of verifiers.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from keys.own.signer import Signer
from keys.sd_jwt.claims import encode_moment
from keys.sd_jwt.compact_form import SEPARATOR, join_sd_jwt, parse_sd_jwt
from keys.sd_jwt.disclosure import compute_digest
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.holder import read_holder_key
from keys.sd_jwt.jws import sign_jws
from keys.sd_jwt.unfolding import Path, read_digest_name, unfold

BINDING_TYPE: Final = "kb+jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBinding:
    """For whom and for which question the holder signs; ``nonce`` is the verifier's, ``signer`` the holder's."""

    audience: str
    nonce: str
    at: datetime
    signer: Signer = field(repr=False)


def present_sd_jwt(text: str, *, disclose: Collection[Path], binding: KeyBinding | None = None) -> str:
    """Make a presentation of a credential that shows the claims at these paths, and with them all that is around.

    What stands in the open is shown anyhow. A claim inside a claim is shown only where its path is given too.
    The issuer's signature is not verified: a holder does so once, when the credential arrives.

    Raises:
        SdJwtError: as `verify_sd_jwt` for a credential that is none; NO_SUCH_CLAIM for a path at which nothing can be
            disclosed; BINDING_UNEXPECTED for a presentation; HOLDER_KEY when it is bound to another key.

    """
    sd_jwt = parse_sd_jwt(text)
    if sd_jwt.binding is not None:
        raise SdJwtError(SdJwtFault.BINDING_UNEXPECTED, "a credential was expected, got a presentation")
    unfolded = unfold(sd_jwt.issued.payload, sd_jwt.disclosures)
    missing = [path for path in disclose if path not in unfolded.places]
    if missing:
        raise SdJwtError(SdJwtFault.NO_SUCH_CLAIM, str(len(missing)))
    shown = {one.encoded for path in disclose for one in unfolded.places[path]}
    issued = sd_jwt.bound_text.split(SEPARATOR, 1)[0]
    presentation = join_sd_jwt(issued, tuple(one for one in sd_jwt.disclosures if one.encoded in shown))
    if binding is None:
        return presentation
    if read_holder_key(sd_jwt.issued.payload).spki != binding.signer.public_key:
        raise SdJwtError(SdJwtFault.HOLDER_KEY, "the key that the credential is bound to was expected")
    digest = compute_digest(presentation, read_digest_name(sd_jwt.issued.payload))
    return presentation + sign_jws(
        {"typ": BINDING_TYPE},
        {"iat": encode_moment(binding.at), "aud": binding.audience, "nonce": binding.nonce, "sd_hash": digest},
        binding.signer,
    )
