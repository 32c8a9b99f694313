"""``tongban audit shred``: on a site folder with a log, approvers and approvals in files."""

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.audit.book.book import LogBook
from gateway.audit.forgetting.shred import find_concerned
from gateway.audit.forgetting.shred_approval import encode_approval
from gateway.audit.link.server import LinkServer
from gateway.cli.audit_shred import shred_person
from gateway.cli.console import ExitCode
from gateway.cli.init import init
from gateway.cli.site_settings import load_settings
from gateway.log_site import link_folder, make_desk, open_place
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
        approval = approve(name, order=replace(ORDER, log=origin), at=read_clock())
        (folder / name).write_bytes(encode_approval(approval))
    (folder / "subject").write_text(f"{PERSON.lower()}\n", encoding="utf-8")
    return site, numbers[:4]


def run(folder: Path, site: Path, approvals: str, basis: str = "PIPL-47") -> ExitCode:
    files = [folder / name for name in approvals]
    return shred_person(site, subject=folder / "subject", basis=basis, shard=None, approvals=files, as_json=True)


def test_two_approvals_and_it_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The person is forgotten, and what was done is printed."""
    site, numbers = make_site(tmp_path)
    capsys.readouterr()
    assert run(tmp_path, site, "ab") is ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["entries"], told["left"]) == (numbers, 0)
    place = open_place(site, load_settings(site))
    with closing(place.read(place.shards()[-1])) as log:
        assert find_concerned(log, PERSON).all == ()


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
        assert json.loads(capsys.readouterr().out)["entries"] == [*numbers, remembered.index]
        again = await book.append(DRAFTS[0])
        log = book.reader()
        opened = [await asyncio.to_thread(log.private, one.index) for one in (remembered, again)]
        assert [one is not None and one.subject_erased for one in opened] == [True, False]
    finally:
        await link.close()
        await book.close()


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
