"""Where the logs of a site are: a folder for each half-year, or nothing but memory.

state/audit/2026h2/log.sqlite     the log, unless a database keeps it
                  /keys.sqlite    its data keys, likewise
                  /head           the second head (`gateway.audit.head`), unless a folder of its own is set
                  /trust.policy   the log's keys, to be published (tlog-policy)
                  /cosigned       the newest checkpoint that enough witnesses cosigned; may be missing
"""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit.book.key_check import verify_index_key, verify_wrapping_key
from gateway.audit.book.postgres_place import PostgresPlace, read_address
from gateway.audit.book.secrets import (
    SharedSecrets,
    find_index_keys,
    index_file,
    read_index_key,
    read_shared,
    wrapping_file,
)
from gateway.audit.book.settings import AuditSettings
from gateway.audit.data_keys import AesKeyWrapper, DataKeys, KeyStore
from gateway.audit.log import AccessLog, LogSetup
from gateway.audit.lookup import INDEX_KEY_SIZE, LookupKeys
from gateway.audit.private import DATA_KEY_SIZE
from gateway.audit.reader import LogReader
from gateway.audit.sequencer import Committed, ignore_committed
from gateway.audit.shard import is_shard, shard_epoch, shard_origin
from gateway.audit.store.memory import MemoryKeys, MemoryStore
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.sqlite_keys import SqliteKeys
from gateway.audit.store.store import LogStore
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.audit.tlog.quorum import Policy, PolicyLog, encode_policy
from gateway.audit.unavailable import LogUnavailableError, Unavailable
from gateway.audit.witness.fork import verify_not_forked
from gateway.secret_file import SecretError
from gateway.trust.files import replace_file
from keys.own.signer import SoftwareSigner

LOG_FILE: Final = "log.sqlite"
KEYS_FILE: Final = "keys.sqlite"
HEAD_FILE: Final = "head"
POLICY_FILE: Final = "trust.policy"
COSIGNED_FILE: Final = "cosigned"

ClockMs = Callable[[], int]


class LogPlace(Protocol):
    """Where logs are; every method blocks, and raises LogUnavailableError where it cannot be done."""

    def shards(self) -> tuple[str, ...]:
        """Return the shards that were begun, the oldest first."""
        ...

    def open(self, shard: str, clock_ms: ClockMs, committed: Committed = ignore_committed) -> AccessLog:
        """Open a shard for writing; it is begun where it does not exist. ``committed`` as `SequencerParts` says."""
        ...

    def read(self, shard: str) -> LogReader:
        """Open a shard for reading, whoever writes it."""
        ...

    def close(self) -> None:
        """Let go of the place."""
        ...


class FolderPlace:
    """Below the folder of a site."""

    def __init__(self, site: Path, settings: AuditSettings, *, region: str) -> None:
        """Use the folders that the settings name."""
        self._site = site
        self._settings = settings
        self._region = region

    def folder(self, shard: str) -> Path:
        """Return the folder of a shard."""
        return self._site / self._settings.folder / shard

    def shards(self) -> tuple[str, ...]:
        """Return the folders that are named as shards and have a trust policy, which is written last."""
        try:
            found = sorted(path.name for path in (self._site / self._settings.folder).iterdir())
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise LogUnavailableError(Unavailable.UNUSABLE, error.strerror or type(error).__name__) from error
        return tuple(name for name in found if is_shard(name) and (self.folder(name) / POLICY_FILE).exists())

    def open(self, shard: str, clock_ms: ClockMs, committed: Committed = ignore_committed) -> AccessLog:
        """Open a shard for writing; it is begun where it does not exist."""
        shards = self.shards()
        for name in shards:  # a fork of a closed shard is one of the log
            verify_not_forked(self.folder(name))
        begun = shard in shards
        if not begun:
            self._verify_not_lost(shard, shards)
        with ExitStack() as stack:
            shared = self._shared(shard, make=not shards)
            store = stack.enter_context(closing(self._store(shard, create=not begun)))
            if not begun:
                store.settle()  # before there is the key of its index, by which a store that vanished is missed
            index = self._index_key(shard, store, make=not begun, writes=True)
            keys = stack.enter_context(closing(self._key_store(shard, shared, create=not begun, writes=True)))
            log = AccessLog(
                LogSetup(
                    origin=self._origin(shard),
                    open_store=lambda: store,
                    open_keys=lambda: keys,
                    head=self.head_file(shard),
                    wrapper=shared.wrapper,
                    lookup=LookupKeys({shard_epoch(shard): index}),
                    signers=shared.signers,
                    clock_ms=clock_ms,
                    committed=committed,
                )
            )
            stack.pop_all()
        if not begun:
            own = Policy(logs=tuple(PolicyLog(key=signer.key) for signer in shared.signers))
            try:
                replace_file(self.folder(shard) / POLICY_FILE, encode_policy(own))
            except OSError as error:
                log.close()
                raise LogUnavailableError(Unavailable.WRITE_FAILED, error.strerror or type(error).__name__) from error
        return log

    def read(self, shard: str) -> LogReader:
        """Open a shard for reading."""
        with ExitStack() as stack:
            shared = self._shared(shard, make=False)
            store = stack.enter_context(closing(self._store(shard, create=False, writes=False)))
            index = self._index_key(shard, store, make=False, writes=False)
            keys = stack.enter_context(closing(self._key_store(shard, shared, create=False, writes=False)))
            reader = LogReader(
                origin=self._origin(shard),
                store=store,
                keys=DataKeys(keys, store, shared.wrapper),
                lookup=LookupKeys({shard_epoch(shard): index}),
                signers=shared.signers,
            )
            stack.pop_all()
            return reader

    def close(self) -> None:
        """Do nothing."""

    @property
    def _secrets(self) -> Path:
        return self._site / self._settings.keys

    def _shared(self, shard: str, *, make: bool) -> SharedSecrets:
        with _unusable_secrets():
            return read_shared(self._secrets, origin=self._origin(shard), shard=shard, make=make)

    def _index_key(self, shard: str, store: LogStore, *, make: bool, writes: bool) -> bytes:
        with _unusable_secrets():
            key = read_index_key(self._secrets, shard, make=make)
        verify_index_key(store, key, index_file(self._secrets, shard), writes=writes)
        return key

    def _verify_not_lost(self, shard: str, shards: tuple[str, ...]) -> None:
        """Refuse to begin a shard that was begun before, or any while all that were begun are gone: a disk is missing.

        Otherwise two logs would have one name and one key.
        """
        for name in find_index_keys(self._secrets):
            if (name == shard or not shards) and not self._has_store(name):
                detail = f"{index_file(self._secrets, name)} is there, and the log of {name} is not; put it back"
                raise LogUnavailableError(Unavailable.UNUSABLE, detail)

    def _has_store(self, shard: str) -> bool:
        if self._settings.database:
            return PostgresPlace(read_address(self._site / self._settings.database), shard).has_store()
        path = self.folder(shard) / LOG_FILE
        return path.is_file() and path.stat().st_size > 0

    def _origin(self, shard: str) -> str:
        return shard_origin(self._region, shard)

    def head_file(self, shard: str) -> Path:
        """Return the file of a shard's second head."""
        if self._settings.heads:
            return self._site / self._settings.heads / f"{shard}.{HEAD_FILE}"
        return self.folder(shard) / HEAD_FILE

    def _store(self, shard: str, *, create: bool, writes: bool = True) -> LogStore:
        if self._settings.database:
            place = PostgresPlace(read_address(self._site / self._settings.database), shard)
            return place.store(origin=self._origin(shard), writes=writes, create=create)
        return SqliteStore(self.folder(shard) / LOG_FILE, create=create)

    def _key_store(self, shard: str, shared: SharedSecrets, *, create: bool, writes: bool) -> KeyStore:
        address = self._settings.key_database or self._settings.database
        keys: KeyStore
        if address:
            keys = PostgresPlace(read_address(self._site / address), shard).keys(create=create)
        else:
            keys = SqliteKeys(self.folder(shard) / KEYS_FILE, create=create)
        try:
            verify_wrapping_key(keys, shared.wrapper, wrapping_file(self._secrets), writes=writes)
        except BaseException:
            keys.close()
            raise
        return keys


@contextmanager
def _unusable_secrets() -> Iterator[None]:
    try:
        yield
    except SecretError as error:
        raise LogUnavailableError(Unavailable.UNUSABLE, str(error)) from error


class MemoryPlace:
    """Nothing but memory: a gateway without a site folder, in tests and demonstrations."""

    def __init__(self, *, region: str) -> None:
        """Begin without entries; only second heads lie on disk, in a temporary folder."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._region = region
        self._signer = SoftwareSigner(Ed25519PrivateKey.generate())
        self._wrapper = AesKeyWrapper(secrets.token_bytes(DATA_KEY_SIZE))
        self._index = secrets.token_bytes(INDEX_KEY_SIZE)
        self._stores: dict[str, tuple[MemoryStore, MemoryKeys]] = {}

    def shards(self) -> tuple[str, ...]:
        """Return the shards that were begun."""
        return tuple(sorted(self._stores))

    def open(self, shard: str, clock_ms: ClockMs, committed: Committed = ignore_committed) -> AccessLog:
        """Open a shard; it is begun where it does not exist."""
        store, keys = self._stores.setdefault(shard, (MemoryStore(), MemoryKeys()))
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="tongban-log-")
        origin = shard_origin(self._region, shard)
        return AccessLog(
            LogSetup(
                origin=origin,
                open_store=lambda: store,
                open_keys=lambda: keys,
                head=Path(self._folder.name) / f"{shard}.{HEAD_FILE}",
                wrapper=self._wrapper,
                lookup=self._lookup(shard),
                signers=(NoteSigner(origin, self._signer),),
                clock_ms=clock_ms,
                committed=committed,
            )
        )

    def read(self, shard: str) -> LogReader:
        """Open a shard for reading."""
        store, keys = self._stores[shard]
        origin = shard_origin(self._region, shard)
        data_keys = DataKeys(keys, store, self._wrapper)
        return LogReader(origin=origin, store=store, keys=data_keys, lookup=self._lookup(shard))

    def close(self) -> None:
        """Remove the second heads."""
        if self._folder is not None:
            self._folder.cleanup()

    def _lookup(self, shard: str) -> LookupKeys:
        return LookupKeys({shard_epoch(shard): self._index})
