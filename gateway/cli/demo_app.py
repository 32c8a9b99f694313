"""``tongban demo``: the options of the demo, and the commands for one that runs in another terminal."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.options import Json, argument, option

demo_app = typer.Typer(
    name="demo",
    invoke_without_command=True,
    help=say(
        "在本机演示：签发、伪造并经 HTTP 核验电子证照；之后继续运行，可停止其中任一部分，看答复如何。",
        "Show it on this machine: issue, forge and verify licences over HTTP; then break parts of it, and look.",
    ),
)

Folder = Annotated[
    Path | None,
    option(
        "--folder",
        zh="正在运行的演示的文件夹；只有一个演示在运行时不必指定。",
        en="The folder of the demo that runs; not needed where only one does.",
        metavar="DIR",
    ),
]
Name = Annotated[str, argument("NAME", "redis、postgresql、library、prometheus。", "redis, postgresql, library, …")]


def _commands() -> ModuleType:
    from gateway.cli import demo_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    return demo_commands


@demo_app.callback()
def demo_command(
    context: typer.Context,
    *,
    once: Annotated[
        bool,
        typer.Option("--once", help=say("全部结论正确即退出。", "End with 0 when every outcome was the right one.")),
    ] = False,
    keep: Annotated[
        Path | None,
        option("--keep", zh="保留生成的文件到此文件夹。", en="Keep the files in this folder.", metavar="DIR"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when an outcome was not the expected one, 2 when it could not run."""
    if context.invoked_subcommand is None:
        from gateway.cli.demo import demo  # noqa: PLC0415 - likewise

        raise typer.Exit(demo(once=once, keep=keep, as_json=as_json))


@demo_app.command("servers", help=say("列出正在运行的演示的各进程。", "List the processes of the demo that runs."))
def servers_command(*, folder: Folder = None, as_json: Json = False) -> None:
    """Exit with 0, or 2 when no demo runs."""
    raise typer.Exit(_commands().act("", "", folder=folder, as_json=as_json))


@demo_app.command("stop", help=say("停止一个进程。", "Stop a process."))
def stop_command(name: Name, *, folder: Folder = None, as_json: Json = False) -> None:
    """Exit with 0, 1 when it cannot be done now, 2 when no demo runs."""
    raise typer.Exit(_commands().act(name, "stop", folder=folder, as_json=as_json))


@demo_app.command("start", help=say("启动一个已停止的进程。", "Start one that was stopped."))
def start_command(name: Name, *, folder: Folder = None, as_json: Json = False) -> None:
    """Exit with 0, 1 when it cannot be done now, 2 when no demo runs."""
    raise typer.Exit(_commands().act(name, "start", folder=folder, as_json=as_json))


@demo_app.command("restart", help=say("重新启动一个进程。", "Stop a process and start it again."))
def restart_command(name: Name, *, folder: Folder = None, as_json: Json = False) -> None:
    """Exit with 0, 1 when it cannot be done now, 2 when no demo runs."""
    raise typer.Exit(_commands().act(name, "restart", folder=folder, as_json=as_json))


@demo_app.command("pause", help=say("暂停一个进程（SIGSTOP）：连接仍在，没有应答。", "Pause one (SIGSTOP)."))
def pause_command(name: Name, *, folder: Folder = None, as_json: Json = False) -> None:
    """Exit with 0, 1 when it cannot be done now, 2 when no demo runs."""
    raise typer.Exit(_commands().act(name, "pause", folder=folder, as_json=as_json))


@demo_app.command("continue", help=say("继续一个已暂停的进程（SIGCONT）。", "Let a paused one go on (SIGCONT)."))
def continue_command(name: Name, *, folder: Folder = None, as_json: Json = False) -> None:
    """Exit with 0, 1 when it cannot be done now, 2 when no demo runs."""
    raise typer.Exit(_commands().act(name, "continue", folder=folder, as_json=as_json))


@demo_app.command("revoke", help=say("吊销演示文件的签章人，或证照本身。", "Revoke a signer, or a licence."))
def revoke_command(
    file: Annotated[Path, argument("FILE", "演示的一个证照文件。", "A document of the demo.")],
    *,
    licence: Annotated[
        bool,
        typer.Option(
            "--licence", help=say("吊销证照本身（证照库中的状态）。", "The licence, in the store."), show_default=False
        ),
    ] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when the gateway says so, 1 when not, 2 when no demo runs."""
    raise typer.Exit(_commands().revoke(file, licence=licence, folder=folder, as_json=as_json))


@demo_app.command("ask", help=say("再次提问，看此刻的答复。", "Ask again: what the answers say now."))
def ask_command(*, folder: Folder = None, as_json: Json = False) -> None:
    """Exit with 0, or 2 when no demo runs."""
    raise typer.Exit(_commands().ask(folder=folder, as_json=as_json))


@demo_app.command("board", help=say("仪表板与告警此刻所示。", "What the dashboard and the alerts say now."))
def board_command(*, folder: Folder = None, as_json: Json = False) -> None:
    """Exit with 0, or 2 when no demo runs."""
    raise typer.Exit(_commands().board(folder=folder, as_json=as_json))
