"""``tongban audit check-index``: whether the index has what the log sealed, and what its entries say of themselves."""

from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from rich.markup import escape

from gateway.audit.seal.check import CheckedIndex, IndexFault, IndexFinding, check_index
from gateway.cli.audit_commands import guard, progress_of
from gateway.cli.console import OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.log_site import link_folder, open_place

_SHOWN: Final = 100  # findings for people; JSON has all that were kept
SENTENCES: Final = MappingProxyType(
    {
        IndexFault.ENTRY: ("条目与日志树不符", "the entry is not the one of the tree"),
        IndexFault.PRIVATE: ("条目的非公开部分已损坏", "the private part of the entry is damaged"),
        IndexFault.ROWS: ("索引中缺少指向该条目的行", "the index lacks rows that lead to the entry"),
        IndexFault.OWNER: (
            "数据密钥的归属与条目不符",
            "the index names another data key than the entry was sealed with",
        ),
        IndexFault.SEAL: ("封存记录不合格式，或与其他封存重叠", "the seal is not of its form, or overlaps another"),
        IndexFault.SALT: (
            "封存记录的盐值缺失，无法核对",
            "the salt of the seal is missing, so nothing can be compared",
        ),
        IndexFault.DAY: ("当日索引与封存时不符", "the index of the day is not the one that was sealed"),
    }
)


def check_site_index(site: Path, *, shard: str | None, as_json: bool) -> ExitCode:
    """Check the index of a shard, the latest if none is named; the gateway may go on writing it."""

    def run(now: datetime) -> ExitCode:
        settings = load_settings(site)
        place = open_place(site, settings)
        chosen = [name for name in place.shards() if shard in {None, name}]
        if not chosen:
            where = str(link_folder(site, settings)) + (f": {shard}" if shard else "")
            raise UsageError(say(f"没有访问日志：{where}", f"there is no access log: {where}"))
        with (
            closing(place.read(chosen[-1])) as log,
            progress_of(say("正在核对索引", "checking the index")) as progress,
        ):
            checked = check_index(log, now_ms=int(now.timestamp() * 1000), progress=progress)
        if as_json:
            print_json(_describe(checked))
        else:
            _show(checked)
        return ExitCode.INVALID if checked.findings else ExitCode.DONE

    return guard(run, as_json=as_json)


def _describe(checked: CheckedIndex) -> dict[str, Any]:
    return {
        "outcome": "invalid" if checked.findings else "valid",
        "log": checked.log,
        "size": checked.size,
        "opened": checked.opened,
        "days": checked.days,
        "past": checked.past,
        "due": checked.due,
        "findings": [
            {"kind": str(one.kind), "entry": one.entry, "day": one.day or None, "detail": one.detail or None}
            for one in checked.findings
        ],
        "more": checked.more,
    }


def _show(checked: CheckedIndex) -> None:
    for one in checked.findings[:_SHOWN]:
        _print(_spell(one))
    rest = len(checked.findings) - _SHOWN + checked.more
    if rest > 0:
        _print(say(f"另有 {rest} 处。", f"and {rest} more"))
    verdict = say("索引不符", "the index differs") if checked.findings else say("索引相符", "the index is whole")
    OUT.print(f"[{'bold red' if checked.findings else 'bold green'}]{verdict}[/]")
    zh = (
        f"{checked.log}：{checked.size} 个条目，其中 {checked.opened} 个可以开启；"
        f"核对封存 {checked.days} 日，期满不再核对 {checked.past} 日，待封存 {checked.due} 日"
    )
    en = (
        f"{checked.log}: {checked.size} entries, {checked.opened} of which can be opened; "
        f"{checked.days} sealed days compared, {checked.past} past their time, {checked.due} not sealed yet"
    )
    _print(say(zh, en))


def _spell(one: IndexFinding) -> str:
    where = say(f"条目 {one.entry}：", f"entry {one.entry}: ")
    return where + " · ".join(filter(None, [say(*SENTENCES[one.kind]), one.day, one.detail]))


def _print(text: str) -> None:
    OUT.print(escape(printable(text)))
