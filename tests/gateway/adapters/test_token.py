"""The token of a system: asked for once, kept as long as it is good."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.adapters.error import AskError, AskFault
from gateway.adapters.reading import read_time
from gateway.adapters.token import FIRST_PAUSE, LONGEST_PAUSE, Token, TokenKeeper
from keys.payload.secret import Secret

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class SignIn:
    """A sign-in that a test lets end; it fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        """Fail so often first."""
        self.failures = failures
        self.until = NOW + timedelta(hours=1)
        self.count = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> Token:
        """Sign in."""
        self.count += 1
        await self.may_end.wait()
        if self.count <= self.failures:
            raise AskError(AskFault.SIGN_IN)
        return Token(secret=Secret(f"token-{self.count}".encode()), until=self.until)


def keeper_of(sign_in: SignIn, *, refused: bool = True) -> TokenKeeper:
    """Return a keeper that takes every failure for a refusal, or none."""
    return TokenKeeper(sign_in, is_refusal=lambda _: refused)


async def test_a_waiter_that_leaves_takes_nothing_away() -> None:
    """Whoever gives up waiting does not stop the sign-in for the others."""
    sign_in = SignIn()
    keeper = keeper_of(sign_in)
    first, second = asyncio.create_task(keeper.get(NOW)), asyncio.create_task(keeper.get(NOW))
    await asyncio.sleep(0)
    first.cancel()
    sign_in.may_end.set()
    token = await second
    assert (token.secret.reveal(), sign_in.count) == (b"token-1", 1)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_is_not_remembered() -> None:
    """All who wait for a sign-in that nobody answers are told so, and the next question signs in again."""
    sign_in = SignIn(failures=1)
    sign_in.may_end.set()
    keeper = keeper_of(sign_in, refused=False)
    found = await asyncio.gather(keeper.get(NOW), keeper.get(NOW), return_exceptions=True)
    assert [type(one) for one in found] == [AskError, AskError]
    assert (await keeper.get(NOW)).secret.reveal() == b"token-2"


async def test_a_refusal_is_remembered() -> None:
    """After a refused sign-in nobody signs in for a while, which grows with every further one, up to a bound."""
    sign_in = SignIn(failures=40)
    sign_in.may_end.set()
    keeper, at, pauses = keeper_of(sign_in), NOW, []
    for _ in range(20):
        for moment in (at, at, at + FIRST_PAUSE / 2):
            with pytest.raises(AskError):
                await keeper.get(moment)
        begun = at
        while keeper._refusal is not None and at < keeper._refusal.until:
            at += FIRST_PAUSE
        pauses.append(at - begun)
    assert sign_in.count == 20
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert set(pauses[-5:]) == {LONGEST_PAUSE}


async def test_a_sign_in_forgets_refusals() -> None:
    """Once a sign-in succeeded, the next refusal counts as the first."""
    sign_in = SignIn(failures=1)
    sign_in.may_end.set()
    keeper = keeper_of(sign_in)
    with pytest.raises(AskError):
        await keeper.get(NOW)
    token = await keeper.get(NOW + FIRST_PAUSE)
    assert (token.secret.reveal(), keeper._refusal) == (b"token-2", None)


async def test_a_token_ends() -> None:
    """A token is good up to its end, which is outside, and not when the system no longer takes it."""
    sign_in = SignIn()
    sign_in.may_end.set()
    keeper = keeper_of(sign_in)
    first = await keeper.get(NOW)
    assert await keeper.get(NOW + timedelta(minutes=59)) is first
    sign_in.until += timedelta(hours=1)
    assert await keeper.get(NOW + timedelta(hours=1)) is not first
    third = await keeper.get(NOW)
    assert await keeper.get(NOW, but=first) is third
    assert await keeper.get(NOW, but=third) is not third


async def test_a_token_that_has_ended_already() -> None:
    """A system whose tokens have ended when they come is not signed in to with every question."""
    sign_in = SignIn()
    sign_in.may_end.set()
    sign_in.until = NOW
    keeper = keeper_of(sign_in)
    for _ in range(100):
        with pytest.raises(AskError) as caught:
            await keeper.get(NOW)
    assert (caught.value.fault, caught.value.where, sign_in.count) == (AskFault.SIGN_IN, "ends_at", 1)
    sign_in.until += timedelta(hours=1)
    assert (await keeper.get(NOW + FIRST_PAUSE)).secret.reveal() == b"token-2"


async def test_closing_stops_a_sign_in() -> None:
    """A sign-in that nobody waits for ends with the client."""
    keeper = keeper_of(SignIn())
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
