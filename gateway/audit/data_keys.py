"""Data keys: one for each subject or official and epoch, wrapped by a key-encryption key.

So people can be forgotten: whoever destroys the wrapped key has destroyed what it sealed, wherever copies of that are.
Keys are made ahead and numbered; who owns which number is written with the first entry that needs it, in the same
transaction. So no entry waits for the key table, and none is ever sealed with a key that is not durable.
"""

import secrets
from collections import OrderedDict, deque
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock, RLock
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.lookup import Epoch, KeyOwner
from gateway.audit.private import DATA_KEY_SIZE, DataKey, KeyNumber
from gateway.audit.unavailable import LogUnavailableError, Unavailable

MAX_REMEMBERED: Final = 65_536  # unwrapped keys, about 250 bytes each
MADE_AHEAD: Final = 512  # keys; quick enough to make beside a batch, and a restart wastes 60 kB at most
MANY_OWNERS: Final = 4_096  # whose keys are destroyed at a time; that takes tens of milliseconds
_NONCE_SIZE: Final = 12  # random; with 2^32 keys wrapped, two nonces are equal with a chance of 2^-33


class KeyWrapper(Protocol):
    """A key-encryption key, in memory or in a device; safe for several threads."""

    def wrap(self, key: bytes, number: KeyNumber) -> bytes:
        """Encrypt a data key, bound to its number; raises LogUnavailableError (SIGNER) when a device does not."""
        ...

    def unwrap(self, wrapped: bytes, number: KeyNumber) -> bytes:
        """Decrypt it; raises LogUnavailableError (CORRUPT) for one that was changed, or is another one's."""
        ...


class AesKeyWrapper:
    """A key-encryption key in memory: AES-256-GCM with a random nonce before the ciphertext."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """Take a key of 32 bytes; raises ValueError for another size."""
        if len(key) != DATA_KEY_SIZE:
            raise ValueError(f"a key of {DATA_KEY_SIZE} bytes was expected, got {len(key)}")
        self._cipher = AESGCM(key)

    def wrap(self, key: bytes, number: KeyNumber) -> bytes:
        """Encrypt a data key."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, key, number.to_bytes(8))

    def unwrap(self, wrapped: bytes, number: KeyNumber) -> bytes:
        """Decrypt a data key."""
        try:
            return self._cipher.decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], number.to_bytes(8))
        except (InvalidTag, ValueError) as error:
            raise LogUnavailableError(Unavailable.CORRUPT, "a wrapped data key") from error


class KeyStore(Protocol):
    """The key table, apart from the log: other retention, other backups. Safe for several threads.

    Every method raises LogUnavailableError as the store of the log does.
    """

    def last(self) -> int:
        """Return the highest number that was ever given, also to a key that was erased since; 0 for none."""
        ...

    def add(self, keys: Mapping[KeyNumber, bytes]) -> None:
        """Keep wrapped keys durably, under numbers above the last."""
        ...

    def read(self, numbers: Collection[KeyNumber]) -> Mapping[KeyNumber, bytes]:
        """Return the wrapped keys with these numbers, as far as they still exist."""
        ...

    def erase(self, numbers: Collection[KeyNumber]) -> int:
        """Destroy keys and return how many of them there were; what files still hold of them, `purge` removes."""
        ...

    def key_check(self) -> bytes | None:
        """Return what `set_key_check` kept; None: nothing yet."""
        ...

    def set_key_check(self, value: bytes) -> None:
        """Keep durably by what another key than the first one is noticed, in place of what was kept."""
        ...

    def purge(self) -> bool:
        """Have what was erased or replaced leave the files too; False: some may still be there, so do it again later.

        Blocks, for long where there is much, and keeps nobody else waiting.
        """
        ...

    def settle(self) -> None:
        """Return once everything that can be read is on disk for good, as the store of the log does."""
        ...

    def reconnect(self) -> None:
        """Drop whatever is half done."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


class OwnerStore(Protocol):
    """Who owns which key: the part of the log's store that data keys need."""

    def owners(self, owners: Collection[KeyOwner]) -> Mapping[KeyOwner, KeyNumber]:
        """Return the numbers of the keys that these owners have."""
        ...

    def owners_before(
        self, epoch: Epoch, *, after: KeyOwner | None = None, limit: int = MANY_OWNERS
    ) -> Mapping[KeyOwner, KeyNumber]:
        """Return owners of earlier epochs: the first in order, or those ``after`` one."""
        ...

    def last_owned(self) -> int:
        """Return the highest number that an owner has; 0 without owners."""
        ...

    def erase_owners(self, owners: Collection[KeyOwner]) -> None:
        """Forget these owners."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKeys:
    """Keys for a batch; ``new`` are owners who had none, to be stored with the batch."""

    keys: Mapping[KeyOwner, DataKey]
    new: Mapping[KeyOwner, KeyNumber]


class DamagedKeysError(LogUnavailableError):
    """The data keys of these owners cannot be unwrapped, as they were changed; those of others can."""

    def __init__(self, owners: Collection[KeyOwner]) -> None:
        super().__init__(Unavailable.CORRUPT, "the data key of somebody whom the entry names")
        self.owners = frozenset(owners)


class DataKeys:
    """The keys that entries are sealed with, found or newly given out; safe for several threads.

    ``between_batches`` is held while a batch is sealed and stored, and while keys are destroyed: no entry is sealed
    with a key that is destroyed before it is stored.
    """

    def __init__(self, store: KeyStore, owners: OwnerStore, wrapper: KeyWrapper) -> None:
        """Use a key table, the store of the log and a key-encryption key."""
        self._store = store
        self._owners = owners
        self._wrapper = wrapper
        self._remembered: OrderedDict[KeyOwner, DataKey] = OrderedDict()
        self._ahead: deque[DataKey] = deque()
        self._lock = Lock()
        self.between_batches = RLock()
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="audit-keys")
        self._making: Future[Sequence[DataKey]] | None = None

    def ensure(self, owners: Collection[KeyOwner]) -> FoundKeys:
        """Return a key for each owner. Should the batch not be stored, call `reconnect`.

        Raises:
            DamagedKeysError: some of them have keys that were changed; nobody got one.
            LogUnavailableError: there are no keys for all of them.

        """
        with self._lock:
            keys: dict[KeyOwner, DataKey] = {}
            unknown: list[KeyOwner] = []
            for owner in dict.fromkeys(owners):
                known = self._remembered.get(owner)
                if known is None:
                    unknown.append(owner)
                else:
                    self._remembered.move_to_end(owner)
                    keys[owner] = known
            if not unknown:
                return FoundKeys(keys=keys, new={})
            found = self._find(unknown)
            new = {owner: self._next() for owner in unknown if owner not in found}
            self._remembered |= found | new
            while len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
            return FoundKeys(keys=keys | found | new, new={owner: key.number for owner, key in new.items()})

    def settle(self) -> None:
        """Put the key table on disk for good, and verify that it gave all the numbers that owners have.

        An older table would give them a second time, and so one key to two people. Keys that were made ahead, and which
        it does not have either, are given to nobody.

        Raises:
            LogUnavailableError: RESTORED_BACKUP, it did not; or it cannot be read.

        """
        with self._lock:
            self._store.settle()
            given, owned = self._store.last(), self._owners.last_owned()
            if given < owned:
                detail = f"{owned} data keys were expected, the key table ends at {given}"
                raise LogUnavailableError(Unavailable.RESTORED_BACKUP, detail)
            if self._ahead and self._ahead[-1].number > given:
                self._ahead.clear()

    def read(self, numbers: Collection[KeyNumber]) -> Mapping[KeyNumber, bytes]:
        """Return the keys that still exist.

        Raises:
            LogUnavailableError: the table cannot be read, or a key in it was changed.

        """
        found = self._store.read(numbers)
        return {number: self._wrapper.unwrap(wrapped, number) for number, wrapped in found.items()}

    def erase(self, owners: Collection[KeyOwner]) -> int:
        """Destroy the keys of these owners, between two batches; return how many there were.

        The keys go first: whoever dies in between leaves owners without keys, and calls this again. What files still
        hold of them, `purge` removes.

        Raises:
            LogUnavailableError: they may still exist.

        """
        with self.between_batches, self._lock:
            for owner in owners:
                self._remembered.pop(owner, None)
            return self._erase(self._owners.owners(owners))

    def erase_before(self, epoch: Epoch) -> int:
        """Destroy the keys of all earlier epochs by and by; return how many there were; raises as `erase` does."""
        erased, after = 0, None
        while True:
            with self.between_batches, self._lock:
                owned = self._owners.owners_before(epoch, after=after)
                if not owned:
                    return erased
                self._remembered.clear()
                erased += self._erase(owned)
            after = max(owned)

    def purge(self) -> bool:
        """Have what was destroyed leave the files too, as `KeyStore.purge`; nobody waits for it."""
        return self._store.purge()

    def reconnect(self) -> None:
        """Forget who was given a key, which may not be stored; those keys are given to nobody any more.

        Keys that were made ahead are durable and nobody's, and stay so.
        """
        with self._lock:
            self._remembered.clear()
            self._take_made()
            self._store.reconnect()

    def close(self) -> None:
        """Let go of the table."""
        with self._lock:
            self._remembered.clear()
            self._ahead.clear()
            self._maker.shutdown()
            self._store.close()

    def _erase(self, owned: Mapping[KeyOwner, KeyNumber]) -> int:
        erased = self._store.erase(list(owned.values()))
        self._owners.erase_owners(list(owned))
        return erased

    def _find(self, owners: Sequence[KeyOwner]) -> dict[KeyOwner, DataKey]:
        """Return the keys that owners have; an owner whose key was destroyed gets another."""
        numbers = self._owners.owners(owners)
        wrapped = self._store.read(list(numbers.values())) if numbers else {}
        found: dict[KeyOwner, DataKey] = {}
        damaged: list[KeyOwner] = []
        for owner, number in numbers.items():
            if number not in wrapped:
                continue
            try:
                found[owner] = DataKey(number=number, key=self._wrapper.unwrap(wrapped[number], number))
            except LogUnavailableError as error:
                if error.reason is not Unavailable.CORRUPT:
                    raise
                damaged.append(owner)
        if damaged:
            raise DamagedKeysError(damaged)
        return found

    def _next(self) -> DataKey:
        if len(self._ahead) <= MADE_AHEAD // 2 and self._making is None:
            self._making = self._maker.submit(self._make)
        if self._making is not None and (self._making.done() or not self._ahead):
            making, self._making = self._making, None
            self._ahead += making.result()
        return self._ahead.popleft()

    def _take_made(self) -> None:
        """Wait for keys that are being made, for whoever makes them uses the table; they may have failed."""
        making, self._making = self._making, None
        if making is not None and making.exception() is None:
            self._ahead += making.result()

    def _make(self) -> Sequence[DataKey]:
        first = self._store.last() + 1
        drawn = secrets.token_bytes(DATA_KEY_SIZE * MADE_AHEAD)
        made = [
            DataKey(number=KeyNumber(first + place), key=drawn[place * DATA_KEY_SIZE : (place + 1) * DATA_KEY_SIZE])
            for place in range(MADE_AHEAD)
        ]
        self._store.add({key.number: self._wrapper.wrap(key.key, key.number) for key in made})
        return made
