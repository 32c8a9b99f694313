"""``tongban audit``: the options of the group; what they do is in the files beside this one."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.audit.alarms.words import Verdict, WatchlistKind
from gateway.cli.audit_asking import asking_app
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

audit_app.add_typer(asking_app)

Site = Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")]
Shard = Annotated[
    str | None,
    option(
        *("--log", "--shard"),
        zh="日志分段，如 2026h2；默认最新。",
        en="The shard, such as 2026h2; the latest.",
        metavar="NAME",
    ),
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

TokenFile = Annotated[
    Path | None,
    option(
        "--token-file",
        zh="审计员的令牌文件，日志不公开时用。",
        en="File with an auditor's token, for a log that is not public.",
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
        "离线核验日志、其导出，或审计结论文件：签名、证明、编号、策略、见证、开启的内容。",
        "Verify a log, an export, or a finding: signatures, proofs, numbers, policies, witnesses, what was opened.",
    ),
)
def verify_command(
    place: Annotated[
        str,
        argument(
            "FILE|DIR|URL",
            "结论文件、导出的文件夹，或日志地址。",
            "A finding, an exported folder, or a log's address.",
        ),
    ],
    *,
    policy: Policy = None,
    whole: Annotated[
        bool,
        option(
            "--whole",
            zh="须含日志全部条目，仅有一部分即为不通过。",
            en="A part of the log is a fault: all entries must be there.",
        ),
    ] = False,
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when nothing is wrong, 1 with faults, 2 when it cannot be read or nobody is named to be believed."""
    raise typer.Exit(_commands().verify(place, policy=policy, whole=whole, token_file=token_file, as_json=as_json))


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
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when the proof does not hold or there is no such entry, 2 when something cannot be read."""
    raise typer.Exit(_commands().prove(place, entry, out=out, policy=policy, token_file=token_file, as_json=as_json))


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
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when both sides agree, 1 when they differ, 2 when something cannot be read."""
    raise typer.Exit(
        _site_commands().reconcile_receipts(
            receipts,
            site=site,
            export=export,
            callers=caller or (),
            policy=policy,
            shard=log,
            token_file=token_file,
            as_json=as_json,
        )
    )


@audit_app.command(
    "check-index",
    help=say(
        "核对检索索引：逐日与封存记录比对，逐条与可开启的内容比对。",
        "Check the index: each day with its seal, each entry with what can be opened of it.",
    ),
)
def check_index_command(*, site: Site, log: Shard = None, as_json: Json = False) -> None:
    """Exit with 0 when nothing differs, 1 when something does, 2 when the log cannot be read."""
    from gateway.cli import audit_index  # noqa: PLC0415 - loaded when used, so that --help is quick

    raise typer.Exit(audit_index.check_site_index(site, shard=log, as_json=as_json))


def _witnessing() -> ModuleType:
    from gateway.cli import audit_witness  # noqa: PLC0415 - loaded when used, so that --help is quick

    return audit_witness


@audit_app.command(
    "witness-key",
    help=say(
        "显示本站点见证其他日志所用的公钥；尚无密钥的，随即生成。",
        "Show the key with which this site witnesses other logs; it is made if there is none.",
    ),
)
def witness_key_command(*, site: Site, as_json: Json = False) -> None:
    """Exit with 0, or 2 when the key cannot be read or made."""
    raise typer.Exit(_witnessing().witness_key(site, as_json=as_json))


@audit_app.command(
    "trust-policy",
    help=say(
        "显示应予公布的信任策略：日志公钥、见证方与规定数量。",
        "Show the trust policy to publish: the log's keys, its witnesses, their quorum.",
    ),
)
def trust_policy_command(*, site: Site, log: Shard = None, as_json: Json = False) -> None:
    """Exit with 0, or 2 when there is no log yet."""
    raise typer.Exit(_witnessing().trust_policy(site, shard=log, as_json=as_json))


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
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when the key is no approver's or something cannot be read."""
    from gateway.cli.signing_key import KeyChoice  # noqa: PLC0415 - loaded when used

    choice = KeyChoice(key=key, folder=folder, passphrase_file=passphrase_file, module=module)
    raise typer.Exit(
        _shredding().approve_shred(site, subject=subject, basis=basis, choice=choice, out=out, as_json=as_json)
    )


@audit_app.command(
    "shred",
    help=say(
        "销毁某人在各段日志中的密钥、盐值与索引；须两人批准，网关可照常运行。",
        "Forget somebody in all half-years: keys, salts and index; two people approve it. The gateway may run on.",
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
    as_json: Json = False,
) -> None:
    """Exit with 0 done, 1 not approved or nobody found, 2 the log cannot be opened, 3 something is left: run again."""
    raise typer.Exit(_shredding().shred_person(site, subject=subject, basis=basis, approvals=approver, as_json=as_json))


def _status() -> ModuleType:
    from gateway.cli import audit_status  # noqa: PLC0415 - loaded when used, so that --help is quick

    return audit_status


@audit_app.command(
    "status",
    help=say(
        "显示日志各分段、大小、最近检查点，以及日志是否接受条目。",
        "Show the shards, their sizes, the newest checkpoint, and whether the log takes entries.",
    ),
)
def status_command(*, site: Site, as_json: Json = False) -> None:
    """Exit with 0, 1 when the log takes no entries or a shard cannot be read, 2 when the site cannot."""
    raise typer.Exit(_status().show_status(site, as_json=as_json))


@audit_app.command(
    "retain",
    help=say(
        "立即清除已过保存期限的非公开部分与索引；网关运行时每日自动执行。",
        "Remove private parts and index rows that are past their time now; a gateway does so daily.",
    ),
)
def retain_command(*, site: Site, as_json: Json = False) -> None:
    """Exit with 0, or 2 when the log cannot be opened; what was removed stays removed."""
    raise typer.Exit(_status().retain_site(site, as_json=as_json))


def _alarms() -> ModuleType:
    from gateway.cli import audit_alarms  # noqa: PLC0415 - loaded when used, so that --help is quick

    return audit_alarms


@audit_app.command(
    "alarms",
    help=say(
        "按站点的告警规则评估访问日志，列出告警、所依据的条目与复核结论。",
        "Evaluate the site's rules over the log; list alarms, the entries that show them, and verdicts.",
    ),
)
def alarms_command(
    *,
    site: Site,
    since: Annotated[
        str | None,
        option("--since", zh="自此时刻（含）：时间或日期。", en="From this time or date on.", metavar="TIME"),
    ] = None,
    until: Annotated[
        str | None,
        option("--until", zh="至此时刻（不含）：时间或日期。", en="Up to, not at, this time or date.", metavar="TIME"),
    ] = None,
    rule: Annotated[str | None, option("--rule", zh="只评估此规则。", en="This rule alone.", metavar="ID")] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when nothing is open, 1 when something is, 2 when the log or the rules cannot be read."""
    raise typer.Exit(_alarms().list_site_alarms(site, since=since, until=until, rule=rule, as_json=as_json))


@audit_app.command(
    "watchlist",
    help=say(
        "由标准输入的号码（每行一个）生成名单，供告警规则使用；名单中只有带密钥的杂凑值。",
        "Make a list for rules of alarms from numbers on standard input, one a line; it holds keyed hashes alone.",
    ),
)
def watchlist_command(
    *,
    site: Site,
    kind: Annotated[WatchlistKind, option("--kind", zh="号码种类：人员或单位、证照。", en="What the numbers are of.")],
    out: Annotated[
        Path,
        option("-o", "--out", zh="写入此文件，如 watchlists/protected.list。", en="Where it goes.", metavar="FILE"),
    ],
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when a line is no number or the file cannot be written."""
    raise typer.Exit(_alarms().make_site_watchlist(site, kind=kind, out=out, as_json=as_json))


@audit_app.command(
    "verdict",
    help=say(
        "审计员对一条告警作出复核结论，写入访问日志。",
        "Say, as an auditor, what is to be made of an alarm; the verdict is an entry of the log.",
    ),
)
def verdict_command(
    alarm: Annotated[str, argument("ALARM", "告警，如 burst:1f2e…。", "The alarm, such as burst:1f2e….")],
    verdict: Annotated[Verdict, argument("VERDICT", "正当、不正当或待查。", "What it is.")],
    *,
    url: Annotated[str, option("--url", zh="网关地址。", en="The gateway's address.", metavar="URL")],
    token_file: Annotated[
        Path,
        option("--token-file", zh="审计员令牌文件，- 为标准输入。", en="The auditor's token; - is standard input."),
    ],
    note_file: Annotated[
        Path | None, option("--note-file", zh="说明文字的文件。", en="A file with a note.", metavar="FILE")
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 done, 1 refused, 2 when the gateway cannot be reached or a file not be read."""
    from gateway.cli.audit_verdict import give_verdict  # noqa: PLC0415 - loaded when used

    raise typer.Exit(give_verdict(alarm, verdict, url=url, token_file=token_file, note_file=note_file, as_json=as_json))
