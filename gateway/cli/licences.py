"""``tongban licences``: the options of the group; what they do is in `licences_commands`."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.options import Json, argument, option

licences_app = typer.Typer(
    name="licences",
    no_args_is_help=True,
    help=say("外部系统的证照记录：导入自有证照库。", "Records of other systems: import them into the licence store."),
)


@licences_app.callback()
def _group() -> None:
    """Keep ``import`` a command of its own, though it is the only one."""


@licences_app.command(
    "import",
    help=say(
        "经映射导入证照记录（不含文件）；中断后可续，未导入的记录写入 FILE.rejected.ndjson。",
        "Import records (without documents) through a mapping; it goes on after an interruption, "
        "and what cannot be imported is in FILE.rejected.ndjson.",
    ),
)
def import_command(
    files: Annotated[
        list[Path],
        argument(
            "FILE…", "每行一条消息，或分隔文本，或一条消息。", "A message a line, or delimited text, or one message."
        ),
    ],
    *,
    adapter: Annotated[
        str,
        option(
            "--adapter",
            zh="映射文件，或内置映射的标识。",
            en="The mapping file, or the id of a shipped one.",
            metavar="NAME",
        ),
    ],
    site: Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")],
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when a record was rejected (the others are stored), 2 when a file or the store cannot be used."""
    from gateway.cli import licences_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    raise typer.Exit(licences_commands.import_files(files, adapter=adapter, site=site, as_json=as_json))
