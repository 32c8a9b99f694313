"""Which processes serve a site, and how each of them stands to what is written: files in ``state/serving/``.

Each process has a file of its own and a lock of the operating system on it, which ends with the process however that
ends. So nobody needs to know the number of a process, and processes of other containers with the same folder are seen.
Whoever wants the site to be read writes a word of his own into ``asked``; each process repeats it in its file once it
has done so.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from gateway.toml_table import Fault

SERVING_FOLDER: Final = "serving"  # inside the state folder
_ASKED: Final = "asked"
_SUFFIX: Final = ".json"
_WORD_BYTES: Final = 8
_MAX_FILE: Final = 1024 * 1024  # a report with all its names and faults
_MODE: Final = 0o600


Faults = tuple[tuple[str, str, str], ...]  # file, Chinese, English


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a process stands: ``asked`` is the last word that it answered, ``result`` one of `ReloadResult`."""

    asked: str
    result: str
    since: str  # from when on the site is in force that it serves
    applied: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    faults: Faults = ()


class Place:
    """The file of this process; every method blocks, and raises OSError."""

    def __init__(self, state: Path) -> None:
        """Use the state folder of a site."""
        self._folder = state / SERVING_FOLDER
        self._path = self._folder / f"{os.getpid()}-{secrets.token_hex(_WORD_BYTES)}{_SUFFIX}"
        self._descriptor: int | None = None

    def write(self, standing: Standing) -> None:
        """Say how this process stands."""
        data = json.dumps(asdict(standing), ensure_ascii=False).encode()
        if self._descriptor is None:
            self._begin(data)
        else:
            _replace(self._descriptor, data)  # whoever reads half of it reads again

    def read_asked(self) -> str:
        """Return the word of whoever asked last; "": nobody did."""
        try:
            return (self._folder / _ASKED).read_text(encoding="ascii", errors="replace")[: 2 * _WORD_BYTES]
        except FileNotFoundError:
            return ""

    def close(self) -> None:
        """Serve no more."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _begin(self, data: bytes) -> None:
        """Make the file; it has its name once it is locked, for one without a lock is removed by whoever finds it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._folder / f".{self._path.name}"
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _replace(descriptor, data)
            beside.replace(self._path)
        except BaseException:
            beside.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        self._descriptor = descriptor


def ask_to_reload(state: Path) -> str:
    """Ask all processes to read the site now; returns the word that they answer with. Raises OSError."""
    folder, word = state / SERVING_FOLDER, secrets.token_hex(_WORD_BYTES)
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{_ASKED}-{word}"
    beside.write_text(word, encoding="ascii")
    beside.replace(folder / _ASKED)
    return word


def read_standings(state: Path) -> dict[str, Standing | None]:
    """Return how each process that serves now stands, by its file; None: it cannot be read at the moment.

    What a process that died left behind is removed. Raises OSError.
    """
    folder = state / SERVING_FOLDER
    if not folder.is_dir():
        return {}
    found: dict[str, Standing | None] = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # it has just ended
            continue
        try:
            if _is_left_behind(descriptor):
                path.unlink(missing_ok=True)
            else:
                found[path.name] = _parse(os.pread(descriptor, _MAX_FILE, 0))
        finally:
            os.close(descriptor)
    return found


def describe_faults(faults: Iterable[Fault]) -> Faults:
    """Return faults as a standing has them."""
    return tuple((fault.file, fault.sentence_zh, str(fault)) for fault in faults)


def _replace(descriptor: int, data: bytes) -> None:
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))


def _is_left_behind(descriptor: int) -> bool:
    """Answer whether nobody holds the lock of a file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse(data: bytes) -> Standing | None:
    try:
        values = json.loads(data)
        return Standing(
            asked=str(values["asked"]),
            result=str(values["result"]),
            since=str(values["since"]),
            applied=tuple(map(str, values["applied"])),
            restart=tuple(map(str, values["restart"])),
            faults=tuple((str(file), str(zh), str(en)) for file, zh, en in values["faults"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
