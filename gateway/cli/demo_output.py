"""What a demo that serves shows, in tables: its processes, its answers, who was revoked, what the dashboard says."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.table import Table

from gateway.cli.console import OUT
from gateway.cli.language import say
from gateway.cli.verify import STYLE, WORD
from gateway.demo.board import Board, Panel
from gateway.demo.revoking import RevocationAnswer
from gateway.demo.server import ServerState
from gateway.demo.serving import ServersNow
from gateway.demo.standing import StandingAnswer, StandingAnswers
from gateway.verdict import Outcome

_STATES: Final = {
    ServerState.RUNNING: ("运行中", "running", "green"),
    ServerState.PAUSED: ("已暂停", "paused", "bold yellow"),
    ServerState.STOPPED: ("已停止", "stopped", "bold red"),
}
_ERRORS: Final = {
    "no-such-server": ("演示中没有此进程。", "the demo has no such process."),
    "not-now": ("当前状态下不能这样做。", "that cannot be done to it now."),
}
_NOT_REVOKED: Final = {
    "no-such-document": ("演示文件夹中没有此文件。", "the demo has no such document."),
    "no-signer": ("文件中没有签章人的证书。", "the document names no signer."),
    "not-of-this-authority": (
        "签章人的证书不是由演示机构签发。",
        "the signer's certificate was not issued by the demo's authority.",
    ),
    "not-in-the-store": ("证照库中没有此文件的证照。", "the store has no licence of this document."),
    "store-silent": (
        "证照库未及时应答，状态是否已改动不明。",
        "the store did not answer in time: whether the status was changed is not known.",
    ),
    "store-unavailable": ("证照库不可用，状态未改动。", "the store cannot be used: the status is as it was."),
}
_UNITS: Final = {"s": " s", "reqps": "/s", "bytes": " B"}


def show_servers(now: ServersNow, where: str = "") -> None:
    """Show each process with its address and number, and what can be done to it now; ``where`` names the folder."""
    if now.error:
        OUT.print(say(*_ERRORS.get(now.error, (now.error, now.error))), markup=False)
    table = _table(
        say("演示的各进程", "The processes of the demo"),
        *(say("名称", "name"), say("地址", "address"), say("进程号", "process"), say("状态", "state")),
        say("可执行", "what to do to it"),
    )
    for one in now.servers:
        zh, en, style = _STATES[one.state]
        table.add_row(one.name, one.address, str(one.pid or "-"), f"[{style}]{say(zh, en)}[/]", ", ".join(one.actions))
    OUT.print(table)
    possible = [f"{program()} demo {one.actions[-1]} {one.name}{where}" for one in now.servers if one.actions]
    OUT.print(say("例如：", "For instance:"))  # outside of the table, which would break a long line
    for command in possible:
        OUT.print(f"  {command}", markup=False)


def show_answers(answers: StandingAnswers) -> None:
    """Show what each answer says, as of when, and whether it is an older one."""
    table = _table(
        say("此刻的答复", "What is answered now"),
        *(say("提问", "question"), say("结论", "outcome"), say("理由", "why"), say("依据", "by")),
        *(say("截至", "as of"), say("说明", "notes"), say("毫秒", "ms")),
    )
    for one in answers.answers:
        table.add_row(
            escape(say(one.zh, one.en)),
            _outcome(one),
            escape(", ".join(one.reasons)),
            escape(one.register or one.source or ""),
            one.as_of or "-",
            escape(", ".join([*(["stale"] if one.stale else []), *one.notes])),
            str(one.milliseconds),
        )
    OUT.print(table)


def show_board(board: Board) -> None:
    """Show the alerts, what /readyz says, and every panel that has something to show."""
    if board.source == "gateway":
        why = f" ({board.why})" if board.why else ""
        zh, en = (
            f"没有 Prometheus{why}：以下为 /readyz 与 /metrics 所示。",
            f"No Prometheus{why}: /readyz and /metrics.",
        )
        OUT.print(say(zh, en), markup=False)
    else:
        table = _table(
            say("告警", "Alerts"), say("名称", "name"), say("状态", "state"), say("自", "since"), say("内容", "says")
        )
        for alert in board.alerts:
            style = "bold red" if alert.state == "firing" else "yellow"
            table.add_row(alert.name, f"[{style}]{alert.state}[/]", alert.since, escape(say(alert.zh, alert.en)))
        OUT.print(table if board.alerts else say("没有告警。", "No alerts."))
    table = _table("/readyz", say("部分", "part"), say("状态", "state"), say("说明", "says"))
    for part in board.ready:
        table.add_row(part.name, escape(part.state), escape(say(part.zh, part.en)))
    OUT.print(table)
    table = _table(say("仪表板", "Dashboard"), say("面板", "panel"), say("所示", "shows"))
    shown = [panel for panel in board.panels if panel.series]
    for panel in shown:
        table.add_row(escape(panel.title), escape(_spell(panel)))
    OUT.print(table)
    empty = len(board.panels) - len(shown)
    if empty:
        OUT.print(say(f"另有 {empty} 个面板无数据。", f"{empty} more panels have nothing to show."))


def show_revocation(answer: RevocationAnswer) -> None:
    """Say who or what was revoked, and what the gateway answers since."""
    if answer.error:
        OUT.print(say(*_NOT_REVOKED[answer.error]), markup=False)
        return
    if answer.identifier:
        zh, en = f"已吊销证照：{answer.identifier}", f"revoked: the licence {answer.identifier}"
        OUT.print(say(zh, en), markup=False)
    for signer, serial in zip(answer.signers, answer.serials, strict=True):
        OUT.print(say(f"已吊销：{signer}（{serial}）", f"revoked: {signer} ({serial})"), markup=False)
    if not answer.outcome:
        zh, en = f"{answer.file}：网关没有给出结论。", f"{answer.file}: the gateway gives no verdict."
        OUT.print(say(zh, en), markup=False)
        return
    reasons = ", ".join(answer.reasons)
    OUT.print(
        say(
            f"{answer.file}：{answer.seconds:.2f} 秒后网关答复 {answer.outcome}（{reasons}），未重启",
            f"{answer.file}: {answer.seconds:.2f} s later the gateway answers {answer.outcome} ({reasons}), no restart",
        ),
        markup=False,
    )


def program() -> str:
    """Return how this program is called from where the user stands: by its name where that finds it."""
    called = Path(sys.argv[0])
    found = shutil.which("tongban")
    if found is not None and os.path.realpath(found) == os.path.realpath(called):
        return "tongban"
    return f"{shlex.quote(sys.executable)} -m gateway" if called.name == "__main__.py" else shlex.quote(str(called))


def name_folder(folder: Path | None) -> str:
    """Return the option that names a demo's folder, for a shell that stands anywhere; "" where it is found without."""
    return "" if folder is None else f" --folder {shlex.quote(str(folder.absolute()))}"


def _outcome(one: StandingAnswer) -> str:
    if one.outcome is None:
        return f"[bold red]{one.status or '-'}[/]"
    outcome = Outcome(one.outcome)
    return f"[{STYLE[outcome]}]{say(*WORD[outcome])}[/]"


def _spell(panel: Panel) -> str:
    unit = _UNITS.get(panel.unit, "")
    parts = []
    for one in panel.series:
        if one.value is None:
            value = "-"
        elif panel.unit == "percentunit":
            value = f"{one.value:.1%}"
        else:
            value = f"{one.value:.3g}{unit}" if abs(one.value) < 1000 else f"{one.value:.0f}{unit}"  # noqa: PLR2004
        parts.append(f"{one.legend} {value}".strip())
    return "; ".join(parts)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
