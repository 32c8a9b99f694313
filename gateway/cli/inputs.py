"""The files that a command line names: files, folders, standard input."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from adapters.strict.bounds import MAX_DOCUMENT

# Files that lie beside documents and are none; in a folder they are passed over and counted, never silently.
COMPANIONS = frozenset(
    {".pem", ".crt", ".cer", ".der", ".key", ".crl", ".p12", ".pfx", ".json", ".toml", ".md", ".txt", ".csv", ".log"}
)
STANDARD_INPUT = "-"


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
        if name == STANDARD_INPUT or path.is_file():
            inputs.names.append(name)
        elif path.is_dir():
            for file in sorted(path.rglob("*")):
                if not file.is_file() or any(part.startswith(".") for part in file.relative_to(path).parts):
                    continue
                # A detached or attached SignedData is called *.p7.der by its producers, and is a document.
                companion = file.suffix.lower() in COMPANIONS and not file.name.lower().endswith(".p7.der")
                (inputs.passed_over if companion else inputs.names).append(str(file))
        else:
            inputs.unreadable.append((name, "no such file or folder"))
    return inputs


def read_input(name: str) -> bytes:
    """Return the bytes of one input, at most one byte more than a document may have.

    Raises:
        OSError: it cannot be read.

    """
    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_DOCUMENT + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_DOCUMENT + 1)
