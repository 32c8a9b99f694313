"""Workers that are replaced, that die, and that read their site again, while somebody keeps asking."""

import fcntl
import http.client
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from subprocess import DEVNULL, PIPE, Popen
from urllib.parse import urlsplit

import pytest

from gateway.http.batch import BATCH_CONTENT_TYPE, BATCH_PATH
from gateway.site_template import write_site
from tests.gateway.test_serve import AUDIENCE, ask, connect, register, serving
from tests.gateway.test_serve_log import children_of
from tests.support.callers import make_party
from tests.support.cli import tongban
from tests.support.http import question

SECONDS = 30.0


def write_quick_site(folder: Path) -> Path:
    """Write a good site that is read quickly."""
    write_site(folder)
    rmtree(folder / "policies")
    return folder


def wait_until(reached: Callable[[], bool]) -> None:
    """Wait for something that takes a process or two to start."""
    until = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.05)


def have_read(process: Popen[str]) -> None:
    """Ask again and again that the site be read, of processes that begin and cannot do so yet."""
    for _ in range(20):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.02)


@contextmanager
def gateway(folder: Path, *, workers: int) -> Iterator[tuple[Popen[str], str, list[str]]]:
    """Start the gateway; yields what it says on standard error, too, which is read so that it never has to wait."""
    said: list[str] = []
    with serving(folder, workers=workers) as (process, address):

        def hear() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                said.append(line)  # noqa: PERF402 - each is there as soon as it was said

        reading = threading.Thread(target=hear)
        reading.start()
        yield process, address, said
    reading.join()
    assert not [line for line in said if "Traceback" in line]
    assert [line for line in said if not line.startswith("{")] == []  # which machines read


def start(folder: Path, *, workers: int, stderr: int) -> Popen[str]:
    """Start the gateway of a new site, and do not wait for it."""
    command = [sys.executable, "-m", "gateway", "serve", "--site", str(write_quick_site(folder)), "--port=0"]
    return Popen([*command, f"--workers={workers}"], stdout=PIPE, stderr=stderr, text=True)  # noqa: S603 - our own


@contextmanager
def asking(address: str) -> Iterator[list[int]]:
    """Keep asking, on one connection that stays open and on new ones, until the end; yields what was answered."""
    answered: list[int] = []
    failed: list[str] = []
    over = threading.Event()

    def keep_asking(*, anew: bool) -> None:
        connection = http.client.HTTPConnection(address, timeout=SECONDS)  # reconnects only where it was told to close
        while not over.is_set():
            try:
                connection.request("GET", "/readyz")
                response = connection.getresponse()
                response.read()
                answered.append(response.status)
            except (OSError, http.client.HTTPException) as error:
                failed.append(repr(error))
                connection.close()
            if anew:
                connection.close()
        connection.close()

    threads = [threading.Thread(target=keep_asking, kwargs={"anew": anew}) for anew in (False, True, True)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failed == []
    assert set(answered) == {200}


def starts(address: str, why: str) -> int:
    """Return how many processes began to answer for a reason."""
    connection = http.client.HTTPConnection(address, timeout=SECONDS)  # on the socket of one that died, too
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(rf'gateway_worker_starts_total{{why="{why}"}} (\d+)', text)
    return 0 if found is None else int(found[1])


def started(address: str) -> str:
    """Return when the gateway says that it was started."""
    found = re.search(
        r"^gateway_start_timestamp_seconds (1\.\d+e\+09)$", ask(address, "GET", "/metrics")[1], re.MULTILINE
    )
    assert found is not None
    return found[1]


@dataclass(kw_only=True)
class Served:
    """Two workers, whom tests ask, kill and replace, one test after the other."""

    folder: Path
    process: Popen[str]
    address: str
    said: list[str]

    def has_said(self, words: str) -> bool:
        """Return whether that stands on standard error."""
        return any(words in line for line in self.said)

    def replace(self) -> None:
        """Have the workers replaced, and the site read while they begin; wait until the others have left."""
        before = starts(self.address, "replaced")
        self.process.send_signal(signal.SIGUSR2)
        have_read(self.process)
        wait_until(lambda: starts(self.address, "replaced") == before + 2)
        wait_until(lambda: len(children_of(self.process)) == 3)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = write_quick_site(tmp_path_factory.mktemp("site"))
    with gateway(folder, workers=2) as (process, address, said):
        yield Served(folder=folder, process=process, address=address, said=said)
    assert process.returncode == 0


def test_reload_reaches_every_process(served: Served) -> None:
    """``tongban reload`` says what came into force everywhere, what takes a restart, and every fault, with its code."""
    folder = served.folder
    register(folder, make_party())
    done = tongban("reload", "--site", folder, "--json")
    assert (done.code, done.object["result"], done.object["processes"]) == (0, "ok", 2)
    settings = folder / "tongban.toml"
    settings.write_text(settings.read_text().replace("requests = 1024", "requests = 777"))
    partly = tongban("reload", "--site", folder, locale="zh_CN.UTF-8")
    assert partly.code == 1
    assert "以下改动须重新启动后生效：" in partly.err
    assert "tongban.toml: [shedding]" in partly.err
    assert len(list((folder / "state" / "serving").glob("*.json"))) == 2


def test_a_site_with_faults_is_neither_reloaded_nor_restarted_with(served: Served) -> None:
    """Where the site could not be served any more those who answer go on, and every fault is said."""
    broken = served.folder / "callers" / "broken.toml"
    broken.write_text("id = 7\n")
    failed = tongban("reload", "--site", served.folder)
    assert (failed.code, failed.out) == (1, "")
    assert "callers/broken.toml: id" in failed.err
    served.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: served.has_said("nothing was restarted; the processes that answer go on"))
    assert ask(served.address, "GET", "/healthz")[0] == 200
    broken.unlink()


def test_a_change_of_the_log_is_refused(served: Served) -> None:
    """Workers are not replaced where they would serve another log than its process writes."""
    settings = served.folder / "tongban.toml"
    text = settings.read_text()
    settings.write_text(text.replace('region = "370000"', 'region = "440000"'))
    served.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: served.has_said("gateway.region takes a stop and a start of all processes"))
    settings.write_text(text)


def test_workers_are_replaced_and_no_request_is_lost(served: Served) -> None:
    """New workers answer before the others leave; the log's process stays, counts go on, and nobody's gauge stays."""
    log, *workers = children_of(served.process)
    begun = started(served.address)
    with asking(served.address) as answered:
        served.replace()
        before = len(answered)
        wait_until(lambda: len(answered) > before + 50)
    now_log, *now = children_of(served.process)
    assert now_log == log
    assert started(served.address) == begun  # it is the same gateway
    assert not set(workers) & set(now)
    metrics = ask(served.address, "GET", "/metrics")[1]
    counted = re.search(r'gateway_requests_total{route="/readyz",status="200"} (\d+)', metrics)
    assert counted is not None
    assert int(counted[1]) == len(answered)
    assert "gateway_requests_in_flight 1.0" in metrics


def test_a_worker_that_dies_is_started_again(served: Served) -> None:
    """Whoever asks while a worker is dead is answered, its end is said, and its gauges end with it."""
    worker = children_of(served.process)[-1]
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: starts(served.address, "died") == 1)
    for _ in range(8):
        assert ask(served.address, "GET", "/readyz")[0] == 200
    assert worker not in children_of(served.process)
    assert "gateway_requests_in_flight 1.0" in ask(served.address, "GET", "/metrics")[1]
    assert served.has_said("ended unexpectedly (SIGKILL); the others go on")


@pytest.mark.slow
def test_a_second_restart_does_not_wait(served: Served) -> None:
    """What is asked while workers are replaced is done once they are, though the first ones stay for a connection."""
    held = [http.client.HTTPConnection(served.address) for _ in range(6)]
    for one in held:
        one.request("GET", "/healthz")
        one.getresponse().read()
    before = sum("have taken over" in line for line in served.said)
    served.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: len(children_of(served.process)) == 5)
    served.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: sum("have taken over" in line for line in served.said) == before + 2)
    assert len(children_of(served.process)) > 3
    for one in held:
        one.close()
    wait_until(lambda: len(children_of(served.process)) == 3)


@pytest.mark.slow
def test_files_of_metrics_are_used_again(served: Served) -> None:
    """However often workers are replaced, there are no more files than there are processes at once."""
    for _ in range(3):
        served.replace()
    environment = Path(f"/proc/{children_of(served.process)[-1]}/environ").read_bytes().split(b"\0")
    name = b"PROMETHEUS_MULTIPROC_DIR="
    folder = next(one.removeprefix(name) for one in environment if one.startswith(name)).decode()
    assert len(list(Path(folder).glob("counter_*.db"))) <= 1 + 3 * 2  # two generations, and who is not yet gone


def test_one_process_starts_itself_anew_and_no_request_is_lost(tmp_path: Path) -> None:
    """A process without workers answers what it was asked, and whoever comes meanwhile waits for it to be back."""
    folder = write_quick_site(tmp_path)
    assert tongban("reload", "--site", folder).code == 2
    with gateway(folder, workers=1) as (process, address, said):
        (folder / "callers" / "broken.toml").write_text("id = 7\n")
        process.send_signal(signal.SIGUSR2)
        wait_until(lambda: any("nothing was restarted" in line for line in said))
        (folder / "callers" / "broken.toml").unlink()
        with asking(address) as answered:
            process.send_signal(signal.SIGUSR2)
            have_read(process)
            wait_until(lambda: starts(address, "replaced") == 1)
            before = len(answered)
            wait_until(lambda: len(answered) > before + 20)
        assert process.poll() is None
    assert process.returncode == 0
    assert not list((folder / "state" / "serving").glob("*.json"))


@pytest.mark.slow
def test_a_batch_under_way_is_answered_before_one_process_starts_anew(tmp_path: Path) -> None:
    """A batch has its own time, which is longer than that of a question, also where nobody else answers meanwhile."""
    folder, party = write_quick_site(tmp_path), make_party()
    register(folder, party)
    settings = folder / "tongban.toml"
    text = re.sub(
        r"^(request_timeout|lingering)_seconds = .*$", r"\1_seconds = 1.0", settings.read_text(), flags=re.MULTILINE
    )
    settings.write_text(text)
    token = party.token(at=datetime.now(UTC), audience=AUDIENCE)
    line = json.dumps(question(b"no licence")).encode() + b"\n"
    head = f"POST {BATCH_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: {BATCH_CONTENT_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with gateway(folder, workers=1) as (process, address, _), connect(address) as connection:
        connection.sendall(head.encode())
        for number in range(6):
            connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            if number == 0:
                process.send_signal(signal.SIGUSR2)
            time.sleep(0.6)
        connection.sendall(b"0\r\n\r\n")
        connection.settimeout(SECONDS)
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            got += (more := connection.recv(65_536))
            assert more, got
        assert got.count(b'"line":') == 6
        wait_until(lambda: starts(address, "replaced") == 1)


@pytest.mark.slow
def test_a_restart_that_is_asked_for_early_is_done(tmp_path: Path) -> None:
    """What is asked before all workers answer is done as soon as they do, and ends none of them."""
    with start(tmp_path, workers=2, stderr=DEVNULL) as process:
        assert process.stdout is not None
        try:
            wait_until(lambda: len(children_of(process)) == 3)
            process.send_signal(signal.SIGUSR2)
            have_read(process)
            address = urlsplit(process.stdout.readline().split()[-1]).netloc
            wait_until(lambda: starts(address, "replaced") == 2)
        finally:
            process.terminate()
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_standard_error_keeps_nothing_from_going_on(tmp_path: Path, workers: int) -> None:
    """Where standard error is full, the gateway is started anew, and stops, as ever."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with start(tmp_path, workers=workers, stderr=writer) as process:
        assert process.stdout is not None
        try:
            address = urlsplit(process.stdout.readline().split()[-1]).netloc
            for _ in range(50):
                assert ask(address, "GET", "/healthz")[0] == 200
            process.send_signal(signal.SIGUSR2)
            wait_until(lambda: starts(address, "replaced") == workers)
        finally:
            process.terminate()
    os.close(reader)
    os.close(writer)
    assert process.returncode == 0


@pytest.mark.slow
def test_workers_that_die_for_ever_end_all(tmp_path: Path) -> None:
    """Where workers cannot live, all end after a few, with 1 and a sentence, and not before."""
    with gateway(write_quick_site(tmp_path), workers=2) as (process, address, said):
        for number in range(6):
            wait_until(lambda number=number: starts(address, "died") == number)
            os.kill(children_of(process)[-1], signal.SIGKILL)
        assert process.wait(20) == 1
    ends = [line for line in said if "ended unexpectedly (SIGKILL)" in line]
    assert ["the others go on" in line for line in ends] == [True] * 5 + [False]
