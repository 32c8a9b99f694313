"""Folders whose names survive a power cut: a file that is on disk is lost all the same while its folder is not."""

import os
from pathlib import Path


def sync_names(folder: Path) -> None:
    """Return once the names in a folder are on disk, but not its own; raises OSError when they may not be."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on disk, and its own and those of the folders above it too.

    Whoever made them may have died before this, so it does not matter which are new. Above a mount point, and above a
    folder that we may not read, nothing was made by us.

    Raises:
        OSError: they may not be on disk.

    """
    device = folder.stat().st_dev
    for place in (folder, *folder.absolute().parents):
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError:
            return
        try:
            if os.fstat(descriptor).st_dev != device:
                return
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
