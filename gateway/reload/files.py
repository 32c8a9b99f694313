"""The files of a site that are read again as a whole: what tells one state of them from another."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.trust.mark import Mark, mark_folder

_MOST_BYTES: Final = 16 * 1024 * 1024  # more than any file of a site may have; a change behind it is not named


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFiles:
    """``mark`` tells cheaply whether anything changed, ``digests`` which file did."""

    mark: Mark = ()
    digests: Mapping[str, str] = field(default_factory=dict)  # SHA-256 by path; "": it could not be read


def mark_files(folder: Path, names: Iterable[str]) -> Mark:
    """Return what tells one content of these files and folders of a site from another; it blocks."""
    found: list[tuple[str, int, int, int, int]] = []
    for name in names:
        path = folder / name
        if path.is_dir():
            found.extend((f"{name}/{entry[0]}", *entry[1:]) for entry in mark_folder(path))
            continue
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((name, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino))
    return tuple(sorted(found))


def read_files(folder: Path, names: Iterable[str]) -> SiteFiles:
    """Return the state of these files and folders of a site; it blocks."""
    mark = mark_files(folder, names)
    return SiteFiles(mark=mark, digests={path: _digest(folder / path) for path, *_ in mark})


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(_MOST_BYTES)).hexdigest()
    except OSError:
        return ""
