"""``tongban licences generate``: synthetic licences into the empty store of a site, for tests of size."""

import json
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.cli import store_commands
from gateway.cli.command_log import open_log_for_command
from gateway.cli.console import ERR, ExitCode, print_json, progress_bar
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.cli.store_entries import draft_records
from gateway.demo.filling import fill_store
from gateway.demo.generated import Generation, Press
from gateway.rendering import encode_time
from gateway.secret_file import SecretError, read_or_make_secret
from gateway.site import STATE_FOLDER, TRUST_FOLDER
from gateway.sources.licence_store import Selection
from gateway.store_site import open_store
from gateway.trust.files import locked, read_file, replace_file

_FOLDER: Final = "generated"  # inside the state folder
_RUN: Final = "run.json"
_KEY: Final = "authority.key"  # from which all keys of the TEST authority come
_MAX_FILE: Final = 4096
_SYSTEM: Final = "generated"  # what the access log names in place of a system


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What a run is to do, as of when, and how many of its licences are stored."""

    count: int
    documents: int
    seed: int
    at: str
    done: int = 0


def generate(count: int, *, site: Path, documents: int, seed: int, trust: bool, as_json: bool) -> ExitCode:
    """Fill the store; a run that was interrupted goes on, and one that is done does nothing."""

    def run(now: datetime) -> ExitCode:
        settings, folder = load_settings(site), site / STATE_FOLDER / _FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        with (
            locked(folder),
            open_log_for_command(site) as log,
            closing(open_store(site, settings, create=True)) as store,
            progress_bar() as progress,
        ):
            wanted = _Run(count=count, documents=min(documents, count), seed=seed, at=encode_time(now))
            work = _resume(folder / _RUN, wanted, is_empty=next(store.entries(Selection()), None) is None)
            generation = Generation(
                count=work.count, documents=work.documents, seed=work.seed, at=datetime.fromisoformat(work.at)
            )
            press = Press(generation, secret=_read_secret(folder / _KEY))
            place = site / TRUST_FOLDER if trust else folder / TRUST_FOLDER
            press.authority.write_trust_folder(place, now)
            task = progress.add_task(say("正在生成", "generating"), total=work.count, completed=work.done)

            def announce(first: int, end: int) -> None:
                context = [f"seed={work.seed}", f"first={first}", f"records={end - first}"]
                log.append([draft_records(_SYSTEM, context, at=now)])

            def advance(done: int) -> None:
                _write(folder / _RUN, replace(work, done=done))
                progress.update(task, completed=done)

            fill_store(store, generation, press, begin=work.done, announce=announce, advance=advance)
        _tell(work, place, as_json=as_json)
        return ExitCode.DONE

    return store_commands.guard(run, as_json=as_json)


def _resume(path: Path, wanted: _Run, *, is_empty: bool) -> _Run:
    """Return the run that was begun here, or begin one; raises UsageError where another was, or there are licences."""
    try:
        found = _Run(**json.loads(read_file(path, _MAX_FILE)))
    except FileNotFoundError:
        if not is_empty:
            zh = "证照库中已有证照；生成的证照只写入空库，请另建站点。"
            en = "the store holds licences already; generated ones go into an empty store: make a site for them"
            raise UsageError(say(zh, en)) from None
        _write(path, wanted)
        return wanted
    except (ValueError, TypeError) as error:
        raise UsageError(say(f"{path} 无法识别。", f"{path} says nothing that can be read")) from error
    if (found.count, found.documents, found.seed) != (wanted.count, wanted.documents, wanted.seed):
        plan = f"{found.count} --documents {found.documents} --seed {found.seed}"
        raise UsageError(say(f"此站点已按 {plan} 生成。", f"this site was begun with {plan}"))
    return found


def _write(path: Path, run: _Run) -> None:
    replace_file(path, json.dumps(asdict(run)).encode())


def _read_secret(path: Path) -> bytes:
    try:
        return read_or_make_secret(path)
    except SecretError as error:
        raise UsageError(say(f"{path} 无法使用。", f"{path} cannot be used")) from error


def _tell(work: _Run, trust: Path, *, as_json: bool) -> None:
    if as_json:
        told: dict[str, object] = {"licences": work.count, "documents": work.documents, "seed": work.seed}
        print_json(told | {"already": work.done, "trust": str(trust)})
        return
    zh = f"库中共 {work.count} 份生成的证照，其中 {work.documents} 份有文件；TEST 信任锚：{trust}"
    en = f"{work.count} generated licences, {work.documents} of them with a document; the TEST anchors: {trust}"
    ERR.print(say(zh, en), markup=False)
