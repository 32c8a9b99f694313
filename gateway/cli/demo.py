"""``tongban demo``: issue, forge, verify over HTTP, and show what came out."""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from gateway.cli.console import ERR, OUT, ExitCode, progress_bar
from gateway.cli.language import say
from gateway.cli.verify import STYLE, WORD
from gateway.demo.asking import Answer, GatewayDidNotStartError, ask_all, run_gateway
from gateway.demo.stage import Stage, set_stage, write_stage
from gateway.reason import SENTENCES, Reason
from gateway.verdict import Outcome


def demo(*, once: bool, keep: Path | None, as_json: bool) -> ExitCode:
    """Run the demo; 0 when every answer was the right one, 1 when not, 2 when it could not run."""
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        ERR.print(f"tongban: {say('不是空文件夹', 'not an empty folder')}: {escape(str(keep))}")
        return ExitCode.USAGE
    now = datetime.now(UTC).replace(microsecond=0)
    with ERR.status(say("正在签发与伪造演示证照…", "issuing and forging the demo's licences…")):
        stage = set_stage(now)
    with _folder(keep) as folder:
        places = write_stage(stage, folder, now)
        try:
            with run_gateway(places["site"]) as address:
                answers = asyncio.run(_collect(address, stage))
                _show(answers, as_json=as_json)
                if not once:
                    _go_on(address, places["site"], places["documents"])
        except GatewayDidNotStartError as error:
            ERR.print(f"tongban: {say('网关未能启动', 'the gateway did not start')}: {escape(str(error))}")
            ERR.print(escape((folder / "gateway.log").read_text(encoding="utf-8")))
            return ExitCode.USAGE
    return ExitCode.DONE if all(answer.is_right for answer in answers) else ExitCode.INVALID


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="tongban-demo-") as folder:
        yield Path(folder)


async def _collect(address: str, stage: Stage) -> list[Answer]:
    answers = []
    with progress_bar() as progress:
        task = progress.add_task(say("经 HTTP 验证", "verifying over HTTP"), total=len(stage.questions))
        async for answer in ask_all(address, stage.caller_key, stage.questions):
            answers.append(answer)
            progress.advance(task)
    return answers


def _show(answers: list[Answer], *, as_json: bool) -> None:
    wrong = [answer for answer in answers if not answer.is_right]
    if as_json:
        for answer in answers:
            print(json.dumps(_describe(answer), ensure_ascii=False), flush=True)
    else:
        OUT.print(_table(answers))
    ERR.print(
        say(
            f"共 {len(answers)} 份：{len(answers) - len(wrong)} 份结论正确，{len(wrong)} 份不正确。",
            f"{len(answers)} files: {len(answers) - len(wrong)} outcomes right, {len(wrong)} wrong.",
        )
    )
    for answer in wrong:
        expected = answer.question.reason or answer.question.outcome
        ERR.print(f"  {answer.question.name}: {say('应为', 'expected')} {expected}", markup=False)
        ERR.print(f"    {json.dumps(dict(answer.body), ensure_ascii=False)[:500]}", markup=False)


def _describe(answer: Answer) -> dict[str, object]:
    question = answer.question
    return {
        "file": question.name,
        "claim": question.claim,
        "forged": say(question.done_zh, question.done_en) or None,
        "expected": {"outcome": question.outcome, "reason": question.reason},
        "right": answer.is_right,
        "answer": dict(answer.body),
    }


def _table(answers: list[Answer]) -> Table:
    table = Table(
        title=say("通办演示：真实签章，经 HTTP 逐一验证", "Tongban demo: real seals, each verified over HTTP")
    )
    for title in (
        say("文件", "file"),
        say("所称内容", "claim"),
        say("结论", "outcome"),
        say("理由", "reason in words"),
    ):
        table.add_column(title, overflow="fold")
    for answer in answers:
        found = answer.body.get("outcome")
        style, word = (STYLE[Outcome(found)], say(*WORD[Outcome(found)])) if found else ("bold", str(answer.status))
        done = say(answer.question.done_zh, answer.question.done_en)
        claim = escape(answer.question.claim) + (f"\n[dim]{escape(done)}[/]" if done else "")
        mark = "" if answer.is_right else f" [reverse]{say('不符', 'WRONG')}[/]"
        table.add_row(escape(answer.question.name), claim, f"[{style}]{word}[/]{mark}", _words(answer))
    return table


def _words(answer: Answer) -> str:
    reasons = [Reason(reason) for reason in answer.body.get("reasons", ())]
    if not reasons:
        return say("全部检查通过。", "All checks passed.")
    shown = answer.question.reason if answer.question.reason in reasons else reasons[0]
    words = SENTENCES[shown]
    rest = [reason for reason in reasons if reason is not shown]
    return f"{shown}: {escape(say(words.zh, words.en))}" + (f"\n[dim]+ {', '.join(rest)}[/]" if rest else "")


def _go_on(address: str, site: Path, documents: Path) -> None:
    """Serve until stopped, and say what can be tried meanwhile."""
    zh = f"网关在 {address} 继续运行（Ctrl-C 结束）。可另开终端尝试："
    OUT.print(say(zh, f"The gateway goes on at {address} (Ctrl-C stops it). Try in another terminal:"))
    OUT.print(f"  tongban verify --trust {site / 'trust'} {documents}", markup=False)
    OUT.print(f"  tongban inspect {next(iter(sorted(documents.iterdir())))}", markup=False)
    OUT.print(f"  curl {address}/openapi.json", markup=False)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        OUT.print(say("已结束。", "Stopped."))
