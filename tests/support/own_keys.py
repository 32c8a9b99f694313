"""Keys of our own for tests: cheap scrypt, a fixed clock, a folder with one key in it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.own_keys.keystore import Keystore, StoredKey
from keys.own.file import KeyFile, seal_key
from keys.own.protection import KeyCipher, ScryptParameters
from keys.own.record import KeyAlgorithm, KeyPurpose, KeyRecord, plan_record
from keys.own.signer import SoftwareSigner

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
PASSPHRASE = b"correct horse battery"
CHEAP = ScryptParameters(n=1 << 14)
DAY = timedelta(days=1)


def make_record(signer: SoftwareSigner, *, purpose: KeyPurpose = KeyPurpose.LOG, at: datetime = NOW) -> KeyRecord:
    """Plan a year of signing and ten of counting for a key."""
    return plan_record(
        algorithm=signer.algorithm,
        purpose=purpose,
        public_key=signer.public_key,
        at=at,
        signs_for=365 * DAY,
        verifies_for=3650 * DAY,
    )


def make_key_file(
    algorithm: KeyAlgorithm = KeyAlgorithm.ED25519,
    *,
    cipher: KeyCipher = KeyCipher.AES_256_GCM,
    purpose: KeyPurpose = KeyPurpose.LOG,
    at: datetime = NOW,
) -> tuple[SoftwareSigner, KeyFile]:
    """Make a key and its file under the test's passphrase."""
    signer = SoftwareSigner.generate(algorithm)
    record = make_record(signer, purpose=purpose, at=at)
    return signer, seal_key(signer, record, passphrase=PASSPHRASE, cipher=cipher, scrypt=CHEAP)


def make_store(folder: Path, algorithm: KeyAlgorithm = KeyAlgorithm.ED25519) -> tuple[Keystore, StoredKey]:
    """Make a folder with one key in it."""
    store = Keystore(folder / "keys")
    store.create_folder()
    _, file = make_key_file(algorithm)
    store.add(file)
    return store, store.find(file.record.id)
