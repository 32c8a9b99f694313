"""A province with an access log in a folder, to be witnessed, restarted and restored as a test likes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft
from gateway.audit.tlog.quorum import Policy, parse_policy
from gateway.audit.witness.rounds import WitnessRounds
from gateway.audit.witness.witnessed import WitnessedLog, WitnessedLogs
from gateway.metrics import Metrics
from tests.support.audit import ORIGIN, START_MS, make_draft
from tests.support.witness import SINCE, StartServer, make_witness, serve_witness

START = datetime.fromtimestamp(START_MS / 1000, UTC)
INTERVAL = 15
SHARD = "2026h2"
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
DEAD = "http://127.0.0.1:1/"


@dataclass
class Province:
    """A province with a log in a folder, which is opened and closed as a test likes."""

    site: Path
    now: datetime = START
    metrics: Metrics = field(default_factory=Metrics)
    book: LogBook | None = None

    @property
    def folder(self) -> Path:
        """The folder of the first shard."""
        return self.site / "state/audit" / SHARD

    async def open(self) -> LogBook:
        """Open the log."""
        book = LogBook(FolderPlace(self.site, AuditSettings(), region="370000"), clock=lambda: self.now)
        await book.open()
        self.book = book
        return book

    async def close(self) -> None:
        """Close it."""
        if self.book is not None:
            await self.book.close()
            self.book = None

    def rounds(self, policy: Policy) -> WitnessRounds:
        """Return rounds with the log that is open."""
        assert self.book is not None
        return WitnessRounds(
            self.book,
            folder=self.site / "state/audit",
            policy=replace(policy, logs=()),
            interval_seconds=INTERVAL,
            clock=lambda: self.now,
            metrics=self.metrics.audit,
            random=lambda: 0.5,
        )

    def logs(self, since: datetime = SINCE) -> WitnessedLogs:
        """Return how others know this log."""
        assert self.book is not None
        keys = tuple(signer.key for signer in self.book.current.signers)
        origin = ORIGIN.removesuffix(SHARD)
        return WitnessedLogs([WitnessedLog(origin=origin, is_prefix=True, keys=keys, since=since)])

    async def read(self, name: str) -> bytes:
        """Return a file of the first shard; empty where there is none."""
        path = self.folder / name
        return await asyncio.to_thread(lambda: path.read_bytes() if path.exists() else b"")

    async def write(self, name: str, data: bytes) -> None:
        """Write a file of the first shard."""
        await asyncio.to_thread((self.folder / name).write_bytes, data)

    async def size(self, shard: str | None = None) -> int:
        """Return how many entries a shard has."""
        assert self.book is not None
        head = await asyncio.to_thread(self.book.reader(shard).head)
        assert head is not None
        return head.size

    async def own_policy(self) -> Policy:
        """Return the trust policy that lies beside the log."""
        return parse_policy(await self.read("trust.policy"))

    async def append(self, numbers: Sequence[int], label: str = "c") -> None:
        """Append entries."""
        assert self.book is not None
        for number in numbers:
            await self.book.append(entry(number, label))

    def metric(self, name: str) -> float:
        """Return the value of a metric."""
        lines = self.metrics.expose().decode().splitlines()
        (value,) = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == name]
        return float(value)


def entry(number: int, label: str) -> EntryDraft:
    """Return an entry that names no policy and no trust store."""
    draft = make_draft(number, caller=label)
    return replace(draft, leaf=replace(draft.leaf, policy="", trust=""))


async def served(aiohttp_server: StartServer, province: Province, numbers: Sequence[int] = (1, 2)) -> list[str]:
    """Serve witnesses that know the log of the province, and return their addresses."""
    witnesses = [make_witness(number, logs=province.logs()) for number in numbers]
    return [await serve_witness(aiohttp_server, witness, lambda: province.now) for witness in witnesses]
