"""A floor under the time of an answer, so that "no" and "nobody" take the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def not_before(moment: float) -> AsyncIterator[None]:
    """Let what is inside end, well or refused, no sooner than the loop's clock says ``moment``.

    Work that takes longer is not hidden; whoever gives up is let go at once.
    """
    try:
        yield
    except Exception:
        await _wait_until(moment)
        raise
    await _wait_until(moment)


async def _wait_until(moment: float) -> None:
    left = moment - asyncio.get_running_loop().time()
    if left > 0:
        await asyncio.sleep(left)
