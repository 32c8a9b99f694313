"""Reading a request body: of one type, uncompressed, within a size and a time; sign-in comes before this."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.http.buffers import BodyShare
from gateway.http.problems import ProblemError, ProblemKind
from gateway.settings import HttpSettings

_CONTINUE_EXPECTED: Final = "100-continue"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_JSON: Final = ("application/json",)
_UTF_8: Final = ("utf-8", "utf8")


async def expect_later(_: web.Request) -> None:
    """Answer no ``Expect`` yet: 100 Continue is sent when the body is wanted, so that a refusal comes first."""


async def read_body(
    request: web.Request,
    settings: HttpSettings,
    share: BodyShare,
    *,
    most_bytes: int | None = None,
    is_json: bool = True,
) -> bytearray:
    """Return the body, having read no more than ``most_bytes`` (None: what a question may have).

    A body that is not ``is_json`` may say any type.

    Raises:
        ProblemError: 415 (type or compression), 413 (too large: by Content-Length before reading, or while reading),
            408 (too slow), 400 (ended early), 417 (a strange expectation), 503 (no memory for it now).

    """
    most = settings.max_body_bytes if most_bytes is None else most_bytes
    check_headers(request, most, content_types=_JSON if is_json else None)
    await say_continue(request)
    try:
        if request.content.is_eof():  # it came along with the headers, and nobody waits for it
            return _take_all(request, most, share)
        async with asyncio.timeout(settings.body_timeout_seconds):
            return await _read_pieces(request, most, settings.body_idle_timeout_seconds, share)
    except TimeoutError as error:
        raise ProblemError(ProblemKind.BODY_TIMEOUT, close=True) from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        # a body that breaks off, or whose chunks make no sense
        raise ProblemError(ProblemKind.BODY_INCOMPLETE, close=True) from error


def check_headers(
    request: web.Request, max_body_bytes: int | None = None, *, content_types: Sequence[str] | None
) -> None:
    """Refuse by headers alone what need not be read; None: a body of any length, or of any type.

    Raises:
        ProblemError: 415, 413 or 417, as `read_body` says.

    """
    expects = _expects(request)
    if expects and any(expected.lower() != _CONTINUE_EXPECTED for expected in expects):
        raise ProblemError(ProblemKind.EXPECTATION_FAILED)  # RFC 9110 section 10.1.1
    charset = (request.charset or "utf-8").lower()
    if content_types is not None and (request.content_type not in content_types or charset not in _UTF_8):
        raise ProblemError(ProblemKind.BODY_CONTENT_TYPE)
    codings = request.headers.getall("Content-Encoding", ())
    if codings and any(coding.strip().lower() != "identity" for coding in codings):
        raise ProblemError(ProblemKind.BODY_CONTENT_ENCODING)
    length = request.content_length
    if max_body_bytes is not None and length is not None and length > max_body_bytes:
        raise ProblemError(ProblemKind.BODY_TOO_LARGE, close=True)


async def say_continue(request: web.Request) -> None:
    """Ask for a body whose sender waits for that."""
    if _expects(request):
        await request.writer.write(_CONTINUE)


def _expects(request: web.Request) -> list[str]:
    """Return what is expected before the body is sent; from HTTP/1.0 that means nothing (RFC 9110 section 10.1.1)."""
    return request.headers.getall("Expect", []) if request.version == HttpVersion11 else []


def _take_all(request: web.Request, max_body_bytes: int, share: BodyShare) -> bytearray:
    """Return a body that is here."""
    if len(whole := request.content.read_nowait()) > max_body_bytes:
        raise ProblemError(ProblemKind.BODY_TOO_LARGE, close=True)
    if whole:
        share.resize(len(whole))
    return bytearray(whole)


async def _read_pieces(request: web.Request, max_body_bytes: int, idle_seconds: float, share: BodyShare) -> bytearray:
    """Read into one buffer that grows in place, so that the body is never there twice."""
    body = bytearray()
    while True:
        if request.content.is_eof():
            piece = await request.content.readany()
        else:
            async with asyncio.timeout(idle_seconds):
                piece = await request.content.readany()
        if not piece:
            return body
        if len(body) + len(piece) > max_body_bytes:
            raise ProblemError(ProblemKind.BODY_TOO_LARGE, close=True)
        share.resize(len(body) + len(piece))
        body += piece
