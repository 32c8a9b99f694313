"""``tongban bench growth``: what an answer costs in stores of a thousand to a million licences, or ten million."""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.audit import running_postgres
from benchmarks.growth_http import COLD, WARM, Asking, answering, ask_all
from benchmarks.report import Reach, report, spread
from gateway.demo.filling import fill_store
from gateway.demo.generated import Generation, Press
from gateway.demo.postgres_server import PostgresServer
from gateway.settings import Settings, StoreSettings
from gateway.sources.errand import Errand
from gateway.sources.recording import RecordingStore
from gateway.sources.source import (
    LicenceKey,
    LicenceSource,
    NotReady,
    StoredLicence,
    by_identifier,
    by_number,
)
from gateway.store_site import make_source, open_store

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
FULL: Final = 10_000_000
GOAL: Final = 1.2
DOCUMENTS: Final = 800  # in each store: more than the cache of a connection holds, so that all stores read them anew
MAX_ROUNDS: Final = 200
_TOGETHER: Final = 20  # questions to one store in one round
_WARMING: Final = 3  # rounds that are not counted
_NO_HURRY: Final = Errand(until=float("inf"))
_BY_NUMBER: Final = "by number"
_BESIDE: Final = "by identifier, from the event loop"
_NAMES: Final = ("by identifier", _BY_NUMBER, _BESIDE)
_SQLITE: Final = "sqlite"
_FILE: Final = "licences.sqlite"
_SECRET: Final = b"a benchmark's authority, of no use"


@dataclass(slots=True, kw_only=True)
class _Stock:
    """One store of one size, with what its questions took, in microseconds."""

    kind: str
    generation: Generation
    press: Press
    store: RecordingStore
    source: LicenceSource
    seconds_to_fill: float
    taken: dict[str, list[float]] = field(default_factory=dict)


def run(*, rounds: int, full: bool = False, sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Fill the stores, ask them by turns, and return the report.

    Raises:
        RuntimeError: an answer was wrong.

    """
    rounds = min(rounds, MAX_ROUNDS)
    sizes = [*sizes, FULL] if full else sizes
    folder = Path(tempfile.mkdtemp(prefix="tongban-bench-"))
    try:
        with running_postgres(folder) as server, ExitStack() as stack:
            kinds = {_SQLITE: None} | ({} if server is None else {"postgres": server})
            stocks = [stack.enter_context(_filled(folder, kind, kinds[kind], size)) for size in sizes for kind in kinds]
            measure(stocks, rounds)
            measure_http(folder, stocks, rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report("growth", rounds=rounds, reach=list(_reach(stocks)), detail=_detail(stocks))


def measure_http(folder: Path, stocks: Sequence[_Stock], rounds: int) -> None:
    """Ask gateways, each with a store in a file, by turns."""
    asked: list[tuple[_Stock, Asking]] = []
    with ExitStack() as stack:
        for stock in stocks:
            for name in (COLD, WARM) if stock.kind == _SQLITE else ():
                store = folder / f"{stock.kind}-{stock.generation.count}" / _FILE
                running = answering(folder / f"gateway-{len(asked)}", name, stock.generation, stock.press, store)
                asked.append((stock, stack.enter_context(running)))
        ask_all([one for _, one in asked], rounds, warming=_WARMING)
    for stock, one in asked:
        stock.taken[one.name] = one.taken


def measure(stocks: Sequence[_Stock], rounds: int) -> None:
    """Ask all stores by turns, so that whatever else the machine does falls on all of them alike."""
    dice = random.Random(1)
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        for number in range(-_WARMING, rounds):
            for stock in stocks if number % 2 else reversed(stocks):
                names = list(_NAMES)
                dice.shuffle(names)  # the first of them finds the caches of the processor cold
                for name in names:
                    keys = list(_keys(stock, name, dice))
                    if name == _BESIDE:
                        taken = runner.run(_time_source(stock, keys))
                    else:
                        taken = [_time_store(stock, key) for key in keys]
                    if number >= 0:
                        stock.taken.setdefault(name, []).extend(taken)
        for stock in stocks:
            stock.source.close()
        runner.run(asyncio.sleep(0.1))  # connections end with the next turns of the loop


def _keys(stock: _Stock, name: str, dice: random.Random) -> Iterator[LicenceKey]:
    """Draw licences from the whole store, half of them among those with a document."""
    generation = stock.generation
    for number in range(_TOGETHER):
        place = dice.randrange(generation.count)
        if number % 2:
            place = dice.choice(generation.document_places)
        record = generation.record(place)
        if name == _BY_NUMBER:
            yield by_number(record.number, record.type_code)
        else:
            yield by_identifier(record.identifier)


def _time_store(stock: _Stock, key: LicenceKey) -> float:
    begun = time.perf_counter()
    found = stock.store.find(key)
    taken = time.perf_counter() - begun
    _verify(found, stock)
    return taken * 1e6


async def _time_source(stock: _Stock, keys: Sequence[LicenceKey]) -> list[float]:
    """Ask as the gateway does, from its event loop; one after the other."""
    times = []
    for key in keys:
        begun = time.perf_counter()
        found = await stock.source.find(key, _NO_HURRY)
        times.append((time.perf_counter() - begun) * 1e6)
        _verify(found, stock)
    return times


def _verify(found: object, stock: _Stock) -> None:
    """Raise RuntimeError where a licence was not found."""
    if not isinstance(found, StoredLicence | NotReady):
        raise RuntimeError(f"a licence was expected in the {stock.kind} store of {stock.generation.count}")  # noqa: TRY004 - an answer


@contextmanager
def _filled(folder: Path, kind: str, server: PostgresServer | None, size: int) -> Iterator[_Stock]:
    """Fill a store of a size."""
    place = folder / f"{kind}-{size}"
    place.mkdir()
    settings = _settings(place, server)
    generation = Generation(count=size, documents=min(DOCUMENTS, size), seed=0, at=datetime.now(UTC))
    press = Press(generation, secret=_SECRET)
    begun = time.perf_counter()
    with closing(open_store(place, settings, create=True)) as store:
        fill_store(store, generation, press)
        taken = time.perf_counter() - begun
        yield _Stock(
            kind=kind,
            generation=generation,
            press=press,
            store=store,
            source=make_source(place, settings),
            seconds_to_fill=taken,
        )


def _settings(place: Path, server: PostgresServer | None) -> Settings:
    store = StoreSettings(file=_FILE)
    if server is not None:
        address = place / "store.address"
        address.touch(mode=0o600)
        address.write_text(server.new_database(), encoding="ascii")
        store = StoreSettings(database=address.name)
    return Settings(name="", name_zh="", region="370000", audience="", store=store)


def _reach(stocks: Sequence[_Stock]) -> Iterator[Reach]:
    """Return the growth from the smallest store to the largest, as callers of the gateway meet it."""
    for first, last in _ends(stocks):
        for name in (_BESIDE, COLD, WARM):
            if name not in last.taken:
                continue
            yield Reach(
                measure=f"{last.kind}, {name}: {last.generation.count} licences against {first.generation.count}, p50",
                value=median(last.taken[name]) / median(first.taken[name]),
                unit="times",
                goal=GOAL,
                better="lower",
            )


def _ends(stocks: Sequence[_Stock]) -> Iterator[tuple[_Stock, _Stock]]:
    """Yield the smallest and the largest store of each kind."""
    for kind in dict.fromkeys(stock.kind for stock in stocks):
        first, *_, last = [stock for stock in stocks if stock.kind == kind]
        yield first, last


def _detail(stocks: Sequence[_Stock]) -> dict[str, Any]:
    return {
        "microseconds": {
            f"{stock.kind} {stock.generation.count}": {name: spread(taken) for name, taken in stock.taken.items()}
            for stock in stocks
        },
        "licences_per_second_filled": {
            f"{stock.kind} {stock.generation.count}": round(stock.generation.count / stock.seconds_to_fill)
            for stock in stocks
        },
        **({} if any(stock.kind == "postgres" for stock in stocks) else {"postgres": "not installed"}),
        "growth": {
            f"{last.kind}, {name}": round(median(last.taken[name]) / median(first.taken[name]), 3)
            for first, last in _ends(stocks)
            for name in last.taken
        },
        "how": f"generated licences, {DOCUMENTS} of each store with a document of 30 to 40 kB and the others recorded; "
        "half of the questions are about those, the others about any licence of the store, which reads another "
        "document in its place; wall-clock time of one look-up with its document, whose digest is compared; all stores "
        "by turns in every round; PostgreSQL on the same machine; filling includes sealing the documents; over HTTP: "
        "gateways of their own on SQLite, one question at a time about licences with a document, with the access log",
    }
