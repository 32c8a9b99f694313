"""A piece of a file: some whole messages of it, small enough to be read by one process while others read the next."""

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE
from gateway.licence_import.layout import ImportFault, ImportFileError, Layout, Spread, read_line
from gateway.licence_import.records import measure_whole

PIECE_BYTES: Final = 512 * 1024  # about 500 records of JSON: a few hundredths of a second of work
TABLE_BYTES: Final = 128 * 1024  # of tables, whose lines are shorter and are read as one message


class Piece(NamedTuple):
    """Bytes of a file from ``begin`` to ``end``; ``line`` is the number of the first line, from 1."""

    begin: int
    line: int
    data: bytes

    @property
    def end(self) -> int:
        """Where the next piece begins."""
        return self.begin + len(self.data)


def cut_pieces(file: BinaryIO, layout: Layout, *, begin: int, line: int) -> Iterator[Piece]:
    """Read a file from ``begin``, where the line of this number begins, to its end.

    Raises:
        ImportFileError: TOO_LARGE.

    """
    file.seek(begin)
    if layout.spread is Spread.WHOLE:
        data = file.read(MAX_DOCUMENT_MESSAGE + 1)
        if len(data) > MAX_DOCUMENT_MESSAGE:
            raise ImportFileError(ImportFault.TOO_LARGE)
        if data:
            yield Piece(begin, line, data)
        return
    if begin == 0 and layout.header:
        begin, line = begin + len(file.readline()), line + 1
    size = TABLE_BYTES if layout.spread is Spread.TABLE else PIECE_BYTES
    rest = b""
    while True:
        read = file.read(size)
        data = rest + read
        if not data.endswith(b"\n"):
            data += read_line(file, line + data.count(b"\n"))
        end = measure_whole(data, layout.pattern) if read else len(data)
        if end:
            yield Piece(begin, line, data[:end])
        elif not read:
            return
        begin, line, rest = begin + end, line + data.count(b"\n", 0, end), data[end:]
