"""What tells one content of a folder from another without reading its files."""

import os
from pathlib import Path

from gateway.trust_folder import MAX_DEPTH, MAX_FILES

Mark = tuple[tuple[str, int, int, int], ...]  # path, time of change in ns, size, inode


def mark_folder(folder: Path) -> Mark:
    """Return what tells one content of a folder from another: names, sizes, times and inodes of its files.

    It blocks; 5,000 files take some 20 ms.
    """
    found: list[tuple[str, int, int, int]] = []
    pending = [("", 0)]
    while pending and len(found) <= MAX_FILES:
        inside, depth = pending.pop()
        try:
            entries = list(os.scandir(folder / inside))
        except OSError:
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = f"{inside}/{entry.name}".lstrip("/")
            try:
                if entry.is_dir() and depth <= MAX_DEPTH:
                    pending.append((path, depth + 1))
                    continue
                status = entry.stat()
            except OSError:
                continue
            found.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(sorted(found))
