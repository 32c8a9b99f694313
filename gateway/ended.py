"""Tasks that nobody may wait for any more when they end."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


def look_at(ended: "asyncio.Future[Any]") -> None:
    """Look at how it ended, as a callback: or asyncio complains of an error that nobody looked at."""
    if not ended.cancelled():
        ended.exception()
