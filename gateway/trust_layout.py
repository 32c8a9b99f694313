"""Where what lies in a trust folder of signed lists, and how one of its files is read.

| File in the trust folder | Holds |
|---|---|
| ``roots.json`` | for each list the keys that stand in the place of those of a version before the first |
| ``lists/NAME.json`` | the version of list NAME that is to be in force |
| ``lists/NAME.approval`` | the second signature for a version that changed much |
| ``archive/NAME.VERSION.json`` | the versions before |
| ``held/NAME.json`` | a version that waits for approval |

What lies beside them is read by `gateway.trust_folder`.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

ROOTS_FILE: Final = "roots.json"
LISTS_FOLDER: Final = "lists"
ARCHIVE_FOLDER: Final = "archive"
HELD_FOLDER: Final = "held"
LIST_SUFFIX: Final = ".json"
APPROVAL_SUFFIX: Final = ".approval"


def list_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the lists in ``lists/``, sorted."""
    return _names(folder / LISTS_FOLDER)


def held_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the lists that wait for approval, sorted."""
    return _names(folder / HELD_FOLDER)


def _names(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    found = (path.name for path in folder.iterdir() if path.suffix == LIST_SUFFIX and not path.name.startswith("."))
    return tuple(sorted(name.removesuffix(LIST_SUFFIX) for name in found))


def archived_versions(folder: Path, name: str) -> dict[int, Path]:
    """Return the archived versions of a list with their files."""
    archive = folder / ARCHIVE_FOLDER
    if not archive.is_dir():
        return {}
    found = {}
    for path in archive.iterdir():
        beginning, _, version = path.name.removesuffix(LIST_SUFFIX).rpartition(".")
        if beginning == name and version.isascii() and version.isdigit() and path.suffix == LIST_SUFFIX:
            found[int(version)] = path
    return found


def place_of(name: str) -> str:
    """Return where a list lies, as people are told."""
    return f"{LISTS_FOLDER}/{name}{LIST_SUFFIX}"


def read_file(path: Path, limit: int) -> bytes:
    """Read one byte more than the limit at most; a pipe in place of a file must not make us wait for its writer.

    Raises:
        OSError: it cannot be read, or is no plain file.

    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a plain file")
        return stream.read(limit + 1)
