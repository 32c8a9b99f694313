"""How ``tongban store`` words what it found: sentences, tables, JSON; never a number or a holder."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from gateway.cli.console import ERR, OUT, printable
from gateway.cli.language import say
from gateway.rendering import encode_time
from gateway.sources.intake import IntakeError, IntakeFault
from gateway.sources.licence_store import LicenceEntry, LicenceHistory, StatusChange
from gateway.sources.source import SourceFault
from policies.dimension import LicenceStatus

RESULTS: Final[Mapping[str, tuple[str, str]]] = {
    "new": ("新增", "new"),
    "new-version": ("新版本", "new versions"),
    "already-there": ("已有", "already there"),
    "refused": ("未导入", "refused"),
}
SOURCE_FAULTS: Final[Mapping[SourceFault, tuple[str, str]]] = {
    SourceFault.ABSENT: ("尚无证照库，请先导入。", "there is no licence store yet; import licences first"),
    SourceFault.BUSY: ("证照库正被占用，请稍后重试。", "the licence store is locked by somebody else; try again"),
    SourceFault.CORRUPT: (
        "证照库已损坏或不是证照库，请从备份恢复。",
        "the licence store is damaged, or no licence store; restore it from a backup",
    ),
    SourceFault.UNUSABLE: ("证照库无法打开或读写。", "the licence store cannot be opened, read or written"),
    SourceFault.NEWER: ("证照库由更新版本的程序写入。", "the licence store was written by a later version"),
}
INTAKE_FAULTS: Final[Mapping[IntakeFault, tuple[str, str]]] = {
    IntakeFault.MALFORMED: ("文件结构不符合标准", "the file does not have the structure of the standard"),
    IntakeFault.TOO_LARGE: ("文件或其内容过大", "the file or its content is too large"),
    IntakeFault.UNRECOGNISED: ("不是可识别的证照文件", "this is no licence file that is recognised"),
    IntakeFault.NO_METADATA: ("文件没有可用的证照元数据", "the file carries no usable licence metadata"),
    IntakeFault.NO_KEY: (
        "元数据既无证照标识，也无证照编号与类型",
        "the metadata state neither an identifier nor a number with its type",
    ),
    IntakeFault.ANNOTATED_COPY: (
        "是加注件，请导入原件",
        "this is an annotated copy (加注件); import the original",
    ),
    IntakeFault.NOT_GENUINE: ("核验结果为无效，疑似伪造或篡改", "it is not genuine, as its verification shows"),
    IntakeFault.IDENTIFIER_IN_USE: (
        "证照标识已属于另一编号或类型的证照",
        "its identifier belongs to a licence of another number or type",
    ),
}
STATUS_WORDS: Final[Mapping[LicenceStatus, tuple[str, str]]] = {
    LicenceStatus.ACTIVE: ("有效", "active"),
    LicenceStatus.SUSPENDED: ("暂扣", "suspended"),
    LicenceStatus.EXPIRED: ("已失效", "expired"),
    LicenceStatus.REVOKED: ("已吊销", "revoked"),
    LicenceStatus.CANCELLED: ("已注销", "cancelled"),
    LicenceStatus.SUPERSEDED: ("已换证", "superseded"),
    LicenceStatus.UNKNOWN: ("状态不明", "unknown"),
}


def show_refusal(name: str, error: IntakeError) -> None:
    """Say why a file was not stored."""
    detail = f" ({error.detail})" if error.detail else ""
    ERR.print(f"tongban: {escape(printable(f'{name}: {say(*INTAKE_FAULTS[error.fault])}{detail}'))}")


def describe_entry(entry: LicenceEntry) -> dict[str, Any]:
    """Return the JSON object of a licence."""
    return {
        "identifier": entry.identifier or None,
        "sha256": entry.sha256 or None,
        "type": entry.type_code or None,
        "name": entry.name or None,
        "status": entry.status.value,
        "status_since": encode_time(entry.status_since),
        "under_objection": entry.is_under_objection,
        "versions": entry.versions,
    }


def describe_change(change: StatusChange) -> dict[str, Any]:
    """Return the JSON object of a status with its reason."""
    return {
        "status": change.status.value,
        "since": encode_time(change.since),
        "under_objection": change.is_under_objection,
        "reason": change.reason or None,
    }


def describe_history(history: LicenceHistory) -> dict[str, Any]:
    """Return the JSON object of a licence with its versions and every status it had."""
    return describe_entry(history.entry) | {
        "history": [describe_change(change) for change in history.changes],
        "documents": [
            {
                "identifier": version.identifier or None,
                "sha256": version.sha256 or None,
                "bytes": version.bytes,
                "issued_on": version.issued_on or None,
                "stored_at": encode_time(version.stored_at),
                "current": version.is_current,
            }
            for version in history.versions
        ],
    }


def show_entries(entries: Iterable[LicenceEntry]) -> None:
    """Print licences as a table."""
    table = _table(
        ("证照标识", "identifier"), ("证照类型", "type"), ("状态", "status"), ("起", "since"), ("版本", "versions")
    )
    for entry in entries:
        table.add_row(
            escape(entry.identifier or f"sha256:{entry.sha256}"),
            escape(entry.name or entry.type_code),
            _status(entry.status, is_under_objection=entry.is_under_objection),
            encode_time(entry.status_since),
            str(entry.versions),
        )
    OUT.print(table)


def show_history(history: LicenceHistory) -> None:
    """Print a licence, its versions and every status it had."""
    show_entries([history.entry])
    versions = _table(
        ("证照标识", "identifier"),
        ("SHA-256", "SHA-256"),
        ("颁发日期", "issued"),
        ("入库", "stored"),
        ("现行", "current"),
    )
    for version in history.versions:
        digest = version.sha256 or say("文件未就绪", "not made yet")
        mark = "✓" if version.is_current else ""
        versions.add_row(escape(version.identifier), digest, version.issued_on, encode_time(version.stored_at), mark)
    OUT.print(versions)
    changes = _table(("状态", "status"), ("起", "since"), ("理由", "reason"))
    for change in history.changes:
        status = _status(change.status, is_under_objection=change.is_under_objection)
        changes.add_row(status, encode_time(change.since), escape(change.reason))
    OUT.print(changes)


def _table(*titles: tuple[str, str]) -> Table:
    table = Table()
    for zh, en in titles:
        table.add_column(say(zh, en), overflow="fold")
    return table


def _status(status: LicenceStatus, *, is_under_objection: bool) -> str:
    return say(*STATUS_WORDS[status]) + (say("（异议处理中）", " (under objection)") if is_under_objection else "")
