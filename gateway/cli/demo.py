"""``tongban demo``: issue, forge, verify over HTTP, and show what came out."""

import asyncio
import json
import shlex
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.table import Table

from gateway.cli.console import ERR, OUT, ExitCode, print_json, progress_bar
from gateway.cli.demo_output import name_folder, program, show_revocation, show_servers
from gateway.cli.demo_sharing import show_sharing
from gateway.cli.demo_systems import run_systems, show_systems
from gateway.cli.language import say
from gateway.cli.verify import STYLE, WORD
from gateway.demo.asking import (
    Answer,
    GatewayDidNotStartError,
    SharingAnswer,
    SystemAnswer,
    ask_all,
    ask_callers,
    ask_systems,
    start_gateway,
)
from gateway.demo.desk import FOLDER_PREFIX, LOOK_SECONDS, Failure, Request
from gateway.demo.prometheus import NAME as PROMETHEUS
from gateway.demo.revoking import RevocationAnswer
from gateway.demo.servers import POSTGRESQL, REDIS, LeftOut, run_servers, use_servers
from gateway.demo.serving import Serving
from gateway.demo.stage import Stage, set_stage, write_stage
from gateway.reason import SENTENCES, Reason
from gateway.verdict import Outcome

WORKERS: Final = 2  # of a gateway that goes on serving
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNAL_CODE: Final = 128  # what shells add to the number of a signal


def demo(*, once: bool, keep: Path | None, as_json: bool) -> ExitCode:
    """Run the demo; 0 when every answer was the right one, 1 when not, 2 when it could not run.

    Told to stop by a signal, it stops its gateway, removes its folder and ends with 128 and the signal's number.
    """
    with unwinding_on_signals():
        return _demo(once=once, keep=keep, as_json=as_json)


@contextmanager
def unwinding_on_signals() -> Iterator[None]:
    """Turn the usual requests to stop into an exception, so that everything that was begun is ended."""

    def stop(number: int, _: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_IGN)  # a second request must not interrupt the end
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(_SIGNAL_CODE + number)

    # One that is ignored stays so: that is what nohup is for.
    before = {one: signal.getsignal(one) for one in _STOP_SIGNALS if signal.getsignal(one) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _demo(*, once: bool, keep: Path | None, as_json: bool) -> ExitCode:
    if keep is not None and not _is_free(keep):
        ERR.print(f"tongban: {say('不是空文件夹', 'not an empty folder')}: {escape(str(keep))}")
        return ExitCode.USAGE
    now = datetime.now(UTC).replace(microsecond=0)
    with ERR.status(say("正在签发与伪造演示证照…", "issuing and forging the demo's licences…")):
        stage = set_stage(now)
    with _folder(keep) as folder:
        try:
            places = write_stage(stage, folder, now)
        except OSError as error:
            why = error.strerror or type(error).__name__
            ERR.print(f"tongban: {say('无法写入', 'cannot write to')} {escape(str(folder))}: {escape(why)}")
            return ExitCode.USAGE
        try:
            if once:
                return _run_once(stage, places["site"], as_json=as_json)
            return _serve(stage, folder, now, where=name_folder(keep), as_json=as_json)
        except GatewayDidNotStartError as error:
            ERR.print(f"tongban: {say('网关未能启动', 'the gateway did not start')}: {escape(str(error))}")
            ERR.print(escape((folder / "gateway.log").read_text(encoding="utf-8")))
            return ExitCode.USAGE


def _run_once(stage: Stage, site: Path, *, as_json: bool) -> ExitCode:
    with run_systems(stage, site), start_gateway(site, workers=1) as gateway:
        return _ask_and_show(gateway.address, stage, as_json=as_json)


def _serve(stage: Stage, folder: Path, now: datetime, *, where: str, as_json: bool) -> ExitCode:
    """Ask everything, with the servers that this machine has, and go on serving.

    ``where`` is the option by which other terminals find this demo.
    """
    site = folder / "site"
    with ExitStack() as stack:
        with ERR.status(say("正在启动 Redis、PostgreSQL 等…", "starting Redis, PostgreSQL and others…")):
            servers = stack.enter_context(run_servers(stage.stock, now))
            stack.enter_context(use_servers(site, servers))
            stack.enter_context(run_systems(stage, site, library=servers.library))
            gateway = stack.enter_context(start_gateway(site, workers=WORKERS))
            servers.watch(gateway.address)
        ended = _ask_and_show(gateway.address, stage, as_json=as_json)
        _go_on(Serving(stage=stage, folder=folder, gateway=gateway, servers=servers), where)
    OUT.print(say("已结束。", "Stopped."))
    return ended


def _ask_and_show(address: str, stage: Stage, *, as_json: bool) -> ExitCode:
    answers, shared, asked = asyncio.run(_collect(address, stage))
    _show(answers, as_json=as_json)
    if shared:
        show_sharing(shared, as_json=as_json)
    if asked:
        show_systems(asked, as_json=as_json)
    is_right = all(answer.is_right for part in (answers, shared, asked) for answer in part)
    return ExitCode.DONE if is_right else ExitCode.INVALID


def _is_free(folder: Path) -> bool:
    """Return whether a folder is empty, or not there yet; whether it can be written shows when it is."""
    try:
        return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    except OSError:
        return False


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as folder:
        yield Path(folder)


async def _collect(address: str, stage: Stage) -> tuple[list[Answer], list[SharingAnswer], list[SystemAnswer]]:
    answers = []
    with progress_bar() as progress:
        task = progress.add_task(say("经 HTTP 核验", "verifying over HTTP"), total=len(stage.questions))
        async for answer in ask_all(address, stage.caller_key, stage.questions):
            answers.append(answer)
            progress.advance(task)
    shared = [answer async for answer in ask_callers(address, stage.sharing)]
    return answers, shared, [answer async for answer in ask_systems(address, stage.caller_key, stage.systems)]


def _show(answers: list[Answer], *, as_json: bool) -> None:
    wrong = [answer for answer in answers if not answer.is_right]
    if as_json:
        for answer in answers:
            print_json(_describe(answer))
    else:
        OUT.print(_table(answers))
    ERR.print(
        say(
            f"共 {len(answers)} 问：{len(answers) - len(wrong)} 问结论正确，{len(wrong)} 问不正确。",
            f"{len(answers)} questions: {len(answers) - len(wrong)} outcomes right, {len(wrong)} wrong.",
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
        "forged": {"zh": question.done_zh, "en": question.done_en} if question.done_en else None,
        "expected": {"outcome": question.outcome, "reason": question.reason},
        "right": answer.is_right,
        "answer": dict(answer.body),
    }


def _table(answers: list[Answer]) -> Table:
    table = Table(
        title=say("通办演示：真实签章，经 HTTP 逐一核验", "Tongban demo: real seals, each verified over HTTP")
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


def spell_commands(serving: Serving, where: str) -> tuple[str, ...]:
    """Return what can be tried in another terminal, wherever that stands, as a shell reads it."""
    folder, address, tongban = serving.folder.absolute(), serving.gateway.address, program()
    documents = folder / "documents"
    trust, every = shlex.quote(str(folder / "site" / "trust")), shlex.quote(str(documents))
    # What `demo ask` asks about.
    first, second = (shlex.quote(str(documents / one.name)) for one in serving.stage.stock[:2])
    return (
        f"{tongban} demo ask{where}",
        f"{tongban} demo board{where}",
        f"{tongban} demo revoke {second}{where}",
        f"{tongban} demo revoke --licence {first}{where}",
        f"{tongban} verify --trust {trust} {every}",
        f"{tongban} inspect {first}",
        f"curl {address}/openapi.json",
    )


def _go_on(serving: Serving, where: str) -> None:
    """Serve until stopped, do what is wanted at the desk, and say what can be tried meanwhile."""
    address, desk = serving.gateway.address, serving.open_desk()
    with desk.opened():
        show_servers(serving.describe(), where)
        for one in serving.servers.left_out:
            _say_left_out(one)
        zh = f"网关在 {address} 继续运行（Ctrl-C 结束）。可另开终端尝试："
        OUT.print(say(zh, f"The gateway goes on at {address} (Ctrl-C stops it). Try in another terminal:"))
        for command in spell_commands(serving, where):
            OUT.print(f"  {command}", markup=False)
        try:
            while True:
                for wanted, answer in desk.look():
                    _say_done(wanted, answer)
                time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            OUT.print(say("正在结束…", "Stopping …"))


_LEFT_OUT: Final = {
    REDIS: ("各进程各自缓存和计数", "each process keeps and counts for itself"),
    POSTGRESQL: ("证照库为 SQLite 文件", "the store is a SQLite file"),
    PROMETHEUS: ("demo board 改读 /readyz 与 /metrics", "demo board reads /readyz and /metrics"),
}


def _say_left_out(one: LeftOut) -> None:
    zh, en = _LEFT_OUT.get(one.name, ("", ""))
    why = one.why or say("未安装", "not installed")
    OUT.print(say(f"无 {one.name}（{why}）：{zh}。", f"Without {one.name} ({why}): {en}."), markup=False)


def _say_done(wanted: Request, answer: object) -> None:
    """Say in the demo's own terminal what was done for another one."""
    what = " ".join(part for part in (wanted.how or wanted.wish.value, wanted.name) if part)
    if isinstance(answer, RevocationAnswer):
        show_revocation(answer)
    elif isinstance(answer, Failure):
        ERR.print(f"{datetime.now(UTC):%H:%M:%S} {what}: {answer.error}", markup=False, soft_wrap=True)
    else:
        OUT.print(f"{datetime.now(UTC):%H:%M:%S} {what}", markup=False)
