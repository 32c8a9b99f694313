"""The files that a command line names: files, folders, standard input."""

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from rich.markup import escape

from adapters.strict.bounds import MAX_DOCUMENT
from gateway.cli.console import ERR, printable
from gateway.cli.language import say

# Files that lie beside documents and are none; in a folder they are passed over and counted, never silently.
COMPANIONS = frozenset(
    {".pem", ".crt", ".cer", ".der", ".key", ".crl", ".p12", ".pfx", ".json", ".toml", ".md", ".txt", ".csv", ".log"}
)
STANDARD_INPUT = "-"
MAX_DIGESTED: Final = 1024 * 1024 * 1024  # bytes; what never ends must not hold up the rest
_PIECE: Final = 1024 * 1024


@dataclass(slots=True)
class Inputs:
    """What to read: names in order, those passed over in folders, and those that cannot be read (name, why)."""

    names: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def expand_inputs(names: Iterable[str]) -> Inputs:
    """Turn names into files: a folder stands for every file below it, sorted, without companions and hidden files.

    A file that is named itself is always taken, whatever it is called.
    """
    inputs = Inputs()
    for name in names:
        path = Path(name)
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if not file.is_file() or any(part.startswith(".") for part in file.relative_to(path).parts):
                    continue
                # A detached or attached SignedData is called *.p7.der by its producers, and is a document.
                companion = file.suffix.lower() in COMPANIONS and not file.name.lower().endswith(".p7.der")
                (inputs.passed_over if companion else inputs.names).append(str(file))
        elif name == STANDARD_INPUT or path.exists():  # also a pipe, such as a shell's <(…)
            inputs.names.append(name)
        else:
            inputs.unreadable.append((name, say("没有此文件或文件夹", "no such file or folder")))
    return inputs


def report_inputs(inputs: Inputs) -> None:
    """Say on standard error what could not be read, what was passed over, and that there was nothing at all."""
    for name, why in inputs.unreadable:
        ERR.print(f"tongban: {escape(printable(name))}: {escape(why)}")
    if inputs.passed_over:
        count = len(inputs.passed_over)
        files = "1 file that is no document" if count == 1 else f"{count} files that are no documents"
        english = f"passed over {files} (certificates, lists, texts)."
        ERR.print(f"tongban: {say(f'略过 {count} 个非证照文件（证书、名单、文本）。', english)}")
    if not inputs.names and not inputs.unreadable:
        ERR.print(say("tongban: 没有可读取的证照文件。", "tongban: there is no document to read."))


class InputContent(NamedTuple):
    """What was read of an input: at most one byte more than a document may have, and the SHA-256 of all of it."""

    data: bytes
    sha256: str | None


def read_input(name: str) -> InputContent:
    """Read one input to its end; the digest is None beyond `MAX_DIGESTED`.

    Raises:
        OSError: it cannot be read.

    """
    if name == STANDARD_INPUT:
        return _read_stream(sys.stdin.buffer)
    with Path(name).open("rb") as file:
        return _read_stream(file)


def _read_stream(stream: BinaryIO) -> InputContent:
    data = stream.read(MAX_DOCUMENT + 1)
    digest, size, piece = hashlib.sha256(data), len(data), data
    while piece and len(data) > MAX_DOCUMENT:
        piece = stream.read(_PIECE)
        size += len(piece)
        if size > MAX_DIGESTED:
            return InputContent(data=data, sha256=None)
        digest.update(piece)
    return InputContent(data=data, sha256=digest.hexdigest())
