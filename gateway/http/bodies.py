"""Reading a request body: of one type, uncompressed, within a size and a time; sign-in comes before this."""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.http.buffers import BodyShare
from gateway.http.problems import ProblemError, ProblemKind
from gateway.settings import HttpSettings

_CONTINUE_EXPECTED: Final = "100-continue"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_UTF_8: Final = ("utf-8", "utf8")


async def expect_later(_: web.Request) -> None:
    """Answer no ``Expect`` yet: 100 Continue is sent when the body is wanted, so that a refusal comes first."""


async def read_body(request: web.Request, settings: HttpSettings, share: BodyShare) -> bytes:
    """Return the body, having read no more than the bound allows.

    Raises:
        ProblemError: 415 (type or compression), 413 (too large: by Content-Length before reading, or while reading),
            408 (too slow), 400 (ended early), 417 (a strange expectation), 503 (no memory for it now).

    """
    _check_headers(request, settings.max_body_bytes)
    if request.headers.get("Expect"):
        await request.writer.write(_CONTINUE)
    try:
        async with asyncio.timeout(settings.body_timeout_seconds):
            return await _read_pieces(request, settings, share)
    except TimeoutError as error:
        raise ProblemError(ProblemKind.BODY_TIMEOUT, close=True) from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        # a body that breaks off, or whose chunks make no sense
        raise ProblemError(ProblemKind.BODY_INCOMPLETE, close=True) from error


def _check_headers(request: web.Request, max_body_bytes: int) -> None:
    """Refuse by headers alone what need not be read."""
    if request.headers.get("Expect", _CONTINUE_EXPECTED).lower() != _CONTINUE_EXPECTED:
        raise ProblemError(ProblemKind.EXPECTATION_FAILED)  # RFC 9110 section 10.1.1
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in _UTF_8:
        raise ProblemError(ProblemKind.BODY_CONTENT_TYPE)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProblemError(ProblemKind.BODY_CONTENT_ENCODING)
    if request.content_length is not None and request.content_length > max_body_bytes:
        raise ProblemError(ProblemKind.BODY_TOO_LARGE, close=True)


async def _read_pieces(request: web.Request, settings: HttpSettings, share: BodyShare) -> bytes:
    pieces: list[bytes] = []
    while True:
        async with asyncio.timeout(settings.body_idle_timeout_seconds):
            piece = await request.content.readany()
        if not piece:
            return b"".join(pieces)
        share.grow(len(piece))
        if share.taken_bytes > settings.max_body_bytes:
            raise ProblemError(ProblemKind.BODY_TOO_LARGE, close=True)
        pieces.append(piece)
