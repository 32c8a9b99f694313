"""The servers beside a gateway that goes on serving: Redis, PostgreSQL, a province's library, Prometheus.

What this machine does not have is left out: the gateway keeps and counts in each process, its store is a SQLite file.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from gateway.demo import library, prometheus
from gateway.demo.issuer import IssuedLicence
from gateway.demo.postgres_server import PostgresServer, find_programs
from gateway.demo.server import HOST, DatabaseServer, ProcessServer, Server, free_port
from gateway.demo.stage import store_licences
from gateway.site import SETTINGS_FILE

REDIS: Final = "redis"
POSTGRESQL: Final = "postgresql"
_PASSABLE: Final = 0o711  # where we are root, PostgreSQL runs as somebody else and has its folder below
_DATABASE: Final = "state/store.address"  # below the site


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A server that the demo does without; ``why`` is "" where it is not installed."""

    name: str
    why: str = ""


@dataclass(slots=True, kw_only=True)
class Servers:
    """Those that run, by name, and those that are left out."""

    folder: Path
    stack: ExitStack
    by_name: dict[str, Server] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def library(self) -> str | None:
        """The address of the province's library; None: it did not start."""
        found = self.by_name.get(library.NAME)
        return None if found is None else found.address

    def start(self, servers: Sequence[Server]) -> None:
        """Start them at the same time; one that does not start, or is not fit for use, is left out."""
        for one in servers:
            self.stack.callback(one.stop)
        with ThreadPoolExecutor(max_workers=max(len(servers), 1)) as pool:
            for one, why in zip(servers, pool.map(_start, servers), strict=True):
                if why is None:
                    self.by_name[one.name] = one
                else:
                    self.left_out.append(LeftOut(name=one.name, why=why))

    def watch(self, gateway: str) -> None:
        """Start Prometheus, now that the gateway has an address."""
        server = prometheus.make_prometheus(self.folder, free_port(), gateway)
        if server is None:
            self.left_out.append(LeftOut(name=prometheus.NAME))
        else:
            self.start([server])


@contextmanager
def run_servers(stock: Sequence[IssuedLicence], now: datetime) -> Iterator[Servers]:
    """Start what this machine has, in a folder that is removed at the end; yields the servers.

    PostgreSQL's store is filled as of ``now``. `Servers.watch` starts Prometheus.
    """
    with (
        tempfile.TemporaryDirectory(prefix="tongban-servers-", ignore_cleanup_errors=True) as name,
        ExitStack() as stack,
    ):
        folder = Path(name)
        folder.chmod(_PASSABLE)
        servers = Servers(folder=folder, stack=stack)
        found: list[Server] = [library.make_library(stock, folder, free_port())]
        for server in (_make_redis(folder), _make_postgresql(folder, stock, now)):
            if isinstance(server, LeftOut):
                servers.left_out.append(server)
            else:
                found.append(server)
        servers.start(found)
        yield servers


@contextmanager
def use_servers(site: Path, servers: Servers) -> Iterator[None]:
    """Let a site use Redis and PostgreSQL; at the end its settings are as before.

    So a site that is kept can be served when they are gone, from the SQLite file, which knows of no change meanwhile.
    """
    settings = site / SETTINGS_FILE
    before = text = settings.read_text(encoding="utf-8")
    redis, database = servers.by_name.get(REDIS), servers.by_name.get(POSTGRESQL)
    if redis is not None:
        # Patient: a demo shares its machine with whatever runs there, and a late count is a question refused.
        text += f"\n[redis]\nurls = [{json.dumps(redis.address)}]\ncommand_seconds = 1.0\nconnect_seconds = 1.0\n"
    if isinstance(database, DatabaseServer) and database.database is not None:
        _write_address(site / _DATABASE, database.database)
        text = text.replace(f'# database = "{_DATABASE}"', f'database = "{_DATABASE}"')
    settings.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        settings.write_text(before, encoding="utf-8")


def _start(server: Server) -> str | None:
    """Start it; return why it is of no use, or None."""
    try:
        server.start()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the demo goes on without it
        server.stop()
        return _spell(error)
    return None


def _make_redis(folder: Path) -> Server | LeftOut:
    program = shutil.which("redis-server")
    if program is None:
        return LeftOut(name=REDIS)
    port = free_port()
    # Nothing of it outlives it: what it forgets is verified and counted anew.
    options = ("--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no", "--dir", str(folder))
    return ProcessServer(REDIS, (program, *options), port=port, folder=folder, scheme="redis")


def _make_postgresql(folder: Path, stock: Sequence[IssuedLicence], now: datetime) -> Server | LeftOut:
    programs = find_programs()
    if programs is None:
        return LeftOut(name=POSTGRESQL)
    if find_spec("asyncpg") is None:
        return LeftOut(name=POSTGRESQL, why="pip install 'tongban[postgres]'")
    home = folder / POSTGRESQL
    home.mkdir(mode=0o700)

    def fill(address: str) -> None:
        from gateway.sources.postgres_store import PostgresLicenceStore  # noqa: PLC0415 - an extra

        path = folder / Path(_DATABASE).name
        _write_address(path, address)
        with closing(PostgresLicenceStore(path, create=True)) as store:
            store_licences(store, stock, now)

    try:
        return DatabaseServer(POSTGRESQL, PostgresServer(programs, home), fill)
    except (RuntimeError, OSError, LookupError) as error:
        return LeftOut(name=POSTGRESQL, why=_spell(error))


def _spell(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _write_address(path: Path, address: str) -> None:
    path.touch(mode=0o600)
    path.write_text(address, encoding="utf-8")
