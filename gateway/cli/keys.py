"""``tongban keys``: the options of the group; what they do is in `gateway.cli.key_commands`."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.limits import DEFAULT_CIPHER, DEFAULT_SCRYPT_MIB, DEFAULT_SIGNING_DAYS, DEFAULT_VERIFYING_DAYS
from gateway.cli.options import KEY_FOLDER, Json, Module, PassphraseFile, argument, option
from keys.own.record import KeyAlgorithm, KeyPurpose

keys_app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help=say("本机密钥：生成、列出、更换、导出公钥、演练。", "Our own keys: make, list, rotate, export, rehearse."),
)


Folder = Annotated[Path, KEY_FOLDER]
Key = Annotated[str, argument("KEY", "密钥编号，或其前 8 位以上。", "A key's id, or its first 8 or more characters.")]
Cipher = Annotated[
    str,
    option("--cipher", zh="aes-256-gcm 或 sm4-gcm。", en="aes-256-gcm or sm4-gcm.", metavar="NAME"),
]
ScryptMemory = Annotated[
    int,
    option(
        "--scrypt-mib", zh="scrypt 内存（MiB）：16 至 256，2 的幂。", en="Memory of scrypt: 16 to 256, a power of 2."
    ),
]
ActiveFrom = Annotated[
    str | None,
    option("--active-from", zh="启用时刻；默认现在。", en="When it starts to sign; default: now.", metavar="TIME"),
]
Days = Annotated[
    int,
    typer.Option("--days", min=1, max=36_500, help=say("可签名天数。", "Days for which it signs.")),
]
VerifyDays = Annotated[
    int,
    typer.Option(
        "--verify-days",
        min=0,
        max=36_500,
        help=say("停止签名后，已有签名仍有效的天数。", "Days for which signatures count after it stopped signing."),
    ),
]
Token = Annotated[
    str | None,
    option(
        "--token",
        zh="在此名称的密码设备令牌中生成（PKCS#11，P-256）。",
        en="Make it in the device's token of this label (PKCS#11, P-256).",
        metavar="LABEL",
    ),
]


def _commands() -> ModuleType:
    from gateway.cli import key_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    return key_commands


@keys_app.command("new", help=say("生成密钥。", "Make a key."))
def new_command(
    *,
    folder: Folder,
    purpose: Annotated[KeyPurpose, typer.Option(help=say("用途；一钥一用。", "What it signs, and nothing else."))],
    algorithm: Annotated[
        KeyAlgorithm | None, typer.Option(help=say("算法；默认 sm2。", "Algorithm; default: sm2."))
    ] = None,
    cipher: Cipher = DEFAULT_CIPHER,
    scrypt_mib: ScryptMemory = DEFAULT_SCRYPT_MIB,
    active_from: ActiveFrom = None,
    days: Days = DEFAULT_SIGNING_DAYS,
    verify_days: VerifyDays = DEFAULT_VERIFYING_DAYS,
    passphrase_file: PassphraseFile = None,
    token: Token = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when it could not be made."""
    commands = _commands()
    making = commands.Making(
        algorithm=algorithm,
        cipher=cipher,
        scrypt_mib=scrypt_mib,
        active_from=active_from,
        days=days,
        verify_days=verify_days,
        passphrase_file=passphrase_file,
        token=token,
        module=module,
    )
    raise typer.Exit(commands.new(folder, purpose, making, as_json=as_json))


@keys_app.command("list", help=say("列出密钥及其状态。", "List the keys and where each stands."))
def list_command(
    *,
    folder: Folder,
    at: Annotated[
        str | None, option("--at", zh="何时的状态；默认现在。", en="As of when; default: now.", metavar="TIME")
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when a file is broken, 2 when the folder cannot be read."""
    raise typer.Exit(_commands().list_keys(folder, at=at, as_json=as_json))


@keys_app.command(
    "rotate", help=say("以新密钥更换旧密钥，期间两者并用。", "Replace a key by a new one, with an overlap.")
)
def rotate_command(
    key: Key,
    *,
    folder: Folder,
    overlap_days: Annotated[
        int,
        typer.Option(min=0, max=3_650, help=say("新密钥启用后旧密钥仍可签名的天数。", "Days for which both may sign.")),
    ] = 7,
    algorithm: Annotated[
        KeyAlgorithm | None, typer.Option(help=say("算法；默认与旧密钥相同。", "Algorithm; default: as before."))
    ] = None,
    cipher: Cipher = DEFAULT_CIPHER,
    scrypt_mib: ScryptMemory = DEFAULT_SCRYPT_MIB,
    active_from: ActiveFrom = None,
    days: Days = DEFAULT_SIGNING_DAYS,
    verify_days: VerifyDays = DEFAULT_VERIFYING_DAYS,
    passphrase_file: PassphraseFile = None,
    token: Token = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when it could not be done."""
    commands = _commands()
    making = commands.Making(
        algorithm=algorithm,
        cipher=cipher,
        scrypt_mib=scrypt_mib,
        active_from=active_from,
        days=days,
        verify_days=verify_days,
        passphrase_file=passphrase_file,
        token=token,
        module=module,
    )
    raise typer.Exit(commands.rotate(folder, key, making, overlap_days=overlap_days, as_json=as_json))


@keys_app.command("export-public", help=say("导出公钥。", "Write the public half."))
def export_command(
    key: Key,
    *,
    folder: Folder,
    form: Annotated[
        str, option("--form", zh="pem、jwk 或 trust-list。", en="pem, jwk or trust-list.", metavar="NAME")
    ] = "pem",
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when there is no such key."""
    raise typer.Exit(_commands().export_public(folder, key, form=form, as_json=as_json))


@keys_app.command(
    "drill",
    help=say(
        "演练密钥泄露：更换密钥，列出它签过的内容，写出给各合作方的通知。",
        "Rehearse a compromise: replace the key, list what it signed, write the notices for partners.",
    ),
)
def drill_command(
    key: Key,
    *,
    folder: Folder,
    since: Annotated[
        str, option("--since", zh="从何时起可能已泄露。", en="Since when others may have it.", metavar="TIME")
    ],
    out: Annotated[Path, option("--out", zh="通知写入此空文件夹。", en="Empty folder for the notices.", metavar="DIR")],
    compromised: Annotated[
        bool,
        typer.Option(
            "--compromised",
            help=say("不是演练：旧密钥不再可信。", "This is no drill: the old key is not to be trusted any more."),
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=say("只说明将做什么，不作改动。", "Say what would be done; change nothing.")),
    ] = False,
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 3 when the signing journal is not complete, 2 when it could not be done."""
    commands = _commands()
    raise typer.Exit(
        commands.drill(
            folder,
            key,
            since=since,
            out=out,
            compromised=compromised,
            dry_run=dry_run,
            making=commands.Making(passphrase_file=passphrase_file, module=module),
            as_json=as_json,
        )
    )
