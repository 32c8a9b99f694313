"""``tongban store``: the options of the group; what they do is in `store_commands`."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.options import Json, argument, option
from policies.dimension import LicenceStatus

store_app = typer.Typer(
    name="store",
    no_args_is_help=True,
    help=say(
        "自有证照库：导入、登记、设置状态、查看。", "The gateway's own licences: import, announce, set status, show."
    ),
)

Site = Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")]
Reference = Annotated[
    str,
    argument("IDENTIFIER", "证照标识，或证照文件的 SHA-256。", "The licence's identifier, or a document's SHA-256."),
]
Holder = Annotated[
    str,
    option(
        "--holder",
        zh="仅列出此持证主体代码的证照；- 表示从标准输入读取。",
        en="Only licences of the holder with this code; - reads it from standard input.",
        metavar="CODE",
    ),
]


def _commands() -> ModuleType:
    from gateway.cli import store_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    return store_commands


@store_app.command(
    "import",
    help=say(
        "导入证照文件；同一文件只存一次，同一编号的新文件为新版本。",
        "Store licence files: each once, another one of the same number as a new version.",
    ),
)
def import_command(
    files: Annotated[list[str], argument("FILE…", "文件或文件夹。", "Files or folders.")],
    *,
    site: Site,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when a file was refused (the others are stored), 2 when one cannot be read or the store used."""
    raise typer.Exit(_commands().import_files(files, site=site, as_json=as_json))


@store_app.command(
    "announce",
    help=say("登记已颁发、文件尚未生成的证照。", "Note a licence that exists and whose document is not made yet."),
)
def announce_command(
    *,
    site: Site,
    identifier: Annotated[
        str, option("--identifier", zh="证照标识。", en="The identifier.", metavar="IDENTIFIER")
    ] = "",
    number: Annotated[str, option("--number", zh="证照编号。", en="The number.", metavar="NUMBER")] = "",
    licence_type: Annotated[
        str, option("--type", zh="证照类型代码。", en="The code of its type.", metavar="CODE")
    ] = "",
    name: Annotated[str, option("--name", zh="证照名称。", en="The name of its type.", metavar="NAME")] = "",
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when another licence has the identifier, 2 without a key or a store that can be used."""
    raise typer.Exit(
        _commands().announce(
            site=site, identifier=identifier, number=number, licence_type=licence_type, name=name, as_json=as_json
        )
    )


@store_app.command("status", help=say("设置一份证照的状态。", "Set the status of a licence."))
def status_command(
    reference: Reference,
    *,
    site: Site,
    status: Annotated[
        LicenceStatus,
        typer.Option("--set", help=say("状态，即刻生效。", "The status, from now on."), show_default=False),
    ],
    reason: Annotated[
        str, option("--reason", zh="理由，如决定文号；勿含个人信息。", en="Why; no personal data.", metavar="TEXT")
    ],
    under_objection: Annotated[
        bool,
        typer.Option(
            "--under-objection", help=say("标记为异议处理中。", "Mark it as under objection."), show_default=False
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when there is no such licence, 2 when the store cannot be used."""
    raise typer.Exit(
        _commands().set_status(
            reference, site=site, status=status, reason=reason, is_under_objection=under_objection, as_json=as_json
        )
    )


@store_app.command("list", help=say("列出证照，不含个人信息。", "List the licences, without personal data."))
def list_command(
    *,
    site: Site,
    status: Annotated[
        LicenceStatus | None,
        typer.Option("--status", help=say("仅此状态。", "Only those of this status."), show_default=False),
    ] = None,
    licence_type: Annotated[
        str, option("--type", zh="仅此类型（代码或名称）。", en="Only this type, by code or name.", metavar="TYPE")
    ] = "",
    holder: Holder = "",
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when the store cannot be used."""
    raise typer.Exit(
        _commands().list_licences(site=site, status=status, licence_type=licence_type, holder=holder, as_json=as_json)
    )


@store_app.command(
    "show", help=say("显示一份证照的各版本与状态沿革。", "Show the versions of a licence, and every status it had.")
)
def show_command(reference: Reference, *, site: Site, as_json: Json = False) -> None:
    """Exit with 0, 1 when there is no such licence, 2 when the store cannot be used."""
    raise typer.Exit(_commands().show(reference, site=site, as_json=as_json))
