"""Asking a gateway as an auditor does: one request with a token, one bounded answer."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from gateway.audit.errors import AuditError
from gateway.audit.finding.package import MAX_PACKAGE
from gateway.audit.reconcile import Progress
from gateway.audit.verify.source import SourceError, SourceFault, is_address, read_token
from gateway.cli.language import say

SECONDS: Final = 600.0  # for one answer as a whole; an export of 10,000 entries takes some ten
_PROBLEM: Final = "application/problem+json"
_OK: Final = 200


class RefusedError(AuditError):
    """The gateway refused; ``reason`` is the word of its problem document, ``sentence`` what it says to people."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence


def ask(
    url: str,
    path: str,
    body: Mapping[str, Any],
    *,
    token_file: Path,
    progress: Progress = lambda _done, _total: None,
) -> bytes:
    """Return the answer of a gateway; ``progress`` is told bytes done and in all.

    Raises:
        RefusedError: it refused.
        SourceError: it cannot be asked, or the token cannot be read.

    """
    if not is_address(url):
        raise SourceError(SourceFault.URL, "an http or https address was expected")
    return asyncio.run(_post(f"{url.rstrip('/')}{path}", body, read_token(token_file), progress))


def ask_json(url: str, path: str, body: Mapping[str, Any], *, token_file: Path) -> dict[str, Any]:
    """Return the JSON object that a gateway answers with; raises as `ask` does."""
    data = ask(url, path, body, token_file=token_file)
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise SourceError(SourceFault.ENCODING, path) from None


async def _post(url: str, body: Mapping[str, Any], token: str, progress: Progress) -> bytes:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, json=body, headers=headers, allow_redirects=False) as response,
        ):
            data = await _read(response, progress)
            if response.status != _OK:
                raise _refused(response, data)
            return data
    except TimeoutError as error:
        raise SourceError(SourceFault.TOO_SLOW, url) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise SourceError(SourceFault.UNREACHABLE, f"{url}: {type(error).__name__}") from error


async def _read(response: aiohttp.ClientResponse, progress: Progress) -> bytes:
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > MAX_PACKAGE:
            raise SourceError(SourceFault.CUT_SHORT, f"up to {MAX_PACKAGE} bytes were expected")
        progress(len(data), response.content_length or len(data))
    return bytes(data)


def _refused(response: aiohttp.ClientResponse, data: bytes) -> AuditError:
    """Return the refusal; of what is no problem document of a gateway, only the status."""
    if response.content_type != _PROBLEM:
        return SourceError(SourceFault.STATUS, str(response.status))
    try:
        problem = msgspec.json.decode(data, type=dict[str, Any])
        title, advice = (say(str(problem[name]), str(problem[f"{name}_en"])) for name in ("title", "next"))
        places = [str(one["path"]) for one in problem.get("errors", ())]
        return RefusedError(str(problem["reason"]), f"{' '.join([title, *places])}; {advice}")
    except (msgspec.MsgspecError, UnicodeError, RecursionError, KeyError, TypeError):
        return SourceError(SourceFault.STATUS, str(response.status))
