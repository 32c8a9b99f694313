"""``tongban adapter kit``: the options of the group; what they do is in `gateway.cli.adapter_kit`."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.options import KEY_FOLDER, AdapterName, AdapterSite, Json, Module, PassphraseFile, argument, option

kit_app = typer.Typer(
    name="kit",
    no_args_is_help=True,
    help=say("兼容性测试包：为合作方生成，核对对方发来的。", "Compatibility kits: for partners, and from them."),
)


def _commands() -> ModuleType:
    from gateway.cli import adapter_kit  # noqa: PLC0415 - loaded when used, so that --help is quick

    return adapter_kit


@kit_app.command(
    "write",
    help=say("生成测试包：报文与应读出的内容，可签名。", "Write a kit: messages and what is to be read, signed."),
)
def write_command(
    name: Annotated[
        str,
        argument(
            "NAME", "映射文件，或站点、内置映射的标识。", "The mapping file, or the id of the site's or a shipped one."
        ),
    ],
    *,
    site: AdapterSite = None,
    out: Annotated[
        Path,
        option(
            "-o",
            "--out",
            zh="写入此处（不覆盖）：以 .zip 结尾为一个文件，否则为文件夹。",
            en="Where it goes, never written over: a ZIP where it ends in .zip, else a folder.",
            metavar="PATH",
        ),
    ],
    key: Annotated[
        str | None,
        option(
            "--signing-key",
            zh="签名密钥编号（前 8 位以上），用途为 partner；不给则不签名。",
            en="The key that signs, by its id, of purpose partner; without one it is not signed.",
            metavar="KEY",
        ),
    ] = None,
    folder: Annotated[Path, KEY_FOLDER] = Path("keys"),
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 for a mapping with faults, 2 when something cannot be used or is there already."""
    commands = _commands()
    choice = None
    if key is not None:
        choice = commands.KeyChoice(key=key, folder=folder, passphrase_file=passphrase_file, module=module)
    raise typer.Exit(commands.write(name, site=site, out=out, choice=choice, as_json=as_json))


@kit_app.command(
    "check",
    help=say("用我方映射核对测试包，列出不一致之处。", "Read a kit with our mapping, and list where that differs."),
)
def check_command(
    kit: Annotated[Path, argument("KIT", "测试包：ZIP 文件或文件夹。", "The kit: a ZIP, or a folder.")],
    *,
    adapter: AdapterName,
    site: AdapterSite = None,
    key: Annotated[
        Path | None,
        option(
            "--key",
            zh="对方公钥（tongban keys export-public --form trust-list）。",
            en="The partner's key, as `tongban keys export-public --form trust-list` writes it.",
            metavar="FILE",
        ),
    ] = None,
    unsigned: Annotated[
        bool,
        typer.Option("--unsigned", help=say("不核验签名。", "Do not verify who signed it."), show_default=False),
    ] = False,
    as_json: Json = False,
) -> None:
    """Exit with 0 all the same, 1 where a case differs or the kit is unreliable, 3 not all checked, 2 usage."""
    raise typer.Exit(_commands().check(kit, adapter=adapter, site=site, key=key, unsigned=unsigned, as_json=as_json))
