"""The part of an answer that its holder carries: a credential, where the question asks for one."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from gateway.credential.answering import AnsweredCredential, answer_credential
from gateway.credential.keys import CredentialKeys
from gateway.http.messages.questions import VerificationRequest
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.questions import WRONG_VALUE, name_place
from gateway.http.state import CALLER, SITE
from gateway.pipeline import Verified
from gateway.rendering import encode_time
from gateway.sharing import Shared
from keys.sd_jwt.errors import SdJwtError
from keys.sd_jwt.public_key import PublicKey, parse_jwk


class WantedCredential:
    """A credential that is asked for, by a caller who may, for a key that can be used."""

    def __init__(self, keys: CredentialKeys, holder_key: PublicKey) -> None:
        """Issue with these keys for this one."""
        self._keys = keys
        self._holder_key = holder_key

    async def answer(self, verified: Verified, shared: Shared | None, *, now: datetime) -> dict[str, Any]:
        """Return the member of the answer; its entry must be in the log already."""
        found = await asyncio.to_thread(  # the use of the key is written down first, and on disk
            answer_credential, verified, shared, keys=self._keys, holder_key=self._holder_key, at=now
        )
        return _describe(found)


def read_wanted(request: web.Request, asked: VerificationRequest) -> WantedCredential | None:
    """Return the credential that a question asks for; None: none.

    Raises:
        ProblemError: 403, the caller may not have any; 422, the site issues none, or the key is none.

    """
    if asked.credential is None:
        return None
    keys = request[SITE].credentials
    if keys is None:
        raise ProblemError(ProblemKind.CREDENTIAL_NOT_OFFERED, errors=[name_place("$.credential", WRONG_VALUE)])
    if not request[CALLER].may_receive_credentials:
        raise ProblemError(ProblemKind.CREDENTIAL_NOT_ALLOWED)
    try:
        holder_key = parse_jwk(msgspec.structs.asdict(asked.credential.holder_key))
    except SdJwtError as error:
        place = name_place("$.credential.holder_key", WRONG_VALUE)
        raise ProblemError(ProblemKind.BODY_INVALID, errors=[place]) from error
    return WantedCredential(keys, holder_key)


def _describe(found: AnsweredCredential) -> dict[str, Any]:
    return {
        "sd_jwt": found.text,
        "reason": found.reason,
        "type": found.type_name,
        "expires": None if found.expires is None else encode_time(found.expires),
        "claims": list(found.claims),
        "left_out": dict(found.left_out),
    }
