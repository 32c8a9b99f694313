"""``tongban adapter``: the options of the group; what they do is in the files beside this one."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.kit import kit_app
from gateway.cli.language import say
from gateway.cli.options import AdapterName, AdapterSite, Json, argument, option

adapter_app = typer.Typer(
    name="adapter",
    no_args_is_help=True,
    help=say(
        "外部系统映射：起草、检查、转换。", "Mappings of other systems: draft, check, convert messages between them."
    ),
)
adapter_app.add_typer(kit_app)

Files = Annotated[
    list[Path],
    argument("FILE…", "映射文件（.toml），或其所在文件夹。", "Mapping files (.toml), or folders of them."),
]
From = Annotated[
    str, argument("FROM", "消息来源系统：映射文件，或映射标识。", "Its mapping file, or the id of a mapping.")
]
To = Annotated[
    str, argument("TO", "目标系统：映射文件，或映射标识。", "The other mapping file, or the id of a mapping.")
]
Site = Annotated[
    Path | None,
    option(
        "--site",
        zh="站点文件夹：以其策略中的证照类型核对照面字段。",
        en="A site folder: surface fields are held against the licence types of its policy.",
        metavar="DIR",
    ),
]
ConvertSite = Annotated[
    Path | None,
    option(
        "--site",
        zh="站点文件夹：映射标识先在其中查找，并以其策略中的证照类型核对照面字段。",
        en="A site folder: ids are looked up there first, and surface fields held against its licence types.",
        metavar="DIR",
    ),
]
Message = Annotated[Path, argument("FILE", "一条消息。", "One message.")]


def _commands() -> ModuleType:
    from gateway.cli import adapter_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    return adapter_commands


@adapter_app.command(
    "check",
    help=say("检查映射文件：错误、损失表、摘要。", "Find faults, print the loss table and the digest."),
)
def check_command(files: Files, *, site: Site = None, as_json: Json = False) -> None:
    """Exit with 0, 1 with a fault or a loss that is not declared, 2 when a file cannot be read."""
    raise typer.Exit(_commands().check(files, site=site, as_json=as_json))


@adapter_app.command(
    "convert",
    help=say(
        "把一条消息转换为另一系统的写法，并列出损失。", "Write a message as another system would, and what got lost."
    ),
)
def convert_command(
    source: From,
    target: To,
    file: Message,
    *,
    out: Annotated[
        Path | None,
        option(
            "-o",
            "--out",
            zh="写入此文件；默认标准输出。",
            en="Where it goes; default: standard output.",
            metavar="FILE",
        ),
    ] = None,
    site: ConvertSite = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when it cannot be read or written or a loss is not declared, 2 when a file cannot be read."""
    raise typer.Exit(_commands().convert(source, target, file, out=out, site=site, as_json=as_json))


@adapter_app.command(
    "new",
    help=say(
        "由样例消息起草映射文件，每项推测注明置信度。", "Draft a mapping from samples, each guess with its confidence."
    ),
)
def new_command(
    samples: Annotated[list[Path], argument("SAMPLES…", "样例消息，每份一个文件。", "Sample messages, a file each.")],
    *,
    out: Annotated[
        Path,
        option("-o", "--out", zh="写入此文件（不覆盖）。", en="Where it goes; never written over.", metavar="FILE"),
    ],
    system_id: Annotated[
        str, option("--id", zh="系统标识。", en="The id of the system: a-z, 0-9 and -.", metavar="ID")
    ] = "new-system",
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when no draft can be made of the samples, 2 when a file cannot be read or is there already."""
    from gateway.cli import adapter_new  # noqa: PLC0415 - loaded when used, so that --help is quick

    raise typer.Exit(adapter_new.new(samples, out=out, system_id=system_id, as_json=as_json))


@adapter_app.command(
    "drift",
    help=say(
        "将记录的应答与映射比对，提出补丁，不自行应用。",
        "Compare recorded answers with a mapping and propose a patch, which is never applied.",
    ),
)
def drift_command(
    recorded: Annotated[
        list[Path],
        argument("RECORDED…", "记录的应答：一条消息，或每行一条。", "Recorded answers: one message, or one a line."),
    ],
    *,
    adapter: AdapterName,
    site: AdapterSite = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when there is drift, 2 when a file cannot be read."""
    from gateway.cli import adapter_drift  # noqa: PLC0415 - loaded when used, so that --help is quick

    raise typer.Exit(adapter_drift.drift(recorded, adapter=adapter, site=site, as_json=as_json))


@adapter_app.command(
    "stand-in",
    help=say("在本机启动外部系统的替身，供测试。", "Serve a stand-in for another system on this machine."),
)
def stand_in_command(
    name: Annotated[
        str,
        argument(
            "NAME",
            "内置替身的名称，或带 \\[transport] 的映射文件。",
            "Its name, or a mapping file with a \\[transport].",
        ),
    ],
    *,
    port: Annotated[int, option("--port", zh="端口；0 为任意空闲端口。", en="The port; 0: any free one.")] = 0,
    fault: Annotated[
        list[str] | None,
        option("--fault", zh="打开的故障，可多次给出。", en="A fault to switch on; may be repeated.", metavar="NAME"),
    ] = None,
    sample: Annotated[
        list[Path] | None,
        option(
            "--sample",
            zh="以此消息中的证照应答，可多次给出；默认为内置样例。",
            en="Answer with the licences of this message; may be repeated. Default: made-up ones.",
            metavar="FILE",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        option(
            "--file",
            zh="证照文件：证照自身没有文件的，下载文件时以此应答。",
            en="The file of a licence: handed out for each that has none of its own.",
            metavar="FILE",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when told to stop, 1 for a mapping or sample with faults, 2 for what cannot be used."""
    from gateway.cli import adapter_stand_in  # noqa: PLC0415 - loaded when used, so that --help is quick

    raise typer.Exit(
        adapter_stand_in.stand_in(name, port=port, faults=fault or [], samples=sample or [], file=file, as_json=as_json)
    )
