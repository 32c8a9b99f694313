"""The gateway as a process: it says where it listens, answers, and ends in good order."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.callers import TokenAlgorithm
from gateway.site_template import write_site
from tests.support.callers import Party, encode_pem, make_party
from tests.support.http import URL, question

AUDIENCE = "https://tongban.example.gov.cn"
ROOT = Path(__file__).resolve().parents[2]
START = "import sys; from pathlib import Path; from gateway.cli.serve import serve; "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a good site folder."""
    write_site(tmp_path)
    return tmp_path


def register(folder: Path, party: Party) -> None:
    """Make the party a caller of the site."""
    caller = party.caller
    values = {
        "id": caller.id,
        "name": caller.name,
        "name_zh": caller.name_zh,
        "organisation": caller.organisation,
        "region": caller.region,
        "kid": caller.key_id,
        "algorithm": caller.algorithm.value,
        "key": encode_pem(caller.public_key),
    }
    text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    (folder / "callers" / "party.toml").write_text(text)


@contextmanager
def serving(folder: Path, *, workers: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the gateway on a free port; yields the process and its address, and stops it in the end."""
    code = f"{START} sys.exit(serve(Path(sys.argv[1]), port=0, workers={workers}))"
    with subprocess.Popen(  # noqa: S603 — our own program
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:"), line or process.communicate()[1]
            yield process, urlsplit(line.split()[-1]).netloc
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def ask(address: str, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_serve(folder: Path, workers: int) -> None:
    """One process or several serve a real question, add their numbers together, and end with 0 when told to stop."""
    party = make_party(TokenAlgorithm.SM2)
    register(folder, party)
    with serving(folder, workers=workers) as (process, address):
        assert ask(address, "GET", "/healthz")[0] == 200
        for _ in range(10):
            token = party.token(at=datetime.now(UTC), audience=AUDIENCE)
            status, text = ask(address, "POST", URL, question(b"no licence"), Authorization=f"Bearer {token}")
            assert (status, json.loads(text)["outcome"]) == (200, "invalid")
        metrics = ask(address, "GET", "/metrics")[1]
        assert 'gateway_outcomes_total{format="none",outcome="invalid"} 10.0' in metrics
        assert "gateway_build_info{" in metrics
    assert process.returncode == 0


def start_in_vain(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    """Start a gateway that is expected not to start."""
    command = [sys.executable, "-c", f"{START} sys.exit(serve(Path(sys.argv[1]), port={port}))", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 — our own program


def test_faults_stop_the_start(folder: Path) -> None:
    """A site with faults is not served; they are all on standard error, and the exit code is 2."""
    (folder / "tongban.toml").write_text("[gateway]\nname = 7\n")
    ended = start_in_vain(folder, 0)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "tongban.toml: gateway.name: expected a text, found 7" in ended.stderr
    assert "tongban.toml: gateway.audience" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_port_that_is_taken(folder: Path) -> None:
    """A port that is taken, by another program or by another gateway, is a sentence and the exit code 2."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = start_in_vain(folder, taken.getsockname()[1])
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
