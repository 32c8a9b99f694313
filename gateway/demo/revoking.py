"""Revoking a signer while the demo runs: another terminal leaves a request, the demo's authority answers it.

The keys of the authority live in the demo's memory only, so the request is a file, and so is the answer.
The gateway is not told: it finds the new revocation list in its trust folder by itself.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.demo.asking import Answer, ask_all
from gateway.demo.stage import Question, Stage
from gateway.reason import Reason
from gateway.trust.drafts import DraftError, find_certificates
from gateway.trust.files import replace_file
from gateway.verdict import Outcome
from keys.certificate import parse_certificate

FOLDER: Final = "revocations"
ANSWER_SECONDS: Final = 15.0  # until somebody gives up waiting for the demo
LOOK_SECONDS: Final = 0.1
_REQUEST: Final = ".request"
_ANSWER: Final = ".answer"
_MAX_REQUEST: Final = 4096
_MAX_DOCUMENT: Final = 20 * 1024 * 1024
_SIGNER_LIST: Final = ("trust", "signers", "demo-signer-ca.crl")  # below the site folder, as the authority wrote it


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    """Which file: its name inside the demo's folder of documents."""

    file: str


class RevocationAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a request; ``error`` is one of our words, "" when it was done.

    ``seconds`` is how long the gateway went on answering as before: from the new list on disk to the other answer.
    """

    error: str = ""
    file: str = ""
    serials: list[str] = []
    signers: list[str] = []
    revoked_at: str = ""
    outcome: str = ""
    reasons: list[str] = []
    seconds: float = 0.0


class DemoNotRunningError(Exception):
    """No demo answers in this folder."""


def request_revocation(folder: Path, file: Path, *, wait_seconds: float = ANSWER_SECONDS) -> RevocationAnswer:
    """Ask the demo that runs in ``folder`` to revoke the signer of one of its documents, and wait for its answer.

    Raises:
        DemoNotRunningError: there is no demo's folder, or nobody answers.
        OSError: the folder cannot be written.

    """
    requests = folder / FOLDER
    if not requests.is_dir():
        raise DemoNotRunningError(str(folder))
    token = secrets.token_hex(8)
    replace_file(requests / (token + _REQUEST), msgspec.json.encode(_Request(file=file.name)))
    answer = requests / (token + _ANSWER)
    ends = time.monotonic() + wait_seconds
    while time.monotonic() < ends:
        with suppress(FileNotFoundError):
            return msgspec.json.decode(answer.read_bytes(), type=RevocationAnswer)
        time.sleep(LOOK_SECONDS)
    (requests / (token + _REQUEST)).unlink(missing_ok=True)
    raise DemoNotRunningError(str(folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationDesk:
    """The demo's side: takes requests, revokes, writes the list, and asks the gateway until it says so."""

    stage: Stage
    folder: Path
    address: str

    def open(self) -> None:
        """Make the folder for requests."""
        (self.folder / FOLDER).mkdir(exist_ok=True)

    def look(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[RevocationAnswer]:
        """Answer every request that waits."""
        answers = []
        for path in sorted((self.folder / FOLDER).glob("*" + _REQUEST)):
            answer = self._serve(path, clock().replace(microsecond=0))
            path.unlink(missing_ok=True)
            replace_file(path.with_suffix(_ANSWER), msgspec.json.encode(answer))
            answers.append(answer)
        return answers

    def _serve(self, path: Path, now: datetime) -> RevocationAnswer:
        name = ""
        try:
            with path.open("rb") as stream:
                request = msgspec.json.decode(stream.read(_MAX_REQUEST + 1), type=_Request)
            name = Path(request.file).name
            document = self.folder / "documents" / name
            with document.open("rb") as stream:
                data = stream.read(_MAX_DOCUMENT + 1)
            signers = find_certificates(data, of_makers=False)
        except (OSError, msgspec.MsgspecError, UnicodeError):
            return RevocationAnswer(error="no-such-document")
        except DraftError:
            return RevocationAnswer(error="no-signer", file=name)
        issuer = parse_certificate(self.stage.authority.signer_issuer.certificate)
        ours = [one for one in signers if one.issuer == issuer.subject]
        try:
            for one in ours:
                self.stage.authority.revoke(one.serial, now)
        except KeyError:
            ours = []
        if not ours:
            return RevocationAnswer(error="not-of-this-authority", file=name)
        self.write_list(now)
        begun = time.monotonic()
        answer = self._ask(name, data)
        return RevocationAnswer(
            file=name,
            serials=[f"{one.serial:X}" for one in ours],
            signers=[one.subject_text for one in ours],
            revoked_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            outcome=str(answer.body.get("outcome", "")),
            reasons=list(answer.body.get("reasons", ())),
            seconds=round(time.monotonic() - begun, 3),
        )

    def write_list(self, now: datetime) -> None:
        """Put the new revocation list of the signers' CA in place in one step, as an operator's script would."""
        _, _, signers = self.stage.authority.crls(now)
        replace_file((self.folder / "site").joinpath(*_SIGNER_LIST), signers)

    def _ask(self, name: str, data: bytes) -> Answer:
        """Ask again and again until the gateway knows, or has had time enough."""
        question = Question(
            name=name,
            claim="",
            done_zh="",
            done_en="",
            document=data,
            outcome=Outcome.INVALID,
            reason=Reason.REVOCATION_REVOKED,
        )
        answers = self._answers(question)
        answer = next(answers)
        for answer in answers:
            if answer.is_right:
                break
        return answer

    def _answers(self, question: Question) -> Iterator[Answer]:
        ends = time.monotonic() + ANSWER_SECONDS / 2
        while True:
            answer = asyncio.run(_ask_once(self.address, self.stage, question))
            yield answer
            if answer.is_right or time.monotonic() > ends:
                return
            time.sleep(LOOK_SECONDS)


async def _ask_once(address: str, stage: Stage, question: Question) -> Answer:
    async for answer in ask_all(address, stage.caller_key, [question]):
        return answer
    raise RuntimeError("one question has one answer")


def describe_answer(answer: RevocationAnswer) -> dict[str, Any]:
    """Return the JSON object of an answer."""
    found: dict[str, Any] = json.loads(msgspec.json.encode(answer))
    return found
