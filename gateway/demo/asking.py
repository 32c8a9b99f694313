"""Asking a running gateway over HTTP, as a business system would."""

import asyncio
import base64
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.callers import TokenAlgorithm
from gateway.demo.stage import AUDIENCE, CALLER_ID, KEY_ID, Question
from gateway.tokens import encode_token

ANSWER_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 20.0  # answers under way take a second
AT_ONCE = 4  # questions under way at the same time
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


@contextmanager
def run_gateway(site: Path) -> Iterator[str]:
    """Start ``tongban serve`` as a process of its own on a free port; yields its address, stops it at the end.

    Raises:
        GatewayDidNotStartError: it ended at once.

    """
    command = [sys.executable, "-m", "gateway", "serve", "--site", str(site), "--port", "0"]
    with (
        (site.parent / "gateway.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,  # noqa: S603 - our own
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(_READY):
                raise GatewayDidNotStartError(f"see {log.name}")
            yield line.removeprefix(_READY).strip()
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


async def ask_all(address: str, key: Ed25519PrivateKey, questions: Iterable[Question]) -> AsyncIterator[Answer]:
    """Ask every question and yield the answers in the order of the questions."""
    limit = asyncio.Semaphore(AT_ONCE)
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(address, timeout=timeout) as session:

        async def ask(question: Question) -> Answer:
            async with limit:
                return await _ask(session, key, question)

        tasks = [asyncio.create_task(ask(question)) for question in questions]
        for task in tasks:
            yield await task


async def _ask(session: aiohttp.ClientSession, key: Ed25519PrivateKey, question: Question) -> Answer:
    token = encode_token(
        caller_id=CALLER_ID,
        key_id=KEY_ID,
        algorithm=TokenAlgorithm.EDDSA,
        private_key=key,
        audience=AUDIENCE,
        issued_at=datetime.now(UTC),
        token_id=str(uuid.uuid4()),
    )
    body = {"licence": {"document": base64.b64encode(question.document).decode("ascii")}}
    async with session.post("/v1/verifications", json=body, headers={"Authorization": f"Bearer {token}"}) as response:
        return Answer(question=question, status=response.status, body=await response.json(content_type=None))
