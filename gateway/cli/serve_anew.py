"""One process that starts itself anew: the program is loaded again, and the socket stays open for those who connect."""

import os
import socket
import sys
from typing import Final, NoReturn

LISTENER_VARIABLE: Final = "TONGBAN_LISTENER"  # whose it is, and which; a child of ours must not take it for its own


def start_anew(listener: socket.socket) -> NoReturn:
    """Become a new process of the same command, with the same number, that answers on the same socket."""
    descriptor = listener.detach()
    os.set_inheritable(descriptor, True)
    os.environ[LISTENER_VARIABLE] = f"{os.getpid()}:{descriptor}"
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line


def take_inherited() -> socket.socket | None:
    """Return the socket that this process listened on before it was started anew; None: it was not."""
    owner, _, descriptor = os.environ.pop(LISTENER_VARIABLE, "").partition(":")
    if owner != str(os.getpid()) or not descriptor.isdecimal():
        return None
    os.set_inheritable(int(descriptor), False)
    return socket.socket(fileno=int(descriptor))
