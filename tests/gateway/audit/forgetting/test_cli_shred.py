"""``tongban audit shred``: on a site folder with a log, approvers and approvals in files."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.audit.data_keys import AesKeyWrapper
from gateway.audit.forgetting.shred_approval import encode_approval
from gateway.audit.lookup import Epoch, LookupKeys
from gateway.audit.tlog.quorum import Policy, PolicyLog, encode_policy
from gateway.cli.audit_shred import shred_person
from gateway.cli.console import ExitCode
from gateway.cli.init import init
from tests.gateway.audit.forgetting.test_shred import DRAFTS, PERSON, SIGNERS, approve, what_leads_to_the_person
from tests.support.audit import SIGNER, Clock, opened, sqlite_setup
from tests.support.policy_site import write_approver

LONG_AGO_MS = 1_700_000_000_000  # the command reads the clock of the machine, and no log goes back in time


def make_site(folder: Path) -> tuple[Path, dict[str, object]]:
    """Return a site with a log of a few entries, and how that log is opened."""
    site = folder / "site"
    init(site)
    place = site / "state" / "audit" / "2026h2"
    place.mkdir(parents=True)
    for name, secret in (("wrapping", b"w"), ("signing", b"s"), ("index-1", b"i")):
        path = place / f"{name}.key"
        path.write_bytes(base64.b64encode(secret * 32))
        path.chmod(0o600)
    (place / "trust.policy").write_bytes(encode_policy(Policy(logs=(PolicyLog(key=SIGNER.key),))))
    for name in "ab":
        write_approver(site / "approvers", name, SIGNERS[name])
        (folder / name).write_bytes(encode_approval(approve(name, at=datetime.now(UTC))))
    (folder / "subject").write_text(f"{PERSON.lower()}\n", encoding="utf-8")
    changes = {"wrapper": AesKeyWrapper(b"w" * 32), "lookup": LookupKeys({Epoch(1): b"i" * 32})}
    with opened(sqlite_setup(place, Clock(LONG_AGO_MS), **changes)) as log:

        async def fill() -> None:
            for draft in DRAFTS:
                await log.append(draft)

        asyncio.run(fill())
    return site, changes


def run(folder: Path, site: Path, approvals: str, basis: str = "PIPL-47") -> ExitCode:
    files = [folder / name for name in approvals]
    return shred_person(site, subject=folder / "subject", basis=basis, shard=None, approvals=files, as_json=True)


def test_two_approvals_and_it_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The person is forgotten, and what was done is printed."""
    site, changes = make_site(tmp_path)
    capsys.readouterr()
    assert run(tmp_path, site, "ab") is ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["entry"], told["entries"], told["left"]) == (6, [0, 1, 2, 3], 0)
    with opened(sqlite_setup(site / "state" / "audit" / "2026h2", Clock(), **changes)) as log:
        assert what_leads_to_the_person(log, 7) == []


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Too few approvals, another basis, no secret, no number: nothing is changed, and the reason is told."""
    site, _ = make_site(tmp_path)
    capsys.readouterr()
    assert [run(tmp_path, site, "a"), run(tmp_path, site, "ab", "PIPL-15")] == [ExitCode.INVALID] * 2
    assert json.loads(capsys.readouterr().out.splitlines()[0])["error"] == "not-approved"
    (site / "state" / "audit" / "2026h2" / "signing.key").unlink()
    assert run(tmp_path, site, "ab") is ExitCode.USAGE
    (tmp_path / "subject").write_text("", encoding="utf-8")
    assert run(tmp_path, site, "ab") is ExitCode.USAGE
    assert PERSON not in capsys.readouterr().err
