"""``tongban audit status|retain``: how the log of a site stands, with and without a gateway."""

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.book.retaining import SETTLED_DAYS
from gateway.audit.forgetting.retention_terms import LEAST_PROVISION_DAYS
from gateway.audit.link.address import bind_socket
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
from tests.support.audit_drafts import make_draft

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


def test_files_that_still_hold_something_are_told(site: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bytes of what was removed may be left the command ends as unknown and says so, until they are not."""
    is_gone = False

    async def purge(_: object) -> bool:
        return is_gone

    monkeypatch.setattr("gateway.audit.book.retaining.purge", purge)
    for _ in range(2):
        assert retain_site(site, as_json=True) is ExitCode.UNKNOWN
        assert {json.loads(line)["purged"] for line in capsys.readouterr().out.splitlines()} == {False}
    assert retain_site(site, as_json=False) is ExitCode.UNKNOWN
    assert "run it again" in " ".join(capsys.readouterr().out.split())
    is_gone = True
    assert retain_site(site, as_json=True) is ExitCode.DONE


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


def test_a_damaged_head(site: Path, capsys: Told) -> None:
    """A second head of which one slot is damaged is named, and read by the other."""
    place = open_place(site, load_settings(site))
    head = place.head_file(place.shards()[-1])
    for damaged in (False, True):
        if damaged:
            head.write_bytes(bytes([head.read_bytes()[0] ^ 1]) + head.read_bytes()[1:])
        assert show_status(site, as_json=True) is ExitCode.DONE
        assert [one["head_damaged"] for one in json.loads(capsys.readouterr().out)["shards"]] == [damaged]
    assert show_status(site, as_json=False) is ExitCode.DONE
    assert "one of two slots was damaged" in " ".join(capsys.readouterr().err.split())


def test_a_gateway_that_does_not_answer(site: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens and says something else is not taken for nobody, nor for a second writer."""
    settings = load_settings(site)
    monkeypatch.setattr(command_log, "WAIT_SECONDS", 0.1)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"tongban log link 99\n")
        await writer.drain()
        writer.close()

    async def run(command: Callable[[], ExitCode]) -> ExitCode:
        listener = await asyncio.to_thread(bind_socket, link_folder(site, settings))
        async with await asyncio.start_unix_server(answer, sock=listener):
            return await asyncio.to_thread(command)

    assert asyncio.run(run(lambda: retain_site(site, as_json=True))) is ExitCode.USAGE
    told = json.loads(capsys.readouterr().out)
    assert told["error"] == "log.unreachable"
    assert "another version" in told["detail"]
    assert asyncio.run(run(lambda: show_status(site, as_json=True))) is ExitCode.INVALID
    writer = json.loads(capsys.readouterr().out)["writer"]
    assert (writer["running"], writer["stopped"]["reason"]) == (True, "unreachable")


def test_a_long_command_gives_the_log_to_others(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two batches of a command that goes on for long, who waits gets the log; the command then waits."""
    settings = load_settings(site)
    monkeypatch.setattr(command_log, "HOLD_SECONDS", 0.0)
    got: list[bool] = []

    def take() -> None:
        async def hold() -> None:
            book = LogBook(open_place(site, settings), clock=read_clock, may_begin=settings.audit.begin)
            while not got:
                with suppress(LogUnavailableError):
                    await book.open()
                    got.append(True)
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            await book.close()

        asyncio.run(hold())

    with command_log.open_log_for_command(site) as log:
        log.append([make_draft(1)])
        other = threading.Thread(target=take)
        other.start()
        assert log.append([make_draft(2)])[0].seq > 1
        other.join()
    assert got == [True]
