"""Revoking while the demo runs: the signer of a document, by a new revocation list, or a licence, in the store.

The gateway is not told: it finds the new list in its trust folder, and the new status in its store, by itself.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
from msgspec import Struct

from gateway.demo.asking import Answer, ask_all, new_clerk
from gateway.demo.stage import Question, Stage
from gateway.reason import Reason
from gateway.trust.drafts import DraftError, find_certificates
from gateway.trust.files import replace_file
from gateway.verdict import Outcome
from keys.certificate import parse_certificate
from policies.dimension import LicenceStatus

ASK_SECONDS: Final = 7.5  # until the gateway must have noticed
LEASE_SECONDS: Final = 0.25  # in which every process must have noticed a change of the store
_PAUSE_SECONDS: Final = 0.1
_COMMAND_SECONDS: Final = 30.0
_MAX_DOCUMENT: Final = 20 * 1024 * 1024
_SIGNER_LIST: Final = ("trust", "signers", "demo-signer-ca.crl")  # below the site folder, as the authority wrote it


class RevocationAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a wish to revoke; ``error`` is one of our words, "" when it was done.

    ``identifier`` is the licence, or ``signers`` are those who were revoked. ``seconds`` is how long the gateway went
    on answering as before: from the new list on disk, or the end of the command, to the other answer. ``outcome`` is ""
    where it gave no verdict.
    """

    error: str = ""
    file: str = ""
    identifier: str = ""
    serials: list[str] = []
    signers: list[str] = []
    revoked_at: str = ""
    outcome: str = ""
    reasons: list[str] = []
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoker:
    """Revokes, and asks the gateway until it says so."""

    stage: Stage
    folder: Path
    address: str

    def revoke_signer(self, file: str, now: datetime) -> RevocationAnswer:
        """Revoke the signer of a document, whose name in the demo's folder is ``file``."""
        name = Path(file).name
        document = self.folder / "documents" / name
        try:
            with document.open("rb") as stream:
                data = stream.read(_MAX_DOCUMENT + 1)
        except OSError:
            return RevocationAnswer(error="no-such-document")
        try:
            signers = find_certificates(data, of_makers=False)
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
        answer = self._ask_until(_question(name, Reason.REVOCATION_REVOKED, document=data))
        return RevocationAnswer(
            file=name,
            serials=[f"{one.serial:X}" for one in ours],
            signers=[one.subject_text for one in ours],
            revoked_at=_spell(now),
            outcome=str(answer.body.get("outcome", "")),
            reasons=list(answer.body.get("reasons", ())),
            seconds=round(time.monotonic() - begun, 3),
        )

    def revoke_licence(self, file: str) -> RevocationAnswer:
        """Revoke the licence in a document of the demo: set its status in the store, by the operator's own command."""
        name = Path(file).name
        identifier = next((one.draft.identifier for one in self.stage.stock if one.name == name), None)
        if identifier is None:
            return RevocationAnswer(error="not-in-the-store", file=name)
        try:
            ended = _set_status(self.folder / "site", identifier)
        except subprocess.TimeoutExpired:
            return RevocationAnswer(error="store-silent", file=name, identifier=identifier)
        if ended.returncode:
            return RevocationAnswer(error="store-unavailable", file=name, identifier=identifier)
        begun = time.monotonic()
        revoked_at = datetime.now(UTC)
        question = _question(name, Reason.STATUS_REVOKED, key={"identifier": identifier})
        clerk = new_clerk()
        answer, seconds = self._ask(question, clerk), 0.0
        # Each question has a connection of its own, and so another process may answer it: no process lags behind.
        while (since := time.monotonic() - begun) < 2 * LEASE_SECONDS or (not answer.is_right and since < ASK_SECONDS):
            seconds = seconds if answer.is_right else since
            answer = self._ask(question, clerk)
        return RevocationAnswer(
            file=name,
            identifier=identifier,
            revoked_at=_spell(revoked_at),
            outcome=str(answer.body.get("outcome", "")),
            reasons=list(answer.body.get("reasons", ())),
            seconds=round(seconds, 3),
        )

    def write_list(self, now: datetime) -> None:
        """Put the new revocation list of the signers' CA in place in one step, as an operator's script would."""
        _, _, signers = self.stage.authority.crls(now)
        replace_file((self.folder / "site").joinpath(*_SIGNER_LIST), signers)

    def _ask_until(self, question: Question) -> Answer:
        """Ask again and again until the gateway knows, or has had time enough."""
        ends, clerk = time.monotonic() + ASK_SECONDS, new_clerk()
        answer = self._ask(question, clerk)
        while not answer.is_right and time.monotonic() < ends:
            time.sleep(_PAUSE_SECONDS)
            answer = self._ask(question, clerk)
        return answer

    def _ask(self, question: Question, clerk: str) -> Answer:
        return asyncio.run(_ask_once(self.address, self.stage, question, clerk))


def _question(name: str, reason: Reason, *, document: bytes = b"", key: Mapping[str, str] | None = None) -> Question:
    """Return a question to which the right answer is that it is revoked."""
    return Question(
        name=name, claim="", done_zh="", done_en="", document=document, outcome=Outcome.INVALID, reason=reason, key=key
    )


def _set_status(site: Path, identifier: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-P", "-m", "gateway", "store", "status", identifier, "--site", str(site)]
    command += ["--set", LicenceStatus.REVOKED.value, "--reason", "演示 demo"]
    return subprocess.run(command, capture_output=True, timeout=_COMMAND_SECONDS, check=False)  # noqa: S603 - our own


async def _ask_once(address: str, stage: Stage, question: Question, clerk: str) -> Answer:
    with suppress(aiohttp.ClientError, TimeoutError, ValueError):
        async for answer in ask_all(address, stage.caller_key, [question], clerk=clerk):
            return answer
    return Answer(question=question, status=0, body={})  # a gateway that is away, or none


def _spell(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
