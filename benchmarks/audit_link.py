"""``tongban bench audit_link``: what it costs that other processes hand their entries to the one that writes the log.

In each round the same entries are written by the process that has the log, then by one other process over the socket,
then by four. Four clients and the writer share the processors, so that on a small machine the clients' own work is
part of the difference; the writer's processor time an entry is measured apart from it.
"""

import asyncio
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from pathlib import Path
from statistics import median
from typing import Any, Final

import uvloop

from benchmarks.audit_material import make_draft
from benchmarks.report import Reach, report, spread
from gateway.audit.book.book import LogBook
from gateway.audit.book.place import FolderPlace
from gateway.audit.book.settings import AuditSettings
from gateway.audit.entry import EntryDraft, Receipt
from gateway.audit.forgetting.retention_terms import Retention
from gateway.audit.link.client import connect_link
from gateway.audit.link.desk import BookDesk
from gateway.audit.link.server import LinkServer
from gateway.policy.approvers import ApproverRegistry

CALLERS: Final = 64  # together, over all processes
ENTRIES: Final = 12_800  # of a round
MAX_ROUNDS: Final = 7
CLIENTS: Final = 4
SHARE_GOAL: Final = 0.5  # of the rate within one process, where all processes share two processors
COST_GOAL: Final = 1.5  # times that within one process: reading and answering a request costs less than half an entry
_SETTINGS: Final = AuditSettings()

Append = Callable[[EntryDraft], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """When a process began and ended to hand in entries, and how long it waited for 99 of 100."""

    begun: float
    ended: float
    p99_ms: float


@dataclass(slots=True, kw_only=True)
class Found:
    """What the rounds with so many clients gave; 0 clients: within one process."""

    rates: list[float] = field(default_factory=list)
    p99s_ms: list[float] = field(default_factory=list)
    writer_us: list[float] = field(default_factory=list)  # processor time of the writer, for an entry


def run(*, rounds: int, entries: int = ENTRIES) -> dict[str, Any]:
    """Measure and return the report."""
    context = multiprocessing.get_context("spawn")
    rounds = min(rounds, MAX_ROUNDS)
    found = {clients: Found() for clients in (0, 1, CLIENTS)}
    for _ in range(rounds):
        for clients, one in found.items():
            measure(context, clients, one, entries)
    shares = [linked / alone for linked, alone in zip(found[CLIENTS].rates, found[0].rates, strict=True)]
    costs = [linked / alone for linked, alone in zip(found[CLIENTS].writer_us, found[0].writer_us, strict=True)]
    reach = [
        Reach(
            measure=f"{CLIENTS} processes over the link, of the rate within one", value=median(shares), unit="times",
            goal=SHARE_GOAL, better="higher",
        ),
        Reach(
            measure="the writer's processor time an entry, of that within one", value=median(costs), unit="times",
            goal=COST_GOAL, better="lower",
        ),
    ]  # fmt: skip
    detail = {
        f"{clients} clients": {
            "entries_per_second": spread(one.rates),
            "wait_p99_ms": spread(one.p99s_ms),
            "writer_processor_us_per_entry": spread(one.writer_us),
        }
        for clients, one in found.items()
    }
    return report("audit_link", rounds=rounds, reach=reach, detail={**detail, "entries": entries, "callers": CALLERS})


def measure(context: SpawnContext, clients: int, found: Found, entries: int) -> None:
    """Write the entries once, handed in by so many other processes."""
    site = Path(tempfile.mkdtemp(prefix="tongban-bench-"))
    try:
        ours, theirs = context.Pipe()
        writer = context.Process(target=write, args=(site, 0 if clients else entries, theirs))
        writer.start()
        theirs.close()
        ours.recv()  # it is open
        loads = hand_in(context, site, clients, entries) if clients else []
        ours.send(None)  # close
        alone, processor_seconds = ours.recv()
        writer.join()
        loads = loads or [alone]
        seconds = max(load.ended for load in loads) - min(load.begun for load in loads)
        found.rates.append(entries / seconds)
        found.p99s_ms.append(max(load.p99_ms for load in loads))
        found.writer_us.append(processor_seconds / entries * 1e6)
    finally:
        shutil.rmtree(site, ignore_errors=True)


def hand_in(context: SpawnContext, site: Path, clients: int, entries: int) -> list[Load]:
    """Hand in the entries by so many processes, which begin together."""
    pipes = []
    processes = []
    for number in range(clients):
        ours, theirs = context.Pipe()
        work = (site, number, entries // clients, CALLERS // clients, theirs)
        process = context.Process(target=hand_in_some, args=work)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()  # its drafts are made, and it is connected
    for pipe in pipes:
        pipe.send(None)
    loads: list[Load] = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    return loads


def write(site: Path, entries: int, pipe: Connection) -> None:
    """Be the process that writes: ``entries`` of its own, or those of others."""
    uvloop.run(_write(site, entries, pipe))


async def _write(site: Path, entries: int, pipe: Connection) -> None:
    book = LogBook(FolderPlace(site, _SETTINGS, region="370000"), clock=_read_clock)
    await book.open()
    desk = BookDesk(book, read_approvers=lambda: ApproverRegistry([]), read_retention=Retention, clock=_read_clock)
    server = LinkServer(desk, site / _SETTINGS.folder)
    await server.open()
    drafts = _make_drafts(0, entries)
    await book.append(make_draft(1))  # the policy and the trust store that all name are announced before the clock runs
    pipe.send(None)
    begun = time.process_time()
    alone = await _load(book.append, drafts, CALLERS) if drafts else None
    await asyncio.to_thread(pipe.recv)
    processor_seconds = time.process_time() - begun
    await server.close()
    await book.close()
    pipe.send((alone, processor_seconds))


def hand_in_some(site: Path, number: int, entries: int, callers: int, pipe: Connection) -> None:
    """Be one of the processes that hand in."""
    uvloop.run(_hand_in_some(site, number, entries, callers, pipe))


async def _hand_in_some(site: Path, number: int, entries: int, callers: int, pipe: Connection) -> None:
    drafts = _make_drafts(number, entries)
    link = await connect_link(site / _SETTINGS.folder)
    pipe.send(None)
    await asyncio.to_thread(pipe.recv)
    pipe.send(await _load(link.append, drafts, callers))
    await link.close()


async def _load(append: Append, drafts: Sequence[EntryDraft], callers: int) -> Load:
    """Hand in all drafts, as many at a time as there are callers."""
    waits: list[float] = []
    left = iter(drafts)

    async def call() -> None:
        for draft in left:
            begun = time.perf_counter()
            await append(draft)
            waits.append(time.perf_counter() - begun)

    begun = time.monotonic()  # one clock for all processes
    await asyncio.gather(*(call() for _ in range(callers)))
    ended = time.monotonic()
    p99_ms = sorted(waits)[len(waits) * 99 // 100] * 1000
    return Load(begun=begun, ended=ended, p99_ms=p99_ms)


def _make_drafts(number: int, entries: int) -> list[EntryDraft]:
    first = number * ENTRIES
    return [make_draft(index, caller=f"caller-{number}-{index % 16}") for index in range(first, first + entries)]


def _read_clock() -> datetime:
    return datetime.now(UTC)
