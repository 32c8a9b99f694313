"""The vectors in tests/vectors/tlog, and the ways in which a test breaks an artefact of the log."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.audit.tlog.note_key import NoteKey, parse_vkey
from tests.vectors.build_tlog import FOLDER
from tests.vectors.tlog_artefacts import LOG, LOG_SM2, WITNESSES

LOG_KEY: NoteKey = parse_vkey(LOG.vkey)
LOG_SM2_KEY: NoteKey = parse_vkey(LOG_SM2.vkey)
WITNESS_KEYS: tuple[NoteKey, ...] = tuple(parse_vkey(key.vkey) for key in WITNESSES)


def vectors(name: str) -> Any:
    """Return the content of a file of vectors."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def format_cases(name: str) -> Any:
    """Parametrise a test with ``data`` and ``flaw`` of all cases of a format."""
    cases = [case for case in vectors("formats.json") if case["format"] == name]
    return pytest.mark.parametrize(
        ("data", "flaw"), [pytest.param(_bytes(case), case["flaw"], id=case["why"]) for case in cases]
    )


def _bytes(case: dict[str, str]) -> bytes:
    return case["data"].encode() if case["base64"] is None else base64.b64decode(case["base64"])


def changed_bytes(data: bytes) -> Iterator[bytes]:
    """Change each byte in three ways, drop each byte, and put one in before each."""
    for at in range(len(data)):
        for mask in (0x01, 0x20, 0x80):
            yield data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :]
        yield data[:at] + data[at + 1 :]
        yield data[:at] + b"A" + data[at:]
    yield data + b"\n"
