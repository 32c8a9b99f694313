"""The options that several groups of commands have, and how options are written: Chinese and English help."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.language import say


def option(*names: str, zh: str, en: str, metavar: str | None = None, variable: str | None = None) -> object:
    """Return an option of these names; a default is shown unless it is a folder."""
    return typer.Option(*names, help=say(zh, en), metavar=metavar, envvar=variable, show_default=metavar != "DIR")


def argument(metavar: str, zh: str, en: str) -> object:
    """Return an argument."""
    return typer.Argument(metavar=metavar, help=say(zh, en), show_default=False)


KEY_FOLDER = option("--dir", zh="密钥文件夹。", en="The folder of keys.", metavar="DIR", variable="TONGBAN_KEYS_DIR")
PassphraseFile = Annotated[
    Path | None,
    option(
        "--passphrase-file",
        zh="口令（或设备 PIN）文件；否则取 TONGBAN_KEY_PASSPHRASE 或询问。",
        en="File with the passphrase (or a device's PIN); else TONGBAN_KEY_PASSPHRASE, else you are asked.",
        metavar="FILE",
    ),
]
Module = Annotated[
    Path | None,
    option(
        "--pkcs11-module",
        zh="密码设备的 PKCS#11 库。",
        en="The device's PKCS#11 library.",
        metavar="FILE",
        variable="TONGBAN_PKCS11_MODULE",
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help=say("每个结果输出一行 JSON。", "Print one JSON object per line."), show_default=False),
]
AdapterName = Annotated[
    str,
    option(
        "--adapter",
        zh="映射文件，或站点、内置映射的标识。",
        en="The mapping file, or the id of the site's or a shipped one.",
        metavar="NAME",
    ),
]
AdapterSite = Annotated[
    Path | None,
    option(
        "--site",
        zh="站点文件夹：映射标识先在其 adapters/ 中查找。",
        en="A site folder: the id of a mapping is looked up in its adapters/ first.",
        metavar="DIR",
    ),
]
