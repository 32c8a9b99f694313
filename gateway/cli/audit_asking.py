"""The options of what auditors ask a gateway for; they join the group ``tongban audit``."""

from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.options import KEY_FOLDER, Json, Module, PassphraseFile, argument, option

asking_app = typer.Typer()


class FindFormat(StrEnum):
    """What is written."""

    BUNDLE = "bundle"
    CSV = "csv"
    XLSX = "xlsx"


def _file(name: str, zh: str, en: str) -> object:
    return option(
        name,
        zh=f"含{zh}的文件，- 为标准输入。",
        en=f"File with {en}; - is standard input.",
        metavar="FILE",
    )


Url = Annotated[str, option("--url", zh="网关地址。", en="The address of the gateway.", metavar="URL")]
Token = Annotated[
    Path, option("--token-file", zh="审计员的令牌文件。", en="File with the auditor's token.", metavar="FILE")
]
LicenceFile = Annotated[Path | None, _file("--licence-file", "证照编号或标识", "the number or identifier of a licence")]
SubjectFile = Annotated[Path | None, _file("--subject-file", "持证人号码", "the number of a holder")]
OfficialFile = Annotated[Path | None, _file("--official-file", "经办人编号", "the number of an official")]
CaseFile = Annotated[Path | None, _file("--case-file", "办件编号", "the number of a case")]
Caller = Annotated[str | None, option("--caller", zh="调用方。", en="A caller.", metavar="ID")]
Item = Annotated[str | None, option("--item", zh="事项编码。", en="The code of an item.", metavar="CODE")]
Decision = Annotated[str | None, option("--decision", zh="决定编号。", en="The id of a decision.", metavar="ID")]
FormLetters = Annotated[
    str | None,
    option("--form", zh="各字段的提供形式，如 cm--。", en="How the fields left, such as cm--.", metavar="LETTERS"),
]
Shard = Annotated[
    str | None,
    option("--log", zh="日志分段，如 2026h1；默认当前。", en="A half-year, such as 2026h1; the current one."),
]
PolicyDigest = Annotated[
    str | None,
    option("--policy-digest", zh="策略包杂凑值。", en="The digest of a policy bundle.", metavar="sha256:…"),
]
Kinds = Annotated[
    list[str] | None,
    option(
        "--kind", zh="条目类别，如 access，可重复。", en="Kind of entry, such as access; repeatable.", metavar="KIND"
    ),
]
Since = Annotated[
    str | None, option("--from", zh="自此时刻（含）：时间或日期。", en="From this time or date on.", metavar="TIME")
]
Until = Annotated[
    str | None,
    option("--to", zh="至此时刻（不含）：时间或日期。", en="Up to, not at, this time or date.", metavar="TIME"),
]
Operator = Annotated[
    str,
    option(
        "--operator",
        zh="本人编号：申请人与批准人不得为同一人。",
        en="Who you are: nobody approves what they asked for.",
        metavar="ID",
    ),
]
OpeningId = Annotated[str, argument("OPENING", "开启申请的编号。", "The id of an opening.")]


def _asking() -> ModuleType:
    from gateway.cli import audit_find  # noqa: PLC0415 - loaded when used, so that --help is quick

    return audit_find


@asking_app.command(
    "find",
    help=say(
        "检索网关的访问日志，所得写成一个可离线核验的结论文件。",
        "Search a gateway's access log, and write what was found as one file that verifies offline.",
    ),
)
def find_command(
    *,
    url: Url,
    token_file: Token,
    out: Annotated[Path, option("-o", "--out", zh="新建此文件。", en="A new file.", metavar="FILE")],
    licence_file: LicenceFile = None,
    subject_file: SubjectFile = None,
    official_file: OfficialFile = None,
    case_file: CaseFile = None,
    caller: Caller = None,
    item: Item = None,
    decision: Decision = None,
    form: FormLetters = None,
    policy_digest: PolicyDigest = None,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    log: Shard = None,
    opening: Annotated[
        str | None,
        option("--opening", zh="已批准的开启申请。", en="An approved opening of this search.", metavar="OPENING"),
    ] = None,
    file_format: Annotated[
        FindFormat, option("--format", zh="结论文件，或表格。", en="A finding, or a table.")
    ] = FindFormat.BUNDLE,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when the gateway refuses, 2 when it cannot be asked or the file not be written."""
    asking = _asking()
    terms = asking.Terms(
        licence_file=licence_file,
        subject_file=subject_file,
        official_file=official_file,
        case_file=case_file,
        caller=caller,
        item=item,
        decision=decision,
        form=form,
        policy=policy_digest,
        kinds=tuple(kind or ()),
        since=since,
        until=until,
    )
    gateway = asking.Gateway(url=url, token_file=token_file)
    raise typer.Exit(
        asking.find(gateway, terms, file_format=file_format.value, out=out, shard=log, opening=opening, as_json=as_json)
    )


@asking_app.command(
    "request-opening",
    help=say("申请开启检索所得条目的非公开部分。", "Ask for the private parts of what a search finds to be opened."),
)
def request_opening_command(
    *,
    url: Url,
    token_file: Token,
    reason: Annotated[str, option("--reason", zh="理由，记入日志。", en="Why; it is logged.", metavar="TEXT")],
    operator: Operator,
    licence_file: LicenceFile = None,
    subject_file: SubjectFile = None,
    official_file: OfficialFile = None,
    case_file: CaseFile = None,
    caller: Caller = None,
    item: Item = None,
    decision: Decision = None,
    form: FormLetters = None,
    policy_digest: PolicyDigest = None,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    log: Shard = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when the gateway refuses, 2 when it cannot be asked."""
    asking = _asking()
    terms = asking.Terms(
        licence_file=licence_file,
        subject_file=subject_file,
        official_file=official_file,
        case_file=case_file,
        caller=caller,
        item=item,
        decision=decision,
        form=form,
        policy=policy_digest,
        kinds=tuple(kind or ()),
        since=since,
        until=until,
    )
    gateway = asking.Gateway(url=url, token_file=token_file)
    raise typer.Exit(
        asking.request_opening(gateway, terms, reason=reason, operator=operator, shard=log, as_json=as_json)
    )


@asking_app.command("show-opening", help=say("查看开启申请：检索条件与理由。", "Show what is to be opened, and why."))
def show_opening_command(opening: OpeningId, *, url: Url, token_file: Token, as_json: Json = False) -> None:
    """Exit with 0, 1 when the gateway refuses, 2 when it cannot be asked."""
    asking = _asking()
    gateway = asking.Gateway(url=url, token_file=token_file)
    raise typer.Exit(asking.show_opening(gateway, opening, as_json=as_json))


@asking_app.command(
    "approve-opening", help=say("批准另一名审计员的开启申请。", "Approve what another auditor asked to have opened.")
)
def approve_opening_command(
    opening: OpeningId, *, url: Url, token_file: Token, operator: Operator, as_json: Json = False
) -> None:
    """Exit with 0, 1 when the gateway refuses, 2 when it cannot be asked."""
    asking = _asking()
    gateway = asking.Gateway(url=url, token_file=token_file)
    raise typer.Exit(asking.approve_opening(gateway, opening, operator=operator, as_json=as_json))


@asking_app.command(
    "token", help=say("以本人密钥签发五分钟的令牌。", "Sign a token of five minutes with your own key.")
)
def token_command(
    *,
    caller: Annotated[
        str, option("--caller", zh="登记的账号（id）。", en="The id that you are registered with.", metavar="ID")
    ],
    audience: Annotated[
        str, option("--audience", zh="网关标识（audience）。", en="The gateway's audience.", metavar="URI")
    ],
    key: Annotated[str, option("--key", zh="本人密钥编号（前 8 位以上）。", en="Your key, by its id.", metavar="KEY")],
    out: Annotated[Path, option("-o", "--out", zh="令牌写入此文件。", en="Where the token goes.", metavar="FILE")],
    kid: Annotated[
        str | None,
        option("--kid", zh="登记的 kid；默认为密钥编号。", en="The registered kid; the key's id.", metavar="KID"),
    ] = None,
    folder: Annotated[Path, KEY_FOLDER] = Path("keys"),
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when the key cannot be used or the file not be written."""
    from gateway.cli.audit_token import make_token  # noqa: PLC0415 - loaded when used, so that --help is quick
    from gateway.cli.signing_key import KeyChoice  # noqa: PLC0415 - likewise

    choice = KeyChoice(key=key, folder=folder, passphrase_file=passphrase_file, module=module)
    raise typer.Exit(make_token(choice, caller=caller, key_id=kid, audience=audience, out=out, as_json=as_json))
