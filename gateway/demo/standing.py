"""The questions that a demo asks whenever somebody wants to know: how what is broken meanwhile shows in the answers."""

import asyncio
import base64
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from gateway.demo.asking import CASE, PUBLIC_ITEM, new_clerk, open_session, post
from gateway.demo.neighbours import LIBRARY, SystemQuestion
from gateway.demo.stage import CALLER_ID, Stage
from gateway.toml_table import Words

TOLERANCE_SECONDS: Final = 3600
_SOURCE_NOTE: Final = "source."
_TIMES_TO_KEEP: Final = 16  # so that of two processes none is left out: one in 32,000 is
_PATH: Final = "/v1/verifications"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingQuestion:
    """A question by its name, in words, and as the caller asks it."""

    name: str
    words: Words
    key: Ed25519PrivateKey
    body: Mapping[str, Any]


class StandingAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an answer says; of a refusal the status and the reason alone."""

    name: str
    zh: str
    en: str
    status: int
    outcome: str | None
    reasons: list[str]
    source: str | None = None
    register: str | None = None
    as_of: str | None = None
    stale: bool = False
    notes: list[str] = []
    milliseconds: int


class StandingAnswers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answers to all of them."""

    answers: list[StandingAnswer]


def make_standing(stage: Stage) -> tuple[StandingQuestion, ...]:
    """Return the questions of a stage: about its store, the library, tolerant or not, and another system."""

    def ask(name: str, zh: str, en: str, body: Mapping[str, Any]) -> StandingQuestion:
        return StandingQuestion(name=name, words=Words(zh=zh, en=en), key=stage.caller_key, body=dict(body))

    found: list[StandingQuestion] = []
    public = {"purpose": {"item": PUBLIC_ITEM}, "operator": {"id": new_clerk()}}
    if stage.stock:
        first, second = stage.stock[:2]
        document = base64.b64encode(second.document).decode("ascii")
        key = {"identifier": first.draft.identifier}
        found += [
            ask("store", "自有证照库，按标识", "own store, by identifier", {"licence": key} | public),
            ask("document", "提交文件", "a document submitted", {"licence": {"document": document}} | public),
        ]
    library = next((one for one in stage.systems if one.neighbour is LIBRARY), None)
    # Named without its holder: who names one compares, and a policy allows few comparisons about one person.
    other = next((one for one in stage.systems if one.neighbour is not LIBRARY and "holder" not in one.key), None)
    if library is not None and other is not None:
        tolerant = _about(library) | {"tolerance_seconds": TOLERANCE_SECONDS}
        found += [
            ask("library", "省库，不容忍旧答复", "the library, no tolerance", _about(library)),
            ask("library-tolerant", "省库，容忍一小时", "the library, an hour tolerated", tolerant),
            ask("other-system", "另一系统（登记为注销）", "another system (cancelled)", _about(other)),
        ]
    return tuple(found)


async def ask_standing(address: str, questions: Sequence[StandingQuestion]) -> StandingAnswers:
    """Ask all of them at the same time, each over a connection of its own."""
    return StandingAnswers(answers=await asyncio.gather(*(_ask(address, one) for one in questions)))


async def let_keep(address: str, questions: Sequence[StandingQuestion]) -> None:
    """Ask those that tolerate an older answer until each process of the gateway has one to keep."""
    tolerant = [one for one in questions if "tolerance_seconds" in one.body]
    for _ in range(_TIMES_TO_KEEP):
        for one in tolerant:
            await _ask(address, one)


def _about(question: SystemQuestion) -> dict[str, Any]:
    """Ask in a case of its own: whoever asks again and again stays within the budgets of the policy."""
    return {
        "licence": dict(question.key),
        "purpose": {**CASE, "case": f"YB2026-{secrets.randbelow(1_000_000):06d}"},
        "operator": {"id": new_clerk(), "name": "演示经办人"},
    }


async def _ask(address: str, question: StandingQuestion) -> StandingAnswer:
    begun = time.monotonic()
    try:
        async with open_session(address) as session:
            status, body = await post(session, _PATH, question.body, caller=CALLER_ID, key=question.key)
    except (aiohttp.ClientError, TimeoutError) as error:
        status, body = 0, {"reason": type(error).__name__}
    freshness = body.get("freshness") or {}
    return StandingAnswer(
        name=question.name,
        zh=question.words.zh,
        en=question.words.en,
        status=status,
        outcome=body.get("outcome"),
        reasons=list(body["reasons"]) if "reasons" in body else [str(body.get("reason", ""))],
        source=freshness.get("source"),
        register=freshness.get("register"),
        as_of=freshness.get("as_of"),
        stale=bool(freshness.get("stale")),
        notes=[one for one in body.get("notes", ()) if one.startswith(_SOURCE_NOTE)] or _read_budget(body),
        milliseconds=round((time.monotonic() - begun) * 1000),
    )


def _read_budget(body: Mapping[str, Any]) -> list[str]:
    return [f"budget {body['budget']}"] if "budget" in body else []
