"""The socket of the link, ``log.sock`` beside the shards: only processes of the same user get through.

An address of a Unix socket has 107 bytes at most, and folders may be longer; so the folder is opened, and the address
is ``/proc/self/fd/N/log.sock``. Neither the working folder nor another process is touched by that.
"""

import errno
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

SOCKET_FILE: Final = "log.sock"
_MODE: Final = 0o600
_BACKLOG: Final = 128
_CREDENTIALS: Final = struct.Struct("3i")  # ucred of Linux: process, user, group


def bind_socket(folder: Path) -> socket.socket:
    """Listen in a folder, in place of whoever listened there before; only who holds the log calls this.

    Raises:
        OSError: that cannot be done.

    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SOCKET_FILE).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), _MODE)  # before it has a name: nobody else finds it open, whatever the umask
        _at(folder, listener.bind)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def connect_socket(folder: Path) -> socket.socket:
    """Return a connection to whoever writes the log; never waits.

    Raises:
        OSError: nobody listens, more wait to be let in than may, or it is not a process of this user that listens.

    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        _at(folder, connection.connect)
        _verify_own_peer(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def is_absence(error: BaseException | None) -> bool:
    """Answer whether a connection failed because nobody listens, and not because somebody does not let us in."""
    return isinstance(error, FileNotFoundError | NotADirectoryError | ConnectionRefusedError)


def is_own_peer(connection: socket.socket) -> bool:
    """Answer whether the other side is a process of our own user."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(credentials)[1] == os.getuid())


def _verify_own_peer(connection: socket.socket) -> None:
    if not is_own_peer(connection):
        raise PermissionError(errno.EACCES, "another user listens")


def _at(folder: Path, use: Callable[[str], None]) -> None:
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        use(f"/proc/self/fd/{opened}/{SOCKET_FILE}")
    finally:
        os.close(opened)
