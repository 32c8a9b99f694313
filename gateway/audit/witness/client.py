"""Feeding witnesses: our newest checkpoint goes to each, their cosignatures come back, and a fork shows here first.

A witness that answers 409 with a size above ours, or 422 to a proof that we have verified ourselves, says that our log
was rolled back or forked. It can show why: its latest checkpoint of our log, which our own key must have signed. With
this evidence the log stops at once. Without it the answer is a claim: anybody can claim, and one partner must not be
able to stop the answers of a province, so the log stops only when as many claim it as the quorum needs, two at least.

Whoever can read a public log can submit its checkpoints too, as often as a witness lets it grow. Then the witness does
not take ours, and what it cosigned last is a checkpoint of ours all the same, not a minute old: that is fetched, and
counts with those that others cosigned of the same tree.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, Protocol

import aiohttp

from gateway.audit.errors import AuditError, MalformedLogDataError, UnprovenError
from gateway.audit.recovery import read_tiles, root_at
from gateway.audit.store.store import LogStore
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint, verify_checkpoint
from gateway.audit.tlog.cosignature import parse_cosignature
from gateway.audit.tlog.merkle import consistency_ranges, verify_consistency
from gateway.audit.tlog.note import (
    MAX_NOTE,
    Note,
    NoteSignature,
    encode_signature_lines,
    parse_signature_lines,
    verify_note,
)
from gateway.audit.tlog.quorum import NO_QUORUM, Policy, Witness
from gateway.audit.tlog.tile import hash_ranges, range_tiles
from gateway.audit.witness.protocol import (
    ADD_CHECKPOINT,
    SIZE_TYPE,
    AddCheckpoint,
    encode_add_checkpoint,
    origin_hash,
    parse_size,
)

WITNESS_SECONDS: Final = 10.0  # for all that one witness is asked in a round; a round is every 5 to 30 s
MAX_TRIES: Final = 3  # a second because of the size it has, a third because somebody else fed it in between
LEAST_CLAIMS: Final = 2  # also where the quorum is one: a witness alone must not stop a log by saying so
# How far a witness's clock may be from ours: ahead, staleness would be hidden; behind, it would be shown where none is,
# and a quorum would seem to have seen the log at a time when nobody had.
MAX_CLOCK_SECONDS: Final = 300
_PIECE: Final = 16 * 1024


class WitnessFault(StrEnum):
    """Why a witness gave no cosignature that counts; labels of metrics."""

    NO_ADDRESS = "no-address"
    UNREACHABLE = "unreachable"
    TOO_SLOW = "too-slow"
    BUSY = "busy"  # 429: the log grew too often in a minute, and what it saw last does not count
    STATUS = "status"  # it refused: it does not know the log or its key, or has a fault of its own
    MALFORMED = "malformed"  # the answer is not of the form of tlog-witness
    NOT_SIGNED = "not-signed"  # no line by its key, or one that does not verify
    CLOCK = "clock"
    CLAIMS_FORK = "claims-fork"  # without evidence
    OVERTAKEN = "overtaken"  # it has a later checkpoint of ours, which was sent to it meanwhile and does not count


class WitnessError(AuditError):
    """One witness gave no cosignature; ``detail`` holds numbers."""

    def __init__(self, fault: WitnessFault, witness: str, detail: str = "") -> None:
        super().__init__(": ".join(filter(None, (witness, str(fault), detail))))
        self.fault = fault
        self.witness = witness
        self.detail = detail


class ForkDetectedError(AuditError):
    """Our log was rolled back or forked: it must take no more entries. ``evidence`` is signed by our own key."""

    def __init__(self, witnesses: Sequence[str], evidence: SignedCheckpoint | None, size: int) -> None:
        seen = "" if evidence is None else f", and one has our signature of size {evidence.checkpoint.size}"
        super().__init__(f"{', '.join(witnesses)} saw another log than ours of {size} entries{seen}")
        self.witnesses = tuple(witnesses)
        self.evidence = evidence
        self.size = size


class LogView(Protocol):
    """What feeding needs of our log; it blocks, and is called in a thread. Raises LogUnavailableError."""

    def root_at(self, size: int) -> bytes:
        """Return the root of the first entries; ValueError for more than the log has."""
        ...

    def prove_growth(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of ``new`` entries begins with that of ``old``."""
        ...


@dataclass(frozen=True, slots=True)
class StoreView:
    """The log as its store has it."""

    store: LogStore

    def root_at(self, size: int) -> bytes:
        """Return the root of the first entries; ValueError for more than the log has."""
        head = self.store.head()
        return root_at(self.store, size, size=0 if head is None else head.size)

    def prove_growth(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof of growth; ValueError for sizes that the log does not have."""
        ranges = consistency_ranges(old, new)
        return hash_ranges(ranges, read_tiles(self.store, range_tiles(ranges, new)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """The outcome of a round: a checkpoint with its cosignatures, whether they are enough, and who gave none.

    The checkpoint is the largest one that enough witnesses cosigned, ours where none is.
    """

    checkpoint: SignedCheckpoint
    is_witnessed: bool
    cosigned: Mapping[str, int]  # witness to the time of its cosignature, of this or another, in seconds since 1970
    failures: Mapping[str, WitnessError]


@dataclass(frozen=True, slots=True)
class _Given:
    """The cosignature of a witness, and the checkpoint of ours that it is for."""

    checkpoint: SignedCheckpoint
    line: NoteSignature


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes


class _Evidence(Exception):  # noqa: N818 - not a fault of the witness, but what it showed us
    def __init__(self, witness: str, checkpoint: SignedCheckpoint) -> None:
        self.witness = witness
        self.checkpoint = checkpoint


@dataclass(slots=True, kw_only=True)
class WitnessFeeder:
    """Feeds the witnesses of a policy with one log's checkpoints; remembers which size each of them has."""

    policy: Policy
    log: LogView
    session: aiohttp.ClientSession
    sizes: dict[str, int] = field(default_factory=dict)  # of the latest checkpoint that each witness cosigned

    async def feed(self, signed: SignedCheckpoint, seconds: int, *, skip: Collection[str] = ()) -> Fed:
        """Ask every witness at once for its cosignature of our newest checkpoint, as of ``seconds`` since 1970.

        Witnesses that are down, slow or wrong are in the outcome; nobody waits for them beyond `WITNESS_SECONDS`.
        Those in ``skip`` are not asked.

        Raises:
            ForkDetectedError: with evidence from one witness, or claimed by as many as the quorum needs.
            LogUnavailableError: our own log cannot be read.
            UnprovenError: our own tiles prove something else than our checkpoint.

        """
        witnesses = [witness for witness in self.policy.witnesses if witness.name not in skip]
        outcomes = await asyncio.gather(*(self._ask(witness, signed, seconds) for witness in witnesses))
        given: dict[str, _Given] = {}
        failures: dict[str, WitnessError] = {}
        evidence: list[_Evidence] = []
        for witness, outcome in zip(witnesses, outcomes, strict=True):
            match outcome:
                case _Evidence():
                    evidence.append(outcome)
                case WitnessError():
                    failures[witness.name] = outcome
                case _Given():
                    given[witness.name] = outcome
        self._raise_fork(evidence, failures, signed.checkpoint.size)
        checkpoint, is_witnessed = self._select(signed, given)
        cosigned = {name: parse_cosignature(one.line.value).seconds for name, one in given.items()}
        return Fed(
            checkpoint=checkpoint,
            is_witnessed=is_witnessed,
            cosigned=MappingProxyType(cosigned),
            failures=MappingProxyType(failures),
        )

    def _select(self, signed: SignedCheckpoint, given: Mapping[str, _Given]) -> tuple[SignedCheckpoint, bool]:
        """Return the largest checkpoint that enough witnesses cosigned, with their lines; ours where none is."""
        together: dict[str, dict[str, NoteSignature]] = {signed.note.text: {}}  # by text, those of each witness
        checkpoints = {one.checkpoint.note.text: one.checkpoint for one in given.values()} | {signed.note.text: signed}
        for name, one in given.items():
            together.setdefault(one.checkpoint.note.text, {})[name] = one.line
        for text in sorted(together, key=lambda text: checkpoints[text].checkpoint.size, reverse=True):
            if self.policy.is_reached(together[text]):
                return checkpoints[text].with_signatures(together[text].values()), True
        return signed.with_signatures(together[signed.note.text].values()), False

    def _raise_fork(self, evidence: Sequence[_Evidence], failures: Mapping[str, WitnessError], size: int) -> None:
        claims = [name for name, error in failures.items() if error.fault is WitnessFault.CLAIMS_FORK]
        if evidence:
            names = [*(one.witness for one in evidence), *claims]
            raise ForkDetectedError(
                names, max(evidence, key=lambda one: one.checkpoint.checkpoint.size).checkpoint, size
            )
        if len(claims) >= LEAST_CLAIMS and self.policy.quorum != NO_QUORUM and self.policy.is_reached(claims):
            raise ForkDetectedError(claims, None, size)

    async def _ask(self, witness: Witness, signed: SignedCheckpoint, seconds: int) -> _Given | WitnessError | _Evidence:
        try:
            async with asyncio.timeout(WITNESS_SECONDS):
                return await self._submit(witness, signed, seconds)
        except TimeoutError:
            return WitnessError(WitnessFault.TOO_SLOW, witness.name)
        except aiohttp.ClientError as error:
            return WitnessError(WitnessFault.UNREACHABLE, witness.name, type(error).__name__)
        except (WitnessError, _Evidence) as outcome:
            return outcome

    async def _submit(self, witness: Witness, signed: SignedCheckpoint, seconds: int) -> _Given:
        """Submit, with the size that the witness has."""
        new = signed.checkpoint
        for _ in range(MAX_TRIES):
            old = min(self.sizes.get(witness.name, 0), new.size)
            proof = await asyncio.to_thread(self._prove, old, signed)
            body = encode_add_checkpoint(AddCheckpoint(old=old, proof=proof, checkpoint=_bare(signed, self.policy)))
            answer = await self._request("POST", witness, ADD_CHECKPOINT, body)
            match answer.status:
                case HTTPStatus.OK:
                    line = _read_cosignature(answer.body, witness, signed, seconds)
                    self.sizes[witness.name] = new.size
                    return _Given(signed, line)
                case HTTPStatus.CONFLICT:
                    size = _read_size(answer, witness)
                    if size > new.size:
                        claim = f"it has {size} entries, ours has {new.size}"
                        return await self._take_later(witness, signed, seconds, claim)
                    if size == old:
                        raise WitnessError(WitnessFault.MALFORMED, witness.name, f"409 with the size {size} sent to it")
                    self.sizes[witness.name] = size
                case HTTPStatus.UNPROCESSABLE_ENTITY:
                    return await self._take_later(witness, signed, seconds, f"it refuses our proof from size {old}")
                case HTTPStatus.TOO_MANY_REQUESTS:
                    busy = WitnessError(WitnessFault.BUSY, witness.name)
                    return self._take(witness, await self._fetch(witness, signed, busy), seconds, busy)
                case status:
                    raise WitnessError(WitnessFault.STATUS, witness.name, str(status))
        raise WitnessError(WitnessFault.MALFORMED, witness.name, "409 each time with another size")

    def _prove(self, old: int, signed: SignedCheckpoint) -> tuple[bytes, ...]:
        """Return the proof of growth, which we verify ourselves before anybody else does."""
        new = signed.checkpoint
        if old == 0:
            return ()
        proof = self.log.prove_growth(old, new.size)
        root = self.log.root_at(old)
        verify_consistency(old=old, old_root=root, new=new.size, new_root=new.root, proof=proof)
        return proof

    async def _take_later(self, witness: Witness, signed: SignedCheckpoint, seconds: int, claim: str) -> _Given:
        """Take a cosignature of a later checkpoint of ours; raises the evidence of a fork, or the claim without it."""
        claimed = WitnessError(WitnessFault.CLAIMS_FORK, witness.name, claim)
        seen = await self._fetch(witness, signed, claimed)
        size = seen.checkpoint.size
        if size <= signed.checkpoint.size:
            raise claimed
        overtaken = WitnessError(WitnessFault.OVERTAKEN, witness.name, f"it has {size} entries of ours already")
        return self._take(witness, seen, seconds, overtaken)

    async def _fetch(self, witness: Witness, signed: SignedCheckpoint, refusal: WitnessError) -> SignedCheckpoint:
        """Have the witness show the latest that it cosigned of our log, which our tree must contain.

        Raises evidence where it does not, and the refusal where what is shown is not signed by our log.
        """
        answer = await self._request("GET", witness, f"{origin_hash(signed.checkpoint.origin)}/checkpoint", None)
        if answer.status != HTTPStatus.OK:
            raise refusal
        try:
            seen = parse_checkpoint(answer.body)
            verify_checkpoint(seen, [log.key for log in self.policy.logs])
        except (MalformedLogDataError, UnprovenError) as error:
            raise refusal from error
        if seen.checkpoint.origin != signed.checkpoint.origin:
            raise refusal
        if not await asyncio.to_thread(self._has, seen.checkpoint.size, seen.checkpoint.root):
            raise _Evidence(witness.name, seen)
        return seen

    def _take(self, witness: Witness, seen: SignedCheckpoint, seconds: int, refusal: WitnessError) -> _Given:
        """Return the cosignature under what a witness shows; raises the refusal where it does not count."""
        try:
            line = _read_cosignature(encode_signature_lines(seen.note.signatures), witness, seen, seconds)
        except WitnessError as error:
            raise refusal from error
        self.sizes[witness.name] = seen.checkpoint.size
        return _Given(_bare(seen, self.policy), line)

    def _has(self, size: int, root: bytes) -> bool:
        """Answer whether our tree had this root at this size."""
        try:
            return self.log.root_at(size) == root
        except ValueError:  # larger than our tree
            return False

    async def _request(self, method: str, witness: Witness, path: str, body: bytes | None) -> _Answer:
        """Ask, and read the answer up to a bound; redirects are not followed."""
        if witness.url is None:
            raise WitnessError(WitnessFault.NO_ADDRESS, witness.name)
        url = f"{witness.url.rstrip('/')}/{path}"
        async with self.session.request(method, url, data=body, allow_redirects=False) as response:
            data = bytearray()
            async for piece in response.content.iter_chunked(_PIECE):
                data += piece
                if len(data) > MAX_NOTE:
                    raise WitnessError(WitnessFault.MALFORMED, witness.name, f"more than {MAX_NOTE} bytes")
            return _Answer(response.status, response.content_type, bytes(data))


def _bare(signed: SignedCheckpoint, policy: Policy) -> SignedCheckpoint:
    """Return the checkpoint with our own lines alone; a witness needs no other's."""
    keys = {(log.key.name, log.key.key_id) for log in policy.logs}
    lines = [line for line in signed.note.signatures if (line.name, line.key_id) in keys]
    return SignedCheckpoint(checkpoint=signed.checkpoint, note=Note(text=signed.note.text, signatures=tuple(lines)))


def _read_size(answer: _Answer, witness: Witness) -> int:
    if answer.content_type != SIZE_TYPE:
        raise WitnessError(WitnessFault.MALFORMED, witness.name, f"409 without {SIZE_TYPE}")
    try:
        return parse_size(answer.body)
    except MalformedLogDataError as error:
        raise WitnessError(WitnessFault.MALFORMED, witness.name, str(error)) from error


def _read_cosignature(body: bytes, witness: Witness, signed: SignedCheckpoint, seconds: int) -> NoteSignature:
    """Return the line by the witness's key, verified over our own text; all other lines are dropped."""
    try:
        note = Note(text=signed.note.text, signatures=parse_signature_lines(body))
        line = verify_note(note, [witness.key])[witness.key]
        told = parse_cosignature(line.value).seconds
    except MalformedLogDataError as error:
        raise WitnessError(WitnessFault.MALFORMED, witness.name, str(error)) from error
    except UnprovenError as error:
        raise WitnessError(WitnessFault.NOT_SIGNED, witness.name, str(error)) from error
    if abs(told - seconds) > MAX_CLOCK_SECONDS:
        where = "ahead" if told > seconds else "behind"
        raise WitnessError(WitnessFault.CLOCK, witness.name, f"{abs(told - seconds)} seconds {where}")
    return line
