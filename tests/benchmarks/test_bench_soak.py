"""``tongban bench http --soak``: its parts; whether memory comes to rest, is not tested here."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import http_soak
from benchmarks.http_load import RefusedError, ask_hard
from benchmarks.http_material import Asked
from benchmarks.http_soak import BY_TURNS, Round, Turn, hold, keep_little, other_keys, sign_ins
from benchmarks.resident import Growth, Sample, measure_growth, read_resident
from gateway.demo.sharing import make_callers
from gateway.site import SETTINGS_FILE
from gateway.site_template import write_site
from tests.support.cli import tongban
from tests.support.demo import demo_stock


def _samples(*mib: float) -> list[Sample]:
    """Ten seconds apart, of two processes."""
    return [Sample(seconds=10.0 * number, mib={1: 40.0, 2: whole - 40}) for number, whole in enumerate(mib)]


def test_memory_is_that_of_all_processes_below() -> None:
    """What a process started counts too, as long as it is there."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        both = read_resident(os.getpid(), 1.0)
        assert {os.getpid(), child.pid} <= both.mib.keys()
        assert both.whole >= both.mib[os.getpid()] + both.mib[child.pid] > both.mib[os.getpid()] > 1
        child.communicate(b"\n")
    assert child.pid not in read_resident(os.getpid(), 2.0).mib
    with pytest.raises(OSError):  # noqa: PT011 - which of them, is the system's to say
        read_resident(child.pid, 3.0)


def test_memory_that_rests_has_no_growth() -> None:
    """What comes before memory had time to settle does not count, nor does a single sample."""
    growth = measure_growth(_samples(50, 80, *[100] * 20, 130, *[100] * 20), settle_seconds=20)
    assert (growth.settled_mib, growth.end_mib, growth.ratio) == (100, 100, 1)
    assert abs(growth.mib_a_minute) < 1


def test_memory_that_grows_is_told_by_the_minute() -> None:
    """A MiB every ten seconds is six a minute."""
    growth = measure_growth(_samples(*range(100, 161)), settle_seconds=120)
    assert growth.mib_a_minute == pytest.approx(6)
    assert (growth.settled_mib, growth.end_mib, growth.minutes) == (115, 157, 8)
    assert [one.ok for one in hold(growth, ())] == [False, False, True]


def test_a_short_run_settles_in_a_quarter() -> None:
    """A run of a minute has something to say too, and one without samples has not."""
    growth = measure_growth(_samples(10, 100, 100, 100, 100, 100, 104), settle_seconds=120)
    assert (growth.settled_mib, growth.end_mib) == (100, 102)
    for few in ((), (100.0,)):
        with pytest.raises(ValueError, match="at least 2 samples"):
            measure_growth(_samples(*few), settle_seconds=120)


def test_one_wrong_answer_misses_the_goal() -> None:
    """Memory that rests is no success where answers were others than expected."""
    growth = Growth(settled_mib=100, end_mib=101, mib_a_minute=0.1, minutes=8)
    rounds = [Round(turn=turn, rate=1.0, errors=turn is Turn.KEYS, sample=_samples(100)[0]) for turn in BY_TURNS]
    assert [(one.value, one.ok) for one in hold(growth, rounds)] == [(1.01, True), (0.1, True), (1.0, False)]


@asynccontextmanager
async def _answering(*answers: bytes) -> AsyncIterator[int]:
    """Answer every connection's questions with these by turns; an empty one closes it."""
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            for one in answers:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(one)
                if not one:
                    break
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


_GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
_QUESTION = b"GET / HTTP/1.1\r\n\r\n"


async def test_a_lasting_run_goes_on() -> None:
    """What was not expected is counted by status, as are connections that are closed; all others are answers too."""
    async with _answering(_GOOD, _BUSY, _GOOD, b"") as port:
        load = await ask_hard("127.0.0.1", port, [_QUESTION], connections=2, seconds=20, is_lasting=True)
    assert load.answers == 6
    assert load.unexpected == {"503": 2, "the connection was closed": 2}


async def test_any_other_run_ends() -> None:
    """A figure rests on answers that were all expected."""
    async with _answering(_GOOD, _BUSY) as port:
        with pytest.raises(RefusedError, match="busy"):
            await ask_hard("127.0.0.1", port, [_QUESTION], connections=1, seconds=20)
        with pytest.raises(RefusedError, match="200 OK"):
            await ask_hard("127.0.0.1", port, [_QUESTION], connections=1, seconds=20, expected=401)


def test_no_question_comes_twice() -> None:
    """Other keys are new ones, but for some that exist; each failed sign-in has another token."""
    stock = demo_stock()
    asked = Asked(site=Path(), authority=stock.authority, caller=make_callers()["court"], licences=stock.licences[:3])
    keys = list(islice(other_keys(asked, "host"), 30))
    known = [licence.draft.number.encode() for licence in asked.licences]
    assert len(set(keys)) == 30
    assert sum(any(number in key for number in known) for key in keys) == 3
    stranger = replace(asked, caller=replace(asked.caller, key=Ed25519PrivateKey.generate()))
    assert len(set(islice(sign_ins(stranger, "host"), 30))) == 30


def test_the_cache_of_the_site_is_small(tmp_path: Path) -> None:
    """What the cache keeps is less than all the documents, so that it is full soon and each is new again."""
    site = tmp_path / "site"
    write_site(site)
    keep_little(site)
    assert f"max_bytes = {http_soak.CACHE_BYTES}\n" in (site / SETTINGS_FILE).read_text(encoding="utf-8")
    assert "max_bytes = 67108864" not in (site / SETTINGS_FILE).read_text(encoding="utf-8")


def test_only_some_go_on() -> None:
    """``--soak`` is refused where it says nothing."""
    ended = tongban("bench", "verify", "--soak", "1")
    assert (ended.code, "--soak" in ended.err, "http" in ended.err) == (2, True, True)


@pytest.mark.slow
def test_a_gateway_is_asked_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each turn gets the answers that it expects from a real gateway, and its processes are all counted."""
    for name, value in (("TURN_SECONDS", 0.4), ("DOCUMENTS", 6)):
        monkeypatch.setattr(http_soak, name, value)
    found = http_soak.run(0.06)
    assert found["reach"][2]["value"] == 0, found["detail"]["turns"]
    assert all(turn["answers"] > 0 for turn in found["detail"]["turns"].values())
    assert len(found["detail"]["processes_mib"]) >= 1 + http_soak.WORKERS + 1  # the first one, workers, the log's
    assert {one["turn"] for one in found["detail"]["rounds"]} == set(BY_TURNS)
