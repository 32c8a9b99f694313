"""Verifying a log that is not public: each request carries the token that its file has at that moment."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from gateway.audit.verify.source import HttpSource, SourceError, SourceFault, open_source


class _Echo(BaseHTTPRequestHandler):
    """Answers with the header that asks to be let in."""

    def do_GET(self) -> None:
        body = self.headers.get("Authorization", "nobody").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_token_is_read_anew(address: str, tmp_path: Path) -> None:
    """A token that was renewed while a log is verified is used from then on, also in another process."""
    token = tmp_path / "token"
    token.write_text("first\n", encoding="ascii")
    source = open_source(address, token)
    assert source.read("checkpoint", 100) == b"Bearer first"
    token.write_text("second", encoding="ascii")
    assert source.read("checkpoint", 100) == b"Bearer second"
    source.close()
    assert isinstance(source, HttpSource)
    make, arguments = source.__reduce__()
    copy = make(*arguments)
    assert copy.read("checkpoint", 100) == b"Bearer second"
    copy.close()


def test_nobody_signs_in_without_a_token(address: str) -> None:
    """Without a file no header is sent."""
    source = open_source(address)
    assert source.read("checkpoint", 100) == b"nobody"
    source.close()


@pytest.mark.parametrize("content", [b"", b"two words", b"line\nline", b"\xff", b"x" * 9_000, None])
def test_what_is_no_token(address: str, tmp_path: Path, content: bytes | None) -> None:
    """What cannot stand in a header, or is not there, is said before anything is asked."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    source = open_source(address, tmp_path / "token")
    with pytest.raises(SourceError) as caught:
        source.read("checkpoint", 100)
    assert caught.value.fault is SourceFault.UNREADABLE
    source.close()
