"""One bounded request to a status source: allowed hosts only, no redirects, no private addresses, no decompression."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.status.conditional import Known, Validators, read_validators
from gateway.status.failure import StatusError, StatusFailure
from gateway.status.source import Network, StatusSource, is_allowed_url
from keys.ocsp_response import MAX_RESPONSE

Clock = Callable[[], datetime]

_CHUNK: Final = 64 * 1024
_MAX_HEADER: Final = 8 * 1024  # bytes of one header line
_MAX_HEADERS: Final = 64
_CONNECTIONS: Final = 4  # at once to one source
_NOT_MODIFIED: Final = 304
_FOUND: Final = 300  # the HTTP statuses from here to 399 send elsewhere

# What is given out as public IPv6 (RFC 4291 section 2.4); IPv4 addresses written as IPv6 ones (RFC 6052, RFC 7915,
# RFC 4291 section 2.5.5.1) and site-local ones (RFC 3879) lie outside.
_PUBLIC_6: Final = ipaddress.ip_network("2000::/3")
# Inside what is public, and not to be reached through: what is behind 6to4 and Teredo cannot be seen (RFC 3056,
# RFC 4380), and the blocks of protocol assignments, of 6to4 relays and of documentation are nobody's servers (RFC 6890,
# RFC 7526, RFC 9637).
_NOT_PUBLIC: Final = tuple(
    map(ipaddress.ip_network, ("2002::/16", "2001::/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a source answered; ``skew`` is how far our clock is ahead of its Date header, None without one.

    Where it answered that nothing changed (304), ``body`` is what was at hand.
    """

    body: bytes
    at: datetime
    skew: timedelta | None
    validators: Validators | None = None


def is_allowed_address(text: str, networks: Collection[Network]) -> bool:
    """Return whether a connection to this address may be made: a public one, or one of ``networks``."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in networks):
        return True
    if address.version == 6 and address not in _PUBLIC_6:  # noqa: PLR2004 - the version of the protocol
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _NOT_PUBLIC)


class GuardedResolver(AbstractResolver):
    """Resolves names and gives only allowed addresses, so that what was checked is what is connected to."""

    def __init__(
        self, networks: Sequence[Network], *, inner: AbstractResolver | None = None, proxy_host: str | None = None
    ) -> None:
        """Guard ``inner`` (the system's resolver); the proxy that the operator named may be anywhere."""
        self._networks = networks
        self._inner = inner or aiohttp.ThreadedResolver()
        self._proxy_host = proxy_host

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the allowed addresses of ``host``; raises StatusError when it has none but refused ones."""
        found = await self._inner.resolve(host, port, family)
        if host == self._proxy_host:
            return found
        allowed = [one for one in found if is_allowed_address(one["host"], self._networks)]
        if not found:
            raise OSError("the name has no address")
        if not allowed:
            raise StatusError(StatusFailure.ADDRESS_REFUSED)
        return allowed

    async def close(self) -> None:
        """Close the resolver inside."""
        await self._inner.close()


def open_session(
    source: StatusSource, *, resolver: AbstractResolver | None = None
) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """Open a client for one source; nothing of the environment (proxies, .netrc) and no cookie changes what it does."""
    proxy_host = None if source.proxy is None else URL(source.proxy).host
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(source.networks, inner=resolver, proxy_host=proxy_host),
        use_dns_cache=False,
        limit=_CONNECTIONS,
        force_close=True,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=source.timeout_seconds),
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
        max_headers=_MAX_HEADERS,
    )


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    *,
    source: StatusSource,
    clock: Clock,
    question: bytes | None = None,
    known: Known | None = None,
) -> Fetched:
    """Ask ``url`` once: GET, or POST with an OCSP ``question``; all within the source's bytes and seconds.

    ``known`` is what the same address served before; it is sent anew only if it changed.

    Raises:
        StatusError: every way in which this can fail.

    """
    target = URL(url)
    if not is_allowed_url(url, source.hosts):
        raise StatusError(StatusFailure.HOST_NOT_ALLOWED)
    if source.proxy is None and _is_address(target.host) and not is_allowed_address(target.host or "", source.networks):
        raise StatusError(StatusFailure.ADDRESS_REFUSED)
    headers = {"Accept-Encoding": "identity"}
    if question is not None:
        headers["Content-Type"] = "application/ocsp-request"
    elif known is not None:
        headers |= known.validators.headers
    try:
        async with (
            asyncio.timeout(source.timeout_seconds),
            session.request(
                "GET" if question is None else "POST",
                target,
                data=question,
                headers=headers,
                allow_redirects=False,
                proxy=source.proxy,
            ) as response,
        ):
            at = clock()
            skew = _measure_skew(response.headers.get("Date"), at)
            if response.status == _NOT_MODIFIED and question is None and known is not None:
                return Fetched(body=known.body, at=at, skew=skew, validators=known.validators)
            most = source.max_bytes if question is None else min(source.max_bytes, MAX_RESPONSE)
            body = await _read(response, most)
            return Fetched(body=body, at=at, skew=skew, validators=read_validators(url, response.headers))
    except TimeoutError as error:
        raise StatusError(StatusFailure.TIMEOUT, f"after {source.timeout_seconds:g} s") from error
    except aiohttp.ClientSSLError as error:
        raise StatusError(StatusFailure.TLS) from error
    except aiohttp.ClientConnectionError as error:
        raise StatusError(StatusFailure.UNREACHABLE, type(error).__name__) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise StatusError(StatusFailure.PROTOCOL, type(error).__name__) from error


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    if _FOUND <= response.status < _FOUND + 100:
        raise StatusError(StatusFailure.REDIRECT)
    if response.status != 200:  # noqa: PLR2004 - the HTTP status for "here it is"
        raise StatusError(StatusFailure.HTTP_STATUS, str(response.status))
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise StatusError(StatusFailure.PROTOCOL, "a compressed answer")
    if response.content_length is not None and response.content_length > most:
        raise StatusError(StatusFailure.TOO_LARGE, f"at most {most} bytes were expected")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > most:
            raise StatusError(StatusFailure.TOO_LARGE, f"at most {most} bytes were expected")
    return bytes(body)


def _measure_skew(date: str | None, at: datetime) -> timedelta | None:
    """Return how far ``at`` is ahead of a Date header; one that cannot be read says nothing."""
    if date is None:
        return None
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return None
    return at - (theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC))


def _is_address(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True
