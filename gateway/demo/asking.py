"""Asking a running gateway over HTTP, as a business system would."""

import asyncio
import base64
import secrets
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.callers import TokenAlgorithm
from gateway.demo.neighbours import SystemQuestion
from gateway.demo.sharing import SharingQuestion, is_right
from gateway.demo.stage import AUDIENCE, CALLER_ID, KEY_ID, Question
from gateway.sources.source import SYSTEM_PREFIX
from gateway.tokens import encode_token

ANSWER_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 20.0  # answers under way take a second
AT_ONCE = 4  # questions under way at the same time
PUBLIC_ITEM = "EX-QT-05"  # the example policy's public look-up of businesses
CASE: Final = {
    "item": "EX-YB-01",
    "case": "YB2026-000001",
    "use": "城乡居民基本医疗保险参保登记",
}  # of the example policy
_READY = "listening on "


class GatewayDidNotStartError(Exception):
    """The gateway ended before it listened; its own words are on standard error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one question: the JSON object as it was, and whether it is the right answer."""

    question: Question
    status: int
    body: Mapping[str, Any]

    @property
    def is_right(self) -> bool:
        """Whether the outcome is the expected one and the expected reason is among those given."""
        expected = self.question
        return (
            self.status == 200  # noqa: PLR2004 - HTTP's own number
            and self.body.get("outcome") == expected.outcome
            and (expected.reason is None or expected.reason in self.body.get("reasons", ()))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningGateway:
    """Where a gateway answers, and the number of its first process."""

    address: str
    pid: int


@contextmanager
def run_gateway(site: Path) -> Iterator[str]:
    """Run `start_gateway` with one process, for those who need no more than its address."""
    with start_gateway(site, workers=1) as gateway:
        yield gateway.address


@contextmanager
def start_gateway(site: Path, *, workers: int) -> Iterator[RunningGateway]:
    """Start ``tongban serve`` on a free port; yields where it is, stops it at the end.

    Raises:
        GatewayDidNotStartError: it ended at once.

    """
    # -P: a folder keys/ where one stands must not hide the package of that name.
    command = [sys.executable, "-P", "-m", "gateway", "serve", "--site", str(site), "--port=0", f"--workers={workers}"]
    with (
        (site.parent / "gateway.log").open("wb") as log,
        # In a group of its own: Ctrl-C is for whoever started it, and who ends it in order.
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, process_group=0) as process,  # noqa: S603
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(_READY):
                raise GatewayDidNotStartError(f"see {log.name}")
            yield RunningGateway(address=line.removeprefix(_READY).strip(), pid=process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemAnswer:
    """What came back for a question that another system must answer."""

    question: SystemQuestion
    status: int
    body: Mapping[str, Any]

    @property
    def is_right(self) -> bool:
        """Whether outcome and reason are the expected ones, and that system is named as the one that said it."""
        expected = self.question.neighbour
        return (
            self.status == 200  # noqa: PLR2004 - HTTP's own number
            and self.body.get("outcome") == expected.outcome
            and (expected.reason is None or expected.reason in self.body.get("reasons", ()))
            and self.body.get("freshness", {}).get("register") == f"{SYSTEM_PREFIX}{expected.system}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingAnswer:
    """What a caller was given, and whether it is what it must be given."""

    question: SharingQuestion
    status: int
    body: Mapping[str, Any]

    @property
    def is_right(self) -> bool:
        """Whether forms, reasons and comparison are the expected ones."""
        return is_right(self.question, self.status, self.body)


async def ask_all(
    address: str, key: Ed25519PrivateKey, questions: Iterable[Question], *, clerk: str = ""
) -> AsyncIterator[Answer]:
    """Ask every question and yield the answers in the order of the questions; ``clerk`` is who asks, "": unnamed."""
    limit = asyncio.Semaphore(AT_ONCE)
    async with open_session(address) as session:

        async def ask(question: Question) -> Answer:
            licence = question.key or {"document": base64.b64encode(question.document).decode("ascii")}
            # The verdict is for everybody: it is asked for the public look-up, which needs no case.
            body: dict[str, Any] = {"licence": dict(licence), "purpose": {"item": PUBLIC_ITEM}}
            if clerk:
                body["operator"] = {"id": clerk}
            async with limit:
                status, answer = await post(session, "/v1/verifications", body, caller=CALLER_ID, key=key)
            return Answer(question=question, status=status, body=answer)

        tasks = [asyncio.create_task(ask(question)) for question in questions]
        for task in tasks:
            yield await task


async def ask_systems(
    address: str, key: Ed25519PrivateKey, questions: Iterable[SystemQuestion]
) -> AsyncIterator[SystemAnswer]:
    """Ask one after another what the gateway has to ask others, with all that those demand to know of the asker."""
    async with open_session(address) as session:
        for one in questions:
            body = {
                "licence": dict(one.key),
                "purpose": dict(CASE),
                "operator": {"id": f"{CALLER_ID}-clerk", "name": "演示经办人"},
            }
            status, answer = await post(session, "/v1/verifications", body, caller=CALLER_ID, key=key)
            yield SystemAnswer(question=one, status=status, body=answer)


async def ask_callers(address: str, questions: Iterable[SharingQuestion]) -> AsyncIterator[SharingAnswer]:
    """Ask one after another what the callers see, after registering the consents that are named."""
    async with open_session(address) as session:
        for question in questions:
            caller = question.caller
            body: dict[str, Any] = {
                "licence": dict(question.licence),
                "purpose": {"item": question.item} | ({} if question.case is None else {"case": question.case}),
                "operator": {"id": f"{caller.id}-clerk"},
            }
            if question.match is not None:
                body["match"] = dict(question.match)
            if question.consents is not None:
                body["consent"] = await _register(session, question)
            status, answer = await post(session, "/v1/verifications", body, caller=caller.id, key=caller.key)
            yield SharingAnswer(question=question, status=status, body=answer)


async def _register(session: aiohttp.ClientSession, question: SharingQuestion) -> str:
    caller = question.caller
    expires = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    body = {**(question.consents or {}), "organisations": [caller.organisation], "expires": expires}
    _, answer = await post(session, "/v1/consents", body, caller=caller.id, key=caller.key)
    return str(answer.get("consent", ""))


def new_clerk() -> str:
    """Return somebody else who asks: whoever asks again and again stays within the budgets of the policy."""
    return f"{CALLER_ID}-clerk-{secrets.randbelow(1_000_000):06d}"


def open_session(address: str) -> aiohttp.ClientSession:
    """Return a session that asks the gateway at an address."""
    return aiohttp.ClientSession(address, timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECONDS))


async def post(
    session: aiohttp.ClientSession, path: str, body: Mapping[str, Any], *, caller: str, key: Ed25519PrivateKey
) -> tuple[int, Mapping[str, Any]]:
    """Sign in and post; returns status and content."""
    token = encode_token(
        caller_id=caller,
        key_id=KEY_ID,
        algorithm=TokenAlgorithm.EDDSA,
        private_key=key,
        audience=AUDIENCE,
        issued_at=datetime.now(UTC),
        token_id=str(uuid.uuid4()),
    )
    async with session.post(path, json=body, headers={"Authorization": f"Bearer {token}"}) as response:
        return response.status, await response.json(content_type=None)
