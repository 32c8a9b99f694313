"""``tongban verify``: documents and seals, offline."""

import hashlib
import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

from rich.markup import escape

from gateway.cli.console import ERR, OUT, ExitCode, track
from gateway.cli.inputs import Inputs, expand_inputs, read_input
from gateway.cli.language import is_chinese, say
from gateway.pipeline import verify_document
from gateway.reason import SENTENCES, Reason
from gateway.rendering import verdict_to_dict
from gateway.trust_folder import read_trust_folder
from gateway.verdict import Outcome, Verdict
from keys.trust import TrustStore

CHINA_STANDARD_TIME = timezone(timedelta(hours=8))
STYLE = {Outcome.VALID: "bold green", Outcome.INVALID: "bold red", Outcome.UNKNOWN: "bold yellow"}
WORD = {Outcome.VALID: ("有效", "valid"), Outcome.INVALID: ("无效", "invalid"), Outcome.UNKNOWN: ("未知", "unknown")}


def parse_moment(text: str | None) -> datetime:
    """Return the moment that ``--at`` names: RFC 3339 with a zone, or a date (its start in China Standard Time).

    Raises:
        ValueError: neither of the two.

    """
    if text is None:
        return datetime.now(UTC)
    try:
        return datetime.combine(date.fromisoformat(text), time(), CHINA_STANDARD_TIME)
    except ValueError:
        moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time with a zone was expected (2026-01-31T08:00:00+08:00), got {text!r}")
    return moment.astimezone(UTC)


def load_trust(directory: Path | None) -> TrustStore:
    """Read the trust folder and say on standard error what is worth saying about it."""
    if directory is None:
        return TrustStore.empty()
    folder = read_trust_folder(directory)
    for finding in folder.findings:
        place = finding.file or str(directory)
        ERR.print(f"tongban: {escape(place)}: {escape(say(finding.sentence_zh, finding.sentence))}")
    return folder.store


def verify(names: list[str], *, trust: Path | None, at: str | None, as_json: bool) -> ExitCode:
    """Verify each input and print one verdict each; returns the exit code of design section 5.1."""
    try:
        moment = parse_moment(at)
        store = load_trust(trust)
    except (ValueError, OSError) as error:
        ERR.print(f"tongban: {escape(str(error))}")
        return ExitCode.USAGE
    inputs = expand_inputs(names)
    tally: Counter[Outcome] = Counter()
    for name in track(inputs.names, say("正在验证", "verifying")):
        try:
            data = read_input(name)
        except OSError as error:
            inputs.unreadable.append((name, error.strerror or type(error).__name__))
            continue
        verdict = verify_document(data, store=store, at=moment)
        tally[verdict.outcome] += 1
        if as_json:
            print(json.dumps(describe(name, data, verdict), ensure_ascii=False), flush=True)
        else:
            print_verdict(name, verdict)
    report(inputs, tally)
    return exit_code(inputs, tally)


def describe(name: str, data: bytes, verdict: Verdict) -> dict[str, Any]:
    """Return the JSON object of one input (design section 5.1)."""
    return {"input": name, "sha256": hashlib.sha256(data).hexdigest(), **verdict_to_dict(verdict)}


def print_verdict(name: str, verdict: Verdict) -> None:
    """Print one verdict for people: outcome, file, then each reason with its sentence and its detail."""
    outcome = verdict.outcome
    OUT.print(f"[{STYLE[outcome]}]{say(*WORD[outcome])}[/]  {escape(name)}")
    for reason in verdict.reasons:
        OUT.print(f"    {reason}: {escape(sentence(reason))}")
        for detail in sorted({c.detail for c in verdict.all_checks() if c.reason is reason and c.detail}):
            OUT.print(f"        {escape(detail)}", style="dim")
    for signature in verdict.signatures:
        seal = None if signature.seal is None else signature.seal.name
        who = " · ".join(filter(None, [signature.standard, seal, signature.signer]))
        OUT.print(f"    {say('签章', 'signature')} {escape(signature.id)}: {escape(who)}", style="dim")


def sentence(reason: Reason) -> str:
    """Return the sentence of a reason in the language of the locale, with the next step."""
    words = SENTENCES[reason]
    return f"{words.zh}{words.next_zh}" if is_chinese() else f"{words.en} {words.next_en}"


def report(inputs: Inputs, tally: Counter[Outcome]) -> None:
    """Say what could not be read, what was passed over, and the sums when there are several."""
    for name, why in inputs.unreadable:
        ERR.print(f"tongban: {escape(name)}: {escape(why)}")
    if inputs.passed_over:
        count = len(inputs.passed_over)
        english = f"passed over {count} files that are no documents (certificates, lists, texts)."
        ERR.print(f"tongban: {say(f'略过 {count} 个非证照文件（证书、名单、文本）。', english)}")
    if not inputs.names and not inputs.unreadable:
        ERR.print(say("tongban: 没有可验证的文件。", "tongban: there is nothing to verify."))
    if tally.total() > 1 and ERR.is_terminal:
        ERR.print(", ".join(f"{say(*WORD[outcome])} {tally[outcome]}" for outcome in Outcome))


def exit_code(inputs: Inputs, tally: Counter[Outcome]) -> ExitCode:
    """Add up: unreadable or nothing at all is 2, else any invalid is 1, else any unknown is 3, else 0."""
    if inputs.unreadable or not tally:
        return ExitCode.USAGE
    if tally[Outcome.INVALID]:
        return ExitCode.INVALID
    return ExitCode.UNKNOWN if tally[Outcome.UNKNOWN] else ExitCode.DONE
