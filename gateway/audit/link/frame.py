"""Frames on the link: four bytes that say how long, then so many bytes; before the first, a greeting from each side.

The greeting names the version of what is said, so that a command of another version is told so and not misread.
"""

from collections.abc import Iterator
from typing import Final

from gateway.audit.errors import AuditError

GREETING: Final = b"tongban log link 1\n"
MAX_REQUEST: Final = 256 * 1024  # bytes; the largest draft has some 25 KiB, sixteen approvals 64 KiB
MAX_ANSWER: Final = 16 * 1024 * 1024  # bytes; the numbers of three million entries about one person
_PREFIX: Final = 4


class FrameError(AuditError):
    """The other side says what no side of this link says."""


def encode_frame(payload: bytes) -> bytes:
    """Return the frame around a payload."""
    return len(payload).to_bytes(_PREFIX) + payload


class FrameReader:
    """Takes bytes as they come, and gives frames as soon as they are whole."""

    def __init__(self, *, most: int) -> None:
        """Take frames of up to ``most`` bytes, behind a greeting."""
        self._most = most
        self._buffer = bytearray()
        self.is_greeted = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes and yield the payloads that are whole with them.

        Raises:
            FrameError: another greeting, or a frame that is empty or too long.

        """
        buffer = self._buffer
        buffer += data
        at = 0
        if not self.is_greeted:
            at = self._greet()
        try:
            while self.is_greeted and len(buffer) - at >= _PREFIX:
                start = at + _PREFIX
                size = int.from_bytes(buffer[at:start])
                if not 0 < size <= self._most:
                    raise FrameError(f"a frame of 1 to {self._most} bytes was expected, got {size}")
                if len(buffer) < start + size:
                    break
                at = start + size
                yield bytes(buffer[start:at])
        finally:
            del buffer[:at]

    def _greet(self) -> int:
        """Read the greeting; return how many bytes that were."""
        if not GREETING.startswith(self._buffer[: len(GREETING)]):
            raise FrameError("another greeting was expected")
        self.is_greeted = len(self._buffer) >= len(GREETING)
        return len(GREETING) if self.is_greeted else 0
