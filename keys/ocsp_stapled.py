"""OCSP answers that came with a question, in a document or beside it: read within bounds, believed by nobody yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from keys.ocsp import OcspResponse, parse_ocsp_response
from keys.ocsp_errors import OcspError

MAX_STAPLED: Final = 16  # signer, maker and time stamp, each with a chain of four or five; each costs some signatures
MAX_STAPLED_BYTES: Final = 32 * 1024  # of a caller, together; one has 0.5 to 5 kB, and they travel beside the document


@dataclass(frozen=True, slots=True, kw_only=True)
class StapledAnswers:
    """The answers that could be read; ``unreadable`` counts the others, which are as good as none."""

    responses: tuple[OcspResponse, ...] = ()
    unreadable: int = 0

    def joined(self, other: "StapledAnswers") -> "StapledAnswers":
        """Return both together, each answer once, up to the bound; these come first."""
        responses = tuple(dict.fromkeys((*self.responses, *other.responses)))[:MAX_STAPLED]
        return StapledAnswers(responses=responses, unreadable=self.unreadable + other.unreadable)


NO_ANSWERS: Final = StapledAnswers()


def read_stapled(blobs: Iterable[bytes]) -> StapledAnswers:
    """Read the first `MAX_STAPLED` of ``blobs``; what is no answer is counted and never a fault of the question."""
    responses: list[OcspResponse] = []
    unreadable = 0
    for blob in islice(blobs, MAX_STAPLED):
        try:
            responses.append(parse_ocsp_response(blob))
        except OcspError:
            unreadable += 1
    return StapledAnswers(responses=tuple(responses), unreadable=unreadable)
