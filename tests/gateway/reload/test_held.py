"""What several hold at once."""

from gateway.reload.held import Held


async def test_it_is_closed_after_the_last_who_holds_it() -> None:
    """It stays open while anybody holds it, is closed once, and a fault of closing it hurts nobody."""
    closed = []

    async def close() -> None:
        closed.append(1)

    held = Held("value", close=close)
    held.hold()
    held.release()
    await held.closed()
    assert (held.value, held.is_closed, closed) == ("value", False, [])
    held.release()
    await held.closed()
    assert (held.is_closed, closed) == (True, [1])
