"""Where a command prints: results to standard output, everything else to standard error."""

import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress import track as rich_track

# A pipe has no width of its own; tables are laid out for this many characters there, and nothing is cut off.
PIPE_WIDTH = 160
_PIPED = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH

OUT = Console(soft_wrap=True, highlight=False, width=_PIPED)
ERR = Console(stderr=True, soft_wrap=True, highlight=False)


def prepare_streams() -> None:
    """Let no name and no text end a command: what the stream cannot spell is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: object) -> None:
    """Print one JSON object as a line: in UTF-8, or in ASCII where the stream has another encoding."""
    in_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not in_utf8), flush=True)


def printable(text: str) -> str:
    """Keep control characters of a document, or of the name of a file, from the terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


class ExitCode(IntEnum):
    """What a command ends with; INVALID wins over UNKNOWN, and USAGE over both."""

    DONE = 0
    INVALID = 1
    USAGE = 2
    UNKNOWN = 3


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a progress bar on a terminal, and nothing in a pipe."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        yield progress


def track(items: Sequence[str], description: str) -> Iterator[str]:
    """Go through the items with a progress bar when there are several and somebody looks."""
    if len(items) == 1 or not ERR.is_terminal:
        yield from items
        return
    yield from rich_track(items, description=description, console=ERR, transient=True)
