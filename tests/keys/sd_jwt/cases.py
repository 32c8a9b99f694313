"""One way to be wrong per case: a credential or a presentation that starts valid, and one thing in it is broken."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.keys.sd_jwt.parts import Parts
from tests.keys.sd_jwt.wrong_bindings import WRONG_BINDINGS
from tests.keys.sd_jwt.wrong_credentials import RFC, WRONG_CREDENTIALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A text and what it must come to; ``fault`` "" is valid."""

    id: str
    why: str
    source: str
    text: str
    asks_for_binding: bool
    fault: str


def all_cases() -> Iterator[Case]:
    """Yield all cases, the valid ones first."""
    yield from _valid()
    for bound, table in ((False, WRONG_CREDENTIALS), (True, WRONG_BINDINGS)):
        for fault, name, why, source, change in table:
            parts = Parts.valid()
            parts.is_bound = bound
            change(parts)
            yield Case(
                id=f"{fault}/{name}", why=why, source=source, text=parts.encode(), asks_for_binding=bound, fault=fault
            )


def _valid() -> Iterator[Case]:
    for bound in (False, True):
        parts = Parts.valid()
        parts.is_bound = bound
        yield Case(
            id="valid/bound" if bound else "valid/plain",
            why="everything is as it should be",
            source=f"{RFC} 7",
            text=parts.encode(),
            asks_for_binding=bound,
            fault="",
        )
    less = Parts.valid()
    less.disclosures = []
    yield Case(
        id="valid/nothing-shown",
        why="a holder may show nothing but what stands in the open",
        source=f"{RFC} 7.1",
        text=less.encode(),
        asks_for_binding=False,
        fault="",
    )
