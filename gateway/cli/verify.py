"""``tongban verify``: documents and seals, offline."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from rich.markup import escape

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable, track
from gateway.cli.inputs import InputContent, Inputs, expand_inputs, read_input, report_inputs
from gateway.cli.language import is_chinese, say
from gateway.pipeline import verify_document
from gateway.reason import SENTENCES, Reason
from gateway.rendering import verdict_to_dict
from gateway.trust.lists import read_trust
from gateway.verdict import Outcome, Verdict
from keys.ocsp_response import MAX_RESPONSE
from keys.ocsp_stapled import MAX_STAPLED, StapledAnswers, read_stapled
from keys.trust import TrustStore

EARLIEST_YEAR = 1950  # X.509 knows no earlier one
LATEST_YEAR = 9000  # far enough from the end of the calendar for every time zone and tolerance
NOT_DIGESTED = "input.larger-than-1-GiB"  # no sha256: the input was not read to its end
STYLE = {Outcome.VALID: "bold green", Outcome.INVALID: "bold red", Outcome.UNKNOWN: "bold yellow"}
WORD = {Outcome.VALID: ("有效", "valid"), Outcome.INVALID: ("无效", "invalid"), Outcome.UNKNOWN: ("未知", "unknown")}


def parse_moment(text: str | None) -> datetime:
    """Return the moment that ``--at`` names: RFC 3339 with a zone, or a date (its start in China Standard Time).

    Raises:
        ValueError: neither of the two, or a year in which no licence can be asked about.

    """
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.combine(date.fromisoformat(text), time(), CHINA_STANDARD_TIME)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(_moment_expected(text)) from error
    if moment.tzinfo is None:
        raise ValueError(_moment_expected(text))
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        years = f"{EARLIEST_YEAR}–{LATEST_YEAR}"
        shown = printable(text)
        raise ValueError(say(f"--at: 年份应在 {years} 之间：{shown}", f"--at: a year of {years} was expected: {shown}"))
    return moment.astimezone(UTC)


def _moment_expected(text: str) -> str:
    """Say what ``--at`` takes; ``text`` is what it was given."""
    day, moment, shown = "2026-01-31", "2026-01-31T08:00:00+08:00", printable(text)
    return say(
        f"--at: 应为日期（{day}）或带时区的时刻（{moment}）：{shown}",
        f"--at: a date ({day}) or a time with its zone ({moment}) was expected: {shown}",
    )


def load_trust(directory: Path | None, at: datetime) -> TrustStore:
    """Read the trust folder as of ``at`` and say on standard error what is worth saying about it."""
    if directory is None:
        return TrustStore.empty()
    try:
        reading = read_trust(directory, at=at)
    except NotADirectoryError as error:
        sentence = say(f"--trust: 没有此文件夹：{directory}", f"--trust: there is no such folder: {directory}")
        raise NotADirectoryError(sentence) from error
    for finding in reading.findings:
        place = finding.file or str(directory)
        ERR.print(f"tongban: {escape(printable(f'{place}: {say(finding.sentence_zh, finding.sentence)}'))}")
    return reading.state.store_at(at)


def load_stapled(files: Sequence[Path]) -> StapledAnswers:
    """Read the OCSP answers that ``--ocsp`` names.

    Raises:
        ValueError: more than `MAX_STAPLED`, or a file that is larger than any answer.
        OSError: a file that cannot be read.

    """
    if len(files) > MAX_STAPLED:
        zh, en = f"--ocsp: 至多 {MAX_STAPLED} 个文件。", f"--ocsp: at most {MAX_STAPLED} files were expected"
        raise ValueError(say(zh, en))
    blobs = []
    for path in files:
        with path.open("rb") as stream:
            blobs.append(stream.read(MAX_RESPONSE + 1))
        if len(blobs[-1]) > MAX_RESPONSE:
            shown = printable(str(path))
            zh, en = f"--ocsp: 文件过大，不是 OCSP 应答：{shown}", f"--ocsp: too large for an OCSP answer: {shown}"
            raise ValueError(say(zh, en))
    return read_stapled(blobs)


def verify(
    names: list[str], *, trust: Path | None, at: str | None, as_json: bool, ocsp: Sequence[Path] = ()
) -> ExitCode:
    """Verify each input and print one verdict each; returns the exit code of design section 5.1.

    ``ocsp`` are files with OCSP answers, which count for every input.
    """
    try:
        moment = parse_moment(at)
        store = load_trust(trust, moment)
        stapled = load_stapled(ocsp)
    except (ValueError, OSError) as error:
        ERR.print(f"tongban: {escape(str(error))}")
        return ExitCode.USAGE
    inputs = expand_inputs(names)
    tally: Counter[Outcome] = Counter()
    for name in track(inputs.names, say("正在核验", "verifying")):
        try:
            content = read_input(name)
        except OSError as error:
            inputs.unreadable.append((name, error.strerror or type(error).__name__))
            continue
        verdict = verify_document(content.data, store=store, at=moment, stapled=stapled)
        tally[verdict.outcome] += 1
        if as_json:
            print_json(describe(name, content, verdict))
        else:
            print_verdict(name, verdict)
    report(inputs, tally)
    return exit_code(inputs, tally)


def describe(name: str, content: InputContent, verdict: Verdict) -> dict[str, Any]:
    """Return the JSON object of one input (design section 5.1); a digest that is missing has its note."""
    described = {"input": name, "sha256": content.sha256, **verdict_to_dict(verdict)}
    if content.sha256 is None:
        described["notes"].append(NOT_DIGESTED)
    return described


def print_verdict(name: str, verdict: Verdict) -> None:
    """Print one verdict for people: outcome, file, then each reason with its sentence and its detail."""
    outcome = verdict.outcome
    OUT.print(f"[{STYLE[outcome]}]{say(*WORD[outcome])}[/]  {escape(printable(name))}")
    for reason in verdict.reasons:
        OUT.print(f"    {reason}: {escape(sentence(reason))}")
        for detail in sorted({c.detail for c in verdict.all_checks() if c.reason is reason and c.detail}):
            OUT.print(f"        {escape(detail)}", style="dim")
    for signature in verdict.signatures:
        seal = None if signature.seal is None else signature.seal.name
        who = printable(" · ".join(filter(None, [signature.standard, seal, signature.signer])))
        OUT.print(f"    {say('签章', 'signature')} {escape(printable(signature.id))}: {escape(who)}", style="dim")


def sentence(reason: Reason) -> str:
    """Return the sentence of a reason in the language of the locale, with the next step."""
    words = SENTENCES[reason]
    return f"{words.zh}{words.next_zh}" if is_chinese() else f"{words.en} {words.next_en}"


def report(inputs: Inputs, tally: Counter[Outcome]) -> None:
    """Say what became of the inputs, and the sums when there are several."""
    report_inputs(inputs)
    if tally.total() > 1 and ERR.is_terminal:
        ERR.print(", ".join(f"{say(*WORD[outcome])} {tally[outcome]}" for outcome in Outcome))


def exit_code(inputs: Inputs, tally: Counter[Outcome]) -> ExitCode:
    """Add up: unreadable or nothing at all is 2, else any invalid is 1, else any unknown is 3, else 0."""
    if inputs.unreadable or not tally:
        return ExitCode.USAGE
    if tally[Outcome.INVALID]:
        return ExitCode.INVALID
    return ExitCode.UNKNOWN if tally[Outcome.UNKNOWN] else ExitCode.DONE
