"""The library of one of the demo's provinces: a stand-in as a process of its own, which can be paused and stopped.

``python -m gateway.demo.library RECORDS PORT`` serves the licences of a file that `make_library` wrote.
"""

import asyncio
import signal
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from adapters.record.record import LicenceRecord, RecordDocument, RecordHolder
from adapters.record.status import RecordStatus
from gateway.demo.issuer import IssuedLicence
from gateway.demo.neighbours import LIBRARY, keep_records
from gateway.demo.server import HOST, ProcessServer
from gateway.standins.registry import STAND_INS

NAME: Final = "library"
_ARGUMENTS: Final = 3


class _Kept(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the library keeps of a licence: the fields of a record that the demo's licences have."""

    identifier: str
    number: str
    type_code: str
    name: str
    holders: tuple[RecordHolder, ...]
    issuer: str
    issuer_code: str
    issued_on: date | None
    valid_from: date | None
    valid_to: date | None
    long_term: bool
    status: RecordStatus
    document: RecordDocument | None


def make_library(licences: Iterable[IssuedLicence], folder: Path, port: int) -> ProcessServer:
    """Return the library's server, which keeps licences of its kind; its files are in ``folder``."""
    path = folder / "records.json"
    path.write_bytes(msgspec.json.encode([_keep(one) for one in keep_records(LIBRARY, licences)]))
    # -P: a folder keys/ where one stands must not hide the package of that name.
    command = (sys.executable, "-P", "-m", "gateway.demo.library", str(path), str(port))
    return ProcessServer(NAME, command, port=port, folder=folder)


async def serve(records: tuple[LicenceRecord, ...], port: int) -> None:
    """Answer as the library does, until a signal says stop."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stand_in = STAND_INS[LIBRARY.system]
    desk = stand_in.open_desk(stand_in.load_adapter(), lambda: datetime.now(UTC), records=records)
    runner = web.AppRunner(stand_in.make(desk), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> None:
    """Run the program."""
    if len(sys.argv) != _ARGUMENTS:
        raise SystemExit(__doc__)
    kept = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=list[_Kept])
    records = tuple(LicenceRecord(**msgspec.structs.asdict(one)) for one in kept)
    asyncio.run(serve(records, int(sys.argv[2])))


def _keep(record: LicenceRecord) -> _Kept:
    return _Kept(**{name: getattr(record, name) for name in _Kept.__struct_fields__})


if __name__ == "__main__":
    main()
