"""``GET /log/HALF-YEAR/…``: the log as files that never change, as C2SP tlog-tiles says, for whoever verifies it.

Each half-year is a log of its own, at an address of its own. A partial tile is immutable too: its width is in its name.
Only the checkpoint is asked for anew each time. By ``[audit] public`` the files are for everybody.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import web

from gateway.audit.errors import MalformedLogDataError
from gateway.audit.reader import LogReader
from gateway.audit.tlog.merkle import HASH_SIZE
from gateway.audit.tlog.tile import ENTRIES, TILE_WIDTH, TileAddress, encode_bundle, parse_tile_path
from gateway.audit.unavailable import LogUnavailableError
from gateway.callers import CallerRole
from gateway.http.entries import raise_unavailable
from gateway.http.problems import ProblemError, ProblemKind
from gateway.http.reading import Lane
from gateway.http.state import CALLER, LANES, LOG, SITE

_FOR_EVER: Final = "max-age=31536000, immutable"
_EACH_TIME: Final = "no-cache"
_PREFIX: Final = "tile/"

_Value = TypeVar("_Value")


async def get_checkpoint(request: web.Request) -> web.Response:
    """Return the signed head."""
    log = await _open(request)
    head = await read(request, log.head)
    if head is None:
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN)
    headers = {"Cache-Control": _cached(request, _EACH_TIME)}
    return web.Response(body=head.checkpoint, content_type="text/plain", charset="utf-8", headers=headers)


async def get_tile(request: web.Request) -> web.Response:
    """Return a tile of hashes."""
    log, address = await _open(request), _address(request, "")
    hashes = await read(request, lambda: log.store.tile(address.level, address.index))
    size = address.width * HASH_SIZE
    return _file(request, None if hashes is None or len(hashes) < size else hashes[:size])


async def get_entries(request: web.Request) -> web.Response:
    """Return a bundle of entries."""
    log, address = await _open(request), _address(request, "entries/")
    first = address.index * TILE_WIDTH
    leaves = await read(request, lambda: log.store.leaves(first, first + address.width))
    return _file(request, encode_bundle(leaves) if len(leaves) == address.width else None)


async def read(request: web.Request, work: Callable[[], _Value]) -> _Value:
    """Read the log in a thread; raises ProblemError: 503, it cannot be read, or too many read it."""
    lane = _lane(request)
    with lane.place():
        return await read_in(request, lane, work)


async def read_in(request: web.Request, lane: Lane, work: Callable[[], _Value]) -> _Value:
    """Read the log where a place was taken already; raises ProblemError (503) when it cannot be read."""
    try:
        return await lane.run(work)
    except LogUnavailableError as error:
        raise_unavailable(request, error)


def _lane(request: web.Request) -> Lane:
    """Return the threads of whoever reads."""
    lanes, caller = request.app[LANES], request.get(CALLER)
    if caller is None:
        return lanes.anybody
    return lanes.auditors if caller.role is CallerRole.AUDITOR else lanes.callers


async def _open(request: web.Request) -> LogReader:
    """Return the half-year that the address names; raises ProblemError: 404, 503."""
    try:
        return await read(request, lambda: request.app[LOG].reader(request.match_info["shard"]))
    except KeyError as error:
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN) from error


def _address(request: web.Request, folder: str) -> TileAddress:
    try:
        address = parse_tile_path(_PREFIX + folder + request.match_info["path"])
    except MalformedLogDataError as error:
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN) from error
    if (address.level == ENTRIES) != bool(folder):
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN)
    return address


def _file(request: web.Request, body: bytes | None) -> web.Response:
    if body is None:
        raise ProblemError(ProblemKind.LOG_FILE_UNKNOWN)
    headers = {"Cache-Control": _cached(request, _FOR_EVER)}
    return web.Response(body=body, content_type="application/octet-stream", headers=headers)


def _cached(request: web.Request, how: str) -> str:
    """Return how a file may be cached: by everybody only where it is for everybody."""
    return f"{'public' if request[SITE].settings.audit.auditing.public else 'private'}, {how}"
