"""``GET /log/…``: the log as files that never change, as C2SP tlog-tiles says; for whoever verifies it from outside.

A partial tile is immutable too: its width is in its name. Only the checkpoint is asked for anew each time.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from aiohttp import web

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.log import AccessLog
from gateway.audit.tlog.merkle import HASH_SIZE
from gateway.audit.tlog.tile import ENTRIES, TILE_WIDTH, TileAddress, encode_bundle, parse_tile_path
from gateway.audit.unavailable import LogUnavailableError
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.state import FAILURE, LOG

RETRY_AFTER_SECONDS: Final = 5
_FOR_EVER: Final = {"Cache-Control": "private, max-age=31536000, immutable"}  # private: they come for a token
_EACH_TIME: Final = {"Cache-Control": "private, no-cache"}
_PREFIX: Final = "tile/"

_Value = TypeVar("_Value")


async def get_checkpoint(request: web.Request) -> web.Response:
    """Return the signed head."""
    log = open_log(request)
    head = await read(request, log.head)
    if head is None:
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN)
    return web.Response(body=head.checkpoint, content_type="text/plain", charset="utf-8", headers=_EACH_TIME)


async def get_tile(request: web.Request) -> web.Response:
    """Return a tile of hashes."""
    log, address = open_log(request), _address(request, "")
    hashes = await read(request, lambda: log.store.tile(address.level, address.index))
    size = address.width * HASH_SIZE
    return _file(None if hashes is None or len(hashes) < size else hashes[:size])


async def get_entries(request: web.Request) -> web.Response:
    """Return a bundle of entries."""
    log, address = open_log(request), _address(request, "entries/")
    first = address.index * TILE_WIDTH
    leaves = await read(request, lambda: log.store.leaves(first, first + address.width))
    return _file(encode_bundle(leaves) if len(leaves) == address.width else None)


def open_log(request: web.Request) -> AccessLog:
    """Return the log; raises ProblemError (503) for a gateway without one."""
    log = request.app[LOG]
    if log is None:
        request[FAILURE] = f"{ProblemKind.LOG_UNAVAILABLE}.none"
        raise ProblemError(ProblemKind.LOG_UNAVAILABLE)
    return log


async def read(request: web.Request, work: Callable[[], _Value]) -> _Value:
    """Read the log in a thread; raises ProblemError (503) when it cannot be read."""
    try:
        return await asyncio.to_thread(work)
    except LogUnavailableError as error:
        raise_unavailable(request, error)


def raise_unavailable(request: web.Request, error: LogUnavailableError) -> NoReturn:
    """Refuse what the log cannot serve or record; raises ProblemError (503)."""
    request[FAILURE] = f"{ProblemKind.LOG_UNAVAILABLE}.{error.reason}"
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    raise ProblemError(ProblemKind.LOG_UNAVAILABLE, headers=headers) from error


def _address(request: web.Request, folder: str) -> TileAddress:
    try:
        address = parse_tile_path(_PREFIX + folder + request.match_info["path"])
    except MalformedLogDataError as error:
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN) from error
    if (address.level == ENTRIES) != bool(folder):
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN)
    return address


def _file(body: bytes | None) -> web.Response:
    if body is None:
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN)
    return web.Response(body=body, content_type="application/octet-stream", headers=_FOR_EVER)
