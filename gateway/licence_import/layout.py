"""How a file holds its messages: one a line, one record a line of a table, or one message in all."""

from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

from adapters.mapping.adapter import Adapter
from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE
from adapters.mapping.error import AdapterError
from adapters.mapping.forms.form import FormName
from gateway.licence_import.records import RecordPattern, record_pattern

_LOOKED_AT: Final = 10  # lines of which one is a message where every line is; the first ones may be bad


class Spread(StrEnum):
    """How messages are spread over a file."""

    LINES = "lines"  # every line is a message
    TABLE = "table"  # every line is a record of one delimited message
    WHOLE = "whole"  # the file is one message


class ImportFault(StrEnum):
    """Why a file cannot be imported at all."""

    TOO_LARGE = "too-large"  # one message, or one line, is longer than any message may be
    CHANGED = "changed"  # it is not the file any more of which a part was imported


class ImportFileError(Exception):
    """A file that cannot be imported; ``line`` is where, 0 for the file as a whole."""

    def __init__(self, fault: ImportFault, line: int = 0) -> None:
        super().__init__(f"{fault}: line {line}" if line else str(fault))
        self.fault = fault
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one file is read.

    ``header`` is the first line of a table that has the names of its columns; ``pattern`` is that of its records, where
    their values may stand in quotes, and hold line ends then.
    """

    spread: Spread
    header: bytes = b""
    pattern: RecordPattern | None = None


def find_layout(adapter: Adapter, file: BinaryIO) -> Layout:
    """Look at the beginning of a file, and return how it is spread.

    Raises:
        ImportFileError: TOO_LARGE, a line that is longer than any message.

    """
    file.seek(0)
    message = adapter.rules.message
    if message.form_name is FormName.DELIMITED:
        first, separator = read_line(file, 1), message.form.separator
        return Layout(
            spread=Spread.TABLE,
            header=first if _tell(adapter, first) == [] else b"",
            pattern=record_pattern(separator, message.charset) if separator else None,
        )
    if message.form_name is FormName.FORM:
        return Layout(spread=Spread.LINES)
    whole = file.read(MAX_DOCUMENT_MESSAGE + 1)
    if len(whole) <= MAX_DOCUMENT_MESSAGE:
        lines = [line for line in whole.split(b"\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]
        if _tell(adapter, whole) is not None or all(_tell(adapter, line) is None for line in lines):
            return Layout(spread=Spread.WHOLE)
    return Layout(spread=Spread.LINES)


def read_line(file: BinaryIO, number: int) -> bytes:
    """Read on to the end of a line; b"" at the end of the file.

    Raises:
        ImportFileError: TOO_LARGE.

    """
    line = file.readline(MAX_DOCUMENT_MESSAGE + 1)
    if len(line) > MAX_DOCUMENT_MESSAGE:
        raise ImportFileError(ImportFault.TOO_LARGE, number)
    return line


def _tell(adapter: Adapter, line: bytes) -> object:
    try:
        return adapter.rules.message.form.read(line)
    except AdapterError:
        return None
