"""Where a passphrase comes from: a file, the environment, or a person at a terminal; never the command line.

A command line is seen by every process of the machine.
"""

import getpass
import os
import stat
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.cli.language import say
from keys.own.protection import MAX_PASSPHRASE_BYTES

VARIABLE: Final = "TONGBAN_KEY_PASSPHRASE"  # the name of a variable, not a secret
_OTHERS: Final = 0o027  # a group may read, as that of a secret which is mounted into a container; writing is choosing
_LINE_ENDS: Final = frozenset(b"\r\n")


class PassphraseFault(StrEnum):
    """Why there is no passphrase."""

    NONE_GIVEN = "no-passphrase"
    UNREADABLE = "passphrase-file-unreadable"
    OPEN_PERMISSIONS = "passphrase-file-open"
    NOT_A_FILE = "passphrase-file-not-a-file"
    UNUSABLE = "passphrase-file-unusable"  # empty, longer than any passphrase, or of several lines
    REPEATED_DIFFERENTLY = "passphrase-repeated-differently"


class PassphraseError(Exception):
    """There is no passphrase; the text never holds one."""

    def __init__(self, fault: PassphraseFault, place: str = "", detail: str = "") -> None:
        super().__init__(": ".join(filter(None, (place, str(fault), detail))))
        self.fault = fault
        self.place = place
        self.detail = detail


def read_passphrase(file: Path | None, *, environ: Mapping[str, str] = os.environ, new: bool = False) -> bytes:
    """Return the passphrase: of the file when one is named, else of the environment, else of the person.

    A person types a ``new`` one twice. One line end after the passphrase in a file is not part of it.

    Raises:
        PassphraseError: there is none, or the file is open to others or holds more than one line.

    """
    if file is not None:
        return _read_file(file)
    if environ.get(VARIABLE):
        return os.fsencode(environ[VARIABLE])
    return _ask(new=new)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
                raise PassphraseError(PassphraseFault.NOT_A_FILE, str(path))
            if status.st_mode & _OTHERS:
                mode = f"mode {stat.S_IMODE(status.st_mode):04o}"
                raise PassphraseError(PassphraseFault.OPEN_PERMISSIONS, str(path), mode)
            content = stream.read(MAX_PASSPHRASE_BYTES + 3)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise PassphraseError(PassphraseFault.UNREADABLE, str(path), detail) from error
    passphrase = content.removesuffix(b"\n").removesuffix(b"\r")
    # Of several lines nobody can tell which is meant; taken together they would be found out when it is too late.
    if not passphrase or len(passphrase) > MAX_PASSPHRASE_BYTES or not _LINE_ENDS.isdisjoint(passphrase):
        raise PassphraseError(PassphraseFault.UNUSABLE, str(path))
    return passphrase


def _ask(*, new: bool) -> bytes:
    """Ask on the terminal, without showing what is typed."""
    if not sys.stdin.isatty():
        raise PassphraseError(PassphraseFault.NONE_GIVEN)
    try:
        first = getpass.getpass(say("密钥口令：", "Passphrase of the key: "))
        if new and getpass.getpass(say("再次输入：", "Once more: ")) != first:
            raise PassphraseError(PassphraseFault.REPEATED_DIFFERENTLY)
    except (EOFError, KeyboardInterrupt):
        raise PassphraseError(PassphraseFault.NONE_GIVEN) from None
    if not first:
        raise PassphraseError(PassphraseFault.NONE_GIVEN)
    return first.encode("utf-8", "surrogateescape")
