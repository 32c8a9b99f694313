"""In which order a site comes into force: made, said in the log, used; and what is let go where one of them fails."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.reload.held import Held
from gateway.reload.in_force import SiteInForce
from gateway.reload.keeper import SiteKeeper
from gateway.secret_file import SecretError, SecretFault
from gateway.site import Site, load_site
from tests.gateway.reload.test_keeper import WITHHOLDING
from tests.support.callers import NOW
from tests.support.river import write_trusting_site

if TYPE_CHECKING:
    from gateway.sources.registry import Sources


class Stage:
    """A keeper of one of several processes, and what it did; ``fails`` names the step that does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: list[str] = []
        self.results: list[str] = []
        self.fails = ""
        self.keeper = SiteKeeper(
            load_site(folder, at=NOW),
            make=self.make,
            announce=self.announce,
            clock=lambda: NOW,
            observer=self,
            shares_port=True,
        )

    def site_reloaded(self, result: str) -> None:
        """Note how a reading went."""
        self.results.append(result)

    async def make(self, site: Site, _: SiteInForce | None) -> SiteInForce:
        """Make a site work."""
        if self.fails == "make":
            raise SecretError(SecretFault.ABSENT, "key")
        self.done.append("made")
        return SiteInForce(site=site, sources=Held(cast("Sources", None), close=self.close), facades=None)

    async def announce(self, _: Site) -> None:
        """Take what is said in the log."""
        if self.fails == "announce":
            raise LogUnavailableError(Unavailable.OVERLOADED, "")
        self.done.append("announced")

    async def close(self) -> None:
        """Let go of what was made."""
        self.done.append("closed")

    async def read_again(self, file: str, text: str) -> list[str]:
        """Write a file, have the site read, and return what was done then."""
        await asyncio.to_thread((self.folder / file).write_text, text, "utf-8")
        self.done.clear()
        await self.keeper.look(forced=True)
        await asyncio.sleep(0)  # what is retired closes when the loop comes to it
        return list(self.done)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    def write() -> Stage:
        write_trusting_site(tmp_path)
        rmtree(tmp_path / "policies")
        return Stage(tmp_path)

    made = await asyncio.to_thread(write)
    await made.keeper.open()
    yield made
    await made.keeper.close()


async def test_nothing_is_said_of_a_site_that_cannot_be_made(stage: Stage) -> None:
    """The log says which rules of secrecy are in force only once nothing but that can keep them from being so."""
    stage.fails = "make"
    assert await stage.read_again("withholding.toml", WITHHOLDING) == []
    stage.fails = ""
    assert await stage.read_again("withholding.toml", WITHHOLDING) == ["made", "announced", "closed"]
    assert stage.results == ["failed", "ok"]


async def test_what_was_made_in_vain_is_closed(stage: Stage) -> None:
    """Where the log takes nothing, the site that was made for it is let go, and the one before stays open."""
    before = stage.keeper.current()
    stage.fails = "announce"
    assert await stage.read_again("withholding.toml", WITHHOLDING) == ["made", "closed"]
    assert stage.keeper.current() is before
    assert not before.sources.is_closed


async def test_tokens_that_work_once_wait_for_the_redis_that_knows_them(stage: Stage) -> None:
    """A Redis takes a restart, so what needs it does not come into force without, although both are written."""
    settings: Any = stage.folder / "tongban.toml"
    text = await asyncio.to_thread(settings.read_text, "utf-8")
    await stage.read_again("tongban.toml", f'{text}\n[redis]\nurls = ["redis://127.0.0.1:1"]\n')
    caller: Any = stage.folder / "callers" / "example.toml"
    text = await asyncio.to_thread(caller.read_text, "utf-8")
    assert await stage.read_again("callers/example.toml", text.replace('# tokens = "once"', 'tokens = "once"')) == []
    assert stage.results == ["needs-restart", "failed"]
    assert not stage.keeper.current().site.callers.has_tokens_used_once
