"""The keys with which a running gateway issues credentials: opened once, chosen anew for each."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from gateway.credential.settings import CredentialSettings
from gateway.own_keys.journal import JournalError
from gateway.own_keys.keystore import Keystore, KeystoreError
from gateway.secret_file import SecretError, read_private_file
from gateway.toml_table import Fault, Words
from keys.own.errors import OwnKeyError
from keys.own.file import TokenObject
from keys.own.record import KeyPhase, KeyPurpose, KeyRecord, OwnKey, select_signing_key
from keys.own.signer import Signer

_TO_COME = frozenset({KeyPhase.PENDING, KeyPhase.ACTIVE})


class CredentialKeys:
    """The keys of one issuer; what happened to one meanwhile is read again for each use."""

    def __init__(self, settings: CredentialSettings, store: Keystore, opened: Mapping[KeyRecord, Signer]) -> None:
        """Sign with these."""
        self.settings = settings
        self._store = store
        self._opened = MappingProxyType(dict(opened))

    def select(self, at: datetime) -> Signer | None:
        """Return what signs at the moment, the key that became active last; None: nothing does.

        Raises:
            KeystoreError, OwnKeyError: the state of a key cannot be read, so nobody knows.

        """
        keys = [OwnKey(record=record, state=self._store.read_state(record.id)) for record in self._opened]
        chosen = select_signing_key(keys, KeyPurpose.CREDENTIAL, at)
        return None if chosen is None else self._opened[chosen.record]


def open_credential_keys(
    folder: Path, settings: CredentialSettings, *, at: datetime, file: str, faults: list[Fault]
) -> CredentialKeys | None:
    """Open the keys of a site that sign now or later; None where none are to be issued, or after a fault of ``file``.

    Keys in a device are passed over: a device that fails would hold up answers.
    """
    if not settings.is_on:
        return None
    store = Keystore(folder / settings.keys)
    try:
        passphrase = read_private_file(folder / settings.passphrase).removesuffix(b"\n").removesuffix(b"\r")
    except SecretError as error:
        expected = Words("仅本用户可读的口令文件", "a file with the passphrase that nobody else may read")
        faults.append(Fault(file=file, key="credentials.passphrase", expected=expected, found=error.fault.value))
        return None
    expected = Words("可用的密钥文件夹，含用途为 credential 的密钥", "a folder of keys with one of purpose credential")
    try:
        found, broken = store.read()
        if broken:
            raise broken[0].error
        opened = {
            one.key.record: store.unseal(one, passphrase, clock=_read_clock)
            for one in found
            if one.key.record.purpose is KeyPurpose.CREDENTIAL
            and one.key.phase(at) in _TO_COME
            and not isinstance(one.file.place, TokenObject)
        }
    except (KeystoreError, OwnKeyError, JournalError) as error:
        faults.append(Fault(file=file, key="credentials.keys", expected=expected, found=error.fault.value))
        return None
    if not opened:
        found_none = Words("没有可签名的密钥", "none that signs")
        faults.append(Fault(file=file, key="credentials.keys", expected=expected, found=found_none))
        return None
    return CredentialKeys(settings, store, opened)


def _read_clock() -> datetime:
    """Return the moment to the second, as journals of keys have it."""
    return datetime.now(UTC).replace(microsecond=0)
