"""``tongban bench http --soak MINUTES``: whether the memory of a gateway at full load comes to rest.

Rounds of ten seconds: half of each is the warm path, the other half by turns new documents, keys that nobody asked
for, sign-ins that fail, and batches. After each round the memory of all processes of the gateway is read. Its cache is
kept small, so that what has a bound is full before memory is compared.
"""

import re
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import cycle
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.http_batch import ask_in_batches
from benchmarks.http_load import Load, RefusedError, ask_hard, encode_question
from benchmarks.http_material import PATH, Asked, write_material
from benchmarks.report import Reach, report
from benchmarks.resident import Growth, Sample, measure_growth, read_resident
from gateway.cache.settings import MIB
from gateway.demo.asking import RunningGateway, start_gateway
from gateway.demo.licences import TYPE_CODES
from gateway.site import SETTINGS_FILE

WORKERS: Final = 2  # all kinds of processes are there then: the first one, workers, the log's
CONNECTIONS: Final = 64
DOCUMENT_CONNECTIONS: Final = 8
TURN_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 120.0
GOAL: Final = 1.05
DOCUMENTS: Final = 600  # asked about in turn: more than the cache keeps, so that each is new when its turn comes again
CACHE_BYTES: Final = MIB  # some 250 verdicts
_CACHE_BYTES: Final = re.compile(r"^max_bytes = \d+$", re.MULTILINE)
_STOCK_EVERY: Final = 10  # of the other keys: one is of a licence that exists
_NO_ANSWER: Final = "no answer"


class Turn(StrEnum):
    """What is asked."""

    WARM = "warm"
    DOCUMENTS = "new documents"
    KEYS = "other keys"
    SIGN_INS = "failed sign-ins"
    BATCHES = "batches"


BY_TURNS: Final = (Turn.DOCUMENTS, Turn.KEYS, Turn.SIGN_INS, Turn.BATCHES)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What all turns of one kind gave."""

    answers: int = 0
    seconds: float = 0.0
    unexpected: Counter[str] = field(default_factory=Counter)

    def add(self, load: Load) -> None:
        """Count a turn."""
        self.answers += load.answers
        self.seconds += load.seconds
        self.unexpected.update(load.unexpected)

    def describe(self) -> dict[str, Any]:
        """Return the rate, and what came that was not expected."""
        rate = self.answers / self.seconds if self.seconds else 0.0
        return {"answers": self.answers, "answers_per_second": round(rate, 1), "unexpected": dict(self.unexpected)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A round: what was asked beside the warm path, and what memory was after it."""

    turn: Turn
    rate: float
    errors: int
    sample: Sample

    def describe(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "seconds": round(self.sample.seconds, 1),
            "turn": self.turn,
            "mib": round(self.sample.whole, 1),
            "answers_per_second": round(self.rate, 1),
            "errors": self.errors,
        }


def run(minutes: float) -> dict[str, Any]:
    """Ask for so long and return the report."""
    with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder:
        asked = write_material(Path(folder), datetime.now(UTC))
        keep_little(asked.site)
        documents = list(asked.seal_new(DOCUMENTS))
        with start_gateway(asked.site, workers=WORKERS) as gateway:
            soak = _Soak(asked, documents, gateway)
            rounds = uvloop.run(soak.run(minutes * 60))
    growth = measure_growth([one.sample for one in rounds], settle_seconds=SETTLE_SECONDS)
    return report("http", rounds=len(rounds), reach=hold(growth, rounds), detail=describe(growth, rounds, soak.tallies))


def hold(growth: Growth, rounds: Sequence[Round]) -> Sequence[Reach]:
    """Hold memory and errors against their goals; the growth a minute is what the ratio allows."""
    allowed = growth.settled_mib * (GOAL - 1) / growth.minutes
    return (
        Reach(
            measure="resident memory at the end, of that when it had settled", value=growth.ratio, unit="times",
            goal=GOAL, better="lower",
        ),
        Reach(
            measure="growth of resident memory", value=growth.mib_a_minute, unit="MiB/min",
            goal=round(allowed, 4), better="lower",
        ),
        Reach(
            measure="answers that were not expected", value=float(sum(one.errors for one in rounds)), unit="",
            goal=0.0, better="lower",
        ),
    )  # fmt: skip


def describe(growth: Growth, rounds: Sequence[Round], tallies: Mapping[Turn, Tally]) -> dict[str, Any]:
    """Return every round, and where memory went by process."""
    first, last = rounds[0].sample, rounds[-1].sample
    return {
        "settled_mib": round(growth.settled_mib, 1),
        "end_mib": round(growth.end_mib, 1),
        "compared_minutes": round(growth.minutes, 2),
        "turns": {turn: tally.describe() for turn, tally in tallies.items()},
        "processes_mib": [
            {"pid": pid, "first": round(first.mib.get(pid, 0.0), 1), "last": round(last.mib.get(pid, 0.0), 1)}
            for pid in sorted(first.mib.keys() | last.mib.keys())
        ],
        "rounds": [one.describe() for one in rounds],
    }


def keep_little(site: Path) -> None:
    """Bound the cache of the site, so that it is full soon."""
    settings = site / SETTINGS_FILE
    text = settings.read_text(encoding="utf-8")
    settings.write_text(_CACHE_BYTES.sub(f"max_bytes = {CACHE_BYTES}", text), encoding="utf-8")


class _Soak:
    """One gateway, asked in rounds."""

    def __init__(self, asked: Asked, documents: Sequence[bytes], gateway: RunningGateway) -> None:
        parts = urlsplit(gateway.address)
        self.tallies = {turn: Tally() for turn in Turn}
        self._asked = asked
        self._gateway = gateway
        self._place = (parts.hostname or "", parts.port or 0)
        self._documents = cycle(documents)
        self._stranger = replace(asked.caller, key=Ed25519PrivateKey.generate())

    async def run(self, seconds: float) -> list[Round]:
        """Ask in rounds until the time is over, and each turn has come once."""
        rounds: list[Round] = []
        elapsed = 0.0
        for turn in cycle(BY_TURNS):
            loads = [await self._take(Turn.WARM), await self._take(turn)]
            elapsed += sum(load.seconds for load in loads)
            rounds.append(
                Round(
                    turn=turn,
                    rate=sum(load.answers for load in loads) / sum(load.seconds for load in loads),
                    errors=sum(sum(load.unexpected.values()) for load in loads),
                    sample=read_resident(self._gateway.pid, elapsed),
                )
            )
            if elapsed >= seconds and len(rounds) >= len(BY_TURNS):
                break
        return rounds

    async def _take(self, turn: Turn) -> Load:
        if turn is Turn.BATCHES:
            load = await self._batches()
        else:
            questions, connections, expected = self._questions(turn)
            load = await ask_hard(
                *self._place,
                questions,
                connections=connections,
                seconds=TURN_SECONDS,
                is_once=True,
                expected=expected,
                is_lasting=True,
            )
        self.tallies[turn].add(load)
        return load

    async def _batches(self) -> Load:
        try:
            return await ask_in_batches(self._gateway.address, self._asked, seconds=TURN_SECONDS)
        except (RefusedError, aiohttp.ClientError):
            return Load(answers=0, seconds=TURN_SECONDS, waits_ms=(), unexpected={_NO_ANSWER: 1})

    def _questions(self, turn: Turn) -> tuple[Iterable[bytes], int, int]:
        """Return questions without end, on how many connections, and the status of their answers."""
        host = self._place[0]
        if turn is Turn.SIGN_INS:
            return sign_ins(replace(self._asked, caller=self._stranger), host), CONNECTIONS, 401
        if turn is Turn.DOCUMENTS:
            return self._asked.encode_cold(host, self._documents), DOCUMENT_CONNECTIONS, 200
        if turn is Turn.KEYS:
            return other_keys(self._asked, host), CONNECTIONS, 200
        return cycle(self._asked.encode_warm(host)), CONNECTIONS, 200


def other_keys(asked: Asked, host: str) -> Iterator[bytes]:
    """Yield questions by number and type: mostly of licences that do not exist, each another one."""
    token = asked.make_token()
    for number, licence in enumerate(cycle(asked.licences)):
        draft = licence.draft
        name = draft.number if number % _STOCK_EVERY == 0 else uuid.uuid4().hex
        key = {"number": name, "type": TYPE_CODES[draft.kind]}
        yield encode_question(PATH, host, token, asked.encode_body(number, key))


def sign_ins(stranger: Asked, host: str) -> Iterator[bytes]:
    """Yield questions with tokens under the caller's name and another key, each another one."""
    for number, licence in enumerate(cycle(stranger.licences)):
        body = stranger.encode_body(number, {"identifier": licence.draft.identifier})
        yield encode_question(PATH, host, stranger.make_token(), body)
