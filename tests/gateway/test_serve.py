"""The gateway as a process: it says where it listens, answers, and ends in good order."""

import http.client
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.callers import TokenAlgorithm
from gateway.cli.serve_children import work
from gateway.cli.serve_one import Start, Why
from gateway.site_template import write_site
from tests.support.callers import Party, encode_pem, make_party
from tests.support.cli import tongban
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


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
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


def connect(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read_all(connection: socket.socket) -> bytes:
    """Return everything until the gateway closes the connection."""
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_stop_loses_no_question(folder: Path, workers: int) -> None:
    """A body under way at SIGTERM is read and answered, an idle connection gets one more answer, each saying close."""
    party = make_party()
    register(folder, party)
    with serving(folder, workers=workers) as (process, address), connect(address) as busy, connect(address) as idle:
        body = json.dumps(question(b"no licence")).encode()
        token = party.token(at=datetime.now(UTC), audience=AUDIENCE)
        head = f"POST {URL} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200 OK" in idle.recv(65536)
        busy.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-10])
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        for connection, rest in ((idle, b""), (busy, body[-10:])):
            connection.sendall(rest)
            answer = read_all(connection)
            assert answer.startswith(b"HTTP/1.1 200 OK"), answer
            assert b"Connection: close" in answer
        assert process.wait(10) == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_nobody_hears_where_it_listens(folder: Path, workers: int) -> None:
    """A gateway whose starter has gone serves all the same, and ends in good order."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = f"{START} sys.exit(serve(Path(sys.argv[1]), port={port}, workers={workers}))"
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=writer) as process:  # noqa: S603 — our own program
        os.close(writer)
        try:
            until = time.monotonic() + 60
            while not is_ready(port) and time.monotonic() < until:
                time.sleep(0.1)
            assert is_ready(port)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def is_ready(port: int) -> bool:
    """Say whether a gateway answers there."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection, suppress(OSError):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def test_two_gateways_do_not_share_a_port(folder: Path) -> None:
    """A second gateway on the same port says so and does not start, with several workers as well as with one."""
    with serving(folder, workers=2) as (_, address):
        for workers in (1, 2):
            ended = start_in_vain(folder, int(address.rpartition(":")[2]), workers=workers)
            assert (ended.returncode, ended.stdout) == (2, "")
            assert ended.stderr.startswith("tongban: cannot listen on 127.0.0.1:")


def test_a_worker_whose_site_was_broken_meanwhile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A site that gets a fault between the parent's reading and a worker's is said, and the worker ends with 2."""
    (folder / "tongban.toml").write_text("")
    receiver, sender = multiprocessing.Pipe(duplex=False)
    before = signal.getsignal(signal.SIGINT)
    try:
        with receiver, sender, pytest.raises(SystemExit) as ended:
            work(folder, socket.socket(), 1, Start(why=Why.START, gateway_at=0.0), sender)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == 2
    assert "tongban.toml: gateway.name" in capsys.readouterr().err


def test_faults_are_said_in_chinese_in_china(folder: Path) -> None:
    """The locale decides about the words of faults."""
    (folder / "tongban.toml").write_text("[gateway]\nname = 7\n")
    ended = tongban("serve", "--site", folder, "--port", "0", locale="zh_CN.UTF-8")
    assert (ended.code, ended.out) == (2, "")
    assert "tongban.toml: gateway.name：应为文本，实际为7" in ended.err
    assert "expected" not in ended.err


def start_in_vain(folder: Path, port: int, *, workers: int = 1) -> subprocess.CompletedProcess[str]:
    """Start a gateway that is expected not to start."""
    command = [
        sys.executable,
        "-c",
        f"{START} sys.exit(serve(Path(sys.argv[1]), port={port}, workers={workers}))",
        str(folder),
    ]
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
