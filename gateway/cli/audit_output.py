"""How the commands of ``tongban audit`` print what they found: for people in two languages, and as JSON."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from rich.markup import escape

from gateway.audit.export import Exported
from gateway.audit.receipts import CheckedReceipt, FullReceipt, describe_witnessed
from gateway.audit.reconcile import Difference, Mismatch, Reconciled
from gateway.audit.verify.finding import SENTENCES, Finding
from gateway.audit.verify.verifier import Verification
from gateway.cli.console import ERR, OUT, printable
from gateway.cli.language import say
from gateway.rendering import encode_time

_SHOWN: Final = 100  # findings for people; JSON has all that were kept
DIFFERENCES: Final = MappingProxyType(
    {
        Difference.FORKED: ("日志曾为另一棵树签名", "the log signed another tree than the one it has"),
        Difference.NOT_IN_LOG: (
            "此处日志止于回执所指条目之前",
            "this log ends before what a receipt is of",
        ),
        Difference.OTHER_IN_LOG: ("日志此处为另一条目", "the log has another entry at this place"),
        Difference.UNSIGNED: ("回执未经日志有效签名", "a receipt that the log did not sign"),
        Difference.TWICE: ("两份回执互相矛盾", "two receipts that contradict each other"),
        Difference.NO_RECEIPT: ("条目没有对应的回执", "an entry without a receipt"),
        Difference.GAP: ("调用方的编号不连续", "the numbers of a caller have a gap"),
    }
)


def describe_exported(exported: Exported, folder: Path) -> dict[str, Any]:
    """Return the JSON object of an export."""
    return {
        "export": str(folder),
        "log": exported.log,
        "size": exported.size,
        "root": exported.root.hex(),
        "first": exported.first,
        "end": exported.end,
        "policies": exported.policies,
        "missing_policies": list(exported.missing),
    }


def show_exported(exported: Exported, folder: Path) -> None:
    """Print what was exported."""
    count = exported.end - exported.first
    zh = f"已导出 {exported.log} 的 {count} 个条目（序号 {exported.first} 起，共 {exported.size}）：{folder}"
    en = f"exported {count} entries of {exported.log} (from {exported.first} on, of {exported.size}): {folder}"
    _print(say(zh, en))
    for digest in exported.missing:
        ERR.print(escape(printable(say(f"策略存档中没有 {digest}", f"the policy archive lacks {digest}"))))


def describe_verification(found: Verification, place: str) -> dict[str, Any]:
    """Return the JSON object of a verification."""
    return {
        "input": place,
        "outcome": "valid" if found.is_sound else "invalid",
        "log": found.log or None,
        "size": found.size,
        "root": found.root.hex(),
        "whole": found.is_whole,
        "first": found.first,
        "end": found.end,
        "first_time": _time(found.first_t),
        "last_time": _time(found.last_t),
        "checkpoints": found.checkpoints,
        "witnessed": _describe_witnessed(found),
        "callers": found.callers,
        "policies": found.policies,
        "seals": found.seals,
        "resealed": found.resealed,
        "export": found.is_export,
        "policy": "own" if found.is_own_policy else "given",
        "findings": describe_faults(found.findings),
        "more": found.more,
    }


def _describe_witnessed(found: Verification) -> dict[str, Any] | None:
    size = found.witnessed_size
    return None if size is None else {"size": size, "by": dict(found.cosigned)}


def describe_faults(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the JSON objects of what a verification found wrong."""
    return [
        {
            "kind": str(finding.kind),
            "entry": finding.entry,
            "path": finding.path or None,
            "detail": finding.detail or None,
        }
        for finding in findings
    ]


def show_verification(found: Verification, place: str) -> None:
    """Print what was found, the faults first."""
    show_faults(found.findings, found.more, is_own_policy=found.is_own_policy)
    if not found.is_export:
        zh = "提示：没有清单（manifest.json），按日志本身核验；条目所依据的策略包未予核对。"
        en = "note: there is no manifest.json, so this was verified as a log; the policies of its entries were not."
        ERR.print(say(zh, en))
    if found.resealed:
        zh = f"提示：{found.resealed} 次因依法销毁而重新封存；销毁是否逾越范围，导出中无从查明。"
        en = f"note: days were sealed anew {found.resealed} times after deletions; an export does not show of how much."
        ERR.print(say(zh, en))
    show_verdict(place, is_sound=found.is_sound, is_whole=found.is_whole)
    if found.log:
        _print(_summary(found))


def show_faults(findings: Sequence[Finding], more: int, *, is_own_policy: bool) -> None:
    """Print what a verification found wrong, and whose word it took for whom to believe."""
    for finding in findings[:_SHOWN]:
        words = [say(*SENTENCES[finding.kind]), finding.path, finding.detail]
        number = "" if finding.entry is None else say(f"条目 {finding.entry}：", f"entry {finding.entry}: ")
        _print(number + " · ".join(filter(None, words)))
    rest = len(findings) - _SHOWN + more
    if rest > 0:
        _print(say(f"另有 {rest} 处。", f"and {rest} more"))
    if is_own_policy:
        zh = "提示：未用 --policy，所信任的密钥取自日志自身；请与日志主管部门公布的密钥核对。"
        en = "note: without --policy the log names its own keys; compare them with what its operator published."
        ERR.print(say(zh, en))


def show_verdict(place: str, *, is_sound: bool, is_whole: bool = True) -> None:
    """Print the verdict of a verification in one word; two, where it is about a part of the log."""
    if not is_sound:
        word, style = say("核验不通过", "not sound"), "bold red"
    elif is_whole:
        word, style = say("核验通过", "sound"), "bold green"
    else:
        word, style = say("部分核验通过（并非全部条目）", "sound, in part"), "bold yellow"
    OUT.print(f"[{style}]{word}[/]  {escape(printable(place))}")


def _summary(found: Verification) -> str:
    first, last = _time(found.first_t), _time(found.last_t)
    if found.witnessed_size is None:
        asked = say("未经足够见证方共签", "not witnessed")
        witnessed = asked if found.has_quorum else say("本日志没有见证方", "nobody witnesses this log")
    else:
        times = f"{found.witnessed_size}{spell_times(found.cosigned)}"
        witnessed = say(f"见证方共签至 {times}", f"witnessed up to {times}")
    zh = (
        f"{found.log}：{found.size} 个条目，核验 {found.first} 至 {found.end}（{first} 至 {last}），"
        f"{found.callers} 个调用方；{witnessed}"
    )
    en = (
        f"{found.log}: {found.size} entries, checked {found.first} to {found.end} ({first} to {last}), "
        f"{found.callers} callers; {witnessed}"
    )
    return say(zh, en)


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else _moment(milliseconds // 1000)


def spell_times(cosigned: Mapping[str, int]) -> str:
    """Return the witnesses with their times, each behind a dot."""
    return "".join(f" · {name} {_moment(seconds)}" for name, seconds in sorted(cosigned.items()))


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, tz=UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        return str(seconds)


def describe_receipt(receipt: FullReceipt, checked: CheckedReceipt, path: Path) -> dict[str, Any]:
    """Return the JSON object of a receipt that was checked."""
    return {
        "input": str(path),
        "outcome": "valid" if checked.is_proven else "unknown",
        "log": receipt.log,
        "index": receipt.index,
        "seq": receipt.seq,
        "size": checked.size,
        "witnesses": dict(checked.cosigned),
        "witnessed": describe_witnessed(receipt.witnessed),
        "leaf": None if receipt.leaf is None else receipt.leaf.decode(),
    }


def show_receipt(receipt: FullReceipt, checked: CheckedReceipt, path: Path) -> None:
    """Print what a receipt proves."""
    where = f"{receipt.log} · {receipt.index}"
    if checked.is_proven:
        _print(say(f"已证明：条目在日志中（{where}）", f"proven: the entry is in the log ({where})"))
        if checked.cosigned:
            _print(say("见证方", "witnesses") + spell_times(checked.cosigned))
    else:
        zh = f"日志签名的是 {checked.size} 个条目的树；条目在其中（{where}）系回执所称，尚无证明，请取完整回执。"
        en = (
            f"claimed, not proven: the log signed a tree of {checked.size} entries, and that the entry is in it "
            f"({where}) the receipt says itself; ask for the receipt in full"
        )
        _print(say(zh, en))
    if receipt.witnessed is not None:
        size, at = receipt.witnessed.size, encode_time(receipt.witnessed.at)
        zh = f"据网关称，截至 {at} 见证方已见到日志的前 {size} 个条目"
        _print(say(zh, f"the gateway said: witnesses had seen the first {size} entries of the log, as of {at}"))
    ERR.print(escape(printable(str(path))), style="dim")


def describe_reconciled(found: Reconciled) -> dict[str, Any]:
    """Return the JSON object of a reconciliation."""
    return {
        "outcome": "invalid" if found.mismatches else "valid",
        "receipts": found.receipts,
        "matched": found.matched,
        "outside": found.outside,
        "later": found.later,
        "elsewhere": found.elsewhere,
        "callers": list(found.callers),
        "differences": [
            {
                "kind": str(one.kind),
                "proven": one.is_proven,
                "entry": one.entry,
                "caller": one.caller or None,
                "seq": one.seq,
                "receipt": one.where or None,
                "detail": one.detail or None,
            }
            for one in found.mismatches
        ],
    }


def show_reconciled(found: Reconciled) -> None:
    """Print every difference, then the sums."""
    for one in found.mismatches[:_SHOWN]:
        number = "" if one.seq is None else say(f"编号 {one.seq}", f"number {one.seq}")
        words = [say(*DIFFERENCES[one.kind]), _weight(one), one.caller, number, one.where, one.detail]
        _print(say(f"条目 {one.entry}：", f"entry {one.entry}: ") + " · ".join(filter(None, words)))
    if len(found.mismatches) > _SHOWN:
        rest = len(found.mismatches) - _SHOWN
        _print(say(f"另有 {rest} 处。", f"and {rest} more"))
    if found.later:
        zh = f"提示：{found.later} 份回执晚于此处的日志，其树无从比对；请用更新的导出。"
        en = f"note: {found.later} receipts are later than the log that is here; take a newer export to compare them."
        ERR.print(say(zh, en))
    if found.elsewhere:
        zh = f"提示：{found.elsewhere} 份回执属于其他日志，例如其他半年的日志，未作比对；请就各日志分别核对。"
        en = (
            f"note: {found.elsewhere} receipts are of other logs, such as those of other half-years, and were not "
            "compared; run this once for each log."
        )
        ERR.print(say(zh, en))
    zh = f"回执 {found.receipts} 份，相符 {found.matched}，范围之外 {found.outside}，差异 {len(found.mismatches)}"
    en = (
        f"{found.receipts} receipts, {found.matched} match, {found.outside} outside, "
        f"{len(found.mismatches)} differences"
    )
    _print(say(zh, en))


def _weight(mismatch: Mismatch) -> str:
    """Say what stands behind a difference; "" where it is not about a receipt."""
    if mismatch.is_proven is None:
        return ""
    return say("日志签名为证", "proven") if mismatch.is_proven else say("回执所称", "claimed")


def _print(text: str) -> None:
    OUT.print(escape(printable(text)))
