"""``tongban audit``: the options of the group; what they do is in the files beside this one."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.options import KEY_FOLDER, Json, Module, PassphraseFile, argument, option

audit_app = typer.Typer(
    name="audit",
    no_args_is_help=True,
    help=say(
        "访问日志：导出、离线核验、核对回执、双向核对。",
        "The access log: export, verify offline, check receipts, reconcile.",
    ),
)

Site = Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")]
Shard = Annotated[
    str | None,
    option("--log", zh="日志分段，如 2026h2；默认最新。", en="The shard, such as 2026h2; the latest.", metavar="NAME"),
]
Policy = Annotated[
    Path | None,
    option(
        "--policy",
        zh="信任策略（tlog-policy）：信任的日志密钥、见证方与规定数量。",
        en="Whom you believe (tlog-policy): the log's keys, its witnesses, their quorum.",
        metavar="FILE",
    ),
]


def _commands() -> ModuleType:
    from gateway.cli import audit_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    return audit_commands


def _site_commands() -> ModuleType:
    from gateway.cli import audit_site_commands  # noqa: PLC0415 - the same; verifying needs nothing of a site

    return audit_site_commands


@audit_app.command(
    "export",
    help=say(
        "导出日志：条目、杂凑树、检查点与所用策略包。", "Export entries, tree, checkpoints and the policy bundles."
    ),
)
def export_command(
    *,
    site: Site,
    out: Annotated[Path, option("-o", "--out", zh="新建此文件夹。", en="A new folder.", metavar="DIR")],
    since: Annotated[
        str | None,
        option("--from", zh="自此时刻（含）：时间或日期。", en="From this time or date on.", metavar="TIME"),
    ] = None,
    until: Annotated[
        str | None,
        option("--to", zh="至此时刻（不含）：时间或日期。", en="Up to, not at, this time or date.", metavar="TIME"),
    ] = None,
    log: Shard = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when a policy bundle is missing, 2 when the log cannot be read or the folder written."""
    raise typer.Exit(_site_commands().export(site, out, since=since, until=until, shard=log, as_json=as_json))


@audit_app.command(
    "verify",
    help=say(
        "离线核验日志或其导出：树、检查点、编号、策略与封存记录、见证。",
        "Verify a log or an export: tree, checkpoints, numbers, policies, seals, witnesses.",
    ),
)
def verify_command(
    place: Annotated[str, argument("DIR|URL", "导出的文件夹，或日志地址。", "An exported folder, or a log's address.")],
    *,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when nothing is wrong, 1 with faults, 2 when it cannot be read or nobody is named to be believed."""
    raise typer.Exit(_commands().verify(place, policy=policy, as_json=as_json))


@audit_app.command(
    "check-receipt", help=say("离线核对一份回执。", "Check a receipt, or an answer that carries one, offline.")
)
def check_receipt_command(
    receipt: Annotated[Path, argument("FILE", "回执或答复（JSON）。", "A receipt or an answer, as JSON.")],
    *,
    key: Annotated[
        str | None,
        option("--key", zh="日志的核验公钥。", en="The log's verifier key.", metavar="VKEY"),
    ] = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 proven, 3 signed but without a proof, 1 when it proves nothing, 2 when it cannot be read."""
    raise typer.Exit(_commands().check_receipt(receipt, key=key, policy=policy, as_json=as_json))


@audit_app.command(
    "prove", help=say("由导出生成一个条目的证明（tlog-proof）。", "Write the proof of one entry from an export.")
)
def prove_command(
    place: Annotated[str, argument("DIR|URL", "导出的文件夹，或日志地址。", "An exported folder, or a log's address.")],
    entry: Annotated[int, argument("ENTRY", "条目序号。", "The number of the entry.")],
    *,
    out: Annotated[Path, option("-o", "--out", zh="写入此文件。", en="Where it goes.", metavar="FILE")],
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when the proof does not hold or there is no such entry, 2 when something cannot be read."""
    raise typer.Exit(_commands().prove(place, entry, out=out, policy=policy, as_json=as_json))


@audit_app.command(
    "reconcile",
    help=say("以回执核对日志，列出仅一方所有的记录。", "Hold receipts against the log; list what only one side has."),
)
def reconcile_command(
    *,
    receipts: Annotated[
        list[Path],
        option("--receipts", zh="回执文件（每行一个 JSON），可重复。", en="Receipts, one JSON a line; repeatable."),
    ],
    site: Annotated[
        Path | None, option("--site", zh="站点文件夹：取其日志。", en="A site folder: its log.", metavar="DIR")
    ] = None,
    export: Annotated[
        str | None,
        option(
            "--export", zh="导出的文件夹或日志地址。", en="An exported folder, or a log's address.", metavar="DIR|URL"
        ),
    ] = None,
    caller: Annotated[
        list[str] | None,
        option(
            "--caller",
            zh="此调用方的全部条目都应有回执，可重复。",
            en="All entries of this caller need one; repeatable.",
        ),
    ] = None,
    policy: Policy = None,
    log: Shard = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when both sides agree, 1 when they differ, 2 when something cannot be read."""
    raise typer.Exit(
        _site_commands().reconcile_receipts(
            receipts, site=site, export=export, callers=caller or (), policy=policy, shard=log, as_json=as_json
        )
    )


def _shredding() -> ModuleType:
    from gateway.cli import audit_shred  # noqa: PLC0415 - loaded when used, so that --help is quick

    return audit_shred


Subject = Annotated[
    Path,
    option(
        "--subject",
        zh="含持证人号码的文件，- 为标准输入。",
        en="File with the number of the person; - is standard input.",
        metavar="FILE",
    ),
]
Basis = Annotated[
    str, option("--basis", zh="法律依据代码，如 PIPL-47。", en="Clause of law, such as PIPL-47.", metavar="CODE")
]


@audit_app.command(
    "approve-shred", help=say("批准销毁某人在日志中的信息。", "Approve that somebody is forgotten in the log.")
)
def approve_shred_command(
    *,
    site: Site,
    subject: Subject,
    basis: Basis,
    key: Annotated[
        str, option("--key", zh="审批人的密钥编号（前 8 位以上）。", en="The approver's key, by its id.", metavar="KEY")
    ],
    out: Annotated[Path, option("-o", "--out", zh="批准文件。", en="Where the approval goes.", metavar="FILE")],
    folder: Annotated[Path, KEY_FOLDER] = Path("keys"),
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    log: Shard = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when the key is no approver's or something cannot be read."""
    from gateway.cli.signing_key import KeyChoice  # noqa: PLC0415 - loaded when used

    choice = KeyChoice(key=key, folder=folder, passphrase_file=passphrase_file, module=module)
    raise typer.Exit(
        _shredding().approve_shred(
            site, subject=subject, basis=basis, shard=log, choice=choice, out=out, as_json=as_json
        )
    )


@audit_app.command(
    "shred",
    help=say(
        "销毁某人在日志中的密钥、盐值与索引；须两人批准，网关须先停止。",
        "Forget somebody: keys, salts and index; two people approve it, and the gateway is stopped.",
    ),
)
def shred_command(
    *,
    site: Site,
    subject: Subject,
    basis: Basis,
    approver: Annotated[
        list[Path],
        option("--approver", zh="批准文件，至少两份。", en="File of an approval; at least two.", metavar="FILE"),
    ],
    log: Shard = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 done, 1 not approved, 2 the log cannot be opened, 3 something is left: run it again."""
    raise typer.Exit(
        _shredding().shred_person(site, subject=subject, basis=basis, shard=log, approvals=approver, as_json=as_json)
    )
