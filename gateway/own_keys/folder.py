"""The files of a folder of keys: plain files of ours that nobody else may read, written in one step.

Nothing is opened through a link, and everything through the open folder, so that nobody swaps it for another meanwhile.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from keys.own.file import MAX_FILE_BYTES

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

_OTHERS: Final = 0o077  # any right of group or others
# O_NONBLOCK: a FIFO in place of a file must not make us wait for its writer.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class KeystoreFault(StrEnum):
    """Why the folder, or a file in it, cannot be used."""

    NO_FOLDER = "no-folder"
    NOT_A_PLAIN_FILE = "not-a-plain-file"  # a link, a pipe, a device, a file with two names
    OPEN_PERMISSIONS = "open-permissions"
    FOREIGN_OWNER = "foreign-owner"
    UNREADABLE = "unreadable"
    UNWRITABLE = "unwritable"
    NO_SUCH_KEY = "no-such-key"
    AMBIGUOUS = "ambiguous"  # the beginning of an id that fits several
    TOO_SHORT = "too-short"  # a beginning that proves nothing
    EXISTS = "exists"
    STATE_MISSING = "state-missing"
    WRONG_NAME = "wrong-name"  # a file that holds another key than its name says
    TOO_MANY = "too-many"
    RETIRED = "retired"  # a key that was replaced already


class KeystoreError(Exception):
    """The folder cannot be used for this; ``place`` names the file or the folder."""

    def __init__(self, fault: KeystoreFault, place: str, detail: str = "") -> None:
        super().__init__(": ".join(filter(None, (place, str(fault), detail))))
        self.fault = fault
        self.place = place
        self.detail = detail


@contextmanager
def open_folder(path: Path) -> Iterator[int]:
    """Open the folder itself, so that nobody swaps it for another one meanwhile.

    Raises:
        KeystoreError: NO_FOLDER, UNREADABLE, FOREIGN_OWNER, OPEN_PERMISSIONS.

    """
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KeystoreError(KeystoreFault.NO_FOLDER, str(path)) from error
    except NotADirectoryError as error:
        raise KeystoreError(KeystoreFault.NO_FOLDER, str(path), "not a folder, or a link") from error
    except OSError as error:
        raise keystore_error(KeystoreFault.UNREADABLE, path, error) from error
    try:
        status = os.fstat(folder)
        _check_owner(status, str(path))
        if status.st_mode & _OTHERS:
            raise KeystoreError(KeystoreFault.OPEN_PERMISSIONS, str(path), _mode(status))
        yield folder
    finally:
        os.close(folder)


def read_file(folder: int, name: str) -> bytes:
    """Read a file of ours.

    Raises:
        FileNotFoundError: it is not there.
        KeystoreError: it is no plain file of ours that nobody else may read, or cannot be read.

    """
    try:
        stream = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:  # ELOOP for a symbolic link
        fault = KeystoreFault.UNREADABLE if isinstance(error, PermissionError) else KeystoreFault.NOT_A_PLAIN_FILE
        raise keystore_error(fault, Path(name), error) from error
    try:
        status = os.fstat(stream)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise KeystoreError(KeystoreFault.NOT_A_PLAIN_FILE, name)
        _check_owner(status, name)
        if status.st_mode & _OTHERS:
            raise KeystoreError(KeystoreFault.OPEN_PERMISSIONS, name, _mode(status))
        return os.read(stream, MAX_FILE_BYTES + 1)
    except OSError as error:
        raise keystore_error(KeystoreFault.UNREADABLE, Path(name), error) from error
    finally:
        os.close(stream)


def _check_owner(status: os.stat_result, place: str) -> None:
    """Refuse what belongs to neither us nor root: its owner could change it at any time."""
    if status.st_uid not in (os.geteuid(), 0):
        raise KeystoreError(KeystoreFault.FOREIGN_OWNER, place)


def _mode(status: os.stat_result) -> str:
    return f"mode {stat.S_IMODE(status.st_mode):04o}"


def write_file(folder: int, name: str, content: bytes) -> None:
    """Put a file in place in one step: under another name, durable, then renamed, then the folder durable.

    Raises:
        KeystoreError: UNWRITABLE; what was there before is as it was.

    """
    temporary = f".{name}.{secrets.token_hex(8)}"
    try:
        stream = os.open(temporary, _CREATE, FILE_MODE, dir_fd=folder)
        try:
            with os.fdopen(stream, "wb") as file:
                os.fchmod(file.fileno(), FILE_MODE)  # whatever the umask took away or a default ACL added
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(temporary, dir_fd=folder)
            raise
        os.fsync(folder)
    except OSError as error:
        raise keystore_error(KeystoreFault.UNWRITABLE, Path(name), error) from error


def keystore_error(fault: KeystoreFault, place: Path, error: OSError) -> KeystoreError:
    """Return our error for what the system said; the text is the system's."""
    return KeystoreError(fault, str(place), error.strerror or type(error).__name__)
