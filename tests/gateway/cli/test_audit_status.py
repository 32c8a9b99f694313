"""``tongban audit status|retain``: how the log of a site stands, with and without a gateway."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.audit_material import make_draft
from gateway.audit.book.book import LogBook
from gateway.audit.book.retaining import SETTLED_DAYS
from gateway.audit.forgetting.retention_terms import LEAST_PROVISION_DAYS
from gateway.audit.link.server import LinkServer
from gateway.audit.seal.days import seal_due_days
from gateway.audit.shard import shard_name
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.cli import command_log
from gateway.cli.audit_status import retain_site, show_status
from gateway.cli.console import ExitCode
from gateway.cli.site_settings import load_settings
from gateway.log_site import link_folder, make_desk, open_place
from gateway.site_template import write_site

Told = pytest.CaptureFixture[str]


def read_clock() -> datetime:
    """Tell the time of this machine, as commands do."""
    return datetime.now(UTC)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site whose log has one entry, long ago."""
    write_site(tmp_path)
    path = tmp_path / "tongban.toml"
    text = path.read_text(encoding="utf-8")
    begin = f'[audit]\nbegin = "{shard_name(read_clock())}"\n'  # which is not the half-year after the last one
    path.write_text(text.replace("[audit]\n", begin, 1), encoding="utf-8")
    settings = load_settings(tmp_path)
    long_ago = read_clock() - timedelta(days=LEAST_PROVISION_DAYS + 20)

    async def fill() -> None:
        book = LogBook(open_place(tmp_path, settings), clock=lambda: long_ago)
        await book.open()
        await book.append(make_draft(1))
        await book.close()

    asyncio.run(fill())
    return tmp_path


def test_without_a_gateway(site: Path, capsys: Told) -> None:
    """Shards, sizes and the newest checkpoint are shown while nothing runs, as JSON and in words."""
    assert show_status(site, as_json=True) is ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["writer"] == {"running": False, "stopped": None}
    (shard,) = told["shards"]
    assert shard["log"].endswith(shard["shard"])
    assert shard["checkpoint"].splitlines()[1] == str(shard["size"])
    assert shard["bytes"] > 0
    assert show_status(site, as_json=False) is ExitCode.DONE
    assert "No gateway runs." in capsys.readouterr().out


async def test_with_a_gateway(site: Path, capsys: Told) -> None:
    """A gateway that writes the log says why it takes nothing, with what to do; the code is 1."""
    settings = await asyncio.to_thread(load_settings, site)
    book = LogBook(open_place(site, settings), clock=read_clock, may_begin=settings.audit.begin)
    await book.open()
    link = LinkServer(make_desk(book, site, settings, read_clock), link_folder(site, settings))
    await link.open()
    assert await asyncio.to_thread(show_status, site, as_json=True) is ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["writer"] == {"running": True, "stopped": None}
    book.freeze(LogUnavailableError(Unavailable.FORKED, "here"))
    assert await asyncio.to_thread(show_status, site, as_json=True) is ExitCode.INVALID
    stopped = json.loads(capsys.readouterr().out)["writer"]["stopped"]
    assert (stopped["reason"], stopped["detail"]) == ("forked", "here")
    assert stopped["zh"]
    await link.close()
    await book.close()


def test_a_shard_that_cannot_be_read(site: Path, capsys: Told) -> None:
    """A shard whose secrets are gone is named with what to do; the code is 1, in words too."""
    (site / "state" / "audit" / "keys" / "wrapping.key").unlink()
    assert show_status(site, as_json=True) is ExitCode.INVALID
    (shard,) = json.loads(capsys.readouterr().out)["shards"]
    assert shard["error"]["reason"] == "unusable"
    assert show_status(site, as_json=False) is ExitCode.INVALID
    assert "[unusable]" in capsys.readouterr().err


async def pass_days(site: Path) -> None:
    """Have entries on the last days, and those days sealed, so that the clock is believed."""
    settings = await asyncio.to_thread(load_settings, site)
    now = read_clock()
    clock = [now - timedelta(days=SETTLED_DAYS + 4)]
    book = LogBook(open_place(site, settings), clock=lambda: clock[0], may_begin=shard_name(clock[0]))
    await book.open()
    while clock[0] < now - timedelta(days=1):
        clock[0] += timedelta(days=1)
        await book.append(make_draft(2))
        await seal_due_days(book.current, clock[0])
    await book.close()


def test_retention(site: Path, capsys: Told) -> None:
    """What is past its time is removed from every shard, and counted."""
    asyncio.run(pass_days(site))
    assert retain_site(site, as_json=True) is ExitCode.DONE
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["entries"] for one in told] == [1, 0]
    assert retain_site(site, as_json=False) is ExitCode.DONE
    assert "0 entries were due" in capsys.readouterr().out


def test_a_site_without_a_log(tmp_path: Path, capsys: Told) -> None:
    """A new site has no shards, and a folder that is no site is usage."""
    write_site(tmp_path / "site")
    assert show_status(tmp_path / "site", as_json=True) is ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["shards"] == []
    assert show_status(tmp_path / "none", as_json=True) is ExitCode.USAGE


def test_a_command_waits_for_another(site: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command waits a while for who else writes the log, and then says so."""
    settings = load_settings(site)
    monkeypatch.setattr(command_log, "WAIT_SECONDS", 0.2)

    async def hold(seconds: float, run: Callable[[], ExitCode]) -> ExitCode:
        book = LogBook(open_place(site, settings), clock=read_clock, may_begin=settings.audit.begin)
        await book.open()
        waiting = asyncio.create_task(asyncio.to_thread(run))
        await asyncio.sleep(seconds)
        if seconds:
            assert await waiting is ExitCode.USAGE
        await book.close()
        return await waiting

    assert asyncio.run(hold(1.0, lambda: retain_site(site, as_json=True))) is ExitCode.USAGE
    assert json.loads(capsys.readouterr().out)["error"] == "log.second-writer"
    monkeypatch.setattr(command_log, "WAIT_SECONDS", 30.0)
    assert asyncio.run(hold(0.0, lambda: retain_site(site, as_json=True))) is ExitCode.DONE
