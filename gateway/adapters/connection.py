"""One bounded HTTP request to another system: no redirects, no cookies, no decompression, no more than the limits."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.forms.charset import Charset
from adapters.transport.recipe import Deadlines
from gateway.adapters.error import AskError, AskFault
from gateway.adapters.request import Outgoing
from gateway.adapters.resolver import ThreadResolver

MAX_ANSWER: Final = 10 * 1024 * 1024  # bytes: a licence file in base64 with what is around it
MAX_RETRY_AFTER: Final = 24 * 3600  # seconds; whoever says more means "not today"

_CHUNK: Final = 64 * 1024
_MAX_HEADER: Final = 8 * 1024  # bytes of one header line
_MAX_HEADERS: Final = 64
CONNECTIONS: Final = 8  # at once to one system, unless somebody asks it more at once
_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
_CHARSETS: Final = {
    "utf-8": Charset.UTF_8,
    "utf8": Charset.UTF_8,
    "gbk": Charset.GBK,
    "gb2312": Charset.GBK,
    "gb18030": Charset.GB18030,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. ``outcome`` is what the recipe says about its HTTP status, None for 200.

    ``charset`` is the one that the answer declares, None where it declares none.
    """

    outcome: AnswerOutcome | None
    retry_after_seconds: int | None
    charset: Charset | None
    body: bytes


@asynccontextmanager
async def open_session(deadlines: Deadlines, *, connections: int = CONNECTIONS) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a client for one system, with as many connections as questions go out at once.

    Nothing of the environment (proxies, .netrc) and no cookie changes what it does.
    """
    connect, pool = deadlines.connect_ms or deadlines.total_ms, deadlines.pool_ms or deadlines.total_ms
    resolver = ThreadResolver()
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(
            total=None,  # the deadline is of the whole question, and kept by whoever asks
            connect=(connect + pool) / 1000,
            sock_connect=connect / 1000,
            sock_read=(deadlines.read_ms or deadlines.total_ms) / 1000,
        ),
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
        max_headers=_MAX_HEADERS,
    )
    try:
        async with session:
            yield session
    finally:
        await resolver.close()


async def send(
    session: aiohttp.ClientSession, outgoing: Outgoing, http: Mapping[int, AnswerOutcome], *, most: int = MAX_ANSWER
) -> Reply:
    """Send a request once; ``http`` says what statuses other than 200 mean, ``most`` how many bytes are taken.

    Raises:
        AskError: TIMEOUT, UNREACHABLE, TLS, PROTOCOL, REDIRECT, HTTP_STATUS, TOO_LARGE, CHARSET. None of aiohttp's
            errors is chained: they carry the address, in which tokens stand.

    """
    try:
        async with session.request(
            outgoing.method,
            URL(outgoing.address, encoded=True),
            data=outgoing.body,
            headers=outgoing.headers,
            allow_redirects=False,
        ) as response:
            return await _read(response, http, most)
    except TimeoutError as error:
        where = "connect" if isinstance(error, aiohttp.ConnectionTimeoutError) else "read"
        raise AskError(AskFault.TIMEOUT, where) from None
    except aiohttp.ClientSSLError:
        raise AskError(AskFault.TLS) from None
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:  # none began, or it broke off
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
        is_refused = isinstance(cause, ConnectionRefusedError)
        raise AskError(AskFault.UNREACHABLE, type(error).__name__, is_refused=is_refused) from None
    except (aiohttp.ClientError, ValueError) as error:
        raise AskError(AskFault.PROTOCOL, type(error).__name__) from None


async def _read(response: aiohttp.ClientResponse, http: Mapping[int, AnswerOutcome], most: int) -> Reply:
    outcome = http.get(response.status)
    if outcome is None and response.status != _OK:
        fault = AskFault.REDIRECT if response.status in _REDIRECTS else AskFault.HTTP_STATUS
        raise AskError(fault, str(response.status))
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise AskError(AskFault.PROTOCOL, "Content-Encoding")
    if response.content_length is not None and response.content_length > most:
        raise AskError(AskFault.TOO_LARGE, f"at most {most} bytes were expected")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > most:
            raise AskError(AskFault.TOO_LARGE, f"at most {most} bytes were expected")
    return Reply(
        outcome=outcome,
        retry_after_seconds=_read_retry_after(response.headers),
        charset=_read_charset(response),
        body=bytes(body),
    )


def _read_retry_after(headers: CIMultiDictProxy[str]) -> int | None:
    """Return the seconds of Retry-After (RFC 9110 section 10.2.3); a date, which needs their clock, says nothing."""
    text = headers.get("Retry-After", "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_RETRY_AFTER))
    return min(int(text), MAX_RETRY_AFTER) if is_number else None


def _read_charset(response: aiohttp.ClientResponse) -> Charset | None:
    declared = response.charset
    if declared is None:
        return None
    charset = _CHARSETS.get(declared.strip().strip("\"'").lower())
    if charset is None:
        raise AskError(AskFault.CHARSET, "Content-Type")
    return charset
