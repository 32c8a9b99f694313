"""The demo's desk: who leaves a request is answered while the demo runs, and waits for nobody where none does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from gateway.demo.desk import (
    FOLDER,
    FOLDER_PREFIX,
    DemoBusyError,
    DemoFailedError,
    DemoNotRunningError,
    Desk,
    Failure,
    Request,
    SeveralDemosError,
    Wish,
    find_demo,
    request,
)
from tests.support.cli import tongban


class Echo(Struct, frozen=True):
    """What the desk of these tests answers."""

    said: str


def echo(wanted: Request) -> Echo:
    """Answer by what was named."""
    return Echo(wanted.name)


@contextmanager
def answering(folder: Path, handler: Callable[[Request], Struct] = echo) -> Iterator[Desk]:
    """Run a desk in a thread, as a demo does."""
    desk = Desk(folder, {Wish.ASK: handler})
    stop = threading.Event()
    with desk.opened():

        def look() -> None:
            while not stop.wait(0.01):
                desk.look()

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield desk
        finally:
            stop.set()
            thread.join()


def test_a_request_is_answered(tmp_path: Path) -> None:
    """The answer is that of the wish, and no file is left."""
    with answering(tmp_path):
        (tmp_path / FOLDER / "0.request").write_bytes(b"[" * 100)  # garbage ends nothing
        assert request(tmp_path, Request(Wish.ASK, "a"), Echo) == Echo("a")
    assert [one.name for one in (tmp_path / FOLDER).iterdir()] == ["open"]


def test_a_request_that_fails_ends_nothing(tmp_path: Path) -> None:
    """Whoever left it reads why, in one line and without a traceback, and the next one is answered."""

    def fail(wanted: Request) -> Echo:
        if wanted.name == "":
            raise KeyError("log\nredis")
        return Echo(wanted.name)

    with answering(tmp_path, fail):
        with pytest.raises(DemoFailedError, match=r"^KeyError: 'log\\nredis'$"):
            request(tmp_path, Request(Wish.ASK), Echo)
        told, shown = (tongban("demo", "ask", "--folder", tmp_path, *more) for more in (["--json"], []))
        assert (told.code, told.object) == (1, {"error": "KeyError: 'log\\nredis'"})
        assert (shown.code, shown.out, "could not do it: KeyError" in shown.err) == (1, "", True)
        assert request(tmp_path, Request(Wish.ASK, "a"), Echo) == Echo("a")


def test_a_failure_is_shown_where_the_demo_runs(tmp_path: Path) -> None:
    """The demo hears of it as well, by what it gets back from its desk."""

    def fail(_: Request) -> Echo:
        raise RuntimeError

    desk = Desk(tmp_path, {Wish.ASK: fail})
    with desk.opened():
        (tmp_path / FOLDER / "0.request").write_bytes(b'{"wish":"ask"}')
        assert desk.look() == [(Request(Wish.ASK), Failure("RuntimeError:"))]


def test_a_demo_that_is_busy_runs(tmp_path: Path) -> None:
    """Where it does not answer in time, nobody is told that there is none; and the request is taken back."""
    desk = Desk(tmp_path, {Wish.ASK: echo})
    with desk.opened():
        with pytest.raises(DemoBusyError):
            request(tmp_path, Request(Wish.ASK), Echo, wait_seconds=0)
        assert desk.look() == []


def test_nobody_answers_where_no_demo_runs(tmp_path: Path) -> None:
    """Neither a folder without a demo nor a demo that has ended keeps anybody waiting."""
    with pytest.raises(DemoNotRunningError):
        request(tmp_path, Request(Wish.ASK), Echo)
    with answering(tmp_path):
        assert find_demo(tmp_path) == tmp_path
    with pytest.raises(DemoNotRunningError):
        find_demo(tmp_path)
    with pytest.raises(DemoNotRunningError):
        request(tmp_path, Request(Wish.ASK), Echo)
    ended = tongban("demo", "ask", "--folder", tmp_path)
    assert (ended.code, ended.out) == (2, "")


def test_the_only_demo_need_not_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that runs is found among the temporary files; of several none is guessed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    one, other = (tmp_path / (FOLDER_PREFIX + name) for name in ("a", "b"))
    one.mkdir()
    other.mkdir()
    with pytest.raises(DemoNotRunningError):
        find_demo(None)
    with answering(one):
        assert find_demo(None) == one
        with answering(other), pytest.raises(SeveralDemosError):
            find_demo(None)
