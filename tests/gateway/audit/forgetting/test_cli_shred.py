"""``tongban audit shred``: on a site folder with a log, approvers and approvals in files."""

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.forgetting.concerned import find_about_person
from gateway.audit.forgetting.shred import Shredded, ShreddedShard
from gateway.audit.forgetting.shred_approval import encode_approval
from gateway.audit.link.server import LinkServer
from gateway.audit.shard import site_origin
from gateway.cli.audit_shred import _read_subject, _show, shred_person
from gateway.cli.console import ExitCode
from gateway.cli.failure import UsageError
from gateway.cli.init import init
from gateway.cli.site_settings import load_settings
from gateway.log_site import link_folder, make_desk, open_place
from gateway.recording import about_holders
from tests.gateway.audit.forgetting.test_shred import DRAFTS, ORDER, PERSON, SIGNERS, approve
from tests.support.policy_site import write_approver


def read_clock() -> datetime:
    """Tell the time of this machine, as commands do."""
    return datetime.now(UTC)


def make_site(folder: Path) -> tuple[Path, list[int]]:
    """Return a site with a log of a few entries, and the numbers of those about the person."""
    site = folder / "site"
    init(site)
    settings = load_settings(site)

    async def fill() -> tuple[str, list[int]]:
        book = LogBook(open_place(site, settings), clock=read_clock)
        await book.open()
        numbers = [(await book.append(draft)).index for draft in DRAFTS]
        origin = book.current.origin
        await book.close()
        return origin, numbers

    origin, numbers = asyncio.run(fill())
    for name in "ab":
        write_approver(site / "approvers", name, SIGNERS[name])
        approval = approve(name, order=replace(ORDER, log=site_origin(origin)), at=read_clock())
        (folder / name).write_bytes(encode_approval(approval))
    (folder / "subject").write_text(f"{PERSON.lower()}\n", encoding="utf-8")
    return site, numbers[:4]


def run(folder: Path, site: Path, approvals: str, basis: str = "PIPL-47") -> ExitCode:
    files = [folder / name for name in approvals]
    return shred_person(site, subject=folder / "subject", basis=basis, approvals=files, as_json=True)


def test_two_approvals_and_it_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The person is forgotten, and what was done is printed."""
    site, numbers = make_site(tmp_path)
    capsys.readouterr()
    assert run(tmp_path, site, "ab") is ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert ([one["entries"] for one in told["shards"]], told["left"]) == ([numbers], 0)
    place = open_place(site, load_settings(site))
    with closing(place.read(place.shards()[-1])) as log:
        assert not find_about_person(log, PERSON)


async def test_while_the_gateway_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway that writes the log forgets the person's key too: what it writes later has another one."""
    site, numbers = await asyncio.to_thread(make_site, tmp_path)
    settings = await asyncio.to_thread(load_settings, site)
    book = LogBook(open_place(site, settings), clock=read_clock)
    await book.open()
    link = LinkServer(make_desk(book, site, settings, read_clock), link_folder(site, settings))
    await link.open()
    try:
        remembered = await book.append(DRAFTS[0])  # the key of the person is in the memory of this process now
        capsys.readouterr()
        assert await asyncio.to_thread(run, tmp_path, site, "ab") is ExitCode.DONE
        [told] = json.loads(capsys.readouterr().out)["shards"]
        assert told["entries"] == [*numbers, remembered.index]
        again = await book.append(DRAFTS[0])
        log = book.reader()
        opened = [await asyncio.to_thread(log.private, one.index) for one in (remembered, again)]
        assert [one is not None and one.subject_erased for one in opened] == [True, False]
    finally:
        await link.close()
        await book.close()


def test_nobody_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A number that nothing leads to may be mistyped: the command says so, and ends with another code than success."""
    site, _ = make_site(tmp_path)
    assert run(tmp_path, site, "ab") is ExitCode.DONE
    capsys.readouterr()
    assert run(tmp_path, site, "ab") is ExitCode.INVALID
    assert json.loads(capsys.readouterr().out) == {"shards": [], "left": 0, "purged": True}
    files = [tmp_path / name for name in "ab"]
    told = shred_person(site, subject=tmp_path / "subject", basis="PIPL-47", approvals=files, as_json=False)
    assert told is ExitCode.INVALID
    assert PERSON not in capsys.readouterr().out


def test_a_long_code_is_looked_for_as_the_log_has_it(tmp_path: Path) -> None:
    """A holder's code that stands in the log as its hash is read from a file as that hash; half a number is refused."""
    file, code = tmp_path / "subject", "境外身份证件号码" * 25
    file.write_text(f"{code}\n", encoding="utf-8")
    assert [_read_subject(file)] == list(about_holders([code]).subjects)
    for wrong in (f"{code}9", f"{PERSON}\n{PERSON}", "9" * 2_000):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises((UsageError, OSError)):
            _read_subject(file)


def test_damage_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Days that were not sealed anew, and entries that could not be opened, are named."""
    shard = ShreddedShard(
        shard="2026h2", said=(9,), entries=(1,), keys=1, words=2, differing=("2026-09-21",), damaged=(1,)
    )
    _show(Shredded(shards=(shard,), left=0, purged=True), as_json=False)
    told = capsys.readouterr().out
    assert "2026-09-21" in told
    assert "check-index" in told


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Too few approvals, another basis, no secret, no number: nothing is changed, and the reason is told."""
    site, _ = make_site(tmp_path)
    capsys.readouterr()
    assert [run(tmp_path, site, "a"), run(tmp_path, site, "ab", "PIPL-15")] == [ExitCode.INVALID] * 2
    assert json.loads(capsys.readouterr().out.splitlines()[0])["error"] == "not-approved"
    assert run(tmp_path, site, "ab" * 9) is ExitCode.USAGE
    (site / "state" / "audit" / "keys" / "signing.key").unlink()
    assert run(tmp_path, site, "ab") is ExitCode.USAGE
    (tmp_path / "subject").write_text("", encoding="utf-8")
    assert run(tmp_path, site, "ab") is ExitCode.USAGE
    assert PERSON not in capsys.readouterr().err
