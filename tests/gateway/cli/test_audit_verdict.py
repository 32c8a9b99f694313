"""``tongban audit verdict``: what the gateway answers is read as a whole, however it comes."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cli import Ended, tongban

ALARM = "burst:" + "0" * 32


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """Serve one answer, in two pieces."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body[:20])
                time.sleep(0.05)  # so that the pieces are two for whoever reads
                connection.sendall(body[20:])

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def give(url: str, token: Path) -> Ended:
    """Give a verdict."""
    return tongban("audit", "verdict", ALARM, "justified", "--url", url, "--token-file", token)


def test_an_answer_in_pieces_is_read_as_a_whole(tmp_path: Path) -> None:
    """The verdict that stands in the log is said to do so, with its entry."""
    (tmp_path / "token").write_text("t")
    with answering(b'{"alarm":"a","verdict":"justified","receipt":{"index":5}}') as url:
        ended = give(url, tmp_path / "token")
    assert (ended.code, "entry 5" in ended.out) == (0, True)


def test_an_answer_that_is_none_is_said(tmp_path: Path) -> None:
    """What no gateway answers ends with 2 and a sentence."""
    (tmp_path / "token").write_text("t")
    with answering(b"[" * 100_000) as url:
        assert give(url, tmp_path / "token").code == 2
