"""``tongban bench http``: the whole gateway over HTTP, beside a bare aiohttp handler on the same core in the same run.

In each round, on one core, one after the other: the bare handler, the warm path (licences of the store, again and
again), the cold path (each time a document that was never seen), and batches; whoever asks has the other core. The
gateway is what ``tongban serve`` starts: tokens, revocation lists, the example policy, a durable entry in the access
log for every answer, receipts.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

import uvloop

from benchmarks import http_soak
from benchmarks.http_batch import ask_in_batches
from benchmarks.http_load import Load, ask_at_rate, ask_hard
from benchmarks.http_material import Asked, write_material
from benchmarks.http_steps import read_steps, steps_between
from benchmarks.report import Reach, report, spread
from gateway.demo.asking import run_gateway

CONNECTIONS: Final = 64
SECONDS: Final = 4.0  # of each measurement
WARM_UP_SECONDS: Final = 1.0
AT_RATE: Final = 0.5  # of what it can answer, where the time of an answer is measured
BETWEEN_SECONDS: Final = 1.0  # what was under way at full load ends first, or the first answers at the rate wait for it
COLD: Final = 800  # documents of a round
COLD_CONNECTIONS: Final = 8
MAX_ROUNDS: Final = 5
WARM_GOAL: Final = 0.4  # of the bare handler's answers
WARM_P99_MS: Final = 10.0
COLD_GOAL: Final = 1000.0
COLD_P99_MS: Final = 25.0


@dataclass(slots=True, kw_only=True)
class Found:
    """What the rounds of one way to ask gave."""

    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    p999s: list[float] = field(default_factory=list)

    def add(self, hard: Load, at_rate: Load) -> None:
        """Note a round: how much, and how long it took at half of that."""
        self.rates.append(hard.rate)
        self.p50s.append(at_rate.percentile(0.5))
        self.p99s.append(at_rate.percentile(0.99))
        self.p999s.append(at_rate.percentile(0.999))

    def describe(self) -> dict[str, Any]:
        """Return medians with their spread."""
        return {
            "answers_per_second": spread(self.rates),
            "p50_ms": spread(self.p50s),
            "p99_ms": spread(self.p99s),
            "p99.9_ms": spread(self.p999s),
        }


def run(*, rounds: int, soak: int | None = None) -> dict[str, Any]:
    """Measure and return the report; with ``soak`` that of so many minutes at full load instead."""
    if soak is not None:
        return http_soak.run(soak)
    rounds = min(rounds, MAX_ROUNDS)
    found = {way: Found() for way in ("bare", "warm", "cold", "batch")}
    steps: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder:
        asked = write_material(Path(folder), datetime.now(UTC))
        documents = list(asked.seal_new(COLD * 2))
        for _ in range(rounds):
            with _on_core(0), run_gateway(asked.site) as gateway, run_bare(_answer_bytes()) as bare, _on_core(1):
                steps |= uvloop.run(measure(asked, documents, gateway, bare, found))
    ratios = [warm / bare for warm, bare in zip(found["warm"].rates, found["bare"].rates, strict=True)]
    warm, cold = found["warm"], found["cold"]
    reach = [
        Reach(
            measure="warm, of the bare handler's answers", value=median(ratios), unit="times",
            goal=WARM_GOAL, better="higher",
        ),
        Reach(
            measure="warm p99 at half of that rate, 64 connections", value=median(warm.p99s), unit="ms",
            goal=WARM_P99_MS, better="lower",
        ),
        Reach(
            measure="cold, answers a second on one core", value=median(cold.rates), unit="/s",
            goal=COLD_GOAL, better="higher",
        ),
        Reach(
            measure="cold p99 at half of that rate", value=median(cold.p99s), unit="ms",
            goal=COLD_P99_MS, better="lower",
        ),
    ]  # fmt: skip
    detail: dict[str, Any] = {way: one.describe() for way, one in found.items()}
    detail["steps"] = steps
    detail["document_bytes"] = len(documents[0])
    return report("http", rounds=rounds, reach=reach, detail=detail)


async def measure(
    asked: Asked, documents: Sequence[bytes], gateway: str, bare: str, found: dict[str, Found]
) -> dict[str, Any]:
    """Measure every way to ask once; return the time of the steps of the warm and of the cold path."""
    ours, theirs = _place(gateway), _place(bare)
    warm = asked.encode_warm(ours[0])
    found["bare"].add(*await _load(theirs, warm))
    await ask_hard(*ours, warm, connections=CONNECTIONS, seconds=WARM_UP_SECONDS)
    before = await read_steps(gateway)
    found["warm"].add(*await _load(ours, warm))
    between = await read_steps(gateway)
    found["cold"].add(*await _load_cold(ours, list(asked.encode_cold(ours[0], documents))))
    after = await read_steps(gateway)
    batches = await ask_in_batches(gateway, asked, seconds=SECONDS)
    found["batch"].add(batches, batches)
    return {"warm": steps_between(before, between), "cold": steps_between(between, after)}


async def _load(place: tuple[str, int], questions: Sequence[bytes]) -> tuple[Load, Load]:
    hard = await ask_hard(*place, questions, connections=CONNECTIONS, seconds=SECONDS)
    rate = hard.rate * AT_RATE
    await asyncio.sleep(BETWEEN_SECONDS)
    return hard, await ask_at_rate(*place, questions, connections=CONNECTIONS, seconds=SECONDS, rate=rate)


async def _load_cold(place: tuple[str, int], questions: Sequence[bytes]) -> tuple[Load, Load]:
    """Each document is asked about once: half of them as fast as may be, the others at half of that rate."""
    half = len(questions) // 2
    hard = await ask_hard(*place, questions[:half], connections=COLD_CONNECTIONS, seconds=half, is_once=True)
    rate = hard.rate * AT_RATE
    seconds = min(SECONDS, half / rate)
    return hard, await ask_at_rate(*place, questions[half:], connections=CONNECTIONS, seconds=seconds, rate=rate)


@contextmanager
def run_bare(length: int) -> Iterator[str]:
    """Start the bare handler, which answers so many bytes; yields its address."""
    command = [sys.executable, "-m", "benchmarks.http_bare", str(length)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield line.strip().removeprefix("listening on ")
        finally:
            process.terminate()


@contextmanager
def _on_core(number: int) -> Iterator[None]:
    """Run this process, and what it starts, on one core, where the system can do that and has so many."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else frozenset()
    cores = sorted(_CORES)
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[number % len(cores)]})
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)


_CORES: Final = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset({0})


def _place(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or 0


def _answer_bytes() -> int:
    """Return how long a usual answer of the gateway is."""
    return 6_000
