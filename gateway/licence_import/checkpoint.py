"""How far an import came: a small file in the state folder, which is gone once the import is done.

It is written after the store has the records, so after a crash at most one batch is done again; the store finds
nothing new in it then. It holds no personal data.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from gateway.licence_import.tally import Tally
from gateway.trust.files import read_file, replace_file

_MAX_FILE: Final = 4096
_NAME_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMark:
    """Which file it is, as far as can be told without reading it, and with which mapping it is read."""

    size: int
    changed_ns: int
    mapping: str  # its digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was done: everything in front of byte ``offset``, where the line of number ``line`` begins.

    ``rejected_bytes`` is the length of the file of rejected records at that time.
    """

    mark: FileMark
    offset: int = 0
    line: int = 1
    rejected_bytes: int = 0
    tally: Tally = field(default_factory=Tally)


def mark_file(path: Path, mapping: str) -> FileMark:
    """Look at a file; raises OSError."""
    found = path.stat()
    return FileMark(size=found.st_size, changed_ns=found.st_mtime_ns, mapping=mapping)


def checkpoint_path(folder: Path, path: Path) -> Path:
    """Return where the checkpoint of an import is kept."""
    digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return folder / f"{digest[:_NAME_LENGTH]}.json"


def read_checkpoint(path: Path, mark: FileMark) -> Checkpoint | None:
    """Return the checkpoint of an import that was interrupted; None without one that fits the file and the mapping.

    Raises:
        OSError: there is one, and it cannot be read.

    """
    try:
        values = json.loads(read_file(path, _MAX_FILE))
        found = Checkpoint(
            mark=FileMark(**values["mark"]),
            offset=values["offset"],
            line=values["line"],
            rejected_bytes=values["rejected_bytes"],
            tally=Tally(**values["tally"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):  # of another version, or damaged: doing it all again is harmless
        return None
    numbers = (found.offset, found.line, found.rejected_bytes, *asdict(found.tally).values())
    is_sound = all(type(one) is int and one >= 0 for one in numbers) and found.offset <= mark.size
    return found if is_sound and found.mark == mark else None


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint, durably; raises OSError."""
    replace_file(path, json.dumps(asdict(checkpoint)).encode())


def drop_checkpoint(path: Path) -> None:
    """Forget it: the import is done."""
    with suppress(FileNotFoundError):
        path.unlink()
