"""One import: pieces are read, and recorded batch by batch, each of them in the access log before it is in the store.

After a crash at any moment the import goes on with the first batch that the checkpoint does not name; what the store
has of it already counts as unchanged then.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from adapters.mapping.adapter import Adapter
from gateway.adapters.mapping_file import MappingFile
from gateway.licence_import.checkpoint import (
    Checkpoint,
    checkpoint_path,
    drop_checkpoint,
    mark_file,
    read_checkpoint,
    write_checkpoint,
)
from gateway.licence_import.garbage import collect_garbage, collected_by_hand
from gateway.licence_import.layout import ImportFault, ImportFileError, find_layout
from gateway.licence_import.piece import Piece, cut_pieces
from gateway.licence_import.readers import read_pieces
from gateway.licence_import.reading import IDENTIFIER_IN_USE, ReadPiece, RecordTexts, Rejected
from gateway.licence_import.rejects import RejectFile, holds, reject_path
from gateway.licence_import.tally import Tally
from gateway.sources.licence_store import Added
from gateway.sources.recording import RecordingStore

# In one transaction. Keys come in any order, so that a batch changes most pages of the indexes, however small it is;
# and the store is locked to whoever else writes for half a second, of the two that they wait (readers never wait).
BATCH_RECORDS: Final = 16_000
BATCH_BYTES: Final = 32 * 1024 * 1024  # of memory that such a batch takes


class Batch(NamedTuple):
    """Pieces that are recorded together."""

    pieces: list[tuple[Piece, ReadPiece]]

    @property
    def records(self) -> int:
        """How many records are in it."""
        return sum(len(read.licences) + len(read.rejected) for _, read in self.pieces)

    @property
    def first_line(self) -> int:
        """The number of the first line."""
        return self.pieces[0][0].line

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes, so that the file shows what was recorded: "sha256:…"."""
        found = hashlib.sha256()
        for piece, _ in self.pieces:
            found.update(piece.data)
        return f"sha256:{found.hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """What is imported: the file, the mapping as it was read, and where checkpoints are."""

    path: Path
    adapter: Adapter
    mapping: MappingFile
    checkpoints: Path


def import_records(
    job: ImportJob,
    store: RecordingStore,
    *,
    announce: Callable[[Batch], None],
    advance: Callable[[int, int], None],
    at: datetime,
) -> Tally:
    """Import a file, or the rest of one whose import was interrupted.

    ``announce`` is called before a batch is recorded, and raises where it must not be; ``advance`` gets how many bytes
    are done, of how many.

    Raises:
        ImportFileError: the file is none that can be imported, or changed meanwhile.
        SourceUnavailableError: the store cannot be used.
        OSError: a file cannot be read or written.

    """
    mark = mark_file(job.path, job.adapter.digest)
    place = checkpoint_path(job.checkpoints, job.path)
    done = read_checkpoint(place, mark)
    if done is None or not holds(reject_path(job.path), done.rejected_bytes):
        done = Checkpoint(mark=mark)
    rejects = RejectFile(reject_path(job.path), length=done.rejected_bytes)
    store.expect_many()
    with job.path.open("rb") as file, closing(rejects), collected_by_hand():
        layout = find_layout(job.adapter, file)
        pieces = cut_pieces(file, layout, begin=done.offset, line=done.line)
        read = read_pieces(pieces, job.mapping, layout, size=mark.size - done.offset)
        with closing(read):
            for batch in _batches(read):
                announce(batch)
                results, rejected = _record(batch, store, reason=f"import: {job.adapter.id}", at=at)
                texts = {id(piece): RecordTexts(job.adapter, layout, piece) for piece, _ in batch.pieces}
                rejects.append(_describe(one, texts[id(piece)]) for piece, one in rejected)
                last = batch.pieces[-1][0]
                done = replace(
                    done,
                    offset=last.end,
                    line=last.line + last.data.count(b"\n"),
                    rejected_bytes=rejects.length,
                    tally=done.tally.plus(
                        results,
                        read=batch.records,
                        rejected=len(rejected),
                        unseen=sum(one.unseen for _, one in batch.pieces),
                    ),
                )
                write_checkpoint(place, done)
                advance(done.offset, mark.size)
                collect_garbage()
    _require_whole(job, done)
    drop_checkpoint(place)
    return done.tally


def _batches(read: Iterable[tuple[Piece, ReadPiece]]) -> Iterator[Batch]:
    pieces: list[tuple[Piece, ReadPiece]] = []
    records = size = 0
    for piece, one in read:
        pieces.append((piece, one))
        records += len(one.licences) + len(one.rejected)
        size += len(piece.data)
        if records >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield Batch(pieces)
            pieces, records, size = [], 0, 0
    if pieces:
        yield Batch(pieces)


def _record(
    batch: Batch, store: RecordingStore, *, reason: str, at: datetime
) -> tuple[list[Added], list[tuple[Piece, Rejected]]]:
    """Record a batch, and return what became of its licences, and everything of it that was rejected."""
    licences = [licence for _, read in batch.pieces for licence in read.licences]
    results = store.record(licences, reason=reason, at=at)
    spots = [(piece, spot) for piece, read in batch.pieces for spot in read.spots]
    rejected = [(piece, one) for piece, read in batch.pieces for one in read.rejected]
    if Added.IDENTIFIER_IN_USE in results:
        rejected += [
            (piece, Rejected(spot, IDENTIFIER_IN_USE))
            for (piece, spot), result in zip(spots, results, strict=True)
            if result is Added.IDENTIFIER_IN_USE
        ]
    return results, sorted(rejected, key=lambda one: one[1].spot)


def _describe(rejected: Rejected, texts: RecordTexts) -> dict[str, object]:
    spot = rejected.spot
    return {
        "line": spot.line,
        "index": spot.place if spot.place >= 0 else None,
        "reason": str(rejected.reason),
        "where": rejected.where or None,
        **texts.describe(spot),
    }


def _require_whole(job: ImportJob, done: Checkpoint) -> None:
    """Let no import be done of which a record is missing, or whose file is another one by now.

    Raises:
        ImportFileError: CHANGED; the checkpoint stays, and fits the file no more.
        RuntimeError: a record got lost, which is a fault of this program.

    """
    if mark_file(job.path, job.adapter.digest) != done.mark:
        raise ImportFileError(ImportFault.CHANGED)
    if not done.tally.is_whole or done.offset not in {0, done.mark.size}:  # 0: it holds no line but its header
        raise RuntimeError(f"{done.tally.read} records were expected to be counted once each")
