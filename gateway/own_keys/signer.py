"""A signer that signs only while its key may, and only what its journal has taken."""

from collections.abc import Callable
from datetime import datetime

from gateway.own_keys.journal import SigningJournal
from keys.own.errors import OwnKeyError, OwnKeyFault
from keys.own.journal import JournalEntry, make_entry
from keys.own.record import KeyAlgorithm, KeyId, KeyRecord, KeyState, OwnKey
from keys.own.signer import Signer


class JournalledSigner:
    """The signer of one key behind its journal; safe for several threads.

    The state of the key is read again for each use, under the lock under which it is changed: once a key was retired or
    condemned, whoever opened it before signs no more, and everything that it signed is in the journal.
    """

    __slots__ = ("_clock", "_journal", "_read_state", "_record", "_signer", "algorithm", "key_id", "public_key")

    algorithm: KeyAlgorithm
    key_id: KeyId
    public_key: bytes

    def __init__(
        self,
        signer: Signer,
        *,
        record: KeyRecord,
        read_state: Callable[[], KeyState],
        journal: SigningJournal,
        clock: Callable[[], datetime],
    ) -> None:
        """Take the signer of exactly this key.

        Raises:
            OwnKeyError: KEY_MISMATCH.

        """
        if signer.public_key != record.public_key:
            raise OwnKeyError(OwnKeyFault.KEY_MISMATCH)
        self._signer = signer
        self._record = record
        self._read_state = read_state
        self._journal = journal
        self._clock = clock
        self.algorithm, self.key_id, self.public_key = signer.algorithm, signer.key_id, signer.public_key

    def sign(self, message: bytes) -> bytes:
        """Sign the whole message.

        Raises:
            OwnKeyError: NOT_ACTIVE, DEVICE.
            KeystoreError: the state cannot be read, so nobody knows whether the key may sign.
            JournalError: the use could not be written down, so nothing was signed.

        """

        def describe(number: int) -> JournalEntry:
            now = self._clock()
            key = OwnKey(record=self._record, state=self._read_state())
            if not key.may_sign(now):
                raise OwnKeyError(OwnKeyFault.NOT_ACTIVE, f"key {self.key_id} is {key.phase(now)}")
            return make_entry(number=number, at=now, key_id=self.key_id, purpose=self._record.purpose, message=message)

        self._journal.append(describe)
        return self._signer.sign(message)
