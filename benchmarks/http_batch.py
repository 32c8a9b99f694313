"""Asking in batches: a thousand questions in one request, answered one a line."""

import time
from typing import Final

import aiohttp

from benchmarks.http_load import Load, RefusedError
from benchmarks.http_material import PATH, Asked

LINES: Final = 1000  # the most that a batch takes


async def ask_in_batches(gateway: str, asked: Asked, *, seconds: float) -> Load:
    """Send batches one after another on one connection; each line's time is that since the one before."""
    lines = [
        asked.encode_body(number, {"identifier": asked.licences[number % len(asked.licences)].draft.identifier})
        for number in range(LINES)
    ]
    body = b"\n".join(lines)
    headers = {"Authorization": f"Bearer {asked.make_token()}", "Content-Type": "application/x-ndjson"}
    waits: list[float] = []
    begun = time.perf_counter()
    async with aiohttp.ClientSession(gateway) as session:
        while time.perf_counter() < begun + seconds:
            latest = time.perf_counter()
            async with session.post(f"{PATH}/batch", data=body, headers=headers) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                    raise RefusedError(await response.text())
                async for line in response.content:
                    if b'"outcome":"valid"' not in line:
                        raise RefusedError(line[:400].decode("utf-8", "replace"))
                    now = time.perf_counter()
                    waits.append((now - latest) * 1000)
                    latest = now
    return Load(answers=len(waits), seconds=time.perf_counter() - begun, waits_ms=sorted(waits))
