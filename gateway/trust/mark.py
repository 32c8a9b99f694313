"""What tells one content of a folder from another without reading its files."""

import os
from pathlib import Path
from typing import Final

from gateway.trust.folder import MAX_DEPTH, MAX_FILES
from gateway.trust.layout import ARCHIVE_FOLDER

# As many as are read, and as many lists and approvals again; whatever is more is refused when it is read.
MAX_MARKED: Final = 2 * MAX_FILES

Mark = tuple[tuple[str, int, int, int, int], ...]  # path, times of content and of status in ns, size, inode


def mark_folder(folder: Path) -> Mark:
    """Return what tells one content of a folder from another: names, sizes, times and inodes of its files.

    The time of status is another even where somebody sets that of the content back. The archive of lists is left out:
    it grows for ever, and what is added to it counts with the list that it leads to.
    It blocks; 5,000 files take some 20 ms.
    """
    found: list[tuple[str, int, int, int, int]] = []
    pending = [("", 0)]
    seen: set[tuple[int, int]] = set()
    while pending and len(found) <= MAX_MARKED:
        inside, depth = pending.pop()
        try:
            status = (folder / inside).stat()
            entries = list(os.scandir(folder / inside))
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            path = f"{inside}/{entry.name}".lstrip("/")
            if entry.name.startswith(".") or path == ARCHIVE_FOLDER:
                continue
            try:
                if entry.is_dir() and depth <= MAX_DEPTH:
                    pending.append((path, depth + 1))
                    continue
                status = _status(entry)
            except OSError:
                continue
            found.append((path, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino))
    return tuple(sorted(found))


def _status(entry: os.DirEntry[str]) -> os.stat_result:
    """Return the status of what an entry leads to; of the link itself, where it leads nowhere or to itself."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)
