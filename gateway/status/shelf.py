"""The last good answers on disk: written aside and put in place in one step; verified again by whoever reads them.

One file for each part of a source: a line of JSON (when it was confirmed, the measured skew, what it is about), then
the answer as it was received. Where the same answer is confirmed later, only such a line is written, to a file beside
it that names the answer by its digest.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from gateway.status.leader import LOCK_FILE, LeaderLock
from gateway.trust.files import replace_file
from keys.certificate import Certificate

_SUFFIX: Final = ".status"
_CONFIRMED: Final = ".confirmed"
_SEQUENCE_FILE: Final = "sequence"
_REVISION_FILE: Final = "revision"
_HANDED_FOLDER: Final = "asked-about"
MAX_HANDED: Final = 1_024  # certificates taken at a time; a gateway meets a few hundred new signers in a day
_MAX_HEADER: Final = 128 * 1024  # bytes of the first line: a certificate in base64 and two times
_MAX_BODY: Final = 256 * 1024 * 1024  # the bound of the readers
_MAX_SEQUENCE: Final = 20  # digits
_RESERVED: Final = frozenset({_SEQUENCE_FILE, _REVISION_FILE, LOCK_FILE})  # beside the folders of the sources
_SAFE: Final = re.compile(r"[0-9A-Za-z._-]{1,100}")
_put: Final = partial(replace_file, mode=0o600)  # nobody but the gateway reads a shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer, when its source last confirmed it, and what was known besides; ``about`` is a DER certificate."""

    body: bytes
    confirmed_at: datetime
    skew: timedelta | None = None
    about: bytes | None = None


class KeptParts(NamedTuple):
    """What is kept of one source by part, and the parts whose files cannot be read as such."""

    answers: dict[str, KeptAnswer]
    unreadable: tuple[str, ...]


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    confirmed_at: datetime
    skew_seconds: float | None
    about: str | None
    body: str | None = None  # SHA-256 of the answer, where it is in another file


class Shelf:
    """A folder of kept answers; every method blocks, and raises OSError when the folder cannot be used."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made on first writing."""
        self._folder = folder
        self._digests: dict[Path, str] = {}  # of the answers as they were written or read last
        self.leader = LeaderLock(folder)

    def read(self, source: str) -> KeptParts:
        """Return the kept parts of a source."""
        found: dict[str, KeptAnswer] = {}
        unreadable = []
        for path in sorted((self._folder / _file_name(source)).glob(f"*{_SUFFIX}")):
            part = path.name.removesuffix(_SUFFIX)
            try:
                kept = _read_file(path)
            except FileNotFoundError:  # removed meanwhile
                continue
            except (OSError, ValueError):
                unreadable.append(part)
                continue
            digest = hashlib.sha256(kept.body).hexdigest()
            self._digests[path] = digest
            found[part] = _confirm(kept, digest, path.with_suffix(_CONFIRMED))
        return KeptParts(found, tuple(unreadable))

    def write(self, source: str, part: str, kept: KeptAnswer) -> None:
        """Keep an answer in place of the earlier one; of the same answer only what is new about it is written."""
        path = self._find_path(source, part)
        digest = hashlib.sha256(kept.body).hexdigest()
        if self._digests.get(path) == digest and path.exists():
            _put(path.with_suffix(_CONFIRMED), _encode_header(kept, body=digest))
            return
        self._digests.pop(path, None)
        _put(path, _encode_header(kept), b"\n", kept.body)
        self._digests[path] = digest
        path.with_suffix(_CONFIRMED).unlink(missing_ok=True)

    def remove(self, source: str, part: str) -> None:
        """Forget a part, if it was kept."""
        path = self._find_path(source, part)
        self._digests.pop(path, None)
        path.unlink(missing_ok=True)
        path.with_suffix(_CONFIRMED).unlink(missing_ok=True)

    def _find_path(self, source: str, part: str) -> Path:
        return self._folder / _file_name(source) / (_file_name(part) + _SUFFIX)

    def read_revision(self, source: str = "") -> int:
        """Return how often what is kept was changed, of one source or of all; 0 before the first time."""
        return _read_number(
            self._folder / _file_name(source) / _REVISION_FILE if source else self._folder / _REVISION_FILE
        )

    def mark_changed(self, source: str | None = None) -> None:
        """Tell the processes that only read that something changed; called by the one that writes, after it wrote."""
        number = str(self.read_revision() + 1).encode()
        if source is not None:
            _put(self._folder / _file_name(source) / _REVISION_FILE, number, durable=False)
        _put(self._folder / _REVISION_FILE, number, durable=False)

    def hand_over(self, source: str, certificates: Iterable[Certificate]) -> None:
        """Leave certificates whose status is asked about for the process that asks the sources."""
        for certificate in certificates:
            path = self._folder / _file_name(source) / _HANDED_FOLDER / f"{certificate.fingerprint.hex()}.der"
            _put(path, certificate.encoded, durable=False)

    def take_handed(self, source: str) -> list[bytes]:
        """Return certificates that were left, a bounded number at a time, and forget them; what is no file stays."""
        found: list[bytes] = []
        place = self._folder / _file_name(source) / _HANDED_FOLDER
        if not place.is_dir():
            return found
        for path in islice(filter(Path.is_file, place.glob("*.der")), MAX_HANDED):
            with path.open("rb") as stream:
                found.append(stream.read(_MAX_HEADER))
            path.unlink(missing_ok=True)
        return found

    def read_sequence(self) -> int:
        """Return the last sequence number that was given out; 0 before the first."""
        return _read_number(self._folder / _SEQUENCE_FILE)

    def write_sequence(self, sequence: int) -> None:
        """Keep the last sequence number."""
        _put(self._folder / _SEQUENCE_FILE, str(sequence).encode())


def _file_name(name: str) -> str:
    """Return a name that is one plain component of a path, whatever the site calls a source."""
    if not _SAFE.fullmatch(name) or name.startswith(".") or name in _RESERVED:
        return hashlib.sha256(name.encode()).hexdigest()
    return name


def _read_number(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            text = stream.read(_MAX_SEQUENCE + 1).strip()
    except FileNotFoundError:
        return 0
    return int(text) if text.isdigit() and len(text) <= _MAX_SEQUENCE else 0


def _encode_header(kept: KeptAnswer, *, body: str | None = None) -> bytes:
    return msgspec.json.encode(
        _Header(
            confirmed_at=kept.confirmed_at.astimezone(UTC),
            skew_seconds=None if kept.skew is None else kept.skew.total_seconds(),
            about=None if kept.about is None else base64.b64encode(kept.about).decode(),
            body=body,
        )
    )


def _read_file(path: Path) -> KeptAnswer:
    """Return the answer in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no answer.

    """
    with path.open("rb") as stream:
        line = stream.readline(_MAX_HEADER)
        body = stream.read(_MAX_BODY + 1)
    if len(body) > _MAX_BODY:
        raise ValueError(f"at most {_MAX_BODY} bytes were expected")
    return _read_header(line, body)[1]


def _confirm(kept: KeptAnswer, digest: str, path: Path) -> KeptAnswer:
    """Return the answer as it was confirmed last, where the file says so of this very answer."""
    try:
        with path.open("rb") as stream:
            about, confirmed = _read_header(stream.read(_MAX_HEADER), kept.body)
    except (OSError, ValueError):
        return kept
    return confirmed if about == digest and confirmed.confirmed_at > kept.confirmed_at else kept


def _read_header(line: bytes, body: bytes) -> tuple[str | None, KeptAnswer]:
    """Return the digest of the answer in another file that the line is about, if any, and what it says of ``body``.

    Raises:
        ValueError: no such line.

    """
    try:
        header = msgspec.json.decode(line, type=_Header)
        about = None if header.about is None else base64.b64decode(header.about, validate=True)
        skew = None if header.skew_seconds is None else timedelta(seconds=header.skew_seconds)
    except (msgspec.MsgspecError, binascii.Error, OverflowError) as error:
        raise ValueError("a header was expected") from error
    if header.confirmed_at.tzinfo is None:
        raise ValueError("a time with its offset was expected")
    return header.body, KeptAnswer(body=body, confirmed_at=header.confirmed_at, skew=skew, about=about)
