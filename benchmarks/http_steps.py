"""Where the time of an answer goes, as the gateway itself measures it: read from its metrics before and after."""

import re
from typing import Final

import aiohttp

_LINE: Final = re.compile(r'^gateway_step_seconds_(sum|count)\{step="([^"]+)"\} (\S+)$', re.MULTILINE)

Steps = dict[tuple[str, str], float]


async def read_steps(gateway: str) -> Steps:
    """Return the sums and counts of all steps so far."""
    async with aiohttp.ClientSession(gateway) as session, session.get("/metrics") as response:
        text = await response.text()
    return {(step, kind): float(value) for kind, step, value in _LINE.findall(text)}


def steps_between(before: Steps, after: Steps) -> dict[str, float]:
    """Return the mean time of each step between both, in microseconds."""
    found = {}
    for step in dict.fromkeys(step for step, _ in after):
        times = after[step, "count"] - before.get((step, "count"), 0.0)
        seconds = after[step, "sum"] - before.get((step, "sum"), 0.0)
        if times:
            found[step] = round(seconds / times * 1e6, 1)
    return found
