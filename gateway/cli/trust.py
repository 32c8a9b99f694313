"""``tongban trust``: the options of the group; what they do is in `trust_commands` and `trust_signing`."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.limits import DEFAULT_LIST_DAYS
from gateway.cli.options import KEY_FOLDER, Json, Module, PassphraseFile, argument, option
from keys.trust import Purpose

trust_app = typer.Typer(
    name="trust",
    no_args_is_help=True,
    help=say(
        "信任名单：查看、起草、签名、核验、发布、比较、演练、预测。",
        "Trust lists: from draft to force, and what changes.",
    ),
)


Directory = Annotated[Path, argument("DIR", "站点文件夹，或其信任文件夹。", "A site folder, or its trust folder.")]
List = Annotated[Path, argument("FILE", "信任名单文件。", "A trust list.")]
At = Annotated[
    str | None,
    option(
        "--at", zh="判断时刻：RFC 3339 时间或日期；默认现在。", en="As of when: RFC 3339 time or date.", metavar="TIME"
    ),
]
Days = Annotated[
    int, typer.Option("--days", min=1, max=400, help=say("名单有效天数。", "Days until the list expires."))
]
Out = Annotated[Path | None, option("--out", zh="草稿写入此文件。", en="Where the draft goes.", metavar="FILE")]
Site = Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")]
KeyFolder = Annotated[Path, KEY_FOLDER]
ListKeys = Annotated[
    list[Path] | None,
    option(
        "--list-key",
        zh="有权签名者的公钥（tongban keys export-public --form trust-list），可多次。",
        en="Public key of one who may sign (tongban keys export-public --form trust-list); repeat it.",
        metavar="FILE",
    ),
]


def _commands() -> ModuleType:
    from gateway.cli import trust_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    return trust_commands


def _signing() -> ModuleType:
    from gateway.cli import trust_signing  # noqa: PLC0415 - the same

    return trust_signing


@trust_app.command(
    "list", help=say("列出信任文件夹：用途、名单、最近到期。", "What a trust folder says, and what ends next.")
)
def list_command(directory: Directory, *, at: At = None, as_json: Json = False) -> None:
    """Exit with 0, 1 when something in it is wrong, 3 when a list is held or not in force, 2 without a folder."""
    raise typer.Exit(_commands().list_trust(directory, at=at, as_json=as_json))


@trust_app.command("show", help=say("显示一份名单，不核验签名。", "Show a list; its signatures are not verified."))
def show_command(file: List, *, as_json: Json = False) -> None:
    """Exit with 0, 1 when it is no list, 2 when it cannot be read."""
    raise typer.Exit(_commands().show(file, as_json=as_json))


@trust_app.command(
    "add", help=say("起草下一版本：增加条目；不签名。", "Draft the next version with more entries; signs nothing.")
)
def add_command(
    file: List,
    *,
    purpose: Annotated[list[Purpose] | None, typer.Option(help=say("用途，可多次。", "What for; repeat it."))] = None,
    certificate: Annotated[
        list[Path] | None, option("--certificate", zh="证书（PEM 或 DER）。", en="Certificate.", metavar="FILE")
    ] = None,
    public_key: Annotated[
        list[Path] | None,
        option(
            "--public-key",
            zh="公钥（trust-list 格式），用于 caller 或 partner。",
            en="Bare public key in the trust-list form, for a caller or a partner.",
            metavar="FILE",
        ),
    ] = None,
    maker_of: Annotated[
        list[Path] | None,
        option(
            "--maker-of", zh="取此文件中印章的制章人。", en="The maker of the seals in this document.", metavar="FILE"
        ),
    ] = None,
    signer_of: Annotated[
        list[Path] | None,
        option("--signer-of", zh="取此文件的签章人。", en="The signers of this document.", metavar="FILE"),
    ] = None,
    below: Annotated[
        Path | None,
        option(
            "--below",
            zh="按名称列入此 CA 之下，证书更换后仍有效。",
            en="Name them below this CA, so that a renewed certificate counts too.",
            metavar="FILE",
        ),
    ] = None,
    licence_type: Annotated[
        list[str] | None, option("--type", zh="仅限此证照类型代码，可多次。", en="Only this licence type; repeat it.")
    ] = None,
    authority: Annotated[
        list[str] | None,
        option("--authority", zh="仅限此颁发机构代码，可多次。", en="Only this authority; repeat it."),
    ] = None,
    region: Annotated[str, option("--region", zh="行政区划代码。", en="Six-digit region.")] = "",
    start: Annotated[str | None, option("--start", zh="信任开始。", en="Trust begins.", metavar="TIME")] = None,
    sunset: Annotated[str | None, option("--sunset", zh="信任终止。", en="Trust ends.", metavar="TIME")] = None,
    source: Annotated[str, option("--source", zh="依据。", en="Who says so.")] = "",
    name: Annotated[str | None, option("--name", zh="新名单的名称。", en="Name of a new list.")] = None,
    list_key: ListKeys = None,
    threshold: Annotated[int | None, option("--threshold", zh="所需签名数。", en="How many must sign.")] = None,
    days: Days = DEFAULT_LIST_DAYS,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when FILE is no list, 2 when the draft cannot be made."""
    signing = _signing()
    adding = signing.Adding(
        purposes=purpose or (),
        certificates=certificate or (),
        public_keys=public_key or (),
        makers_of=maker_of or (),
        signers_of=signer_of or (),
        below=below,
        types=licence_type or (),
        authorities=authority or (),
        region=region,
        start=start,
        sunset=sunset,
        source=source,
        name=name,
        list_keys=list_key or (),
        threshold=threshold,
        days=days,
        out=out,
    )
    raise typer.Exit(signing.add(file, adding, as_json=as_json))


@trust_app.command(
    "remove",
    help=say(
        "起草下一版本：移出一个条目，或取消密钥的签名权；不签名。",
        "Draft the next version without an entry or a key; signs nothing.",
    ),
)
def remove_command(
    file: List,
    *,
    reason: Annotated[str, option("--reason", zh="原因。", en="Why.")],
    fingerprint: Annotated[
        str | None,
        option("--fingerprint", zh="条目的指纹，或其前 8 位以上。", en="Its fingerprint, or 8 or more characters."),
    ] = None,
    subject: Annotated[
        str | None,
        option(
            "--subject",
            zh="同一 CA 之下有多个条目时：其名称或名称的一部分；空为 CA 本身。",
            en="Its name or a part of it, where several are below one CA; empty: the CA itself.",
        ),
    ] = None,
    list_key: Annotated[
        list[str] | None,
        option(
            "--list-key",
            zh="取消此密钥的签名权（编号），可多次。",
            en="Id of a key that is to sign no more; repeat it.",
            metavar="ID",
        ),
    ] = None,
    threshold: Annotated[int | None, option("--threshold", zh="所需签名数。", en="How many must sign.")] = None,
    days: Days = DEFAULT_LIST_DAYS,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when FILE is no list, 2 when nobody or several are meant, or no key has this id."""
    signing = _signing()
    removing = signing.Removing(
        reason=reason,
        fingerprint=fingerprint,
        subject=subject,
        list_keys=list_key or (),
        threshold=threshold,
        days=days,
        out=out,
    )
    raise typer.Exit(signing.remove(file, removing, as_json=as_json))


@trust_app.command(
    "roots", help=say("写入名单的根密钥（首次信任）。", "Write down who may sign the first version of a list.")
)
def roots_command(
    name: Annotated[str, argument("NAME", "名单名称。", "Name of the list.")],
    *,
    site: Site,
    list_key: ListKeys = None,
    threshold: Annotated[int, option("--threshold", zh="所需签名数。", en="How many must sign.")] = 1,
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when a key cannot be used."""
    raise typer.Exit(_signing().roots(name, site=site, list_keys=list_key or (), threshold=threshold, as_json=as_json))


@trust_app.command("sign", help=say("为名单签名。", "Sign a list."))
def sign_command(
    file: List,
    *,
    key: Annotated[
        str, option("--key", zh="密钥编号，或其前 8 位以上。", en="Id of the key, or 8 or more characters.")
    ],
    folder: KeyFolder = Path("keys"),
    previous: Annotated[
        Path | None,
        option(
            "--previous", zh="现行版本，其密钥也可签名。", en="The list in force, whose keys sign too.", metavar="FILE"
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when FILE is no list, 2 when the key does not sign."""
    signing = _signing()
    choice = signing.KeyChoice(key=key, folder=folder, passphrase_file=passphrase_file, module=module)
    raise typer.Exit(signing.sign(file, choice, previous=previous, as_json=as_json))


@trust_app.command("verify", help=say("核验名单是否可以采用。", "Verify that a list may be relied on."))
def verify_command(
    file: List,
    *,
    previous: Annotated[
        Path | None, option("--previous", zh="现行版本。", en="The list in force.", metavar="FILE")
    ] = None,
    roots: Annotated[
        Path | None,
        option("--roots", zh="根密钥文件 roots.json，或其文件夹。", en="roots.json, or its folder.", metavar="FILE"),
    ] = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when it is refused, 2 when something cannot be read."""
    raise typer.Exit(_commands().verify(file, previous=previous, roots=roots, at=at, as_json=as_json))


@trust_app.command(
    "publish", help=say("核验并发布到站点；变动过大时等待批准。", "Verify a list and put it in place, or hold it.")
)
def publish_command(
    file: List,
    *,
    site: Site,
    approved_by: Annotated[
        str | None,
        option(
            "--approved-by",
            zh="批准者的密钥（未签过此版本）。",
            en="Key of whoever approves and has not signed.",
            metavar="KEY",
        ),
    ] = None,
    folder: KeyFolder = Path("keys"),
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 in place, 3 held for approval, 1 refused, 2 when something cannot be read or written."""
    signing = _signing()
    choice = None
    if approved_by is not None:
        choice = signing.KeyChoice(key=approved_by, folder=folder, passphrase_file=passphrase_file, module=module)
    raise typer.Exit(signing.publish_list(file, site=site, choice=choice, as_json=as_json))


@trust_app.command("diff", help=say("比较两份名单：谁得到、谁失去什么。", "Who gains and who loses what."))
def diff_command(
    old: Annotated[Path, argument("OLD", "原名单。", "The old list.")],
    new: Annotated[Path, argument("NEW", "新名单。", "The new list.")],
    *,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when anybody loses anything or a file is no list, 2 when one cannot be read."""
    raise typer.Exit(_commands().diff(old, new, as_json=as_json))


@trust_app.command("simulate", help=say("演练：哪些证照的结论会改变，为什么。", "Which verdicts would flip, and why."))
def simulate_command(
    new: Annotated[Path, argument("NEW", "新名单，可未签名。", "The new list; it may be unsigned.")],
    *,
    against: Annotated[
        str, option("--against", zh="证照文件夹，或 log。", en="Folder of documents, or log.", metavar="FOLDER|log")
    ],
    trust: Annotated[
        Path | None,
        option(
            "--site",
            "--trust",
            zh="现行信任：站点文件夹或信任文件夹。",
            en="The trust as it is: site or trust folder.",
            metavar="DIR",
        ),
    ] = None,
    old: Annotated[
        Path | None, option("--old", zh="以此名单为现行版本。", en="Take this list as the old one.", metavar="FILE")
    ] = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when a valid document is valid no more, 2 when something cannot be read."""
    raise typer.Exit(_commands().simulate_list(new, against, trust=trust, old=old, at=at, as_json=as_json))


@trust_app.command(
    "forecast", help=say("预测：何时有什么到期，影响多少证照。", "What ends when, and how many documents rely on it.")
)
def forecast_command(
    source: Annotated[
        Path, argument("DIR|FILE", "站点文件夹、信任文件夹或一份名单。", "A site folder, a trust folder or a list.")
    ],
    *,
    horizon: Annotated[str, typer.Option(help=say("预测天数，如 90d。", "Days to look ahead, such as 90d."))] = "90d",
    against: Annotated[
        str | None,
        option(
            "--against", zh="统计此文件夹中受影响的证照。", en="Count the documents of this folder.", metavar="FOLDER"
        ),
    ] = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when FILE is no list, 2 when something cannot be read."""
    raise typer.Exit(_commands().forecast_trust(source, horizon=horizon, against=against, at=at, as_json=as_json))
