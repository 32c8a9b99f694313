"""``tongban bench audit``: durable entries a second, on SQLite and on PostgreSQL, and what an entry takes on disk."""

import asyncio
import gc
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import asyncpg
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.audit_material import make_draft
from benchmarks.report import Reach, report, spread
from gateway.audit.data_keys import AesKeyWrapper, KeyStore
from gateway.audit.entry import EntryDraft
from gateway.audit.leaf import encode_leaf
from gateway.audit.log import AccessLog, LogSetup
from gateway.audit.lookup import Epoch, LookupKeys
from gateway.audit.store.postgres import PostgresStore
from gateway.audit.store.postgres_keys import PostgresKeys
from gateway.audit.store.sqlite import SqliteStore
from gateway.audit.store.sqlite_keys import SqliteKeys
from gateway.audit.store.store import LogStore
from gateway.audit.tlog.merkle import verify_inclusion
from gateway.audit.tlog.note_signer import NoteSigner
from gateway.demo.postgres_server import PostgresServer, find_programs
from keys.own.signer import SoftwareSigner

CALLERS: Final = 64
ENTRIES: Final = 25_600  # of a round
MAX_ROUNDS: Final = 7  # each takes some seconds on each store
RATE_GOAL: Final = 10_000.0
P99_GOAL_MS: Final = 20.0
BYTES_GOAL: Final = 1024.0
PROOF_GOAL_MS: Final = 1000.0
_ORIGIN: Final = "gw.370000/access/2026h2"
_SYNCS: Final = 100
_WARMING: Final = 4 * CALLERS  # entries before the clock runs: statements are prepared, first keys made
_PROOFS: Final = 50
_ALONE: Final = 2_000  # entries that come one at a time, so that each is a batch
_WAL_SEGMENTS: Final = 40  # of 16 MiB, more than all rounds write


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a log is kept: how to open it, and how to weigh it when it is closed."""

    open_store: Callable[[], LogStore]
    open_keys: Callable[[], KeyStore]
    head: Path
    weigh: Callable[[], int]


@dataclass(slots=True, kw_only=True)
class Found:
    """What the rounds on one kind of store gave."""

    rates: list[float] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    p99s_ms: list[float] = field(default_factory=list)
    processor_us: list[float] = field(default_factory=list)  # of this process, for an entry
    bytes_each: list[float] = field(default_factory=list)
    bytes_alone: list[float] = field(default_factory=list)
    proofs_ms: list[float] = field(default_factory=list)


def run(*, rounds: int, entries: int = ENTRIES) -> dict[str, Any]:
    """Measure and return the report; afterwards every log is opened again, which verifies where it ended.

    Raises:
        RuntimeError: an entry is missing.

    """
    folder = Path(tempfile.mkdtemp(prefix="tongban-bench-"))
    rounds = min(rounds, MAX_ROUNDS)
    found: dict[str, Found] = {"sqlite": Found()}
    syncs_ms: list[float] = []
    try:
        with running_postgres(folder) as server:
            if server is not None:
                found["postgres"] = Found()
            for number in range(rounds):
                syncs_ms += measure_sync(folder)
                for kind, one in found.items():
                    place = make_place(folder / f"{kind}-{number}", server if kind == "postgres" else None)
                    measure(place, one, entries)
            for kind, one in found.items():
                measure_alone(make_place(folder / f"{kind}-alone", server if kind == "postgres" else None), one)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    reach = [figure for kind, one in found.items() for figure in _figures(kind, one)]
    return report(
        "audit",
        rounds=rounds,
        reach=reach,
        detail={
            **{kind: _detail(one) for kind, one in found.items()},
            **({} if "postgres" in found else {"postgres": "not installed"}),
            "fdatasync_ms": spread(syncs_ms),
            "entries": entries,
            "leaf_bytes": len(_leaf()),
            "how": f"{CALLERS} callers on one event loop, each with one entry on its way, after {_WARMING} entries "
            "that are not counted; entries are made beforehand, and the garbage collector passes over them; wall-clock "
            "time; the stores take turns in every round on new logs, on the disk of the temporary folder, with "
            "full fsync; the server's write-ahead log has been in use, so that its files are there; a wait is "
            "from handing in an entry to its receipt; a proof is from the receipt to an inclusion proof that was "
            "verified; bytes are those of all files of the log (SQLite), or of all relations after VACUUM "
            "(PostgreSQL), without write-ahead logs, keys that were made ahead included; alone: entries that come "
            "one at a time; fdatasync of 512 bytes on the same disk is measured before each round",
        },
    )


def measure(place: Place, found: Found, entries: int) -> None:
    """Write a new log and note what it took."""
    drafts = [make_draft(number, caller=f"caller-{number % CALLERS}") for number in range(_WARMING + entries)]
    gc.collect()
    gc.freeze()
    log = AccessLog(make_setup(place))
    try:
        uvloop.run(_append_all(log, drafts[:_WARMING]))
        used, start = time.process_time(), time.perf_counter()
        waits = uvloop.run(_append_all(log, drafts[_WARMING:]))
        seconds = time.perf_counter() - start
        found.processor_us.append((time.process_time() - used) / entries * 1e6)
        found.proofs_ms += asyncio.run(_prove_each(log, drafts[:_PROOFS]))
    finally:
        log.close()
        gc.unfreeze()
    found.rates.append(entries / seconds)
    waits.sort()
    found.waits_ms.append(waits[len(waits) // 2] * 1e3)
    found.p99s_ms.append(waits[int(len(waits) * 0.99)] * 1e3)
    size = len(drafts) + _PROOFS
    found.bytes_each.append(place.weigh() / size)
    _verify_size(place, size)


def measure_alone(place: Place, found: Found) -> None:
    """Write a new log whose entries come one at a time, and note what it weighs."""
    log = AccessLog(make_setup(place))
    try:
        asyncio.run(_append_each(log, [make_draft(number) for number in range(_ALONE)]))
    finally:
        log.close()
    found.bytes_alone.append(place.weigh() / _ALONE)
    _verify_size(place, _ALONE)


def _verify_size(place: Place, entries: int) -> None:
    """Open a log again, which verifies where it ended; raises RuntimeError for another number of entries."""
    log = AccessLog(make_setup(place))
    head = log.head()
    log.close()
    if head is None or head.size != entries:
        raise RuntimeError(f"{entries} entries were expected, got {0 if head is None else head.size}")


def measure_sync(folder: Path) -> list[float]:
    """Return how long the disk takes to confirm a small write, in milliseconds."""
    taken = []
    descriptor = os.open(folder / "sync", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.write(descriptor, bytes(512))
        os.fsync(descriptor)
        for _ in range(_SYNCS):
            start = time.perf_counter()
            os.pwrite(descriptor, bytes(512), 0)
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - start) * 1e3)
    finally:
        os.close(descriptor)
    return taken


async def _append_all(log: AccessLog, drafts: Sequence[EntryDraft]) -> list[float]:
    waits: list[float] = []

    async def call(mine: Sequence[EntryDraft]) -> None:
        for draft in mine:
            start = time.perf_counter()
            await log.append(draft)
            waits.append(time.perf_counter() - start)

    await asyncio.gather(*(call(drafts[caller::CALLERS]) for caller in range(CALLERS)))
    return waits


async def _append_each(log: AccessLog, drafts: Sequence[EntryDraft]) -> None:
    for draft in drafts:
        await log.append(draft)


async def _prove_each(log: AccessLog, drafts: Sequence[EntryDraft]) -> list[float]:
    """Return how many milliseconds it takes from each receipt to a verified proof of its entry."""
    taken: list[float] = []
    for draft in drafts:
        receipt = await log.append(draft)
        start = time.perf_counter()
        proof = await asyncio.to_thread(log.prove, receipt.index)
        head = proof.checkpoint.checkpoint
        verify_inclusion(
            leaf=receipt.leaf_hash, index=receipt.index, size=head.size, proof=proof.hashes, root=head.root
        )
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def make_setup(place: Place, *, clock_ms: Callable[[], int] = _now_ms) -> LogSetup:
    """Return how to open the log of a place."""
    return LogSetup(
        origin=_ORIGIN,
        open_store=place.open_store,
        open_keys=place.open_keys,
        head=place.head,
        wrapper=AesKeyWrapper(b"k" * 32),
        lookup=LookupKeys({Epoch(1): b"i" * 32}),
        signers=(NoteSigner(_ORIGIN, SoftwareSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32))),),
        clock_ms=clock_ms,
    )


def make_place(folder: Path, server: PostgresServer | None) -> Place:
    """Return a new place for a log: in files, or on the server."""
    folder.mkdir()
    if server is None:
        return Place(
            open_store=lambda: SqliteStore(folder / "log.sqlite"),
            open_keys=lambda: SqliteKeys(folder / "keys.sqlite"),
            head=folder / "head",
            weigh=lambda: sum(path.stat().st_size for path in folder.iterdir()),
        )
    log, keys = server.new_database(), server.new_database()
    return Place(
        open_store=lambda: PostgresStore(log, origin=_ORIGIN),
        open_keys=lambda: PostgresKeys(keys),
        head=folder / "head",
        weigh=lambda: sum(asyncio.run(_weigh(dsn)) for dsn in (log, keys)),
    )


async def _weigh(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("VACUUM")
        query = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relname ~ $1"
        return int(await connection.fetchval(query, "^audit_"))
    finally:
        await connection.close()


async def _make_wal(dsn: str) -> None:
    """Have the server make the files of its write-ahead log and use them again, as one that has run for a while."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("ALTER SYSTEM SET min_wal_size = '1GB'")
        await connection.execute("ALTER SYSTEM SET max_wal_size = '4GB'")
        await connection.execute("SELECT pg_reload_conf()")
        for _ in range(_WAL_SEGMENTS):
            await connection.execute("SELECT pg_logical_emit_message(false, 'bench', '')")
            await connection.execute("SELECT pg_switch_wal()")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


@contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer | None]:
    """Run a server below the folder; None where there is none to run."""
    programs = find_programs()
    if programs is None:
        yield None
        return
    folder.chmod(0o755)  # the server runs as another user where we are root
    home = folder / "server"
    home.mkdir()
    server = PostgresServer(programs, home)
    server.start()
    try:
        asyncio.run(_make_wal(server.new_database()))
        yield server
    finally:
        server.stop()


def _leaf() -> bytes:
    return encode_leaf(make_draft(1).leaf, t=_now_ms(), seq=100)


def _figures(kind: str, found: Found) -> list[Reach]:
    return [
        Reach(measure=f"{kind}: durable entries at {CALLERS} callers", value=median(found.rates), unit="1/s",
              goal=RATE_GOAL, better="higher"),
        Reach(measure=f"{kind}: wait, p99", value=median(found.p99s_ms), unit="ms", goal=P99_GOAL_MS, better="lower"),
        Reach(measure=f"{kind}: all stores", value=median(found.bytes_each), unit="bytes/entry", goal=BYTES_GOAL,
              better="lower"),
        Reach(measure=f"{kind}: from the answer to a verified proof, p95", value=spread(found.proofs_ms)["p95"],
              unit="ms", goal=PROOF_GOAL_MS, better="lower"),
    ]  # fmt: skip


def _detail(found: Found) -> dict[str, Any]:
    return {
        "entries_per_second": spread(found.rates),
        "wait_p50_ms": spread(found.waits_ms),
        "wait_p99_ms": spread(found.p99s_ms),
        "processor_us_per_entry": spread(found.processor_us),
        "bytes_per_entry": spread(found.bytes_each),
        "bytes_per_entry_alone": spread(found.bytes_alone),
        "proof_ms": spread(found.proofs_ms),
    }
