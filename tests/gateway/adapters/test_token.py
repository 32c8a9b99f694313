"""The token of a system: asked for once, kept as long as it is good."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.adapters.error import AskError, AskFault
from gateway.adapters.reading import read_time
from gateway.adapters.token import Token, TokenKeeper
from keys.payload.secret import Secret

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class SignIn:
    """A sign-in that a test lets end; it fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        """Fail so often first."""
        self.failures = failures
        self.count = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> Token:
        """Sign in."""
        self.count += 1
        await self.may_end.wait()
        if self.count <= self.failures:
            raise AskError(AskFault.SIGN_IN)
        return Token(secret=Secret(f"token-{self.count}".encode()), until=NOW + timedelta(hours=1))


async def test_a_waiter_that_leaves_takes_nothing_away() -> None:
    """Whoever gives up waiting does not stop the sign-in for the others."""
    sign_in = SignIn()
    keeper = TokenKeeper(sign_in)
    first, second = asyncio.create_task(keeper.get(NOW)), asyncio.create_task(keeper.get(NOW))
    await asyncio.sleep(0)
    first.cancel()
    sign_in.may_end.set()
    token = await second
    assert (token.secret.reveal(), sign_in.count) == (b"token-1", 1)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_is_not_remembered() -> None:
    """All who wait for a sign-in that fails are told so, and the next question signs in again."""
    sign_in = SignIn(failures=1)
    sign_in.may_end.set()
    keeper = TokenKeeper(sign_in)
    found = await asyncio.gather(keeper.get(NOW), keeper.get(NOW), return_exceptions=True)
    assert [type(one) for one in found] == [AskError, AskError]
    assert (await keeper.get(NOW)).secret.reveal() == b"token-2"


async def test_a_token_ends() -> None:
    """A token is good up to its end, which is outside, and not when the system no longer takes it."""
    sign_in = SignIn()
    sign_in.may_end.set()
    keeper = TokenKeeper(sign_in)
    first = await keeper.get(NOW)
    assert await keeper.get(NOW + timedelta(minutes=59)) is first
    assert await keeper.get(NOW + timedelta(hours=1)) is not first
    third = await keeper.get(NOW)
    assert await keeper.get(NOW, but=first) is third
    assert await keeper.get(NOW, but=third) is not third


async def test_closing_stops_a_sign_in() -> None:
    """A sign-in that nobody waits for ends with the client."""
    keeper = TokenKeeper(SignIn())
    waiter = asyncio.create_task(keeper.get(NOW))
    await asyncio.sleep(0)
    await keeper.close()
    with pytest.raises(asyncio.CancelledError):
        await waiter


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("1767600000", "epoch-s", datetime(2026, 1, 5, 8, 0, tzinfo=UTC)),
        ("1767600000000", "epoch-ms", datetime(2026, 1, 5, 8, 0, tzinfo=UTC)),
        ("20260105160000", "yyyyMMddHHmmss", datetime(2026, 1, 5, 8, 0, tzinfo=UTC)),
        ("2026-01-05", "yyyy-MM-dd", datetime(2026, 1, 4, 16, 0, tzinfo=UTC)),
    ],
)
def test_an_end_is_read(text: str, form: str, expected: datetime) -> None:
    """Ends are read in the forms of templates; those without a zone are of China."""
    assert read_time(text, form) == expected


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", "epoch-s"),
        ("soon", "epoch-ms"),
        ("2026-1-5", "yyyy-MM-dd"),
        ("20260105", "yyyy-MM-dd"),
        ("2026-02-29", "yyyy-MM-dd"),
    ],
)
def test_an_end_that_is_none(text: str, form: str) -> None:
    """An end in another form, or that does not exist, is refused."""
    with pytest.raises(AskError) as caught:
        read_time(text, form)
    assert (caught.value.fault, caught.value.where) == (AskFault.MALFORMED, "ends_at")
