"""The folder of our own keys: one file for each key, one for its state, and its signing journal.

``<id>.key`` is written once; ``<id>.state`` is replaced when the key is retired; ``<id>.journal`` grows with each use.
Every file is opened without following links, and refused unless it is a plain file of ours that nobody else may read.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.key_journal import JournalledSigner, SigningJournal
from keys.own.errors import OwnKeyError
from keys.own.file import (
    MAX_FILE_BYTES,
    KeyFile,
    encode_key_file,
    encode_key_state,
    parse_key_file,
    parse_key_state,
    unseal_key,
)
from keys.own.record import KEY_ID_CHARACTERS, KeyId, KeyPurpose, KeyState, OwnKey, select_signing_key
from keys.own.signer import Signer

MAX_KEYS: Final = 1_000  # five purposes, a rotation each month: sixteen years
MIN_PREFIX_CHARACTERS: Final = 8  # of an id that a person types
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

_KEY_SUFFIX: Final = ".key"
_STATE_SUFFIX: Final = ".state"
_JOURNAL_SUFFIX: Final = ".journal"
_LOCK_NAME: Final = ".lock"
_OTHERS: Final = 0o077  # any right of group or others
_OTHERS_WRITE: Final = 0o022
_HEXADECIMAL: Final = frozenset("0123456789abcdef")
# O_NONBLOCK: a FIFO in place of a file must not make us wait for its writer.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class KeystoreFault(StrEnum):
    """Why the folder, or a file in it, cannot be used."""

    NO_FOLDER = "no-folder"
    NOT_A_PLAIN_FILE = "not-a-plain-file"  # a link, a pipe, a device, a file with two names
    OPEN_PERMISSIONS = "open-permissions"
    FOREIGN_OWNER = "foreign-owner"
    UNREADABLE = "unreadable"
    UNWRITABLE = "unwritable"
    NO_SUCH_KEY = "no-such-key"
    AMBIGUOUS = "ambiguous"  # the beginning of an id that fits several
    TOO_SHORT = "too-short"  # a beginning that proves nothing
    EXISTS = "exists"
    STATE_MISSING = "state-missing"
    WRONG_NAME = "wrong-name"  # a file that holds another key than its name says
    TOO_MANY = "too-many"
    RETIRED = "retired"  # a key that was replaced already


class KeystoreError(Exception):
    """The folder cannot be used for this; ``place`` names the file or the folder."""

    def __init__(self, fault: KeystoreFault, place: str, detail: str = "") -> None:
        super().__init__(": ".join(filter(None, (place, str(fault), detail))))
        self.fault = fault
        self.place = place
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key with its file."""

    key: OwnKey
    file: KeyFile

    @property
    def id(self) -> KeyId:
        """The id of the key."""
        return self.key.record.id


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenKey:
    """A file in the folder that is named like a key and cannot be used as one."""

    place: str
    error: KeystoreError | OwnKeyError


class Keystore:
    """One folder of keys; it holds no secret and no open file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create_folder(self) -> None:
        """Make the folder unless it is there; raises KeystoreError (UNWRITABLE)."""
        try:
            self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(KeystoreFault.UNWRITABLE, self.folder, error) from error

    def read(self) -> tuple[tuple[StoredKey, ...], tuple[BrokenKey, ...]]:
        """Return the keys by id, and apart from them what is broken.

        Raises:
            KeystoreError: the folder itself cannot be used.

        """
        found, broken = [], []
        with self._open() as folder:
            for name in self._names(folder):
                try:
                    found.append(self._load(folder, name))
                except (KeystoreError, OwnKeyError) as error:
                    broken.append(BrokenKey(place=name + _KEY_SUFFIX, error=error))
        return tuple(found), tuple(broken)

    def find(self, beginning: str) -> StoredKey:
        """Return the one key whose id begins so.

        Raises:
            KeystoreError: none or several do, or its files cannot be used.
            OwnKeyError: its file cannot be read.

        """
        if len(beginning) < MIN_PREFIX_CHARACTERS:
            raise KeystoreError(KeystoreFault.TOO_SHORT, beginning)
        with self._open() as folder:
            names = [name for name in self._names(folder) if name.startswith(beginning)]
            if len(names) != 1:
                fault = KeystoreFault.AMBIGUOUS if names else KeystoreFault.NO_SUCH_KEY
                raise KeystoreError(fault, beginning[:KEY_ID_CHARACTERS])
            return self._load(folder, names[0])

    def select(self, purpose: KeyPurpose, at: datetime) -> StoredKey:
        """Return the key that signs for this purpose at the moment.

        Raises:
            KeystoreError: NO_SUCH_KEY when none does; a broken file raises too, since it might have been the one.
            OwnKeyError: the same.

        """
        found, broken = self.read()
        if broken:
            raise broken[0].error
        chosen = select_signing_key((stored.key for stored in found), purpose, at)
        if chosen is None:
            raise KeystoreError(KeystoreFault.NO_SUCH_KEY, str(self.folder), f"none signs for {purpose} now")
        return next(stored for stored in found if stored.key is chosen)

    def add(
        self, file: KeyFile, *, replacing: KeyId | None = None, change: Callable[[OwnKey], KeyState] | None = None
    ) -> None:
        """Write a new key, and with ``replacing`` what ``change`` makes of the state of the key that it replaces.

        The new key is durable before the old one is touched: a crash between leaves two keys that sign, never none.

        Raises:
            KeystoreError: EXISTS, TOO_MANY, UNWRITABLE; RETIRED when the old key was replaced already.
            OwnKeyError: the old key's files cannot be read.

        """
        key_id = file.record.id
        with self._open() as folder, self._locked(folder):
            names = self._names(folder)
            if key_id in names:
                raise KeystoreError(KeystoreFault.EXISTS, key_id)
            if len(names) >= MAX_KEYS:
                raise KeystoreError(KeystoreFault.TOO_MANY, str(self.folder), f"{len(names)} keys")
            old = None if replacing is None else self._load(folder, replacing).key
            if old is not None and old.state.replaced_by is not None:
                raise KeystoreError(KeystoreFault.RETIRED, old.record.id)
            # The state goes first: without a key it means nothing, while a key without a state is refused.
            self._write(folder, key_id + _STATE_SUFFIX, encode_key_state(key_id, KeyState()))
            self._write(folder, key_id + _JOURNAL_SUFFIX, b"")  # one that is missing later was removed
            self._write(folder, key_id + _KEY_SUFFIX, encode_key_file(file))
            if old is not None and change is not None:
                self._write(folder, old.record.id + _STATE_SUFFIX, encode_key_state(old.record.id, change(old)))

    def update(self, key_id: KeyId, change: Callable[[OwnKey], KeyState]) -> None:
        """Replace the state of a key by what ``change`` makes of it.

        Raises:
            KeystoreError: UNWRITABLE, or its files cannot be used.
            OwnKeyError: its files cannot be read.

        """
        with self._open() as folder, self._locked(folder):
            key = self._load(folder, key_id).key
            self._write(folder, key_id + _STATE_SUFFIX, encode_key_state(key_id, change(key)))

    def journal(self, key_id: KeyId) -> SigningJournal:
        """Return the signing journal of a key."""
        return SigningJournal(self.folder / (key_id + _JOURNAL_SUFFIX))

    def unseal(self, stored: StoredKey, passphrase: bytes, *, clock: Callable[[], datetime]) -> JournalledSigner:
        """Open a key of a file for signing; every use goes into its journal first.

        Raises:
            OwnKeyError: as `unseal_key`.

        """
        return self.journalled(stored, unseal_key(stored.file, passphrase), clock=clock)

    def journalled(self, stored: StoredKey, signer: Signer, *, clock: Callable[[], datetime]) -> JournalledSigner:
        """Put the journal and the times of the key before a signer, one of a device for example."""
        return JournalledSigner(signer, key=stored.key, journal=self.journal(stored.id), clock=clock)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """Open the folder itself, so that nobody swaps it for another one meanwhile."""
        try:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise KeystoreError(KeystoreFault.NO_FOLDER, str(self.folder)) from error
        except NotADirectoryError as error:
            raise KeystoreError(KeystoreFault.NO_FOLDER, str(self.folder), "not a folder, or a link") from error
        except OSError as error:
            raise _failed(KeystoreFault.UNREADABLE, self.folder, error) from error
        try:
            status = os.fstat(folder)
            _check_owner(status, str(self.folder))
            if status.st_mode & _OTHERS_WRITE:
                raise KeystoreError(KeystoreFault.OPEN_PERMISSIONS, str(self.folder), _mode(status))
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self, folder: int) -> Iterator[None]:
        """Let one process at a time change the folder."""
        try:
            lock = os.open(_LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE, dir_fd=folder)
        except OSError as error:
            raise _failed(KeystoreFault.UNWRITABLE, self.folder / _LOCK_NAME, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _names(self, folder: int) -> list[str]:
        """Return the ids for which there is a key file, sorted."""
        try:
            entries = os.listdir(folder)
        except OSError as error:
            raise _failed(KeystoreFault.UNREADABLE, self.folder, error) from error
        names = sorted(name.removesuffix(_KEY_SUFFIX) for name in entries if name.endswith(_KEY_SUFFIX))
        if len(names) > MAX_KEYS:
            raise KeystoreError(KeystoreFault.TOO_MANY, str(self.folder), f"{len(names)} keys")
        return names

    def _load(self, folder: int, name: str) -> StoredKey:
        place = name + _KEY_SUFFIX
        if len(name) != KEY_ID_CHARACTERS or not _HEXADECIMAL.issuperset(name):
            raise KeystoreError(KeystoreFault.WRONG_NAME, place)
        try:
            file = parse_key_file(_read(folder, place))
        except FileNotFoundError as error:
            raise KeystoreError(KeystoreFault.NO_SUCH_KEY, place) from error
        if file.record.id != name:
            raise KeystoreError(KeystoreFault.WRONG_NAME, place)
        try:
            encoded = _read(folder, name + _STATE_SUFFIX)
        except FileNotFoundError as error:
            raise KeystoreError(KeystoreFault.STATE_MISSING, name + _STATE_SUFFIX) from error
        return StoredKey(key=OwnKey(record=file.record, state=parse_key_state(encoded, file.record.id)), file=file)

    def _write(self, folder: int, name: str, content: bytes) -> None:
        """Put a file in place in one step: under another name, durable, then renamed, then the folder durable."""
        temporary = f".{name}.{secrets.token_hex(8)}"
        try:
            stream = os.open(temporary, _CREATE, FILE_MODE, dir_fd=folder)
            try:
                with os.fdopen(stream, "wb") as file:
                    os.fchmod(file.fileno(), FILE_MODE)  # whatever the umask took away or a default ACL added
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.unlink(temporary, dir_fd=folder)
                raise
            os.fsync(folder)
        except OSError as error:
            raise _failed(KeystoreFault.UNWRITABLE, self.folder / name, error) from error


def _read(folder: int, name: str) -> bytes:
    """Read a file of ours; FileNotFoundError passes, everything else is a KeystoreError."""
    try:
        stream = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:  # ELOOP for a symbolic link
        fault = KeystoreFault.UNREADABLE if isinstance(error, PermissionError) else KeystoreFault.NOT_A_PLAIN_FILE
        raise _failed(fault, Path(name), error) from error
    try:
        status = os.fstat(stream)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise KeystoreError(KeystoreFault.NOT_A_PLAIN_FILE, name)
        _check_owner(status, name)
        if status.st_mode & _OTHERS:
            raise KeystoreError(KeystoreFault.OPEN_PERMISSIONS, name, _mode(status))
        return os.read(stream, MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _failed(KeystoreFault.UNREADABLE, Path(name), error) from error
    finally:
        os.close(stream)


def _check_owner(status: os.stat_result, place: str) -> None:
    """Refuse what belongs to neither us nor root: its owner could change it at any time."""
    if status.st_uid not in (os.geteuid(), 0):
        raise KeystoreError(KeystoreFault.FOREIGN_OWNER, place)


def _mode(status: os.stat_result) -> str:
    return f"mode {stat.S_IMODE(status.st_mode):04o}"


def _failed(fault: KeystoreFault, place: Path, error: OSError) -> KeystoreError:
    return KeystoreError(fault, str(place), error.strerror or type(error).__name__)
