"""The witness over HTTP: ``add-checkpoint``, and the latest cosigned checkpoint of a log (C2SP tlog-witness)."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from gateway.audit.witness.protocol import ADD_CHECKPOINT, MAX_REQUEST, TEXT_TYPE
from gateway.audit.witness.state import WitnessStateError
from gateway.audit.witness.witness import Witness, WitnessAnswer

_PIECE: Final = 16 * 1024
_BODY_SECONDS: Final = 10.0  # for at most 260 KiB
_LOG: Final = logging.getLogger(__name__)


def witness_routes(witness: Witness, clock_seconds: Callable[[], int], *, prefix: str = "") -> list[web.RouteDef]:
    """Return the routes of a witness below a prefix; ``clock_seconds`` tells whole seconds since 1970."""

    async def post_checkpoint(request: web.Request) -> web.Response:
        try:
            body = await _read_body(request)
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        if body is None:
            return web.Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            answer = await asyncio.to_thread(witness.add_checkpoint, body, clock_seconds())
        except WitnessStateError as error:
            return _failed(error)
        return _respond(answer)

    async def get_checkpoint(request: web.Request) -> web.Response:
        try:
            checkpoint = await asyncio.to_thread(witness.latest, request.match_info["origin"])
        except WitnessStateError as error:
            return _failed(error)
        if checkpoint is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(body=checkpoint, content_type=TEXT_TYPE, charset="utf-8")

    return [
        web.post(f"{prefix}/{ADD_CHECKPOINT}", post_checkpoint),
        web.get(f"{prefix}/{{origin:[0-9a-f]{{64}}}}/checkpoint", get_checkpoint),
    ]


async def _read_body(request: web.Request) -> bytes | None:
    """Return the body; None for one that is too large."""
    body = bytearray()
    async with asyncio.timeout(_BODY_SECONDS):
        async for piece in request.content.iter_chunked(_PIECE):
            body += piece
            if len(body) > MAX_REQUEST:
                return None
    return bytes(body)


def _respond(answer: WitnessAnswer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)


def _failed(error: WitnessStateError) -> web.Response:
    _LOG.error("the witness cannot cosign: %s", error.fault)
    return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
