"""The messages of a file, one by one."""

from collections.abc import Iterator
from typing import BinaryIO

from adapters.mapping.adapter import Adapter
from gateway.licence_import.layout import Spread, find_layout
from gateway.licence_import.piece import cut_pieces
from gateway.licence_import.records import split_records


def read_messages(adapter: Adapter, file: BinaryIO) -> Iterator[bytes]:
    """Return each message; of a table, one for each line.

    Raises:
        ImportFileError: TOO_LARGE.

    """
    layout = find_layout(adapter, file)
    for piece in cut_pieces(file, layout, begin=0, line=1):
        if layout.spread is Spread.WHOLE:
            yield piece.data
            continue
        for begin, end, _ in split_records(piece.data, layout.pattern):
            yield layout.header + piece.data[begin:end].rstrip(b"\r\n")
