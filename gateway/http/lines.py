"""The lines of a body of one question a line (NDJSON), read as they come: no more than one is in memory here."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.http.buffers import BodyShare
from gateway.http.problems import ProblemError, ProblemKind
from gateway.settings import HttpSettings

MAX_EMPTY: Final = 1000  # lines of nothing: one between any two questions of a batch
_END: Final = b"\n"


async def read_lines(
    content: StreamReader, settings: HttpSettings, share: BodyShare, *, until: float
) -> AsyncIterator[bytearray]:
    """Yield each line without its end; lines that are empty or white space are left out, the last needs no end.

    ``until``: when nothing is waited for any more, on the clock of the event loop.

    Raises:
        ProblemError: 413 (a line is longer than a question may be, or too many are empty), 408 (nothing came for too
            long), 400 (it broke off), 503 (no memory for it now), 504 (more was waited for until then).

    """
    now = asyncio.get_running_loop().time
    line, left_out = bytearray(), 0
    try:
        while True:
            async with asyncio.timeout_at(min(now() + settings.body_idle_timeout_seconds, until)):
                piece = await content.readany()
            if not piece:
                break
            begun = 0
            while (end := piece.find(_END, begun)) >= 0:
                line += piece[begun:end]
                begun = end + 1
                _check(line, settings)
                if line.strip():
                    whole, line = [line], bytearray()
                    yield whole.pop()  # whoever takes it is the only one who has it
                    continue
                left_out += 1
                line.clear()
                if left_out > MAX_EMPTY:
                    raise ProblemError(ProblemKind.BATCH_TOO_LONG, close=True)
            line += piece[begun:]
            _check(line, settings)
            share.resize(len(line))
    except TimeoutError as error:
        kind = ProblemKind.BODY_TIMEOUT if now() < until else ProblemKind.DEADLINE
        raise ProblemError(kind, close=True) from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise ProblemError(ProblemKind.BODY_INCOMPLETE, close=True) from error
    if line.strip():
        yield line


def _check(line: bytearray, settings: HttpSettings) -> None:
    if len(line) > settings.max_body_bytes:
        raise ProblemError(ProblemKind.BODY_TOO_LARGE, close=True)
