"""The folder of our own keys: one file for each key, one for its state, and its signing journal.

``<id>.key`` is written once; ``<id>.state`` is replaced when the key is retired; ``<id>.journal`` grows with each use.
Every file is opened without following links, and refused unless it is a plain file of ours that nobody else may read.
A state is changed under the lock of its key, which each use of the key holds as well (`gateway.own_keys.lock`).
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.own_keys.folder import (
    FILE_MODE,
    FOLDER_MODE,
    KeystoreError,
    KeystoreFault,
    keystore_error,
    open_folder,
    read_file,
    write_file,
)
from gateway.own_keys.journal import SigningJournal
from gateway.own_keys.lock import hold_lock
from gateway.own_keys.signer import JournalledSigner
from keys.own.errors import OwnKeyError
from keys.own.file import (
    KeyFile,
    encode_key_file,
    encode_key_state,
    parse_key_file,
    parse_key_state,
    unseal_key,
)
from keys.own.journal import JournalOpening, encode_opening
from keys.own.record import KEY_ID_CHARACTERS, KeyId, KeyPurpose, KeyState, OwnKey, select_signing_key
from keys.own.signer import Signer

__all__ = ["BrokenKey", "Keystore", "KeystoreError", "KeystoreFault", "StoredKey"]

MAX_KEYS: Final = 1_000  # five purposes, a rotation each month: sixteen years
MIN_PREFIX_CHARACTERS: Final = 8  # of an id that a person types

_KEY_SUFFIX: Final = ".key"
_STATE_SUFFIX: Final = ".state"
_JOURNAL_SUFFIX: Final = ".journal"
_LOCK_NAME: Final = ".lock"
_HEXADECIMAL: Final = frozenset("0123456789abcdef")


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
            raise keystore_error(KeystoreFault.UNWRITABLE, self.folder, error) from error

    def read(self) -> tuple[tuple[StoredKey, ...], tuple[BrokenKey, ...]]:
        """Return the keys by id, and apart from them what is broken.

        Raises:
            KeystoreError: the folder itself cannot be used.

        """
        found, broken = [], []
        with open_folder(self.folder) as folder:
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
        with open_folder(self.folder) as folder:
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
        with open_folder(self.folder) as folder, self._locked(folder):
            names = self._names(folder)
            if key_id in names:
                raise KeystoreError(KeystoreFault.EXISTS, key_id)
            if len(names) >= MAX_KEYS:
                raise KeystoreError(KeystoreFault.TOO_MANY, str(self.folder), f"{len(names)} keys")
            old = None if replacing is None else self._load(folder, replacing).key
            if old is not None and old.state.replaced_by is not None:
                raise KeystoreError(KeystoreFault.RETIRED, old.record.id)
            # The state goes first: without a key it means nothing, while a key without a state is refused.
            write_file(folder, key_id + _STATE_SUFFIX, encode_key_state(key_id, KeyState()))
            opening = encode_opening(JournalOpening(key_id=key_id, first=1))
            write_file(folder, key_id + _JOURNAL_SUFFIX, opening)  # one that is missing later was lost
            write_file(folder, key_id + _KEY_SUFFIX, encode_key_file(file))
            if old is not None and change is not None:
                self._change_state(folder, old.record.id, change)

    def update(self, key_id: KeyId, change: Callable[[OwnKey], KeyState]) -> None:
        """Replace the state of a key by what ``change`` makes of it; whoever has the key goes by it from now on.

        Raises:
            KeystoreError: UNWRITABLE, or its files cannot be used.
            OwnKeyError: its files cannot be read.

        """
        with open_folder(self.folder) as folder, self._locked(folder):
            self._change_state(folder, key_id, change)

    def read_state(self, key_id: KeyId) -> KeyState:
        """Return what happened to a key until now.

        Raises:
            KeystoreError: STATE_MISSING, or its file cannot be used.
            OwnKeyError: its file cannot be read.

        """
        with open_folder(self.folder) as folder:
            return _read_state(folder, key_id)

    def journal(self, key_id: KeyId) -> SigningJournal:
        """Return the signing journal of a key."""
        return SigningJournal(self.folder / (key_id + _JOURNAL_SUFFIX), key_id=key_id, lock=self._lock_path(key_id))

    def unseal(self, stored: StoredKey, passphrase: bytes, *, clock: Callable[[], datetime]) -> JournalledSigner:
        """Open a key of a file for signing; every use goes into its journal first.

        Raises:
            OwnKeyError: as `unseal_key`.

        """
        return self.journalled(stored, unseal_key(stored.file, passphrase), clock=clock)

    def journalled(self, stored: StoredKey, signer: Signer, *, clock: Callable[[], datetime]) -> JournalledSigner:
        """Put the journal and the times of the key before a signer, one of a device for example."""
        return JournalledSigner(
            signer,
            record=stored.key.record,
            read_state=lambda: self.read_state(stored.id),
            journal=self.journal(stored.id),
            clock=clock,
        )

    @contextmanager
    def _locked(self, folder: int) -> Iterator[None]:
        """Let one process at a time change the folder."""
        try:
            lock = os.open(_LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE, dir_fd=folder)
        except OSError as error:
            raise keystore_error(KeystoreFault.UNWRITABLE, self.folder / _LOCK_NAME, error) from error
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
            raise keystore_error(KeystoreFault.UNREADABLE, self.folder, error) from error
        names = sorted(name.removesuffix(_KEY_SUFFIX) for name in entries if name.endswith(_KEY_SUFFIX))
        if len(names) > MAX_KEYS:
            raise KeystoreError(KeystoreFault.TOO_MANY, str(self.folder), f"{len(names)} keys")
        return names

    def _load(self, folder: int, name: str) -> StoredKey:
        place = name + _KEY_SUFFIX
        if len(name) != KEY_ID_CHARACTERS or not _HEXADECIMAL.issuperset(name):
            raise KeystoreError(KeystoreFault.WRONG_NAME, place)
        try:
            file = parse_key_file(read_file(folder, place))
        except FileNotFoundError as error:
            raise KeystoreError(KeystoreFault.NO_SUCH_KEY, place) from error
        if file.record.id != name:
            raise KeystoreError(KeystoreFault.WRONG_NAME, place)
        return StoredKey(key=OwnKey(record=file.record, state=_read_state(folder, file.record.id)), file=file)

    def _lock_path(self, key_id: KeyId) -> Path:
        return self.folder / (key_id + _KEY_SUFFIX)

    def _change_state(self, folder: int, key_id: KeyId, change: Callable[[OwnKey], KeyState]) -> None:
        """Change a state while nobody uses the key: what was allowed before is in the journal when this returns."""
        try:
            with hold_lock(self._lock_path(key_id)):
                key = self._load(folder, key_id).key
                write_file(folder, key_id + _STATE_SUFFIX, encode_key_state(key_id, change(key)))
        except FileNotFoundError as error:
            raise KeystoreError(KeystoreFault.NO_SUCH_KEY, key_id + _KEY_SUFFIX) from error
        except OSError as error:
            raise keystore_error(KeystoreFault.UNWRITABLE, self._lock_path(key_id), error) from error


def _read_state(folder: int, key_id: KeyId) -> KeyState:
    try:
        encoded = read_file(folder, key_id + _STATE_SUFFIX)
    except FileNotFoundError as error:
        raise KeystoreError(KeystoreFault.STATE_MISSING, key_id + _STATE_SUFFIX) from error
    return parse_key_state(encoded, key_id)
