"""A PostgreSQL server of our own on a free port, for the demo, benchmarks and tests; its programs must be installed."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

_FOLDERS = ("/usr/lib/postgresql", "/usr/pgsql", "/usr/local/pgsql")


def find_programs() -> Path | None:
    """Return the folder with initdb and pg_ctl of the newest version; None where there is none."""
    on_path = shutil.which("pg_ctl")
    found = [Path(on_path).resolve().parent] if on_path else []
    for folder in map(Path, _FOLDERS):
        found += sorted(folder.glob("*/bin"), key=lambda path: (len(path.parts[-2]), path.parts[-2]), reverse=True)
    return next((path for path in found if (path / "initdb").exists() and (path / "pg_ctl").exists()), None)


class PostgresServer:
    """A server in a folder; whoever asks gets a database of their own."""

    def __init__(self, programs: Path, folder: Path) -> None:
        """Make the server's files; raises RuntimeError where it cannot."""
        self._programs = programs
        self.folder = folder
        self._user = _unprivileged()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        if self._user is not None:
            shutil.chown(folder, self._user)
        self._call(
            "initdb", "--no-sync", "-D", f"{folder}/data", "-U", "tongban", "-A", "trust", "-E", "UTF8", "--no-locale"
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", options, "-w", "start")

    @property
    def pid(self) -> int | None:
        """The number of its first process; None: it does not run."""
        try:
            pid = int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def stop(self, mode: str = "fast") -> None:
        """Stop it; ``immediate`` is what a power cut looks like."""
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-m", mode, "-w", "stop")

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"t{secrets.token_hex(6)}"
        self._call("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tongban", "-d", "postgres", "-qc",
                   f"CREATE DATABASE {name}")  # fmt: skip
        return f"postgresql://tongban@127.0.0.1:{self.port}/{name}"

    def _call(self, program: str, *arguments: str) -> None:
        path = self._programs / program
        command = [str(path if path.exists() else program), *arguments]
        # PostgreSQL refuses to run as root.
        done = subprocess.run(  # noqa: S603 - programs of the server, arguments of ours
            command,
            user=self._user,
            cwd=self.folder,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


def _unprivileged() -> str | None:
    if os.geteuid():
        return None
    names = [user.pw_name for user in pwd.getpwall()]
    return next(name for name in ("postgres", "nobody") if name in names)
