"""``tongban licences``: the options of the group; what they do is in `licences_commands`."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.limits import MAX_DOCUMENTS, MAX_LICENCES, MAX_SEED
from gateway.cli.options import AdapterName, Json, argument, option

licences_app = typer.Typer(
    name="licences",
    no_args_is_help=True,
    help=say(
        "成批证照：导入外部系统的记录，或生成测试用证照。",
        "Licences in large numbers: import records of other systems, or generate ones for tests.",
    ),
)

Site = Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")]


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
    adapter: AdapterName,
    site: Site,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when a record was rejected (the others are stored), 2 when a file or the store cannot be used."""
    from gateway.cli import licences_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    raise typer.Exit(licences_commands.import_files(files, adapter=adapter, site=site, as_json=as_json))


@licences_app.command(
    "generate",
    help=say(
        "向空的证照库写入虚构证照，供规模测试；中断后可续。其中 --documents 份均匀分布，附真实签章的文件"
        "（TEST 机构签发），其余仅为登记记录，无文件，百分之三非有效状态。",
        "Fill an empty store with synthetic licences for tests of size; it goes on after an interruption. --documents "
        "of them, spread evenly, have really sealed documents of a TEST authority; the others are recorded only, "
        "without a document, and three of a hundred are not in force.",
    ),
)
def generate_command(
    count: Annotated[
        int,
        typer.Argument(metavar="COUNT", min=1, max=MAX_LICENCES, help=say("份数。", "How many."), show_default=False),
    ],
    *,
    site: Site,
    documents: Annotated[
        int,
        typer.Option("--documents", min=0, max=MAX_DOCUMENTS, help=say("附文件的份数。", "How many have a document.")),
    ] = 1000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=MAX_SEED, help=say("不同的数生成不同的证照。", "Another gives others."))
    ] = 0,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help=say(
                "在此站点的 trust/ 中信任该 TEST 机构；切勿用于在用的站点。",
                "Trust the TEST authority in trust/ of this site; never on a site in use.",
            ),
            show_default=False,
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when the store cannot be used, or holds other licences."""
    from gateway.cli import licences_generating  # noqa: PLC0415 - likewise

    raise typer.Exit(
        licences_generating.generate(count, site=site, documents=documents, seed=seed, trust=trust, as_json=as_json)
    )
