"""``tongban bench adapter``: a record of thirty fields read and written, and records into the licence store."""

import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

from adapters.mapping.adapter import Adapter
from benchmarks.adapter_material import FIELDS, make_adapter, make_lines, make_record, mapping_of
from benchmarks.report import Reach, report, spread
from gateway.adapters.mapping_file import MappingFile
from gateway.licence_import.importing import ImportJob, import_records
from gateway.sources.store import SqliteLicenceStore

JSON_GOAL_US: Final = 40.0
XML_GOAL_US: Final = 120.0
IMPORT_GOAL: Final = 20_000.0
IMPORT_RECORDS: Final = 100_000
MAX_IMPORT_ROUNDS: Final = 3  # each with a new store
_CALLS: Final = 50  # timed together: the clock tells a tenth of a microsecond then


def run(*, rounds: int, records: int = IMPORT_RECORDS) -> dict[str, Any]:
    """Measure and return the report; every answer is checked.

    Raises:
        RuntimeError: an answer was wrong.

    """
    found = measure_messages(rounds)
    imports = [measure_import(records) for _ in range(min(rounds, MAX_IMPORT_ROUNDS))]
    goals = {"json": JSON_GOAL_US, "xml": XML_GOAL_US}
    return report(
        "adapter",
        rounds=rounds,
        reach=[
            *(
                Reach(measure=f"{way} a record of {FIELDS} fields, {form.upper()}", value=median(found[form, way]),
                      unit="µs", goal=goals[form], better="lower")
                for form, way in found
            ),
            Reach(measure=f"import of {records} records into the licence store", unit="records/s",
                  value=median(rate for rate, _ in imports), goal=IMPORT_GOAL, better="higher"),
        ],
        detail={
            **{f"{form}_{way}_us": spread(times) for (form, way), times in found.items()},
            "import_records_per_second": spread([rate for rate, _ in imports]),
            "import_processor_us_per_record": spread([used for _, used in imports]),
            "import_rounds": len(imports),
            "cores": os.cpu_count(),
            "load_before": os.getloadavg()[0],
            "how": "messages: processor time of this process, reading and writing of both forms by turns in every "
            "round; import: wall-clock time with its processes, one JSON message a line, each time into a new SQLite "
            "store that is durable after every batch; without the access log, which is one entry a batch",
        },
    )  # fmt: skip


def measure_messages(rounds: int) -> dict[tuple[str, str], list[float]]:
    """Read and write by turns; microseconds for one call, for each round."""
    calls: dict[tuple[str, str], Callable[[], object]] = {}
    for form in ("json", "xml"):
        for way, call in _calls(make_adapter(form)).items():
            calls[form, way] = call
    found: dict[tuple[str, str], list[float]] = {key: [] for key in calls}
    for number in range(rounds):
        order = list(calls.items())
        for key, call in order if number % 2 else reversed(order):
            call()
            begun = process_time()
            for _ in range(_CALLS):
                call()
            found[key].append((process_time() - begun) / _CALLS * 1_000_000)
    return found


def measure_import(records: int) -> tuple[float, float]:
    """Import a file of so many records into a new store; records a second, and processor time for one in microseconds.

    The second says what a machine with nothing else to do could reach: its cores, divided by this.

    Raises:
        RuntimeError: not all of them were stored.

    """
    adapter = make_adapter("json")
    with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder:
        place = Path(folder)
        path = place / "records.ndjson"
        with path.open("wb") as file:
            file.writelines(make_lines(adapter, records))
        mapping = MappingFile(mapping_of("json"), adapter.rules.file)
        job = ImportJob(path=path, adapter=adapter, mapping=mapping, checkpoints=place / "imports")
        with closing(SqliteLicenceStore(place / "licences.sqlite", create=True)) as store:
            begun, used = perf_counter(), sum(os.times()[:4])
            tally = import_records(
                job, store, announce=lambda _: None, advance=lambda _done, _total: None, at=datetime.now(UTC)
            )
            seconds, used = perf_counter() - begun, sum(os.times()[:4]) - used
    if tally.stored != records:
        raise RuntimeError(f"{records} records were expected to be stored, got {tally.stored}")
    return records / seconds, used / records * 1_000_000


def _calls(adapter: Adapter) -> dict[str, Callable[[], object]]:
    record = make_record()
    message = adapter.render([record])
    return {"parse": lambda: adapter.parse(message), "render": lambda: adapter.render([record])}
