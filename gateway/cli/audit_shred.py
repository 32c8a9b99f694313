"""``tongban audit approve-shred|shred``: two people approve that somebody is forgotten, then it is done everywhere.

While a gateway runs, it is the one that does it: it remembers the data keys that are destroyed.
"""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.audit.entry import SubjectId, fit_subject
from gateway.audit.forgetting.shred import NotApprovedError, Shredded, ShreddedShard
from gateway.audit.forgetting.shred_approval import (
    MAX_FILE_BYTES,
    ApprovalRefusal,
    ShredOrder,
    encode_approval,
    make_approval,
    parse_approval,
)
from gateway.audit.link.message import MAX_APPROVALS
from gateway.audit.shard import site_origin
from gateway.cli.audit_commands import guard
from gateway.cli.audit_site import open_site_log
from gateway.cli.command_log import open_log_for_command
from gateway.cli.console import OUT, ExitCode, print_json
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.cli.policy_support import open_site
from gateway.cli.signing_key import KeyChoice
from gateway.sources.source import MAX_KEY, normal_code
from gateway.trust.files import read_file
from keys.own.record import KeyPurpose

_MAX_LINE: Final = 4 * MAX_KEY + 2  # bytes: four a character, and the end of the line
_REFUSALS: Final = {
    ApprovalRefusal.UNKNOWN_APPROVER: ("不在本站点的审批人之列", "nobody of that name approves here"),
    ApprovalRefusal.OTHER_WORK: (
        "批准的是另一人、另一依据或另一站点的日志",
        "it approves another person, basis or site",
    ),
    ApprovalRefusal.TOO_OLD: ("批准已逾七日", "it is older than seven days"),
    ApprovalRefusal.IN_FUTURE: ("时间在将来，请校准时钟", "it is dated in the future; set the clocks"),
    ApprovalRefusal.BAD_SIGNATURE: ("签名不成立", "the signature does not verify"),
    ApprovalRefusal.SAME_APPROVER: ("同一审批人只计一次", "one person counts once"),
}


def approve_shred(site: Path, *, subject: Path, basis: str, choice: KeyChoice, out: Path, as_json: bool) -> ExitCode:
    """Sign that a person may be forgotten, and write the approval to a file."""

    def run(now: datetime) -> ExitCode:
        order = _read_order(site, subject, basis)
        stored = choice.find()
        approver = open_site(site).approvers().find_key(stored.key.record.public_key)
        if approver is None or stored.key.record.purpose is not KeyPurpose.POLICY:
            zh, en = "此密钥不属于本站点的任何审批人", "no approver of this site has this key"
            raise UsageError(f"{say(zh, en)}: {stored.id}")
        out.write_bytes(encode_approval(make_approval(order, approver, choice.open(stored), at=now)))
        if as_json:
            print_json({"log": order.log, "basis": basis, "approver": approver.id, "file": str(out)})
        else:
            OUT.print(say(f"{approver.id} 已批准：{out}", f"approved by {approver.id}: {out}"), markup=False)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def shred_person(site: Path, *, subject: Path, basis: str, approvals: Sequence[Path], as_json: bool) -> ExitCode:
    """Forget a person; INVALID when too few approvals count or nothing led to them, UNKNOWN when something is left."""

    def run(_: datetime) -> ExitCode:
        order = _read_order(site, subject, basis)
        if len(approvals) > MAX_APPROVALS:
            zh = f"批准文件至多 {MAX_APPROVALS} 份。"
            raise UsageError(say(zh, f"up to {MAX_APPROVALS} files of approvals were expected"))
        given = [parse_approval(read_file(path, MAX_FILE_BYTES)) for path in approvals]
        try:
            with open_log_for_command(site) as log:
                done = log.shred(order, given)
        except NotApprovedError as error:
            _show_refused(error, as_json=as_json)
            return ExitCode.INVALID
        _show(done, as_json=as_json)
        if done.left or not done.purged:
            return ExitCode.UNKNOWN
        return ExitCode.DONE if done.shards else ExitCode.INVALID

    return guard(run, as_json=as_json)


def _read_order(site: Path, subject: Path, basis: str) -> ShredOrder:
    with open_site_log(site, None) as log:
        origin = log.origin
    return ShredOrder(log=site_origin(origin), subject=_read_subject(subject), basis=basis)


def _read_subject(path: Path) -> SubjectId:
    """Read whom it is about, from a file or standard input: every process of the machine sees a command line."""
    line = sys.stdin.buffer.readline(_MAX_LINE + 1) if str(path) == "-" else read_file(path, _MAX_LINE)
    text = line.decode("utf-8", "replace").strip()
    code = normal_code(text)
    if not code or "\n" in text or len(line) > _MAX_LINE:  # part of a number would be another one
        raise UsageError(say("应有一个持证人号码。", "the number of a holder was expected"))
    return fit_subject(code)


def _show_refused(error: NotApprovedError, *, as_json: bool) -> None:
    why = "; ".join(
        f"{one.approver}: {say(*_REFUSALS[one.refusal])}" for one in error.counted if one.refusal is not None
    )
    zh, en = "需两人批准，没有任何改动", "two people have to approve it; nothing was changed"
    fail("not-approved", say(zh, en) + (f" ({why})" if why else ""), why, as_json=as_json)


def tell_not_purged() -> None:
    """Say that bytes of what was destroyed may be left, and when to come again."""
    zh = "数据库文件中可能仍有所销毁的内容（例如正在备份）；待备份结束后请再执行一次。"
    en = "Files of the database may still hold what was destroyed, as while a backup runs; run it again after that."
    OUT.print(say(zh, en), markup=False)


def _show(done: Shredded, *, as_json: bool) -> None:
    if as_json:
        shards = [_as_object(one) for one in done.shards]
        print_json({"shards": shards, "left": done.left, "purged": done.purged})
        return
    for one in done.shards:
        zh = f"{one.shard}：已处理 {len(one.entries)} 条，销毁密钥 {one.keys} 个、索引 {one.words} 行。"
        en = f"{one.shard}: {len(one.entries)} entries; {one.keys} keys and {one.words} rows of the index destroyed."
        OUT.print(say(zh, en), markup=False)
        _show_damage(one)
    if not done.shards:
        zh = "没有任何条目涉及此号码：已全部销毁，或者号码有误，请核对。"
        en = "Nothing in the log leads to this number: all of it is forgotten, or it is mistyped; look again."
        OUT.print(say(zh, en), markup=False)
    if done.left:
        zh, en = "期间又有新条目，请再执行一次。", "New entries came meanwhile; run it again."
        OUT.print(say(zh, en), markup=False)
    if not done.purged:
        tell_not_purged()
    zh = "密钥库与日志的旧备份仍可还原，请按期销毁；批准文件请一并删除。"
    en = "Old backups of keys and log undo this; let them expire, and delete the files of the approvals."
    OUT.print(say(zh, en), markup=False)


def _as_object(one: ShreddedShard) -> dict[str, object]:
    sums = {"keys": one.keys, "index_rows": one.words}
    faults = {"days_differing": list(one.differing), "entries_damaged": list(one.damaged)}
    return {"shard": one.shard, "said": list(one.said), "entries": list(one.entries), **sums, **faults}


def _show_damage(one: ShreddedShard) -> None:
    """Say what could not be done as it should, since something was damaged before."""
    if one.differing:
        days = ", ".join(one.differing)
        zh = f"{one.shard}：{days} 的索引原已与封存不符，未重新封存，请以 check-index 查明。"
        en = f"{one.shard}: the index of {days} differed from its seal before, and is not sealed anew; see check-index."
        OUT.print(say(zh, en), markup=False)
    if one.damaged:
        entries = ", ".join(map(str, one.damaged))
        zh = f"{one.shard}：条目 {entries} 已损坏，所载证照号码不明；仅凭该号码查询的条目未予处理。"
        en = (
            f"{one.shard}: entries {entries} are damaged; if one named a licence that no other does, "
            "those who asked for that one alone are not found."
        )
        OUT.print(say(zh, en), markup=False)
