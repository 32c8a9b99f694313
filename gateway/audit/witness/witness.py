"""A witness of other logs: it cosigns a checkpoint only if its tree goes on from the last one that it cosigned.

Whoever can show one origin in two versions would have to show the witness both. It learns sizes and roots, and nothing
about entries. `gateway.http.witness` puts it on the network, `gateway.audit.witness.state` keeps what it saw.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import Final

from gateway.audit.errors import LogFault, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.checkpoint import SignedCheckpoint, encode_checkpoint, verify_checkpoint
from gateway.audit.tlog.cosignature import parse_cosignature
from gateway.audit.tlog.merkle import EMPTY_ROOT, verify_consistency
from gateway.audit.tlog.note import Note, NoteSignature, encode_signature_lines, verify_note
from gateway.audit.tlog.note_signer import Cosigner
from gateway.audit.witness.protocol import (
    SIZE_TYPE,
    TEXT_TYPE,
    AddCheckpoint,
    encode_size,
    origin_hash,
    parse_add_checkpoint,
)
from gateway.audit.witness.state import WitnessState, WitnessStateError, WitnessStateFault
from gateway.audit.witness.witnessed import WitnessedLogs

# Growths of one log by one sender, in each process; at the shortest interval it grows 12 times.
MOST_A_MINUTE: Final = 60
MAX_SENDERS: Final = 1_024  # of all logs that are remembered, some 3 MB; who is forgotten begins anew
SAME_SECONDS: Final = 5  # the shortest interval: a tree that did not grow is not cosigned anew sooner
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAnswer:
    """The answer to a request; ``refused`` is the fault behind a refusal, for metrics."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = TEXT_TYPE
    refused: LogFault | None = None


class Witness:
    """Cosigns the checkpoints of the logs that it knows; called by threads; several processes may share a state."""

    def __init__(self, cosigner: Cosigner, logs: WitnessedLogs, state: WitnessState) -> None:
        """Take the key, the logs that are known, and the state."""
        self.key = cosigner.key
        self._cosigner = cosigner
        self._logs = logs
        self._state = state
        self._rate = _Rate()

    def add_checkpoint(self, body: bytes, seconds: int, *, sender: str = "") -> WitnessAnswer:
        """Answer a request of ``sender``, an address, as of ``seconds`` since 1970 (tlog-witness, add-checkpoint).

        1. 400: the request is malformed, or its old size is above the new one.
        2. 404: the origin is unknown.
        3. 403: no key of the log signed, or a line by one does not verify.
        4. 409: the old size is not that of the latest checkpoint; the answer says which it is.
        5. 422: the tree does not begin with the latest one.
        6. 200: the latest checkpoint itself, cosigned less than `SAME_SECONDS` ago; the answer is that cosignature.
        7. 429: this sender let the log grow more often than `MOST_A_MINUTE`. It comes last: everybody can send what the
           log signed, and that neither takes turns from the log nor hides from it that it was rolled back or forked.
        8. 200: the checkpoint is durable; the answer is the cosignature.

        Raises:
            WitnessStateError: the state cannot be read, was changed, or cannot be written; nothing was cosigned.

        """
        try:
            request = parse_add_checkpoint(body)  # 1
        except MalformedLogDataError:
            return WitnessAnswer(status=HTTPStatus.BAD_REQUEST)
        checkpoint = request.checkpoint.checkpoint
        keys = self._logs.keys_of(checkpoint.origin, seconds)
        if not keys:  # 2
            return WitnessAnswer(status=HTTPStatus.NOT_FOUND)
        try:
            verified = verify_checkpoint(request.checkpoint, keys)  # 3
        except UnprovenError as error:
            return WitnessAnswer(status=HTTPStatus.FORBIDDEN, refused=error.fault)
        if request.old > checkpoint.size:  # 1
            return WitnessAnswer(status=HTTPStatus.BAD_REQUEST)
        with self._state.exclusively():  # comparing with the latest and putting it in place is one step
            return self._judge(request, tuple(verified.values()), seconds, sender)

    def latest(self, hashed_origin: str, seconds: int) -> bytes | None:
        """Return the latest cosigned checkpoint of a log, named by the hash of its origin; None where there is none.

        Raises:
            WitnessStateError: as above.

        """
        signed = self._read(hashed_origin, seconds)
        return None if signed is None else encode_checkpoint(signed)

    def _judge(
        self, request: AddCheckpoint, lines: Sequence[NoteSignature], seconds: int, sender: str
    ) -> WitnessAnswer:
        new = request.checkpoint.checkpoint
        latest = self._read(origin_hash(new.origin), seconds)
        old, old_root = (0, EMPTY_ROOT) if latest is None else (latest.checkpoint.size, latest.checkpoint.root)
        if request.old != old:  # 4
            return WitnessAnswer(status=HTTPStatus.CONFLICT, body=encode_size(old), content_type=SIZE_TYPE)
        try:
            verify_consistency(old=old, old_root=old_root, new=new.size, new_root=new.root, proof=request.proof)  # 5
        except UnprovenError as error:
            return WitnessAnswer(status=HTTPStatus.UNPROCESSABLE_ENTITY, refused=error.fault)
        if latest is not None and latest.note.text == request.checkpoint.note.text:
            kept = verify_note(latest.note, [self.key])[self.key]
            if 0 <= seconds - parse_cosignature(kept.value).seconds < SAME_SECONDS:  # 6
                return WitnessAnswer(status=HTTPStatus.OK, body=encode_signature_lines([kept]))
        elif not self._rate.takes((new.origin, sender), seconds):  # 7
            return WitnessAnswer(status=HTTPStatus.TOO_MANY_REQUESTS)
        cosignature = self._cosigner.cosign(request.checkpoint.note.text, seconds)  # 8
        # Only lines that were verified are kept: what others wrote under the checkpoint is not for us to spread.
        note = Note(text=request.checkpoint.note.text, signatures=(*lines, cosignature))
        self._state.write(SignedCheckpoint(checkpoint=new, note=note))
        return WitnessAnswer(status=HTTPStatus.OK, body=encode_signature_lines([cosignature]))

    def _read(self, hashed_origin: str, seconds: int) -> SignedCheckpoint | None:
        """Return the latest checkpoint, which we cosigned ourselves; None also for a log that is not witnessed now."""
        signed = self._state.read(hashed_origin)
        keys = () if signed is None else self._logs.keys_of(signed.checkpoint.origin, seconds)
        if signed is None or not keys:
            return None
        try:
            verify_note(signed.note, [self.key])
            verify_checkpoint(signed, keys)
        except UnprovenError as error:
            raise WitnessStateError(WitnessStateFault.CHANGED, signed.checkpoint.origin) from error
        return signed


class _Rate:
    """How often each sender let each log grow within a minute; of too many, the one that did so longest ago is dropped.

    Behind a proxy all senders have its address, and share what one of them may do.
    """

    def __init__(self) -> None:
        self._grown: dict[tuple[str, str], deque[int]] = {}  # by log and sender, those that grew one last at the end
        self._lock = Lock()

    def takes(self, who: tuple[str, str], seconds: int) -> bool:
        with self._lock:
            grown = self._grown.get(who, deque(maxlen=MOST_A_MINUTE))
            # A clock that was set back must not shut a log out until it has caught up.
            if len(grown) == MOST_A_MINUTE and 0 <= seconds - grown[0] < _MINUTE:
                return False
            grown.append(seconds)
            self._grown.pop(who, None)
            self._grown[who] = grown
            if len(self._grown) > MAX_SENDERS:
                del self._grown[next(iter(self._grown))]
            return True
