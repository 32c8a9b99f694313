"""What a disk may hold after a power cut, worked out from a record of all calls that changed it.

What was synced is there. Of what was not, anything may be: nothing, everything, the first part, the last, single
sectors. The name of a file is there once its folder was synced, whatever was synced of the file; a removed file may be
back. Only sectors of 512 bytes are written whole or not at all. After a sync that failed, the system may
have forgotten what it could not write, and no later sync brings that back, while reading still shows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from random import Random

SECTOR = 512
ROOT = "."


class Kept(StrEnum):
    """Which part of what was not synced the disk has."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    BEGINNING = "beginning"  # up to some call, which may be torn
    SECTORS = "sectors"  # any of them
    LAST = "last"  # the latest calls without the earlier


@dataclass(frozen=True, slots=True)
class Record:
    """One call: its kind, the name below the folder, what else it says, where, and with which data."""

    call: str
    name: str
    more: str
    offset: int
    data: bytes
    result: int


def read_records(path: Path) -> list[Record]:
    """Read what ``disk_faults.c`` wrote."""
    return list(_parse_records(path.read_bytes()))


def _parse_records(data: bytes) -> Iterator[Record]:
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        call, name, more, offset, size, result = data[at:end].decode().split(" ")
        at = end + 1 + int(size)
        yield Record(call, name, more, int(offset), data[end + 1 : at], int(result))


@dataclass(slots=True)
class _Write:
    """A write that was not synced; a cut where ``data`` is None."""

    offset: int
    data: bytes | None


@dataclass(slots=True, eq=False)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[_Write] = field(default_factory=list)


@dataclass(slots=True)
class _Naming:
    """A change of the names of a folder that was not synced; None: the name goes."""

    name: str
    file: _File | None


@dataclass(slots=True)
class _Folder:
    durable: dict[str, _File] = field(default_factory=dict)
    pending: list[_Naming] = field(default_factory=list)


class Disk:
    """A disk with one folder, which is there from the beginning, and whatever the calls put below it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._names: dict[str, _File] = {}  # as whoever runs sees them
        self._folders: dict[str, _Folder] = {ROOT: _Folder()}

    def play(self, records: Sequence[Record]) -> None:
        """Let calls happen."""
        for record in records:
            if record.result >= 0 or record.call == "sync":
                self._play(record)

    def _play(self, record: Record) -> None:
        name = record.name
        match record.call:
            case "make":
                if record.more == "folder":
                    self._folders[name] = _Folder()
                self._rename(name, _File())
            case "write":
                self._names[name].pending.append(_Write(record.offset, record.data))
            case "cut":
                self._names[name].pending.append(_Write(record.offset, None))
            case "remove":
                self._rename(name, None)
            case "rename" | "link":
                file = self._names[name]
                self._rename(name, None if record.call == "rename" else file)
                self._rename(record.more, file)
            case "sync" if name in self._folders:
                if record.result >= 0:
                    folder = self._folders[name]
                    _apply_names(folder.durable, folder.pending)
                    folder.pending = []
            case "sync":
                self._sync(self._names[name], is_done=record.result >= 0)

    def _rename(self, name: str, file: _File | None) -> None:
        if file is None:
            del self._names[name]
        else:
            self._names[name] = file
        self._folders[str(PurePosixPath(name).parent)].pending.append(_Naming(name, file))

    def _sync(self, file: _File, *, is_done: bool) -> None:
        if is_done:
            _apply_writes(file.durable, file.pending)
        if is_done or self._random.randrange(4):  # forgotten, or, less often, still to be written
            file.pending = []

    def cut(self, kept: Kept) -> dict[str, bytes]:
        """Return what the disk has when power fails now: the content of each file, by its name."""
        names: dict[str, _File] = {}
        for folder in self._folders.values():
            durable = dict(folder.durable)
            _apply_names(durable, self._choose_names(folder.pending, kept))
            names |= durable
        return {
            name: self._content(file, kept)
            for name, file in names.items()
            if name not in self._folders and self._is_reachable(name, names)
        }

    def _is_reachable(self, name: str, names: dict[str, _File]) -> bool:
        parents = [str(parent) for parent in PurePosixPath(name).parents]
        return all(parent == ROOT or parent in names for parent in parents)

    def _choose_names(self, pending: Sequence[_Naming], kept: Kept) -> list[_Naming]:
        random = self._random
        match kept:
            case Kept.NOTHING:
                return []
            case Kept.EVERYTHING:
                return list(pending)
            case Kept.BEGINNING:
                return list(pending[: random.randint(0, len(pending))])
            case _:
                return [naming for naming in pending if random.randrange(2)]

    def _content(self, file: _File, kept: Kept) -> bytes:
        content = bytearray(file.durable)
        _apply_writes(content, self._choose_writes(file.pending, kept))
        return bytes(content)

    def _choose_writes(self, pending: Sequence[_Write], kept: Kept) -> list[_Write]:
        random = self._random
        match kept:
            case Kept.NOTHING:
                return []
            case Kept.EVERYTHING:
                return list(pending)
            case Kept.LAST:
                return list(pending[random.randint(0, len(pending)) :])
            case Kept.BEGINNING:
                end = random.randint(0, len(pending))
                sectors = [piece for write in pending[end : end + 1] for piece in _sectors(write)]
                return [*pending[:end], *sectors[: random.randint(0, len(sectors))]]
            case Kept.SECTORS:
                return [piece for write in pending for piece in _sectors(write) if random.randrange(2)]


def _apply_names(names: dict[str, _File], changes: Sequence[_Naming]) -> None:
    for change in changes:
        if change.file is None:
            names.pop(change.name, None)
        else:
            names[change.name] = change.file


def _apply_writes(content: bytearray, writes: Sequence[_Write]) -> None:
    for write in writes:
        if write.data is None:
            del content[write.offset :]
            content.extend(bytes(max(write.offset - len(content), 0)))
        else:
            content.extend(bytes(max(write.offset - len(content), 0)))
            content[write.offset : write.offset + len(write.data)] = write.data


def _sectors(write: _Write) -> list[_Write]:
    """Return the parts of a write that a disk may write apart from each other."""
    if write.data is None:
        return [write]
    pieces, at, end = [], write.offset, write.offset + len(write.data)
    while at < end:
        after = min((at // SECTOR + 1) * SECTOR, end)
        pieces.append(_Write(at, write.data[at - write.offset : after - write.offset]))
        at = after
    return pieces


def restore(content: dict[str, bytes], folder: Path) -> None:
    """Write the files of a disk into a folder."""
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
