"""Cosignatures of witnesses with Ed25519: a time, and a signature over that time and a checkpoint (tlog-cosignature).

It says: at this time, this was the largest consistent tree that the witness had seen of the log.
Times are whole seconds since 1970, as the witness's clock had them; whether one is too old is the caller's decision.
"""

from dataclasses import dataclass
from typing import Final

from gateway.audit.errors import LogFlaw, MalformedLogDataError

MAX_TIME: Final = 2**63 - 1  # seconds; tlog-cosignature, section "Format"
_TIME_SIZE: Final = 8
_SIGNATURE_SIZE: Final = 64
_HEADER: Final = "cosignature/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """What stands in the signature line of a witness, behind the key id."""

    seconds: int
    signature: bytes


def encode_cosigned_message(text: str, seconds: int) -> bytes:
    """Return what the witness signs: a header, the time, and the text of the checkpoint without signatures."""
    return f"{_HEADER}\ntime {seconds}\n{text}".encode()


def encode_cosignature(cosignature: Cosignature) -> bytes:
    """Write it; ValueError for a time or a signature that no cosignature has."""
    if not 0 <= cosignature.seconds <= MAX_TIME or len(cosignature.signature) != _SIGNATURE_SIZE:
        raise ValueError("a time in seconds and a signature of 64 bytes were expected")
    return cosignature.seconds.to_bytes(_TIME_SIZE) + cosignature.signature


def parse_cosignature(value: bytes) -> Cosignature:
    """Read it.

    Raises:
        MalformedLogDataError: LENGTH; NUMBER, a time above `MAX_TIME`.

    """
    if len(value) != _TIME_SIZE + _SIGNATURE_SIZE:
        raise MalformedLogDataError(LogFlaw.LENGTH, f"a cosignature of 72 bytes was expected, got {len(value)}")
    seconds = int.from_bytes(value[:_TIME_SIZE])
    if seconds > MAX_TIME:
        raise MalformedLogDataError(LogFlaw.NUMBER, "the time of a cosignature")
    return Cosignature(seconds=seconds, signature=value[_TIME_SIZE:])
