"""Why the log takes no entry now, and what to do about it; then no answer leaves the gateway."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.audit.errors import AuditError


class Unavailable(StrEnum):
    """The reasons, as they stand in answers, metrics and tests."""

    DISK_FULL = "disk-full"
    READ_ONLY = "read-only"
    LOCKED = "locked"
    UNREACHABLE = "unreachable"
    WRITE_FAILED = "write-failed"
    OVERLOADED = "overloaded"
    SIGNER = "signer"
    CLOCK_WENT_BACK = "clock-went-back"
    CLOCK_WENT_AHEAD = "clock-went-ahead"
    SYNC_FAILED = "sync-failed"
    CORRUPT = "corrupt"
    NEWER = "newer"
    OLDER = "older"
    UNUSABLE = "unusable"
    OTHER_LOG = "other-log"
    RESTORED_BACKUP = "restored-backup"
    FORKED = "forked"
    FORK_WITNESSED = "fork-witnessed"
    SECOND_WRITER = "second-writer"
    HEAD_LOST = "head-lost"
    HEAD_UNREADABLE = "head-unreadable"
    CLOSED = "closed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a reason means and what to do, in both languages; ``passes``: the next entry may be tried as it is."""

    zh: str
    en: str
    passes: bool = False


ADVICE: Final[Mapping[Unavailable, Advice]] = MappingProxyType(
    {
        Unavailable.DISK_FULL: Advice(
            zh="日志所在磁盘已满；请清出空间，日志随即恢复",
            en="the disk of the log is full; make room, and the log goes on by itself",
            passes=True,
        ),
        Unavailable.READ_ONLY: Advice(
            zh="日志存储只读；请恢复写权限，日志随即恢复",
            en="the store of the log is read-only; allow writing, and the log goes on by itself",
            passes=True,
        ),
        Unavailable.LOCKED: Advice(
            zh="日志库被其他进程锁定；请查明并结束该进程",
            en="somebody else holds a lock on the log's database; find and end that process",
            passes=True,
        ),
        Unavailable.UNREACHABLE: Advice(
            zh="日志数据库或写日志的进程无法连接；恢复连接后日志随即恢复",
            en="the log's database, or the process that writes it, cannot be reached; once it can, the log goes on by "
            "itself",
            passes=True,
        ),
        Unavailable.WRITE_FAILED: Advice(
            zh="日志写入失败；请检查磁盘与配额",
            en="writing to the log failed; check the disk and its quotas",
            passes=True,
        ),
        Unavailable.OVERLOADED: Advice(
            zh="待写日志过多；请稍后重试",
            en="too many entries wait to be written; try again later",
            passes=True,
        ),
        Unavailable.SIGNER: Advice(
            zh="日志密钥未能签署检查点；请检查密钥及其设备",
            en="the log's key did not sign a checkpoint; check the key and its device",
            passes=True,
        ),
        Unavailable.CLOCK_WENT_BACK: Advice(
            zh="系统时钟落后于日志；请校准时钟，时钟追上后日志随即恢复；须等待过久的，"
            "按运维手册“访问日志停止写入”一节处理",
            en="the clock is behind the log; set it right, and the log goes on when the clock has caught up; where "
            'that takes too long, do as docs/operate.md says under "When the access log takes no entry"',
            passes=True,
        ),
        Unavailable.CLOCK_WENT_AHEAD: Advice(
            zh="系统时钟突然超前；请校准时钟，日志随即恢复；若时钟无误（如虚拟机长时间暂停后），请重新启动",
            en="the clock was set far ahead; set it right, and the log goes on by itself; if it is right, as after a "
            "long pause of the machine, start again",
            passes=True,
        ),
        Unavailable.SYNC_FAILED: Advice(
            zh="磁盘未能确认写入，所写内容是否落盘不得而知；请更换或检查磁盘后重新启动",
            en="the disk did not confirm a write, so nobody knows what it holds; check or replace it, then start again",
        ),
        Unavailable.CORRUPT: Advice(
            zh="日志存储与其签名不符；请保留现场，用副本或备份核对后再启动",
            en="the store contradicts its signed head; keep it as it is, compare it with a copy, then start again",
        ),
        Unavailable.NEWER: Advice(
            zh="日志由更新版本写成；请用该版本启动",
            en="a newer version wrote this log; start that version",
        ),
        Unavailable.OLDER: Advice(
            zh="日志由发布前的版本写成，本版本不能续写；请用该版本读取或导出，并另行开始新的日志",
            en="a version from before the release wrote this log, and this one does not go on with it; read or export "
            "it with that version, and begin a new log",
        ),
        Unavailable.UNUSABLE: Advice(
            zh="日志存储不可用；请检查路径、权限与设置",
            en="the store of the log cannot be used; check its place, its permissions and its settings",
        ),
        Unavailable.OTHER_LOG: Advice(
            zh="存储属于另一份日志；请检查日志名称与路径",
            en="the store belongs to another log; check the log's name and place",
        ),
        Unavailable.RESTORED_BACKUP: Advice(
            zh="日志存储比已确认的日志旧，疑为恢复的备份；请找回最新的存储，或开始新的日志分段",
            en="the store is older than what was acknowledged, as a restored backup is; bring back the latest one, "
            "or begin a new shard",
        ),
        Unavailable.FORKED: Advice(
            zh="日志存储与已确认的日志分叉；请保留两者并查明原因",
            en="the store tells another history than was acknowledged; keep both and find out why",
        ),
        Unavailable.FORK_WITNESSED: Advice(
            zh="见证方持有本日志签过名、而日志并不包含的检查点，日志已被回退或分叉；请保留证据文件夹与日志，查明原因，"
            "再按运维手册“见证”一节处理",
            en="witnesses have a checkpoint of this log that it does not contain: it was rolled back or forked; keep "
            'the evidence and the log, find out why, then do as docs/operate.md says under "Witnesses"',
        ),
        Unavailable.SECOND_WRITER: Advice(
            zh="另有进程在写此日志；请只保留一个",
            en="somebody else writes this log; leave only one",
        ),
        Unavailable.HEAD_LOST: Advice(
            zh="日志的第二份日志头缺失；请放回该文件，不可另建",
            en="the second copy of the log's head is missing; put the file back, do not make another",
        ),
        Unavailable.HEAD_UNREADABLE: Advice(
            zh="日志的第二份日志头无法读取或已损坏；请从副本恢复该文件",
            en="the second copy of the log's head cannot be read or is damaged; restore the file from a copy",
        ),
        Unavailable.CLOSED: Advice(zh="日志已关闭", en="the log is closed"),
        Unavailable.BROKEN: Advice(
            zh="日志程序出错；请重新启动并报告此事",
            en="the log met a fault of its own; start again and report it",
        ),
    }
)


class LogUnavailableError(AuditError):
    """The log took no entry, or may have taken one that nobody was told about; ``detail`` holds no content."""

    def __init__(self, reason: Unavailable, detail: str = "") -> None:
        super().__init__(": ".join(filter(None, (str(reason), ADVICE[reason].en, detail))))
        self.reason = reason
        self.detail = detail

    @property
    def passes(self) -> bool:
        """Whether the log goes on by itself once the cause is gone."""
        return ADVICE[self.reason].passes


def reason_of(error: OSError, otherwise: Unavailable) -> Unavailable:
    """Return the reason that the system gives for a call that failed, or else another."""
    return _BY_NUMBER.get(error.errno or 0, otherwise)


_BY_NUMBER: Final = MappingProxyType(
    {
        errno.ENOSPC: Unavailable.DISK_FULL,
        errno.EDQUOT: Unavailable.DISK_FULL,
        errno.EROFS: Unavailable.READ_ONLY,
    }
)
