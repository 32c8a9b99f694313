"""Where another terminal leaves a request for the demo that runs, and finds the answer: files in the demo's folder.

The keys of the demo's authority and of its caller live in its memory only, and its servers are its children; so
whoever wants something of them asks the demo.
"""

import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from gateway.trust.files import replace_file

FOLDER: Final = "desk"
FOLDER_PREFIX: Final = "tongban-demo-"  # of a demo that keeps nothing, among the temporary files
LOOK_SECONDS: Final = 0.1
ANSWER_SECONDS: Final = 60.0  # a library that does not answer takes five, PostgreSQL a second to start
_LOCK: Final = "open"
_REQUEST: Final = ".request"
_ANSWER: Final = ".answer"
_MAX_REQUEST: Final = 4096
_MAX_ERROR: Final = 500  # characters: a line, whatever a library has to say

T = TypeVar("T", bound=Struct)


class DemoNotRunningError(Exception):
    """No demo answers in this folder."""


class DemoBusyError(Exception):
    """The demo of this folder runs, and has not answered in time: it does one thing after the other."""


class DemoFailedError(Exception):
    """The demo could not do what was wanted; the text is a line that says why."""


class SeveralDemosError(Exception):
    """Several demos run, and none is named; the text names their folders."""


class Wish(StrEnum):
    """What can be asked of a demo."""

    SERVERS = "servers"  # and do something to one of them
    REVOKE = "revoke"
    ASK = "ask"
    BOARD = "board"


class Request(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody wants: of which server or file ``name``, and more exactly ``how``."""

    wish: Wish
    name: str = ""
    how: str = ""


class Failure(Struct, frozen=True, forbid_unknown_fields=True):
    """In place of an answer: a line that says what went wrong."""

    error: str


class _Reply(Struct, frozen=True, forbid_unknown_fields=True):
    """What lies there for whoever asked: the answer, or, where ``error`` says something, none."""

    error: str = ""
    answer: msgspec.Raw = msgspec.Raw(b"null")


def find_demo(folder: Path | None) -> Path:
    """Return the folder of the demo that runs: the one that is named, or else the only one of this user.

    Raises:
        DemoNotRunningError: there is none.
        SeveralDemosError: there are several.

    """
    if folder is not None:
        if not _is_open(folder):
            raise DemoNotRunningError(str(folder))
        return folder
    places = Path(tempfile.gettempdir()).glob(FOLDER_PREFIX + "*")
    found = [one for one in sorted(places) if _is_ours(one) and _is_open(one)]
    if not found:
        raise DemoNotRunningError
    if len(found) > 1:
        raise SeveralDemosError(", ".join(map(str, found)))
    return found[0]


def request(folder: Path, wanted: Request, answer: type[T], *, wait_seconds: float = ANSWER_SECONDS) -> T:
    """Leave a request with the demo that runs in a folder, and wait for its answer.

    Raises:
        DemoNotRunningError: nobody is there, or the demo ended meanwhile.
        DemoBusyError: it runs, and has not answered in time.
        DemoFailedError: it could not do it.
        OSError: the folder cannot be written.

    """
    desk = folder / FOLDER
    token = secrets.token_hex(8)
    left, path = desk / (token + _REQUEST), desk / (token + _ANSWER)
    if not _is_open(folder):
        raise DemoNotRunningError(str(folder))
    replace_file(left, msgspec.json.encode(wanted))
    ends = time.monotonic() + wait_seconds
    try:
        while time.monotonic() < ends and _is_open(folder):
            with suppress(FileNotFoundError, msgspec.ValidationError):
                reply = msgspec.json.decode(path.read_bytes(), type=_Reply)
                if reply.error:
                    raise DemoFailedError(reply.error)
                return msgspec.json.decode(reply.answer, type=answer)
            time.sleep(LOOK_SECONDS)
    finally:
        for one in (left, path):
            one.unlink(missing_ok=True)
    raise DemoBusyError(str(folder)) if _is_open(folder) else DemoNotRunningError(str(folder))


class Desk:
    """The demo's side: takes requests one by one, and answers each by the handler of its wish."""

    def __init__(self, folder: Path, handlers: Mapping[Wish, Callable[[Request], Struct]]) -> None:
        """Answer in the demo's folder, once it is open."""
        self._desk = folder / FOLDER
        self._handlers = handlers

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Take requests as long as the block; whoever looks meanwhile sees that the demo runs."""
        self._desk.mkdir(exist_ok=True)
        with (self._desk / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def look(self) -> list[tuple[Request, Struct]]:
        """Answer every request that waits, and return the answers; what is none is dropped.

        One that fails is answered by a `Failure`, and the demo goes on.
        """
        answered = []
        for path in sorted(self._desk.glob("*" + _REQUEST)):
            wanted = _read(path)
            if wanted is not None:
                answered.append((wanted, self._answer(wanted, path.with_suffix(_ANSWER))))
            path.unlink(missing_ok=True)
        return answered

    def _answer(self, wanted: Request, path: Path) -> Struct:
        try:
            answer = self._handlers[wanted.wish](wanted)
            reply = _Reply(answer=msgspec.Raw(msgspec.json.encode(answer)))
        except Exception as error:  # noqa: BLE001 - whatever one request meets, the demo is there for the next
            answer = Failure(_spell(error))
            reply = _Reply(error=answer.error)
        try:
            replace_file(path, msgspec.json.encode(reply))
        except OSError as error:  # a full disk: nobody hears of it but whoever looks at the demo
            return Failure(_spell(error))
        return answer


def _spell(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:_MAX_ERROR]


def _read(path: Path) -> Request | None:
    try:
        with path.open("rb") as stream:
            return msgspec.json.decode(stream.read(_MAX_REQUEST + 1), type=Request)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None


def _is_ours(folder: Path) -> bool:
    """Say whether a folder is this user's: temporary files are everybody's place."""
    with suppress(OSError):
        return folder.stat(follow_symlinks=False).st_uid == os.geteuid()
    return False


def _is_open(folder: Path) -> bool:
    """Say whether a demo answers there: while it does, it has the lock, which ends with its process."""
    try:
        with (folder / FOLDER / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
