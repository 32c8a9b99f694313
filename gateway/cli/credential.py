"""``tongban credential``: the options of the group; what they do is in the files beside this one."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.limits import DEFAULT_CREDENTIAL_DAYS, DEFAULT_TOLERANCE_HOURS, MAX_CREDENTIAL_DAYS
from gateway.cli.options import KEY_FOLDER, Json, Module, PassphraseFile, argument, option

credential_app = typer.Typer(
    name="credential",
    no_args_is_help=True,
    help=say(
        "证照的可验证凭证（SD-JWT VC）：签发、出示、核验。",
        "A licence as a credential of its holder (SD-JWT VC): issue, present, verify.",
    ),
)

Folder = Annotated[Path, KEY_FOLDER]
Out = Annotated[
    Path,
    option(
        "-o",
        "--out",
        zh="写入此文件（不覆盖，仅本用户可读）。",
        en="Where it goes: never written over.",
        metavar="FILE",
    ),
]
Credential = Annotated[Path, argument("FILE", "凭证文件。", "The credential.")]
Audience = Annotated[
    str | None,
    option("--audience", zh="核验方标识。", en="Whom it is for, as the verifier names itself.", metavar="URI"),
]
Nonce = Annotated[
    str | None,
    option("--nonce", zh="核验方本次给出的随机数。", en="The verifier's nonce, for this once.", metavar="TEXT"),
]


def _commands(name: str) -> ModuleType:
    # Loaded when used, so that --help is quick.
    from gateway.cli import credential_issue, credential_present, credential_verify  # noqa: PLC0415

    return {"issue": credential_issue, "present": credential_present, "verify": credential_verify}[name]


@credential_app.command(
    "issue",
    help=say(
        "由证照库中的证照、证照记录（JSON）或外部系统的消息签发凭证。",
        "Issue one, of a stored licence, a licence record (JSON), or another system's message.",
    ),
)
def issue_command(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help=say(
                "证照记录（JSON），或一条消息（另给 --adapter）。", "A record (JSON), or a message with --adapter."
            ),
            show_default=False,
        ),
    ] = None,
    *,
    issuer: Annotated[
        str, option("--issuer", zh="签发方标识（iss）。", en="Who issues it: the iss, a URI.", metavar="URI")
    ],
    holder_key: Annotated[
        Path,
        option(
            "--holder-key", zh="持证人公钥（JWK 或 PEM）。", en="The holder's public key, JWK or PEM.", metavar="FILE"
        ),
    ],
    signing_key: Annotated[
        str,
        option(
            "--signing-key",
            zh="签发密钥编号（前 8 位以上），用途为 credential。",
            en="The key that signs, by its id, of purpose credential.",
            metavar="KEY",
        ),
    ],
    out: Out,
    folder: Folder = Path("keys"),
    licence: Annotated[
        str | None,
        option(
            "--licence",
            zh="证照库中的证照：证照标识，或文件的 SHA-256。",
            en="A stored licence: its identifier, or its document's SHA-256.",
            metavar="REFERENCE",
        ),
    ] = None,
    site: Annotated[
        Path | None,
        option("--site", zh="站点文件夹（与 --licence 同用）。", en="The site, with --licence.", metavar="DIR"),
    ] = None,
    adapter: Annotated[
        str | None,
        option(
            "--adapter",
            zh="映射文件，或内置映射的标识。",
            en="The mapping file, or the id of a shipped one.",
            metavar="NAME",
        ),
    ] = None,
    credential_type: Annotated[
        str | None,
        option(
            "--type",
            zh="凭证类型（vct）；默认由证照类型代码得出。",
            en="The vct; default: from the code of the licence type.",
            metavar="VCT",
        ),
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            "--days",
            min=1,
            max=MAX_CREDENTIAL_DAYS,
            help=say(
                "有效天数，不超过证照本身的有效期。", "Days that it lives; it ends with its licence at the latest."
            ),
        ),
    ] = DEFAULT_CREDENTIAL_DAYS,
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 for a licence that does not become one, 2 when something cannot be used or is there already."""
    commands = _commands("issue")
    choice = commands.KeyChoice(key=signing_key, folder=folder, passphrase_file=passphrase_file, module=module)
    subject = commands.Subject(file=file, adapter=adapter, licence=licence, site=site)
    wanted = commands.Wanted(issuer=issuer, holder_key=holder_key, type_name=credential_type, days=days, out=out)
    raise typer.Exit(commands.issue(subject, wanted, choice, as_json=as_json))


@credential_app.command(
    "show",
    help=say("列出凭证中的字段及其路径，不作判断。", "List what is in a credential, by path, without judging it."),
)
def show_command(file: Credential, *, as_json: Json = False) -> None:
    """Exit with 0, 1 for what is none, 2 when it cannot be read."""
    raise typer.Exit(_commands("present").show(file, as_json=as_json))


@credential_app.command(
    "present",
    help=say(
        "持证人选择出示哪些字段，并签名回应核验方。", "Show of a credential what is chosen, signed by its holder."
    ),
)
def present_command(
    file: Credential,
    *,
    out: Out,
    disclose: Annotated[
        list[str] | None,
        option(
            "--disclose",
            zh="出示此路径及其下全部内容，可多次给出；见 credential show。",
            en="Show what is at this path and below, as `credential show` lists it; may be repeated.",
            metavar="PATH",
        ),
    ] = None,
    audience: Audience = None,
    nonce: Nonce = None,
    holder_key: Annotated[
        str | None,
        option(
            "--signing-key",
            zh="持证人密钥编号（前 8 位以上），用途为 holder；不给则不签名。",
            en="The holder's key, by its id, of purpose holder; without one nothing is signed.",
            metavar="KEY",
        ),
    ] = None,
    folder: Folder = Path("keys"),
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 for what is no credential or a path that is not in it, 2 when something cannot be used."""
    commands = _commands("present")
    choice = None
    if holder_key is not None:
        choice = commands.KeyChoice(key=holder_key, folder=folder, passphrase_file=passphrase_file, module=module)
    answer = commands.Answer(choice=choice, audience=audience, nonce=nonce)
    raise typer.Exit(commands.present(file, disclose or [], answer, out=out, as_json=as_json))


@credential_app.command("verify", help=say("核验凭证或其出示。", "Verify credentials, or presentations of them."))
def verify_command(
    files: Annotated[list[Path], argument("FILE…", "凭证或出示的文件。", "Credentials, or presentations.")],
    *,
    site: Annotated[
        Path | None,
        option(
            "--site", zh="站点文件夹，信任其 issuers/。", en="The site, whose issuers/ are believed.", metavar="DIR"
        ),
    ] = None,
    issuers: Annotated[
        Path | None,
        option("--issuers", zh="签发方文件夹。", en="A folder of issuers that are believed.", metavar="DIR"),
    ] = None,
    types: Annotated[
        list[str] | None,
        option("--type", zh="只接受此类型（vct），可多次给出。", en="Only this vct; may be repeated.", metavar="VCT"),
    ] = None,
    audience: Audience = None,
    nonce: Nonce = None,
    tolerance_hours: Annotated[
        int,
        typer.Option(
            "--tolerance-hours",
            min=0,
            max=MAX_CREDENTIAL_DAYS * 24,
            help=say(
                "证照状态以签发时为准，可接受多久以前签发的。",
                "How long ago it may have been issued, since it says how its licence stood then.",
            ),
        ),
    ] = DEFAULT_TOLERANCE_HOURS,
    at: Annotated[
        str | None,
        option("--at", zh="核验时刻；默认现在。", en="Moment of verification; default: now.", metavar="TIME"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 all valid, 1 any invalid, 3 none invalid but any unknown, 2 usage or unreadable."""
    commands = _commands("verify")
    asked = commands.Demand(
        types=tuple(types or ()), audience=audience, nonce=nonce, tolerance_hours=tolerance_hours, at=at
    )
    raise typer.Exit(commands.verify(files, asked, site=site, issuers=issuers, as_json=as_json))
