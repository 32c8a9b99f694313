"""Revoking a signer while the demo runs: the next answer is invalid, without a restart."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.demo.asking import run_gateway
from gateway.demo.revoking import (
    FOLDER,
    DemoNotRunningError,
    RevocationAnswer,
    RevocationDesk,
    request_revocation,
)
from gateway.demo.stage import set_stage, write_stage
from tests.support.cli import tongban

SECONDS = 5.0  # far more than the second that it takes; machines that run tests are shared


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RevocationDesk]:
    """Run the demo's gateway, and a desk that looks for requests as the demo does."""
    now = datetime.now(UTC).replace(microsecond=0)  # the gateway has a real clock
    stage = set_stage(now)
    folder = tmp_path_factory.mktemp("demo") / "demo"
    genuine = tuple(one for one in stage.questions if not one.done_en)
    stage = replace(stage, questions=(*genuine[:5], stage.questions[-1]))
    places = write_stage(stage, folder, now)
    (places["documents"] / "garbage.ofd").write_bytes(b"garbage")
    stop = threading.Event()
    with run_gateway(places["site"]) as address:
        desk = RevocationDesk(stage=stage, folder=folder, address=address)
        desk.open()

        def look() -> None:
            while not stop.wait(0.05):
                desk.look()

        thread = threading.Thread(target=look)
        thread.start()
        yield desk
        stop.set()
        thread.join()


def genuine(desk: RevocationDesk, place: int) -> Path:
    """Return a genuine document of the demo."""
    return desk.folder / "documents" / desk.stage.questions[place].name


def test_the_next_answer_is_invalid(running: RevocationDesk) -> None:
    """Revoked: the gateway that still runs says so within about a second, and who it was is told."""
    answer = request_revocation(running.folder, genuine(running, 0))
    assert answer.error == ""
    assert (answer.outcome, "revocation.revoked" in answer.reasons) == ("invalid", True)
    assert answer.seconds < SECONDS
    assert len(answer.serials) == len(answer.signers) >= 1


def test_the_command_says_what_the_gateway_answers(running: RevocationDesk) -> None:
    """``tongban demo --revoke`` from another terminal: 0, and the answer in JSON and in words."""
    ended = tongban("demo", "--revoke", genuine(running, 4), "--folder", running.folder, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.object["outcome"] == "invalid"
    assert "revocation.revoked" in ended.object["reasons"]
    again = tongban("demo", "--revoke", genuine(running, 4), "--folder", running.folder)
    assert again.code == 0
    assert "revocation.revoked" in again.out


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nothing.ofd", "no-such-document"),
        ("../site/tongban.toml", "no-such-document"),
        ("garbage.ofd", "no-signer"),
    ],
)
def test_what_cannot_be_revoked_is_said(running: RevocationDesk, name: str, error: str) -> None:
    """A file that is none of the demo's, or that nobody signed, is answered in a word."""
    assert request_revocation(running.folder, running.folder / "documents" / name) == RevocationAnswer(
        error=error, file="garbage.ofd" if error == "no-signer" else ""
    )


def test_a_request_that_is_none_is_answered_too(running: RevocationDesk) -> None:
    """Garbage among the requests ends nothing."""
    (running.folder / FOLDER / "0.request").write_bytes(b"[" * 100)
    ends = time.monotonic() + SECONDS
    while not (running.folder / FOLDER / "0.answer").exists() and time.monotonic() < ends:
        time.sleep(0.02)
    assert b"no-such-document" in (running.folder / FOLDER / "0.answer").read_bytes()


def test_nobody_answers_where_no_demo_runs(tmp_path: Path) -> None:
    """Neither a folder without a demo nor a demo that has ended keeps anybody waiting."""
    with pytest.raises(DemoNotRunningError):
        request_revocation(tmp_path, tmp_path / "a.ofd")
    (tmp_path / FOLDER).mkdir()
    with pytest.raises(DemoNotRunningError):
        request_revocation(tmp_path, tmp_path / "a.ofd", wait_seconds=0.1)
    assert list((tmp_path / FOLDER).iterdir()) == []
    ended = tongban("demo", "--revoke", "a.ofd", "--folder", tmp_path / "none")
    assert (ended.code, ended.out) == (2, "")
    assert tongban("demo", "--revoke", "a.ofd").code == 2
