"""``tongban policy``: the options of the group; what they do is in the files beside this one."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.options import KEY_FOLDER, Json, Module, PassphraseFile, argument, option
from policies.dimension import AgeClass, Consent, HolderType, Home, LicenceStatus, OutcomeClass

policy_app = typer.Typer(
    name="policy",
    no_args_is_help=True,
    help=say(
        "共享策略：检查、测试、解释、比较、批准、制表、重算。",
        "Sharing policies: check, test, explain, compare, approve, print, replay.",
    ),
)

Source = Annotated[
    Path,
    argument("DIR|BUNDLE", "站点文件夹、策略文件夹或策略包。", "A site folder, a folder of policy files, or a bundle."),
]
OptionalSource = Annotated[
    Path | None,
    argument(
        "[DIR|BUNDLE]",
        "站点文件夹、策略文件夹或策略包；不指定则取 --site 的现行策略。",
        "A site folder, policy files, or a bundle; without it what is in force in --site.",
    ),
]
Site = Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")]
OptionalSite = Annotated[
    Path | None,
    option("--site", zh="站点文件夹：取其现行策略。", en="A site folder: what is in force there.", metavar="DIR"),
]
KeyFolder = Annotated[Path, KEY_FOLDER]


def _checking() -> ModuleType:
    from gateway.cli import policy_checking  # noqa: PLC0415 - loaded when used, so that --help is quick

    return policy_checking


def _changing() -> ModuleType:
    from gateway.cli import policy_changing  # noqa: PLC0415 - the same

    return policy_changing


def _explaining() -> ModuleType:
    from gateway.cli import policy_explaining  # noqa: PLC0415 - the same

    return policy_explaining


@policy_app.command(
    "check",
    help=say("检查策略：错误、无效规则、空缺、测试覆盖。", "Find faults, dead rules, gaps, and what tests reach."),
)
def check_command(
    source: Source,
    *,
    mutants: Annotated[
        bool,
        typer.Option(
            "--mutants",
            help=say(
                "另查：逐一改错规则，测试能否发现（较慢）。", "Also: break each rule; do the tests notice? (slow)"
            ),
            show_default=False,
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 with a fault, a failed test or an unnoticed mutant, 2 when it cannot be read."""
    raise typer.Exit(_checking().check(source, with_mutants=mutants, as_json=as_json))


@policy_app.command("test", help=say("运行策略自带的测试。", "Run the tests beside the rules."))
def run_tests_command(source: Source, *, as_json: Json = False) -> None:
    """Exit with 0, 1 when a test fails or the policy has faults, 2 when it cannot be read."""
    raise typer.Exit(_checking().run_all_tests(source, as_json=as_json))


@policy_app.command("build", help=say("生成策略包（规范 JSON）。", "Write the bundle: canonical JSON with a digest."))
def build_command(
    source: Source,
    *,
    out: Annotated[Path, option("-o", "--out", zh="写入此文件。", en="Where it goes.", metavar="FILE")],
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when the policy has faults, 2 when something cannot be read or written."""
    raise typer.Exit(_checking().build(source, out=out, as_json=as_json))


@policy_app.command(
    "table", help=say("将规则制成一页 HTML 或 XLSX，供审阅。", "The rules as one HTML page or XLSX, for officials.")
)
def table_command(
    source: Source,
    *,
    out: Annotated[
        Path, option("-o", "--out", zh="写入 .html 或 .xlsx 文件。", en="A .html or .xlsx file.", metavar="FILE")
    ],
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when the policy has faults, 2 when something cannot be read or written."""
    raise typer.Exit(_checking().table(source, out=out, as_json=as_json))


@policy_app.command(
    "explain",
    help=say(
        "解释：某情形下各字段为何提供或不提供。", "Why each field leaves, or why not: in a context, or of an answer."
    ),
)
def explain_command(
    source: OptionalSource = None,
    *,
    site: OptionalSite = None,
    decision: Annotated[
        str | None,
        option(
            "--decision", zh="解释此次答复（决定编号）。", en="Explain this answer, by its decision id.", metavar="ID"
        ),
    ] = None,
    item: Annotated[str, option("--item", zh="事项编码。", en="The item's code.", metavar="CODE")] = "",
    caller: Annotated[str, option("--caller", zh="调用方类别。", en="Kind of caller.", metavar="KIND")] = "",
    licence: Annotated[str, option("--licence", zh="证照类型。", en="Licence type.", metavar="TYPE")] = "",
    home: Annotated[Home, typer.Option(help=say("调用方归属。", "Where the caller belongs."))] = Home.OWN,
    status: Annotated[
        LicenceStatus, typer.Option(help=say("证照状态。", "Status of the licence."))
    ] = LicenceStatus.ACTIVE,
    holder: Annotated[HolderType, typer.Option(help=say("持证主体类型。", "Type of holder."))] = HolderType.PERSON,
    age: Annotated[
        AgeClass | None, typer.Option(help=say("年龄段；默认成年。", "Age class; adult, where there is one."))
    ] = None,
    consent: Annotated[
        Consent | None, typer.Option(help=say("授权同意；默认按事项。", "Consent; as the item asks for."))
    ] = None,
    outcome: Annotated[
        OutcomeClass, typer.Option(help=say("核验结论。", "Outcome of the checks."))
    ] = OutcomeClass.VALID,
    field: Annotated[str, option("--field", zh="仅此字段。", en="Only this field.", metavar="NAME")] = "",
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when the policy has faults or there is no such decision, 2 when something cannot be read."""
    commands = _explaining()
    if decision is not None:
        raise typer.Exit(commands.explain_decision(decision, source=source, site=site, field=field, as_json=as_json))
    asked = commands.Asked(
        item=item,
        caller=caller,
        licence=licence,
        home=home,
        status=status,
        holder=holder,
        age=age,
        consent=consent,
        outcome=outcome,
    )
    raise typer.Exit(commands.explain_context(source, asked, site=site, field=field, as_json=as_json))


@policy_app.command(
    "record", help=say("从访问日志取出一次决定的记录，供 replay 使用。", "Take a decision from the log, for replay.")
)
def record_command(
    decision: Annotated[str, argument("DECISION", "答复中的决定编号。", "The id of a decision, from an answer.")],
    *,
    site: Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")],
    as_json: Json = False,
) -> None:
    """Exit with 0 when it was found, 1 when the log has none, 2 when something cannot be read."""
    raise typer.Exit(_explaining().print_record(decision, site=site, as_json=as_json))


@policy_app.command(
    "replay", help=say("按记录重算一次决定，并与记录比较。", "Compute a recorded decision again, and compare.")
)
def replay_command(
    record: Annotated[
        Path,
        argument(
            "RECORD.json", "决定记录（一行 JSON）；- 为标准输入。", "A record of a decision; - is standard input."
        ),
    ],
    *,
    bundle: Annotated[
        Path | None, option("--bundle", zh="策略包。", en="The bundle to decide by.", metavar="FILE")
    ] = None,
    site: Annotated[
        Path | None,
        option("--site", zh="站点文件夹：取其存档。", en="A site folder, for its archive of bundles.", metavar="DIR"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when plan and forms are the same, 1 when they are not, 2 when something cannot be read."""
    raise typer.Exit(_explaining().replay(record, bundle=bundle, site=site, as_json=as_json))


@policy_app.command(
    "diff", help=say("逐项比较两版策略：谁多见、少见什么。", "Who sees more, less or otherwise under another version.")
)
def diff_command(
    first: Annotated[
        Path | None,
        argument("[OLD]", "原策略；用 --site 时省略，取现行策略。", "The old one; with --site what is in force."),
    ] = None,
    second: Annotated[Path | None, argument("[NEW]", "新策略；默认取站点的策略文件。", "The new one.")] = None,
    *,
    site: OptionalSite = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, 1 when anything widens or a policy has faults, 2 when something cannot be read."""
    raise typer.Exit(_changing().compare(first, second, site=site, as_json=as_json))


@policy_app.command(
    "approve",
    help=say("批准扩大提供范围的策略：说明变更，确认后签名。", "Sign a policy that widens, after seeing how."),
)
def approve_command(
    *,
    site: Site,
    key: Annotated[
        str, option("--key", zh="审批人的密钥编号（前 8 位以上）。", en="The approver's key, by its id.", metavar="KEY")
    ],
    folder: KeyFolder = Path("keys"),
    passphrase_file: PassphraseFile = None,
    module: Module = None,
    yes: Annotated[
        bool, typer.Option("--yes", help=say("已看过变更，不再询问。", "Do not ask."), show_default=False)
    ] = False,
    lines: Annotated[
        bool,
        typer.Option("--lines", help=say("逐项列出全部变更。", "Show every change, however many."), show_default=False),
    ] = False,
    as_json: Json = False,
) -> None:
    """Exit with 0 signed, 1 when there is nothing to approve or it was refused, 2 when something cannot be used."""
    commands = _changing()
    choice = commands.KeyChoice(key=key, folder=folder, passphrase_file=passphrase_file, module=module)
    raise typer.Exit(commands.approve_policy(site, choice, is_sure=yes, every_line=lines, as_json=as_json))


@policy_app.command(
    "status", help=say("查看现行策略，以及等待批准的版本。", "What is in force, and what waits for whom.")
)
def status_command(*, site: Site, as_json: Json = False) -> None:
    """Exit with 0 in force as written, 3 when something waits or nothing is in force, 1 with faults, 2 unreadable."""
    raise typer.Exit(_changing().show_status(site, as_json=as_json))
