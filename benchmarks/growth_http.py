"""What an answer over HTTP costs in stores of several sizes: gateways of their own, asked by turns."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.http_load import ask_hard, encode_question
from benchmarks.http_material import PATH, Asked, write_material
from gateway.demo.asking import run_gateway
from gateway.demo.generated import Generation, Press
from gateway.demo.licences import Kind
from gateway.settings import StoreSettings
from gateway.site import SETTINGS_FILE

WARM: Final = "over HTTP, verdicts kept"
COLD: Final = "over HTTP, nothing kept"
_CACHE: Final = "[cache]\n"
_ENABLED: Final = re.compile(r"^enabled = .*\n", re.MULTILINE)
_TOGETHER: Final = 20  # questions to one gateway in one round
_LONGEST_SECONDS: Final = 30.0  # of a round


@dataclass(slots=True, kw_only=True)
class Asking:
    """A gateway that answers from one store, and what its answers took, in microseconds."""

    name: str
    place: tuple[str, int]
    asked: Asked
    bodies: Iterator[bytes]
    taken: list[float] = field(default_factory=list)


@contextmanager
def answering(folder: Path, name: str, generation: Generation, press: Press, store: Path) -> Iterator[Asking]:
    """Run a gateway with a site of its own for a store that was filled."""
    folder.mkdir()
    asked = write_material(folder, generation.at)
    settings = asked.site / SETTINGS_FILE
    text = settings.read_text(encoding="utf-8").replace(f'file = "{StoreSettings().file}"', f'file = "{store}"')
    settings.write_text(text if name == WARM else _without_cache(text), encoding="utf-8")
    press.authority.write_trust_folder(asked.site / "trust", generation.at)
    with run_gateway(asked.site) as address:
        parts = urlsplit(address)
        yield Asking(
            name=name,
            place=(parts.hostname or "", parts.port or 0),
            asked=asked,
            bodies=cycle(_bodies(asked, generation)),
        )


async def ask(one: Asking, *, counts: bool) -> None:
    """Ask some questions, one after the other."""
    token = one.asked.make_token()
    host = f"{one.place[0]}:{one.place[1]}"
    questions = [encode_question(PATH, host, token, body) for body in islice(one.bodies, _TOGETHER)]
    load = await ask_hard(*one.place, questions, connections=1, seconds=_LONGEST_SECONDS, is_once=True)
    if counts:
        one.taken += [taken * 1e3 for taken in load.waits_ms]


def ask_all(gateways: Sequence[Asking], rounds: int, *, warming: int) -> None:
    """Ask all gateways by turns."""

    async def run() -> None:
        for number in range(-warming, rounds):
            for one in gateways if number % 2 else reversed(gateways):
                await ask(one, counts=number >= 0)

    asyncio.run(run())


def _bodies(asked: Asked, generation: Generation) -> list[bytes]:
    """Return questions about certificates that have a document: what the item of the question is for."""
    drafts = [generation.draft(place) for place in generation.document_places]
    wanted = [draft for draft in drafts if draft.kind is Kind.PROPERTY]
    return [asked.encode_body(number, {"identifier": draft.identifier}) for number, draft in enumerate(wanted)]


def _without_cache(settings: str) -> str:
    """Return the settings of a gateway that keeps nothing."""
    before, _, after = settings.partition(_CACHE)
    kept = _ENABLED.sub("", after, count=1)
    return f"{before}{_CACHE}enabled = false\n{kept}"
