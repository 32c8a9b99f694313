"""``/witness/v1/…``: we are a witness of other provinces' logs (C2SP tlog-witness).

Everybody may ask, as the protocol has no sign-in; only checkpoints signed by a log that we know change anything.
Whether a log is known shows, as the protocol demands it; nothing else about it does before its own key has signed.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, TypeVar

from aiohttp import web

from gateway.audit.witness.desk import DeskBusyError, WitnessDesk
from gateway.audit.witness.protocol import MAX_REQUEST, TEXT_TYPE
from gateway.audit.witness.state import WitnessStateError
from gateway.audit.witness.witness import Witness, WitnessAnswer
from gateway.http.bodies import read_body
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import BUDGET, CLOCK, FAILURE, SITE, WITNESS
from gateway.secret_file import SecretError

RETRY_AFTER_SECONDS: Final = 5

_REFUSALS: Final = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: ProblemKind.WITNESS_MALFORMED,
        HTTPStatus.NOT_FOUND: ProblemKind.WITNESS_LOG_UNKNOWN,
        HTTPStatus.FORBIDDEN: ProblemKind.WITNESS_UNSIGNED,
        HTTPStatus.UNPROCESSABLE_ENTITY: ProblemKind.WITNESS_NOT_GROWN,
        HTTPStatus.TOO_MANY_REQUESTS: ProblemKind.WITNESS_TOO_OFTEN,
    }
)
_LOG: Final = logging.getLogger(__name__)
_Value = TypeVar("_Value")


async def post_witnessed_checkpoint(request: web.Request) -> web.Response:
    """Cosign a checkpoint whose tree goes on from the latest one of its log."""
    desk = _desk(request)
    with request.app[BUDGET].share() as share:
        settings = request[SITE].settings.http
        body = bytes(await read_body(request, settings, share, most_bytes=MAX_REQUEST, is_json=False))
        seconds = int(request.app[CLOCK]().timestamp())  # only now: a slow sender gets no old time
        sender = request.remote or ""
        answer = await _use(request, desk, lambda witness: witness.add_checkpoint(body, seconds, sender=sender))
        return _respond(request, answer)


async def get_witnessed_checkpoint(request: web.Request) -> web.Response:
    """Show the latest checkpoint that we cosigned of a log, which is named by the hash of its origin."""
    hashed, seconds = request.match_info["origin"], int(request.app[CLOCK]().timestamp())
    checkpoint = await _use(request, _desk(request), lambda witness: witness.latest(hashed, seconds))
    if checkpoint is None:
        raise ProblemError(ProblemKind.WITNESS_LOG_UNKNOWN)
    return web.Response(body=checkpoint, content_type=TEXT_TYPE, charset="utf-8")


def _desk(request: web.Request) -> WitnessDesk:
    desk = request.app[WITNESS]
    if desk is None:
        raise ProblemError(ProblemKind.WITNESS_LOG_UNKNOWN, close=request.can_read_body)
    return desk


async def _use(request: web.Request, desk: WitnessDesk, work: Callable[[Witness], _Value]) -> _Value:
    """Let the witness work; raises ProblemError (503) where it cannot, and then nothing was cosigned."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    try:
        return await desk.use(work)
    except DeskBusyError as error:
        raise ProblemError(ProblemKind.BUSY, headers=headers) from error
    except (SecretError, WitnessStateError) as error:
        _LOG.error("the witness cannot cosign: %s", error)
        request[FAILURE] = f"{ProblemKind.WITNESS_UNAVAILABLE}.{error.fault}"
        raise ProblemError(ProblemKind.WITNESS_UNAVAILABLE, headers=headers) from error


def _respond(request: web.Request, answer: WitnessAnswer) -> web.Response:
    """Return a cosignature, or the size that we have; refuse everything else as the protocol says."""
    kind = _REFUSALS.get(answer.status)
    if kind is None:
        return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)
    if answer.refused is not None:
        request[FAILURE] = f"{kind}.{answer.refused}"
    too_often = kind is ProblemKind.WITNESS_TOO_OFTEN
    raise ProblemError(kind, headers={"Retry-After": str(RETRY_AFTER_SECONDS)} if too_often else None)
