"""The second opinion of a running gateway: its settings, its alarm, and the cases that it leaves on disk.

Nothing here is on the way of a request except a draw and, for the chosen share, one more verification: counting is a
counter, and cases are written by a thread of their own.
"""

import json
import logging
import os
import platform
import queue
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Final

from gateway.toml_table import TomlTable
from keys.second_opinion import Disagreement, Opinion, SecondOpinion, SecondStack
from keys.tongsuo import TongsuoStack

LOGGER: Final = logging.getLogger("tongban.second_opinion")

CASE_FORMAT: Final = "tongban-sm2-disagreement-1"
_PER_MILLION: Final = 1_000_000
_MAX_WAITING: Final = 16  # cases that wait for the disk; more of them say nothing new
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_SUFFIX: Final = ".json"

Count = Callable[[str], None]  # one of the words of `Opinion`, or "case-dropped"
CASE_DROPPED: Final = "case-dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinionSettings:
    """How many SM2 verifications of a million are repeated, and how many cases of disagreement are kept on disk.

    With 0 none is repeated, and no second stack is needed.
    """

    per_million: int = 0
    max_cases: int = 100

    @property
    def share(self) -> float:
        """The share within 0..1."""
        return self.per_million / _PER_MILLION


def parse_second_opinion(table: TomlTable) -> SecondOpinionSettings:
    """Read the table ``[second_opinion]``; faults are noted in the table."""
    usual = SecondOpinionSettings()
    settings = SecondOpinionSettings(
        per_million=table.integer("per_million", default=usual.per_million, low=0, high=_PER_MILLION),
        max_cases=table.integer("max_cases", default=usual.max_cases, low=1, high=10_000),
    )
    table.finish()
    return settings


class CaseFolder:
    """The folder of cases: one file for each different case, no more than ``max_cases``, never overwritten."""

    def __init__(self, path: Path, *, max_cases: int) -> None:
        self._path = path
        self._max_cases = max_cases

    def store(self, disagreement: Disagreement, *, at: datetime) -> Path | None:
        """Write the case, whole or not at all; None when it is there already or the folder is full.

        Raises:
            OSError: the disk says no.

        """
        case = encode_case(disagreement, at=at)
        target = self._path / (case_id(disagreement) + _SUFFIX)
        self._path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        if target.exists() or sum(1 for _ in self._path.glob(f"*{_SUFFIX}")) >= self._max_cases:
            return None
        aside = target.with_suffix(f".{secrets.token_hex(8)}.aside")
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb") as file:
                file.write(case)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
        return target


def case_id(disagreement: Disagreement) -> str:
    """Return the name of a case: the same verification has the same name, whoever meets it when."""
    parts = (disagreement.spki, disagreement.digest, disagreement.signature)
    return sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).hexdigest()[:32]


def encode_case(disagreement: Disagreement, *, at: datetime) -> bytes:
    """Encode a case as JSON: everything to repeat the verification with any SM2 library, and no signed content.

    ``reproduce`` works with the command line of OpenSSL and of Tongsuo alike, which take e in place of the message.
    """
    case = {
        "format": CASE_FORMAT,
        "case": case_id(disagreement),
        "seen_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "public_key_der": disagreement.spki.hex(),
        "user_id": disagreement.user_id.hex(),
        "z": disagreement.z.hex(),
        "digest": disagreement.digest.hex(),
        "signature_der": disagreement.signature.hex(),
        "answers": [
            {"stack": disagreement.first_stack, "signed": disagreement.first},
            {"stack": disagreement.second_stack, "signed": disagreement.second},
        ],
        "machine": {"architecture": platform.machine(), "python": platform.python_version(), "cpu": _read_cpu()},
        "reproduce": [
            f"printf {disagreement.spki.hex()} | xxd -r -p > key.der",
            f"printf {disagreement.digest.hex()} | xxd -r -p > e.bin",
            f"printf {disagreement.signature.hex()} | xxd -r -p > signature.der",
            "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -in e.bin -sigfile signature.der",
        ],
    }
    return (json.dumps(case, ensure_ascii=False, indent=2) + "\n").encode()


def _read_cpu() -> str:
    """Return what Linux calls the processor, since answers have differed by processor; "" where it does not say."""
    with suppress(OSError, UnicodeDecodeError), Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()[:100]
    return ""


class Alarm:
    """Takes every opinion without waiting: counts it, and hands a disagreement to a thread that writes and logs it."""

    def __init__(self, folder: CaseFolder, *, count: Count, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._count = count
        self._clock = clock
        self._waiting: queue.Queue[tuple[Disagreement, datetime] | None] = queue.Queue(_MAX_WAITING)
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread = Thread(target=self._work, name="second-opinion", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits and stop."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def __call__(self, opinion: Opinion, disagreement: Disagreement | None) -> None:
        """Take one opinion."""
        self._count(opinion.value)
        if disagreement is None:
            return
        try:
            self._waiting.put_nowait((disagreement, self._clock()))
        except queue.Full:
            self._count(CASE_DROPPED)

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            self._report(*waiting)

    def _report(self, disagreement: Disagreement, at: datetime) -> None:
        """Write the case, then log that there is one: which stacks said what, and the name of the file."""
        stored = False
        try:
            stored = self._folder.store(disagreement, at=at) is not None
        except OSError:
            self._count(CASE_DROPPED)
        line = {
            "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "alarm": "sm2-second-opinion-disagrees",
            "case": case_id(disagreement),
            "stored": stored,
            "answers": {
                disagreement.first_stack: disagreement.first,
                disagreement.second_stack: disagreement.second,
            },
        }
        LOGGER.error("%s", json.dumps(line, ensure_ascii=False, separators=(",", ":")))


def open_second_opinion(
    settings: SecondOpinionSettings,
    *,
    alarm: Alarm,
    load: Callable[[], SecondStack] = TongsuoStack,
) -> SecondOpinion | None:
    """Return the second opinion that the settings ask for, its stack tried with known answers; None: none is wanted.

    Raises:
        LibraryUnusableError: the second stack is not installed or answers wrongly; the gateway must not start.

    """
    if settings.per_million == 0:
        return None
    return SecondOpinion(load(), share=settings.share, watch=alarm)
