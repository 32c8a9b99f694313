"""Several processes and one log: every entry of every worker is in it, whoever dies, and commands work beside."""

import json
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

import pytest

from gateway.audit.leaf import parse_leaf
from gateway.callers import TokenAlgorithm
from gateway.cli.command_log import open_log_for_command
from gateway.cli.site_settings import load_settings
from gateway.log_site import open_place
from gateway.site_template import write_site
from tests.gateway.test_serve import AUDIENCE, ROOT, START, ask, register, serving, start_in_vain
from tests.support.callers import Party, make_party
from tests.support.cli import tongban
from tests.support.http import URL, question

QUESTIONS = 12
EVALUATED = "tongban_audit_alarms_evaluated_timestamp_seconds"  # of the log's process
WORKERS_ONLY = {  # the least of what the workers say
    "gateway_policy_end_seconds",
    "gateway_revocation_list_seconds_left",
    "gateway_trust_next_end_seconds",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a good site folder."""
    write_site(tmp_path)
    return tmp_path


def children_of(process: Popen[str]) -> list[int]:
    """Return the children of the gateway in the order in which they were started: the log, then the workers."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def ask_often(address: str, party: Party, answers: list[dict[str, object]]) -> None:
    """Ask on connections of their own, so that they come to any worker."""
    for _ in range(QUESTIONS):
        token = party.token(at=datetime.now(UTC), audience=AUDIENCE)
        status, text = ask(address, "POST", URL, question(b"no licence"), Authorization=f"Bearer {token}")
        assert status == 200, text
        answers.append(json.loads(text))


def gauges_of(metrics: str) -> dict[str, float]:
    """Return the metrics that have no labels."""
    return {name: float(value) for name, value in re.findall(r"^([a-z_]+) (\S+)$", metrics, re.MULTILINE)}


def gauges(address: str) -> dict[str, float]:
    """Ask for them."""
    return gauges_of(ask(address, "GET", "/metrics")[1])


def read_numbers(folder: Path) -> dict[str, list[int]]:
    """Return the numbers of every caller in the log, in its order."""
    numbers: dict[str, list[int]] = {}
    place = open_place(folder, load_settings(folder))
    with closing(place.read(place.shards()[-1])) as log:
        for leaf in map(parse_leaf, log.store.leaves(0, 10_000)):
            numbers.setdefault(leaf.content.caller, []).append(leaf.seq)
    return numbers


def test_two_workers_and_one_log(folder: Path) -> None:
    """Both workers answer, every answer has its entry, and the numbers of every caller have no gap."""
    parties = [make_party(TokenAlgorithm.EDDSA, id=f"party-{number}") for number in range(2)]
    for party in parties:
        register(folder, party)
        (folder / "callers" / "party.toml").rename(folder / "callers" / f"{party.caller.id}.toml")
    answers: list[dict[str, object]] = []
    with serving(folder, workers=2) as (process, address):
        until = time.monotonic() + 20
        while not (evaluated := gauges(address)[EVALUATED]) and time.monotonic() < until:
            time.sleep(0.1)
        threads = [threading.Thread(target=ask_often, args=(address, party, answers)) for party in parties]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ready = json.loads(ask(address, "GET", "/readyz")[1])
        metrics = ask(address, "GET", "/metrics")[1]
        status = tongban("audit", "status", "--site", folder, "--json")
    assert process.returncode == 0
    assert len(answers) == QUESTIONS * len(parties)
    assert (ready["ready"], ready["log"]["stopped"]) == (True, None)
    assert ready["log"]["size"] > QUESTIONS * len(parties)
    assert f"gateway_log_append_seconds_count {QUESTIONS * len(parties)}.0" in metrics
    assert re.search(r"gateway_log_size [1-9]", metrics)
    assert 'gateway_worker_starts_total{why="died"} 0.0' in metrics
    assert evaluated, "what the log's process says of the rules of alarms"
    assert {name for name in WORKERS_ONLY if gauges_of(metrics)[name] <= 0} == set(), "what it cannot know, it says"
    assert (status.code, status.object["writer"]) == (0, {"running": True, "stopped": None})
    numbers = read_numbers(folder)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    assert Counter({party.caller.id: QUESTIONS for party in parties}) == Counter(
        {caller: len(found) for caller, found in numbers.items() if caller.startswith("party-")}
    )
    assert not (folder / "state" / "audit" / "log.sock").exists()


@pytest.mark.slow
def test_the_log_that_dies(folder: Path) -> None:
    """When the log is killed, all end with a sentence, and the next start goes on behind the last entry."""
    party = make_party()
    register(folder, party)
    with serving(folder, workers=2) as (process, address):
        ask_often(address, party, [])
        os.kill(children_of(process)[0], signal.SIGKILL)
        assert process.wait(20) == 1
        assert process.stderr is not None
        said = process.stderr.read()
    assert "the log's process ended unexpectedly (SIGKILL)" in said
    assert "Traceback" not in said
    with serving(folder, workers=1) as (process, address):
        ask_often(address, party, [])
        assert json.loads(ask(address, "GET", "/readyz")[1])["ready"]
    assert read_numbers(folder)[party.caller.id] == list(range(1, 2 * QUESTIONS + 1))


@pytest.mark.slow
def test_a_parent_that_dies(folder: Path) -> None:
    """When the parent is killed, its children end by themselves, and another gateway can start."""
    with serving(folder, workers=2) as (process, _):
        children = children_of(process)
        process.kill()
        process.wait(20)
    until = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_log_that_cannot_be_opened(folder: Path, workers: int) -> None:
    """A gateway whose log cannot be opened does not start, and says what to do; the code is 2."""
    with serving(folder, workers=1):
        ended = start_in_vain(folder, 0, workers=workers)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "somebody else writes this log; leave only one [second-writer]" in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_start_while_a_command_has_the_log(folder: Path, workers: int) -> None:
    """A gateway that is started while a command has the log waits for it, and then starts."""
    held = threading.Event()

    def hold() -> None:
        with open_log_for_command(folder):
            held.set()
            time.sleep(3.0)  # a gateway takes a second or two until it wants the log

    holding = threading.Thread(target=hold)
    holding.start()
    held.wait(20)
    with serving(folder, workers=workers) as (process, address):
        assert json.loads(ask(address, "GET", "/readyz")[1])["ready"]
    holding.join()
    assert process.returncode == 0


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_stop_while_a_command_has_the_log(folder: Path, workers: int) -> None:
    """A gateway that waits for the log ends with 0 when it is told to stop, though the log is not free yet."""
    code = f"{START} sys.exit(serve(Path(sys.argv[1]), port=0, workers={workers}))"
    with (
        open_log_for_command(folder),
        Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=PIPE, stderr=STDOUT, text=True) as process,  # noqa: S603 — our own program
    ):
        try:
            assert process.stdout is not None
            assert any("the access log is not free yet" in line for line in process.stdout)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_commands_while_the_gateway_runs(folder: Path, workers: int) -> None:
    """A change of the licence store is an entry of the log that the gateway writes, before the change is made."""
    with serving(folder, workers=workers):
        announced = ["--number", "L-1", "--type", "11100000000013338W001", "--json"]
        told = tongban("store", "announce", "--site", folder, *announced)
        assert (told.code, told.object["result"]) == (0, "new")
        retained = tongban("audit", "retain", "--site", folder, "--json")
        assert (retained.code, retained.object["entry"]) == (0, None)
    place = open_place(folder, load_settings(folder))
    with closing(place.read(place.shards()[-1])) as log:
        leaves = [parse_leaf(leaf).content for leaf in log.store.leaves(0, 1_000)]
    said = [leaf.more for leaf in leaves if leaf.kind == "admin"]
    assert [(one["action"], one["target"]) for one in said if one["action"] != "withholding"] == [
        ("start", "gateway"),
        ("alarm-rules", "log"),
        ("store-announce", "11100000000013338W001"),
        ("stop", "gateway"),
    ]
