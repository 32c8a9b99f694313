"""``tongban audit find|request-opening|show-opening|approve-opening``: what an auditor asks a gateway for."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from gateway.cli.audit_client import RefusedError, ask, ask_json
from gateway.cli.audit_commands import guard, progress_of
from gateway.cli.console import OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError, fail, optional_moment
from gateway.cli.language import say
from gateway.trust.files import read_file

_MAX_LINE: Final = 1024  # bytes of a number or a name
_MODE: Final = 0o600  # a finding may name people
_LABELS: Final = {
    "opening": ("编号", "id"),
    "reason": ("理由", "reason"),
    "caller": ("申请账号", "asked with"),
    "operator": ("申请人", "asked by"),
    "asked_at": ("申请时间", "asked at"),
    "approved_by": ("批准账号", "approved with"),
    "approved_operator": ("批准人", "approved by"),
    "approved_at": ("批准时间", "approved at"),
    "ends": ("截止时间", "ends"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Which gateway is asked, and with which token."""

    url: str
    token_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is searched for. Numbers and names are read from files: every process of a machine sees a command line."""

    licence_file: Path | None = None
    subject_file: Path | None = None
    official_file: Path | None = None
    case_file: Path | None = None
    caller: str | None = None
    item: str | None = None
    decision: str | None = None
    form: str | None = None
    policy: str | None = None
    kinds: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None

    def body(self) -> dict[str, Any]:
        """Return them as a search has them; raises UsageError, OSError."""
        found: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if value is None or value == ():
                continue
            if isinstance(value, Path):
                found[one.name.removesuffix("_file")] = _read_line(value)
            elif one.name in {"since", "until"}:
                moment = optional_moment(value)
                found[one.name] = None if moment is None else moment.isoformat()
            else:
                found[one.name] = list(value) if one.name == "kinds" else value
        return found


def find(
    gateway: Gateway,
    terms: Terms,
    *,
    file_format: str,
    out: Path,
    shard: str | None,
    opening: str | None,
    as_json: bool,
) -> ExitCode:
    """Search, and write what was found to a new file."""

    def run(_now: datetime) -> ExitCode:
        body = {**terms.body(), "format": file_format} | _given(log=shard, opening=opening)
        if out.exists():
            raise UsageError(say(f"文件已存在：{out}", f"there is such a file already: {out}"))
        with progress_of(say("正在导出", "exporting")) as progress:
            data = ask(gateway.url, "/audit/v1/exports", body, token_file=gateway.token_file, progress=progress)
        write_private(out, data)
        if as_json:
            print_json({"file": str(out), "bytes": len(data), "sha256": sha256(data).hexdigest()})
        else:
            OUT.print(say(f"已写入 {out}（{len(data)} 字节）", f"wrote {out} ({len(data)} bytes)"), markup=False)
        return ExitCode.DONE

    return _guarded(run, as_json=as_json)


def request_opening(
    gateway: Gateway, terms: Terms, *, reason: str, operator: str, shard: str | None, as_json: bool
) -> ExitCode:
    """Ask for private parts of what a search finds to be opened."""
    body = {"reason": reason, "operator": {"id": operator}} | _given(log=shard)
    return _open(gateway, "", lambda: {**terms.body(), **body}, as_json=as_json)


def show_opening(gateway: Gateway, opening: str, *, as_json: bool) -> ExitCode:
    """Show what is to be opened, and why."""
    return _open(gateway, "/lookups", lambda: {"opening": opening}, as_json=as_json)


def approve_opening(gateway: Gateway, opening: str, *, operator: str, as_json: bool) -> ExitCode:
    """Approve what another auditor asked for."""
    return _open(gateway, "/approvals", lambda: {"opening": opening, "operator": {"id": operator}}, as_json=as_json)


def _open(gateway: Gateway, path: str, make_body: Callable[[], dict[str, Any]], *, as_json: bool) -> ExitCode:
    def run(_now: datetime) -> ExitCode:
        answer = ask_json(gateway.url, f"/audit/v1/openings{path}", make_body(), token_file=gateway.token_file)
        if as_json:
            print_json(answer)
        else:
            _show(answer)
        return ExitCode.DONE

    return _guarded(run, as_json=as_json)


def _guarded(run: Callable[[datetime], ExitCode], *, as_json: bool) -> ExitCode:
    """Guard a command as all of the group; a refusal of the gateway is INVALID."""

    def told(now: datetime) -> ExitCode:
        try:
            return run(now)
        except RefusedError as error:
            fail(error.reason, error.sentence, "", as_json=as_json)
            return ExitCode.INVALID

    return guard(told, as_json=as_json)


def _show(answer: dict[str, Any]) -> None:
    for name, (zh, en) in _LABELS.items():
        if answer.get(name):
            _print(f"{say(zh, en)}  {answer[name]}")
    for name, value in dict(answer.get("search") or {}).items():
        _print(f"{say('检索', 'search')}  {name} {value}")
    usable = say("可用", "it can be used") if answer.get("usable") else say("尚不可用", "it cannot be used yet")
    OUT.print(usable, markup=False)


def _print(text: str) -> None:
    """Print what another auditor wrote, whatever it does to a terminal."""
    OUT.print(printable(text), markup=False)


def _given(**members: str | None) -> dict[str, str]:
    return {name: value for name, value in members.items() if value is not None}


def _read_line(path: Path) -> str:
    """Read a number or a name from a file, "-" for the next line of standard input."""
    line = sys.stdin.buffer.readline(_MAX_LINE + 1) if str(path) == "-" else read_file(path, _MAX_LINE)
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        text = ""
    if not text or "\n" in text or len(line) > _MAX_LINE:  # part of a number would be another one
        raise UsageError(say(f"应有一行文本：{path}", f"one line of text was expected: {path}"))
    return text


def write_private(path: Path, data: bytes, *, replaces: bool = False) -> None:
    """Write a file that nobody else may read; raises OSError, also where there is one that is not to be replaced."""
    how = os.O_TRUNC if replaces else os.O_EXCL
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how, _MODE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
