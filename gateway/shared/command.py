"""What Redis is asked."""

from collections.abc import Sequence

Argument = bytes | str | int
Command = Sequence[Argument]
