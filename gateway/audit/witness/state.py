"""What a witness remembers: for each log the latest checkpoint that it cosigned, durable before it answers."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Protocol

from gateway.audit.errors import AuditError, MalformedLogDataError
from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint, parse_checkpoint
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.witness.protocol import origin_hash
from gateway.trust.files import locked, read_file, replace_file


class WitnessStateFault(StrEnum):
    """Why a witness cannot tell what it saw; it cosigns nothing then."""

    UNREADABLE = "unreadable"
    CHANGED = "changed"  # it is not what we wrote
    NOT_WRITTEN = "not-written"


class WitnessStateError(AuditError):
    """The state cannot be relied on; ``detail`` names the log or its file."""

    def __init__(self, fault: WitnessStateFault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail


class WitnessState(Protocol):
    """The latest checkpoint of each log; every method raises WitnessStateError."""

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep all others from writing meanwhile."""
        ...

    def read(self, hashed_origin: str) -> SignedCheckpoint | None:
        """Return the latest checkpoint of a log, named by `origin_hash`; None where none was cosigned."""
        ...

    def write(self, signed: SignedCheckpoint) -> None:
        """Put a checkpoint in the place of the latest one of its log, durably."""
        ...


@contextmanager
def _held(lock: Lock) -> Iterator[None]:
    with lock:
        yield


class MemoryWitnessState:
    """The state in memory, for tests and demonstrations: a witness that forgets lets a log start anew."""

    def __init__(self) -> None:
        """Begin without checkpoints."""
        self._latest: dict[str, SignedCheckpoint] = {}
        self._lock = Lock()

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other threads from writing."""
        return _held(self._lock)

    def read(self, hashed_origin: str) -> SignedCheckpoint | None:
        """Return the latest checkpoint."""
        return self._latest.get(hashed_origin)

    def write(self, signed: SignedCheckpoint) -> None:
        """Replace it."""
        self._latest[origin_hash(signed.checkpoint.origin)] = signed


class FolderWitnessState:
    """The state in a folder, a file for each log: the checkpoint with its cosignature."""

    def __init__(self, folder: Path) -> None:
        """Use the folder, which is made where it is missing; raises WitnessStateError."""
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WitnessStateError(WitnessStateFault.NOT_WRITTEN, str(folder)) from error

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep other threads and processes from writing; raises WitnessStateError."""
        try:
            with ExitStack() as stack:
                stack.enter_context(locked(self._folder))
                held = stack.pop_all()
        except OSError as error:
            raise WitnessStateError(WitnessStateFault.NOT_WRITTEN, str(self._folder)) from error
        with held:
            yield

    def read(self, hashed_origin: str) -> SignedCheckpoint | None:
        """Return the latest checkpoint."""
        path = self._folder / hashed_origin
        try:
            signed = parse_checkpoint(read_file(path, MAX_NOTE))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WitnessStateError(WitnessStateFault.UNREADABLE, str(path)) from error
        except MalformedLogDataError as error:
            raise WitnessStateError(WitnessStateFault.CHANGED, str(path)) from error
        if origin_hash(signed.checkpoint.origin) != hashed_origin:
            raise WitnessStateError(WitnessStateFault.CHANGED, str(path))
        return signed

    def write(self, signed: SignedCheckpoint) -> None:
        """Replace it in one step."""
        path = self._folder / origin_hash(signed.checkpoint.origin)
        try:
            replace_file(path, encode_checkpoint(signed))
        except OSError as error:
            raise WitnessStateError(WitnessStateFault.NOT_WRITTEN, str(path)) from error
