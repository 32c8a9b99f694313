"""Where a log is verified from: a folder, or an address that serves one; both give files by their path, bounded."""

import http.client
import os
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event, Timer
from typing import Final, Protocol
from urllib.parse import urlsplit

from gateway.audit.errors import AuditError
from gateway.audit.tlog.merkle import EMPTY_ROOT, HASH_SIZE
from gateway.audit.tlog.tile import (
    ENTRIES,
    MAX_BUNDLE,
    TILE_SIZE,
    TILE_WIDTH,
    TileAddress,
    encode_tile_path,
    hash_ranges,
    range_tiles,
)
from gateway.trust.files import read_file

CHECKPOINT_FILE: Final = "checkpoint"
POLICY_FILE: Final = "trust.policy"
MANIFEST_FILE: Final = "manifest.json"
CHECKPOINTS_FOLDER: Final = "checkpoints"  # further ones, each named by its size
BUNDLES_FOLDER: Final = "policies"  # policy bundles, each named by its digest

_SECONDS: Final = 30.0  # without a byte from the server
_WHOLE_SECONDS: Final = 120.0  # for one file; the largest bundle has 16 MiB
_MAX_TOKEN: Final = 8 * 1024  # characters; the longest that a gateway takes
_USER_AGENT: Final = "tongban-audit-verify"


class SourceFault(StrEnum):
    """Why a log cannot be read; nothing is said about the log itself."""

    NOT_A_FOLDER = "not-a-folder"
    URL = "url"
    UNREADABLE = "unreadable"
    UNREACHABLE = "unreachable"
    STATUS = "status"
    TOO_SLOW = "too-slow"
    CUT_SHORT = "cut-short"
    ENCODING = "encoding"


class SourceError(AuditError):
    """The log cannot be read; ``detail`` names a path."""

    def __init__(self, fault: SourceFault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail

    def __reduce__(self) -> tuple[type["SourceError"], tuple[SourceFault, str]]:
        """Come back from another process with both; by itself, an error is made anew from its text alone."""
        return SourceError, (self.fault, self.detail)


class Source(Protocol):
    """Files of a log by their path; it can be handed to another process."""

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a file, of a longer one the first ``limit`` + 1 bytes; None where there is none.

        Raises:
            SourceError: it cannot be read.

        """
        ...

    def paths(self) -> Iterator[str] | None:
        """Name every file; None where the source cannot tell. Raises SourceError."""
        ...

    def close(self) -> None:
        """Let go of it; reading opens it again."""
        ...


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder in the layout of tlog-tiles."""

    folder: Path

    def __post_init__(self) -> None:
        """Refuse what is no folder; raises SourceError."""
        if not self.folder.is_dir():
            raise SourceError(SourceFault.NOT_A_FOLDER, str(self.folder))

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a file."""
        place = self.folder / path
        try:
            # A bound as large as the file: reading prepares as much room as it is allowed to fill.
            return read_file(place, min(limit, place.stat().st_size))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SourceError(SourceFault.UNREADABLE, f"{path}: {error.strerror or type(error).__name__}") from error

    def paths(self) -> Iterator[str]:
        """Name every file below the folder; links to folders are files to us, and surplus."""
        folders = [""]
        try:
            while folders:
                parent = folders.pop()
                # A folder that we may not enter, as a disk's lost+found, is no surplus; tiles that it hides are missed.
                with suppress(PermissionError), os.scandir(self.folder / parent) as entries:
                    for entry in entries:
                        path = parent + entry.name
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(f"{path}/")
                        else:
                            yield path
        except OSError as error:
            raise SourceError(SourceFault.UNREADABLE, error.strerror or type(error).__name__) from error

    def close(self) -> None:
        """Do nothing: no file stays open."""


class HttpSource:
    """An address below which a log is served (tlog-tiles); redirects are not followed."""

    def __init__(self, url: str, token_file: Path | None = None) -> None:
        """Take the address, and the file of the token to sign in with; raises SourceError (URL)."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise SourceError(SourceFault.URL, "an http or https address was expected") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or "@" in url:
            raise SourceError(SourceFault.URL, "an http or https address was expected, without query and user")
        self._url, self._token_file = url, token_file
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, port
        self._prefix = parts.path.rstrip("/")
        self._connection: http.client.HTTPConnection | None = None

    def __reduce__(self) -> tuple[type["HttpSource"], tuple[str, Path | None]]:
        """Go to another process without the connection."""
        return HttpSource, (self._url, self._token_file)

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a file; a connection that was closed while it lay idle is opened anew, once."""
        is_new = self._connection is None
        try:
            return self._read(path, limit)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            if is_new:
                raise self._failed(error, path) from error
        try:
            return self._read(path, limit)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise self._failed(error, path) from error

    def paths(self) -> None:
        """Return None: a server does not tell."""

    def _read(self, path: str, limit: int) -> bytes | None:
        connection = self._connection or self._connect()
        headers = {"Accept-Encoding": "gzip, identity", "User-Agent": _USER_AGENT, **self._sign_in()}
        connection.request("GET", f"{self._prefix}/{path}", headers=headers)
        with _deadline(connection) as has_passed:
            response = connection.getresponse()
            status, encoding = response.status, response.getheader("Content-Encoding", "identity").strip().lower()
            data = response.read(limit + 1)
        if has_passed.is_set():
            self.close()
            raise SourceError(SourceFault.TOO_SLOW, path)
        if len(data) > limit:
            self.close()  # the rest of it is not wanted
        elif response.length:
            self.close()
            raise SourceError(SourceFault.CUT_SHORT, path)
        if status in {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE}:
            return None
        if status != http.HTTPStatus.OK:
            raise SourceError(SourceFault.STATUS, f"{path}: {status}")
        if encoding == "gzip":
            return _unzip(data, path, limit)
        if encoding != "identity":
            raise SourceError(SourceFault.ENCODING, path)
        return data

    def _sign_in(self) -> dict[str, str]:
        """Return the header with the token as its file has it now: one lives for minutes, and a log may take longer."""
        return {} if self._token_file is None else {"Authorization": f"Bearer {read_token(self._token_file)}"}

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(self._host, self._port, timeout=_SECONDS, context=context)
        else:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=_SECONDS)
        return self._connection

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _failed(self, error: Exception, path: str) -> SourceError:
        fault = SourceFault.TOO_SLOW if isinstance(error, TimeoutError) else SourceFault.UNREACHABLE
        return SourceError(fault, f"{self._host}: {path}: {type(error).__name__}")


@contextmanager
def _deadline(connection: http.client.HTTPConnection) -> Iterator[Event]:
    """Cut the connection when an answer takes too long as a whole; a server may send a byte now and then for ever."""
    passed, connected = Event(), connection.sock

    def cut() -> None:
        passed.set()
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = Timer(_WHOLE_SECONDS, cut)
    timer.daemon = True
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()


def _unzip(data: bytes, path: str, limit: int) -> bytes:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # the gzip form
    try:
        plain = reader.decompress(data, limit + 1)
    except zlib.error as error:
        raise SourceError(SourceFault.ENCODING, path) from error
    if len(plain) <= limit and not reader.eof:
        raise SourceError(SourceFault.CUT_SHORT, path)
    return plain


def read_token(path: Path) -> str:
    """Return the token in a file, on one line.

    Raises:
        SourceError: UNREADABLE, also for what cannot stand in a header.

    """
    try:
        token = read_file(path, _MAX_TOKEN).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(SourceFault.UNREADABLE, f"{path}: {type(error).__name__}") from error
    if not token or len(token) > _MAX_TOKEN or not token.isprintable() or " " in token:
        raise SourceError(SourceFault.UNREADABLE, f"{path}: a token on one line was expected")
    return token


def is_address(place: str) -> bool:
    """Answer whether a place is an address, and no folder."""
    return place.startswith(("http://", "https://"))


def open_source(place: str, token_file: Path | None = None) -> Source:
    """Return the source that an address or a folder names, signing in with the token in a file; raises SourceError."""
    return HttpSource(place, token_file) if is_address(place) else FolderSource(Path(place))


def read_tile(source: Source, address: TileAddress) -> bytes | None:
    """Return a tile or a bundle as it is served; None where there is none.

    A log that has grown may have only the full one in place of a partial one; then its beginning is returned.

    Raises:
        SourceError: it cannot be read.

    """
    limit = MAX_BUNDLE if address.level == ENTRIES else TILE_SIZE
    data = source.read(encode_tile_path(address), limit)
    if data is not None or address.width == TILE_WIDTH:
        return data
    whole = source.read(encode_tile_path(TileAddress(address.level, address.index)), limit)
    if whole is None:
        return None
    return _first_entries(whole, address.width) if address.level == ENTRIES else whole[: address.width * HASH_SIZE]


def read_root(read: Callable[[TileAddress], bytes | None], earlier: int, size: int) -> bytes:
    """Return the root of the first ``earlier`` entries from the tiles of a tree of ``size``.

    Raises:
        MalformedLogDataError: LENGTH, a tile is missing or has another length; and what ``read`` raises.

    """
    if not earlier:
        return EMPTY_ROOT
    tiles = {address: read(address) or b"" for address in range_tiles([(0, earlier)], size)}
    return hash_ranges([(0, earlier)], tiles)[0]


def _first_entries(bundle: bytes, width: int) -> bytes:
    at = 0
    for _ in range(width):
        at += 2 + int.from_bytes(bundle[at : at + 2])
    return bundle[:at]
