"""Processes that read pieces while the store takes what was read before; a small file is read without them."""

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Final

from gateway.licence_import.layout import Layout
from gateway.licence_import.piece import PIECE_BYTES, Piece
from gateway.licence_import.reading import ReadPiece, read_piece

_WORTH_IT: Final = 4 * PIECE_BYTES  # a process needs half a second to begin
_MAX_READERS: Final = 8  # the store takes what about four read
_AHEAD: Final = 3  # pieces in work or waiting for each reader: memory, and never an idle reader


def read_pieces(
    pieces: Iterable[Piece], mapping: bytes, name: str, layout: Layout, *, size: int
) -> Generator[tuple[Piece, ReadPiece], None, None]:
    """Read the pieces, in their order; ``size`` is that of what is left to read."""
    if size < _WORTH_IT:
        for piece in pieces:
            yield piece, read_piece(mapping, name, layout, piece)
        return
    readers = min(os.cpu_count() or 1, _MAX_READERS)
    pool = ProcessPoolExecutor(readers, mp_context=get_context("spawn"), initializer=_follow_parent)
    try:
        waiting: deque[tuple[Piece, Future[ReadPiece]]] = deque()
        for piece in pieces:
            waiting.append((piece, pool.submit(read_piece, mapping, name, layout, piece)))
            if len(waiting) >= readers * _AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for piece, future in waiting:
            yield piece, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """End with the parent, however that ends, and leave interrupts to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # nothing of ours is open here
