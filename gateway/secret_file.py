"""A secret in a file that nobody else may read; a symmetric one of our own is 32 bytes or more, in base64."""

import base64
import binascii
import os
import secrets
import stat
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.durable_folder import sync_folder

SHORTEST_SECRET: Final = 32  # bytes: as strong as the hashes that it is used with
MAX_SECRET_FILE_BYTES: Final = 4096
_OTHERS: Final = 0o007  # a secret that is mounted into a container often has a group
_MODE: Final = 0o600


class SecretFault(StrEnum):
    """Why there is no secret."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"
    NOT_A_FILE = "not-a-file"
    OPEN_PERMISSIONS = "open-permissions"
    UNUSABLE = "unusable"  # no base64, or too short


class SecretError(Exception):
    """There is no secret; the text never holds any of it."""

    def __init__(self, fault: SecretFault, place: str) -> None:
        """Keep what is wrong, and with which file."""
        self.fault = fault
        self.place = place
        super().__init__(f"{place}: {fault}")


def read_secret(path: Path) -> bytes:
    """Return the secret of a file.

    Raises:
        SecretError: there is none, it is too short, or others may read it.

    """
    try:
        secret = base64.b64decode(read_private_file(path).strip(), validate=True)
    except binascii.Error as error:
        raise SecretError(SecretFault.UNUSABLE, str(path)) from error
    if len(secret) < SHORTEST_SECRET:
        raise SecretError(SecretFault.UNUSABLE, str(path))
    return secret


def read_private_file(path: Path) -> bytes:
    """Return the bytes of a file that nobody else may read: a password or a key that others gave us, as it is.

    Raises:
        SecretError: there is none, it is too long, or others may read it.

    """
    try:
        # O_NONBLOCK: a pipe in place of the file must not make us wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise SecretError(SecretFault.ABSENT, str(path)) from error
    except OSError as error:
        raise SecretError(SecretFault.UNREADABLE, str(path)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(SecretFault.NOT_A_FILE, str(path))
        if status.st_mode & _OTHERS:
            raise SecretError(SecretFault.OPEN_PERMISSIONS, str(path))
        text = os.read(descriptor, MAX_SECRET_FILE_BYTES + 1)
    except OSError as error:
        raise SecretError(SecretFault.UNREADABLE, str(path)) from error
    finally:
        os.close(descriptor)
    if len(text) > MAX_SECRET_FILE_BYTES:
        raise SecretError(SecretFault.UNUSABLE, str(path))
    return text


def read_or_make_secret(path: Path) -> bytes:
    """Return the secret of a file, which is made when it is not there; of several that make it, one wins.

    It is on disk when this returns, whoever made it: nothing must be sealed with one that a power cut takes away.

    Raises:
        SecretError: as `read_secret` does, and UNREADABLE where it cannot be made.

    """
    try:
        if not path.exists():
            _make_secret(path)
        sync_folder(path.parent)
    except OSError as error:
        raise SecretError(SecretFault.UNREADABLE, str(path)) from error
    return read_secret(path)


def _make_secret(path: Path) -> None:
    """Make a secret, unless somebody else did; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(base64.b64encode(secrets.token_bytes(SHORTEST_SECRET)) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)  # unlike a rename, never over a file that somebody else just made
    finally:
        aside.unlink()
