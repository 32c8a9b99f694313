"""``tongban audit status|retain``: how the access log of a site stands, and what is past its time in it."""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from gateway.audit.book.place import COSIGNED_FILE, KEYS_FILE, LOG_FILE, FolderPlace
from gateway.audit.errors import MalformedLogDataError
from gateway.audit.head import DAMAGED_HEAD, MAX_HEAD, is_damaged
from gateway.audit.link.address import is_absence
from gateway.audit.link.client import connect_link
from gateway.audit.store.store import StoredHead
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.note import MAX_NOTE
from gateway.audit.unavailable import ADVICE, LogUnavailableError
from gateway.audit.witness.fork import verify_not_forked
from gateway.cli.audit_commands import guard
from gateway.cli.audit_shred import tell_not_purged
from gateway.cli.command_log import open_log_for_command, tell_silence
from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.log_site import link_folder, open_place
from gateway.rendering import encode_time
from gateway.trust.files import read_file

_JOURNAL: Final = "-wal"  # SQLite's, beside the file
_MILLISECONDS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShardStatus:
    """How one shard stands; ``bytes`` None: a database keeps it; ``error``: why it cannot be read.

    ``head_is_damaged``: one slot of the second head is; the next entry writes it anew.
    """

    shard: str
    log: str = ""
    head: StoredHead | None = None
    bytes: int | None = None
    cosigned: int | None = None
    head_is_damaged: bool = False
    error: LogUnavailableError | None = None


def show_status(site: Path, *, as_json: bool) -> ExitCode:
    """Show every shard, and whether the log takes entries; INVALID when it does not, or a shard cannot be read."""

    def run(_: datetime) -> ExitCode:
        settings = load_settings(site)
        is_running, stopped = asyncio.run(_ask(link_folder(site, settings)))
        place = open_place(site, settings)
        shards = [_read_shard(place, name) for name in place.shards()]
        errors = [one.error for one in shards if one.error is not None]
        stopped = stopped or next(iter(errors), None)
        if as_json:
            writer = {"running": is_running, "stopped": None if stopped is None else _describe_error(stopped)}
            print_json({"writer": writer, "shards": [_describe(one) for one in shards]})
        else:
            _show(shards, stopped, is_running=is_running)
        return ExitCode.DONE if stopped is None else ExitCode.INVALID

    return guard(run, as_json=as_json)


def retain_site(site: Path, *, as_json: bool) -> ExitCode:
    """Remove what is past its time from every shard; UNKNOWN when files may still hold some of it."""

    def run(_: datetime) -> ExitCode:
        with open_log_for_command(site) as log:
            done = log.retain()
        for one in done:
            if as_json:
                sums = {"entries": one.entries, "index_rows": one.words, "keys": one.keys, "purged": one.purged}
                print_json({"shard": one.shard, "entry": one.entry, **sums})
            else:
                zh = f"{one.shard}：到期 {one.entries} 条，清除索引 {one.words} 行，销毁密钥 {one.keys} 个。"
                en = f"{one.shard}: {one.entries} entries were due; {one.words} rows of the index and {one.keys} keys"
                OUT.print(say(zh, en), markup=False)
        if all(one.purged for one in done):
            return ExitCode.DONE
        if not as_json:
            tell_not_purged()
        return ExitCode.UNKNOWN

    return guard(run, as_json=as_json)


async def _ask(folder: Path) -> tuple[bool, LogUnavailableError | None]:
    """Return whether a gateway writes the log, and why it takes nothing."""
    try:
        client = await connect_link(folder)
    except LogUnavailableError as error:
        return (False, None) if is_absence(error.__cause__) else (True, tell_silence(error))
    await client.close()
    return True, client.stopped


def _read_shard(place: FolderPlace, shard: str) -> _ShardStatus:
    folder = place.folder(shard)
    try:
        verify_not_forked(folder)
        with closing(place.read(shard)) as reader:
            log, head = reader.origin, reader.head()
    except LogUnavailableError as error:
        return _ShardStatus(shard=shard, error=error)
    return _ShardStatus(
        shard=shard,
        log=log,
        head=head,
        bytes=_size(folder),
        cosigned=_cosigned(folder),
        head_is_damaged=_has_damage(place.head_file(shard)),
    )


def _size(folder: Path) -> int | None:
    """Return the bytes of log and keys on disk; None where a database has them."""
    files = [folder / (name + suffix) for name in (LOG_FILE, KEYS_FILE) for suffix in ("", _JOURNAL)]
    found = [path.stat().st_size for path in files if path.exists()]
    return sum(found) if found else None


def _cosigned(folder: Path) -> int | None:
    """Return how many entries the newest cosigned checkpoint covers; None without one that can be read."""
    try:
        return parse_checkpoint(read_file(folder / COSIGNED_FILE, MAX_NOTE)).checkpoint.size
    except (OSError, MalformedLogDataError):
        return None


def _has_damage(path: Path) -> bool:
    """Answer whether a slot of a second head is damaged; read twice, since a gateway may be writing it."""
    try:
        return all(is_damaged(path.read_bytes()[:MAX_HEAD]) for _ in range(2))
    except OSError:  # whoever opens it for writing says why
        return False


def _describe(one: _ShardStatus) -> dict[str, Any]:
    return {
        "shard": one.shard,
        "log": one.log or None,
        "size": 0 if one.head is None else one.head.size,
        "latest": None if one.head is None else encode_time(_moment(one.head)),
        "root": None if one.head is None else one.head.root.hex(),
        "checkpoint": None if one.head is None else one.head.checkpoint.decode(),
        "cosigned": one.cosigned,
        "bytes": one.bytes,
        "head_damaged": one.head_is_damaged,
        "error": None if one.error is None else _describe_error(one.error),
    }


def _describe_error(error: LogUnavailableError) -> dict[str, Any]:
    advice = ADVICE[error.reason]
    return {"reason": error.reason.value, "detail": error.detail or None, "zh": advice.zh, "en": advice.en}


def _moment(head: StoredHead) -> datetime:
    return datetime.fromtimestamp(head.t / _MILLISECONDS, UTC).replace(microsecond=0)


def _show(shards: list[_ShardStatus], stopped: LogUnavailableError | None, *, is_running: bool) -> None:
    table = Table()
    titles = (("分段", "shard"), ("条目", "entries"), ("最近一条", "latest"), ("见证至", "cosigned"), ("字节", "bytes"))
    for zh, en in titles:
        table.add_column(say(zh, en))
    for one in shards:
        size = "?" if one.error is not None else str(0 if one.head is None else one.head.size)
        latest = "" if one.head is None else encode_time(_moment(one.head))
        table.add_row(one.shard, size, latest, _number(one.cosigned), _number(one.bytes))
    OUT.print(table)
    latest_head = shards[-1].head if shards else None
    if latest_head is not None:
        OUT.print(escape(_printable_lines(latest_head.checkpoint)))
    for one in shards:
        if one.head_is_damaged:
            zh = f"{one.shard}：第二份日志头的两个副本之一已损坏（写入中断或被改动），以另一副本为准，写入时重写。"
            en = f"{one.shard}: the second head: {DAMAGED_HEAD}, and the next entry writes this one anew"
            ERR.print(escape(printable(f"tongban: {say(zh, en)}")))
    OUT.print(say("网关正在写入。", "A gateway writes it.") if is_running else say("网关未运行。", "No gateway runs."))
    if stopped is not None:
        advice = ADVICE[stopped.reason]
        detail = f" ({stopped.detail})" if stopped.detail else ""
        zh, en = "日志不接受条目", "the log takes no entries"
        ERR.print(escape(printable(f"tongban: {say(zh, en)} [{stopped.reason}]: {say(advice.zh, advice.en)}{detail}")))


def _printable_lines(note: bytes) -> str:
    """Return a note as a terminal may have it."""
    return "\n".join(printable(line) for line in note.decode("utf-8", "replace").splitlines())


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
