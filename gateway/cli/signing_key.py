"""A key of ours that a command signs with: which one, and how it is opened."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.passphrase import read_passphrase
from gateway.own_keys.keystore import Keystore, StoredKey
from gateway.own_keys.pkcs11 import open_on_token
from keys.own.file import TokenObject
from keys.own.signer import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChoice:
    """Which key signs, and how it is opened."""

    key: str
    folder: Path
    passphrase_file: Path | None = None
    module: Path | None = None

    def find(self) -> StoredKey:
        """Return the key with its file, not opened yet; raises KeystoreError, OwnKeyError."""
        return Keystore(self.folder).find(self.key)

    def open(self, stored: StoredKey) -> Signer:
        """Open the key; every use goes into its journal.

        Raises:
            UsageError: its device is not named.
            OwnKeyError, KeystoreError, JournalError, PassphraseError: it cannot be opened.

        """
        store, place = Keystore(self.folder), stored.file.place
        if not isinstance(place, TokenObject):
            return store.unseal(stored, read_passphrase(self.passphrase_file), clock=read_clock)
        if self.module is None:
            zh, en = "请用 --pkcs11-module 指定设备的库。", "name the device's library with --pkcs11-module"
            raise UsageError(say(zh, en))
        device = open_on_token(self.module, place, pin=read_passphrase(self.passphrase_file))
        return store.journalled(stored, device, clock=read_clock)


def read_clock() -> datetime:
    """Return the moment to the second, as journals of keys have it."""
    return datetime.now(UTC).replace(microsecond=0)
