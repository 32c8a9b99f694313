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

from gateway.adapters.mapping_file import MappingFile
from gateway.licence_import.garbage import begin_collecting_by_hand, collect_garbage
from gateway.licence_import.layout import Layout
from gateway.licence_import.piece import PIECE_BYTES, Piece
from gateway.licence_import.reading import ReadPiece, load_once, read_piece

_WORTH_IT: Final = 4 * PIECE_BYTES  # a process needs half a second to begin
_MAX_READERS: Final = 8  # the store takes what about four read
_AHEAD_BYTES: Final = 24 * 1024 * 1024  # in work or waiting: what readers do while the store takes a batch of that size


def read_pieces(
    pieces: Iterable[Piece], mapping: MappingFile, layout: Layout, *, size: int
) -> Generator[tuple[Piece, ReadPiece], None, None]:
    """Read the pieces, in their order; ``size`` is that of what is left to read."""
    if size < _WORTH_IT:
        for piece in pieces:
            yield piece, read_piece(mapping, layout, piece)
        return
    readers = min(os.cpu_count() or 1, _MAX_READERS)
    pool = ProcessPoolExecutor(readers, mp_context=get_context("spawn"), initializer=_begin, initargs=(mapping,))
    try:
        waiting: deque[tuple[Piece, Future[ReadPiece]]] = deque()
        ahead = 0
        for piece in pieces:
            waiting.append((piece, pool.submit(_read, mapping, layout, piece)))
            ahead += len(piece.data)
            while ahead >= _AHEAD_BYTES and len(waiting) > readers:  # long pieces are few, and no reader is idle
                first, future = waiting.popleft()
                ahead -= len(first.data)
                yield first, future.result()
        for piece, future in waiting:
            yield piece, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(mapping: MappingFile) -> None:
    """End with the parent, however that ends, and leave interrupts to it; make what lasts as long as the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    load_once(mapping)
    begin_collecting_by_hand()


def _read(mapping: MappingFile, layout: Layout, piece: Piece) -> ReadPiece:
    found = read_piece(mapping, layout, piece)
    collect_garbage()
    return found


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # nothing of ours is open here
