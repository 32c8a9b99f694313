"""``tongban credential verify``: what credentials are worth, by the issuers that a site or a folder names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.markup import escape

from gateway.cli import failure
from gateway.cli.console import OUT, ExitCode, print_json, printable
from gateway.cli.credential_files import read_credential
from gateway.cli.credential_sentences import DOUBTS, FAULTS, NOTES
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.cli.verify import STYLE, WORD
from gateway.credential.issuers import ISSUERS_FOLDER, IssuerRegistry, load_issuers
from gateway.credential.judging import CredentialVerdict, judge_credential
from gateway.rendering import encode_time
from gateway.toml_table import Fault
from gateway.verdict import Outcome
from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.verification import Question

_FORMAT_CLAIMS = frozenset({"iss", "vct", "iat", "exp", "nbf", "cnf", "status"})  # they stand elsewhere in what is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What will do: types, () for all; what the holder was to answer; how old the knowledge may be; as of when."""

    types: tuple[str, ...]
    audience: str | None
    nonce: str | None
    tolerance_hours: int
    at: str | None


def verify(
    files: Sequence[Path], demand: Demand, *, site: Path | None, issuers: Path | None, as_json: bool
) -> ExitCode:
    """Verify each file and print one verdict each."""

    def run(now: datetime) -> ExitCode:
        known = _load(site, issuers)
        question = _question(demand)
        tally: Counter[Outcome] = Counter()
        unreadable = False
        for path in files:
            try:
                verdict = _judge(path, demand, question, known, now)
            except OSError as error:
                why = error.strerror or type(error).__name__
                fail("unreadable", why, why, place=str(path), as_json=as_json)
                unreadable = True
                continue
            tally[verdict.outcome] += 1
            if as_json:
                print_json(describe(str(path), verdict))
            else:
                _show(str(path), verdict)
        if unreadable:
            return ExitCode.USAGE
        if tally[Outcome.INVALID]:
            return ExitCode.INVALID
        return ExitCode.UNKNOWN if tally[Outcome.UNKNOWN] else ExitCode.DONE

    return failure.guard(run, as_json=as_json, at=demand.at)


def describe(name: str, verdict: CredentialVerdict) -> dict[str, Any]:
    """Return the JSON object of one file; what it says is there only where that may be relied on."""
    found = verdict.verified
    told: dict[str, Any] = {
        "input": name,
        "format": "sd-jwt-vc",
        "outcome": verdict.outcome,
        "reasons": list(verdict.reasons),
        "notes": list(verdict.notes),
        "detail": verdict.detail or None,
        "issuer": None,
        "type": None,
        "issued_at": None,
        "expires": None,
        "bound": None,
        "claims": None,
    }
    if found is None:
        return told
    claims = {one: value for one, value in found.claims.items() if one not in _FORMAT_CLAIMS}
    return told | {
        "issuer": found.issuer,
        "type": found.type_name,
        "issued_at": None if verdict.issued_at is None else encode_time(verdict.issued_at),
        "expires": encode_time(found.expires),
        "bound": found.is_bound,
        "claims": claims,
    }


def _load(site: Path | None, issuers: Path | None) -> IssuerRegistry:
    """Read whom is believed; raises UsageError where nobody is named, or with every fault."""
    if (site is None) == (issuers is None):
        raise UsageError(say("请给出 --site 或 --issuers 之一。", "give --site or --issuers"))
    folder = site / ISSUERS_FOLDER if site is not None else issuers
    if folder is None or not folder.is_dir():
        raise UsageError(say(f"没有签发方文件夹：{folder}", f"there is no folder of issuers: {folder}"))
    faults = list[Fault]()
    known = load_issuers(folder, faults=faults)
    if faults:
        raise UsageError("\n".join(say(fault.sentence_zh, str(fault)) for fault in faults))
    return known


def _question(demand: Demand) -> Question | None:
    if demand.audience is None and demand.nonce is None:
        return None
    if not demand.audience or not demand.nonce:
        raise UsageError(say("--audience 与 --nonce 须同时给出。", "--audience and --nonce go together"))
    return Question(audience=demand.audience, nonce=demand.nonce)


def _judge(
    path: Path, demand: Demand, question: Question | None, known: IssuerRegistry, now: datetime
) -> CredentialVerdict:
    try:
        text = read_credential(path)
    except SdJwtError as error:
        return CredentialVerdict(outcome=Outcome.INVALID, fault=error.fault, detail=error.detail)
    return judge_credential(
        text,
        issuers=known,
        at=now,
        question=question,
        types=demand.types,
        tolerance=timedelta(hours=demand.tolerance_hours),
    )


def _show(name: str, verdict: CredentialVerdict) -> None:
    """Print one verdict for people: outcome, file, why, then what it says."""
    OUT.print(f"[{STYLE[verdict.outcome]}]{say(*WORD[verdict.outcome])}[/]  {escape(printable(name))}")
    sentences = [DOUBTS[one] for one in verdict.doubts]
    if verdict.fault is not None:
        sentences.insert(0, FAULTS[SdJwtFault(verdict.fault)])
    for reason, words in zip(verdict.reasons, sentences, strict=True):
        OUT.print(f"    {reason}: {escape(say(*words))}")
    if verdict.detail:
        OUT.print(f"        {escape(printable(verdict.detail))}", style="dim")
    for note in verdict.notes:
        OUT.print(f"    {escape(say(*NOTES[note]))}")
    told = describe(name, verdict)
    for member in ("issuer", "type", "issued_at", "expires"):
        if told[member] is not None:
            OUT.print(f"    {member}: {escape(printable(str(told[member])))}", style="dim")
    if told["claims"]:
        OUT.print(f"    {say('所载内容', 'it says')}:", style="dim")
    for claim, value in (told["claims"] or {}).items():
        OUT.print(f"        {escape(printable(claim))}: {escape(printable(str(value)))}", style="dim")
