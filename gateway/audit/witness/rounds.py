"""Rounds: every few seconds the newest checkpoint of our log goes to every witness, and what comes back is kept.

One task in the process that writes the log; answers never wait for it. Of a checkpoint that enough witnesses cosigned
the file is durable first, then receipts speak of it; should the process die in between, or before, the witnesses have
seen more than we know, and the next round learns it from them. A shard that was closed is fed until its last checkpoint
is witnessed.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from gateway.audit.book.place import POLICY_FILE
from gateway.audit.errors import AuditError
from gateway.audit.metrics import AuditMetrics
from gateway.audit.reader import LogReader
from gateway.audit.tlog.checkpoint import SignedCheckpoint, parse_checkpoint
from gateway.audit.tlog.quorum import MAX_POLICY, Policy, encode_policy, parse_policy
from gateway.audit.unavailable import LogUnavailableError
from gateway.audit.witness.absence import Absences, Random
from gateway.audit.witness.client import Fed, ForkDetectedError, StoreView, WitnessFault, WitnessFeeder
from gateway.audit.witness.cosigned import Cosigned, CosignedLogs, judge_cosigned, read_cosigned, write_cosigned
from gateway.audit.witness.fork import forked_error, is_frozen, write_fork
from gateway.audit.witness.report import WitnessReport, WitnessStanding, describe_standing
from gateway.status.schedule import draw
from gateway.trust.files import read_file, replace_file

# A witness that says one of these was there; its claims must meet those of others in one round, and one that is busy is
# asked again in the next, for whoever keeps it busy must not win ten minutes by that.
_PRESENT: Final = frozenset({WitnessFault.CLAIMS_FORK, WitnessFault.OVERTAKEN, WitnessFault.BUSY})
_SPREAD: Final = 0.1  # of the interval, so that 34 provinces do not ask at the same second
_CONNECTIONS: Final = 64  # at once; a policy has no more witnesses than that in practice
_LOG: Final = logging.getLogger(__name__)

Clock = Callable[[], datetime]


class FedLog(Protocol):
    """What rounds need of the log of a site; all but ``freeze`` block, and raise LogUnavailableError."""

    def shards(self) -> tuple[str, ...]:
        """Return the shards that were begun, the oldest first."""
        ...

    def reader(self, shard: str | None = None) -> LogReader:
        """Return a shard for reading."""
        ...

    def freeze(self, error: LogUnavailableError) -> None:
        """Take nothing any more."""
        ...


@dataclass(slots=True, kw_only=True)
class _Shard:
    """What rounds know of one shard."""

    name: str
    folder: Path
    policy: Policy  # the keys of this shard, and the witnesses that it had when it was closed, or has now
    opened_at: datetime
    cosigned: Cosigned | None
    absences: Absences
    sizes: dict[str, int] = field(default_factory=dict)  # what each witness has
    seen: dict[str, int] = field(default_factory=dict)  # when each cosigned last, in seconds since 1970
    faults: dict[str, WitnessFault] = field(default_factory=dict)  # why each gave nothing the last time
    size: int = 0  # what the shard has

    @property
    def is_witnessed_whole(self) -> bool:
        """Whether nothing is left to do, should it never grow again."""
        return not self.policy.witnesses or self.size == (0 if self.cosigned is None else self.cosigned.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fork:
    """The evidence of a fork, and the folder of the shard that it belongs to."""

    folder: Path
    error: ForkDetectedError
    ours: SignedCheckpoint
    at: datetime


def open_session() -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """Open a client for witnesses; nothing of the environment and no cookie changes what it does."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


class WitnessRounds(CosignedLogs):
    """Feeds the witnesses of a policy with the shards of a site's log; one event loop, its files in threads."""

    def __init__(
        self,
        log: FedLog,
        *,
        folder: Path,
        policy: Policy,
        interval_seconds: int,
        clock: Clock,
        metrics: AuditMetrics,
        random: Random = draw,
    ) -> None:
        """Feed ``log``, whose shards have their folders in ``folder``, to the witnesses of ``policy``."""
        super().__init__()
        self._log = log
        self._folder = folder
        self._policy = policy
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._metrics = metrics
        self._random = random
        self._shards: dict[str, _Shard] = {}
        self._done: set[str] = set()  # the closed ones whose last checkpoint is witnessed
        self._current: _Shard | None = None
        self._forked_at: datetime | None = None
        self._evidence: _Fork | None = None  # that is not kept yet
        self._begun_at = clock()

    # --- what others ask ----------------------------------------------------------------------------------------------

    def report(self, at: datetime) -> WitnessReport:
        """Say how witnessing stands."""
        shard, names = self._current, [one.name for one in self._policy.witnesses]
        seen, faults = ({}, {}) if shard is None else (shard.seen, shard.faults)
        return describe_standing(
            at=at,
            interval_seconds=self._interval_seconds,
            begun_at=self._begun_at if shard is None else shard.opened_at,
            cosigned=None if shard is None else shard.cosigned,
            forked_at=self._forked_at,
            witnesses=tuple(WitnessStanding(name=one, cosigned=seen.get(one), fault=faults.get(one)) for one in names),
        )

    def set_gauges(self, at: datetime) -> None:
        """Bring the metrics that are ages up to date."""
        report, metrics = self.report(at), self._metrics
        metrics.forked.set(self._forked_at is not None)
        if self._policy.witnesses:
            metrics.witnessed_size.set(report.size or 0)
            metrics.cosigned_age.set((at - report.reference).total_seconds())
        for witness in report.witnesses:
            seen = report.begun_at if witness.cosigned is None else datetime.fromtimestamp(witness.cosigned, UTC)
            metrics.witness_age.labels(witness=witness.name).set((at - seen).total_seconds())

    # --- the task -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Go round until cancelled."""
        async with open_session() as session:
            while True:
                await self.look(session)
                await asyncio.sleep(self._interval_seconds * (1 - _SPREAD + 2 * _SPREAD * self._random()))

    async def look(self, session: aiohttp.ClientSession) -> None:
        """Go round once; whatever fails is logged, and tried again in the next round."""
        try:
            if self._forked_at is None:
                await self._go_round(session)
            await self._keep_evidence()
        except (AuditError, OSError) as error:
            _LOG.error("a round of witnesses failed: %s", error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end all rounds to come
            _LOG.error("a round of witnesses failed: %s", type(error).__name__)
        self.set_gauges(self._clock())

    async def _go_round(self, session: aiohttp.ClientSession) -> None:
        """Feed the shards that are not done, the one that is written first."""
        shards = await asyncio.to_thread(self._log.shards)
        for name in reversed(shards):
            if name in self._done:
                continue
            shard = self._shards.get(name)
            if shard is None:
                if await asyncio.to_thread(is_frozen, self._folder / name):  # since before this start
                    self._freeze(self._folder / name, self._clock())
                    return
                shard = await asyncio.to_thread(self._open, name, is_current=name == shards[-1])
                self._shards[name] = shard
            if name == shards[-1]:
                self._current = shard
            await self._feed(shard, session)
            if self._forked_at is not None:
                return
            if name != shards[-1] and shard.is_witnessed_whole:
                self._done.add(name)

    def _open(self, name: str, *, is_current: bool) -> _Shard:
        """Read what is kept of a shard.

        The trust policy of the current one is made to name the witnesses that the site has now; one that was closed
        keeps those that saw it grow, since others could not tell whether they were shown all of it.
        """
        folder = self._folder / name
        kept = read_file(folder / POLICY_FILE, MAX_POLICY)
        policy = parse_policy(kept)
        if is_current:
            policy = replace(self._policy, logs=policy.logs)
            encoded = encode_policy(policy)
            if encoded != kept:
                replace_file(folder / POLICY_FILE, encoded)
        return _Shard(
            name=name,
            folder=folder,
            policy=policy,
            opened_at=self._clock(),
            cosigned=read_cosigned(folder, policy),
            absences=Absences(interval_seconds=self._interval_seconds, random=self._random),
        )

    async def _feed(self, shard: _Shard, session: aiohttp.ClientSession) -> None:
        reader = await asyncio.to_thread(self._log.reader, shard.name)
        head = await asyncio.to_thread(reader.head)
        if head is None:
            return
        ours, view = parse_checkpoint(head.checkpoint), StoreView(reader.store)
        shard.size = head.size
        try:
            await asyncio.to_thread(_verify_kept, shard, ours, view)
            self._tell(shard)
            feeder = WitnessFeeder(policy=shard.policy, log=view, session=session, sizes=shard.sizes)
            fed = await feeder.feed(ours, int(self._clock().timestamp()), skip=shard.absences.begin_round())
        except ForkDetectedError as error:
            _LOG.critical("the access log was forked or rolled back: %s", error)
            self._evidence = _Fork(folder=shard.folder, error=error, ours=ours, at=self._clock())
            self._freeze(shard.folder, self._evidence.at)
            return
        self._note(shard, fed)
        if fed.is_witnessed and shard.policy.witnesses:
            cosigned = judge_cosigned(fed.checkpoint, shard.policy)
            if shard.cosigned is None or cosigned.size >= shard.cosigned.size:  # a busy witness may show an older one
                await asyncio.to_thread(write_cosigned, shard.folder, cosigned)
                shard.cosigned = cosigned
            self._tell(shard)

    def _tell(self, shard: _Shard) -> None:
        """Let receipts speak of what is durable, and was compared with the log."""
        if shard.cosigned is not None:
            self._know(shard.cosigned)
            for name, seconds in shard.cosigned.times.items():
                shard.seen[name] = max(seconds, shard.seen.get(name, 0))

    def _note(self, shard: _Shard, fed: Fed) -> None:
        for name, seconds in fed.cosigned.items():
            shard.seen[name] = seconds
            shard.faults.pop(name, None)
            shard.absences.answered(name)
        for name, error in fed.failures.items():
            self._metrics.witness_faults.labels(witness=name, fault=error.fault.value).inc()
            if shard.faults.get(name) is not error.fault:  # once, not in every round
                _LOG.warning("no cosignature of %s by witness %s", shard.name, error)
            shard.faults[name] = error.fault
            if error.fault not in _PRESENT:
                shard.absences.failed(name)

    # --- a fork -------------------------------------------------------------------------------------------------------

    def _freeze(self, folder: Path, at: datetime) -> None:
        """Stop the log first; evidence that cannot be written yet changes nothing about that."""
        self._forked_at = at
        error = forked_error(folder)
        _LOG.critical("the access log is frozen: %s", error)
        with suppress(LogUnavailableError):  # it stopped already
            self._log.freeze(error)

    async def _keep_evidence(self) -> None:
        """Keep the evidence, in one of the next rounds if it cannot be written now."""
        fork = self._evidence
        if fork is not None:
            await asyncio.to_thread(write_fork, fork.folder, fork.error, fork.ours, at=fork.at)
            self._evidence = None


def _verify_kept(shard: _Shard, ours: SignedCheckpoint, view: StoreView) -> None:
    """Hold the log against the newest cosigned checkpoint that we kept ourselves.

    Raises:
        ForkDetectedError: the log does not contain it, as after a restored backup; no witness need be asked.

    """
    if shard.cosigned is None:
        return
    kept, size = shard.cosigned.signed.checkpoint, ours.checkpoint.size
    if kept.size > size or view.root_at(kept.size) != kept.root:
        raise ForkDetectedError(sorted(shard.cosigned.times), shard.cosigned.signed, size)
