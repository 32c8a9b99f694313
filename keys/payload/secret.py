"""A secret that two systems share: bytes that are never shown."""

import hmac
from typing import NoReturn

from keys.payload.bounds import MAX_SECRET
from keys.payload.errors import PayloadError, PayloadFault


class Secret:
    """A shared secret; neither repr nor an error shows it, and comparing takes the same time for every other one."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Take 1 to `MAX_SECRET` bytes; raises PayloadError with KEY for others, since nothing is no secret."""
        if not 0 < len(value) <= MAX_SECRET:
            raise PayloadError(PayloadFault.KEY, f"1 to {MAX_SECRET} bytes were expected, got {len(value)}")
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes, for a cipher or a digest and nothing else."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash would let a secret be a key of a table, where it leaks

    def __repr__(self) -> str:
        """Show nothing."""
        return "Secret(<hidden>)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied into a file; raises TypeError."""
        raise TypeError("a secret is not written down")
