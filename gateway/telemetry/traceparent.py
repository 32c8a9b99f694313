"""The header ``traceparent`` of W3C Trace Context, version 00: to which trace a request belongs."""

import re
from dataclasses import dataclass
from typing import Final, Self

HEADER: Final = "traceparent"  # its companion tracestate is not read: anything may stand in it
# Section 3.2.2. Later versions begin in the same way and may go on after another hyphen.
_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_VERSION: Final = "00"
_NO_VERSION: Final = "ff"
_MAX_CHARACTERS: Final = 255  # of a later version; longer ones are nothing to us


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The trace, and the span in it that is above ours; both are numbers other than 0."""

    trace: int
    span: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return what a header says; None: nothing, or nothing that follows the rules, and then there is no trace.

        Whether the sender records the trace is left aside: nobody outside decides what is recorded here.
        """
        found = _FORM.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
        if found is None:
            return None
        version, trace, span, _, more = found.groups()
        if version == _NO_VERSION or (version == _VERSION and more is not None):
            return None
        numbers = int(trace, 16), int(span, 16)
        return cls(*numbers) if all(numbers) else None


def encode_trace(trace: int) -> str:
    """Return the id of a trace as headers and logs have it."""
    return f"{trace:032x}"


def encode_span(span: int) -> str:
    """Return the id of a span as headers have it."""
    return f"{span:016x}"
