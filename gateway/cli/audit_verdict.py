"""``tongban audit verdict``: an auditor says over HTTP what is to be made of an alarm; the token says who it is."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.audit.alarms.alarm import MAX_NOTE, AlarmError, Target
from gateway.audit.alarms.words import Verdict
from gateway.cli.audit_client import RefusedError, ask_json
from gateway.cli.audit_commands import guard
from gateway.cli.console import OUT, ExitCode, print_json
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.trust.files import read_file

PATH: Final = "/audit/v1/alarms/verdicts"
_MAX_NOTE_BYTES: Final = 4 * MAX_NOTE


def give_verdict(
    alarm: str, verdict: Verdict, *, url: str, token_file: Path, note_file: Path | None, as_json: bool
) -> ExitCode:
    """Hand in a verdict; INVALID when the gateway refuses it."""

    def run(_now: datetime) -> ExitCode:
        try:
            target = Target.parse(alarm)
        except AlarmError as error:
            zh, en = "应为 规则编号:告警编号", "the rule and the id of an alarm were expected, RULE:ID"
            raise UsageError(say(zh, en)) from error
        note = "" if note_file is None else _read_text(note_file, _MAX_NOTE_BYTES)
        body = {"alarm": str(target), "verdict": verdict.value, "note": note}
        try:
            answer = ask_json(url, PATH, body, token_file=token_file)
        except RefusedError as error:
            fail(error.reason, error.sentence, error.reason, as_json=as_json)
            return ExitCode.INVALID
        if as_json:
            print_json(answer)
        else:
            entry = answer.get("receipt", {}).get("index")
            OUT.print(say(f"已记录：{target}（条目 {entry}）", f"recorded: {target} (entry {entry})"), markup=False)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _read_text(path: Path, limit: int) -> str:
    """Read a text that belongs on no command line: every process of the machine sees those."""
    data = sys.stdin.buffer.read(limit + 1) if str(path) == "-" else read_file(path, limit)
    if len(data) > limit:
        raise UsageError(say(f"{path}：过长", f"{path}: too long"))
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise UsageError(say(f"{path}：应为 UTF-8 文本", f"{path}: text in UTF-8 was expected")) from error
