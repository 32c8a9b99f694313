"""``tongban adapter drift``: recorded answers held against a mapping, with a patch that a person may apply."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from rich.markup import escape
from rich.table import Table

from adapters.crosswalk import shipped_crosswalk
from adapters.drift.comparing import Comparison
from adapters.drift.finding import Drift, DriftKind
from adapters.drift.patch import Patch, propose_patch
from gateway.cli.adapter_commands import guard
from gateway.cli.adapter_files import read_adapter
from gateway.cli.console import OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.licence_import.layout import ImportFileError
from gateway.licence_import.messages import read_messages

KINDS: Final[Mapping[DriftKind, tuple[str, str]]] = MappingProxyType(
    {
        DriftKind.UNKNOWN_FIELD: ("未映射的字段", "a field that no rule names"),
        DriftKind.MISSING_FIELD: ("未出现的字段", "a field that no record has"),
        DriftKind.UNSEEN_CODE: ("未列明的代码", "codes that no table names"),
        DriftKind.DATE_FORM: ("其他日期写法", "days in another form"),
        DriftKind.OTHER_VALUE: ("编解码无法读取的值", "values that the codecs do not read"),
        DriftKind.UNREADABLE: ("无法读取的消息", "messages that cannot be read"),
    }
)


def drift(recorded: Sequence[Path], *, adapter: str, site: Path | None, as_json: bool) -> ExitCode:
    """Print what differs, and the patch that is proposed; INVALID when anything does."""

    def run(_: datetime) -> ExitCode:
        mapping, compiled = read_adapter(adapter, site=site)
        comparison = Comparison(compiled, shipped_crosswalk())
        for path in recorded:
            with path.open("rb") as file:
                try:
                    for message in read_messages(compiled, file):
                        comparison.add(message)
                except ImportFileError as error:
                    raise UsageError(say(f"{path}：消息过大", f"{path}: a message is too large")) from error
        findings = list(comparison.findings())
        has_drifted = any(one.is_drift for one in findings)
        patch = propose_patch(mapping.data, compiled, findings, tables=mapping.load_tables())
        if as_json:
            print_json(
                {
                    "adapter": compiled.id,
                    "digest": compiled.digest,
                    "messages": comparison.messages,
                    "records": comparison.records,
                    "drift": has_drifted,
                    "findings": [_describe(one) for one in findings],
                    "patch": patch.diff or None,
                    "left_out": [_describe(one) for one in patch.left_out],
                }
            )
        else:
            _show(comparison, findings, patch)
        return ExitCode.INVALID if has_drifted else ExitCode.DONE

    return guard(run, as_json=as_json)


def _describe(one: Drift) -> dict[str, object]:
    return {
        "kind": one.kind,
        "at": one.at,
        "count": one.count,
        "of": one.of,
        "confidence": one.confidence,
        "is_drift": one.is_drift,
        "words": list(one.words),
        "to": one.to or None,
    }


def _show(comparison: Comparison, findings: Sequence[Drift], patch: Patch) -> None:
    zh = f"消息 {comparison.messages} 条，记录 {comparison.records} 条"
    OUT.print(say(zh, f"{comparison.messages} messages, {comparison.records} records"))
    if not findings:
        OUT.print(say("与映射一致。", "They are as the mapping says."))
        return
    table = Table()
    for title in (("差异", "what"), ("位置", "at"), ("次数", "how often"), ("内容", "which"), ("置信度", "confidence")):
        table.add_column(say(*title), overflow="fold")
    for one in findings:
        which = " ".join(one.words) or one.to
        cells = (say(*KINDS[one.kind]), one.at, f"{one.count}/{one.of}", which, f"{one.confidence:.2f}")
        table.add_row(*(escape(printable(cell)) for cell in cells), style="" if one.is_drift else "dim")
    OUT.print(table)
    if patch.diff:
        OUT.print(
            say("建议的补丁（未应用，逐项确认）：", "The patch that is proposed (not applied; confirm every line):")
        )
        for line in patch.diff.splitlines():
            OUT.print(printable(line), markup=False)
    if patch.left_out:
        places = ", ".join(printable(one.at) for one in patch.left_out)
        zh = f"未列入补丁，须自行修改（文件中找不到位置，或修改后映射无法读取）：{places}"
        en = f"Not in the patch, edit by hand (it has no place, or the mapping cannot be read with it): {places}"
        OUT.print(say(zh, en), markup=False)
