"""A PostgreSQL server of our own on a free port, for the demo, benchmarks and tests; its programs must be installed."""

import os
import pwd
import secrets
import shlex
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Final

WAIT_SECONDS: Final = 60  # what pg_ctl waits for, if nobody tells it
_CALL_SECONDS: Final = 120.0  # longer than that; initdb takes two, and twenty on a loaded machine
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
        self._user = _find_unprivileged()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        if self._user is not None:
            shutil.chown(folder, self._user.pw_uid)
        self._call(
            "initdb", "--no-sync", "-D", f"{folder}/data", "-U", "tongban", "-A", "trust", "-E", "UTF8", "--no-locale"
        )

    def start(self, wait_seconds: int = WAIT_SECONDS) -> None:
        """Start it, and wait until it answers; raises RuntimeError when it has not by then, and may later."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {shlex.quote(str(self.folder))}"  # for a shell
        place = ("-D", f"{self.folder}/data", "-l", f"{self.folder}/log")
        self._call("pg_ctl", *place, "-o", options, "-w", "-t", str(wait_seconds), "start")

    @property
    def pid(self) -> int | None:
        """The number of its first process; None: it does not run."""
        try:
            pid = int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def stop(self, mode: str = "fast", wait_seconds: int = WAIT_SECONDS) -> None:
        """Stop it; ``immediate`` is what a power cut looks like. Raises RuntimeError when it runs on."""
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-m", mode, "-w", "-t", str(wait_seconds), "stop")

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"t{secrets.token_hex(6)}"
        self._call("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tongban", "-d", "postgres", "-qc",
                   f"CREATE DATABASE {name}")  # fmt: skip
        return f"postgresql://tongban@127.0.0.1:{self.port}/{name}"

    def _call(self, program: str, *arguments: str) -> None:
        path = self._programs / program
        command = [str(path if path.exists() else program), *arguments]
        # PostgreSQL refuses to run as root; who it runs as instead has none of root's groups either.
        user = self._user
        try:
            done = subprocess.run(  # noqa: S603 - programs of the server, arguments of ours
                command,
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
                extra_groups=None if user is None else (),
                cwd=self.folder,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                timeout=_CALL_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{program}: no end within {error.timeout:.0f} s") from error
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


def _find_unprivileged() -> pwd.struct_passwd | None:
    """Return who PostgreSQL runs as where we are root; None: we are not."""
    if os.geteuid():
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in users:
            return users[name]
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
