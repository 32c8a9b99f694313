"""``tongban licences import``: records of other systems into the licence store, each batch in the access log first."""

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE
from adapters.strict.bounds import MIB
from gateway.cli import adapter_commands, store_commands
from gateway.cli.adapter_files import read_adapter
from gateway.cli.command_log import CommandLog, open_log_for_command
from gateway.cli.console import ERR, ExitCode, print_json, progress_bar
from gateway.cli.failure import fail
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.cli.store_entries import draft_records
from gateway.licence_import.importing import Batch, ImportJob, import_records
from gateway.licence_import.layout import ImportFault, ImportFileError
from gateway.licence_import.rejects import reject_path
from gateway.licence_import.tally import Tally
from gateway.site import STATE_FOLDER
from gateway.sources.recording import RecordingStore
from gateway.store_site import open_store
from gateway.trust.files import locked

_CHECKPOINTS: Final = "imports"  # inside the state folder
_SENTENCES: Final = {
    ImportFault.TOO_LARGE: (
        f"一条消息超过 {MAX_DOCUMENT_MESSAGE // MIB} MiB；请改为每行一条消息",
        f"one message is larger than {MAX_DOCUMENT_MESSAGE // MIB} MiB; write one message a line",
    ),
    ImportFault.CHANGED: (
        "导入期间文件发生了变化；请重新导入",
        "the file changed while it was imported; import it again",
    ),
}


def import_files(files: Sequence[Path], *, adapter: str, site: Path, as_json: bool) -> ExitCode:
    """Import files one by one; INVALID when a record was rejected, USAGE when a file cannot be imported."""

    def run(now: datetime) -> ExitCode:
        mapping, compiled = read_adapter(adapter, site=site)
        checkpoints = site / STATE_FOLDER / _CHECKPOINTS
        settings = load_settings(site)
        checkpoints.mkdir(parents=True, exist_ok=True)
        worst = ExitCode.DONE
        with (
            locked(checkpoints),  # one import at a time: two of one file would count each other's records
            open_log_for_command(site) as log,
            closing(open_store(site, settings, create=True)) as store,
        ):
            for path in files:
                job = ImportJob(path=path, adapter=compiled, mapping=mapping, checkpoints=checkpoints)
                worst = max(worst, _import(job, store, log, now, as_json=as_json))
        return worst

    def judged() -> ExitCode:
        return store_commands.guard(run, as_json=as_json)

    return adapter_commands.guard(lambda _: judged(), as_json=as_json)


def _import(job: ImportJob, store: RecordingStore, log: CommandLog, now: datetime, *, as_json: bool) -> ExitCode:
    def announce(batch: Batch) -> None:
        context = [
            f"system={job.adapter.id}",
            f"mapping={job.adapter.digest}",
            f"first-line={batch.first_line}",
            f"records={batch.records}",
            f"content={batch.digest}",
        ]
        log.append([draft_records(job.adapter.id, context, at=now)])

    try:
        with progress_bar() as progress:
            task = progress.add_task(say("正在导入（字节）", "importing (bytes)"), total=None)

            def advance(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            tally = import_records(job, store, announce=announce, advance=advance, at=now)
    except ImportFileError as error:
        sentence = say(*_SENTENCES[error.fault]) + (f" ({error.line})" if error.line else "")
        fail(f"import.{error.fault}", sentence, "", place=str(job.path), as_json=as_json)
        return ExitCode.USAGE
    except BrokenProcessPool:
        zh, en = "读取进程意外结束；再次运行将从中断处继续", "a reading process ended; run it again, and it goes on"
        fail("import.reader", say(zh, en), "", place=str(job.path), as_json=as_json)
        return ExitCode.USAGE
    _tell(job.path, tally, as_json=as_json)
    return ExitCode.INVALID if tally.rejected else ExitCode.DONE


def _tell(path: Path, tally: Tally, *, as_json: bool) -> None:
    rejects = str(reject_path(path)) if tally.rejected else None
    if as_json:
        print_json({"input": str(path), **asdict(tally), "rejects": rejects})
        return
    zh = f"读取 {tally.read}，入库 {tally.stored}，未变 {tally.unchanged}，未导入 {tally.rejected}"
    en = f"read {tally.read}, stored {tally.stored}, unchanged {tally.unchanged}, rejected {tally.rejected}"
    ERR.print(say(zh, en), markup=False)
    if tally.unseen:
        zh = f"{tally.unseen} 条记录的状态代码未列入映射，按“未知”入库；请补充 [status]"
        en = f"{tally.unseen} records have a status code that the mapping does not name: unknown; mend [status]"
        ERR.print(say(zh, en), markup=False)
    if rejects is not None:
        ERR.print(say(f"未导入的记录及原因：{rejects}", f"what was rejected, and why: {rejects}"), markup=False)
